//! `LISTEN` and `NOTIFY`: channels, waiting, streams.

use std::time::{Duration, Instant};

use futures_util::future::join;
use futures_util::stream::{FusedStream as _, StreamExt as _};
use purepg_conn::{ByteStream, Connection, Error, Notification, Runtime, UsageError};
use purepg_tests_live::{Context, live};

live!(
    acceptance_97_notified_while_idle,
    acceptance_97_notified_during_a_query,
    acceptance_97_notified_by_oneself,
    acceptance_97_notified_in_a_transaction,
    acceptance_97_payloads_of_any_length,
    acceptance_97_channels_of_any_name,
    channels_that_no_channel_can_be,
    listening_in_a_transaction,
    acceptance_99_waiting_no_time_a_little_and_for_ever,
    acceptance_99_stopping_after_some,
    acceptance_100_nothing_listens_any_more,
    acceptance_103_terminated_while_waiting,
    a_stream_begins_behind_what_was_under_way,
    waiting_rolls_back_what_was_dropped,
    notifications_before_the_end_come_first,
    what_is_dropped_is_counted,
);

/// The name of a channel of this connection's own.
fn channel<S>(conn: &Connection<S>, name: &str) -> String {
    format!("{name}_{}", conn.process_id().unwrap())
}

async fn notify<S: ByteStream>(conn: &mut Connection<S>, channel: &str, payload: &str) {
    conn.execute("select pg_notify($1, $2)", (channel, payload))
        .await
        .unwrap();
}

/// What has come, or comes in no time.
async fn come<S: ByteStream>(conn: &mut Connection<S>) -> Option<Notification> {
    conn.notification_timeout(Duration::from_millis(50))
        .await
        .unwrap()
}

async fn acceptance_97_notified_while_idle<R: Runtime>(cx: Context<R>) {
    let (mut listener, mut speaker) = (cx.connect().await, cx.connect().await);
    let channel = channel(&listener, "idle");
    listener.listen(&channel).await.unwrap();
    let wait = async {
        let heard = listener.notification().await.unwrap();
        (
            heard.channel() == channel,
            heard.process_id(),
            heard.payload().to_owned(),
        )
    };
    let speak = async {
        cx.runtime.sleep(Duration::from_millis(30)).await;
        notify(&mut speaker, &channel, "hello").await;
        speaker.process_id().unwrap()
    };
    let (heard, process) = join(wait, speak).await;
    assert_eq!(heard, (true, process, "hello".to_owned()));
}

async fn acceptance_97_notified_during_a_query<R: Runtime>(cx: Context<R>) {
    let (mut listener, mut speaker) = (cx.connect().await, cx.connect().await);
    let channel = channel(&listener, "during");
    listener.listen(&channel).await.unwrap();
    let query = listener.execute("select pg_sleep(0.2)", ());
    let speak = async {
        for payload in ["1", "2"] {
            notify(&mut speaker, &channel, payload).await;
        }
    };
    join(query, speak).await.0.unwrap();
    // They came with the end of the query, and wait.
    assert_eq!(listener.try_notification().unwrap().payload(), "1");
    assert_eq!(listener.notification().await.unwrap().payload(), "2");
    assert!(listener.try_notification().is_none());
}

async fn acceptance_97_notified_by_oneself<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let channel = channel(&conn, "self");
    conn.listen(&channel).await.unwrap();
    notify(&mut conn, &channel, "me").await;
    let heard = conn.try_notification().unwrap();
    assert_eq!(
        (heard.payload(), Some(heard.process_id())),
        ("me", conn.process_id())
    );
}

async fn acceptance_97_notified_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let channel = channel(&conn, "transaction");
    conn.listen(&channel).await.unwrap();
    for end in ["rollback", "commit"] {
        conn.execute("begin", ()).await.unwrap();
        notify(&mut conn, &channel, end).await;
        conn.ping().await.unwrap();
        assert!(come(&mut conn).await.is_none(), "not before the commit");
        conn.execute(end, ()).await.unwrap();
    }
    assert_eq!(come(&mut conn).await.unwrap().payload(), "commit");
    assert!(come(&mut conn).await.is_none());
}

