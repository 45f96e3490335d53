//! The server says what it wants of a client that wants in.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::auth::{Binding, ClientFirst, ScramKeys};
use crate::connection::phase::asking::WithPassword;
use crate::connection::phase::oauth::begin_oauth;
use crate::connection::phase::scram::SaslContinue;
use crate::connection::phase::{Context, Next, Phase};
use crate::error::ProtocolErrorKind;
use crate::message::backend::authentication::Authentication;
use crate::message::frontend::password::write_sasl_initial;
use crate::startup::{AuthMethod, ChannelBinding, TlsFacts};

const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";
pub(super) const OAUTHBEARER: &str = "OAUTHBEARER";

/// The server has not said yet what it wants.
#[derive(Debug, Default)]
pub(in crate::connection) struct Requested {
    /// It has said that it is older than what was asked for.
    pub(in crate::connection) negotiated: bool,
}

/// All that was asked for was given.
#[derive(Debug)]
pub(in crate::connection) struct Answered {
    pub(super) admission: Admission,
}

/// Let in; the session is being set up.
#[derive(Debug)]
pub(in crate::connection) struct Authenticated {
    pub(in crate::connection) admission: Admission,
}

/// How the client was let in.
#[derive(Clone, Copy, Debug)]
pub(in crate::connection) struct Admission {
    pub(in crate::connection) method: AuthMethod,
    pub(in crate::connection) bound: bool,
}

impl Admission {
    fn unbound(method: AuthMethod) -> Self {
        Self {
            method,
            bound: false,
        }
    }
}

impl Requested {
    pub(super) fn handle(self, message: Authentication<'_>, context: &mut Context<'_>) -> Next {
        match message {
            Authentication::Ok => {
                context.check_unbound(AuthMethod::None)?;
                let admission = Admission::unbound(AuthMethod::None);
                Ok((Phase::Authenticated(Authenticated { admission }), None))
            }
            Authentication::CleartextPassword => {
                context.check_unbound(AuthMethod::Password)?;
                WithPassword::Cleartext.begin(context)
            }
            Authentication::Md5Password { salt } => {
                context.check_unbound(AuthMethod::Md5)?;
                WithPassword::Md5 { salt }.begin(context)
            }
            Authentication::Sasl { mechanisms } => match choose(&mechanisms, context)? {
                Mechanism::Scram(name, binding) if context.has_keys() => {
                    begin_scram(name, binding, context)
                }
                Mechanism::Scram(name, binding) => {
                    WithPassword::Scram { name, binding }.begin(context)
                }
                Mechanism::Oauth => begin_oauth(context),
            },
            Authentication::Unsupported { name } => Err(ProtocolErrorKind::MethodUnsupported {
                method: name.to_string(),
            }),
            Authentication::SaslContinue { .. } | Authentication::SaslFinal { .. } => {
                Err(ProtocolErrorKind::UnexpectedMessage)
            }
        }
    }
}

impl Answered {
    pub(super) fn unbound(method: AuthMethod) -> Phase {
        let admission = Admission::unbound(method);
        Phase::Answered(Self { admission })
    }

    pub(super) fn handle(self, message: &Authentication<'_>) -> Next {
        match message {
            Authentication::Ok => {
                let admission = self.admission;
                Ok((Phase::Authenticated(Authenticated { admission }), None))
            }
            _ => Err(ProtocolErrorKind::UnexpectedMessage),
        }
    }
}

