//! Which server will do, by scripted servers of every version.

use purepg_conn::{Error, Runtime, TargetSessionAttrs};
use purepg_testkit::backend;
use purepg_testkit::recorded::Record;
use purepg_tests_live::{Context, Transport, live};

use crate::network::{Network, ONE, Place, TWO, addresses, both, server};
use TargetSessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};

live!(
    acceptance_05_the_first_server_that_will_do,
    acceptance_05_prefer_standby_takes_any_other_in_its_second_round,
    acceptance_06_what_a_server_says_by_itself_is_not_asked,
    acceptance_06_an_older_server_is_asked_once,
    acceptance_06_a_question_that_fails_leads_to_the_next_host,
);

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Primary,
    /// A primary whose `default_transaction_read_only` is on.
    ReadOnly,
    Standby,
}

impl Is {
    const ALL: [Self; 3] = [Self::Primary, Self::ReadOnly, Self::Standby];

    fn suits(self, wanted: TargetSessionAttrs) -> bool {
        match wanted {
            ReadWrite => self == Self::Primary,
            ReadOnly => self != Self::Primary,
            Primary => self != Self::Standby,
            Standby => self == Self::Standby,
            _ => true,
        }
    }

    /// One that says so when a session begins, as those of version 14 and newer.
    fn telling(self) -> Place {
        let on = |is| if is { "on" } else { "off" };
        let enters = [
            backend::authentication_ok(),
            backend::parameter_status("in_hot_standby", on(self == Self::Standby)),
            backend::parameter_status("default_transaction_read_only", on(self == Self::ReadOnly)),
            backend::ready(b'I'),
        ];
        server([enters.concat()])
    }

    /// One that has to be asked: a single question, about this.
    fn asked(self, wanted: TargetSessionAttrs) -> Place {
        let (name, oid, value, tag) = match wanted {
            ReadWrite | ReadOnly if self == Self::Primary => {
                ("transaction_read_only", 25, "off", "SHOW")
            }
            ReadWrite | ReadOnly => ("transaction_read_only", 25, "on", "SHOW"),
            _ if self == Self::Standby => ("pg_is_in_recovery", 16, "t", "SELECT 1"),
            _ => ("pg_is_in_recovery", 16, "f", "SELECT 1"),
        };
        let answer = [
            backend::row_description(&[(name, oid, 0)]),
            backend::data_row(&[Some(value)]),
            backend::command_complete(tag),
            backend::ready(b'I'),
        ];
        server([backend::let_in(), answer.concat()])
    }
}

/// What was asked of a server that somebody was let in by.
fn questions(record: &Record) -> Vec<String> {
    let written = record.take().bytes;
    let startup = u32::from_be_bytes(*written.first_chunk().unwrap());
    let mut rest = &written[usize::try_from(startup).unwrap()..];
    let mut questions = Vec::new();
    while let [tag, a, b, c, d, behind @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap() - 4;
        let (body, behind) = behind.split_at(length);
        match tag {
            b'Q' => questions.push(String::from_utf8_lossy(body).trim_end_matches('\0').into()),
            b'X' => questions.push("good-bye".into()),
            other => panic!("{}", char::from(*other)),
        }
        rest = behind;
    }
    questions
}

async fn acceptance_05_the_first_server_that_will_do<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for wanted in [Any, ReadWrite, ReadOnly, Primary, Standby] {
        for one in Is::ALL {
            for two in Is::ALL {
                for tells in [true, false] {
                    let place = |is: Is| {
                        if tells {
                            is.telling()
                        } else {
                            is.asked(wanted)
                        }
                    };
                    let network = Network::new(&cx, [(ONE, place(one)), (TWO, place(two))]);
                    let config = both().target_session_attrs(wanted);
                    let (result, visits) = network.connect(&config).await;
                    let case = format!("{wanted}: {one:?}, {two:?}, tells: {tells}");
                    let expected = match (one.suits(wanted), two.suits(wanted)) {
                        (true, _) => Some(ONE),
                        (false, true) => Some(TWO),
                        (false, false) => None,
                    };
                    match expected {
                        Some(address) => {
                            let mut conn = result.expect(&case);
                            assert_eq!(conn.endpoint().to_string(), address, "{case}");
                            assert!(conn.is_ready() && conn.take_notice().is_none(), "{case}");
                        }
                        None => {
                            let error = result.unwrap_err();
                            assert!(error.is_retryable(), "{case}");
                            let Error::Connect(error) = error else {
                                panic!("{error:?}")
                            };
                            assert!(error.attempts().iter().all(|attempt| matches!(
                                attempt.error(),
                                Error::UnsuitableServer { wanted: named, .. } if *named == wanted
                            )));
                        }
                    }
                    // Who is not wanted hears a good-bye.
                    let all_good_byes = visits
                        .iter()
                        .filter(|visit| Some(visit.address.as_str()) != expected)
                        .all(|visit| {
                            questions(&visit.record).last().map(String::as_str) == Some("good-bye")
                        });
                    assert!(all_good_byes, "{case}");
                }
            }
        }
    }
}

