//! What the client does, each with the name of its golden.

use purepg_proto::Target;

use crate::client::{Client, INT4, flush, more, sync};

/// One query and one Sync.
pub(crate) fn simple_pipeline() -> String {
    let mut client = Client::open();
    client.statement("select $1", &["1"], sync);
    client.step();
    client.end()
}

/// Several segments in one write.
pub(crate) fn multi_pipelines() -> String {
    let mut client = Client::open();
    for value in ["1", "2", "3"] {
        client.statement("select $1", &[value], sync);
    }
    client.step();
    client.end()
}

/// A prepared statement and a cursor: described, run, closed, and then no more.
pub(crate) fn prepared() -> String {
    let mut client = Client::open();
    client.batch(|batch| {
        batch
            .parse(
                "twice",
                "select 2 * $1 as twice, '42', $2::text, interval '1 s'",
                &[INT4],
            )
            .describe(Target::Statement("twice"))
            .sync();
    });
    client.step();
    client.prepared("twice", &["21", "a"], more);
    client.prepared("twice", &["-1", ""], sync);
    client.step();
    client.batch(|batch| {
        batch.close(Target::Statement("twice")).sync();
    });
    client.step();
    client.batch(|batch| {
        batch.describe(Target::Statement("twice")).sync();
    });
    client.step();
    client.query("begin; declare one cursor for select 1 as one");
    client.batch(|batch| {
        batch.describe(Target::Portal("one")).sync();
    });
    client.batch(|batch| {
        batch.close(Target::Portal("one")).sync();
    });
    client.batch(|batch| {
        batch.describe(Target::Portal("one")).sync();
    });
    client.step();
    client.query("rollback");
    client.end()
}

/// Errors in the middle of segments: what is behind them is skipped, what was before is undone, and the next segment is served.
pub(crate) fn pipeline_abort() -> String {
    const INSERT: &str = "insert into pipeline_abort values ($1)";
    let mut client = Client::open();
    client.query("drop table if exists pipeline_abort");
    client.query("create table pipeline_abort (a int4)");
    client.statement(INSERT, &["1"], more);
    client.statement("select no_such_function($1)", &["1"], more);
    client.statement(INSERT, &["2"], sync);
    client.statement(INSERT, &["3"], sync);
    client.step();
    client.statement("select 1; select 2", &[], sync);
    client.step();
    // Rows come first, then the error.
    client.statement("select 6 / g from generate_series(3, -1, -1) g", &[], sync);
    client.step();
    client.query("select a from pipeline_abort");
    client.end()
}

/// A segment in which nothing is under way for a while, a notice in it and behind it, and a simple query between it and the next.
pub(crate) fn pipeline_idle() -> String {
    let mut client = Client::open();
    client.statement("select 1", &[], flush);
    client.step();
    client.statement("do $$ begin raise notice 'between'; end $$", &[], flush);
    client.step();
    client.statement("select 2", &[], flush);
    client.step();
    client.batch(|batch| {
        batch.sync();
    });
    client.step();
    client.query("select 3");
    client.statement("do $$ begin raise notice 'idle'; end $$", &[], sync);
    client.step();
    client.end()
}

/// A block over several segments of one write, which fails, refuses, is rolled back, and is followed by another.
pub(crate) fn transaction() -> String {
    let mut client = Client::open();
    client.query("drop table if exists transaction; create table transaction (a int4)");
    client.batch(|batch| {
        batch.parse("rollback", "rollback", &[]).sync();
    });
    client.step();
    client.statement("begin", &[], more);
    client.statement("select 0 / 0", &[], sync);
    // In a block that has failed.
    client.statement("insert into transaction values ($1)", &["1"], sync);
    client.prepared("rollback", &[], more);
    client.statement("insert into transaction values ($1)", &["2"], sync);
    client.statement("begin", &[], more);
    client.statement("insert into transaction values ($1)", &["3"], more);
    client.statement("commit", &[], sync);
    client.step();
    client.query("select a from transaction order by a");
    client.end()
}

/// No Sync at all: Flush is enough for answers.
pub(crate) fn nosync() -> String {
    let mut client = Client::open();
    for _ in 0..9 {
        client.statement("select repeat('xyzxz', 12)", &[], more);
    }
    client.statement("select repeat('xyzxz', 12)", &[], flush);
    client.step();
    client.end()
}

/// A cancel request while a statement runs: it fails, and the segment behind it is served.
pub(crate) fn cancel() -> String {
    let mut client = Client::open();
    client.statement("select pg_sleep(600)", &[], more);
    client.statement("select 1", &[], sync);
    client.statement("select 2", &[], sync);
    client.cancel();
    client.step();
    client.end()
}

/// Rows that violate a primary key, in segments of one and of several statements.
pub(crate) fn uniqviol() -> String {
    let mut client = Client::open();
    client.query("drop table if exists uniqviol; create table uniqviol (id int4 primary key)");
    client.batch(|batch| {
        batch
            .parse(
                "insert",
                "insert into uniqviol values ($1) returning id",
                &[INT4],
            )
            .sync();
    });
    client.step();
    client.prepared("insert", &["1"], sync);
    client.prepared("insert", &["1"], sync);
    client.prepared("insert", &["2"], more);
    client.prepared("insert", &["1"], more);
    client.prepared("insert", &["3"], sync);
    client.prepared("insert", &["2"], more);
    client.prepared("insert", &["3"], sync);
    client.step();
    client.query("select id from uniqviol order by id");
    client.end()
}
