//! Transaction blocks: what was begun, what is still to be said, and what a dropped guard left.

use purepg_proto::{OpId, Outcome, Reply, SqlState, TransactionStatus};

use crate::connection::Connection;
use crate::error::{Error, UsageError};
use crate::runtime::ByteStream;
use crate::written::Written;

/// The blocks that are open, outermost first: a transaction, and the savepoints in it.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    levels: Vec<Command>,
    /// What rolls back what a dropped guard left: it goes before anything else.
    due: Option<Due>,
    /// Several operations are to be one transaction, and not all of them are over.
    half_done: bool,
    /// What ends a block, and how many deep that one is: once this is on its way the block is over, whatever comes of it.
    ending: Option<(usize, OpId)>,
}

/// Something that has to be said, and whether it was.
#[derive(Debug)]
struct Command {
    sql: String,
    said: Said,
}

#[derive(Debug)]
struct Due {
    /// How many deep the block is that it ends.
    depth: usize,
    command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It will ride with the next operation.
    No,
    /// It is on its way, or waits in the output, from where it can be taken back.
    Riding(OpId),
    /// What it rode with has failed: the status tells whether it was this that did.
    Unsure,
    Yes,
}

impl Command {
    fn new(sql: String) -> Self {
        let said = Said::No;
        Self { sql, said }
    }

    /// Before everything is abandoned, what is not under way any more was answered. Behind that, it was taken back; and what is still
    /// under way cannot be stopped.
    fn resolve(&mut self, core: &purepg_proto::Connection, abandoned: bool) {
        let settled_outside =
            core.in_flight() == 0 && core.transaction_status() == TransactionStatus::Idle;
        self.said = match self.said {
            Said::Riding(op) => match (core.is_under_way(op), abandoned) {
                (true, false) => self.said,
                (true, true) | (false, false) => Said::Yes,
                (false, true) => Said::No,
            },
            Said::Unsure if settled_outside => Said::No,
            Said::Unsure => Said::Yes,
            said => said,
        };
    }
}

impl Transactions {
    /// True when all that has to be said was said and answered, or waits for the next operation.
    pub(super) fn is_settled(&self) -> bool {
        let mut levels = self.levels.iter();
        let are_known = levels.all(|level| matches!(level.said, Said::Yes | Said::No));
        are_known && self.due.is_none() && !self.half_done
    }

    #[inline]
    fn resolve(&mut self, core: &purepg_proto::Connection, abandoned: bool) {
        if self.levels.is_empty() && self.due.is_none() {
            return;
        }
        let due = self.due.as_mut().map(|due| &mut due.command);
        for command in self.levels.iter_mut().chain(due) {
            command.resolve(core, abandoned);
        }
    }
}

/// Without IO: what a guard's `Drop` may call.
impl<S> Connection<S> {
    /// Abandons what is under way, and takes note of what was taken back with it.
    pub(super) fn abandon_all(&mut self) {
        let inside = self.is_in_transaction();
        let closing = self.closes_in.filter(|op| self.core.is_under_way(*op));
        let transactions = &mut self.transactions;
        transactions.resolve(&self.core, false);
        // As long as what undoes it can be taken back, it has to be undone again.
        transactions.half_done &= self.core.in_flight() > 0;
        if transactions.half_done && !inside {
            self.core.abort_all();
        } else {
            self.core.abandon_all();
        }
        let riding = transactions.due.as_ref().map(|due| due.command.said);
        transactions.resolve(&self.core, true);
        if let Some(due) = transactions
            .due
            .take_if(|due| due.command.said == Said::Yes)
            && let Some(Said::Riding(op)) = riding
        {
            transactions.ending = Some((due.depth, op));
        }
        if closing.is_some_and(|op| !self.core.is_under_way(op)) {
            // Taken back: they will ride with something else.
            self.closes_in = None;
        }
    }

    /// Several operations are one transaction from here on, or are not any more.
    pub(crate) fn note_segment(&mut self, begun: bool) {
        self.transactions.half_done = begun;
    }

    /// Another block inside of those that are open. Nothing is written: it is begun by the next operation.
    pub(crate) fn push_level(&mut self, sql: String) -> usize {
        self.transactions.levels.push(Command::new(sql));
        self.transactions.levels.len()
    }

