//! Conversations with a real server, as scripts: `just record` plays them to one and writes `transcripts/*.trace`, which
//! `tests/transcripts.rs` replays.

use purepg_proto::{
    Batch, Bind, Connection, CopyEnd, Format, OpId, Replication, RowShape, Startup, Target,
    Transport, UsageError,
};
use purepg_testkit::cut::{Script, begin};
use purepg_testkit::server::{
    DATABASE, PASSWORD, SUPERUSER, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST,
};

/// A conversation.
#[derive(Debug)]
pub struct Scenario {
    /// The name of its file.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// What the client does.
    pub script: fn() -> Script,
}

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "simple",
        about: "Trust; a simple query of several statements, one of them without columns",
        script: simple,
    },
    Scenario {
        name: "extended",
        about: "Parse, Describe, Bind, Execute, Sync: values and results in text and in binary",
        script: extended,
    },
    Scenario {
        name: "error_skips_to_sync",
        about: "An error in the middle of a segment: everything behind it is skipped up to the Sync",
        script: error_skips_to_sync,
    },
    Scenario {
        name: "deferred_constraint",
        about: "A deferred constraint fails at the Sync, behind CommandComplete; with a simple query before it",
        script: deferred_constraint,
    },
    Scenario {
        name: "unsolicited",
        about: "Notices, notifications and parameter changes amid the answers",
        script: unsolicited,
    },
    Scenario {
        name: "empty_query",
        about: "No statement at all, through either protocol",
        script: empty_query,
    },
    Scenario {
        name: "suspended",
        about: "A row limit: the portal is suspended, goes on, and is done",
        script: suspended,
    },
    Scenario {
        name: "pipeline",
        about: "Five operations and one Sync; the third fails",
        script: pipeline,
    },
    Scenario {
        name: "ten_columns",
        about: "300 rows of ten columns",
        script: ten_columns,
    },
    Scenario {
        name: "rows_then_error",
        about: "A statement that fails behind its first rows, through either protocol",
        script: rows_then_error,
    },
    Scenario {
        name: "transaction",
        about: "A block that fails, refuses a statement, and is rolled back",
        script: transaction,
    },
    Scenario {
        name: "copy_out",
        about: "COPY TO STDOUT through either protocol, and one that fails behind its first rows",
        script: copy_out,
    },
    Scenario {
        name: "copy_in_refused",
        about: "COPY FROM STDIN that nobody declared, through either protocol, with and without a Sync behind it",
        script: copy_in_refused,
    },
    Scenario {
        name: "copy_in_swallows_syncs",
        about: "Syncs that stand behind an undeclared COPY FROM STDIN are swallowed, and sent again",
        script: copy_in_swallows_syncs,
    },
    Scenario {
        name: "query_in_a_skip_region",
        about: "A segment without Sync fails: the Query behind it gets no answer",
        script: query_in_a_skip_region,
    },
    Scenario {
        name: "abandoned",
        about: "Operations that nobody waits for any more: rows, an error, a COPY, an open segment",
        script: abandoned,
    },
    Scenario {
        name: "copy_in",
        about: "COPY FROM STDIN as declared, through either protocol and several in one query; one fails amid its data, one is failed",
        script: copy_in,
    },
    Scenario {
        name: "copy_in_abandoned",
        about: "COPY FROM STDIN abandoned before its answer and amid its data, with something behind it",
        script: copy_in_abandoned,
    },
    Scenario {
        name: "replication",
        about: "A stream of logical replication: read, answered, ended by the client",
        script: replication,
    },
    Scenario {
        name: "fatal",
        about: "The server ends the session while operations are under way",
        script: fatal,
    },
    Scenario {
        name: "scram",
        about: "SCRAM-SHA-256",
        script: || hello(with_password(USER_SCRAM)),
    },
    Scenario {
        name: "md5",
        about: "MD5",
        script: || hello(with_password(USER_MD5)),
    },
    Scenario {
        name: "cleartext",
        about: "A password in the clear, over a Unix socket",
        script: || hello(with_password(USER_PASSWORD)),
    },
    Scenario {
        name: "wrong_password",
        about: "The server refuses the proof",
        script: || Script::new(startup(USER_SCRAM).password("not the password")),
    },
];

fn startup(user: &str) -> Startup {
    Startup::new(user, Transport::UnixSocket).database(DATABASE)
}

fn with_password(user: &str) -> Startup {
    startup(user).password(PASSWORD)
}

fn trust() -> Script {
    Script::new(startup(USER_TRUST))
}

fn hello(startup: Startup) -> Script {
    Script::new(startup)
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("select 'hello'");
            });
        })
        .when("op0 Finished", |core, _| core.terminate())
}

