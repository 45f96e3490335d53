//! zero-postgres with sockets that block.

use ::zero_postgres::Opts;
use ::zero_postgres::sync::Conn;
use purepg_testkit::server::{PASSWORD, USER_SCRAM, USER_TRUST};

use super::super::loops::{by_batches, one_by_one};
use super::super::{Job, Result};
use super::{COUNT, NO_ROW, Narrows, Wides, options, unless_too_old};
use crate::stopwatch::Stopwatch;
use crate::workload::{
    Checksum, INSERT, SELECT_1, SELECT_NARROW, SELECT_PARAMETER, SELECT_WIDE, SELECT_WIDE_ROW,
    Workload, inserted, key, parameter,
};

/// With sockets that block.
///
/// # Errors
/// Whatever goes wrong.
pub fn run(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let count = job.count;
    let conn = Conn::new(options(&job.server, USER_TRUST));
    let Some(mut conn) = unless_too_old(conn)? else {
        return Ok(None);
    };
    let sum = match job.workload {
        Workload::Connect | Workload::Reconnect => {
            let known = Opts {
                password: Some(PASSWORD.into()),
                ..options(&job.server, USER_SCRAM)
            };
            connect_and_close(known.clone())?;
            watch.start();
            for _ in 0..count {
                let options = match job.workload {
                    Workload::Reconnect => known.clone(),
                    _ => Opts {
                        password: Some(PASSWORD.into()),
                        ..options(&job.server, USER_SCRAM)
                    },
                };
                connect_and_close(options)?;
            }
            watch.stop();
            0
        }
        Workload::Select => {
            let select = conn.prepare(SELECT_1)?;
            one_by_one(count, watch, |_, sum| {
                let row: Option<(i32,)> = conn.exec_first(&select, ())?;
                sum.number(row.ok_or(NO_ROW)?.0);
                Ok(())
            })?
        }
        Workload::SelectText => one_by_one(count, watch, |_, sum| {
            let row: Option<(i32,)> = conn.query_first(SELECT_1)?;
            sum.number(row.ok_or(NO_ROW)?.0);
            Ok(())
        })?,
        Workload::Row => {
            let select = conn.prepare(SELECT_WIDE_ROW)?;
            one_by_one(count, watch, |number, sum| {
                let mut row = Wides(*sum);
                conn.exec(&select, (key(number),), &mut row)?;
                *sum = row.0;
                Ok(())
            })?
        }
        Workload::Pipeline => pipeline(&mut conn, count, watch)?,
        Workload::StreamNarrow => {
            let select = conn.prepare(SELECT_NARROW)?;
            let mut rows = Narrows::default();
            watch.start();
            conn.exec(&select, (i64::try_from(count)?,), &mut rows)?;
            watch.stop();
            rows.0.0
        }
        Workload::StreamWide => {
            let select = conn.prepare(SELECT_WIDE)?;
            let mut rows = Wides::default();
            watch.start();
            conn.exec(&select, (i64::try_from(count)?,), &mut rows)?;
            watch.stop();
            rows.0.0
        }
        Workload::Insert => {
            let insert = conn.prepare(INSERT)?;
            conn.query_drop("begin")?;
            let rows = one_by_one(count, watch, |number, sum| {
                let rows = conn.exec_drop(&insert, inserted(number))?;
                sum.number(i64::try_from(rows.unwrap_or(0))?);
                Ok(())
            })?;
            conn.query_drop("rollback")?;
            rows
        }
        Workload::InsertPipelined => insert_pipelined(&mut conn, count, watch)?,
        Workload::CopyIn | Workload::CopyOut | Workload::Sixteen => return Ok(None),
    };
    Ok(Some(sum))
}

fn connect_and_close(options: Opts) -> Result<()> {
    Ok(Conn::new(options)?.close()?)
}

fn pipeline(conn: &mut Conn, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let select = conn.prepare(SELECT_PARAMETER)?;
    let mut tickets = Vec::new();
    by_batches(count, watch, |from, until, sum| {
        conn.pipeline(|pipeline| {
            for number in from..until {
                tickets.push(pipeline.exec(&select, (parameter(number),))?);
            }
            pipeline.sync()?;
            for ticket in tickets.drain(..) {
                if let Some((value,)) = pipeline.claim_one::<(i32,)>(ticket)? {
                    sum.number(value);
                }
            }
            Ok(())
        })?;
        Ok(())
    })
}

fn insert_pipelined(conn: &mut Conn, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let insert = conn.prepare(INSERT)?;
    conn.query_drop("begin")?;
    let before: Option<(i64,)> = conn.query_first(COUNT)?;
    let mut warm = 0;
    let mut values = Vec::new();
    by_batches(count, watch, |from, until, _: &mut Checksum| {
        if warm == 0 {
            warm = until;
        }
        values.clear();
        values.extend((from..until).map(inserted));
        Ok(conn.exec_batch(&insert, &values)?)
    })?;
    let after: Option<(i64,)> = conn.query_first(COUNT)?;
    conn.query_drop("rollback")?;
    let (before, after) = (before.ok_or(NO_ROW)?.0, after.ok_or(NO_ROW)?.0);
    Ok(u64::try_from(after - before)? - warm)
}
