//! The SQLSTATEs that the library knows, beside those of real servers.

use purepg_conn::{Connection, Error, Runtime, SqlState, SqlStateClass};
use purepg_testkit::server::{Options, Server};
use purepg_tests_live::{Context, OnTokio, live, on_tokio};

live!(acceptance_104_errors_by_name_and_by_class);

async fn acceptance_104_errors_by_name_and_by_class<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table t (a int primary key check (a > 0))", ())
        .await
        .unwrap();
    conn.execute("insert into t values (1)", ()).await.unwrap();
    for (sql, state) in [
        ("insert into t values (1)", SqlState::UNIQUE_VIOLATION),
        ("insert into t values (0)", SqlState::CHECK_VIOLATION),
        ("insert into t values (null)", SqlState::NOT_NULL_VIOLATION),
    ] {
        let error = conn.execute(sql, ()).await.unwrap_err();
        assert_eq!(error.code(), Some(state));
        assert_eq!(error.sqlstate(), Some(state.code()));
        assert_eq!(
            error.code().map(SqlState::class),
            Some(SqlStateClass::INTEGRITY_CONSTRAINT_VIOLATION)
        );
        let Error::Database(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.code(), Some(state));
    }
    // One that only the user knows.
    let raise = "do $$ begin raise exception using errcode = 'MY001'; end $$";
    let error = conn.execute(raise, ()).await.unwrap_err();
    let state = error.code().unwrap();
    assert_eq!((state.code(), state.name()), ("MY001", None));
    assert_eq!(state.class().title(), None);
    assert_eq!(conn.execute("select 1", ()).await.unwrap(), 1);
    assert_eq!(Error::NoRows.code(), None);
}

/// Runs a scenario with a superuser of PostgreSQL 18, whose list the table is made of.
fn with_18(scenario: impl AsyncFn(Connection<<OnTokio as Runtime>::Stream>)) {
    let server = Server::start(Options::new().version(18)).unwrap();
    on_tokio(async |cx| {
        let config = cx.config_of(&server, server.superuser());
        scenario(cx.try_connect(&config).await.unwrap()).await;
    });
}

#[test]
fn the_table_is_what_its_generator_writes() {
    with_18(async |mut conn| {
        let generate = include_str!("../../../crates/proto/src/sqlstate/generate.sql");
        let table: String = conn.fetch_scalar(generate, ()).await.unwrap();
        let committed = include_str!("../../../crates/proto/src/sqlstate/table.rs");
        assert_eq!(table.trim_end(), committed.trim_end());
    });
}

#[test]
fn every_condition_has_the_code_that_plpgsql_gives_it() {
    with_18(async |mut conn| {
        let list = "select pg_read_file(setting || '/errcodes.txt') from pg_config where name = 'SHAREDIR'";
        let list: String = conn.fetch_scalar(list, ()).await.unwrap();
        let mut known = 0;
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [code, "E", _, name] = fields[..] else {
                continue;
            };
            let state = SqlState::from_code(code).unwrap();
            assert_eq!(state.name(), Some(name));
            known += 1;
            let raise = format!("do $$ begin raise exception using errcode = '{name}'; end $$");
            let error = conn.execute(&raise, ()).await.unwrap_err();
            // Of several codes of one name PL/pgSQL takes the first.
            assert_eq!(error.code().and_then(SqlState::name), Some(name));
        }
        assert!(known > 240, "only {known} conditions");
    });
}
