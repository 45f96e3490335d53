//! `purepg-proto`, driven as a driver would: lent space is filled, confirmed, and events are taken until there is none.

use std::hint::black_box;
use std::sync::Arc;

use purepg_proto::{
    Batch, Bind, Column, Columns, Connection, Event, Format, Limits, Nonce, Outcome, Reply, Row,
    RowRef, RowShape, Startup, Transport,
};
use purepg_types::{EncodeError, IsNull, ToSql, Type, encode};

use crate::stream::{Replies, greeting};
use crate::{PIECE, visit};

/// An open connection, and the columns of its prepared statement.
#[derive(Debug)]
pub struct Core {
    connection: Connection,
    columns: Arc<Columns>,
}

impl Core {
    /// Through the start-up.
    pub fn open() -> Self {
        Self::connect(&greeting())
    }

    /// The same, with what the server says to it at hand.
    pub fn connect(greeting: &[u8]) -> Self {
        let startup = Startup::new("postgres", Transport::UnixSocket);
        let nonce = Nonce::from_entropy([7; Nonce::ENTROPY_LEN]);
        let mut connection = Connection::new(startup, nonce, Limits::default());
        send(&mut connection);
        receive(&mut connection, greeting, |_| {});
        assert!(connection.is_idle());
        Self {
            connection,
            columns: Arc::new(Columns::from_iter([Column::new(
                "column_0",
                23,
                Format::Text,
            )])),
        }
    }

    /// Every field of a stream, lent.
    pub fn rows_lent(&mut self, stream: &[u8]) -> u64 {
        let mut sum = 0;
        self.query(stream, |event| sum += lent(event));
        sum
    }

    /// Every field of a stream, of rows that were made one's own and stay alive until the next batch has come.
    pub fn rows_kept(&mut self, stream: &[u8]) -> u64 {
        let mut sum = 0;
        let mut latest: Vec<Row> = Vec::new();
        self.query(stream, |event| {
            if let Event::Reply(_, Reply::Rows(batch)) = event {
                let mut kept = Vec::with_capacity(batch.len());
                kept.extend(batch.rows().map(|row| row.expect("rows are well-formed")));
                latest = kept;
                sum += visit_all(&latest);
            }
        });
        sum
    }

    /// Every field of a stream, of rows that were all kept to its end.
    pub fn rows_collected(&mut self, stream: &[u8]) -> u64 {
        let mut rows: Vec<Row> = Vec::new();
        self.query(stream, |event| {
            if let Event::Reply(_, Reply::Rows(batch)) = event {
                rows.extend(batch.rows().map(|row| row.expect("rows are well-formed")));
            }
        });
        visit_all(&rows)
    }

    fn query(&mut self, stream: &[u8], mut on_event: impl FnMut(Event)) {
        let mut batch = self.connection.batch();
        batch.query("select");
        batch.commit().expect("an idle connection takes batches");
        send(&mut self.connection);
        for piece in stream.chunks(PIECE) {
            receive(&mut self.connection, piece, &mut on_event);
        }
        assert!(self.connection.is_idle(), "the stream was a whole answer");
    }

    /// The query `select 1`.
    pub fn simple_query(&mut self, reply: &[u8]) -> u64 {
        let mut batch = self.connection.batch();
        batch.query("select 1");
        batch.commit().expect("an idle connection takes batches");
        self.answered(reply)
    }

    /// One execution of a prepared statement with one parameter, whose columns are known.
    pub fn prepared(&mut self, reply: &[u8]) -> u64 {
        self.bind_execute(true);
        self.answered(reply)
    }

    /// Many of them, each an operation of its own, and one sync.
    pub fn pipeline(&mut self, reply: &[u8]) -> u64 {
        for i in 1..=Replies::PIPELINE {
            self.bind_execute(i == Replies::PIPELINE);
        }
        self.answered(reply)
    }

    fn bind_execute(&mut self, sync: bool) {
        let columns = Arc::clone(&self.columns);
        let mut batch = self.connection.batch();
        let bind = Bind {
            statement: "s1",
            parameter_formats: &[Format::Binary],
            ..Bind::default()
        };
        let bound = batch.bind(bind, |values| {
            values.bytes(Some(&1_i32.to_be_bytes()));
            Ok::<_, std::convert::Infallible>(())
        });
        bound
            .expect("an infallible value")
            .execute("", None, RowShape::Known(columns));
        if sync {
            batch.sync();
        }
        batch.commit().expect("an idle connection takes batches");
    }