    /// How many blocks are open.
    pub(crate) fn depth(&self) -> usize {
        self.transactions.levels.len()
    }

    /// Ends a block and those in it, whose guard was dropped: what was begun is rolled back by whatever comes next.
    pub(crate) fn drop_level(&mut self, depth: usize) {
        if self.depth() < depth {
            return;
        }
        self.abandon_all();
        let begun = self.is_begun(depth) && self.check_transaction().is_ok();
        if begun && !self.is_ending(depth) && !self.core.is_dead() {
            let command = Command::new(rollback(depth));
            self.transactions.due = Some(Due { depth, command });
        }
        self.forget_levels(depth);
    }

    fn forget_levels(&mut self, depth: usize) {
        self.transactions.levels.truncate(depth.saturating_sub(1));
    }

    /// True when the server knows of it.
    fn is_begun(&self, depth: usize) -> bool {
        let level = depth
            .checked_sub(1)
            .and_then(|i| self.transactions.levels.get(i));
        level.is_some_and(|level| level.said != Said::No)
    }

    /// True in a block, be it begun or not, and in one that a text has begun.
    pub(super) fn is_in_transaction(&self) -> bool {
        let transactions = &self.transactions;
        let due = transactions.due.as_ref().is_some_and(|due| due.depth == 1);
        let inside = self.core.transaction_status() != TransactionStatus::Idle;
        !transactions.levels.is_empty() || (inside && !due && !self.is_ending(1))
    }

    /// True while what ends the block, or one around it, is on its way.
    fn is_ending(&self, depth: usize) -> bool {
        let ending = self.transactions.ending;
        ending.is_some_and(|(ends, op)| ends <= depth && self.core.is_under_way(op))
    }

    /// True while what ends a block is on its way.
    pub(super) fn is_ending_any(&self) -> bool {
        self.is_ending(usize::MAX)
    }

    /// True when nothing is left to be said.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.transactions.due.is_none()
    }

    /// The block that everything is about to happen in is still there.
    pub(crate) fn check_transaction(&self) -> Result<(), Error> {
        let begun = self.is_begun(1);
        let settled = self.core.in_flight() == 0;
        let over = self.core.transaction_status() == TransactionStatus::Idle;
        if begun && settled && over {
            return Err(UsageError::TransactionOver.into());
        }
        Ok(())
    }

    /// Says what is due, in front of everything else.
    pub(super) fn say_due(&mut self) -> Result<(), Error> {
        if let Some(Due { command, .. }) = self.transactions.due.as_mut()
            && command.said == Said::No
        {
            let mut batch = self.core.batch();
            batch.query(&command.sql);
            command.said = Said::Riding(batch.commit()?);
        }
        Ok(())
    }

    /// What was begun by this operation's preludes.
    pub(super) fn note_begun(&mut self, op: OpId) {
        for level in &mut self.transactions.levels {
            if level.said == Said::No {
                level.said = Said::Riding(op);
            }
        }
    }

    /// Takes note of the end of an operation.
    pub(super) fn note_finished(&mut self, op: OpId, outcome: &Outcome) {
        let riding = Said::Riding(op);
        let transactions = &mut self.transactions;
        if let Some(due) = transactions
            .due
            .as_mut()
            .filter(|due| due.command.said == riding)
        {
            match outcome {
                // A cancel that was meant for what came before.
                Outcome::Failed(error) if error.code() == Some(SqlState::QUERY_CANCELED) => {
                    due.command.said = Said::No;
                }
                _ => transactions.due = None,
            }
        }
        for level in &mut transactions.levels {
            if level.said == riding {
                level.said = match outcome {
                    Outcome::Complete => Said::Yes,
                    _ => Said::Unsure,
                };
            }
        }
    }
}

impl Transactions {
    /// What begins the blocks that the server does not know of yet: the preludes of the next operation.
    pub(super) fn not_begun(&self) -> impl Iterator<Item = &str> {
        let levels = self.levels.iter().filter(|level| level.said == Said::No);
        levels.map(|level| level.sql.as_str())
    }
}

