//! Queries of one pipeline.

use super::{Result, Server, int4, repetitions};
use crate::measure::Meter;

/// Queries of all repetitions together.
const IN_ALL: u64 = 100_000;
const MOST: u64 = 2_000;

/// A list of queries whose results are looked at one after the other. What is held is the list.
pub(super) async fn listed(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    let statement = conn.prepare("select $1::int4").await?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    let size = int4(size)?;
    meter.begin()?;
    meter.start();
    for _ in 0..repetitions {
        let mut pipeline = conn.pipeline();
        for number in 0..size {
            pipeline.push(&statement, (number,));
        }
        meter.hold();
        let mut results = pipeline.run().await?;
        let mut expected = 0;
        while let Some(result) = results.next().await {
            let row = result?.rows.pop().ok_or("there is no row")?;
            assert_eq!(row.get::<i32>(0)?, expected);
            expected += 1;
        }
        assert_eq!(expected, size);
    }
    meter.stop(u64::try_from(size)? * repetitions);
    meter.over();
    Ok(())
}

/// One statement with parameters from an iterator, which are never a list.
pub(super) async fn many(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    conn.execute("create temp table target (a int4)", ())
        .await?;
    let statement = conn.prepare("insert into target values ($1)").await?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    let sets = int4(size)?;
    meter.begin()?;
    meter.start();
    for _ in 0..repetitions {
        let sets = (0..sets).map(|number| (number,));
        assert_eq!(conn.execute_many(&statement, sets).await?, size);
    }
    meter.stop(size * repetitions);
    meter.over();
    Ok(())
}
