//! [`Tracer`] and bytes as they come: cut anywhere, secret, or none that anybody would send.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use purepg_proto::{TraceOptions, Tracer};
use purepg_testkit::backend::{declared, message};
use purepg_testkit::server::PASSWORD;
use purepg_testkit::trace::{Line, Trace};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Frontend,
    Backend,
}

/// What either sends, in the order in which it travels.
type Exchange = Vec<(Side, Vec<u8>)>;

/// Everything that is no secret.
fn shown() -> TraceOptions {
    TraceOptions::default().values(true)
}

/// Feeds an exchange, each of its parts in pieces of at most `size` bytes, the first of which has `first`.
fn traced(mut tracer: Tracer, exchange: &Exchange, first: usize, size: usize) -> String {
    let mut out = String::new();
    for (side, bytes) in exchange {
        let (head, tail) = bytes.split_at(first.min(bytes.len()));
        for piece in std::iter::once(head).chain(tail.chunks(size)) {
            match side {
                Side::Frontend => tracer.frontend(piece, &mut out).unwrap(),
                Side::Backend => tracer.backend(piece, &mut out).unwrap(),
            }
        }
    }
    tracer.end(&mut out).unwrap();
    out
}

/// All conversations that were recorded from a real server, by name, message by message.
fn transcripts() -> Vec<(String, Exchange)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let transcripts: Vec<(String, Exchange)> = files
        .map(|file| {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let lines = Trace::parse(&text).unwrap().lines.into_iter();
            let exchange = lines.filter_map(|line| match line {
                Line::Frontend(bytes) => Some((Side::Frontend, bytes)),
                Line::Backend(bytes) => Some((Side::Backend, bytes)),
                _ => None,
            });
            (
                file.file_name().into_string().unwrap(),
                exchange.collect::<Exchange>(),
            )
        })
        .collect();
    assert!(transcripts.len() > 20);
    transcripts
}

/// The same with what one side sends in a row in one piece.
fn in_one_piece(exchange: &Exchange) -> Exchange {
    let mut runs = Exchange::new();
    for (side, bytes) in exchange {
        match runs.last_mut() {
            Some((last, run)) if last == side => run.extend(bytes),
            _ => runs.push((*side, bytes.clone())),
        }
    }
    runs
}

#[test]
fn lines_do_not_depend_on_the_cuts() {
    for (name, exchange) in transcripts() {
        let new = || Tracer::new(shown());
        let whole = traced(new(), &exchange, usize::MAX, 1);
        assert_eq!(whole.lines().count(), exchange.len(), "{name}: {whole}");
        let runs = in_one_piece(&exchange);
        assert_eq!(traced(new(), &runs, usize::MAX, 1), whole, "{name}");
        for size in 1..64 {
            assert_eq!(traced(new(), &runs, 0, size), whole, "{name}, by {size}");
        }
        let longest = exchange.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        for place in 1..longest {
            let cut = traced(new(), &exchange, place, usize::MAX);
            assert!(cut == whole, "{name}, each message cut at {place}");
        }
    }
}

#[test]
fn every_recorded_message_has_the_length_of_its_fields() {
    for (name, exchange) in transcripts() {
        for options in [shown(), TraceOptions::default(), shown().regress(true)] {
            let trace = traced(Tracer::new(options), &exchange, usize::MAX, 1);
            for line in trace.lines() {
                let (side, rest) = line.split_once('\t').unwrap();
                let (length, message) = rest.split_once('\t').unwrap();
                assert!(side == "F" || side == "B", "{name}: {line}");
                assert!(
                    length == "NN" || length.parse::<u32>().is_ok(),
                    "{name}: {line}"
                );
                assert!(!message.starts_with("Unknown"), "{name}: {line}");
            }
        }
    }
}

/// What nobody may learn from the trace of a message.
fn secret_of((side, message): &(Side, Vec<u8>)) -> Option<&[u8]> {
    match (side, message.first()?) {
        (Side::Frontend, b'p') => {
            let body = &message[5..];
            let mechanism = body.strip_prefix(b"SCRAM-SHA-256\0");
            Some(mechanism.map_or(body, |rest| &rest[4..]))
        }
        (Side::Backend, b'R') if message.len() > 9 && message[8] != 10 => Some(&message[9..]),
        (Side::Backend, b'K') => Some(&message[9..]),
        _ => None,
    }
}

