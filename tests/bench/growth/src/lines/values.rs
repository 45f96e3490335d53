//! Bytes of one value.

use super::{Result, Server, int4, repetitions, small_queries};
use crate::measure::Meter;

/// Bytes of all repetitions together.
const IN_ALL: u64 = 100_000_000;
const MOST: u64 = 2_000;

/// So many small queries come behind: what a large value took is given back by then.
const SMALL: i32 = 20;

/// A parameter. The value itself, which is the caller's, counts.
pub(super) async fn up(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    let statement = conn.prepare("select octet_length($1::bytea)").await?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    meter.begin()?;
    let value = vec![b'x'; usize::try_from(size)?];
    meter.start();
    for _ in 0..repetitions {
        let length: i32 = conn.fetch_scalar(&statement, (value.as_slice(),)).await?;
        assert_eq!(length, int4(size)?);
    }
    meter.stop(repetitions);
    meter.hold();
    drop(value);
    small_queries(&mut conn, SMALL).await?;
    meter.over();
    Ok(())
}

/// A result, of which the value is borrowed.
pub(super) async fn down(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut conn = server.connect().await?;
    let statement = conn
        .prepare("select convert_to(repeat('x', $1::int4), 'UTF8')")
        .await?;
    let repetitions = repetitions(size, IN_ALL, MOST);
    let length = int4(size)?;
    meter.begin()?;
    meter.start();
    for _ in 0..repetitions {
        let mut stream = conn.query(&statement, (length,)).await?;
        while let Some(batch) = stream.next_batch().await? {
            for row in &batch {
                let (value,): (&[u8],) = row.decode()?;
                assert_eq!(u64::try_from(value.len())?, size);
                assert_eq!((value.first(), value.last()), (Some(&b'x'), Some(&b'x')));
                meter.hold();
            }
        }
    }
    meter.stop(repetitions);
    small_queries(&mut conn, SMALL).await?;
    meter.over();
    Ok(())
}
