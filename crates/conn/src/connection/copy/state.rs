//! How far a COPY has come.

use purepg_proto::{CommandTag, CopyResponse, OpId};
use purepg_types::Format;

use crate::error::UsageError;
use crate::written::Written;

/// A COPY under way, and how far it has come. It holds nothing that would be lost with it.
#[derive(Debug)]
pub(crate) struct CopyState {
    pub(super) op: OpId,
    pub(super) sql: Written,
    direction: Direction,
    pub(super) stage: Stage,
    format: Format,
    columns: usize,
    row_count: u64,
    /// What is wrong, though the server did not say so.
    pub(super) fault: Option<UsageError>,
    /// The server was told that there is no data for a COPY.
    pub(super) refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    In,
    Out,
}

/// How far a COPY has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The server has not begun it.
    Asked,
    /// Its data is on the way.
    Data,
    /// The server takes no more data, and has yet to say why.
    Failing,
    /// All of its data went, or came.
    Sent,
    /// Its rows are counted.
    Counted,
    /// It is over.
    Complete,
    /// It is over, and an error told why.
    Failed,
}

impl CopyState {
    pub(super) fn new(op: OpId, sql: Written, direction: Direction) -> Self {
        Self {
            op,
            sql,
            direction,
            stage: Stage::Asked,
            format: Format::Text,
            columns: 0,
            row_count: 0,
            fault: None,
            refused: false,
        }
    }

    /// Text, which is what `csv` is as well, or binary.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How many columns the rows have.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The rows that the server counted.
    pub(crate) fn row_count(&self) -> u64 {
        self.row_count
    }

    /// True once no answer is awaited any more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Complete | Stage::Failed)
    }

    /// True when an error told why it is over, or nobody wants to hear more of it.
    pub(crate) fn has_failed(&self) -> bool {
        self.stage == Stage::Failed
    }

    /// True while the server awaits data, as far as is known.
    pub(crate) fn takes_data(&self) -> bool {
        self.stage == Stage::Data
    }

    /// True once the server is known to take no more, and has yet to say why.
    pub(crate) fn is_failing(&self) -> bool {
        self.stage == Stage::Failing
    }

    /// Nobody wants to hear more of it.
    pub(crate) fn give_up(&mut self) {
        self.stage = Stage::Failed;
    }

    pub(super) fn awaits(&self, direction: Direction) -> bool {
        self.stage == Stage::Asked && self.direction == direction
    }

    pub(super) fn begin(&mut self, response: &CopyResponse) {
        self.stage = Stage::Data;
        self.columns = response.columns().len();
        self.format = match response.format() {
            purepg_proto::Format::Text => Format::Text,
            purepg_proto::Format::Binary => Format::Binary,
        };
    }

    /// The text is not what it was said to be.
    pub(super) fn blame(&mut self) {
        self.fault
            .get_or_insert(match (self.stage, self.direction) {
                (Stage::Asked, Direction::In) => UsageError::NotCopyIn,
                (Stage::Asked, Direction::Out) => UsageError::NotCopyOut,
                _ => UsageError::SecondCopy,
            });
    }

    /// Takes note of the end of a statement: the one behind the data is the COPY.
    pub(super) fn count(&mut self, tag: &CommandTag) {
        if self.stage == Stage::Sent {
            self.row_count = tag.rows().unwrap_or(0);
            self.stage = Stage::Counted;
        }
    }
}