async fn acceptance_05_prefer_standby_takes_any_other_in_its_second_round<R: Runtime>(
    cx: Context<R>,
) {
    if cx.transport == Transport::Unix {
        return;
    }
    let preferring = both().target_session_attrs(PreferStandby);
    for (one, two, visited) in [
        (Is::Standby.telling(), Is::Standby.telling(), vec![ONE]),
        (Is::Primary.telling(), Is::Standby.telling(), vec![ONE, TWO]),
        (
            Is::Primary.telling(),
            Is::ReadOnly.telling(),
            vec![ONE, TWO, ONE],
        ),
        (
            Place::Nobody,
            Is::Primary.telling(),
            vec![ONE, TWO, ONE, TWO],
        ),
        (Is::Primary.telling(), Place::Nobody, vec![ONE, TWO, ONE]),
    ] {
        let network = Network::new(&cx, [(ONE, one), (TWO, two)]);
        let (result, visits) = network.connect(&preferring).await;
        assert_eq!(addresses(&visits), visited);
        let endpoint = result.unwrap().endpoint().to_string();
        assert_eq!(&endpoint, visited.last().unwrap());
    }
}

async fn acceptance_06_what_a_server_says_by_itself_is_not_asked<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    for wanted in [Any, ReadWrite, ReadOnly, Primary, Standby, PreferStandby] {
        let is = Is::ALL.into_iter().find(|is| is.suits(wanted)).unwrap();
        let is = if wanted == PreferStandby {
            Is::Standby
        } else {
            is
        };
        let network = Network::new(&cx, [(ONE, is.telling())]);
        let config = both().target_session_attrs(wanted);
        let (result, visits) = network.connect(&config).await;
        assert!(result.unwrap().is_ready());
        assert_eq!(questions(&visits[0].record), [""; 0], "{wanted}");
    }
}

async fn acceptance_06_an_older_server_is_asked_once<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let (read_only, recovery) = (
        "SHOW transaction_read_only",
        "SELECT pg_catalog.pg_is_in_recovery()",
    );
    for (wanted, is, asked) in [
        (Any, Is::Primary, None),
        (ReadWrite, Is::Primary, Some(read_only)),
        (ReadOnly, Is::ReadOnly, Some(read_only)),
        (Primary, Is::Primary, Some(recovery)),
        (Standby, Is::Standby, Some(recovery)),
        (PreferStandby, Is::Standby, Some(recovery)),
    ] {
        let network = Network::new(&cx, [(ONE, is.asked(wanted))]);
        let config = both().target_session_attrs(wanted);
        let (result, visits) = network.connect(&config).await;
        assert!(result.unwrap().is_ready());
        let asked: Vec<&str> = asked.into_iter().collect();
        assert_eq!(questions(&visits[0].record), asked, "{wanted}");
    }
}

async fn acceptance_06_a_question_that_fails_leads_to_the_next_host<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let refuses = || {
        let answer = [
            backend::error_response("ERROR", "42501", "permission denied"),
            backend::ready(b'I'),
        ];
        server([backend::let_in(), answer.concat()])
    };
    let config = both().target_session_attrs(Primary);
    let network = Network::new(&cx, [(ONE, refuses()), (TWO, Is::Primary.asked(Primary))]);
    let (result, visits) = network.connect(&config).await;
    assert_eq!(addresses(&visits), [ONE, TWO]);
    assert_eq!(result.unwrap().endpoint().to_string(), TWO);
    let network = Network::new(&cx, [(ONE, refuses())]);
    let error = network.connect(&config).await.0.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42501"), "{error}");
}