/// Parse, Bind, Describe, Execute of one statement without parameters.
fn statement(batch: &mut Batch<'_>, sql: &str) {
    batch.parse("", sql, &[]);
    bind(batch, Bind::default(), &[]);
    batch
        .describe(Target::Portal(""))
        .execute("", None, RowShape::Described);
}

fn bind(batch: &mut Batch<'_>, what: Bind<'_>, values: &[Option<&[u8]>]) {
    let bound: Result<_, UsageError> = batch.bind(what, |out| {
        for value in values {
            out.bytes(*value);
        }
        Ok(())
    });
    bound.expect("nothing here fails");
}

fn simple() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query(
                    "select 1 as a, 'text' as b, null as c; \
                     create temporary table t (a int4); \
                     insert into t select generate_series(1, 3); \
                     select * from t order by a; \
                     select from t",
                );
            });
        })
        .when("op0 Finished", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("select 1; select nonsense; select 2");
            });
        })
        .when("op1 Finished", |core, _| core.terminate())
}

fn extended() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.parse(
                    "s",
                    "select $1::int4 + 1 as n, $2::text as t, $3::bool as b",
                    &[],
                );
                batch.describe(Target::Statement("s")).sync();
            });
            begin(core, ops, |batch| {
                let text = Bind {
                    statement: "s",
                    ..Bind::default()
                };
                bind(batch, text, &[Some(b"41"), Some("ä".as_bytes()), None]);
                batch
                    .describe(Target::Portal(""))
                    .execute("", None, RowShape::Described)
                    .sync();
            });
        })
        .when("op1 Finished", |core, ops| {
            begin(core, ops, |batch| {
                let binary = Bind {
                    portal: "p",
                    statement: "s",
                    parameter_formats: &[Format::Binary, Format::Text, Format::Binary],
                    result_formats: &[Format::Binary],
                };
                bind(
                    batch,
                    binary,
                    &[Some(b"\0\0\0\x29"), Some(b""), Some(b"\x01")],
                );
                batch
                    .describe(Target::Portal("p"))
                    .execute("p", None, RowShape::Described)
                    .close(Target::Portal("p"))
                    .sync();
            });
            begin(core, ops, |batch| {
                batch
                    .close(Target::Statement("s"))
                    .close(Target::Statement("no such statement"))
                    .sync();
            });
        })
        .when("op3 Finished", |core, _| core.terminate())
}

fn error_skips_to_sync() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| statement(batch, "select 1"));
            begin(core, ops, |batch| statement(batch, "select nonsense"));
            begin(core, ops, |batch| {
                statement(batch, "select 2");
                batch.sync();
            });
            begin(core, ops, |batch| {
                statement(batch, "select 3");
                batch.sync();
            });
        })
        .when("op3 Finished", |core, _| core.terminate())
}

fn deferred_constraint() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query(
                    "create temporary table t (a int4 unique deferrable initially deferred)",
                );
            });
            begin(core, ops, |batch| {
                batch.query("insert into t values (1), (1)");
            });
            begin(core, ops, |batch| {
                statement(batch, "insert into t values (2), (2)");
                batch.sync();
            });
            begin(core, ops, |batch| {
                batch.query("select count(*) from t");
            });
        })
        .when("op3 Finished", |core, _| core.terminate())
}

fn unsolicited() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("listen c; notify c, 'to myself'");
            });
            begin(core, ops, |batch| {
                batch.query(
                    "select 1; do $$ begin raise notice 'a notice'; raise warning '%', 'a warning'; end $$; \
                     set TimeZone to 'Europe/Berlin'; notify c; select 2",
                );
            });
            begin(core, ops, |batch| {
                statement(batch, "set application_name to 'somebody else'");
                batch.sync();
            });
            begin(core, ops, |batch| {
                statement(batch, "drop table if exists no_such_table");
                batch.sync();
            });
        })
        .when("op3 Finished", |core, _| core.terminate())
}

fn empty_query() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("");
            });
            begin(core, ops, |batch| {
                batch.query(" ; -- nothing");
            });
            begin(core, ops, |batch| {
                statement(batch, "");
                batch.sync();
            });
        })
        .when("op2 Finished", |core, _| core.terminate())
}

fn suspended() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.parse("", "select generate_series(1, 5)", &[]);
                let portal = Bind {
                    portal: "p",
                    ..Bind::default()
                };
                bind(batch, portal, &[]);
                batch
                    .describe(Target::Portal("p"))
                    .execute("p", Some(2), RowShape::Described)
                    .flush();
            });
        })
        .when("op0 Finished", |core, ops| {
            begin(core, ops, |batch| {
                batch
                    .describe(Target::Portal("p"))
                    .execute("p", Some(3), RowShape::Described)
                    .flush();
            });
        })
        .when("op1 Finished", |core, ops| {
            begin(core, ops, |batch| {
                batch
                    .describe(Target::Portal("p"))
                    .execute("p", Some(3), RowShape::Described)
                    .sync();
            });
        })
        .when("op2 Finished", |core, _| core.terminate())
}

