//! What one side writes the other reads: the core's messages through the kit's decoder, the kit's messages through the core. Whatever is in
//! them. That both agree with real servers is shown by `transcripts`.

use std::convert::Infallible;

use proptest::prelude::*;
use purepg_proto::{
    Bind, CancelKey, Event, Format, Limits, Reply, RowShape, StartupEvent, Target, Unsolicited,
};
use purepg_testkit::backend;
use purepg_testkit::cut::begin;
use purepg_testkit::frontend::{Frontend, Object};
use purepg_tests_protocol::driver::{Driver, startup};

/// Text without NUL, which no string of the protocol can hold.
fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,40}"
}

fn name() -> impl Strategy<Value = String> {
    "[^\0]{1,20}"
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 0..200))
}

fn formats() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(any::<bool>(), 0..20)
}

fn to_formats(binary: &[bool]) -> Vec<Format> {
    let format = |&binary: &bool| if binary { Format::Binary } else { Format::Text };
    binary.iter().map(format).collect()
}

fn codes(binary: &[bool]) -> Vec<i16> {
    binary.iter().map(|&binary| binary.into()).collect()
}

/// The events that the core has of these bytes.
fn events(driver: &mut Driver, bytes: &[u8]) -> Vec<Event> {
    driver.core.recv_bytes(bytes).unwrap();
    let next = || driver.core.next_event().unwrap();
    std::iter::from_fn(next).collect()
}

