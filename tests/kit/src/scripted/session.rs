//! A session that is open: queries and their answers.

use std::collections::{HashMap, VecDeque};

use super::statement::{Statement, describe_columns, encode_row, fails_behind_rows, rows};
use super::transaction::{Fault, Transaction};
use crate::backend;
use crate::frontend::{Frontend, Object};

#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) canned: HashMap<String, Statement>,
    pub(super) statements: HashMap<String, Prepared>,
    pub(super) portals: HashMap<String, Portal>,
    pub(super) transaction: Transaction,
    pub(super) out: Output,
    pub(super) copied: Vec<Vec<u8>>,
    /// An error in the extended protocol: everything up to the next Sync is ignored.
    skipping: bool,
    /// An extended message came, and no Sync and no Query since.
    segment_open: bool,
    waiting: Option<Waiting>,
    /// Sent before the next `ReadyForQuery`, as parameter changes and notifications are.
    pub(super) asides: Vec<Vec<u8>>,
    pub(super) ended: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) sql: String,
    pub(super) statement: Statement,
    pub(super) types: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Portal {
    pub(super) prepared: Prepared,
    pub(super) values: Vec<Option<Vec<u8>>>,
    pub(super) formats: Vec<i16>,
    /// Rows that were sent, or 1 once a statement without rows has run.
    pub(super) position: usize,
}

/// What a server sends, and what it keeps until it has to send it.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) sent: Vec<u8>,
    held: Vec<u8>,
}

/// What a server keeps at the most (`PQ_SEND_BUFFER_SIZE`).
const HELD: usize = 8192;

/// A statement that goes on when something comes.
#[derive(Debug)]
struct Waiting {
    what: Awaited,
    /// The statements behind it, if it came with a simple query.
    rest: Option<VecDeque<String>>,
}

#[derive(Debug)]
pub(super) enum Awaited {
    Hang,
    Copy(Vec<Vec<u8>>),
    /// A replication stream, whose server side may have ended.
    Stream {
        ended: bool,
    },
}

/// How a statement ended.
pub(super) enum Ran {
    Complete(String),
    Empty,
    Waits(Awaited),
    Ended,
}

impl Output {
    pub(super) fn push(&mut self, message: Vec<u8>) {
        self.held.extend(message);
        if self.held.len() >= HELD {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        self.sent.append(&mut self.held);
    }
}

impl Session {
    pub(super) fn is_idle(&self) -> bool {
        self.transaction.is_idle()
            && !self.skipping
            && !self.segment_open
            && self.waiting.is_none()
            && !self.ended
    }

    pub(super) fn hangs(&self) -> bool {
        let waiting = self.waiting.as_ref();
        waiting.is_some_and(|waiting| matches!(waiting.what, Awaited::Hang))
    }

    pub(super) fn handle(&mut self, message: Frontend) {
        if self.waiting.is_some() {
            self.take_copy(message);
        } else if matches!(message, Frontend::Terminate) {
            self.ended = true;
        } else if let Frontend::Sync = message {
            self.sync();
        } else if !self.skipping {
            self.answer(message);
        }
    }

    fn answer(&mut self, message: Frontend) {
        let done = match message {
            Frontend::Query(sql) => return self.query(&sql),
            // The manual: they are ignored, since they may have been sent before an error was seen.
            Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail(_) => return,
            Frontend::Flush => return self.out.flush(),
            Frontend::Parse {
                statement,
                sql,
                types,
            } => self.parse(statement, sql, types),
            Frontend::Bind {
                portal,
                statement,
                values,
                result_formats,
                ..
            } => self.bind(portal, &statement, values, result_formats),
            Frontend::Describe(object) => self.describe(&object),
            Frontend::Execute { portal, max_rows } => self.execute(&portal, max_rows),
            Frontend::Close(object) => {
                match object {
                    Object::Statement(name) => drop(self.statements.remove(&name)),
                    Object::Portal(name) => drop(self.portals.remove(&name)),
                }
                self.out.push(backend::close_complete());
                Ok(())
            }
            _ => return self.fatal("08P01", "invalid frontend message type"),
        };
        self.segment_open = true;
        if let Err(fault) = done {
            self.fail_extended(&fault);
        }
    }

    fn sync(&mut self) {
        self.skipping = false;
        self.segment_open = false;
        if let Err(fault) = self.transaction.end_implicit() {
            self.error(&fault);
        }
        if self.transaction.is_idle() {
            self.portals.clear();
        }
        self.ready();
    }

    fn query(&mut self, sql: &str) {
        self.statements.remove("");
        self.portals.remove("");
        self.segment_open = false;
        let mut statements: VecDeque<String> = sql
            .split(';')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect();
        if statements.is_empty() {
            statements.push_back(String::new());
        }
        self.go_on(statements);
    }

    /// Runs what is left of a simple query.
    fn go_on(&mut self, mut statements: VecDeque<String>) {
        while let Some(sql) = statements.pop_front() {
            let ran = self
                .find(&sql)
                .and_then(|statement| self.run_simple(&sql, &statement));
            let waits = matches!(ran, Ok(Ran::Waits(_)));
            let rest = std::mem::take(&mut statements);
            match ran.and_then(|ran| self.conclude(ran, Some(rest.clone()))) {
                Ok(()) if waits || self.ended => return,
                Ok(()) => statements = rest,
                Err(fault) => self.error(&fault),
            }
        }
        if self.transaction.is_idle() {
            self.portals.clear();
        }
        self.ready();
    }

