//! Parameters of one statement.

use super::{Result, Server, int4, repetitions};
use crate::measure::Meter;

/// Parameters of all repetitions together.
const IN_ALL: u64 = 200_000;
const MOST: u64 = 2_000;

/// Of a statement that was prepared.
pub(super) async fn prepared(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    let (text, values) = statement(size)?;
    let statement = conn.prepare(text.as_str()).await?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    meter.begin()?;
    meter.start();
    for _ in 0..repetitions {
        let last: i32 = conn.fetch_scalar(&statement, &values).await?;
        assert_eq!(Some(&last), values.last());
    }
    meter.stop(repetitions);
    meter.over();
    Ok(())
}

/// Of a statement that is given by its text, as it comes: where it is longer than a cache takes, it is parsed each time.
pub(super) async fn by_text(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    let (text, values) = statement(size)?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    meter.begin()?;
    meter.start();
    for _ in 0..repetitions {
        let last: i32 = conn.fetch_scalar(text.as_str(), &values).await?;
        assert_eq!(Some(&last), values.last());
    }
    meter.stop(repetitions);
    meter.over();
    Ok(())
}

/// A statement of so many parameters whose result is the last of them, and their values.
fn statement(parameters: u64) -> Result<(String, Vec<i32>)> {
    let list: Vec<String> = (1..=parameters).map(|n| format!("${n}::int4")).collect();
    let text = format!("select (array[{}])[{parameters}]", list.join(","));
    Ok((text, (1..=int4(parameters)?).collect()))
}
