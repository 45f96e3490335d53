//! Against what the core writes.

use purepg_proto::{
    Batch, Bind, Connection, Format, Limits, Nonce, RowShape, Startup, Target, Transport,
    UsageError,
};

use super::*;
use crate::backend;

fn take(core: &mut Connection) -> Vec<u8> {
    let output = core.output().to_vec();
    core.output_sent(output.len());
    output
}

fn open() -> Connection {
    let startup = Startup::new("me", Transport::UnixSocket);
    let mut core = Connection::new(startup, Nonce::from_entropy([7; 18]), Limits::default());
    take(&mut core);
    core.recv_bytes(&backend::let_in()).unwrap();
    while core.next_event().unwrap().is_some() {}
    assert!(core.is_idle());
    core
}

fn decode(bytes: &[u8]) -> Vec<Frontend> {
    let mut whole = FrontendReader::started();
    whole.push(bytes);
    let mut bytewise = FrontendReader::started();
    let mut messages = Vec::new();
    for &byte in bytes {
        bytewise.push(&[byte]);
        messages.extend(bytewise.next_message().unwrap());
    }
    for message in &messages {
        assert_eq!(whole.next_message().unwrap().as_ref(), Some(message));
    }
    assert_eq!((whole.waiting(), bytewise.waiting()), (0, 0));
    messages
}

fn batch(write: impl FnOnce(&mut Batch<'_>)) -> Result<Vec<Frontend>, UsageError> {
    let mut core = open();
    let mut batch = core.batch();
    write(&mut batch);
    batch.commit()?;
    Ok(decode(&take(&mut core)))
}

#[test]
fn the_first_message() {
    let startup = Startup::new("me", Transport::UnixSocket)
        .database("db")
        .parameter("application_name", "test");
    let mut core = Connection::new(startup, Nonce::from_entropy([7; 18]), Limits::default());
    let mut reader = FrontendReader::new();
    reader.push(&take(&mut core));
    let pairs = [
        ("user", "me"),
        ("database", "db"),
        ("client_encoding", "UTF8"),
        ("application_name", "test"),
    ];
    let parameters = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(
        reader.next_message(),
        Ok(Some(Frontend::Startup {
            version: 3 << 16,
            parameters: parameters.to_vec()
        }))
    );
    assert_eq!(reader.next_message(), Ok(None));
}

#[test]
fn requests_before_it() {
    let mut reader = FrontendReader::new();
    reader.push(b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x08\x04\xd2\x16\x30");
    reader.push(b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07abcd");
    assert_eq!(reader.next_message(), Ok(Some(Frontend::SslRequest)));
    assert_eq!(reader.next_message(), Ok(Some(Frontend::GssEncRequest)));
    assert_eq!(
        reader.next_message(),
        Ok(Some(Frontend::CancelRequest {
            process_id: 7,
            secret: b"abcd".to_vec()
        }))
    );
}

#[test]
fn everything_that_a_batch_writes() {
    let query = batch(|batch| {
        batch.query("select 'ä'");
    });
    assert_eq!(query, Ok(vec![Frontend::Query("select 'ä'".into())]));
    let extended = batch(|batch| {
        batch.parse("s", "select $1, $2", &[23, 0]);
        batch.describe(Target::Statement("s"));
        let bind = Bind {
            portal: "p",
            statement: "s",
            parameter_formats: &[Format::Text, Format::Binary],
            result_formats: &[Format::Binary],
        };
        let bound: Result<_, UsageError> = batch.bind(bind, |values| {
            values.bytes(Some(b"1"));
            values.bytes(None);
            Ok(())
        });
        bound.unwrap().execute("p", Some(5), RowShape::Described);
        batch.close(Target::Portal("p")).flush().sync();
    });
    let statement = || "s".to_owned();
    let portal = || "p".to_owned();
    assert_eq!(
        extended,
        Ok(vec![
            Frontend::Parse {
                statement: statement(),
                sql: "select $1, $2".into(),
                types: vec![23, 0]
            },
            Frontend::Describe(Object::Statement(statement())),
            Frontend::Bind {
                portal: portal(),
                statement: statement(),
                formats: vec![0, 1],
                values: vec![Some(b"1".to_vec()), None],
                result_formats: vec![1]
            },
            Frontend::Execute {
                portal: portal(),
                max_rows: 5
            },
            Frontend::Close(Object::Portal(portal())),
            Frontend::Flush,
            Frontend::Sync,
        ])
    );
    let mut core = open();
    core.terminate();
    assert_eq!(decode(&take(&mut core)), [Frontend::Terminate]);
}

#[test]
fn what_answers_a_request_for_a_password() {
    let startup = Startup::new("me", Transport::UnixSocket).password("hush");
    let mut core = Connection::new(startup, Nonce::from_entropy([7; 18]), Limits::default());
    take(&mut core);
    core.recv_bytes(&backend::authentication_sasl(&["SCRAM-SHA-256"]))
        .unwrap();
    assert!(core.next_event().unwrap().is_none());
    let [Frontend::Password(body)] = &decode(&take(&mut core))[..] else {
        panic!("one answer");
    };
    let first = format!("n,,n=,r={}", "BwcH".repeat(6)).into_bytes();
    assert_eq!(
        Frontend::sasl_initial(body),
        Ok(("SCRAM-SHA-256".into(), Some(first)))
    );
}

#[test]
fn what_is_no_message_is_told() {
    for bytes in [
        &b"?\0\0\0\x04"[..],
        b"Q\0\0\0\x03",
        b"Q\xff\xff\xff\xff",
        b"Q\0\0\0\x05x",
        b"S\0\0\0\x05x",
        b"D\0\0\0\x06X\0",
        b"B\0\0\0\x0d\0\0\0\0\0\x01\xff\xff\xff",
        b"Q\0\0\0\x06\xff\0",
    ] {
        let mut reader = FrontendReader::started();
        reader.push(bytes);
        assert!(reader.next_message().is_err(), "{bytes:?}");
    }
}
