//! Commands, one after the other: what the server says between what the client does.

use purepg_proto::{
    AuthMethod, AuthMethods, BearerToken, CancelKey, ChannelBinding, CopyEnd, ProtocolVersion,
    Replication, Startup, TlsFacts, TlsRequest, Transport,
};
use purepg_testkit::backend::{
    authentication_sasl, authentication_sasl_continue, authentication_sasl_final, let_in, message,
};
use purepg_testkit::frontend::{Frontend, FrontendReader};
use purepg_testkit::scripted::ScramServer;
use purepg_testkit::sim::{CERTIFICATE_HASH, Watched};

use crate::input::{Command, Input};
use crate::{batches, drain, end, tight, usual, watched};

/// Bytes of a server on an open connection, between operations of any kind: begun, rolled back, abandoned, sent in part, fed with data.
pub fn operations(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let startup = Startup::new("me", Transport::UnixSocket);
    let startup = match flags & 3 {
        2 => startup.replication(Replication::Physical),
        3 => startup.replication(Replication::Logical),
        _ => startup,
    };
    let mut limits = if flags & 4 == 0 { usual() } else { tight() };
    // What lets the client in is not what is looked for here.
    limits.max_startup_message = 2_000;
    limits.max_server_parameters = 3;
    limits.max_server_parameter = 100;
    let mut core = watched(startup, limits);
    core.send(usize::MAX);
    core.copy(&let_in()).expect("input is wanted");
    drain(&mut core);
    assert!(core.core().is_open());
    converse(&mut core, input);
    end(&mut core);
}

/// Bytes of a server from the beginning, to clients that allow this or that.
pub fn startup(data: &[u8]) {
    let mut input = Input::new(data);
    let (first, second) = (input.byte(), input.byte());
    let limits = if first & 0x20 == 0 { usual() } else { tight() };
    let mut core = watched(client(first, second), limits);
    converse(&mut core, input);
    end(&mut core);
}

/// An input in which an honest server that knows the password lets such a client in, and whether the client is in then.
pub fn honest(first: u8, second: u8) -> (Vec<u8>, bool) {
    let mut talk = Talk {
        core: watched(client(first, second), usual()),
        input: vec![first, second],
    };
    let mut scram = ScramServer::new("secret", b"salt", 1, "server");
    let mut mechanisms = vec!["SCRAM-SHA-256"];
    talk.act(Command::Take(0));
    if matches!(second & 3, 1 | 2) {
        talk.send();
        talk.act(Command::Bytes(b"S"));
        talk.act(Command::Take(0));
    }
    if talk.core.awaits_tls() {
        scram = scram.offers_binding_to(CERTIFICATE_HASH);
        mechanisms.insert(0, "SCRAM-SHA-256-PLUS");
        talk.act(Command::Handshake(13));
    }
    if second >> 6 == 2 {
        mechanisms = vec!["OAUTHBEARER"];
    }
    let mut reader = FrontendReader::new();
    reader.push(&talk.send());
    talk.hear(&authentication_sasl(&mechanisms));
    for _ in 0..2 {
        reader.push(&talk.send());
        while let Some(message) = reader.next_message().expect("messages are sent") {
            let Frontend::Password(body) = message else {
                continue;
            };
            let initial = Frontend::sasl_initial(&body);
            if let Ok((mechanism, Some(initial))) = initial {
                match scram.first(&mechanism, &initial) {
                    Some(text) => talk.hear(&authentication_sasl_continue(text)),
                    None => talk.act(Command::Bytes(&let_in())),
                }
            } else if let Some(text) = scram.last(&body) {
                talk.hear(&authentication_sasl_final(text));
                talk.act(Command::Bytes(&let_in()));
            }
        }
        talk.act(Command::Take(0));
    }
    let open = talk.core.core().is_open();
    (talk.input, open)
}

/// A conversation that is noted as an input.
struct Talk {
    core: Watched,
    input: Vec<u8>,
}

impl Talk {
    fn act(&mut self, command: Command<'_>) {
        command.write(&mut self.input);
        act(&mut self.core, command);
    }

    fn send(&mut self) -> Vec<u8> {
        Command::Send(0).write(&mut self.input);
        self.core.send(usize::MAX)
    }

    fn hear(&mut self, message: &[u8]) {
        self.act(Command::Message(message[0], &message[5..]));
        self.act(Command::Take(0));
        self.act(Command::Derive);
    }
}

