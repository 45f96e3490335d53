//! Statements, in every way that they become known to the server, run by every method there is, and dropped at every poll.
//!
//! Afterwards the next query is right, what was dropped has happened once or not at all, and the server has nothing left of it: no
//! statement, no portal, no lock, no transaction.

use std::cell::Cell;

use purepg_conn::{ByteStream, Connection, Error, Query, Runtime, TransactionStatus};
use purepg_testkit::drop_at::drop_at;
use purepg_testkit::io::{OneByte, OneByteControl};
use purepg_testkit::server::USER_TRUST;
use purepg_tests_live::drops::{check, nothing_is_left};
use purepg_tests_live::{Context, Transport, live_by_turns};

live_by_turns!(
    simple,
    met_for_the_first_time,
    kept,
    without_a_cache,
    deallocated_behind_our_back,
    changed_behind_our_back,
    by_a_handle,
    by_a_handle_whose_statement_is_gone,
);

/// How the server knows the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Not at all: its text goes as a simple query.
    Simple,
    /// It is another text each time.
    New,
    Kept,
    /// The unnamed statement, parsed each time.
    Uncached,
    /// It is kept here, and was deallocated there.
    Deallocated,
    /// It is kept here, and gives columns of other types by now.
    Changed,
    Handle,
    DeallocatedHandle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Fetch,
    FetchAs,
    FetchOne,
    FetchOptional,
    FetchScalar,
    Execute,
    Query,
    RowCount,
    Batches,
    LowLevel,
    ExecuteMany,
    Pipeline,
    /// A row limit, which goes through the extended protocol whatever the parameters are.
    Limited,
}

const METHODS: [Method; 13] = [
    Method::Fetch,
    Method::FetchAs,
    Method::FetchOne,
    Method::FetchOptional,
    Method::FetchScalar,
    Method::Execute,
    Method::Query,
    Method::RowCount,
    Method::Batches,
    Method::LowLevel,
    Method::ExecuteMany,
    Method::Pipeline,
    Method::Limited,
];

/// Those that differ in what they do about a statement that went stale.
const FEW: [Method; 5] = [
    Method::Fetch,
    Method::Query,
    Method::LowLevel,
    Method::ExecuteMany,
    Method::Pipeline,
];

impl Method {
    async fn run<S: ByteStream>(
        self,
        conn: &mut Connection<S>,
        query: &Query<'_>,
        params: &Vec<i32>,
    ) -> Result<(), Error> {
        match self {
            Self::Fetch => assert_eq!(conn.fetch(query, params).await?.len(), 1),
            Self::FetchAs => {
                let rows: Vec<(i32, Option<String>)> = conn.fetch_as(query, params).await?;
                assert_eq!(rows.len(), 1);
            }
            Self::FetchOne => assert_eq!(conn.fetch_one(query, params).await?.len(), 2),
            Self::FetchOptional => assert!(conn.fetch_optional(query, params).await?.is_some()),
            Self::FetchScalar => assert!(conn.fetch_scalar::<i32>(query, params).await? > 0),
            Self::Execute => assert_eq!(conn.execute(query, params).await?, 1),
            Self::Query => {
                let mut rows = conn.query(query, params).await?;
                rows.next().await.expect("it returns a row")?;
                assert!(rows.next().await.is_none());
            }
            Self::RowCount => {
                let rows = conn.query(query, params).await?;
                assert_eq!(rows.row_count().await?, 1);
            }
            Self::Batches => {
                let mut rows = conn.query(query, params).await?;
                assert_eq!(rows.next_batch().await?.expect("a row").len(), 1);
                assert!(rows.next_batch().await?.is_none());
            }
            Self::LowLevel => {
                let mut messages = conn.lowlevel_query(query, params).await?;
                let mut count = 0;
                while let Some(message) = messages.next().await {
                    message?;
                    count += 1;
                }
                assert_eq!(count, 3, "columns, a row, the end");
            }
            Self::ExecuteMany => {
                assert_eq!(conn.execute_many(query, [params]).await?, 1);
            }
            Self::Pipeline => {
                let mut pipeline = conn.pipeline();
                pipeline.push(query, params);
                let mut results = pipeline.run().await?;
                let result = results.next().await.expect("one for each query");
                assert!(results.next().await.is_none());
                assert_eq!(result?.rows.len(), 1);
            }
            Self::Limited => {
                let limited = query.clone().max_rows(1);
                assert_eq!(conn.fetch(limited, params).await?.len(), 1);
            }
        }
        Ok(())
    }

    /// True when a statement that went stale is prepared again at once; else that is an error once.
    fn tries_again(self) -> bool {
        !matches!(self, Self::LowLevel | Self::ExecuteMany | Self::Pipeline)
    }
}

impl Way {
    /// The statement, and its parameters.
    fn statement(self, n: i32) -> (String, Vec<i32>) {
        match self {
            Self::Simple => (format!("insert into t values ({n}) returning *"), vec![]),
            Self::New => {
                let sql = format!("insert into t values ($1) returning * -- {n}");
                (sql, vec![n])
            }
            _ => ("insert into t values ($1) returning *".to_owned(), vec![n]),
        }
    }

    fn has_handle(self) -> bool {
        matches!(self, Self::Handle | Self::DeallocatedHandle)
    }

    fn goes_stale(self) -> bool {
        matches!(
            self,
            Self::Deallocated | Self::Changed | Self::DeallocatedHandle
        )
    }

    /// What has to be kept: the statement, and the one that the connection is checked with.
    fn cache_size(self) -> usize {
        if self == Self::Uncached { 0 } else { 2 }
    }