proptest! {
    #[test]
    fn a_first_message(parameters in prop::collection::vec((name(), text()), 0..6), user in name()) {
        let own = |(name, _): &(String, String)| {
            let reserved = ["user", "database", "client_encoding", "replication"];
            let reserved = reserved.iter().any(|known| known.eq_ignore_ascii_case(name));
            !reserved && !name.starts_with("_pq_.")
        };
        let parameters: Vec<_> = parameters.into_iter().filter(own).collect();
        let mut all = purepg_proto::Startup::new(user.as_str(), purepg_proto::Transport::UnixSocket);
        for (name, value) in &parameters {
            all = all.parameter(name.as_str(), value.as_str());
        }
        let sent = Driver::new(all, Limits::default()).send();
        let mut expected = vec![("user".to_owned(), user), ("client_encoding".to_owned(), "UTF8".to_owned())];
        expected.extend(parameters);
        prop_assert_eq!(sent, [Frontend::Startup { version: 3 << 16, parameters: expected }]);
    }

    #[test]
    fn a_query(sql in text()) {
        let mut driver = Driver::open();
        driver.query(&sql);
        prop_assert_eq!(driver.send(), [Frontend::Query(sql)]);
    }

    #[test]
    fn the_extended_protocol(
        statement in text(),
        portal in text(),
        sql in text(),
        types in prop::collection::vec(any::<u32>(), 0..20),
        values in prop::collection::vec((value(), any::<bool>()), 0..20),
        result_formats in formats(),
        max_rows in 1..i32::MAX,
    ) {
        let mut driver = Driver::open();
        let (values, binary): (Vec<_>, Vec<bool>) = values.into_iter().unzip();
        driver.begin(|batch| {
            batch.parse(&statement, &sql, &types).describe(Target::Statement(&statement));
            let bind = Bind {
                portal: &portal,
                statement: &statement,
                parameter_formats: &to_formats(&binary),
                result_formats: &to_formats(&result_formats),
            };
            let Ok(bound) = batch.bind(bind, |out| {
                for value in &values {
                    out.bytes(value.as_deref());
                }
                Ok::<_, Infallible>(())
            });
            bound.describe(Target::Portal(&portal));
            batch.execute(&portal, Some(max_rows.unsigned_abs()), RowShape::Described);
            batch.close(Target::Portal(&portal)).close(Target::Statement(&statement)).flush().sync();
        });
        prop_assert_eq!(driver.send(), [
            Frontend::Parse { statement: statement.clone(), sql, types },
            Frontend::Describe(Object::Statement(statement.clone())),
            Frontend::Bind {
                portal: portal.clone(),
                statement: statement.clone(),
                formats: codes(&binary),
                values,
                result_formats: codes(&result_formats),
            },
            Frontend::Describe(Object::Portal(portal.clone())),
            Frontend::Execute { portal: portal.clone(), max_rows },
            Frontend::Close(Object::Portal(portal)),
            Frontend::Close(Object::Statement(statement)),
            Frontend::Flush,
            Frontend::Sync,
        ]);
    }

    #[test]
    fn the_data_of_a_copy(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..10), reason in text()) {
        let mut driver = Driver::open();
        driver.copy_in("copy t from stdin");
        driver.send();
        driver.feed(&backend::copy_in_response(2));
        for piece in &pieces {
            driver.data(0, piece);
        }
        let end = purepg_proto::CopyEnd::Fail(&reason);
        driver.core.copy_finish(driver.ops[0], end).unwrap();
        let mut expected: Vec<Frontend> = pieces.into_iter().map(Frontend::CopyData).collect();
        expected.push(Frontend::CopyFail(reason));
        prop_assert_eq!(driver.send(), expected);
    }

    #[test]
    fn rows(
        columns in prop::collection::vec((text(), any::<u32>(), 0..2_i16), 1..12),
        rows in prop::collection::vec(prop::collection::vec(value(), 12), 1..8),
    ) {
        let mut driver = Driver::open();
        driver.query("select");
        driver.send();
        let described: Vec<_> = columns.iter().map(|(name, oid, format)| (name.as_str(), *oid, *format)).collect();
        let mut bytes = backend::row_description(&described);
        for row in &rows {
            bytes.extend(backend::data_row(&row[..columns.len()]));
        }
        let (mut told, mut seen) = (Vec::new(), Vec::new());
        for event in events(&mut driver, &bytes) {
            match event {
                Event::Reply(_, Reply::Columns(columns)) => {
                    told = columns.iter().map(|column| (column.name().to_owned(), column.type_oid(), i16::from(column.format() == Format::Binary))).collect();
                }
                Event::Reply(_, Reply::Rows(batch)) => {
                    for row in &batch {
                        let fields = row.fields().map(|field| field.unwrap().map(<[u8]>::to_vec));
                        seen.push(fields.collect::<Vec<_>>());
                    }
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(&told, &columns);
        let expected: Vec<_> = rows.iter().map(|row| row[..columns.len()].to_vec()).collect();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn what_nobody_asked_for(
        fields in ("[^\0]{1,20}", "[0-9A-Z]{5}", "[^\0]{0,60}", "[^\0]{0,60}", "[^\0]{0,60}"),
        process_id in any::<i32>(),
        channel in text(),
        payload in text(),
        parameter in (name(), text()),
    ) {
        let (severity, sqlstate, message, detail, hint) = fields;
        let mut driver = Driver::open();
        let bytes = [
            backend::notice(&[(b'S', &severity), (b'V', "NOTICE"), (b'C', &sqlstate), (b'M', &message), (b'D', &detail), (b'H', &hint)]),
            backend::notification(process_id, &channel, &payload),
            backend::parameter_status(&parameter.0, &parameter.1),
        ];
        let mut facts = events(&mut driver, &bytes.concat()).into_iter();
        let Some(Event::Unsolicited(Unsolicited::Notice(notice))) = facts.next() else {
            return Err(TestCaseError::fail("no notice"));
        };
        prop_assert_eq!(notice.sqlstate(), Some(sqlstate.as_str()));
        prop_assert_eq!(notice.message(), message);
        prop_assert_eq!(notice.detail().unwrap_or_default(), detail);
        prop_assert_eq!(notice.hint().unwrap_or_default(), hint);
        let Some(Event::Unsolicited(Unsolicited::Notification(said))) = facts.next() else {
            return Err(TestCaseError::fail("no notification"));
        };
        prop_assert_eq!((said.process_id(), said.channel(), said.payload()), (process_id, channel.as_str(), payload.as_str()));
        let Some(Event::Unsolicited(Unsolicited::ParameterChanged(change))) = facts.next() else {
            return Err(TestCaseError::fail("no parameter"));
        };
        prop_assert_eq!((change.name(), change.value()), (parameter.0.as_str(), parameter.1.as_str()));
        prop_assert_eq!(driver.core.parameter(&parameter.0), Some(parameter.1.as_str()));
    }

    #[test]
    fn answers_without_rows(types in prop::collection::vec(any::<u32>(), 0..30), tag in "[A-Z ]{1,40}") {
        let mut driver = Driver::open();
        begin(&mut driver.core, &mut driver.ops, |batch| {
            batch.parse("", "select", &[]).describe(Target::Statement(""));
            let Ok(bound) = batch.bind(Bind::default(), |_| Ok::<_, Infallible>(()));
            bound.execute("", None, RowShape::Described).sync();
        });
        driver.send();
        let bytes = [
            backend::parse_complete(),
            backend::parameter_description(&types),
            backend::no_data(),
            backend::bind_complete(),
            backend::command_complete(&tag),
        ];
        let mut told = None;
        let mut completed = None;
        for event in events(&mut driver, &bytes.concat()) {
            match event {
                Event::Reply(_, Reply::Parameters(parameters)) => told = Some(parameters.to_vec()),
                Event::Reply(_, Reply::StatementComplete(tag)) => completed = Some(tag.as_str().to_owned()),
                _ => {}
            }
        }
        prop_assert_eq!(told, Some(types));
        prop_assert_eq!(completed, Some(tag));
    }

    #[test]
    fn a_cancel_key(process_id in any::<i32>(), secret in prop::array::uniform4(any::<u8>())) {
        let mut driver = Driver::new(startup(), Limits::default());
        driver.send();
        let bytes = [
            backend::authentication_ok(),
            backend::backend_key_data(process_id, &secret),
            backend::ready(b'I'),
        ];
        let open = events(&mut driver, &bytes.concat());
        prop_assert!(matches!(open.last(), Some(Event::Startup(StartupEvent::Ready))));
        let key: &CancelKey = driver.core.cancel_key().unwrap();
        prop_assert_eq!(key.process_id(), process_id);
        let request = key.to_request();
        let decoded = Frontend::decode_first(&request.as_ref()[4..]).unwrap();
        prop_assert_eq!(decoded, Frontend::CancelRequest { process_id, secret: secret.to_vec() });
    }
}
