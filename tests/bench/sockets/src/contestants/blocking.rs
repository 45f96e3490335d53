//! The core of this client, `purepg-proto`, driven by a loop that blocks, with purepg-types for the values.

mod driver;

use driver::{Driver, each, execute, typed, write};
use purepg_proto::{CopyEnd, Event, Reply};
use purepg_testkit::server::{USER_SCRAM, USER_TRUST};
use purepg_types::{FromRow, ToSql};

use super::loops::{by_batches, copied, one_by_one};
use super::{Job, Result, Server};
use crate::stopwatch::Stopwatch;
use crate::workload::{
    COPY_IN, Checksum, INSERT, SELECT_1, SELECT_NARROW, SELECT_PARAMETER, SELECT_WIDE,
    SELECT_WIDE_ROW, Wide, Workload, copy_out, copy_piece, inserted, key, parameter,
};

/// Without a runtime, one connection at a time.
///
/// # Errors
/// Whatever goes wrong.
pub fn run(job: &Job, watch: &mut Stopwatch) -> Result<Option<u64>> {
    let count = job.count;
    let mut driver = Driver::connect(&job.server, USER_TRUST, &mut None)?;
    let sum = match job.workload {
        Workload::Connect => connect(&job.server, count, watch, || None)?,
        Workload::Reconnect => {
            let mut keys = None;
            Driver::connect(&job.server, USER_SCRAM, &mut keys)?.close()?;
            connect(&job.server, count, watch, || keys.clone())?
        }
        Workload::Select => {
            let select = driver.prepare(SELECT_1)?;
            let plan = <(i32,)>::plan(&select.list)?;
            one_by_one(count, watch, |_, sum| {
                driver.rows(&select, &[], |row| {
                    sum.number(<(i32,)>::from_planned(&plan, row)?.0);
                    Ok(())
                })
            })?
        }
        Workload::SelectText => one_by_one(count, watch, |_, sum| {
            let mut batch = driver.core.batch();
            batch.query(SELECT_1);
            batch.commit()?;
            let mut columns = Vec::new();
            driver.replies(1, |reply| {
                match reply {
                    Reply::Columns(described) => columns = typed(&described),
                    Reply::Rows(batch) => each(&batch, &columns, &mut |row| {
                        sum.number(<(i32,)>::from_row(row)?.0);
                        Ok(())
                    })?,
                    _ => {}
                }
                Ok(())
            })
        })?,
        Workload::Row => {
            let select = driver.prepare(SELECT_WIDE_ROW)?;
            let plan = Wide::plan(&select.list)?;
            one_by_one(count, watch, |number, sum| {
                driver.rows(&select, &[&key(number)], |row| {
                    sum.wide(Wide::from_planned(&plan, row)?);
                    Ok(())
                })
            })?
        }
        Workload::Pipeline => pipeline(&mut driver, count, watch)?,
        Workload::StreamNarrow => {
            let select = driver.prepare(SELECT_NARROW)?;
            let plan = <(i64, i32, &str)>::plan(&select.list)?;
            let mut sum = Checksum::default();
            watch.start();
            driver.rows(&select, &[&i64::try_from(count)?], |row| {
                sum.narrow(FromRow::from_planned(&plan, row)?);
                Ok(())
            })?;
            watch.stop();
            sum.0
        }
        Workload::StreamWide => {
            let select = driver.prepare(SELECT_WIDE)?;
            let plan = Wide::plan(&select.list)?;
            let mut sum = Checksum::default();
            watch.start();
            driver.rows(&select, &[&i64::try_from(count)?], |row| {
                sum.wide(Wide::from_planned(&plan, row)?);
                Ok(())
            })?;
            watch.stop();
            sum.0
        }
        Workload::Insert | Workload::InsertPipelined => insert(&mut driver, job, watch)?,
        Workload::CopyIn => copy_in(&mut driver, count, watch)?,
        Workload::CopyOut => copy_from(&mut driver, count, watch)?,
        Workload::Sixteen => return Ok(None),
    };
    driver.close()?;
    Ok(Some(sum))
}

fn connect(
    server: &Server,
    count: u64,
    watch: &mut Stopwatch,
    keys: impl Fn() -> Option<purepg_proto::ScramKeys>,
) -> Result<u64> {
    watch.start();
    for _ in 0..count {
        Driver::connect(server, USER_SCRAM, &mut keys())?.close()?;
    }
    watch.stop();
    Ok(0)
}

fn pipeline(driver: &mut Driver, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let select = driver.prepare(SELECT_PARAMETER)?;
    let plan = <(i32,)>::plan(&select.list)?;
    by_batches(count, watch, |from, until, sum| {
        for number in from..until {
            driver.push(&select, &[&parameter(number)], number + 1 == until)?;
        }
        driver.replies(until - from, |reply| match reply {
            Reply::Rows(batch) => each(&batch, &select.list, &mut |row| {
                sum.number(<(i32,)>::from_planned(&plan, row)?.0);
                Ok(())
            }),
            _ => Ok(()),
        })
    })
}

fn insert(driver: &mut Driver, job: &Job, watch: &mut Stopwatch) -> Result<u64> {
    let insert = driver.prepare(INSERT)?;
    driver.simple("begin")?;
    let rows = if job.workload == Workload::Insert {
        one_by_one(job.count, watch, |number, sum| {
            let (id, small, name) = inserted(number);
            driver.push(&insert, &[&id, &small, &name], true)?;
            sum.number(i64::try_from(driver.completed(1)?)?);
            Ok(())
        })?
    } else {
        by_batches(job.count, watch, |from, until, sum| {
            let mut batch = driver.core.batch();
            for number in from..until {
                let (id, small, name) = inserted(number);
                let values: [&dyn ToSql; 3] = [&id, &small, &name];
                if number == from {
                    execute(&mut batch, &insert, &values)?;
                } else {
                    batch.again(|out| write(out, &insert, &values))?;
                }
            }
            batch.sync();
            batch.commit()?;
            sum.number(i64::try_from(driver.completed(1)?)?);
            Ok(())
        })?
    };
    driver.simple("rollback")?;
    Ok(rows)
}

fn copy_in(driver: &mut Driver, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let (piece, rows) = copy_piece();
    driver.simple("begin")?;
    watch.start();
    let mut batch = driver.core.batch();
    batch.query(COPY_IN).copy_in();
    let copy = batch.commit()?;
    loop {
        match driver.event()? {
            Event::Reply(_, Reply::CopyIn(_)) => break,
            Event::Reply(_, Reply::Finished(outcome)) => return Err(format!("{outcome:?}").into()),
            Event::Closed(reason) => return Err(format!("{reason:?}").into()),
            _ => {}
        }
    }
    for _ in 0..count / rows {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let taken = driver.core.copy_data(copy, rest)?;
            rest = &rest[taken..];
            driver.write()?;
        }
    }
    driver.core.copy_finish(copy, CopyEnd::Done)?;
    let done = driver.completed(1)?;
    watch.stop();
    driver.simple("rollback")?;
    copied(done, count / rows * rows)
}

fn copy_from(driver: &mut Driver, count: u64, watch: &mut Stopwatch) -> Result<u64> {
    let sql = copy_out(count);
    let mut length = 0;
    watch.start();
    let mut batch = driver.core.batch();
    batch.query(&sql);
    batch.commit()?;
    driver.replies(1, |reply| {
        if let Reply::CopyData(run) = reply {
            for data in &run {
                length += data.len() as u64;
            }
        }
        Ok(())
    })?;
    watch.stop();
    Ok(length)
}
