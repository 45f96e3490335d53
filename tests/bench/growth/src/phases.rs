//! What a connection holds before, while and after it carries much.

use purepg_conn_tokio::Connection;

use crate::lines::{Result, Server, small_queries};
use crate::measure::{live, resident};

/// What the heap and the system hold at one moment, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Which moment.
    pub name: String,
    /// Live on the heap.
    pub live: u64,
    /// Held by the system for this process.
    pub resident: u64,
}

/// Bytes by which the heap may be larger once a connection was at rest for some queries.
pub const SLACK: u64 = 4 * 1024;

/// What the names of those moments begin with.
pub const AT_REST: &str = "then ";

/// So many small queries make a rest.
const REST: i32 = 20;

const VALUE: i32 = 100_000_000;
const ROWS: i32 = 1_000_000;
const QUERIES: i32 = 100_000;

const SELECT_VALUE: &str = "select repeat('x', $1::int4)";
const SELECT_ROWS: &str = "select g, repeat('x', 80) from generate_series(1, $1::int4) g";
const SELECT_LENGTH: &str = "select octet_length($1::bytea)";

impl Phase {
    fn now(name: &str) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            live: live(),
            resident: resident()?,
        })
    }

    /// All of it on one line.
    pub fn to_line(&self) -> String {
        format!("{} {} {}", self.live, self.resident, self.name)
    }

    /// What [`to_line`](Self::to_line) has written.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, ' ');
        let live = parts.next()?.parse().ok()?;
        let resident = parts.next()?.parse().ok()?;
        let name = parts.next()?.to_owned();
        Some(Self {
            name,
            live,
            resident,
        })
    }
}

/// What is wrong: a connection at rest holds more than it did in the beginning.
pub fn check(phases: &[Phase]) -> Vec<String> {
    let Some(first) = phases.first() else {
        return vec!["there is no phase".into()];
    };
    let at_rest = phases
        .iter()
        .filter(|phase| phase.name.starts_with(AT_REST));
    let larger = at_rest.filter(|phase| phase.live > first.live + SLACK);
    larger
        .map(|phase| {
            let more = phase.live - first.live;
            format!("{}: {more} bytes more than in the beginning", phase.name)
        })
        .collect()
}

/// Does it all on one connection.
///
/// # Errors
/// Whatever goes wrong.
pub async fn run(server: &Server) -> Result<Vec<Phase>> {
    let mut conn = server.connect().await?;
    // The statements stay in the cache.
    conn.execute(SELECT_VALUE, (1,)).await?;
    conn.execute(SELECT_ROWS, (1,)).await?;
    conn.execute(SELECT_LENGTH, (b"x",)).await?;
    small_queries(&mut conn, REST).await?;
    let mut phases = vec![Phase::now("a connection at rest")?];
    let conn = &mut conn;
    one_value(conn, &mut phases).await?;
    rows(conn, &mut phases).await?;
    parameter(conn, &mut phases).await?;
    pipeline(conn, &mut phases).await?;
    let sql = format!("select repeat('x', 100) from generate_series(1, {ROWS})");
    drop(conn.query(sql.as_str(), ()).await?);
    phases.push(Phase::now(
        "1,000,000 rows that nobody wants, not read past yet",
    )?);
    rest(conn, &mut phases).await?;
    Ok(phases)
}

async fn rest(conn: &mut Connection, phases: &mut Vec<Phase>) -> Result<()> {
    small_queries(conn, REST).await?;
    phases.push(Phase::now(&format!("{AT_REST}{REST} small queries"))?);
    Ok(())
}

async fn one_value(conn: &mut Connection, phases: &mut Vec<Phase>) -> Result<()> {
    let mut stream = conn.query(SELECT_VALUE, (VALUE,)).await?;
    let batch = stream.next_batch().await?;
    phases.push(Phase::now("a value of 100 MB, lent")?);
    drop(batch);
    assert_eq!(stream.row_count().await?, 1);
    phases.push(Phase::now("its result is over")?);
    rest(conn, phases).await
}

async fn rows(conn: &mut Connection, phases: &mut Vec<Phase>) -> Result<()> {
    let rows = conn.fetch(SELECT_ROWS, (ROWS,)).await?;
    phases.push(Phase::now("1,000,000 rows of 100 bytes, all collected")?);
    drop(rows);
    phases.push(Phase::now("they are dropped")?);
    rest(conn, phases).await
}

async fn parameter(conn: &mut Connection, phases: &mut Vec<Phase>) -> Result<()> {
    let value = vec![b'x'; usize::try_from(VALUE)?];
    let length: i32 = conn
        .fetch_scalar(SELECT_LENGTH, (value.as_slice(),))
        .await?;
    assert_eq!(length, VALUE);
    drop(value);
    phases.push(Phase::now("a parameter of 100 MB was sent, and dropped")?);
    rest(conn, phases).await
}

async fn pipeline(conn: &mut Connection, phases: &mut Vec<Phase>) -> Result<()> {
    let statement = conn.prepare("select $1::int4").await?;
    let mut pipeline = conn.pipeline();
    for number in 0..QUERIES {
        pipeline.push(&statement, (number,));
    }
    phases.push(Phase::now("a pipeline of 100,000 queries, not run yet")?);
    let mut results = pipeline.run().await?;
    while let Some(result) = results.next().await {
        result?;
    }
    drop(results);
    drop(statement);
    phases.push(Phase::now("its results were read")?);
    rest(conn, phases).await
}