    /// So many statements the server may have between two calls.
    fn kept(self) -> i64 {
        let kept = self.cache_size() + usize::from(self.has_handle());
        kept.try_into().unwrap()
    }

    /// What happens before each call.
    fn happens(self, n: i32) -> &'static str {
        match self {
            Self::Deallocated | Self::DeallocatedHandle => {
                "do $$ begin execute 'deallocate all'; end $$"
            }
            Self::Changed if n % 2 == 0 => "alter table t alter b type text",
            Self::Changed => "alter table t alter b type varchar(9)",
            _ => "select 1",
        }
    }
}

/// Drops one method at every poll.
async fn drops<R: Runtime>(cx: &Context<R>, way: Way, method: Method) -> usize {
    let config = cx.config(USER_TRUST).statement_cache_size(way.cache_size());
    let (mut conn, control) = cx.connect_switched(&config).await;
    control.set(false);
    let sql = "create temporary table t (a int4, b text)";
    conn.execute(sql, ()).await.unwrap();
    // Kept from the first time on.
    let (sql, params) = way.statement(0);
    conn.fetch(&sql, &params).await.unwrap();
    conn.execute("delete from t", ()).await.unwrap();
    let handle = if way.has_handle() {
        Some(conn.prepare(&sql).await.unwrap())
    } else {
        None
    };
    conn.execute(way.happens(0), ()).await.unwrap();
    control.set(true);
    let times = Cell::new(0);
    let (mut happened, mut not) = (0, 0);
    let places = drop_at(
        &mut conn,
        async |conn| {
            let n = times.get() + 1;
            times.set(n);
            let (sql, params) = way.statement(n);
            let query = match &handle {
                Some(statement) => Query::new(statement),
                None => Query::new(&sql),
            };
            match method.run(conn, &query, &params).await {
                Err(error) if way.goes_stale() && !method.tries_again() => {
                    let stale = matches!(error.sqlstate(), Some("26000" | "0A000"));
                    assert!(stale, "{error}");
                    method.run(conn, &query, &params).await.unwrap();
                }
                result => result.unwrap(),
            }
            n
        },
        async |conn, output| {
            if was_it_done(conn, &control, way.kept(), output).await {
                happened += 1;
            } else {
                not += 1;
            }
            control.set(false);
            conn.execute(way.happens(times.get()), ()).await.unwrap();
            control.set(true);
        },
    )
    .await;
    println!("{way:?}, {method:?}: {places} places, happened {happened}, not {not}");
    assert!(places > 60, "{way:?}, {method:?}: only {places} places");
    assert!(happened > 20 && not > 0, "both outcomes are seen");
    drop(handle);
    let left = i64::try_from(way.cache_size()).unwrap();
    nothing_is_left(&mut conn, left).await;
    places
}

/// Whether it has happened, once; afterwards the table is empty again.
async fn was_it_done<S: ByteStream>(
    conn: &mut Connection<OneByte<S>>,
    control: &OneByteControl,
    kept: i64,
    completed: Option<i32>,
) -> bool {
    let process = conn.process_id().unwrap();
    check(conn, process, TransactionStatus::Idle).await;
    control.set(false);
    nothing_is_left(conn, kept).await;
    let sql = "select count(*), coalesce(max(a), 0) from t";
    let row = conn.fetch_one(sql, ()).await.unwrap();
    let (count, last): (i64, i32) = row.decode().unwrap();
    assert!(count <= 1, "it happened {count} times");
    if let Some(n) = completed {
        assert_eq!((count, last), (1, n), "what completed has happened");
    }
    conn.execute("delete from t", ()).await.unwrap();
    control.set(true);
    count == 1
}

/// All of them over TCP, and a few over a Unix socket: what is dropped is the same.
async fn drops_of<R: Runtime>(cx: &Context<R>, way: Way, methods: &[Method]) {
    let mut all = 0;
    let few = cx.transport == Transport::Unix;
    for &method in methods {
        if few && !FEW.contains(&method) {
            continue;
        }
        all += drops(cx, way, method).await;
    }
    println!("{way:?}: {all} places in all");
}

async fn simple<R: Runtime>(cx: Context<R>) {
    let by_text = |method: &Method| {
        // These go through the extended protocol whatever they run.
        !matches!(
            method,
            Method::ExecuteMany | Method::Pipeline | Method::Limited
        )
    };
    let methods: Vec<_> = METHODS.into_iter().filter(by_text).collect();
    drops_of(&cx, Way::Simple, &methods).await;
}

async fn met_for_the_first_time<R: Runtime>(cx: Context<R>) {
    drops_of(&cx, Way::New, &METHODS).await;
}

async fn kept<R: Runtime>(cx: Context<R>) {
    drops_of(&cx, Way::Kept, &METHODS).await;
}

async fn without_a_cache<R: Runtime>(cx: Context<R>) {
    drops_of(&cx, Way::Uncached, &FEW).await;
}

async fn deallocated_behind_our_back<R: Runtime>(cx: Context<R>) {
    drops_of(&cx, Way::Deallocated, &FEW).await;
}

async fn changed_behind_our_back<R: Runtime>(cx: Context<R>) {
    drops_of(&cx, Way::Changed, &FEW).await;
}

async fn by_a_handle<R: Runtime>(cx: Context<R>) {
    drops_of(&cx, Way::Handle, &FEW).await;
}

async fn by_a_handle_whose_statement_is_gone<R: Runtime>(cx: Context<R>) {
    drops_of(&cx, Way::DeallocatedHandle, &FEW).await;
}
