//! Every way in, replayed: whole, byte by byte, cut in two at every place; ended, damaged and shortened at every byte.
//!
//! Nothing of this can be recorded from a real server, which encrypts it: the streams are the model server's.

use proptest::prelude::*;
use purepg_proto::{
    BearerToken, ChannelBinding, ProtocolVersion, Startup, TlsFacts, TlsRequest, Transport,
};
use purepg_testkit::cut::{Client, Detail, Script, Told, cut_at, everywhere, whole};
use purepg_testkit::scripted::{Auth, ModelServer, Tls};

use crate::scram;
use crate::tls::key;

const HASH: &[u8] = &[7; 32];
const CHALLENGE: &str = "{\"status\":\"invalid_token\",\"scope\":\"db\"}";

/// A way in: a name, the client, and how its log ends.
struct Way {
    name: String,
    script: Script,
    server: ModelServer,
    end: &'static str,
}

const LET_IN: &str = "Closed Terminated";

fn ways() -> Vec<Way> {
    let secret = || "secret".to_owned();
    let oauth = || Auth::Oauth {
        token: "token".to_owned(),
        challenge: CHALLENGE.to_owned(),
    };
    let token = |text: &str| BearerToken::new(text).unwrap();
    let session = |tls| {
        Startup::new("me", Transport::Tcp)
            .tls(tls)
            .password("secret")
            .max_protocol_version(ProtocolVersion::V3_2)
    };
    let mut ways = Vec::new();
    let mut add = |name: String, startup: Startup, server: ModelServer, end| {
        let facts = TlsFacts::new().alpn(*TlsFacts::ALPN).verified(true);
        let script = Script::new(startup)
            .tls(facts.server_end_point(HASH))
            .when("Ready", |core, _| core.terminate());
        ways.push(Way {
            name,
            script,
            server,
            end,
        });
    };
    for (tls, answer) in [
        (TlsRequest::Prefer, Tls::Refused),
        (TlsRequest::Prefer, Tls::Accepted),
        (TlsRequest::Direct, Tls::Accepted),
    ] {
        for version in [3 << 16, (3 << 16) + 2] {
            for auth in [Auth::Trust, Auth::Md5(secret()), scram("secret")] {
                let name = format!("{auth:?}, {tls:?}, {answer:?}, {version:#x}");
                let server = ModelServer::new(auth).tls(answer).speaks(version);
                add(name, session(tls), server.certificate_hash(HASH), LET_IN);
            }
        }
    }
    let with_tls = |auth| ModelServer::new(auth).tls(Tls::Accepted);
    let required = session(TlsRequest::Require).channel_binding(ChannelBinding::Require);
    let binding = with_tls(scram("secret")).certificate_hash(HASH);
    add("required binding".into(), required.clone(), binding, LET_IN);
    let other = with_tls(scram("secret")).certificate_hash(&[8; 32]);
    let refused = "Closed Fatal 28P01 password authentication failed";
    add("other binding".into(), required, other, refused);
    for (name, given, end) in [
        ("a token", "token", LET_IN),
        (
            "a wrong token",
            "wrong",
            "Closed Fatal 28000 authentication failed",
        ),
    ] {
        let startup = session(TlsRequest::Require).bearer_token(token(given));
        add(name.into(), startup, with_tls(oauth()), end);
    }
    let no_tls = session(TlsRequest::Require);
    add(
        "no TLS".into(),
        no_tls,
        ModelServer::new(Auth::Trust),
        "Closed Protocol the server does not do TLS",
    );
    for (tls, answer) in [
        (TlsRequest::None, Tls::Refused),
        (TlsRequest::Prefer, Tls::Refused),
        (TlsRequest::Require, Tls::Accepted),
        (TlsRequest::Direct, Tls::Accepted),
    ] {
        let startup = Startup::cancel(key(), Transport::Tcp).tls(tls);
        let server = ModelServer::new(Auth::Trust).tls(answer);
        add(format!("cancel, {tls:?}"), startup, server, LET_IN);
    }
    ways
}

