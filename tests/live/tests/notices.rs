//! Notices and warnings: kept, counted, or told to a handler.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use purepg_conn::{Config, Connection, Notice, Runtime, Severity};
use purepg_testkit::backend;
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::{Canned, Context, live};

live!(
    acceptance_102_notices_of_every_severity,
    acceptance_102_a_severity_in_another_language,
    acceptance_102_a_burst_of_five_hundred,
    warnings_are_not_driven_out_by_notices,
    what_is_dropped_is_counted,
    notices_of_an_abandoned_query_are_kept,
    a_handler_is_told_instead,
    a_handler_that_panics,
    acceptance_14_notices_of_the_start,
);

async fn acceptance_102_notices_of_every_severity<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let levels = [
        ("debug", Severity::Debug),
        ("log", Severity::Log),
        ("info", Severity::Info),
        ("notice", Severity::Notice),
        ("warning", Severity::Warning),
    ];
    conn.execute("set client_min_messages to debug1", ())
        .await
        .unwrap();
    for (level, severity) in levels {
        let sql = format!(
            "do $$ begin raise {level} 'mine % %', '{level}', 'ü' using \
             detail = 'd', hint = 'h', errcode = '01ABC', schema = 's', table = 't', column = 'c', \
             datatype = 'y', constraint = 'o'; end $$"
        );
        conn.execute(&sql, ()).await.unwrap();
        let mut notices = std::iter::from_fn(|| conn.take_notice());
        // A server may tell a debugger more.
        let notice = notices
            .find(|notice| notice.message().starts_with("mine"))
            .unwrap();
        assert_eq!(notice.severity(), severity);
        assert_eq!(notice.message(), format!("mine {level} ü"));
        assert_eq!(notice.sqlstate(), Some("01ABC"));
        assert_eq!((notice.detail(), notice.hint()), (Some("d"), Some("h")));
        assert_eq!((notice.schema(), notice.table()), (Some("s"), Some("t")));
        assert_eq!(
            (notice.column(), notice.data_type()),
            (Some("c"), Some("y"))
        );
        assert_eq!(notice.constraint(), Some("o"));
        assert!(
            notice
                .context()
                .is_some_and(|context| context.contains("PL/pgSQL"))
        );
    }
    assert!(conn.is_idle(), "none of them is an error");
}

/// A connection to a server that lets everybody in and says this in between.
async fn let_in_with<R: Runtime>(
    cx: &Context<R>,
    config: &Config,
    said: &[u8],
) -> Connection<Canned> {
    let let_in = backend::let_in();
    // Before its last message, which has six bytes.
    let (before, ready) = let_in.split_at(let_in.len() - 6);
    let server = Canned::new([[before, said, ready].concat()]);
    cx.connect_canned(config, server).await
}

/// No server at hand speaks another language.
async fn acceptance_102_a_severity_in_another_language<R: Runtime>(cx: Context<R>) {
    let fields = [
        (b'S', "WARNUNG"),
        (b'V', "WARNING"),
        (b'C', "01000"),
        (b'M', "Vorsicht"),
    ];
    let said = [
        backend::notice(&fields),
        // Before 9.6 there was no other word.
        backend::notice(&[fields[0], fields[2], fields[3]]),
    ];
    let mut conn = let_in_with(&cx, &cx.config(USER_TRUST), &said.concat()).await;
    let [notice, old] = [(); 2].map(|()| conn.take_notice().unwrap());
    assert_eq!(notice.severity(), Severity::Warning);
    assert_eq!(notice.localized_severity(), Some("WARNUNG"));
    assert_eq!(old.severity(), Severity::Notice);
    assert_eq!(old.localized_severity(), Some("WARNUNG"));
}

async fn acceptance_102_a_burst_of_five_hundred<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute(
        "do $$ begin for i in 1..500 loop raise notice '%', i; end loop; end $$",
        (),
    )
    .await
    .unwrap();
    for i in 1..=500 {
        assert_eq!(conn.take_notice().unwrap().message(), i.to_string());
    }
    assert!(conn.take_notice().is_none());
    assert_eq!(conn.dropped_notices(), 0);
}

