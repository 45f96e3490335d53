//! What the caller may have to be asked for before the server is answered: a password, a bearer token.

use crate::auth::{Binding, Password, md5_response};
use crate::connection::phase::oauth::send_token;
use crate::connection::phase::requested::{Answered, begin_scram};
use crate::connection::phase::{Context, Next, Phase};
use crate::event::{Event, StartupEvent};
use crate::message::frontend::password::write_password;
use crate::startup::AuthMethod;

/// The caller has to give a password.
#[derive(Debug)]
pub(in crate::connection) struct AwaitingPassword {
    then: WithPassword,
}

/// The caller has to give a bearer token.
#[derive(Debug)]
pub(in crate::connection) struct AwaitingToken;

/// What is done with a password.
#[derive(Debug)]
pub(super) enum WithPassword {
    Cleartext,
    Md5 {
        salt: [u8; 4],
    },
    Scram {
        name: &'static str,
        binding: Binding,
    },
}

impl AwaitingPassword {
    /// Goes on with what is in the `Startup` by now.
    pub(in crate::connection) fn given(self, context: &mut Context<'_>) -> Next {
        let password = context.password(self.then.method())?;
        self.then.answer(password, context)
    }
}

impl AwaitingToken {
    pub(in crate::connection) fn given(self, context: &mut Context<'_>) -> Next {
        send_token(context)
    }
}

impl WithPassword {
    /// Answers the server, or asks for what to answer with.
    pub(super) fn begin(self, context: &mut Context<'_>) -> Next {
        let method = self.method();
        match context.known_password(method)? {
            Some(password) => self.answer(password, context),
            None => {
                let phase = Phase::AwaitingPassword(AwaitingPassword { then: self });
                let event = StartupEvent::PasswordNeeded(method);
                Ok((phase, Some(Event::Startup(event))))
            }
        }
    }

    fn answer(self, password: &Password, context: &mut Context<'_>) -> Next {
        let method = self.method();
        match self {
            Self::Cleartext => {
                let password = password.as_bytes();
                context.send_secret(password.len(), |out| write_password(out, password))?;
                Ok((Answered::unbound(method), None))
            }
            Self::Md5 { salt } => {
                let response = md5_response(&context.startup.user, password, salt);
                context.send_secret(response.len(), |out| write_password(out, &response))?;
                Ok((Answered::unbound(method), None))
            }
            Self::Scram { name, binding } => begin_scram(name, binding, context),
        }
    }

    fn method(&self) -> AuthMethod {
        match self {
            Self::Cleartext => AuthMethod::Password,
            Self::Md5 { .. } => AuthMethod::Md5,
            Self::Scram { .. } => AuthMethod::ScramSha256,
        }
    }
}
