//! What statements without rows do.

use super::session::{Awaited, Ran, Session};
use super::statement::Statement;
use super::transaction::Fault;
use crate::backend;

impl Session {
    /// A statement without rows.
    pub(super) fn run(
        &mut self,
        sql: &str,
        statement: &Statement,
        values: &[Option<Vec<u8>>],
    ) -> Result<Ran, Fault> {
        let tag = match statement {
            Statement::Empty => return Ok(Ran::Empty),
            Statement::Rows { .. } | Statement::Echo => "SELECT",
            Statement::Effect { tag, commit_fails } => {
                let shown: Vec<String> =
                    values.iter().map(|value| show(value.as_deref())).collect();
                let text = [&[sql.to_owned()], &shown[..]].concat().join(" ");
                self.transaction.effect(&text, *commit_fails);
                tag
            }
            Statement::Command(tag) => tag,
            Statement::Fail(sqlstate) => return Err(Fault::new(sqlstate, "as it was told to")),
            Statement::Begin => {
                if !self.transaction.begin() {
                    self.warn("25001", "there is already a transaction in progress");
                }
                "BEGIN"
            }
            Statement::Commit | Statement::Rollback if self.transaction.status() == b'I' => {
                self.warn("25P01", "there is no transaction in progress");
                if *statement == Statement::Rollback {
                    self.transaction.rollback();
                    "ROLLBACK"
                } else {
                    self.transaction.commit()?
                }
            }
            Statement::Commit => self.transaction.commit()?,
            Statement::Rollback => {
                self.transaction.rollback();
                "ROLLBACK"
            }
            Statement::Savepoint(name) => self.transaction.savepoint(name).map(|()| "SAVEPOINT")?,
            Statement::Release(name) => self.transaction.release(name).map(|()| "RELEASE")?,
            Statement::RollbackTo(name) => {
                self.transaction.rollback_to(name).map(|()| "ROLLBACK")?
            }
            Statement::CopyOut(chunks) => {
                self.out.push(backend::copy_out_response(1));
                for chunk in chunks {
                    self.out.push(backend::copy_data(chunk));
                }
                self.out.push(backend::copy_done());
                return Ok(Ran::Complete(format!("COPY {}", chunks.len())));
            }
            Statement::CopyIn => return Ok(Ran::Waits(Awaited::Copy(Vec::new()))),
            Statement::CopyInRefused => {
                self.out.push(backend::copy_in_response(1));
                return Err(Fault::new("42809", "cannot copy to view"));
            }
            Statement::CopyBoth(messages, ends) => {
                self.out.push(backend::copy_both_response(0));
                for message in messages {
                    self.out.push(backend::copy_data(message));
                }
                if *ends {
                    self.out.push(backend::copy_done());
                }
                return Ok(Ran::Waits(Awaited::Stream { ended: *ends }));
            }
            Statement::Hang => return Ok(Ran::Waits(Awaited::Hang)),
            Statement::Notice(text) => {
                self.out
                    .push(backend::notice_response("NOTICE", "00000", text));
                "DO"
            }
            Statement::Notify { channel, payload } => {
                let said = backend::notification(super::PROCESS_ID, channel, payload);
                self.asides.push(said);
                "NOTIFY"
            }
            Statement::Set { name, value } => {
                self.asides.push(backend::parameter_status(name, value));
                "SET"
            }
            Statement::Fatal => {
                let text = "terminating connection due to administrator command";
                self.fatal("57P01", text);
                return Ok(Ran::Ended);
            }
            Statement::Die => return Ok(Ran::Ended),
        };
        Ok(Ran::Complete(tag.to_owned()))
    }

    fn warn(&mut self, sqlstate: &str, text: &str) {
        self.out
            .push(backend::notice_response("WARNING", sqlstate, text));
    }
}

fn show(value: Option<&[u8]>) -> String {
    let bytes = value.unwrap_or(b"NULL");
    String::from_utf8_lossy(bytes).into_owned()
}
