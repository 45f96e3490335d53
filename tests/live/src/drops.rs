//! What is dropped on a connection, at every poll, and what has to be true of the connection whatever that was.

use purepg_conn::{Connection, Runtime, TransactionStatus};
use purepg_testkit::drop_at::drop_at;
use purepg_testkit::io::OneByte;

/// A connection over a stream that moves one byte and then says `Pending`.
pub type Slow<R> = Connection<OneByte<<R as Runtime>::Stream>>;

/// The same server process answers, the transaction status is what it was, and nothing is left over.
///
/// # Panics
/// When it is not so.
pub async fn check<R: Runtime>(conn: &mut Slow<R>, process: i32, status: TransactionStatus) {
    let sql = "select pg_backend_pid(), $1::text";
    let row = conn.fetch_one(sql, ("mine",)).await.expect("it answers");
    let answer: (i32, &str) = row.decode().expect("as it was asked");
    assert_eq!(answer, (process, "mine"));
    assert!(conn.is_ready());
    assert_eq!(conn.transaction_status(), status);
    assert_eq!(conn.is_idle(), status == TransactionStatus::Idle);
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
        check::<R>(conn, process, status).await;
    })
    .await;
    println!("{name}: dropped at {places} places");
    assert!(places > 20, "{name}: only {places} places");
    places
}