enum Mechanism {
    Scram(&'static str, Binding),
    Oauth,
}

/// The mechanism to answer with, of those that the server offers: SCRAM, which gives nothing away, before OAUTHBEARER; one that is allowed,
/// and that there is something to answer with, before others.
fn choose(offered: &[String], context: &Context<'_>) -> Result<Mechanism, ProtocolErrorKind> {
    let offers = |name: &str| offered.iter().any(|mechanism| mechanism == name);
    let scram = choose_scram(offers(SCRAM_SHA_256), offers(SCRAM_SHA_256_PLUS), context);
    let scram = scram.map(|(name, binding)| Mechanism::Scram(name, binding));
    let oauth = offers(OAUTHBEARER).then_some(Mechanism::Oauth);
    let candidates: Vec<Mechanism> = scram.into_iter().chain(oauth).collect();
    let rank = |mechanism: &Mechanism| {
        let allowed = context.allows(mechanism.method());
        (allowed, allowed && context.can_answer(mechanism))
    };
    // Of several of the same rank the last one is the greatest.
    let best = candidates.into_iter().rev().max_by_key(rank);
    let Some(mechanism) = best else {
        // Somebody who has not proved who he is says this: no control characters.
        let names = offered.join(", ");
        let method = names.chars().filter(|c| !c.is_control()).collect();
        return Err(ProtocolErrorKind::MethodUnsupported { method });
    };
    match &mechanism {
        Mechanism::Scram(_, binding) if binding.is_bound() => context.check(mechanism.method())?,
        _ => context.check_unbound(mechanism.method())?,
    }
    Ok(mechanism)
}

/// Row by row as RFC 5802, section 6, has it: a client that could have bound says so, and a server that had offered it notices.
fn choose_scram(plain: bool, plus: bool, context: &Context<'_>) -> Option<(&'static str, Binding)> {
    match context.binding() {
        Some(hash) if plus => {
            let hash = hash.to_vec();
            Some((SCRAM_SHA_256_PLUS, Binding::ServerEndPoint(hash)))
        }
        Some(_) if plain => Some((SCRAM_SHA_256, Binding::NotOffered)),
        None if plain => Some((SCRAM_SHA_256, Binding::NotSupported)),
        _ => None,
    }
}

/// With what proves who we are at hand: a password, or keys.
pub(super) fn begin_scram(name: &'static str, binding: Binding, context: &mut Context<'_>) -> Next {
    let client_first = ClientFirst::new(context.nonce, binding);
    let message = client_first.message();
    context.send_secret(message.len(), |out| {
        write_sasl_initial(out, name, message.as_bytes())
    })?;
    Ok((Phase::SaslContinue(SaslContinue { client_first }), None))
}

impl Mechanism {
    fn method(&self) -> AuthMethod {
        match self {
            Self::Scram(..) => AuthMethod::ScramSha256,
            Self::Oauth => AuthMethod::Oauth,
        }
    }
}

impl Context<'_> {
    fn allows(&self, method: AuthMethod) -> bool {
        self.startup.allows(method, self.tls)
    }

    fn can_answer(&self, mechanism: &Mechanism) -> bool {
        match mechanism {
            Mechanism::Scram(..) => {
                self.startup.keys.is_some() || self.known_password(mechanism.method()).is_ok()
            }
            Mechanism::Oauth => self.startup.oauth.is_some(),
        }
    }

    /// Whether SCRAM begins without a password. Keys of one salt and count may turn out to be for another, so then a password that is to be
    /// asked for is asked for at once.
    fn has_keys(&self) -> bool {
        let fits_any = |keys: &ScramKeys| keys.salt().is_none();
        let keys = self.startup.keys.as_ref();
        keys.is_some_and(|keys| fits_any(keys) || !self.startup.password_on_demand)
    }

    /// What SCRAM can be bound to, if that is wanted.
    fn binding(&self) -> Option<&[u8]> {
        let wanted = self.startup.channel_binding != ChannelBinding::Disable;
        self.tls.filter(|_| wanted).and_then(TlsFacts::binding)
    }

    fn check(&self, method: AuthMethod) -> Result<(), ProtocolErrorKind> {
        let allowed = self.allows(method).then_some(());
        let method = method.name();
        allowed.ok_or(ProtocolErrorKind::MethodNotAllowed { method })
    }

    /// Whether a method may be used without channel binding.
    fn check_unbound(&self, method: AuthMethod) -> Result<(), ProtocolErrorKind> {
        self.check(method)?;
        if self.startup.channel_binding == ChannelBinding::Require {
            let method = method.name();
            return Err(ProtocolErrorKind::ChannelBindingRequired { method });
        }
        Ok(())
    }
}
