//! The model against the manual, message by message.

use super::*;
use crate::backend;
use crate::drop_at::run;
use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Type bytes and, where it says something, the body: `C(SELECT 1)`, `Z(I)`, `E(42601)`.
fn show(mut bytes: &[u8]) -> String {
    let mut shown = Vec::new();
    while let Some((&tag, rest)) = bytes.split_first() {
        let length = u32::from_be_bytes(*rest.first_chunk().unwrap());
        let (body, behind) = rest[4..].split_at(length as usize - 4);
        bytes = behind;
        let text = String::from_utf8_lossy(body);
        shown.push(match tag {
            b'C' => format!("C({})", text.trim_end_matches('\0')),
            b'Z' => format!("Z({text})"),
            b'E' | b'N' => {
                let sqlstate = text.split('\0').find_map(|field| field.strip_prefix('C'));
                format!("{}({})", char::from(tag), sqlstate.unwrap())
            }
            tag => char::from(tag).to_string(),
        });
    }
    shown.join(" ")
}

fn string(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn query(sql: &str) -> Vec<u8> {
    backend::message(b'Q', &string(sql))
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    backend::message(b'P', &[string(name), string(sql), vec![0, 0]].concat())
}

fn bind(portal: &str, statement: &str) -> Vec<u8> {
    backend::message(
        b'B',
        &[string(portal), string(statement), vec![0; 6]].concat(),
    )
}

fn execute(portal: &str, max_rows: i32) -> Vec<u8> {
    backend::message(
        b'E',
        &[string(portal), max_rows.to_be_bytes().to_vec()].concat(),
    )
}

fn run_statement(sql: &str) -> Vec<u8> {
    [parse("", sql), bind("", ""), execute("", 0)].concat()
}

const SYNC: &[u8] = b"S\0\0\0\x04";
const FLUSH: &[u8] = b"H\0\0\0\x04";

fn open() -> ModelServer {
    let mut server = ModelServer::new(Auth::Trust);
    server.receive(b"\0\0\0\x11\0\x03\0\0user\0me\0\0");
    assert_eq!(show(&server.take_output()), "R S S S K Z(I)");
    assert!(server.is_idle());
    server
}

fn ask(server: &mut ModelServer, bytes: impl AsRef<[u8]>) -> String {
    server.receive(bytes.as_ref());
    show(&server.take_output())
}

#[test]
fn simple_queries() {
    let mut server = open();
    assert_eq!(
        ask(&mut server, query("select 1; rows 2")),
        "T D C(SELECT 1) T D D C(SELECT 2) Z(I)"
    );
    assert_eq!(ask(&mut server, query("")), "I Z(I)");
    assert_eq!(
        ask(&mut server, query("insert 1; nonsense; select 1")),
        "C(INSERT 0 1) E(42601) Z(I)"
    );
    assert_eq!(
        ask(&mut server, query("insert 2; insert 3")),
        "C(INSERT 0 1) C(INSERT 0 1) Z(I)"
    );
    assert_eq!(
        ask(&mut server, query("rows 2 fail")),
        "T D D E(22012) Z(I)"
    );
    // The commit comes before the last CommandComplete.
    assert_eq!(
        ask(&mut server, query("insert 4 deferred")),
        "E(23503) Z(I)"
    );
    assert_eq!(server.effects(), ["insert 2", "insert 3"]);
    assert!(server.is_idle());
}

#[test]
fn blocks() {
    let mut server = open();
    assert_eq!(
        ask(&mut server, query("begin; insert 1")),
        "C(BEGIN) C(INSERT 0 1) Z(T)"
    );
    assert_eq!(
        ask(&mut server, query("savepoint s; insert 2; fail")),
        "C(SAVEPOINT) C(INSERT 0 1) E(22012) Z(E)"
    );
    assert_eq!(ask(&mut server, query("select 1")), "E(25P02) Z(E)");
    assert!(!server.is_idle());
    assert_eq!(
        ask(&mut server, query("rollback to s; commit")),
        "C(ROLLBACK) C(COMMIT) Z(I)"
    );
    assert_eq!(
        ask(&mut server, query("begin; insert 3; fail")),
        "C(BEGIN) C(INSERT 0 1) E(22012) Z(E)"
    );
    assert_eq!(ask(&mut server, query("commit")), "C(ROLLBACK) Z(I)");
    assert_eq!(ask(&mut server, query("commit")), "N(25P01) C(COMMIT) Z(I)");
    assert_eq!(server.effects(), ["insert 1"]);
}

#[test]
fn an_error_skips_to_the_sync() {
    let mut server = open();
    let segment = [
        run_statement("insert 1"),
        run_statement("fail"),
        query("select 1"),
        run_statement("select 1"),
    ]
    .concat();
    assert_eq!(ask(&mut server, &segment), "1 2 C(INSERT 0 1) 1 2 E(22012)");
    assert_eq!(ask(&mut server, [SYNC, SYNC].concat()), "Z(I) Z(I)");
    assert!(server.effects().is_empty() && server.is_idle());
}

#[test]
fn a_deferred_constraint_fails_at_sync() {
    let mut server = open();
    let segment = [&run_statement("insert 1 deferred")[..], SYNC].concat();
    assert_eq!(
        ask(&mut server, &segment),
        "1 2 C(INSERT 0 1) E(23503) Z(I)"
    );
    assert!(server.effects().is_empty() && server.is_idle());
}

#[test]
fn nothing_is_sent_before_it_must_be() {
    let mut server = open();
    assert_eq!(ask(&mut server, parse("s", "select 1")), "");
    assert_eq!(ask(&mut server, FLUSH), "1");
    assert!(!server.is_idle(), "the segment is open");
    assert_eq!(
        ask(&mut server, [&parse("s", "select 1")[..], SYNC].concat()),
        "E(42P05) Z(I)"
    );
    assert_eq!(server.statements(), ["s"]);
}

#[test]
fn portals_are_suspended() {
    let mut server = open();
    let first = [parse("", "rows 3"), bind("p", ""), execute("p", 2)].concat();
    assert_eq!(ask(&mut server, [&first, FLUSH].concat()), "1 2 D D s");
    assert_eq!(ask(&mut server, [&execute("p", 1), FLUSH].concat()), "D s");
    assert_eq!(
        ask(&mut server, [&execute("p", 1), SYNC].concat()),
        "C(SELECT 0) Z(I)"
    );
    assert_eq!(
        ask(&mut server, [&execute("p", 1), SYNC].concat()),
        "E(34000) Z(I)"
    );
}

#[test]
fn copies() {
    let mut server = open();
    assert_eq!(
        ask(&mut server, query("copy out 2")),
        "H d d c C(COPY 2) Z(I)"
    );
    assert_eq!(ask(&mut server, query("copy in; select 1")), "G");
    assert_eq!(ask(&mut server, backend::copy_data(b"row")), "");
    assert_eq!(
        ask(&mut server, backend::copy_done()),
        "C(COPY 1) T D C(SELECT 1) Z(I)"
    );
    assert_eq!(server.copied(), [b"row"]);
    // A Sync that comes before the data is swallowed.
    assert_eq!(
        ask(&mut server, [&run_statement("copy in")[..], SYNC].concat()),
        "1 2 G"
    );
    let fail = backend::message(b'f', b"no\0");
    assert_eq!(ask(&mut server, fail), "E(57014)");
    assert_eq!(ask(&mut server, SYNC), "Z(I)");
    // Anything else is the end, a farewell too.
    for last in [query("select 1"), b"X\0\0\0\x04".to_vec()] {
        let mut server = open();
        assert_eq!(ask(&mut server, query("copy in")), "G");
        assert_eq!(ask(&mut server, last), "E(08P01) E(08P01)");
        assert!(server.is_closed());
    }
}

#[test]
fn a_statement_hangs() {
    let mut server = open();
    assert_eq!(
        ask(
            &mut server,
            [query("hang; select 1"), query("select 2")].concat()
        ),
        ""
    );
    server.cancel();
    assert_eq!(
        show(&server.take_output()),
        "E(57014) Z(I) T D C(SELECT 1) Z(I)"
    );
    ask(&mut server, query("hang; select 1"));
    server.resume();
    assert_eq!(
        show(&server.take_output()),
        "C(SELECT 0) T D C(SELECT 1) Z(I)"
    );
}

#[test]
fn the_end() {
    for (sql, expected) in [("fatal", "E(57P01)"), ("die", ""), ("insert 1; die", "")] {
        let mut server = open();
        assert_eq!(ask(&mut server, query(sql)), expected, "{sql}");
        assert!(server.is_closed() && server.effects().is_empty(), "{sql}");
    }
    let mut server = open();
    assert_eq!(ask(&mut server, b"X\0\0\0\x04"), "");
    assert!(server.is_closed());
    let mut server = open();
    assert_eq!(ask(&mut server, b"?\0\0\0\x04"), "E(08P01)");
    assert!(server.is_closed());
}

#[test]
fn asides_come_before_ready() {
    let mut server = open();
    assert_eq!(
        ask(
            &mut server,
            query("notify c hello; set timezone utc; notice x")
        ),
        "C(NOTIFY) C(SET) N(00000) C(DO) A S Z(I)"
    );
}

#[test]
fn it_is_a_stream() {
    let (mut stream, server) = ScriptedStream::new(ModelServer::new(Auth::Trust));
    run(stream.write_all(b"\0\0\0\x08\x04\xd2\x16\x2f"))
        .unwrap()
        .unwrap();
    let mut answer = [0; 1];
    run(stream.read_exact(&mut answer)).unwrap().unwrap();
    assert_eq!(&answer, b"N");
    run(stream.write_all(b"\0\0\0\x11\0\x03\0\0user\0me\0\0"))
        .unwrap()
        .unwrap();
    let mut answer = vec![0; backend::let_in().len()];
    run(stream.read_exact(&mut answer)).unwrap().unwrap();
    assert_eq!(answer, backend::let_in());
    assert!(run(stream.read(&mut answer)).is_none(), "it waits");
    assert_eq!(
        server.with(|server| server.parameters()["user"].to_owned()),
        "me"
    );
    server.with(ModelServer::close);
    assert_eq!(run(stream.read(&mut answer)).unwrap().unwrap(), 0);
    assert!(run(stream.write(b"x")).unwrap().is_err());
    drop(stream);
    assert!(server.is_dropped());
}
