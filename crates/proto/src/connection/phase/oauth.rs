//! OAUTHBEARER: one message, and what a server says that does not like it.

use alloc::boxed::Box;

use crate::auth::{DISMISSED, OauthChallenge, initial_response};
use crate::connection::phase::asking::AwaitingToken;
use crate::connection::phase::requested::{Admission, Authenticated, OAUTHBEARER};
use crate::connection::phase::{Context, Next, Phase};
use crate::error::ProtocolErrorKind;
use crate::event::{Event, StartupEvent};
use crate::message::backend::authentication::Authentication;
use crate::message::frontend::password::{write_sasl, write_sasl_initial};
use crate::startup::{AuthMethod, Oauth};

/// The token was sent, or that there is none.
#[derive(Debug)]
pub(in crate::connection) struct OauthSent {
    pub(super) with_token: bool,
}

/// The server does not accept it; its error is awaited.
#[derive(Debug)]
pub(in crate::connection) struct OauthDismissed;

/// Says the token, or that there is none; asks for it where that is what was said.
pub(super) fn begin_oauth(context: &mut Context<'_>) -> Next {
    if matches!(context.startup.oauth, Some(Oauth::OnDemand)) {
        let phase = Phase::AwaitingToken(AwaitingToken);
        return Ok((phase, Some(Event::Startup(StartupEvent::TokenNeeded))));
    }
    send_token(context)
}

pub(super) fn send_token(context: &mut Context<'_>) -> Next {
    let token = match &context.startup.oauth {
        None | Some(Oauth::OnDemand) => return Err(ProtocolErrorKind::BearerTokenMissing),
        Some(Oauth::Discovery) => None,
        Some(Oauth::Token(token)) => Some(token),
    };
    let message = initial_response(token);
    context.send_secret(message.len(), |out| {
        write_sasl_initial(out, OAUTHBEARER, &message)
    })?;
    let with_token = token.is_some();
    Ok((Phase::OauthSent(OauthSent { with_token }), None))
}

impl OauthSent {
    pub(super) fn handle(self, message: Authentication<'_>, context: &mut Context<'_>) -> Next {
        match message {
            // There is no SASLFinal behind a token. A server that lets in who has none was not asked for that.
            Authentication::Ok if self.with_token => {
                let admission = Admission {
                    method: AuthMethod::Oauth,
                    bound: false,
                };
                Ok((Phase::Authenticated(Authenticated { admission }), None))
            }
            Authentication::SaslContinue { data } => {
                let expected = "a challenge that is text";
                let challenge = OauthChallenge::decode(data)
                    .ok_or(ProtocolErrorKind::Malformed { expected })?;
                write_sasl(context.send.bytes_mut(), DISMISSED)
                    .map_err(ProtocolErrorKind::Misuse)?;
                let event = StartupEvent::OauthChallenge(Box::new(challenge));
                let phase = Phase::OauthDismissed(OauthDismissed);
                Ok((phase, Some(Event::Startup(event))))
            }
            _ => Err(ProtocolErrorKind::UnexpectedMessage),
        }
    }
}
