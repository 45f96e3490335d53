//! What has to hold once a run has come to its end.

use purepg_proto::Outcome;

use super::{Begun, Fate, Operation, Sim, insert};

impl Sim {
    /// Whatever has happened: every operation ends once or was abandoned, and the two agree about where they stand. After a fault the
    /// stream ends, and so does the connection.
    ///
    /// # Panics
    /// When it is not so.
    pub fn finish(&mut self) {
        self.settle();
        if self.damaged {
            self.server.close();
            self.settle();
            assert!(self.client.is_over());
        } else if self.client.core().is_open() {
            self.check_open();
        }
        for (op, fate) in self.client.fates().iter().enumerate() {
            assert_ne!(*fate, Fate::UnderWay, "op{op}, {:?}", self.begun[op]);
        }
        if !self.client.is_over() {
            assert!(self.server.is_idle(), "{:?}", self.server.received());
            assert!(self.client.core().is_idle(), "{:?}", self.client.core());
        }
    }

    /// Nothing is on its way: whoever comes next finds a connection in order.
    fn check_open(&mut self) {
        let in_block = self.server.status() != b'I';
        if self.client.fates().last() == Some(&Fate::Abandoned) {
            assert!(in_block || self.server.is_idle(), "a segment is left open");
        }
        let next = self.begun.len();
        self.begin(&Operation::Query("select 1"));
        self.settle();
        let fate = &self.client.fates()[next];
        assert!(
            matches!(fate, Fate::Ended(Outcome::Complete | Outcome::Failed(_))),
            "the server has not looked at it: {fate:?}"
        );
        if self.server.status() != b'I' {
            self.begin(&Operation::Query("rollback"));
            self.settle();
        }
    }

    /// What happened is what was told. Not for runs with transaction blocks, or texts of several statements.
    ///
    /// # Panics
    /// When it is not so.
    pub fn check_effects(&self) {
        for (op, (begun, fate)) in self.begun.iter().zip(self.client.fates()).enumerate() {
            let text = insert(op);
            let effects = self.server.effects().iter();
            let count = effects.filter(|effect| **effect == text).count();
            let settles = begun.operation.settles();
            let times = begun.operation.executions();
            match fate {
                Fate::Ended(Outcome::Complete) if settles => assert_eq!(count, times, "{text}"),
                Fate::Ended(Outcome::Failed(_) | Outcome::Skipped) if settles => {
                    assert_eq!(count, 0, "{text}");
                }
                Fate::Abandoned if begun.unsent => assert_eq!(count, 0, "{text}"),
                _ => assert!(count <= times, "{text}"),
            }
            self.check_copied(op, begun, fate);
        }
    }

    /// The rows of a `COPY` that is complete are there, in order; those of one that failed are not.
    fn check_copied(&self, op: usize, begun: &Begun, fate: &Fate) {
        let mark = format!("{op}.");
        let rows = self.server.copied().iter();
        let rows: Vec<&Vec<u8>> = rows
            .filter(|row| row.starts_with(mark.as_bytes()))
            .collect();
        match fate {
            Fate::Ended(Outcome::Complete) => assert!(rows.into_iter().eq(&begun.data), "op{op}"),
            Fate::Ended(Outcome::Skipped) => assert!(rows.is_empty(), "op{op}"),
            _ => assert!(rows.len() <= begun.data.len(), "op{op}"),
        }
    }
}
