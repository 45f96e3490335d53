//! tokio-postgres, its connection driven by a task of its own.

use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::{SinkExt, TryStreamExt};
use purepg_testkit::server::{DATABASE, PASSWORD, USER_SCRAM, USER_TRUST};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use super::loops::{all_at_once, by_batches_async, copied, one_by_one_async};
use super::{Job, Result, Server};
use crate::stopwatch::Stopwatch;
use crate::workload::{
    CONNECTIONS, COPY_IN, Checksum, INSERT, SELECT_1, SELECT_NARROW, SELECT_PARAMETER, SELECT_WIDE,
    SELECT_WIDE_ROW, Wide, Workload, copy_out, copy_piece, inserted, key, parameter,
};

/// On tokio, on one thread.
///
/// # Errors
/// Whatever goes wrong.
pub fn run(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work(job, watch)).map(Some)
}

fn config(server: &Server, user: &str) -> Config {
    let mut config = Config::new();
    config
        .host_path(&server.folder)
        .port(server.port)
        .user(user)
        .dbname(DATABASE);
    config
}

async fn connect(
    config: &Config,
) -> Result<(
    Client,
    JoinHandle<std::result::Result<(), tokio_postgres::Error>>,
)> {
    let (client, connection) = config.connect(NoTls).await?;
    Ok((client, tokio::spawn(connection)))
}

/// The task ends once it has said goodbye.
async fn connect_and_close(config: &Config) -> Result<()> {
    let (client, connection) = connect(config).await?;
    drop(client);
    Ok(connection.await??)
}

async fn work(job: &Job, watch: &mut Stopwatch) -> Result<u64> {
    let count = job.count;
    let (mut client, _connection) = connect(&config(&job.server, USER_TRUST)).await?;
    match job.workload {
        Workload::Connect => {
            watch.start();
            for _ in 0..count {
                let mut config = config(&job.server, USER_SCRAM);
                connect_and_close(config.password(PASSWORD)).await?;
            }
            watch.stop();
            Ok(0)
        }
        Workload::Reconnect => {
            let mut config = config(&job.server, USER_SCRAM);
            config.password(PASSWORD);
            connect_and_close(&config).await?;
            watch.start();
            for _ in 0..count {
                connect_and_close(&config).await?;
            }
            watch.stop();
            Ok(0)
        }
        Workload::Select => {
            let select = client.prepare(SELECT_1).await?;
            one_by_one_async(count, watch, async |_, sum| {
                sum.number(client.query_one_scalar::<i32, _>(&select, &[]).await?);
                Ok(())
            })
            .await
        }
        Workload::SelectText => {
            one_by_one_async(count, watch, async |_, sum| {
                sum.number(client.query_one_scalar::<i32, _>(SELECT_1, &[]).await?);
                Ok(())
            })
            .await
        }
        Workload::Row => {
            let select = client.prepare(SELECT_WIDE_ROW).await?;
            one_by_one_async(count, watch, async |number, sum| {
                sum.wide(wide(&client.query_one(&select, &[&key(number)]).await?));
                Ok(())
            })
            .await
        }
        Workload::Pipeline => pipeline(&client, count, watch).await,
        Workload::StreamNarrow => {
            stream(&client, SELECT_NARROW, count, watch, |sum, row| {
                sum.narrow((row.get(0), row.get(1), row.get(2)));
            })
            .await
        }
        Workload::StreamWide => {
            stream(&client, SELECT_WIDE, count, watch, |sum, row| {
                sum.wide(wide(row));
            })
            .await
        }
        Workload::Insert => insert(&mut client, count, watch).await,
        Workload::InsertPipelined => insert_pipelined(&mut client, count, watch).await,
        Workload::CopyIn => copy_in(&mut client, count, watch).await,
        Workload::CopyOut => {
            let sql = copy_out(count);
            let mut length = 0;
            watch.start();
            let mut copy = std::pin::pin!(client.copy_out(&sql).await?);
            while let Some(data) = copy.try_next().await? {
                length += data.len() as u64;
            }
            watch.stop();
            Ok(length)
        }
        Workload::Sixteen => sixteen(job, watch).await,
    }
}

fn wide(row: &Row) -> Wide<'_> {
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

async fn pipeline(client: &Client, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let select = &client.prepare(SELECT_PARAMETER).await?;
    by_batches_async(count, watch, async |from, until, sum| {
        let queries = (from..until).map(|number| async move {
            client
                .query_one_scalar::<i32, _>(select, &[&parameter(number)])
                .await
        });
        for value in try_join_all(queries).await? {
            sum.number(value);
        }
        Ok(())
    })
    .await
}

async fn stream(
    client: &Client,
    sql: &str,
    count: u64,
    watch: &mut Stopwatch,
    take: impl Fn(&mut Checksum, &Row),
) -> Result<u64> {
    let select = client.prepare(sql).await?;
    let limit = i64::try_from(count)?;
    let mut sum = Checksum::default();
    watch.start();
    let mut rows = std::pin::pin!(client.query_raw(&select, [limit]).await?);
    while let Some(row) = rows.try_next().await? {
        take(&mut sum, &row);
    }
    watch.stop();
    Ok(sum.0)
}

async fn insert(client: &mut Client, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let insert = client.prepare(INSERT).await?;
    let transaction = client.transaction().await?;
    let rows = one_by_one_async(count, watch, async |number, sum| {
        let (id, small, name) = inserted(number);
        let parameters: [&(dyn ToSql + Sync); 3] = [&id, &small, &name];
        let rows = transaction.execute(&insert, &parameters).await?;
        sum.number(i64::try_from(rows)?);
        Ok(())
    })
    .await?;
    transaction.rollback().await?;
    Ok(rows)
}

async fn insert_pipelined(client: &mut Client, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let insert = &client.prepare(INSERT).await?;
    let transaction = client.transaction().await?;
    let through = &transaction;
    let rows = by_batches_async(count, watch, async |from, until, sum| {
        let inserts = (from..until).map(|number| async move {
            let (id, small, name) = inserted(number);
            through.execute(insert, &[&id, &small, &name]).await
        });
        for rows in try_join_all(inserts).await? {
            sum.number(i64::try_from(rows)?);
        }
        Ok(())
    })
    .await?;
    transaction.rollback().await?;
    Ok(rows)
}

async fn copy_in(client: &mut Client, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let (piece, rows) = copy_piece();
    let piece = Bytes::from(piece);
    let transaction = client.transaction().await?;
    watch.start();
    let mut copy = std::pin::pin!(transaction.copy_in::<_, Bytes>(COPY_IN).await?);
    for _ in 0..count / rows {
        copy.feed(piece.clone()).await?;
    }
    let done = copy.finish().await?;
    watch.stop();
    transaction.rollback().await?;
    copied(done, count / rows * rows)
}

async fn sixteen(job: &Job, watch: &mut Stopwatch) -> Result<u64> {
    let config = config(&job.server, USER_TRUST);
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let (client, _) = connect(&config).await?;
        let select = client.prepare(SELECT_1).await?;
        clients.push((client, select));
    }
    let all = async |times: u64| -> Result<i64> {
        let tasks = clients.iter().map(|(client, select)| async move {
            let mut sum = 0;
            for _ in 0..times {
                sum += i64::from(client.query_one_scalar::<i32, _>(select, &[]).await?);
            }
            Ok::<_, tokio_postgres::Error>(sum)
        });
        all_at_once(tasks).await
    };
    all(10).await?;
    watch.start();
    let sum = all(job.count / CONNECTIONS).await?;
    watch.stop();
    Ok(sum.unsigned_abs())
}