    /// Writes the `Bind` of a statement with ten parameters, and takes it back.
    pub fn bind(&mut self, values: &[&dyn ToSql; 10], types: &[Type; 10]) -> u64 {
        bind(&mut self.connection.batch(), values, types);
        1
    }

    /// The same of parameters whose bytes are at hand.
    pub fn bind_bytes(&mut self, values: &[&[u8]; 10]) -> u64 {
        let bind = Bind {
            statement: "s1",
            parameter_formats: &[Format::Binary; 10],
            result_formats: &[Format::Binary],
            ..Bind::default()
        };
        let mut batch = self.connection.batch();
        let bound = batch.bind(bind, |out| {
            for value in values {
                out.bytes(Some(value));
            }
            Ok::<_, std::convert::Infallible>(())
        });
        assert!(bound.is_ok());
        1
    }

    /// What that has written.
    pub fn bound(&mut self, values: &[&dyn ToSql; 10], types: &[Type; 10]) -> Vec<u8> {
        let columns = Arc::clone(&self.columns);
        let mut batch = self.connection.batch();
        bind(&mut batch, values, types);
        batch.execute("", None, RowShape::Known(columns)).sync();
        batch.commit().expect("an idle connection takes batches");
        let output = self.connection.output();
        let length = output[1..5].try_into().map(u32::from_be_bytes);
        let length = usize::try_from(length.expect("four bytes")).expect("it is short");
        output[..=length].to_vec()
    }

    fn answered(&mut self, reply: &[u8]) -> u64 {
        send(&mut self.connection);
        let mut sum = 0;
        for piece in reply.chunks(PIECE) {
            receive(&mut self.connection, piece, |event| sum += lent(event));
        }
        sum
    }
}

/// As the driver does it.
fn bind(batch: &mut Batch<'_>, values: &[&dyn ToSql; 10], types: &[Type; 10]) {
    let mut formats = [Format::Text; 10];
    for (format, (value, ty)) in formats.iter_mut().zip(values.iter().zip(types)) {
        if value.supports_binary(ty) {
            *format = Format::Binary;
        }
    }
    let bind = Bind {
        statement: "s1",
        parameter_formats: &formats,
        result_formats: &[Format::Binary],
        ..Bind::default()
    };
    let bound = batch.bind(bind, |out| {
        for (i, (value, ty)) in values.iter().zip(types).enumerate() {
            let format = match formats[i] {
                Format::Text => purepg_types::Format::Text,
                Format::Binary => purepg_types::Format::Binary,
            };
            out.value(|out| {
                encode(i, *value, ty, format, out).map(|is_null| is_null == IsNull::No)
            })?;
        }
        Ok::<_, EncodeError>(())
    });
    assert!(bound.is_ok(), "the values are of these types");
}

fn lent(event: Event) -> u64 {
    match event {
        Event::Reply(_, Reply::Rows(batch)) => (&batch).into_iter().map(visit_row).sum(),
        Event::Reply(_, Reply::Finished(outcome)) => {
            assert_eq!(outcome, Outcome::Complete);
            0
        }
        _ => 0,
    }
}

fn visit_all(rows: &[Row]) -> u64 {
    rows.iter().map(Row::as_ref).map(visit_row).sum()
}

#[inline]
fn visit_row(row: RowRef<'_>) -> u64 {
    let mut sum = 0;
    for field in row.fields() {
        sum += visit(field.expect("rows are well-formed"));
    }
    sum
}

fn send(connection: &mut Connection) {
    while connection.wants_write() {
        let sent = black_box(connection.output()).len();
        connection.output_sent(sent);
    }
}

fn receive(connection: &mut Connection, piece: &[u8], mut on_event: impl FnMut(Event)) {
    let mut rest = piece;
    while !rest.is_empty() {
        let space = connection.recv_space();
        let n = space.len().min(rest.len());
        let (now, later) = rest.split_at(n);
        space[..n].copy_from_slice(now);
        connection.recv_filled(n);
        rest = later;
        while let Some(event) = connection.next_event().expect("the stream is well-formed") {
            on_event(event);
        }
    }
}
