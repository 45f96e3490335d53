//! SCRAM-SHA-256: the client proves that it knows the password, then the server does.

use alloc::boxed::Box;

use crate::auth::{
    ClientFirst, DeriveKey, Password, ScramKeys, ScramLimits, ServerFinal, ServerFirst,
};
use crate::buffer::send::SendBuffer;
use crate::connection::phase::requested::{Admission, Answered};
use crate::connection::phase::{Context, Next, Phase, ROOM};
use crate::error::ProtocolErrorKind;
use crate::event::{Event, StartupEvent};
use crate::message::backend::authentication::Authentication;
use crate::message::frontend::password::write_sasl;
use crate::startup::AuthMethod;

/// The first message of SCRAM was sent.
#[derive(Debug)]
pub(in crate::connection) struct SaslContinue {
    pub(super) client_first: ClientFirst,
}

/// The keys are being derived.
#[derive(Debug)]
pub(in crate::connection) struct Deriving {
    server_first: ServerFirst,
    bound: bool,
}

/// The proof was sent; the server has to prove itself.
#[derive(Debug)]
pub(in crate::connection) struct SaslFinal {
    server_final: ServerFinal,
    bound: bool,
}

impl SaslContinue {
    pub(super) fn handle(self, message: Authentication<'_>, context: &mut Context<'_>) -> Next {
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
        let bound = self.client_first.is_bound();
        let server_first = self
            .client_first
            .server_first(data, &limits)
            .map_err(ProtocolErrorKind::Scram)?;
        let deriving = Deriving {
            server_first,
            bound,
        };
        match deriving.fitting(context.startup.keys.as_ref()) {
            Some(keys) => deriving
                .prove(keys, context.send)
                .map(|phase| (phase, None)),
            None => {
                let job = deriving.job(context.password(AuthMethod::ScramSha256)?)?;
                let event = Event::Startup(StartupEvent::DeriveKey(Box::new(job)));
                Ok((Phase::Deriving(deriving), Some(event)))
            }
        }
    }
}

impl Deriving {
    /// The server has to wait for our proof: whatever it sends now was not meant for this exchange.
    pub(super) fn handle(self, message: &Authentication<'_>) -> Next {
        Err(match message {
            Authentication::Ok => ProtocolErrorKind::AuthenticationIncomplete,
            _ => ProtocolErrorKind::UnexpectedMessage,
        })
    }

    pub(in crate::connection) fn fitting<'k>(
        &self,
        keys: Option<&'k ScramKeys>,
    ) -> Option<&'k ScramKeys> {
        keys.filter(|keys| keys.fits(self.server_first.salt(), self.server_first.iterations()))
    }

    fn job(&self, password: &Password) -> Result<DeriveKey, ProtocolErrorKind> {
        self.server_first
            .job(password)
            .map_err(|_| ProtocolErrorKind::PasswordNotAscii)
    }

    pub(in crate::connection) fn prove(
        self,
        keys: &ScramKeys,
        send: &mut SendBuffer,
    ) -> Result<Phase, ProtocolErrorKind> {
        let bound = self.bound;
        let (message, server_final) = self.server_first.client_final(keys);
        send.mark_secret(message.len() + ROOM);
        write_sasl(send.bytes_mut(), message.as_bytes()).map_err(ProtocolErrorKind::Misuse)?;
        Ok(Phase::SaslFinal(SaslFinal {
            server_final,
            bound,
        }))
    }
}

impl SaslFinal {
    pub(super) fn handle(self, message: Authentication<'_>) -> Next {
        match message {
            Authentication::SaslFinal { data } => {
                self.server_final
                    .verify(data)
                    .map_err(ProtocolErrorKind::Scram)?;
                let admission = Admission {
                    method: AuthMethod::ScramSha256,
                    bound: self.bound,
                };
                Ok((Phase::Answered(Answered { admission }), None))
            }
            Authentication::Ok => Err(ProtocolErrorKind::AuthenticationIncomplete),
            _ => Err(ProtocolErrorKind::UnexpectedMessage),
        }
    }
}
