//! purepg on tokio and on async-std, over one driver.

use std::future::Future;

use purepg_conn::{ByteStream, Config, Connection, Error, RowRef};
use purepg_testkit::server::{DATABASE, PASSWORD, USER_SCRAM, USER_TRUST};

use super::loops::{all_at_once, by_batches_async, copied, one_by_one_async};
use super::{Job, Result, Server};
use crate::stopwatch::Stopwatch;
use crate::workload::{
    CONNECTIONS, COPY_IN, Checksum, INSERT, SELECT_1, SELECT_NARROW, SELECT_PARAMETER, SELECT_WIDE,
    SELECT_WIDE_ROW, Workload, copy_out, copy_piece, inserted, key, parameter,
};

/// With tokio's sockets, on one thread.
///
/// # Errors
/// Whatever goes wrong.
pub fn tokio(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let connect = |config: &Config| {
        let config = config.clone();
        async move { purepg_conn_tokio::connect(&config).await }
    };
    runtime.block_on(work(connect, job, watch)).map(Some)
}

/// With async-std's sockets.
///
/// # Errors
/// Whatever goes wrong.
pub fn async_std(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let connect = |config: &Config| {
        let config = config.clone();
        async move { purepg_conn_async_std::connect(&config).await }
    };
    async_std::task::block_on(work(connect, job, watch)).map(Some)
}

fn config(server: &Server, user: &str) -> Config {
    Config::new(server.folder.display().to_string(), user)
        .port(server.port)
        .database(DATABASE)
}

async fn work<S: ByteStream, F: Future<Output = std::result::Result<Connection<S>, Error>>>(
    connect: impl Fn(&Config) -> F,
    job: &Job,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let count = job.count;
    match job.workload {
        Workload::Connect => {
            connect(&config(&job.server, USER_TRUST)).await?;
            watch.start();
            for _ in 0..count {
                let config = config(&job.server, USER_SCRAM).password(PASSWORD);
                connect(&config).await?.close().await?;
            }
            watch.stop();
            return Ok(0);
        }
        Workload::Reconnect => {
            let config = config(&job.server, USER_SCRAM).password(PASSWORD);
            connect(&config).await?.close().await?;
            watch.start();
            for _ in 0..count {
                connect(&config).await?.close().await?;
            }
            watch.stop();
            return Ok(0);
        }
        _ => {}
    }
    let config = config(&job.server, USER_TRUST);
    let mut conn = connect(&config).await?;
    match job.workload {
        Workload::Select => {
            let select = conn.prepare(SELECT_1).await?;
            one_by_one_async(count, watch, async |_, sum| {
                sum.number(conn.fetch_scalar::<i32>(&select, ()).await?);
                Ok(())
            })
            .await
        }
        Workload::SelectText => {
            one_by_one_async(count, watch, async |_, sum| {
                sum.number(conn.fetch_scalar::<i32>(SELECT_1, ()).await?);
                Ok(())
            })
            .await
        }
        Workload::Row => row(&mut conn, count, watch).await,
        Workload::Pipeline => pipeline(&mut conn, count, watch).await,
        Workload::StreamNarrow => {
            stream(&mut conn, SELECT_NARROW, count, watch, |row, sum| {
                sum.narrow(row.decode()?);
                Ok(())
            })
            .await
        }
        Workload::StreamWide => {
            stream(&mut conn, SELECT_WIDE, count, watch, |row, sum| {
                sum.wide(row.decode()?);
                Ok(())
            })
            .await
        }
        Workload::Insert => insert(&mut conn, count, watch).await,
        Workload::InsertPipelined => insert_pipelined(&mut conn, count, watch).await,
        Workload::CopyIn => copy_in(&mut conn, count, watch).await,
        Workload::CopyOut => copy_from(&mut conn, count, watch).await,
        Workload::Sixteen => {
            let mut connections = vec![conn];
            for _ in 1..CONNECTIONS {
                connections.push(connect(&config).await?);
            }
            sixteen(connections, count, watch).await
        }
        Workload::Connect | Workload::Reconnect => unreachable!("they were done above"),
    }
}

