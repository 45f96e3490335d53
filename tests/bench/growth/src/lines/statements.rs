//! Statements in the cache of one connection.

use super::{Result, Server, int4, small_queries};
use crate::measure::Meter;

/// Queries that are timed.
const QUERIES: usize = 10_000;

/// From one text to the one so many further on: no neighbours, and all get their turn.
const STRIDE: usize = 7_919;

/// By their texts, over and over.
pub(super) async fn by_text(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let count = usize::try_from(size)?;
    let config = server.config().statement_cache_size(count);
    let mut conn = purepg_conn_tokio::connect(&config).await?;
    small_queries(&mut conn, 1).await?;
    let texts = (0..int4(size)?).map(|n| (format!("select $1::int4 + {n}"), n));
    let texts: Vec<(String, i32)> = texts.collect();
    meter.begin()?;
    for (text, number) in &texts {
        let sum: i32 = conn.fetch_scalar(text.as_str(), (1,)).await?;
        assert_eq!(sum, number + 1);
    }
    meter.hold();
    meter.start();
    for turn in 0..QUERIES {
        let (text, number) = &texts[turn * STRIDE % count];
        let sum: i32 = conn.fetch_scalar(text.as_str(), (1,)).await?;
        assert_eq!(sum, number + 1);
    }
    meter.stop(u64::try_from(QUERIES)?);
    conn.close().await?;
    meter.over();
    Ok(())
}