fn client(first: u8, second: u8) -> Startup {
    let transport = if first & 1 == 0 {
        Transport::UnixSocket
    } else {
        Transport::Tcp
    };
    let startup = if first & 0xc0 == 0xc0 {
        Startup::cancel(cancel_key(), transport)
    } else {
        Startup::new("me", transport).parameter("application_name", "fuzz")
    };
    let startup = match first >> 1 & 3 {
        0 => startup,
        1 => startup.password("secret"),
        2 => startup.password("\u{e4}\u{ad}\u{2168}"),
        _ => startup.password(""),
    };
    let startup = match first >> 3 & 3 {
        0 => startup,
        1 => startup.require_auth(AuthMethods::except([])),
        2 => startup.require_auth(AuthMethods::only([AuthMethod::ScramSha256])),
        _ => startup.require_auth(AuthMethods::only([AuthMethod::None, AuthMethod::Oauth])),
    };
    let startup = match second & 3 {
        0 => startup,
        1 => startup.tls(TlsRequest::Prefer),
        2 => startup.tls(TlsRequest::Require),
        _ => startup.tls(TlsRequest::Direct),
    };
    let startup = match second >> 2 & 3 {
        0 => startup.channel_binding(ChannelBinding::Disable),
        1 => startup.channel_binding(ChannelBinding::Require),
        _ => startup,
    };
    let startup = match second >> 4 & 3 {
        0 | 1 => startup,
        2 => startup.max_protocol_version(ProtocolVersion::LATEST),
        _ => startup
            .max_protocol_version(ProtocolVersion::LATEST)
            .min_protocol_version(ProtocolVersion::LATEST),
    };
    match second >> 6 {
        0 | 1 => startup,
        2 => startup.bearer_token(BearerToken::new("token").expect("a token")),
        _ => startup.oauth_discovery(),
    }
}

/// What a server gave to somebody else.
fn cancel_key() -> CancelKey {
    let mut core = watched(Startup::new("me", Transport::UnixSocket), usual());
    core.copy(&let_in()).expect("input is wanted");
    drain(&mut core);
    core.core().cancel_key().cloned().expect("a key")
}

fn handshake(which: usize) -> TlsFacts {
    let facts = TlsFacts::new().verified(which & 4 != 0);
    let facts = match which & 3 {
        1 => facts.alpn(*TlsFacts::ALPN),
        2 => facts.alpn(*b"h2"),
        _ => facts,
    };
    if which & 8 == 0 {
        facts
    } else {
        facts.server_end_point(CERTIFICATE_HASH)
    }
}

fn converse(core: &mut Watched, mut input: Input<'_>) {
    while let Some(command) = Command::read(&mut input) {
        act(core, command);
    }
}

fn act(core: &mut Watched, command: Command<'_>) {
    let newest = core.fates().len();
    let counted = |back: usize| newest.checked_sub(back + 1);
    match command {
        Command::Message(tag, body) => {
            core.receive(&message(tag, body));
        }
        Command::Bytes(bytes) => {
            core.receive(bytes);
        }
        Command::Copied(bytes) => {
            // Refused when none are wanted.
            let _ = core.copy(bytes);
        }
        Command::Take(0) => drain(core),
        Command::Take(n) => {
            for _ in 0..n {
                core.take();
            }
        }
        Command::Send(n) => {
            core.send(if n == 0 { usize::MAX } else { n });
        }
        Command::Begin(messages) => {
            let columns = core.columns();
            // Most of what can be asked for is not allowed.
            let _ = core.begin(|batch| batches::write(batch, messages, columns.as_ref()));
        }
        Command::RollBack(messages) => {
            let columns = core.columns();
            core.roll_back(|batch| batches::write(batch, messages, columns.as_ref()));
        }
        Command::SyncBehind(back) => {
            if let Some(op) = counted(back) {
                let _ = core.sync_behind(op);
            }
        }
        Command::Abandon(back) => {
            if let Some(op) = counted(back) {
                core.abandon(op);
            }
        }
        Command::AbandonAll(false) => core.abandon_all(),
        Command::AbandonAll(true) => core.abort_all(),
        Command::CopyData(back, n) => {
            if let Some(op) = counted(back) {
                let _ = core.copy_data(op, &vec![b'x'; n]);
            }
        }
        Command::CopyFinish(back, done) => {
            if let Some(op) = counted(back) {
                let end = if done {
                    CopyEnd::Done
                } else {
                    CopyEnd::Fail("no more")
                };
                let _ = core.copy_finish(op, end);
            }
        }
        Command::Derive => core.derive(),
        Command::Handshake(which) => core.tls_established(handshake(which)),
        Command::Terminate => core.terminate(),
        Command::End => core.eof(),
        Command::TooMuch(read) => core.confirm_too_much(read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What changes lead away from: with TLS of each kind and without, bound to it and not, by a token, and with a newer protocol.
    #[test]
    fn an_honest_server_lets_every_client_in() {
        for second in [
            0x08, 0x09, 0x0a, 0x0b, 0x05, 0x06, 0x07, 0x01, 0x02, 0x03, 0x27,
        ] {
            let (input, open) = honest(3, second);
            assert!(open, "{second:#x}");
            startup(&input);
        }
        assert!(honest(2, 0).1, "a Unix socket");
        assert!(honest(1, 0x8b).1, "a token");
        assert!(!honest(3, 0x04).1, "bound to nothing");
        assert!(!honest(1, 0x88).1, "a token in the clear");
    }
}
