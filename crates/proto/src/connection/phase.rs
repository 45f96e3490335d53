//! The way in: one struct for each state, whose handler consumes it and returns the next.

use alloc::boxed::Box;
use alloc::string::ToString;

use crate::auth::{
    ChannelBinding, ClientFirst, DeriveKey, Nonce, Password, ScramKeys, ScramLimits, ServerFinal,
    ServerFirst, md5_response,
};
use crate::buffer::send::SendBuffer;
use crate::error::{ProtocolError, ProtocolErrorKind, UsageError};
use crate::event::{Closed, Event, StartupEvent};
use crate::limits::Limits;
use crate::message::backend::authentication::Authentication;
use crate::message::frontend::password::{write_password, write_sasl, write_sasl_initial};
use crate::startup::{AuthMethods, Startup};

/// Where a connection stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// The server has not said yet what it wants.
    Requested(Requested),
    /// The first message of SCRAM was sent.
    SaslContinue(SaslContinue),
    /// The keys are being derived.
    Deriving(Deriving),
    /// The proof was sent; the server has to prove itself.
    SaslFinal(SaslFinal),
    /// All that was asked for was given.
    Answered(Answered),
    /// Let in; the session is being set up.
    Authenticated(Authenticated),
    /// Open: the queue is the state.
    Open,
    /// The end, which is still to be handed out.
    Ending {
        closed: Closed,
        error: ProtocolError,
    },
    /// What stands here while a handler runs, and what an error then names.
    Handling { state: &'static str },
}

#[derive(Debug)]
pub(super) struct Requested;

#[derive(Debug)]
pub(super) struct SaslContinue {
    client_first: ClientFirst,
}

#[derive(Debug)]
pub(super) struct Deriving {
    server_first: ServerFirst,
}

#[derive(Debug)]
pub(super) struct SaslFinal {
    server_final: ServerFinal,
}

#[derive(Debug)]
pub(super) struct Answered;

#[derive(Debug)]
pub(super) struct Authenticated;

/// What a handler may use.
pub(super) struct Context<'a> {
    pub(super) send: &'a mut SendBuffer,
    pub(super) startup: &'a Startup,
    pub(super) nonce: &'a Nonce,
    pub(super) limits: &'a Limits,
}

pub(super) type Next = Result<(Phase, Option<Event>), ProtocolErrorKind>;

impl Phase {
    pub(super) fn first() -> Self {
        Self::Requested(Requested)
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Self::Ending { .. })
    }

    pub(super) fn is_authenticated(&self) -> bool {
        matches!(self, Self::Authenticated(_) | Self::Open)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Requested(_) => "Requested",
            Self::SaslContinue(_) => "SaslContinue",
            Self::Deriving(_) => "Deriving",
            Self::SaslFinal(_) => "SaslFinal",
            Self::Answered(_) => "Answered",
            Self::Authenticated(_) => "Authenticated",
            Self::Open => "Open",
            Self::Ending { .. } => "Ending",
            Self::Handling { state } => state,
        }
    }

    pub(super) fn handle(self, message: Authentication<'_>, context: &mut Context<'_>) -> Next {
        match self {
            Self::Requested(state) => state.handle(message, context),
            Self::SaslContinue(state) => state.handle(message, context),
            Self::Deriving(state) => state.handle(&message),
            Self::SaslFinal(state) => state.handle(message),
            Self::Answered(state) => state.handle(&message),
            Self::Authenticated(_) | Self::Open | Self::Ending { .. } | Self::Handling { .. } => {
                Err(ProtocolErrorKind::UnexpectedMessage)
            }
        }
    }
}

impl Requested {
    fn handle(self, message: Authentication<'_>, context: &mut Context<'_>) -> Next {
        let startup = context.startup;
        let allow = |method, name| {
            let allowed = startup.allows(method);
            allowed
                .then_some(())
                .ok_or(ProtocolErrorKind::MethodNotAllowed { method: name })
        };
        match message {
            Authentication::Ok => {
                allow(AuthMethods::NONE, "none")?;
                Ok((Phase::Authenticated(Authenticated), None))
            }
            Authentication::CleartextPassword => {
                allow(AuthMethods::PASSWORD, "password")?;
                let password = context.password("password")?;
                context.send_secret(password.as_bytes().len(), |out| {
                    write_password(out, password.as_bytes())
                })?;
                Ok((Phase::Answered(Answered), None))
            }
            Authentication::Md5Password { salt } => {
                allow(AuthMethods::MD5, "md5")?;
                let password = context.password("md5")?;
                let response = md5_response(&startup.user, password, salt);
                context.send_secret(response.len(), |out| write_password(out, &response))?;
                Ok((Phase::Answered(Answered), None))
            }
            Authentication::Sasl { mechanisms } => {
                if !mechanisms
                    .iter()
                    .any(|mechanism| mechanism == SCRAM_SHA_256)
                {
                    // Somebody who has not proved who he is says this: no control characters.
                    let names = mechanisms.join(", ");
                    let method = names.chars().filter(|c| !c.is_control()).collect();
                    return Err(ProtocolErrorKind::MethodUnsupported { method });
                }
                allow(AuthMethods::SCRAM_SHA_256, "scram-sha-256")?;
                if startup.keys.is_none() {
                    context.password("scram-sha-256")?;
                }
                // No TLS, hence nothing to bind to: `n,,`.
                let client_first = ClientFirst::new(context.nonce, ChannelBinding::NotSupported);
                let message = client_first.message();
                context.send_secret(message.len(), |out| {
                    write_sasl_initial(out, SCRAM_SHA_256, message.as_bytes())
                })?;
                Ok((Phase::SaslContinue(SaslContinue { client_first }), None))
            }
            Authentication::Unsupported { name } => Err(ProtocolErrorKind::MethodUnsupported {
                method: name.to_string(),
            }),
            Authentication::SaslContinue { .. } | Authentication::SaslFinal { .. } => {
                Err(ProtocolErrorKind::UnexpectedMessage)
            }
        }
    }
}