impl<S: ByteStream> Connection<S> {
    /// Commits the transaction, or releases the savepoint, that is `depth` blocks deep; those in it end with it.
    pub(crate) async fn commit_level(&mut self, depth: usize) -> Result<(), Error> {
        self.make_way().await?;
        if !self.is_begun(depth) {
            self.forget_levels(depth);
            return Ok(());
        }
        self.check_transaction()?;
        self.forget_levels(depth + 1);
        let sql = if depth == 1 {
            "COMMIT".to_owned()
        } else {
            release(depth)
        };
        match self.end_level(depth, sql).await {
            Ok(rolled_back) => {
                self.forget_levels(depth);
                if rolled_back {
                    Err(Error::RolledBack)
                } else {
                    Ok(())
                }
            }
            Err((error, sent)) => {
                let late = matches!(error, Error::Timeout { .. });
                let dead = self.core.is_dead();
                // What was taken back, or failed before it could end the transaction, leaves it to be rolled back by its guard. A savepoint
                // that cannot be released is still there, too.
                let status = self.core.transaction_status();
                let ended = match depth {
                    1 => self.is_ending(1) || status == TransactionStatus::Idle,
                    _ => late,
                };
                if dead || (sent && ended) {
                    self.forget_levels(depth);
                }
                let unknown = depth == 1 && sent && (dead || (late && ended));
                Err(if unknown {
                    Error::CommitUnknown(Box::new(error))
                } else {
                    error
                })
            }
        }
    }

    /// Rolls back to the beginning of the transaction, or of the savepoint, that is `depth` blocks deep.
    pub(crate) async fn rollback_level(&mut self, depth: usize) -> Result<(), Error> {
        self.make_way().await?;
        if self.is_begun(depth) && self.check_transaction().is_ok() {
            self.forget_levels(depth + 1);
            if let Err((error, sent)) = self.end_level(depth, rollback(depth)).await {
                // Too late, but done: the savepoint has gone.
                let done = self.core.transaction_status() == TransactionStatus::InTransaction;
                if depth > 1 && sent && done && self.core.in_flight() == 0 {
                    self.forget_levels(depth);
                }
                return Err(error);
            }
        }
        self.forget_levels(depth);
        Ok(())
    }

    /// Ends a block; true when the server rolled it back. An error comes with whether anything was sent.
    async fn end_level(&mut self, depth: usize, sql: String) -> Result<bool, (Error, bool)> {
        self.say_due().map_err(|error| (error, false))?;
        let place = self.bytes_sent() + self.core.output().len();
        let op = self.operation(|batch| {
            batch.query(&sql);
        });
        let op = op.map_err(|error| (error, false))?;
        self.transactions.ending = Some((depth, op));
        let end = self.command_end(op, sql).await;
        end.map_err(|error| (error, self.bytes_sent() > place))
    }

    /// Waits for the end of a command; true when its tag is `ROLLBACK`.
    async fn command_end(&mut self, op: OpId, sql: String) -> Result<bool, Error> {
        let written = Written::as_sent(sql);
        let mut rolled_back = false;
        loop {
            match self.reply(op).await? {
                Reply::StatementComplete(tag) => rolled_back = tag.as_bytes() == b"ROLLBACK",
                Reply::Finished(outcome) => {
                    let result = self.check(outcome, Some(&written));
                    self.settle().await?;
                    return result.map(|()| rolled_back);
                }
                _ => {}
            }
        }
    }
}

const ROLLBACK: &str = "ROLLBACK";

pub(crate) fn savepoint(depth: usize) -> String {
    format!("SAVEPOINT purepg_{depth}")
}

fn release(depth: usize) -> String {
    format!("RELEASE SAVEPOINT purepg_{depth}")
}

fn rollback(depth: usize) -> String {
    match depth {
        1 => ROLLBACK.to_owned(),
        _ => format!("ROLLBACK TO SAVEPOINT purepg_{depth}; {}", release(depth)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing of a user's stands in them.
    #[test]
    fn security_30_savepoints_have_names_of_the_drivers_own() {
        for depth in [2, 3, usize::MAX] {
            for sql in [savepoint(depth), release(depth), rollback(depth)] {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | ';');
                assert!(sql.chars().all(is_plain), "{sql}");
                assert!(sql.split([' ', ';']).all(|word| word.len() <= 63), "{sql}");
            }
        }
    }
}
