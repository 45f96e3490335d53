//! `postgres-protocol`, the layer under tokio-postgres.

use std::error::Error;
use std::hint::black_box;
use std::ops::Range;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, DataRowRanges, Message};
use postgres_protocol::message::frontend;
use postgres_types::{Format, FromSql, ToSql, Type, WrongType, to_sql_checked};

use crate::stream::{Replies, TEN_TYPES};
use crate::values::{OthersTuple, weigh};
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

    /// Every row of ten values as a tuple, through `postgres-types`, in one pass over the row.
    pub fn values(&mut self, stream: &[u8]) -> u64 {
        let types = ten_types();
        let mut sum = 0_u64;
        self.messages(stream, |message| {
            if let Message::DataRow(body) = message {
                let tuple = tuple(&body, &types).expect("the values are of these types");
                sum = sum.wrapping_add(weigh(&tuple));
            }
        });
        sum
    }

    /// The same, shown.
    pub fn shown(&mut self, stream: &[u8]) -> Vec<String> {
        let types = ten_types();
        let mut all = Vec::new();
        self.messages(stream, |message| {
            if let Message::DataRow(body) = message {
                let tuple = tuple(&body, &types).expect("the values are of these types");
                all.push(format!("{tuple:?}"));
            }
        });
        all
    }

    /// Writes the `Bind` of a statement with ten parameters.
    pub fn bind(&mut self, values: &[&(dyn ToSql + Sync); 10], types: &[Type; 10]) -> u64 {
        self.output.clear();
        let mut formats = [0; 10];
        for (format, (value, ty)) in formats.iter_mut().zip(values.iter().zip(types)) {
            *format = i16::from(matches!(value.encode_format(ty), Format::Binary));
        }
        let values = values.iter().zip(types);
        let write = |(value, ty): (&&(dyn ToSql + Sync), &Type), out: &mut BytesMut| {
            value.to_sql_checked(ty, out).map(|is_null| match is_null {
                postgres_types::IsNull::Yes => IsNull::Yes,
                postgres_types::IsNull::No => IsNull::No,
            })
        };
        let bound = frontend::bind("", "s1", formats, values, write, [1], &mut self.output);
        assert!(bound.is_ok(), "the values are of these types");
        black_box(&self.output);
        1
    }

    /// What was written last.
    pub fn written(&self) -> &[u8] {
        &self.output
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

/// The types of the ten columns.
pub fn ten_types() -> [Type; 10] {
    TEN_TYPES.map(|oid| Type::from_oid(oid).expect("they are built in"))
}

/// What tokio-postgres does for each value, but from left to right, without a vector of ranges.
struct Values<'r> {
    buffer: &'r [u8],
    ranges: DataRowRanges<'r>,
    types: std::slice::Iter<'r, Type>,
}

impl<'r> Values<'r> {
    #[inline]
    fn next<T: FromSql<'r>>(&mut self) -> Result<T, Box<dyn Error + Sync + Send>> {
        let ty = self.types.next().ok_or("no further column")?;
        let range = self.ranges.next()?.ok_or("no further value")?;
        if !T::accepts(ty) {
            return Err(Box::new(WrongType::new::<T>(ty.clone())));
        }
        T::from_sql_nullable(ty, range.map(|range| &self.buffer[range]))
    }
}

/// The values of a tuple as parameters; `data` is its text, once more.
pub fn params<'v>(
    values: &'v OthersTuple<'v>,
    json: &'v JsonText<'v>,
) -> [&'v (dyn ToSql + Sync); 10] {
    let (id, visits, name, remark, active, score, created, token, _, picture) = values;
    [
        id, visits, name, remark, active, score, created, token, json, picture,
    ]
}

/// The text of a `jsonb`, for which `postgres-types` has no type that borrows it.
#[derive(Debug)]
pub struct JsonText<'r>(pub &'r str);

/// The version of its binary form, and the text, as `purepg-types` writes a string.
impl ToSql for JsonText<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<postgres_types::IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&[1]);
        out.extend_from_slice(self.0.as_bytes());
        Ok(postgres_types::IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for JsonText<'r> {
    #[inline]
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let text = raw.strip_prefix(&[1]).ok_or("another version")?;
        Ok(Self(std::str::from_utf8(text)?))
    }

    #[inline]
    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }
}

fn tuple<'r>(
    body: &'r DataRowBody,
    types: &'r [Type],
) -> Result<OthersTuple<'r>, Box<dyn Error + Sync + Send>> {
    let mut values = Values {
        buffer: body.buffer(),
        ranges: body.ranges(),
        types: types.iter(),
    };
    Ok((
        values.next()?,
        values.next()?,
        values.next()?,
        values.next()?,
        values.next()?,
        values.next()?,
        values.next()?,
        values.next()?,
        values.next::<JsonText<'_>>()?.0,
        values.next()?,
    ))
}
