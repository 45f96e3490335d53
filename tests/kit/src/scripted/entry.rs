//! The way into a server: TLS, the version of the protocol, authentication.

use super::auth::{Auth, ScramServer, md5_answer};
use super::{ModelServer, PROCESS_ID};
use crate::backend;
use crate::frontend::Frontend;

const SALT: [u8; 4] = *b"salt";

/// The version word of protocol 3.0.
const V3_0: i32 = 3 << 16;
/// The version word of protocol 3.2.
const V3_2: i32 = (3 << 16) + 2;

/// How a server answers `SSLRequest`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// `N`: it has none.
    #[default]
    Refused,
    /// `S`. What follows counts as encrypted, though nothing encrypts it.
    Accepted,
    /// With an error message, as servers do that are at their end.
    Error,
    /// With another byte.
    Other(u8),
}

/// What a server knows of who wants in, and how it treats them.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) phase: Phase,
    pub(super) auth: Auth,
    pub(super) tls: Tls,
    pub(super) newest: i32,
    pub(super) certificate_hash: Option<Vec<u8>>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) encrypted: bool,
    /// The version that is spoken.
    version: i32,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The first message is awaited; perhaps TLS was asked for already.
    First {
        asked: bool,
    },
    /// An answer to the request for a password is awaited.
    Password {
        user: String,
    },
    /// The first message of a SASL mechanism is awaited.
    SaslInitial,
    /// The proof is awaited.
    SaslResponse(Box<ScramServer>),
    /// The client has to say that it has heard why its token is of no use.
    OauthDismissed,
    Open,
    Closed,
}

impl Entry {
    pub(super) fn new(auth: Auth) -> Self {
        Self {
            phase: Phase::First { asked: false },
            auth,
            tls: Tls::default(),
            newest: V3_0,
            certificate_hash: None,
            parameters: Vec::new(),
            encrypted: false,
            version: V3_0,
        }
    }

    /// What SCRAM can be bound to.
    fn channel(&self) -> Option<&[u8]> {
        let hash = self.certificate_hash.as_deref();
        hash.filter(|_| self.encrypted)
    }
}

impl ModelServer {
    pub(super) fn handle(&mut self, message: Frontend) {
        let phase = std::mem::replace(&mut self.entry.phase, Phase::Closed);
        match (phase, message) {
            (Phase::First { asked: false }, Frontend::SslRequest) => self.answer_ssl_request(),
            (Phase::First { .. }, Frontend::GssEncRequest) => {
                self.inject(b"N");
                self.entry.phase = Phase::First { asked: false };
            }
            (
                Phase::First { .. },
                Frontend::Startup {
                    version,
                    parameters,
                },
            ) => {
                self.negotiate(version, &parameters);
                self.ask(parameters);
            }
            (Phase::Password { user }, Frontend::Password(body)) => {
                let expected = match &self.entry.auth {
                    Auth::Md5(password) => md5_answer(&user, password, SALT),
                    Auth::Cleartext(password) => password.clone().into_bytes(),
                    Auth::Trust | Auth::Scram { .. } | Auth::Oauth { .. } => Vec::new(),
                };
                self.let_in_if(body.strip_suffix(b"\0") == Some(&expected[..]));
            }
            (Phase::SaslInitial, Frontend::Password(body)) => {
                let begun = self.begin_sasl(&body);
                begun.unwrap_or_else(|| self.refuse("08P01", "malformed SASL message"));
            }
            (Phase::SaslResponse(scram), Frontend::Password(body)) => {
                let last = scram.last(&body);
                if let Some(last) = &last {
                    self.inject(&backend::authentication_sasl_final(last));
                }
                self.let_in_if(last.is_some());
            }
            (Phase::OauthDismissed, Frontend::Password(body)) => {
                let heard = body == b"\x01";
                let text = if heard { "authentication failed" } else { "?" };
                self.refuse("28000", text);
            }
            (Phase::Open, message) => {
                self.entry.phase = Phase::Open;
                self.session.handle(message);
            }
            // A cancel request goes to another server than this one, and has no answer; the rest is nonsense.
            _ => {}
        }
    }

