//! zero-postgres with sockets of tokio.

use ::zero_postgres::Opts;
use ::zero_postgres::tokio::Conn;
use purepg_testkit::server::{PASSWORD, USER_SCRAM, USER_TRUST};

use super::super::loops::{all_at_once, by_batches_async, one_by_one_async};
use super::super::{Job, Result};
use super::{COUNT, NO_ROW, Narrows, Wides, options, unless_too_old};
use crate::stopwatch::Stopwatch;
use crate::workload::{
    CONNECTIONS, Checksum, INSERT, SELECT_1, SELECT_NARROW, SELECT_PARAMETER, SELECT_WIDE,
    SELECT_WIDE_ROW, Workload, inserted, key, parameter,
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

async fn work(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let count = job.count;
    let conn = Conn::new(options(&job.server, USER_TRUST)).await;
    let Some(mut conn) = unless_too_old(conn)? else {
        return Ok(None);
    };
    let sum = match job.workload {
        Workload::Connect | Workload::Reconnect => {
            let known = Opts {
                password: Some(PASSWORD.into()),
                ..options(&job.server, USER_SCRAM)
            };
            connect_and_close(known.clone()).await?;
            watch.start();
            for _ in 0..count {
                let options = match job.workload {
                    Workload::Reconnect => known.clone(),
                    _ => Opts {
                        password: Some(PASSWORD.into()),
                        ..options(&job.server, USER_SCRAM)
                    },
                };
                connect_and_close(options).await?;
            }
            watch.stop();
            0
        }
        Workload::Select => {
            let select = conn.prepare(SELECT_1).await?;
            one_by_one_async(count, watch, async |_, sum| {
                let row: Option<(i32,)> = conn.exec_first(&select, ()).await?;
                sum.number(row.ok_or(NO_ROW)?.0);
                Ok(())
            })
            .await?
        }
        Workload::SelectText => {
            one_by_one_async(count, watch, async |_, sum| {
                let row: Option<(i32,)> = conn.query_first(SELECT_1).await?;
                sum.number(row.ok_or(NO_ROW)?.0);
                Ok(())
            })
            .await?
        }
        Workload::Row => {
            let select = conn.prepare(SELECT_WIDE_ROW).await?;
            one_by_one_async(count, watch, async |number, sum| {
                let mut row = Wides(*sum);
                conn.exec(&select, (key(number),), &mut row).await?;
                *sum = row.0;
                Ok(())
            })
            .await?
        }
        Workload::Pipeline => pipeline(&mut conn, count, watch).await?,
        Workload::StreamNarrow => {
            let select = conn.prepare(SELECT_NARROW).await?;
            let mut rows = Narrows::default();
            watch.start();
            conn.exec(&select, (i64::try_from(count)?,), &mut rows)
                .await?;
            watch.stop();
            rows.0.0
        }
        Workload::StreamWide => {
            let select = conn.prepare(SELECT_WIDE).await?;
            let mut rows = Wides::default();
            watch.start();
            conn.exec(&select, (i64::try_from(count)?,), &mut rows)
                .await?;
            watch.stop();
            rows.0.0
        }
        Workload::Insert => {
            let insert = conn.prepare(INSERT).await?;
            conn.query_drop("begin").await?;
            let rows = one_by_one_async(count, watch, async |number, sum| {
                let rows = conn.exec_drop(&insert, inserted(number)).await?;
                sum.number(i64::try_from(rows.unwrap_or(0))?);
                Ok(())
            })
            .await?;
            conn.query_drop("rollback").await?;
            rows
        }
        Workload::InsertPipelined => insert_pipelined(&mut conn, count, watch).await?,
        Workload::Sixteen => sixteen(job, watch).await?,
        Workload::CopyIn | Workload::CopyOut => return Ok(None),
    };
    Ok(Some(sum))
}

async fn connect_and_close(options: Opts) -> Result<()> {
    Ok(Conn::new(options).await?.close().await?)
}

async fn pipeline(conn: &mut Conn, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let select = conn.prepare(SELECT_PARAMETER).await?;
    let mut tickets = Vec::new();
    by_batches_async(count, watch, async |from, until, sum| {
        conn.pipeline(async |pipeline| {
            for number in from..until {
                tickets.push(pipeline.exec(&select, (parameter(number),))?);
            }
            pipeline.sync().await?;
            for ticket in tickets.drain(..) {
                if let Some((value,)) = pipeline.claim_one::<(i32,)>(ticket).await? {
                    sum.number(value);
                }
            }
            Ok(())
        })
        .await?;
        Ok(())
    })
    .await
}

async fn insert_pipelined(conn: &mut Conn, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let insert = conn.prepare(INSERT).await?;
    conn.query_drop("begin").await?;
    let before: Option<(i64,)> = conn.query_first(COUNT).await?;
    let mut warm = 0;
    let mut values = Vec::new();
    by_batches_async(count, watch, async |from, until, _: &mut Checksum| {
        if warm == 0 {
            warm = until;
        }
        values.clear();
        values.extend((from..until).map(inserted));
        Ok(conn.exec_batch(&insert, &values).await?)
    })
    .await?;
    let after: Option<(i64,)> = conn.query_first(COUNT).await?;
    conn.query_drop("rollback").await?;
    let (before, after) = (before.ok_or(NO_ROW)?.0, after.ok_or(NO_ROW)?.0);
    Ok(u64::try_from(after - before)? - warm)
}

async fn sixteen(job: &Job, watch: &mut Stopwatch) -> Result<u64> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut conn = Conn::new(options(&job.server, USER_TRUST)).await?;
        let select = conn.prepare(SELECT_1).await?;
        connections.push((conn, select));
    }
    let mut all = async |times: u64| -> Result<i64> {
        let tasks = connections.iter_mut().map(|(conn, select)| async move {
            let mut sum = 0;
            for _ in 0..times {
                let row: Option<(i32,)> = conn.exec_first(&*select, ()).await?;
                sum += i64::from(row.ok_or(NO_ROW)?.0);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(sum)
        });
        all_at_once(tasks).await
    };
    all(10).await?;
    watch.start();
    let sum = all(job.count / CONNECTIONS).await?;
    watch.stop();
    Ok(sum.unsigned_abs())
}