fn pipeline() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("create temporary table t (a int4)");
            });
            for sql in [
                "insert into t values (1)",
                "select generate_series(1, 3)",
                "select 1 / 0",
                "insert into t values (2)",
            ] {
                begin(core, ops, |batch| statement(batch, sql));
            }
            begin(core, ops, |batch| {
                statement(batch, "insert into t values (3)");
                batch.sync();
            });
            begin(core, ops, |batch| {
                batch.query("select * from t");
            });
        })
        .when("op6 Finished", |core, _| core.terminate())
}

fn ten_columns() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query(
                    "select n % 10 as a, n % 7 as b, 'c' as c, null as d, true as e, n % 3 = 0 as f, \
                     '' as g, n % 2 as h, 'ij' as i, n as j from generate_series(1, 300) n",
                );
            });
        })
        .when("op0 Finished", |core, _| core.terminate())
}

fn rows_then_error() -> Script {
    const SQL: &str = "select 10 / (3 - n) from generate_series(1, 5) n";
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query(SQL);
            });
            begin(core, ops, |batch| {
                statement(batch, SQL);
                batch.sync();
            });
        })
        .when("op1 Finished", |core, _| core.terminate())
}

fn transaction() -> Script {
    trust()
        .when("Ready", |core, ops| {
            for sql in ["begin", "select nonsense", "select 1", "rollback", "commit"] {
                begin(core, ops, |batch| {
                    batch.query(sql);
                });
            }
            for sql in ["begin", "select nonsense", "select 1", "rollback"] {
                begin(core, ops, |batch| {
                    statement(batch, sql);
                    batch.sync();
                });
            }
        })
        .when("op8 Finished", |core, _| core.terminate())
}

fn copy_out() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query(
                    "select 1; copy (select n, 'x' from generate_series(1, 3) n) to stdout; select 2",
                );
            });
            begin(core, ops, |batch| {
                statement(batch, "copy (values (1), (null)) to stdout");
                batch.sync();
            });
            begin(core, ops, |batch| {
                batch.query("copy (select 10 / (3 - n) from generate_series(1, 5) n) to stdout");
            });
        })
        .when("op2 Finished", |core, _| core.terminate())
}

fn copy_in_refused() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("create temporary table t (a int4)");
            });
            begin(core, ops, |batch| {
                batch.query("select 1; copy t from stdin; select 2");
            });
        })
        .when("op1 Finished", |core, ops| {
            begin(core, ops, |batch| {
                statement(batch, "copy t from stdin");
                batch.sync();
            });
        })
        .when("op2 Finished", |core, ops| {
            begin(core, ops, |batch| {
                statement(batch, "copy t from stdin");
                batch.flush();
            });
        })
        .when("op3 Finished", |core, ops| {
            // The table is missing: the COPY fails before it asks for data.
            begin(core, ops, |batch| {
                statement(batch, "copy no_such_table from stdin");
                batch.sync();
            });
            begin(core, ops, |batch| {
                batch.query("select count(*) from t");
            });
        })
        .when("op5 Finished", |core, _| core.terminate())
}

fn copy_in_swallows_syncs() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("create temporary table t (a int4)");
            });
        })
        .when("op0 Finished", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("copy t from stdin");
            });
            begin(core, ops, |batch| {
                batch.sync();
            });
        })
        .when("op2 Finished", |core, ops| {
            begin(core, ops, |batch| {
                statement(batch, "copy t from stdin");
                batch.sync();
            });
            begin(core, ops, |batch| {
                batch.sync();
            });
        })
        .when("op4 Finished", |core, _| core.terminate())
}

fn query_in_a_skip_region() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.parse("", "select nonsense", &[]).flush();
            });
            begin(core, ops, |batch| {
                batch.query("select 1");
            });
        })
        .when("op1 Finished", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("select 2");
            });
        })
        .when("op2 Finished", |core, _| core.terminate())
}

fn abandoned() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("select generate_series(1, 10); select nonsense");
            });
            begin(core, ops, |batch| {
                batch.query("select 1");
            });
        })
        .when("op0 Columns", |core, ops| core.abandon(ops[0]))
        .when("op1 Finished", |core, ops| {
            begin(core, ops, |batch| {
                batch
                    .parse("", "select 2", &[])
                    .describe(Target::Statement(""))
                    .flush();
            });
        })
        .when("op2 Prepared", |core, ops| {
            core.abandon(ops[2]);
            begin(core, ops, |batch| {
                batch.query("copy (select generate_series(1, 4)) to stdout");
            });
            begin(core, ops, |batch| {
                statement(batch, "select 3");
                batch.sync();
            });
        })
        .when("op3 CopyOut", |core, ops| core.abandon(ops[3]))
        .when("op4 Finished", |core, _| core.terminate())
}

