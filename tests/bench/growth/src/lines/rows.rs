//! Rows of one result.

use super::{Result, Server, repetitions};
use crate::measure::Meter;

/// Made one after the other by the server, which keeps none of them.
const SELECT: &str = "select g, (g % 1000)::int4, 'a name of some length' from (select generate_series(1, $1::int8)) s (g)";

/// Rows of all repetitions together, where they are few.
const IN_ALL: u64 = 1_000_000;
const MOST: u64 = 5_000;

/// Batches, whose rows are lent.
pub(super) async fn lent(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    let statement = conn.prepare(SELECT).await?;
    let rows = i64::try_from(size)?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    meter.begin()?;
    meter.start();
    for _ in 0..repetitions {
        let mut sum = 0;
        let mut stream = conn.query(&statement, (rows,)).await?;
        while let Some(batch) = stream.next_batch().await? {
            for row in &batch {
                let (number, _, name): (i64, i32, &str) = row.decode()?;
                sum += number + i64::try_from(name.len())?;
            }
        }
        check(sum, rows);
    }
    meter.stop(size * repetitions);
    meter.over();
    Ok(())
}

/// One row after the other, each kept while it is looked at.
pub(super) async fn streamed(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    let statement = conn.prepare(SELECT).await?;
    let rows = i64::try_from(size)?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    meter.begin()?;
    meter.start();
    for _ in 0..repetitions {
        let mut sum = 0;
        let mut stream = conn.query(&statement, (rows,)).await?;
        while let Some(row) = stream.next().await {
            let row = row?;
            let (number, _, name): (i64, i32, &str) = row.decode()?;
            sum += number + i64::try_from(name.len())?;
        }
        check(sum, rows);
    }
    meter.stop(size * repetitions);
    meter.over();
    Ok(())
}

fn check(sum: i64, rows: i64) {
    assert_eq!(sum, rows * (rows + 1) / 2 + rows * 21, "all were read");
}
