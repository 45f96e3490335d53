//! COPY of more than fits into 31 bits, in no more memory than a few rows.
//!
//! In a binary of its own: what the process holds is measured from outside.

use purepg_conn::Runtime;
use purepg_tests_live::{Context, on_async_std, on_tokio, resident_kib};

/// What the process may hold more at the end than after the first pieces: buffers, not data.
const SLACK_KIB: u64 = 8 * 1024;

/// Bytes that go in, and bytes that come out.
const IN: usize = (1 << 31) + 1_000_000;
const OUT: usize = 500_000_000;

#[test]
fn acceptance_74_two_gigabytes_take_no_memory() {
    // One after the other: they measure the same process.
    on_tokio(both_ways);
    on_async_std(both_ways);
}

async fn both_ways<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    conn.execute("create temp table t (s text)", ())
        .await
        .unwrap();
    let row = format!("{}\n", "x".repeat(8_191));
    let rows = IN / row.len();
    let mut memory = Memory::default();
    // The server reads every row, and keeps none.
    let mut sink = conn
        .copy_in("copy t from stdin where s = 'y'")
        .await
        .unwrap();
    for n in 0..rows {
        sink.send(&row).await.unwrap();
        if n % 10_000 == 500 {
            memory.measure();
        }
    }
    memory.measure();
    assert_eq!(sink.finish().await.unwrap(), 0);
    println!(
        "in: {} bytes, the process grew by {} KiB",
        rows * row.len(),
        memory.grown()
    );
    assert!(memory.grown() < SLACK_KIB);

    let rows = OUT / row.len();
    let sql = format!("copy (select repeat('x', 8191) from generate_series(1, {rows})) to stdout");
    for lent in [true, false] {
        let mut memory = Memory::default();
        let mut out = conn.copy_out(&sql).await.unwrap();
        let (mut bytes, mut pieces) = (0, 0);
        loop {
            let length = if lent {
                out.next_run().await.unwrap().map(|run| run.len())
            } else {
                out.next().await.map(|chunk| chunk.unwrap().len())
            };
            let Some(length) = length else { break };
            bytes += length;
            pieces += 1;
            if pieces % 500 == 100 {
                memory.measure();
            }
        }
        assert_eq!(bytes, rows * row.len());
        println!(
            "out: {bytes} bytes, the process grew by {} KiB",
            memory.grown()
        );
        assert!(memory.grown() < SLACK_KIB, "lent {lent}");
    }
}

/// What the process held first, and at the most.
#[derive(Default)]
struct Memory {
    first: Option<u64>,
    most: u64,
}

impl Memory {
    fn measure(&mut self) {
        let now = resident_kib();
        self.first.get_or_insert(now);
        self.most = self.most.max(now);
    }

    fn grown(&self) -> u64 {
        self.most - self.first.expect("it was measured")
    }
}
