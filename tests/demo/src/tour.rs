//! A server, every way to it, and the steps to take there.

use std::future::Future;

use indicatif::HumanCount;
use purepg_conn::{ByteStream, Config, Connection, Error};
use purepg_testkit::server::{DATABASE, Options, PASSWORD, Server, USER_SCRAM};

use crate::Result;
use crate::report::{Report, Route};
use crate::steps;

/// Takes the steps on both runtimes, over TCP and over a Unix socket.
pub(crate) fn run(rows: u32) -> Result<()> {
    let mut report = Report::new();
    let server = report.wait("starting a PostgreSQL", || Server::start(Options::new()))?;
    let config = |host: &str| {
        Config::new(host, USER_SCRAM)
            .password(PASSWORD)
            .port(server.port())
            .database(DATABASE)
    };
    let tcp = config(server.host());
    let unix = config(&server.socket_dir().display().to_string());
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;

    let version = server.version();
    report.line(format_args!(
        "\npurepg, on a throw-away PostgreSQL {version}"
    ))?;
    report.heading("tokio over TCP, step by step")?;
    let route = report.aloud("tokio", "TCP");
    tokio.block_on(visit(route, purepg_conn_tokio::connect(&tcp), rows))?;

    report.heading("The same steps over a Unix socket, and on async-std")?;
    let route = report.quietly("tokio", "Unix socket");
    tokio.block_on(visit(route, purepg_conn_tokio::connect(&unix), rows))?;
    let route = report.quietly("async-std", "TCP");
    async_std::task::block_on(visit(route, purepg_conn_async_std::connect(&tcp), rows))?;
    let route = report.quietly("async-std", "Unix socket");
    async_std::task::block_on(visit(route, purepg_conn_async_std::connect(&unix), rows))?;

    report.heading("How long they took")?;
    report.table()?;
    report.line("\nThe steps are written once, in tests/demo/src/steps.rs.")
}

/// All steps in order, each timed and told.
async fn visit<S: ByteStream>(
    mut route: Route<'_>,
    connecting: impl Future<Output = std::result::Result<Connection<S>, Error>>,
    rows: u32,
) -> Result<()> {
    let mut conn = route.time("connect", connecting).await?;
    let endpoint = conn.endpoint();
    route.tell(format_args!("{endpoint}, SCRAM: the password stays here"))?;

    let creating = steps::create_table(&mut conn);
    route.time("create a table", creating).await?;
    route.tell("planets, as long as the session lasts")?;

    let inserting = steps::insert(&mut conn);
    let count = route.time("insert", inserting).await?;
    route.tell(format_args!(
        "{count} rows, by a statement that is parsed once"
    ))?;

    let fetching = steps::fetch(&mut conn);
    let giants = route.time("fetch", fetching).await?;
    route.tell(format_args!("the giants: {}", giants.join(", ")))?;

    let bar = route.bar(rows)?;
    let streaming = steps::stream(&mut conn, rows, move |n| bar.inc(n));
    let streamed = route.time("stream", streaming).await?;
    let (count, batches) = (HumanCount(streamed.rows), HumanCount(streamed.batches));
    route.tell(format_args!(
        "{count} rows lent in {batches} batches, sum right"
    ))?;

    let erring = steps::mistake(&mut conn);
    let mistake = route.time("get an error", erring).await?;
    route.tell(format_args!(
        "of one statement: the connection lives on\n{mistake}"
    ))?;

    let leaving = steps::leave_early(&mut conn);
    let (seen, answer) = route.time("leave early", leaving).await?;
    route.tell(format_args!(
        "{seen} of 100,000 rows, then a query not awaited\nat once the next answer: 6 × 7 = {answer}"
    ))?;

    let notifying = steps::notify(&mut conn);
    let notification = route.time("notify", notifying).await?;
    let (channel, payload) = (notification.channel(), notification.payload());
    route.tell(format_args!("on channel {channel}: {payload}"))?;

    route.time("close", conn.close()).await?;
    route.tell("in good order")?;
    route.end()
}
