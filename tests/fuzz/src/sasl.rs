//! SASL: a server that knows the password, and somebody who changes what it says or says something else.

use std::sync::LazyLock;

use purepg_proto::{
    BearerToken, ChannelBinding, Connection, Event, Nonce, ScramKeys, Startup, StartupEvent,
    TlsFacts, TlsRequest, Transport,
};
use purepg_testkit::backend::{
    authentication, authentication_ok, authentication_sasl_continue, authentication_sasl_final,
    let_in,
};
use purepg_testkit::frontend::{Frontend, FrontendReader};
use purepg_testkit::scripted::ScramServer;
use purepg_testkit::sim::{CERTIFICATE_HASH, Watched};

use crate::input::Input;
use crate::{drain, end, tight, usual, watched};

/// The client's nonce, as it says it.
pub(crate) const ENTROPY_AS_TEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcH";

const PASSWORD: &str = "secret";

/// What the server says next. What is honest comes with changes: of each two bytes the first is a place and the second the bits that flip
/// there, or 0 for a byte that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// `AuthenticationSASL` with the mechanism that it has.
    Offer(&'a [u8]),
    /// The server-first-message.
    First(&'a [u8]),
    /// The server-final-message.
    Last(&'a [u8]),
    /// `AuthenticationOk`, and everything up to the first `ReadyForQuery`.
    LetIn,
    /// An authentication message with this code and this body.
    Any(i32, &'a [u8]),
}

impl<'a> Said<'a> {
    fn read(input: &mut Input<'a>) -> Self {
        let kind = input.byte();
        let length = usize::from(input.byte());
        let bytes = input.bytes(length);
        match kind & 7 {
            0 => Self::Offer(bytes),
            1 => Self::First(bytes),
            2 => Self::Last(bytes),
            3 => Self::LetIn,
            4 => Self::Any(10, bytes),
            5 => Self::Any(11, bytes),
            6 => Self::Any(12, bytes),
            _ => Self::Any(i32::from(kind >> 3), bytes),
        }
    }

    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (kind, bytes) = match *self {
            Self::Offer(changes) => (0, changes),
            Self::First(changes) => (1, changes),
            Self::Last(changes) => (2, changes),
            Self::LetIn => (3, &b""[..]),
            Self::Any(10, body) => (4, body),
            Self::Any(11, body) => (5, body),
            Self::Any(12, body) => (6, body),
            Self::Any(code, body) => (7 | u8::try_from(code & 31).unwrap_or(0) << 3, body),
        };
        let bytes = &bytes[..bytes.len().min(255)];
        out.extend([kind, u8::try_from(bytes.len()).unwrap_or(255)]);
        out.extend(bytes);
    }
}

/// The server's side.
struct Server {
    scram: ScramServer,
    reader: FrontendReader,
    /// What it has to say, as soon as it knows.
    first: Option<String>,
    last: Option<String>,
    /// What the client has chosen.
    mechanism: String,
}

/// The keys of the password, for the salt and the iterations that the server mostly has.
static KEYS: LazyLock<ScramKeys> = LazyLock::new(|| {
    let startup = Startup::new("me", Transport::UnixSocket).password(PASSWORD);
    let nonce = Nonce::from_entropy([3; Nonce::ENTROPY_LEN]);
    let mut core = Connection::new(startup, nonce, usual());
    let mut scram = ScramServer::new(PASSWORD, b"salt", 1, "server");
    let mut reader = FrontendReader::new();
    let mut said = Vec::new();
    said.push(authentication(10, b"SCRAM-SHA-256\0\0"));
    loop {
        while let Some(message) = said.pop() {
            core.recv_bytes(&message).expect("it is wanted");
        }
        if let Ok(Some(Event::Startup(StartupEvent::DeriveKey(job)))) = core.next_event() {
            return job.run();
        }
        reader.push(core.output());
        core.output_sent(core.output().len());
        while let Some(message) = reader.next_message().expect("messages are sent") {
            let Frontend::Password(body) = message else {
                continue;
            };
            if let Ok((mechanism, Some(initial))) = Frontend::sasl_initial(&body) {
                let first = scram
                    .first(&mechanism, &initial)
                    .expect("it knows the mechanism");
                said.push(authentication_sasl_continue(first));
            }
        }
    }
});

/// A SASL exchange: the client is let in when the server has proved that it knows the password, and never else.
pub fn sasl(data: &[u8]) {
    exchange(data);
}

/// True when the client was let in.
fn exchange(data: &[u8]) -> bool {
    let mut input = Input::new(data);
    let flags = input.byte();
    let limits = if flags & 1 == 0 { usual() } else { tight() };
    let iterations = if flags & 2 == 0 { 1 } else { 7 };
    let startup = Startup::new("me", Transport::Tcp).password(PASSWORD);
    let encrypted = flags & 4 != 0;
    let startup = if encrypted {
        startup.tls(TlsRequest::Direct)
    } else {
        startup
    };
    let startup = if flags & 8 == 0 {
        startup
    } else {
        startup.bearer_token(BearerToken::new("token").expect("a token"))
    };
    let bindable = flags & 0x40 == 0;
    let binds = flags & 0x30 == 0x10 && encrypted;
    let startup = match flags & 0x30 {
        0x10 if encrypted => startup.channel_binding(ChannelBinding::Require),
        0x20 => startup.channel_binding(ChannelBinding::Disable),
        _ => startup,
    };
    let startup = if flags & 0x80 == 0 {
        startup
    } else {
        startup.scram_keys(KEYS.clone())
    };
    let mut core = watched(startup, limits);
    let scram = ScramServer::new(PASSWORD, b"salt", iterations, "server");
    let (scram, offer) = if encrypted {
        drain(&mut core);
        let facts = TlsFacts::new().verified(true).alpn(*TlsFacts::ALPN);
        // A certificate whose signature has no hash leaves nothing to bind to.
        core.tls_established(if bindable {
            facts.server_end_point(CERTIFICATE_HASH)
        } else {
            facts
        });
        let scram = scram.offers_binding_to(CERTIFICATE_HASH);
        (scram, &b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"[..])
    } else {
        (scram, &b"SCRAM-SHA-256\0\0"[..])
    };
    let mut server = Server {
        scram,
        reader: FrontendReader::new(),
        first: None,
        last: None,
        mechanism: String::new(),
    };
    server.hear(&mut core);
    let (mut asked, mut proved) = (false, false);
    while !input.is_empty() {
        let message = match Said::read(&mut input) {
            Said::Offer(changes) => {
                asked = true;
                authentication(10, &changed(offer, changes))
            }
            Said::First(changes) => {
                let first = server.first.clone().unwrap_or_default();
                let text = changed(first.as_bytes(), changes);
                authentication_sasl_continue(text)
            }
            Said::Last(changes) => {
                let last = server.last.clone().unwrap_or_default();
                let text = changed(last.as_bytes(), changes);
                proved |= server.proves(&text);
                authentication_sasl_final(text)
            }
            Said::LetIn => [authentication_ok(), let_in()[9..].to_vec()].concat(),
            Said::Any(code, body) => {
                asked |= code == 10;
                proved |= code == 12 && server.proves(body);
                authentication(code, body)
            }
        };
        let _ = core.copy(&message);
        drain(&mut core);
        core.derive();
        server.hear(&mut core);
    }
    let open = core.core().is_open();
    if open {
        // Whoever shows a token lets the server prove nothing.
        let shown = server.mechanism == "OAUTHBEARER";
        assert!(proved || !asked || shown, "the server has proved nothing");
        assert!(!binds || server.mechanism == "SCRAM-SHA-256-PLUS");
        assert!(!binds || proved && bindable);
        assert!(bindable || server.mechanism != "SCRAM-SHA-256-PLUS");
    }
    end(&mut core);
    open
}

impl Server {
    /// Takes what the client has sent.
    fn hear(&mut self, core: &mut Watched) {
        self.reader.push(&core.send(usize::MAX));
        while let Some(message) = self.reader.next_message().expect("messages are sent") {
            let Frontend::Password(body) = message else {
                continue;
            };
            if let Ok((mechanism, Some(initial))) = Frontend::sasl_initial(&body) {
                self.first = self.scram.first(&mechanism, &initial);
                self.mechanism = mechanism;
            } else {
                self.last = self.scram.last(&body);
            }
        }
    }

    /// True for the signature that this server has made. What stands behind it, the client has to skip.
    fn proves(&self, text: &[u8]) -> bool {
        let said = text.split(|&byte| byte == b',').next();
        self.last.as_ref().map(String::as_bytes) == said
    }
}

fn changed(honest: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    for change in changes.chunks_exact(2) {
        if bytes.is_empty() {
            break;
        }
        let place = usize::from(change[0]) % bytes.len();
        if change[1] == 0 {
            bytes.remove(place);
        } else {
            bytes[place] ^= change[1];
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let said = [
            Said::Offer(&[]),
            Said::First(&[1, 2]),
            Said::Last(&[3, 4, 5, 0]),
            Said::LetIn,
            Said::Any(10, b"SCRAM-SHA-256\0\0"),
            Said::Any(11, b"r="),
            Said::Any(12, b"v="),
            Said::Any(5, b"salt"),
        ];
        let mut written = Vec::new();
        for said in &said {
            said.write(&mut written);
        }
        let mut input = Input::new(&written);
        for said in said {
            assert_eq!(Said::read(&mut input), said);
        }
        assert!(input.is_empty());
    }

    #[test]
    fn an_honest_server_lets_the_client_in() {
        let honest = [
            Said::Offer(&[]),
            Said::First(&[]),
            Said::Last(&[]),
            Said::LetIn,
        ];
        for flags in [0, 2, 4, 0x14, 0x24, 0x44, 0x80, 0x82, 0x94] {
            let mut data = vec![flags];
            for said in &honest {
                said.write(&mut data);
            }
            assert!(exchange(&data), "{flags:#x}");
            // What must be bound and cannot be goes nowhere.
            data[0] = data[0] & !0x30 | 0x54;
            assert!(!exchange(&data), "{flags:#x}");
        }
    }
}