impl Way {
    /// What the server sends, all in all.
    fn stream(&mut self) -> Vec<u8> {
        let mut client = Client::new(&self.script, Detail::Full);
        let (mut stream, mut sent) = (Vec::new(), 0);
        loop {
            if client.log().iter().any(|line| line == "UpgradeToTls") {
                self.server.handshake();
            }
            self.server.receive(&client.sent()[sent..]);
            sent = client.sent().len();
            let answer = self.server.take_output();
            if answer.is_empty() && client.sent().len() == sent {
                break;
            }
            client.feed(&answer);
            stream.extend(answer);
        }
        let told = client.finish();
        self.assert_ended(&told, "whole");
        let end = &told.log[told.log.len() - 2];
        assert!(end.starts_with(self.end), "{}: {:?}", self.name, told.log);
        stream
    }

    /// The end came, once, and then the error.
    fn assert_ended(&self, told: &Told, what: &str) {
        let (name, log) = (&self.name, &told.log);
        let count = |start: &str| log.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(
            (count("Closed "), count("Err ")),
            (1, 1),
            "{name}, {what}: {log:?}"
        );
        let [.., closed, error] = &log[..] else {
            panic!("{name}, {what}: {log:?}");
        };
        assert!(
            closed.starts_with("Closed ") && error.starts_with("Err "),
            "{log:?}"
        );
    }
}

#[test]
fn every_way_in_however_it_is_cut() {
    let mut places = 0;
    for mut way in ways() {
        let stream = way.stream();
        places += everywhere(&way.script, &stream);
    }
    assert!(places > 4_000, "{places}");
}

#[test]
fn the_end_at_every_byte_of_every_way_in() {
    for mut way in ways() {
        let stream = way.stream();
        let full = whole(&way.script, &stream, Detail::Full);
        for place in 0..stream.len() {
            let told = whole(&way.script, &stream[..place], Detail::Full);
            way.assert_ended(&told, &format!("the end behind byte {place}"));
            // Up to there the same was told.
            let same = told.log.iter().zip(&full.log).take_while(|(a, b)| a == b);
            assert!(told.log.len() - same.count() <= 2, "{}: {told:?}", way.name);
        }
    }
}

#[test]
fn damage_at_every_byte_of_every_way_in() {
    for mut way in ways() {
        let stream = way.stream();
        for place in 0..stream.len() {
            for bit in [0x01, 0x80] {
                let mut damaged = stream.clone();
                damaged[place] ^= bit;
                let told = whole(&way.script, &damaged, Detail::Full);
                way.assert_ended(&told, &format!("bit {bit:#x} of byte {place} flipped"));
            }
            let (before, behind) = stream.split_at(place);
            let missing = [before, &behind[1..]].concat();
            let told = cut_at(&way.script, &missing, &[place], Detail::Full);
            way.assert_ended(&told, &format!("without byte {place}"));
            let twice = [before, &behind[..1], behind].concat();
            let told = cut_at(&way.script, &twice, &[place, place + 1], Detail::Full);
            way.assert_ended(&told, &format!("byte {place} twice"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A server that begins rightly and then says anything.
    #[test]
    fn any_bytes_at_any_moment(
        way: prop::sample::Index,
        place: prop::sample::Index,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        tag in prop::sample::select(b"RvESNKZ".to_vec()),
    ) {
        let mut ways = ways();
        let mut way = ways.swap_remove(way.index(ways.len()));
        let stream = way.stream();
        let before = &stream[..place.index(stream.len() + 1)];
        let raw = [before, &bytes].concat();
        way.assert_ended(&whole(&way.script, &raw, Detail::Full), "any bytes");
        let framed = [before, &purepg_testkit::backend::message(tag, &bytes)].concat();
        way.assert_ended(&whole(&way.script, &framed, Detail::Full), "any message");
    }
}
