//! What an application does with a connection, step by step.
//!
//! Each step is written once, for a connection over any stream of bytes, and runs on tokio and on async-std alike.

use futures_util::FutureExt as _;
use purepg_conn::{ByteStream, Connection, Error, Notification};

use crate::Result;

/// Planets, and their diameters in kilometres.
const PLANETS: [(&str, i32); 7] = [
    ("Venus", 12_104),
    ("Earth", 12_756),
    ("Mars", 6_792),
    ("Jupiter", 142_984),
    ("Saturn", 120_536),
    ("Uranus", 51_118),
    ("Neptune", 49_528),
];

/// Text without parameters goes as one simple query.
pub(crate) async fn create_table<S: ByteStream>(conn: &mut Connection<S>) -> Result<()> {
    let sql = "create temporary table planets (name text primary key, diameter int not null)";
    conn.execute(sql, ()).await?;
    Ok(())
}

/// Parameters are a tuple. A prepared statement is parsed by the server once, and run as often as you like.
pub(crate) async fn insert<S: ByteStream>(conn: &mut Connection<S>) -> Result<u64> {
    let sql = "insert into planets values ($1, $2)";
    let mut inserted = conn.execute(sql, ("Mercury", 4_879)).await?;
    let insert = conn.prepare(sql).await?;
    for planet in PLANETS {
        inserted += conn.execute(&insert, planet).await?;
    }
    Ok(inserted)
}

/// All rows at once, by text and parameters; the values by name.
pub(crate) async fn fetch<S: ByteStream>(conn: &mut Connection<S>) -> Result<Vec<String>> {
    let sql = "select name from planets where diameter > $1 order by diameter desc";
    let giants = conn.fetch(sql, (40_000,)).await?;
    giants.iter().map(|row| Ok(row.get("name")?)).collect()
}

/// What [`stream`] found.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    pub(crate) rows: u64,
    pub(crate) batches: u64,
    pub(crate) sum: i64,
    pub(crate) letters: usize,
}

/// Rows as they arrive. Each batch is what the socket gave; its rows are lent, so that reading them allocates nothing.
pub(crate) async fn stream<S: ByteStream>(
    conn: &mut Connection<S>,
    count: u32,
    on_rows: impl Fn(u64),
) -> Result<Streamed> {
    let sql = "select n, 'row ' || n from generate_series(1, $1::bigint) as n";
    let mut rows = conn.query(sql, (i64::from(count),)).await?;
    let mut streamed = Streamed::default();
    while let Some(batch) = rows.next_batch().await? {
        for row in &batch {
            let (n, label): (i64, &str) = row.decode()?;
            streamed.sum += n;
            streamed.letters += label.len();
        }
        let arrived = u64::try_from(batch.len())?;
        streamed.rows += arrived;
        streamed.batches += 1;
        on_rows(arrived);
    }
    let count = i64::from(count);
    if streamed.sum != count * (count + 1) / 2 {
        return Err(format!("the numbers from 1 to {count} add up to {}", streamed.sum).into());
    }
    Ok(streamed)
}

/// A mistake in a statement is an error of that statement: the connection lives on. `Display` shows where it is.
pub(crate) async fn mistake<S: ByteStream>(conn: &mut Connection<S>) -> Result<Error> {
    let sql = "select name\nfrom planets\nwhere diametre > 100000";
    match conn.fetch(sql, ()).await {
        Err(error) if error.is_recoverable() => Ok(error),
        Err(error) => Err(error.into()),
        Ok(_) => Err("the server knows of a column that is not there".into()),
    }
}

/// Leaving early costs nothing, at whatever point: what is still to come is read past by the next call.
pub(crate) async fn leave_early<S: ByteStream>(conn: &mut Connection<S>) -> Result<(usize, i32)> {
    // A stream dropped amid its rows …
    let mut rows = conn.query("select generate_series(1, 100000)", ()).await?;
    let seen = rows.next_batch().await?.map_or(0, |batch| batch.len());
    drop(rows);
    // … and a future dropped after one poll, when its request is on the way.
    let _ = conn.fetch("select 'nobody waits'", ()).now_or_never();
    // Nothing is to be cleaned up, awaited or opened anew.
    let answer = conn.fetch_scalar("select $1::int * 7", (6,)).await?;
    Ok((seen, answer))
}

/// `LISTEN` and `NOTIFY`; the notification arrives while somebody waits for something.
pub(crate) async fn notify<S: ByteStream>(conn: &mut Connection<S>) -> Result<Notification> {
    conn.execute("listen news", ()).await?;
    conn.execute("select pg_notify('news', $1)", ("a new comet",))
        .await?;
    Ok(conn.notification().await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use purepg_conn::Config;
    use purepg_testkit::server::{DATABASE, PASSWORD, Server, USER_SCRAM};
    use std::cell::Cell;

    #[test]
    fn on_tokio() {
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tokio.block_on(async {
            let config = config(Server::shared().host());
            all(purepg_conn_tokio::connect(&config).await.unwrap())
                .await
                .unwrap();
        });
    }

    #[test]
    fn on_async_std() {
        async_std::task::block_on(async {
            let config = config(Server::shared().socket_dir().to_str().unwrap());
            all(purepg_conn_async_std::connect(&config).await.unwrap())
                .await
                .unwrap();
        });
    }

    fn config(host: &str) -> Config {
        let port = Server::shared().port();
        Config::new(host, USER_SCRAM)
            .password(PASSWORD)
            .port(port)
            .database(DATABASE)
    }

    async fn all<S: ByteStream>(mut conn: Connection<S>) -> Result<()> {
        create_table(&mut conn).await?;
        assert_eq!(insert(&mut conn).await?, 8);
        assert_eq!(
            fetch(&mut conn).await?,
            ["Jupiter", "Saturn", "Uranus", "Neptune"]
        );

        let seen = Cell::new(0);
        let streamed = stream(&mut conn, 10_000, |n| seen.set(seen.get() + n)).await?;
        assert_eq!(
            (streamed.rows, seen.get(), streamed.sum),
            (10_000, 10_000, 50_005_000)
        );
        assert_eq!(streamed.letters, 10_000 * "row ".len() + 38_894);
        assert!(streamed.batches > 1);

        let shown = mistake(&mut conn).await?.to_string();
        assert!(
            shown.contains("LINE 3: where diametre > 100000\n              ^"),
            "{shown}"
        );
        let (seen, answer) = leave_early(&mut conn).await?;
        assert!(0 < seen && seen < 100_000);
        assert_eq!(answer, 42);
        let notification = notify(&mut conn).await?;
        assert_eq!(
            (notification.channel(), notification.payload()),
            ("news", "a new comet")
        );
        Ok(conn.close().await?)
    }
}