async fn acceptance_97_payloads_of_any_length<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let channel = channel(&conn, "payload");
    conn.listen(&channel).await.unwrap();
    for payload in ["", "'\"\\ $1", "Grüße, 世界", &"x".repeat(7_999)] {
        notify(&mut conn, &channel, payload).await;
        assert_eq!(conn.notification().await.unwrap().payload(), payload);
    }
    let sql = "select pg_notify($1, repeat('x', 8000))";
    let error = conn.execute(sql, (&channel,)).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("22023"), "the server's limit");
    assert!(come(&mut conn).await.is_none());
}

async fn acceptance_97_channels_of_any_name<R: Runtime>(cx: Context<R>) {
    let (mut listener, mut speaker) = (cx.connect().await, cx.connect().await);
    let process = listener.process_id().unwrap();
    let long = "ü".repeat(31) + "x";
    assert_eq!(long.len(), 63);
    let names = [
        format!("\"quoted\" {process}"),
        format!("\"; drop table t; -- {process}"),
        format!("UPPER {process}"),
        format!("dots.and.more {process}"),
        format!("it's $1 :name \\ {process}"),
        format!("line\nbreak\t{process}"),
        long,
        "\"".to_owned(),
        "*".to_owned(),
        "select".to_owned(),
        " ".to_owned(),
    ];
    for name in &names {
        listener.listen(name).await.unwrap();
        // Twice is once.
        listener.listen(name).await.unwrap();
    }
    let all = listener
        .fetch("select pg_listening_channels() order by 1", ())
        .await
        .unwrap();
    let all: Vec<&str> = all.iter().map(|row| row.get(0).unwrap()).collect();
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    assert_eq!(all, sorted);
    for name in &names {
        notify(&mut speaker, name, name).await;
        let heard = listener.notification().await.unwrap();
        assert_eq!((heard.channel(), heard.payload()), (&**name, &**name));
        listener.unlisten(name).await.unwrap();
        notify(&mut speaker, name, name).await;
    }
    assert!(come(&mut listener).await.is_none());
    listener.unlisten("never listened to").await.unwrap();
}

async fn channels_that_no_channel_can_be<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for name in ["", "zero\0byte", &"x".repeat(64), &"ü".repeat(32)] {
        for error in [
            conn.listen(name).await.unwrap_err(),
            conn.unlisten(name).await.unwrap_err(),
        ] {
            assert!(
                matches!(&error, Error::Usage(usage) if matches!(**usage, UsageError::ChannelName { .. })),
                "{error:?}"
            );
            assert!(error.is_recoverable() && conn.is_ready());
        }
    }
    let count: i64 = conn
        .fetch_scalar("select count(*) from pg_listening_channels()", ())
        .await
        .unwrap();
    assert_eq!(count, 0);
}

async fn listening_in_a_transaction<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let channel = channel(&conn, "begun");
    for (end, heard) in [("rollback", false), ("commit", true)] {
        conn.execute("begin", ()).await.unwrap();
        conn.listen(&channel).await.unwrap();
        conn.execute(end, ()).await.unwrap();
        notify(&mut conn, &channel, end).await;
        assert_eq!(conn.try_notification().is_some(), heard, "{end}");
    }
    conn.execute("begin", ()).await.unwrap();
    conn.execute("select nope", ()).await.unwrap_err();
    let error = conn.listen(&channel).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("25P02"));
}

