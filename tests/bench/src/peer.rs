//! `postgres-protocol`, the layer under tokio-postgres.

use std::hint::black_box;
use std::ops::Range;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, Message};
use postgres_protocol::message::frontend;

use crate::stream::Replies;
use crate::{PIECE, visit};

/// Its two buffers.
#[derive(Debug, Default)]
pub struct Peer {
    buffer: BytesMut,
    output: BytesMut,
}

/// A row as tokio-postgres keeps it: where its values are, found once.
struct Row {
    body: DataRowBody,
    ranges: Vec<Option<Range<usize>>>,
}

impl Row {
    fn new(body: DataRowBody) -> Self {
        let ranges = body.ranges().collect().expect("rows are well-formed");
        Self { body, ranges }
    }

    fn visit(&self) -> u64 {
        let values = self.ranges.iter().cloned();
        let values = values.map(|range| range.map(|range| &self.body.buffer()[range]));
        values.map(visit).sum()
    }
}

impl Peer {
    /// Every field of a stream, each row dropped when it was seen.
    pub fn rows(&mut self, stream: &[u8]) -> u64 {
        let mut sum = 0;
        self.messages(stream, |message| sum += lent(message));
        sum
    }

    /// The same with a vector of ranges for each row.
    pub fn rows_with_ranges(&mut self, stream: &[u8]) -> u64 {
        let mut sum = 0;
        self.messages(stream, |message| {
            if let Message::DataRow(body) = message {
                sum += Row::new(body).visit();
            }
        });
        sum
    }

    /// Every field of a stream, of rows that were all kept to its end.
    pub fn rows_collected(&mut self, stream: &[u8]) -> u64 {
        let mut rows = Vec::new();
        self.messages(stream, |message| {
            if let Message::DataRow(body) = message {
                rows.push(Row::new(body));
            }
        });
        rows.iter().map(Row::visit).sum()
    }

    /// The query `select 1`.
    pub fn simple_query(&mut self, reply: &[u8]) -> u64 {
        self.output.clear();
        frontend::query("select 1", &mut self.output).expect("a query without NUL");
        self.answered(reply)
    }

    /// One execution of a prepared statement with one parameter.
    pub fn prepared(&mut self, reply: &[u8]) -> u64 {
        self.output.clear();
        self.bind_execute();
        frontend::sync(&mut self.output);
        self.answered(reply)
    }

    /// Many of them, and one sync.
    pub fn pipeline(&mut self, reply: &[u8]) -> u64 {
        self.output.clear();
        for _ in 0..Replies::PIPELINE {
            self.bind_execute();
        }
        frontend::sync(&mut self.output);
        self.answered(reply)
    }

    fn bind_execute(&mut self) {
        let write = |value: i32, out: &mut BytesMut| {
            out.extend_from_slice(&value.to_be_bytes());
            Ok(IsNull::No)
        };
        let bound = frontend::bind("", "s1", [1], [1], write, [0], &mut self.output);
        assert!(bound.is_ok(), "one value for one parameter");
        frontend::execute("", 0, &mut self.output).expect("a name without NUL");
    }

    fn answered(&mut self, reply: &[u8]) -> u64 {
        black_box(&self.output);
        self.rows(reply)
    }

    fn messages(&mut self, stream: &[u8], mut on_message: impl FnMut(Message)) {
        for piece in stream.chunks(PIECE) {
            self.buffer.extend_from_slice(piece);
            while let Some(message) =
                Message::parse(&mut self.buffer).expect("the stream is well-formed")
            {
                on_message(message);
            }
        }
    }
}

fn lent(message: Message) -> u64 {
    let mut sum = 0;
    if let Message::DataRow(body) = message {
        let mut ranges = body.ranges();
        while let Some(range) = ranges.next().expect("rows are well-formed") {
            sum += visit(range.map(|range| &body.buffer()[range]));
        }
    }
    sum
}
