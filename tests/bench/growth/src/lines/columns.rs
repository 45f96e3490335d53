//! Columns of a row.

use purepg_conn_tokio::{Connection, Row, Statement, Value};

use super::{Result, Server, int4, repetitions};
use crate::measure::Meter;

/// Values of one result.
const VALUES: u64 = 200_000;

/// Each row as a list of dynamic values.
pub(super) async fn values(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let mut wide = Wide::new(server, size).await?;
    meter.begin()?;
    meter.start();
    let mut sum = 0;
    let mut stream = wide.conn.query(&wide.statement, (wide.rows,)).await?;
    while let Some(batch) = stream.next_batch().await? {
        for row in &batch {
            for value in row.values()? {
                let Value::Int4(value) = value else {
                    return Err("it is no int4".into());
                };
                sum += i64::from(value);
            }
        }
    }
    meter.stop(u64::try_from(wide.rows)?);
    let size = i64::try_from(size)?;
    assert_eq!(sum, i64::from(wide.rows) * size * (size + 1) / 2);
    meter.over();
    Ok(())
}

/// The last column of each row that is lent, by its place.
pub(super) async fn last(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let place = usize::try_from(size - 1)?;
    let mut wide = Wide::new(server, size).await?;
    let columns = int4(size)?;
    meter.begin()?;
    meter.start();
    let mut stream = wide.conn.query(&wide.statement, (wide.rows,)).await?;
    while let Some(batch) = stream.next_batch().await? {
        for row in &batch {
            assert_eq!(row.get::<i32>(place)?, columns);
        }
    }
    meter.stop(u64::try_from(wide.rows)?);
    meter.over();
    Ok(())
}

/// The last column of each row that is lent, by its name.
pub(super) async fn last_by_name(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let name = format!("c{size}");
    let mut wide = Wide::new(server, size).await?;
    let columns = int4(size)?;
    meter.begin()?;
    meter.start();
    let mut stream = wide.conn.query(&wide.statement, (wide.rows,)).await?;
    while let Some(batch) = stream.next_batch().await? {
        for row in &batch {
            assert_eq!(row.get::<i32>(name.as_str())?, columns);
        }
    }
    meter.stop(u64::try_from(wide.rows)?);
    meter.over();
    Ok(())
}

/// Every column of each row that is kept, from the last to the first, one `get` for each.
pub(super) async fn each(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    let places = usize::try_from(size)?;
    let mut wide = Wide::new(server, size).await?;
    meter.begin()?;
    meter.start();
    let mut sum = 0;
    let mut stream = wide.conn.query(&wide.statement, (wide.rows,)).await?;
    while let Some(row) = stream.next().await {
        let row: Row = row?;
        for place in (0..places).rev() {
            sum += i64::from(row.get::<i32>(place)?);
        }
    }
    meter.stop(u64::try_from(wide.rows)?);
    let size = i64::try_from(size)?;
    assert_eq!(sum, i64::from(wide.rows) * size * (size + 1) / 2);
    meter.over();
    Ok(())
}

/// A statement that makes as many rows as it is told, of so many columns with the values 1, 2, 3, …
struct Wide {
    conn: Connection,
    statement: Statement,
    rows: i32,
}

impl Wide {
    async fn new(server: &Server, columns: u64) -> Result<Self> {
        let mut conn = server.connect().await?;
        let list: Vec<String> = (1..=columns).map(|n| format!("{n} as c{n}")).collect();
        let list = list.join(", ");
        let text = format!("select {list} from generate_series(1, $1::int4)");
        let statement = conn.prepare(text.as_str()).await?;
        let rows = int4(repetitions(columns, VALUES, 20_000))?;
        Ok(Self {
            conn,
            statement,
            rows,
        })
    }
}