impl SaslContinue {
    fn handle(self, message: Authentication<'_>, context: &mut Context<'_>) -> Next {
        let data = match message {
            Authentication::SaslContinue { data } => data,
            Authentication::Ok => return Err(ProtocolErrorKind::AuthenticationIncomplete),
            _ => return Err(ProtocolErrorKind::UnexpectedMessage),
        };
        let limits = ScramLimits {
            max_iterations: context.limits.max_scram_iterations,
            max_nonce: context.limits.max_scram_nonce,
            max_message: context.limits.max_startup_message,
        };
        let server_first = self
            .client_first
            .server_first(data, &limits)
            .map_err(ProtocolErrorKind::Scram)?;
        let deriving = Deriving { server_first };
        match deriving.fitting(context.startup.keys.as_ref()) {
            Some(keys) => deriving
                .prove(keys, context.send)
                .map(|phase| (phase, None)),
            None => {
                let job = deriving.job(context.password("scram-sha-256")?)?;
                let event = Event::Startup(StartupEvent::DeriveKey(Box::new(job)));
                Ok((Phase::Deriving(deriving), Some(event)))
            }
        }
    }
}

impl Deriving {
    /// The server has to wait for our proof: whatever it sends now was not meant for this exchange.
    fn handle(self, message: &Authentication<'_>) -> Next {
        Err(match message {
            Authentication::Ok => ProtocolErrorKind::AuthenticationIncomplete,
            _ => ProtocolErrorKind::UnexpectedMessage,
        })
    }

    pub(super) fn fitting<'k>(&self, keys: Option<&'k ScramKeys>) -> Option<&'k ScramKeys> {
        keys.filter(|keys| keys.fits(self.server_first.salt(), self.server_first.iterations()))
    }

    fn job(&self, password: &Password) -> Result<DeriveKey, ProtocolErrorKind> {
        self.server_first
            .job(password)
            .map_err(|_| ProtocolErrorKind::PasswordNotAscii)
    }

    pub(super) fn prove(
        self,
        keys: &ScramKeys,
        send: &mut SendBuffer,
    ) -> Result<Phase, ProtocolErrorKind> {
        let (message, server_final) = self.server_first.client_final(keys);
        send.mark_secret(message.len() + ROOM);
        write_sasl(send.bytes_mut(), message.as_bytes()).map_err(ProtocolErrorKind::Misuse)?;
        Ok(Phase::SaslFinal(SaslFinal { server_final }))
    }
}

impl SaslFinal {
    fn handle(self, message: Authentication<'_>) -> Next {
        match message {
            Authentication::SaslFinal { data } => {
                self.server_final
                    .verify(data)
                    .map_err(ProtocolErrorKind::Scram)?;
                Ok((Phase::Answered(Answered), None))
            }
            Authentication::Ok => Err(ProtocolErrorKind::AuthenticationIncomplete),
            _ => Err(ProtocolErrorKind::UnexpectedMessage),
        }
    }
}

impl Answered {
    fn handle(self, message: &Authentication<'_>) -> Next {
        match message {
            Authentication::Ok => Ok((Phase::Authenticated(Authenticated), None)),
            _ => Err(ProtocolErrorKind::UnexpectedMessage),
        }
    }
}

const SCRAM_SHA_256: &str = "SCRAM-SHA-256";

/// What a message has around its secret, at the most.
const ROOM: usize = 32;

impl<'a> Context<'a> {
    fn password(&self, method: &'static str) -> Result<&'a Password, ProtocolErrorKind> {
        let missing = ProtocolErrorKind::PasswordMissing { method };
        // An empty password is none, as for libpq: a server could not tell it from one.
        let password = self
            .startup
            .password
            .as_ref()
            .filter(|password| !password.is_empty());
        password.ok_or(missing)
    }

    fn send_secret(
        &mut self,
        length: usize,
        write: impl FnOnce(&mut bytes::BytesMut) -> Result<(), UsageError>,
    ) -> Result<(), ProtocolErrorKind> {
        self.send.mark_secret(length + ROOM);
        write(self.send.bytes_mut()).map_err(ProtocolErrorKind::Misuse)
    }
}
