//! A million rows, in no more memory than a few.
//!
//! In a binary of its own: what the process holds is measured from outside.

use purepg_conn::Runtime;
use purepg_tests_live::{Context, on_async_std, on_tokio, resident_kib};

/// What the process may hold more at the end than after the first rows: buffers, not rows. The rows are some 60 MB.
const SLACK_KIB: u64 = 8 * 1024;

#[test]
fn a_million_rows_take_no_memory() {
    // One after the other: they measure the same process.
    on_tokio(stream);
    on_async_std(stream);
}

async fn stream<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    let sql = "select g::int8, g % 1000, repeat('x', 40) from generate_series(1, 1000000) g";
    for lent in [true, false] {
        let mut rows = conn.query(sql, ()).await.unwrap();
        let (mut count, mut sum) = (0_u64, 0_i64);
        let mut first = None;
        let mut most = 0;
        let mut measure = |count: u64| {
            if count >= 10_000 {
                let now = resident_kib();
                first.get_or_insert(now);
                most = most.max(now);
            }
        };
        if lent {
            while let Some(batch) = rows.next_batch().await.unwrap() {
                for row in &batch {
                    let (number, _, text): (i64, i32, &str) = row.decode().unwrap();
                    assert_eq!(text.len(), 40);
                    sum += number;
                    count += 1;
                }
                measure(count);
            }
        } else {
            while let Some(row) = rows.next().await {
                sum += row.unwrap().get::<i64>(0).unwrap();
                count += 1;
                if count.is_multiple_of(10_000) {
                    measure(count);
                }
            }
        }
        assert_eq!((count, sum), (1_000_000, 500_000_500_000));
        assert_eq!(rows.row_count().await.unwrap(), 1_000_000);
        let grown = most.saturating_sub(first.unwrap());
        println!("lent {lent}: the process grew by {grown} KiB over a million rows");
        assert!(grown < SLACK_KIB, "lent {lent}: it grew by {grown} KiB");
    }
}