async fn row<S: ByteStream>(
    conn: &mut Connection<S>,
    count: u64,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let select = conn.prepare(SELECT_WIDE_ROW).await?;
    one_by_one_async(count, watch, async |number, sum| {
        let mut rows = conn.query(&select, (key(number),)).await?;
        while let Some(batch) = rows.next_batch().await? {
            for row in &batch {
                sum.wide(row.decode()?);
            }
        }
        Ok(())
    })
    .await
}

async fn pipeline<S: ByteStream>(
    conn: &mut Connection<S>,
    count: u64,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let select = conn.prepare(SELECT_PARAMETER).await?;
    by_batches_async(count, watch, async |from, until, sum| {
        let mut pipeline = conn.pipeline();
        for number in from..until {
            pipeline.push(&select, (parameter(number),));
        }
        let mut results = pipeline.run().await?;
        let mut add = |row: RowRef<'_>| {
            sum.number(row.get::<i32>(0)?);
            Ok(())
        };
        while let Some(result) = results.next_with(&mut add).await {
            result?;
        }
        Ok(())
    })
    .await
}

async fn stream<S: ByteStream>(
    conn: &mut Connection<S>,
    sql: &str,
    count: u64,
    watch: &mut Stopwatch,
    add: impl Fn(RowRef<'_>, &mut Checksum) -> std::result::Result<(), Error>,
) -> Result<u64> {
    let select = conn.prepare(sql).await?;
    let mut sum = Checksum::default();
    watch.start();
    let mut rows = conn.query(&select, (i64::try_from(count)?,)).await?;
    while let Some(batch) = rows.next_batch().await? {
        for row in &batch {
            add(row, &mut sum)?;
        }
    }
    watch.stop();
    Ok(sum.0)
}

async fn insert<S: ByteStream>(
    conn: &mut Connection<S>,
    count: u64,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let insert = conn.prepare(INSERT).await?;
    let mut transaction = conn.begin().await?;
    let rows = one_by_one_async(count, watch, async |number, sum| {
        let rows = transaction.execute(&insert, inserted(number)).await?;
        sum.number(i64::try_from(rows)?);
        Ok(())
    })
    .await?;
    transaction.rollback().await?;
    Ok(rows)
}

async fn insert_pipelined<S: ByteStream>(
    conn: &mut Connection<S>,
    count: u64,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let insert = conn.prepare(INSERT).await?;
    let mut transaction = conn.begin().await?;
    let rows = by_batches_async(count, watch, async |from, until, sum| {
        let sets = (from..until).map(inserted);
        let rows = transaction.execute_many(&insert, sets).await?;
        sum.number(i64::try_from(rows)?);
        Ok(())
    })
    .await?;
    transaction.rollback().await?;
    Ok(rows)
}

async fn copy_in<S: ByteStream>(
    conn: &mut Connection<S>,
    count: u64,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let (piece, rows) = copy_piece();
    let mut transaction = conn.begin().await?;
    watch.start();
    let mut copy = transaction.copy_in(COPY_IN).await?;
    for _ in 0..count / rows {
        copy.send(&piece[..]).await?;
    }
    let done = copy.finish().await?;
    watch.stop();
    transaction.rollback().await?;
    copied(done, count / rows * rows)
}

async fn copy_from<S: ByteStream>(
    conn: &mut Connection<S>,
    count: u64,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let sql = copy_out(count);
    let mut length = 0;
    watch.start();
    let mut copy = conn.copy_out(&sql).await?;
    while let Some(run) = copy.next_run().await? {
        for data in &run {
            length += data.len() as u64;
        }
    }
    watch.stop();
    Ok(length)
}

async fn sixteen<S: ByteStream>(
    mut connections: Vec<Connection<S>>,
    count: u64,
    watch: &mut Stopwatch,
) -> Result<u64> {
    let mut prepared = Vec::new();
    for conn in &mut connections {
        prepared.push(conn.prepare(SELECT_1).await?);
    }
    let each = count / CONNECTIONS;
    let mut all = async |times: u64| -> Result<i64> {
        let tasks = connections.iter_mut().zip(&prepared);
        let tasks = tasks.map(|(conn, select)| async move {
            let mut sum = 0;
            for _ in 0..times {
                sum += i64::from(conn.fetch_scalar::<i32>(select, ()).await?);
            }
            Ok::<_, Error>(sum)
        });
        all_at_once(tasks).await
    };
    all(10).await?;
    watch.start();
    let sum = all(each).await?;
    watch.stop();
    Ok(sum.unsigned_abs())
}
