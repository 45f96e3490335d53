//! sqlx, its connections without a pool.

use ::sqlx::postgres::{PgConnectOptions, PgRow, PgSslMode};
use ::sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row, SqlSafeStr, Statement};
use futures_util::TryStreamExt;
use purepg_testkit::server::{DATABASE, PASSWORD, USER_SCRAM, USER_TRUST};

use super::loops::{all_at_once, copied, one_by_one_async};
use super::{Job, Result, Server};
use crate::stopwatch::Stopwatch;
use crate::workload::{
    CONNECTIONS, COPY_IN, Checksum, INSERT, SELECT_1, SELECT_NARROW, SELECT_WIDE, SELECT_WIDE_ROW,
    Wide, Workload, copy_out, copy_piece, inserted, key,
};

/// On tokio, on one thread.
///
/// # Errors
/// Whatever goes wrong.
pub fn run(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work(job, watch))
}

fn options(server: &Server, user: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(&server.folder)
        .port(server.port)
        .username(user)
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
}

async fn work(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let count = job.count;
    let mut conn = options(&job.server, USER_TRUST).connect().await?;
    let sum = match job.workload {
        Workload::Connect => {
            watch.start();
            for _ in 0..count {
                let options = options(&job.server, USER_SCRAM).password(PASSWORD);
                options.connect().await?.close().await?;
            }
            watch.stop();
            0
        }
        Workload::Reconnect => {
            let options = options(&job.server, USER_SCRAM).password(PASSWORD);
            options.connect().await?.close().await?;
            watch.start();
            for _ in 0..count {
                options.connect().await?.close().await?;
            }
            watch.stop();
            0
        }
        Workload::Select => {
            let select = (&mut conn).prepare(SELECT_1.into_sql_str()).await?;
            one_by_one_async(count, watch, async |_, sum| {
                sum.number(select.query_scalar::<i32>().fetch_one(&mut conn).await?);
                Ok(())
            })
            .await?
        }
        Workload::SelectText => {
            one_by_one_async(count, watch, async |_, sum| {
                let select = ::sqlx::query_scalar::<_, i32>(SELECT_1);
                sum.number(select.fetch_one(&mut conn).await?);
                Ok(())
            })
            .await?
        }
        Workload::Row => {
            one_by_one_async(count, watch, async |number, sum| {
                let select = ::sqlx::query(SELECT_WIDE_ROW).bind(key(number));
                sum.wide(wide(&select.fetch_one(&mut conn).await?));
                Ok(())
            })
            .await?
        }
        Workload::StreamNarrow => {
            stream(&mut conn, SELECT_NARROW, count, watch, |sum, row| {
                sum.narrow((row.get(0), row.get(1), row.get(2)));
            })
            .await?
        }
        Workload::StreamWide => {
            stream(&mut conn, SELECT_WIDE, count, watch, |sum, row| {
                sum.wide(wide(row));
            })
            .await?
        }
        Workload::Insert => insert(&mut conn, count, watch).await?,
        Workload::CopyIn => copy_in(&mut conn, count, watch).await?,
        Workload::CopyOut => {
            let sql = copy_out(count);
            let mut length = 0;
            watch.start();
            let mut copy = conn.copy_out_raw(&sql).await?;
            while let Some(data) = copy.try_next().await? {
                length += data.len() as u64;
            }
            watch.stop();
            length
        }
        Workload::Sixteen => sixteen(job, watch).await?,
        Workload::Pipeline | Workload::InsertPipelined => return Ok(None),
    };
    Ok(Some(sum))
}

fn wide(row: &PgRow) -> Wide<'_> {
    (
        row.get(0),
        row.get(1),
        row.get(2),
        row.get(3),
        row.get(4),
        row.get(5),
        row.get(6),
        row.get(7),
        row.get(8),
        row.get(9),
    )
}

async fn stream(
    conn: &mut PgConnection,
    sql: &'static str,
    count: u64,
    watch: &mut Stopwatch,
    take: impl Fn(&mut Checksum, &PgRow),
) -> Result<u64> {
    (&mut *conn).prepare(sql.into_sql_str()).await?;
    let limit = i64::try_from(count)?;
    let mut sum = Checksum::default();
    watch.start();
    let mut rows = ::sqlx::query(sql).bind(limit).fetch(conn);
    while let Some(row) = rows.try_next().await? {
        take(&mut sum, &row);
    }
    watch.stop();
    Ok(sum.0)
}

async fn insert(conn: &mut PgConnection, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let mut transaction = conn.begin().await?;
    let rows = one_by_one_async(count, watch, async |number, sum| {
        let (id, small, name) = inserted(number);
        let insert = ::sqlx::query(INSERT).bind(id).bind(small).bind(name);
        let done = insert.execute(&mut *transaction).await?;
        sum.number(i64::try_from(done.rows_affected())?);
        Ok(())
    })
    .await?;
    transaction.rollback().await?;
    Ok(rows)
}

async fn copy_in(conn: &mut PgConnection, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let (piece, rows) = copy_piece();
    let mut transaction = conn.begin().await?;
    watch.start();
    let mut copy = transaction.copy_in_raw(COPY_IN).await?;
    for _ in 0..count / rows {
        copy.send(&piece[..]).await?;
    }
    let done = copy.finish().await?;
    watch.stop();
    transaction.rollback().await?;
    copied(done, count / rows * rows)
}

async fn sixteen(job: &Job, watch: &mut Stopwatch) -> Result<u64> {
    let options = options(&job.server, USER_TRUST);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(options.connect().await?);
    }
    let mut all = async |times: u64| -> Result<i64> {
        let tasks = connections.iter_mut().map(|conn| async move {
            let mut sum = 0;
            for _ in 0..times {
                let select = ::sqlx::query_scalar::<_, i32>(SELECT_1);
                sum += i64::from(select.fetch_one(&mut *conn).await?);
            }
            Ok::<_, ::sqlx::Error>(sum)
        });
        all_at_once(tasks).await
    };
    all(10).await?;
    watch.start();
    let sum = all(job.count / CONNECTIONS).await?;
    watch.stop();
    Ok(sum.unsigned_abs())
}
