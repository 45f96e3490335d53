//! What a scripted server remembers: effects, once they are committed.

/// An error of a statement: SQLSTATE and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) sqlstate: String,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(sqlstate: &str, text: impl Into<String>) -> Self {
        Self {
            sqlstate: sqlstate.to_owned(),
            text: text.into(),
        }
    }
}

/// The transaction that is under way, a block or an implicit one, and the effects of those before it.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    block: Block,
    /// Each effect, and whether its commit fails.
    pending: Vec<(String, bool)>,
    savepoints: Vec<(String, usize)>,
    pub(super) committed: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    #[default]
    None,
    Open,
    Failed,
}

impl Transaction {
    /// As `ReadyForQuery` says it.
    pub(super) fn status(&self) -> u8 {
        match self.block {
            Block::None => b'I',
            Block::Open => b'T',
            Block::Failed => b'E',
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.block == Block::None && self.pending.is_empty()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.block == Block::Failed
    }

    /// False when there is a block already.
    pub(super) fn begin(&mut self) -> bool {
        let fresh = self.block == Block::None;
        if fresh {
            self.block = Block::Open;
        }
        fresh
    }

    pub(super) fn effect(&mut self, text: &str, commit_fails: bool) {
        self.pending.push((text.to_owned(), commit_fails));
    }

    /// Ends an implicit transaction; a block goes on.
    pub(super) fn end_implicit(&mut self) -> Result<(), Fault> {
        match self.block {
            Block::None => self.commit().map(|_| ()),
            Block::Open | Block::Failed => Ok(()),
        }
    }

    /// Ends whatever is under way; gives the command tag.
    pub(super) fn commit(&mut self) -> Result<&'static str, Fault> {
        if self.block == Block::Failed {
            self.rollback();
            return Ok("ROLLBACK");
        }
        if self.pending.iter().any(|(_, fails)| *fails) {
            self.rollback();
            return Err(Fault::new("23503", "a deferred constraint is violated"));
        }
        let effects = self.pending.drain(..).map(|(text, _)| text);
        self.committed.extend(effects);
        self.rollback();
        Ok("COMMIT")
    }

    pub(super) fn rollback(&mut self) {
        self.block = Block::None;
        self.pending.clear();
        self.savepoints.clear();
    }

    /// A statement has failed.
    pub(super) fn fail(&mut self) {
        match self.block {
            Block::None => self.rollback(),
            Block::Open | Block::Failed => self.block = Block::Failed,
        }
    }

    pub(super) fn savepoint(&mut self, name: &str) -> Result<(), Fault> {
        if self.block == Block::None {
            let text = "SAVEPOINT can only be used in transaction blocks";
            return Err(Fault::new("25P01", text));
        }
        self.savepoints.push((name.to_owned(), self.pending.len()));
        Ok(())
    }

    pub(super) fn release(&mut self, name: &str) -> Result<(), Fault> {
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    pub(super) fn rollback_to(&mut self, name: &str) -> Result<(), Fault> {
        let at = self.find(name)?;
        self.savepoints.truncate(at + 1);
        self.pending.truncate(self.savepoints[at].1);
        self.block = Block::Open;
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize, Fault> {
        let found = self.savepoints.iter().rposition(|(known, _)| known == name);
        found.ok_or_else(|| Fault::new("3B001", format!("savepoint \"{name}\" does not exist")))
    }
}