const FLOOD: &str = "do $$ begin for i in 1..1500 loop raise notice '%', i; end loop; end $$";

async fn warnings_are_not_driven_out_by_notices<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("do $$ begin raise warning 'first'; end $$", ())
        .await
        .unwrap();
    conn.execute(FLOOD, ()).await.unwrap();
    conn.execute("do $$ begin raise warning 'last'; end $$", ())
        .await
        .unwrap();
    let all: Vec<Notice> = std::iter::from_fn(|| conn.take_notice()).collect();
    let messages: Vec<&str> = all.iter().map(|notice| notice.message()).collect();
    assert_eq!(messages.len(), 1_002);
    assert_eq!(
        (messages[0], messages[1], messages[1_000], messages[1_001]),
        ("first", "501", "1500", "last"),
        "in the order in which they came"
    );
    assert_eq!(conn.dropped_notices(), 500);
}

async fn what_is_dropped_is_counted<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = FLOOD.replace("notice", "warning");
    conn.execute(&sql, ()).await.unwrap();
    assert_eq!(conn.dropped_notices(), 500, "warnings too");
    assert_eq!(conn.take_notice().unwrap().message(), "501");
    assert_eq!(conn.dropped_notifications(), 0);
}

async fn notices_of_an_abandoned_query_are_kept<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select generate_series(1, 10000); do $$ begin raise warning 'kept'; end $$";
    drop(conn.query(sql, ()).await.unwrap());
    conn.ping().await.unwrap();
    assert_eq!(conn.take_notice().unwrap().message(), "kept");
}

/// What a handler was told.
type Told = Arc<Mutex<Vec<(Severity, String)>>>;

fn told_by(config: Config) -> (Config, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    let config = config.on_notice(move |notice| {
        let mut log = log.lock().unwrap();
        log.push((notice.severity(), notice.message().to_owned()));
    });
    (config, told)
}

async fn a_handler_is_told_instead<R: Runtime>(cx: Context<R>) {
    let (config, told) = told_by(cx.config(USER_TRUST));
    let mut conn = cx.try_connect(&config).await.unwrap();
    let mut other = cx.try_connect(&config.clone()).await.unwrap();
    conn.execute(FLOOD, ()).await.unwrap();
    other
        .execute("do $$ begin raise warning 'of another'; end $$", ())
        .await
        .unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1_501, "none is dropped");
    assert_eq!(told[1_499], (Severity::Notice, "1500".to_owned()));
    assert_eq!(told[1_500], (Severity::Warning, "of another".to_owned()));
    assert!(conn.take_notice().is_none(), "nor kept");
    assert_eq!(conn.dropped_notices(), 0);
}

async fn a_handler_that_panics<R: Runtime>(cx: Context<R>) {
    let config = cx
        .config(USER_TRUST)
        .on_notice(|notice| assert_ne!(notice.message(), "panic"));
    let mut conn = cx.try_connect(&config).await.unwrap();
    let sql = "do $$ begin raise notice 'fine'; raise notice 'panic'; end $$";
    let caught = AssertUnwindSafe(conn.execute(sql, ())).catch_unwind().await;
    assert!(caught.is_err());
    let sum: i32 = conn
        .fetch_scalar("select $1::int + 1", (41,))
        .await
        .unwrap();
    assert_eq!(sum, 42);
    assert!(conn.is_idle());
}

async fn acceptance_14_notices_of_the_start<R: Runtime>(cx: Context<R>) {
    let said = backend::notice_response("WARNING", "01000", "the start");
    let mut conn = let_in_with(&cx, &cx.config(USER_TRUST), &said).await;
    assert_eq!(conn.take_notice().unwrap().message(), "the start");
    let (config, told) = told_by(cx.config(USER_TRUST));
    let mut conn = let_in_with(&cx, &config, &said).await;
    assert!(conn.take_notice().is_none());
    let told = told.lock().unwrap();
    assert_eq!(*told, [(Severity::Warning, "the start".to_owned())]);
}