fn data(core: &mut Connection, op: OpId, data: &[u8]) {
    let taken = core.copy_data(op, data);
    assert_eq!(taken, Ok(data.len()));
}

fn done(core: &mut Connection, op: OpId) {
    let done = core.copy_finish(op, CopyEnd::Done);
    assert_eq!(done, Ok(()));
}

fn copy_in() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("create temporary table t (a int4, b text)");
            });
            begin(core, ops, |batch| {
                batch
                    .query("copy t from stdin; select count(*) from t; copy t (a) from stdin")
                    .copy_in();
            });
            begin(core, ops, |batch| {
                statement(batch, "copy t from stdin (format binary)");
                batch.copy_in();
            });
            begin(core, ops, |batch| {
                statement(batch, "copy t from stdin");
                batch.copy_in();
            });
            begin(core, ops, |batch| {
                batch.query("copy t from stdin").copy_in();
            });
            begin(core, ops, |batch| {
                batch.query("copy nowhere from stdin").copy_in();
            });
            begin(core, ops, |batch| {
                statement(batch, "select a, b from t order by a");
                batch.sync();
            });
        })
        .when("op1 CopyIn", |core, ops| {
            data(core, ops[1], b"1\tone\n2\t");
            data(core, ops[1], b"\\N\n");
            done(core, ops[1]);
        })
        .when("op1 CopyIn", |core, ops| {
            data(core, ops[1], b"3\n");
            done(core, ops[1]);
        })
        .when("op2 CopyIn", |core, ops| {
            data(core, ops[2], b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
            data(core, ops[2], b"\0\x02\0\0\0\x04\0\0\0\x04\0\0\0\x04four");
            data(core, ops[2], b"\xff\xff");
            done(core, ops[2]);
        })
        .when("op3 CopyIn", |core, ops| {
            data(core, ops[3], b"5\tfive\nsix\tsix\n");
            done(core, ops[3]);
        })
        .when("op4 CopyIn", |core, ops| {
            data(core, ops[4], b"7\tseven\n");
            let failed = core.copy_finish(ops[4], CopyEnd::Fail("there is no more"));
            assert_eq!(failed, Ok(()));
        })
        .when("op6 Finished", |core, _| core.terminate())
}

fn copy_in_abandoned() -> Script {
    trust()
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("create temporary table t (a int4)");
            });
            begin(core, ops, |batch| {
                statement(batch, "copy t from stdin");
                batch.copy_in();
            });
            begin(core, ops, |batch| {
                batch.query("copy t from stdin").copy_in();
            });
            begin(core, ops, |batch| {
                batch.query("insert into t values (1)");
            });
        })
        .when("op1 Bound", |core, ops| core.abandon(ops[1]))
        .when("op2 CopyIn", |core, ops| {
            data(core, ops[2], b"2\n");
            core.abandon(ops[2]);
        })
        .when("op3 Finished", |core, ops| {
            // Nobody says of these that they are COPYs; the second one, that it is none.
            begin(core, ops, |batch| {
                statement(batch, "copy t from stdin");
                batch.sync();
            });
        })
        .when("op4 Bound", |core, ops| {
            core.abandon(ops[4]);
            begin(core, ops, |batch| {
                statement(batch, "insert into t select 3 where 'copy' <> ''");
                batch.sync();
            });
        })
        .when("op5 Bound", |core, ops| {
            core.abandon(ops[5]);
            begin(core, ops, |batch| {
                batch.query("select a from t order by a");
            });
        })
        .when("op6 Finished", |core, _| core.terminate())
}

fn replication() -> Script {
    Script::new(startup(SUPERUSER).replication(Replication::Logical))
        .when("Ready", |core, ops| {
            begin(core, ops, |batch| {
                batch.query("CREATE_REPLICATION_SLOT recorded TEMPORARY LOGICAL test_decoding");
            });
            begin(core, ops, |batch| {
                batch.query("create table recorded (a int4); insert into recorded values (1), (2); drop table recorded");
            });
            begin(core, ops, |batch| {
                batch.query("START_REPLICATION SLOT recorded LOGICAL 0/0");
            });
            begin(core, ops, |batch| {
                batch.query("select 'behind'");
            });
        })
        .when("op2 CopyData \"w", |core, ops| {
            // A standby's status: nothing written, flushed or applied.
            let mut status = vec![b'r'];
            status.resize(34, 0);
            data(core, ops[2], &status);
            done(core, ops[2]);
        })
        .when("op3 Finished", |core, _| core.terminate())
}

fn fatal() -> Script {
    trust().when("Ready", |core, ops| {
        begin(core, ops, |batch| {
            batch.query("select 1; select pg_terminate_backend(pg_backend_pid()); select 2");
        });
        begin(core, ops, |batch| {
            batch.query("select 3");
        });
    })
}