async fn acceptance_99_waiting_no_time_a_little_and_for_ever<R: Runtime>(cx: Context<R>) {
    let (mut listener, mut speaker) = (cx.connect().await, cx.connect().await);
    let channel = channel(&listener, "wait");
    listener.listen(&channel).await.unwrap();
    // No time: what waits, or nothing.
    let none = listener.notification_timeout(Duration::ZERO).await;
    assert!(none.unwrap().is_none());
    notify(&mut speaker, &channel, "no time").await;
    listener.ping().await.unwrap();
    let some = listener.notification_timeout(Duration::ZERO).await;
    assert_eq!(some.unwrap().unwrap().payload(), "no time");
    // A little.
    let begun = Instant::now();
    let little = Duration::from_millis(60);
    assert!(
        listener
            .notification_timeout(little)
            .await
            .unwrap()
            .is_none()
    );
    let waited = begun.elapsed();
    assert!(
        waited >= little && waited < Duration::from_secs(30),
        "{waited:?}"
    );
    // For ever, in two ways.
    for wait in [Duration::MAX, Duration::from_secs(3_600)] {
        let wait = listener.notification_timeout(wait);
        let speak = async {
            cx.runtime.sleep(Duration::from_millis(20)).await;
            notify(&mut speaker, &channel, "at last").await;
        };
        let heard = join(wait, speak).await.0;
        assert_eq!(heard.unwrap().unwrap().payload(), "at last");
    }
    // What comes while nobody waits is lost to nobody, however often a time ran out.
    for i in 0..20 {
        notify(&mut speaker, &channel, &i.to_string()).await;
    }
    let mut next = 0;
    while next < 20 {
        let heard = listener
            .notification_timeout(Duration::from_micros(50))
            .await;
        if let Some(heard) = heard.unwrap() {
            assert_eq!(heard.payload(), next.to_string());
            next += 1;
        }
    }
    assert!(come(&mut listener).await.is_none());
}

async fn acceptance_99_stopping_after_some<R: Runtime>(cx: Context<R>) {
    let (mut listener, mut speaker) = (cx.connect().await, cx.connect().await);
    let channel = channel(&listener, "some");
    listener.listen(&channel).await.unwrap();
    // Ten at once, in one segment of the stream.
    let ten = "select pg_notify($1, g::text) from generate_series(1, 10) g";
    speaker.execute(ten, (&channel,)).await.unwrap();
    let mut payloads = Vec::new();
    {
        let mut stream = listener.notifications();
        payloads.push(stream.next().await.unwrap().unwrap());
        payloads.push(stream.next().await.unwrap().unwrap());
        assert!(!stream.is_terminated());
    }
    payloads.extend(
        listener
            .notifications()
            .take(3)
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .await,
    );
    payloads.push(listener.notification().await.unwrap());
    let number: i32 = listener.fetch_scalar("select $1::int", (7,)).await.unwrap();
    assert_eq!(number, 7, "the stream is left at any time");
    payloads.extend(std::iter::from_fn(|| listener.try_notification()));
    let payloads: Vec<&str> = payloads.iter().map(Notification::payload).collect();
    assert_eq!(
        payloads,
        ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
    );
}

async fn acceptance_100_nothing_listens_any_more<R: Runtime>(cx: Context<R>) {
    let (mut listener, mut speaker) = (cx.connect().await, cx.connect().await);
    let names = ["a", "b", "C"].map(|name| channel(&listener, name));
    for statement in ["", "discard all", "reset"] {
        for name in &names {
            listener.listen(name).await.unwrap();
        }
        notify(&mut speaker, &names[0], "before").await;
        listener.ping().await.unwrap();
        match statement {
            "" => listener.unlisten_all().await.unwrap(),
            "reset" => listener.reset().await.unwrap(),
            statement => drop(listener.execute(statement, ()).await.unwrap()),
        }
        let left: i64 = listener
            .fetch_scalar("select count(*) from pg_listening_channels()", ())
            .await
            .unwrap();
        assert_eq!(left, 0);
        for name in &names {
            notify(&mut speaker, name, "behind").await;
        }
        assert_eq!(come(&mut listener).await.unwrap().payload(), "before");
        assert!(come(&mut listener).await.is_none());
    }
}