    fn answer_ssl_request(&mut self) {
        match self.entry.tls {
            // What came with the request was not encrypted, and could be anybody's.
            Tls::Accepted if self.reader.waiting() > 0 => {}
            Tls::Accepted if !self.entry.encrypted => {
                self.inject(b"S");
                self.entry.encrypted = true;
                self.entry.phase = Phase::First { asked: true };
            }
            Tls::Accepted | Tls::Refused => {
                self.inject(b"N");
                self.entry.phase = Phase::First { asked: true };
            }
            Tls::Error => self.refuse("53300", "sorry, too many clients already"),
            Tls::Other(byte) => self.inject(&[byte]),
        }
    }

    /// A newer version than it knows, and options that it does not know, are answered, and do no harm.
    fn negotiate(&mut self, version: i32, parameters: &[(String, String)]) {
        let options = parameters.iter().map(|(name, _)| name.as_str());
        let options: Vec<&str> = options.filter(|name| name.starts_with("_pq_.")).collect();
        let entry = &mut self.entry;
        entry.version = version.min(entry.newest);
        if entry.version != version || !options.is_empty() {
            let answer = backend::negotiate_protocol_version(entry.version, &options);
            self.inject(&answer);
        }
    }

    fn ask(&mut self, parameters: Vec<(String, String)>) {
        let user = parameters.iter().find(|(name, _)| name == "user");
        let Some((_, user)) = user else {
            return self.refuse(
                "28000",
                "no PostgreSQL user name specified in startup packet",
            );
        };
        let user = user.clone();
        self.entry.parameters = parameters;
        match &self.entry.auth {
            Auth::Trust => self.let_in_if(true),
            Auth::Cleartext(_) => {
                self.inject(&backend::authentication_cleartext());
                self.entry.phase = Phase::Password { user };
            }
            Auth::Md5(_) => {
                self.inject(&backend::authentication_md5(SALT));
                self.entry.phase = Phase::Password { user };
            }
            Auth::Scram { .. } => {
                let mechanisms = match self.entry.channel() {
                    Some(_) => &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"][..],
                    None => &["SCRAM-SHA-256"],
                };
                self.inject(&backend::authentication_sasl(mechanisms));
                self.entry.phase = Phase::SaslInitial;
            }
            Auth::Oauth { .. } => {
                self.inject(&backend::authentication_sasl(&["OAUTHBEARER"]));
                self.entry.phase = Phase::SaslInitial;
            }
        }
    }

    fn begin_sasl(&mut self, body: &[u8]) -> Option<()> {
        let (mechanism, initial) = Frontend::sasl_initial(body).ok()?;
        let initial = initial?;
        match &self.entry.auth {
            Auth::Scram {
                password,
                iterations,
            } => {
                let mut scram = ScramServer::new(password, &SALT, *iterations, "of-the-server");
                if let Some(hash) = self.entry.channel() {
                    scram = scram.offers_binding_to(hash);
                }
                let first = scram.first(&mechanism, &initial)?;
                self.inject(&backend::authentication_sasl_continue(first));
                self.entry.phase = Phase::SaslResponse(Box::new(scram));
            }
            Auth::Oauth { token, challenge } => {
                let expected = format!("n,,\x01auth=Bearer {token}\x01\x01");
                if mechanism != "OAUTHBEARER" || !initial.starts_with(b"n,,\x01auth=") {
                    return None;
                }
                if initial == expected.as_bytes() {
                    self.let_in_if(true);
                } else {
                    let challenge = backend::authentication_sasl_continue(challenge);
                    self.inject(&challenge);
                    self.entry.phase = Phase::OauthDismissed;
                }
            }
            Auth::Trust | Auth::Cleartext(_) | Auth::Md5(_) => return None,
        }
        Some(())
    }

    fn let_in_if(&mut self, right: bool) {
        if right {
            // As long as PostgreSQL 18 makes it.
            let long: Vec<u8> = (1..=32).collect();
            let length = if self.entry.version >= V3_2 { 32 } else { 4 };
            self.inject(&backend::let_in_with_key(PROCESS_ID, &long[..length]));
            self.entry.phase = Phase::Open;
        } else {
            self.refuse("28P01", "password authentication failed");
        }
    }

    pub(super) fn refuse(&mut self, sqlstate: &str, text: &str) {
        self.inject(&backend::error_response("FATAL", sqlstate, text));
        self.entry.phase = Phase::Closed;
    }
}
