//! What is dropped on a connection, at every poll, and what has to be true of the connection whatever that was.

use purepg_conn::{ByteStream, Connection, Runtime, TransactionStatus};
use purepg_testkit::drop_at::drop_at;
use purepg_testkit::io::OneByte;

/// A connection over a stream that moves one byte and then says `Pending`.
pub type Slow<R> = Connection<OneByte<<R as Runtime>::Stream>>;

/// The same server process answers, the transaction status is what it was, and nothing is left over.
///
/// # Panics
/// When it is not so.
pub async fn check<S: ByteStream>(
    conn: &mut Connection<S>,
    process: i32,
    status: TransactionStatus,
) {
    let sql = "select pg_backend_pid(), $1::text";
    let row = conn.fetch_one(sql, ("mine",)).await.expect("it answers");
    let answer: (i32, &str) = row.decode().expect("as it was asked");
    assert_eq!(answer, (process, "mine"));
    assert!(conn.is_ready());
    assert_eq!(conn.transaction_status(), status);
    assert_eq!(conn.is_idle(), status == TransactionStatus::Idle);
}

/// Outside of a transaction: the server has at most so many prepared statements, none of them twice, no portal, and no lock.
///
/// # Panics
/// When it is not so.
pub async fn nothing_is_left<S: ByteStream>(conn: &mut Connection<S>, statements: i64) {
    // As a simple query, which has neither a statement nor a portal that shows. What it reads it locks itself.
    let sql = "select (select count(*) from pg_prepared_statements), \
        (select count(distinct statement) from pg_prepared_statements), \
        (select count(*) from pg_cursors), \
        (select count(*) from pg_locks where pid = pg_backend_pid() and mode <> 'AccessShareLock' and locktype <> 'virtualxid')";
    let row = conn.fetch_one(sql, ()).await.expect("it answers");
    let (all, distinct, portals, locks): (i64, i64, i64, i64) = row.decode().expect("numbers");
    assert!(
        all <= statements,
        "{all} prepared statements, at most {statements} are in use"
    );
    // A handle may be of a text that is kept, too.
    assert!(all - distinct <= 1, "{} statements twice", all - distinct);
    assert_eq!((portals, locks), (0, 0), "portals and locks");
}

/// Drops an operation at every poll, and checks the connection after each. Gives the number of places.
///
/// # Panics
/// When a check fails, or there were hardly any places.
pub async fn cover<R: Runtime, T>(
    name: &str,
    conn: &mut Slow<R>,
    operation: impl AsyncFnMut(&mut Slow<R>) -> T,
) -> usize {
    let process = conn.process_id().expect("servers tell it");
    let status = conn.transaction_status();
    let places = drop_at(conn, operation, async |conn, _| {
        check(conn, process, status).await;
    })
    .await;
    println!("{name}: dropped at {places} places");
    assert!(places > 20, "{name}: only {places} places");
    places
}