async fn acceptance_103_terminated_while_waiting<R: Runtime>(cx: Context<R>) {
    for stream in [false, true] {
        let mut conn = cx.connect().await;
        let process = conn.process_id().unwrap();
        let wait = async {
            if !stream {
                return conn.notification().await.unwrap_err();
            }
            let mut stream = conn.notifications();
            let error = stream.next().await.unwrap().unwrap_err();
            assert!(stream.next().await.is_none(), "it is told once");
            assert!(stream.is_terminated());
            error
        };
        let terminate = async {
            cx.runtime.sleep(Duration::from_millis(30)).await;
            cx.server().terminate_backend(process).unwrap();
        };
        let (error, ()) = join(wait, terminate).await;
        assert_eq!(error.sqlstate(), Some("57P01"), "{error:?}");
        assert!(!error.is_recoverable() && conn.is_dead());
        let again = conn.notification_timeout(Duration::ZERO).await.unwrap_err();
        assert_eq!(again.sqlstate(), Some("57P01"));
        let again = conn.listen("any").await.unwrap_err();
        assert_eq!(again.sqlstate(), Some("57P01"));
        let again = conn.notifications().next().await.unwrap().unwrap_err();
        assert_eq!(again.sqlstate(), Some("57P01"));
    }
}

async fn a_stream_begins_behind_what_was_under_way<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let channel = channel(&conn, "behind");
    conn.listen(&channel).await.unwrap();
    let sql = format!("select generate_series(1, 100000); notify {channel}, 'there'");
    drop(conn.query(&sql, ()).await.unwrap());
    let heard = conn.notifications().next().await.unwrap().unwrap();
    assert_eq!(heard.payload(), "there");
    drop(conn.query("select pg_sleep(0.05)", ()).await.unwrap());
    drop(conn.prepare("select 1").await.unwrap());
    notify(&mut conn, &channel, "closed").await;
    let heard = conn.notifications().next().await.unwrap().unwrap();
    assert_eq!(heard.payload(), "closed");
    let left: i64 = conn
        .fetch_scalar(
            "select count(*) from pg_prepared_statements where statement = 'select 1'",
            (),
        )
        .await
        .unwrap();
    assert_eq!(left, 0, "the statement was closed along with it");
}

/// Nothing comes to a session that is in a transaction.
async fn waiting_rolls_back_what_was_dropped<R: Runtime>(cx: Context<R>) {
    let (mut listener, mut speaker) = (cx.connect().await, cx.connect().await);
    let channel = channel(&listener, "dropped");
    listener.listen(&channel).await.unwrap();
    for stream in [false, true] {
        let mut transaction = listener.begin().await.unwrap();
        transaction.execute("select 1", ()).await.unwrap();
        drop(transaction);
        notify(&mut speaker, &channel, "heard").await;
        let heard = if stream {
            listener.notifications().next().await.unwrap()
        } else {
            listener.notification().await
        };
        assert_eq!(heard.unwrap().payload(), "heard");
        assert!(!listener.in_transaction());
    }
}

async fn notifications_before_the_end_come_first<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let channel = channel(&conn, "end");
    conn.listen(&channel).await.unwrap();
    for payload in ["1", "2", "3"] {
        notify(&mut conn, &channel, payload).await;
    }
    conn.execute("select pg_terminate_backend(pg_backend_pid())", ())
        .await
        .unwrap_err();
    assert!(conn.is_dead());
    let mut stream = conn.notifications();
    assert_eq!(stream.next().await.unwrap().unwrap().payload(), "1");
    assert_eq!(conn.notification().await.unwrap().payload(), "2");
    let third = conn.notification_timeout(Duration::ZERO).await.unwrap();
    assert_eq!(third.unwrap().payload(), "3");
    assert_eq!(
        conn.notification().await.unwrap_err().sqlstate(),
        Some("57P01")
    );
}

async fn what_is_dropped_is_counted<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let channel = channel(&conn, "many");
    conn.listen(&channel).await.unwrap();
    let many = "select pg_notify($1, g::text) from generate_series(1, 1234) g";
    conn.execute(many, (&channel,)).await.unwrap();
    assert_eq!(conn.dropped_notifications(), 234);
    assert_eq!(conn.dropped_notices(), 0);
    let heard: Vec<Notification> = std::iter::from_fn(|| conn.try_notification()).collect();
    assert_eq!(heard.len(), 1_000);
    assert_eq!(heard[0].payload(), "235", "the newest are kept");
    assert_eq!(heard[999].payload(), "1234");
}