/// Bytes as the trace would write them.
fn escaped(bytes: &[u8]) -> String {
    let escaped = bytes.iter().map(|&byte| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    escaped.collect()
}

#[test]
fn security_20_no_recorded_secret_is_traced() {
    let (mut responses, mut keys, mut passwords) = (0, 0, 0);
    for (name, exchange) in transcripts() {
        let secrets: Vec<&[u8]> = exchange.iter().filter_map(secret_of).collect();
        for (cut, options) in [
            (usize::MAX, shown()),
            (1, shown()),
            (6, shown().regress(true)),
        ] {
            let trace = traced(Tracer::new(options), &exchange, cut, 3);
            assert!(!trace.contains(PASSWORD), "{name}");
            for secret in &secrets {
                // As the trace would write it: whole, and in parts where they are long enough to mean something.
                let secret = escaped(secret);
                assert!(!trace.contains(&secret), "{name}: {secret}");
                for part in secret.as_bytes().windows(10) {
                    let part = str::from_utf8(part).unwrap();
                    assert!(!trace.contains(part), "{name}: {part}");
                }
            }
        }
        responses += exchange
            .iter()
            .filter(|(side, bytes)| *side == Side::Frontend && bytes[0] == b'p')
            .count();
        keys += exchange
            .iter()
            .filter(|(side, bytes)| *side == Side::Backend && bytes[0] == b'K')
            .count();
        passwords += secrets
            .iter()
            .filter(|secret| secret.starts_with(PASSWORD.as_bytes()))
            .count();
    }
    assert!(
        responses >= 6 && keys >= 20 && passwords >= 1,
        "{responses} {keys} {passwords}"
    );
}

#[test]
fn security_20_a_torn_secret_is_not_traced() {
    let startup = b"\0\0\0\x11\0\x03\0\0user\0me\0\0";
    let token = b"OAUTHBEARER\0\0\0\0\x22n,,\x01auth=Bearer hunter2hunter2\x01\x01";
    for (code, body) in [
        (3, &b"hunter2hunter2\0"[..]),
        (10, token),
        (11, b"c=hunter2"),
        (8, b"hunter2"),
    ] {
        let asked = message(b'R', &i32::to_be_bytes(code));
        let response = message(b'p', body);
        for end in 0..=response.len() {
            let exchange = vec![
                (Side::Frontend, startup.to_vec()),
                (Side::Backend, asked.clone()),
                (Side::Frontend, response[..end].to_vec()),
            ];
            let trace = traced(Tracer::new(shown()), &exchange, usize::MAX, 1);
            assert!(
                !trace.contains("hunt") && !trace.contains("auth="),
                "{trace}"
            );
        }
    }
    let mut tracer = Tracer::started(shown());
    tracer
        .frontend(b"p\0\0\0\x0chunter", &mut String::new())
        .unwrap();
    assert!(!format!("{tracer:?}").contains("hunter") && !format!("{tracer:#?}").contains("104"));
}

/// So many cases, or `PROPTEST_CASES`.
fn config(cases: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: wanted
            .and_then(|wanted| wanted.parse().ok())
            .unwrap_or(cases),
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

prop_compose! {
    fn options()(
        values: bool,
        statements: bool,
        reports: bool,
        regress: bool,
        max_message in prop_oneof![Just(16 * 1024), 0..64_usize],
    ) -> TraceOptions {
        TraceOptions::default()
            .values(values)
            .statements(statements)
            .reports(reports)
            .regress(regress)
            .max_message(max_message)
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Frontend), Just(Side::Backend)]
}

/// Small numbers and NULs make fields that are there.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0..4_u8, 2 => any::<u8>(), 2 => b' '..b'~', 1 => Just(0xff)];
    prop::collection::vec(byte, 0..64)
}

const TYPES: &[u8] = b"123ABCDEFGHIKNPQRSTVWXZcdfnpstv";

/// A message of a known type, with the length of its body, or another one.
fn typed() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop::sample::select(TYPES);
    let length = prop_oneof![9 => Just(None), 1 => (0..80_i32).prop_map(Some)];
    (tag, body(), length).prop_map(|(tag, body, length)| match length {
        Some(length) => declared(tag, length, &body),
        None => message(tag, &body),
    })
}

/// A message without a type byte: one of the known codes, or any.
fn first() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![80_877_102..=80_877_104_i32, Just(196_608), any::<i32>()];
    (code, body()).prop_map(|(code, body)| {
        let with_type = message(0, &[&code.to_be_bytes()[..], &body].concat());
        with_type[1..].to_vec()
    })
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let bytes = prop_oneof![6 => typed(), 1 => first(), 1 => body()];
    prop::collection::vec((side(), bytes), 0..12)
}

fn tracer(options: &TraceOptions, started: bool) -> Tracer {
    if started {
        Tracer::started(options.clone())
    } else {
        Tracer::new(options.clone())
    }
}

proptest! {
    #![proptest_config(config(500))]

    /// Nothing panics; what is printed is lines, harmless, and not much longer than what came.
    #[test]
    fn whatever_comes_gives_lines(options in options(), started: bool, exchange in exchange()) {
        let trace = traced(tracer(&options, started), &exchange, usize::MAX, 1);
        let came: usize = exchange.iter().map(|(_, bytes)| bytes.len()).sum();
        prop_assert!(trace.len() <= 32 * came + 300, "{came} bytes, {}: {trace}", trace.len());
        prop_assert!(trace.is_empty() || trace.ends_with('\n'));
        for line in trace.lines() {
            let known = ["F\t", "B\t", "mismatched message length: ", "incomplete message", "lost synchronization: "];
            prop_assert!(known.iter().any(|start| line.starts_with(start)), "{line:?}");
            prop_assert!(!line.chars().any(|char| char.is_control() && char != '\t'), "{line:?}");
        }
    }

    #[test]
    fn whatever_comes_the_cuts_do_not_matter(
        options in options(),
        started: bool,
        exchange in exchange(),
        first in 0..16_usize,
        size in 1..16_usize,
    ) {
        let whole = traced(tracer(&options, started), &exchange, usize::MAX, 1);
        let cut = traced(tracer(&options, started), &exchange, first, size);
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn random_bytes_give_few_lines(
        started: bool,
        pieces in prop::collection::vec((side(), prop::collection::vec(any::<u8>(), 0..200)), 0..8),
    ) {
        let came: usize = pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        let trace = traced(tracer(&shown(), started), &pieces, usize::MAX, 1);
        prop_assert!(trace.len() <= 32 * came + 300, "{came} bytes, {}: {trace}", trace.len());
    }
}
