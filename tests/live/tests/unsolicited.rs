//! What the server says unasked: notices, notifications, parameters.

use std::time::Duration;

use futures_util::future::{Either, select};
use purepg_conn::{Runtime, Severity};
use purepg_tests_live::{Context, live};

live!(
    notices_are_kept,
    a_notification_while_idle,
    notifications_amid_everything_else,
    a_change_of_parameters_amid_a_query,
);

async fn notices_are_kept<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("set client_min_messages to notice", ())
        .await
        .unwrap();
    conn.execute(
        "do $$ begin raise warning 'careful'; raise notice 'n %', 1; end $$",
        (),
    )
    .await
    .unwrap();
    let warning = conn.take_notice().unwrap();
    assert_eq!(
        (warning.severity(), warning.message()),
        (Severity::Warning, "careful")
    );
    let notice = conn.take_notice().unwrap();
    assert_eq!(
        (notice.severity(), notice.message()),
        (Severity::Notice, "n 1")
    );
    assert!(conn.take_notice().is_none());
    let burst = "do $$ begin for i in 1..1500 loop raise notice '%', i; end loop; end $$";
    conn.execute(burst, ()).await.unwrap();
    assert_eq!(conn.dropped_notices(), 500);
    assert_eq!(
        conn.take_notice().unwrap().message(),
        "501",
        "the newest are kept"
    );
}

async fn a_notification_while_idle<R: Runtime>(cx: Context<R>) {
    let mut listener = cx.connect().await;
    let mut speaker = cx.connect().await;
    let channel = format!("idle_{}", listener.process_id().unwrap());
    listener
        .execute(&format!("listen {channel}"), ())
        .await
        .unwrap();
    speaker
        .execute("select pg_notify($1, 'hello')", (&channel,))
        .await
        .unwrap();
    let notification = listener.notification().await.unwrap();
    assert_eq!(notification.channel(), channel);
    assert_eq!(notification.payload(), "hello");
    assert_eq!(Some(notification.process_id()), speaker.process_id());
    {
        let wait = std::pin::pin!(listener.notification());
        match select(wait, cx.runtime.sleep(Duration::from_millis(20))).await {
            Either::Left((notification, _)) => panic!("{notification:?}"),
            Either::Right(((), _)) => {}
        }
    }
    speaker
        .execute("select pg_notify($1, $2)", (&channel, "again"))
        .await
        .unwrap();
    assert_eq!(listener.notification().await.unwrap().payload(), "again");
}

async fn notifications_amid_everything_else<R: Runtime>(cx: Context<R>) {
    let mut listener = cx.connect().await;
    let mut speaker = cx.connect().await;
    let channel = format!("amid_{}", listener.process_id().unwrap());
    listener
        .execute(&format!("listen {channel}"), ())
        .await
        .unwrap();
    for i in 0..50 {
        speaker
            .execute("select pg_notify($1, $2)", (&channel, i.to_string()))
            .await
            .unwrap();
        match i % 4 {
            0 => drop(
                listener
                    .query("select generate_series(1, 5000)", ())
                    .await
                    .unwrap(),
            ),
            1 => assert_eq!(
                listener.fetch("select $1::int", (1,)).await.unwrap().len(),
                1
            ),
            2 => drop(listener.execute("select nope", ()).await.unwrap_err()),
            _ => listener.ping().await.unwrap(),
        }
    }
    for i in 0..50 {
        assert_eq!(
            listener.notification().await.unwrap().payload(),
            i.to_string()
        );
    }
}

async fn a_change_of_parameters_amid_a_query<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select set_config('application_name', 'changed', false) from generate_series(1, 3)";
    assert_eq!(conn.fetch(sql, ()).await.unwrap().len(), 3);
    assert_eq!(conn.parameter("application_name"), Some("changed"));
}