    fn run_simple(&mut self, sql: &str, statement: &Statement) -> Result<Ran, Fault> {
        self.refuse_in_failed(statement)?;
        let Some(columns) = statement.columns() else {
            return self.run(sql, statement, &[]);
        };
        self.out.push(describe_columns(&columns, &[]));
        let rows = rows(statement, &[]);
        for row in &rows {
            self.out.push(encode_row(statement, row, &[]));
        }
        fails_behind_rows(statement)?;
        Ok(Ran::Complete(format!("SELECT {}", rows.len())))
    }

    /// What ends a statement. `rest` are those behind it in a simple query; an extended one has `None`.
    pub(super) fn conclude(
        &mut self,
        ran: Ran,
        rest: Option<VecDeque<String>>,
    ) -> Result<(), Fault> {
        // The commit of a simple query comes before its last CommandComplete, that of an extended one at Sync.
        if rest.as_ref().is_some_and(VecDeque::is_empty)
            && matches!(ran, Ran::Complete(_) | Ran::Empty)
        {
            self.transaction.end_implicit()?;
        }
        match ran {
            Ran::Complete(tag) => self.out.push(backend::command_complete(&tag)),
            Ran::Empty => self.out.push(backend::empty_query()),
            Ran::Waits(what) => {
                if let Awaited::Copy(_) = what {
                    self.out.push(backend::copy_in_response(1));
                }
                self.out.flush();
                self.waiting = Some(Waiting { what, rest });
            }
            Ran::Ended => self.ended = true,
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, cancelled: bool) {
        match self.waiting.take() {
            Some(Waiting {
                what: Awaited::Hang,
                rest,
            }) => {
                let cancel = Fault::new("57014", "canceling statement due to user request");
                let ran = Ran::Complete("SELECT 0".to_owned());
                self.end_waiting(if cancelled { Err(cancel) } else { Ok(ran) }, rest);
            }
            other => self.waiting = other,
        }
    }

    /// While a COPY waits for data.
    fn take_copy(&mut self, message: Frontend) {
        let (mut rows, rest) = match self.waiting.take() {
            Some(Waiting {
                what: Awaited::Copy(rows),
                rest,
            }) => (rows, rest),
            Some(Waiting {
                what: Awaited::Stream { ended },
                rest,
            }) => return self.take_stream(message, ended, rest),
            _ => return,
        };
        match message {
            Frontend::CopyData(row) => rows.push(row),
            Frontend::Flush | Frontend::Sync => {}
            Frontend::CopyDone => {
                let tag = format!("COPY {}", rows.len());
                self.copied.append(&mut rows);
                return self.end_waiting(Ok(Ran::Complete(tag)), rest);
            }
            Frontend::CopyFail(reason) => {
                let text = format!("COPY from stdin failed: {reason}");
                return self.end_waiting(Err(Fault::new("57014", text)), rest);
            }
            _ => {
                let text = "unexpected message type during COPY from stdin";
                self.error(&Fault::new("08P01", text));
                return self.fatal(
                    "08P01",
                    "terminating connection because protocol synchronization was lost",
                );
            }
        }
        let what = Awaited::Copy(rows);
        self.waiting = Some(Waiting { what, rest });
    }

    fn take_stream(&mut self, message: Frontend, ended: bool, rest: Option<VecDeque<String>>) {
        match message {
            Frontend::CopyData(data) => {
                self.copied.push(data);
                let what = Awaited::Stream { ended };
                self.waiting = Some(Waiting { what, rest });
            }
            Frontend::CopyDone => {
                if !ended {
                    self.out.push(backend::copy_done());
                }
                self.out.push(backend::command_complete("COPY 0"));
                self.end_waiting(Ok(Ran::Complete("START_REPLICATION".to_owned())), rest);
            }
            Frontend::Terminate => self.ended = true,
            _ => self.fatal("08P01", "invalid standby message type"),
        }
    }

    fn end_waiting(&mut self, ran: Result<Ran, Fault>, rest: Option<VecDeque<String>>) {
        let done = ran.and_then(|ran| self.conclude(ran, rest.clone()));
        match (done, rest) {
            (Ok(()), None) => {}
            (Ok(()), Some(rest)) => self.go_on(rest),
            (Err(fault), None) => self.fail_extended(&fault),
            (Err(fault), Some(_)) => {
                self.error(&fault);
                self.ready();
            }
        }
    }

    pub(super) fn find(&self, sql: &str) -> Result<Statement, Fault> {
        let canned = self.canned.get(sql).cloned();
        let found = canned.or_else(|| Statement::parse(sql));
        found.ok_or_else(|| Fault::new("42601", format!("syntax error at or near \"{sql}\"")))
    }

    pub(super) fn refuse_in_failed(&self, statement: &Statement) -> Result<(), Fault> {
        if self.transaction.has_failed() && !statement.leaves_failure() {
            let text =
                "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Fault::new("25P02", text));
        }
        Ok(())
    }

    fn fail_extended(&mut self, fault: &Fault) {
        self.error(fault);
        self.skipping = true;
    }

    fn error(&mut self, fault: &Fault) {
        self.transaction.fail();
        self.out.push(backend::error_response(
            "ERROR",
            &fault.sqlstate,
            &fault.text,
        ));
        self.out.flush();
    }

    pub(super) fn fatal(&mut self, sqlstate: &str, text: &str) {
        self.out
            .push(backend::error_response("FATAL", sqlstate, text));
        self.out.flush();
        self.ended = true;
    }

    fn ready(&mut self) {
        for aside in std::mem::take(&mut self.asides) {
            self.out.push(aside);
        }
        self.out.push(backend::ready(self.transaction.status()));
        self.out.flush();
    }
}
