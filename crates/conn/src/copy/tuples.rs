//! The binary format of COPY: a header, then tuples, then a trailer. The chapter on COPY in PostgreSQL's manual has the rules.

use std::mem;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use purepg_types::{DecodeError, Format, IsNull, Params, Type};

use crate::error::{Error, UsageError};

const SIGNATURE: [u8; 11] = *b"PGCOPY\n\xff\r\n\0";
/// The signature, the flags, and the length of the extension.
const HEADER: usize = 11 + 4 + 4;
/// Flags that a reader must know. None is in use any more: one, for object ids, was.
const CRITICAL_FLAGS: u32 = 0xffff_0000;
const NULL: i32 = -1;
/// Instead of a count of fields.
const TRAILER: i16 = -1;
/// Longer than any tuple that a server can make of one row: it makes its messages in 1 GiB at the most.
const MAX_TUPLE: usize = 1 << 30;

pub(super) fn write_header(out: &mut BytesMut) {
    out.put_slice(&SIGNATURE);
    out.put_u32(0);
    out.put_u32(0);
}

pub(super) fn write_trailer(out: &mut BytesMut) {
    out.put_i16(TRAILER);
}

/// Appends a row. On an error nothing was appended.
pub(super) fn write_tuple(
    types: &[Type],
    values: &dyn Params,
    out: &mut BytesMut,
) -> Result<(), Error> {
    let start = out.len();
    let written = try_write_tuple(types, values, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn try_write_tuple(types: &[Type], values: &dyn Params, out: &mut BytesMut) -> Result<(), Error> {
    let (expected, given) = (types.len(), values.len());
    let wrong_count = || UsageError::CopyColumns { expected, given };
    if expected != given {
        return Err(wrong_count().into());
    }
    out.put_i16(i16::try_from(expected).map_err(|_| wrong_count())?);
    for (i, ty) in types.iter().enumerate() {
        let value = values.get(i).ok_or_else(wrong_count)?;
        let length_at = out.len();
        out.put_i32(NULL);
        let is_null = purepg_types::encode(i, value, ty, Format::Binary, out)?;
        if is_null == IsNull::No {
            let (_, written) = out.split_at_mut(length_at);
            if let Some((place, value)) = written.split_first_chunk_mut() {
                // `encode` has checked it.
                *place = i32::try_from(value.len()).unwrap_or(NULL).to_be_bytes();
            }
        }
    }
    Ok(())
}

/// Takes tuples from data that comes in pieces, wherever it is cut.
#[derive(Debug)]
pub(super) struct Tuples {
    columns: usize,
    part: Part,
    /// What came last. Tuples are slices of it.
    chunk: Bytes,
    /// Instead of it: what goes on in the next chunk, together with what came before.
    joined: BytesMut,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Header,
    /// So much is left of what is to be passed over.
    Extension(usize),
    Tuple(Scanned),
    End,
}

/// How far the tuple at the front was looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Scanned {
    /// Without the fields that are behind it.
    end: usize,
    fields: usize,
}

/// What the tuple at the front is.
enum Front {
    Partial(Scanned),
    Whole(usize),
    Trailer,
}

impl Tuples {
    /// Those of rows with so many columns.
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns,
            part: Part::Header,
            chunk: Bytes::new(),
            joined: BytesMut::new(),
        }
    }

    /// More data.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.data().is_empty() {
            self.chunk = chunk;
            return;
        }
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
        }
        self.joined.extend_from_slice(&chunk);
    }

    /// The next tuple, its count of fields included: well-formed, and with as many fields as there are columns. `None` when more data is
    /// needed, and behind the trailer.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        loop {
            match self.part {
                Part::Header => {
                    if self.data().len() < HEADER {
                        return Ok(None);
                    }
                    self.part = Part::Extension(extension(&self.take(HEADER))?);
                }
                Part::Extension(0) => self.part = Part::Tuple(Scanned::default()),
                Part::Extension(left) => {
                    let here = left.min(self.data().len());
                    if here == 0 {
                        return Ok(None);
                    }
                    self.take(here);
                    self.part = Part::Extension(left - here);
                }
                Part::Tuple(scanned) => match self.front(scanned)? {
                    Front::Whole(length) => {
                        self.part = Part::Tuple(Scanned::default());
                        return Ok(Some(self.take(length)));
                    }
                    Front::Partial(_) if self.data().len() > MAX_TUPLE => {
                        return Err(DecodeError::malformed("it is longer than a row can be"));
                    }
                    Front::Partial(scanned) => {
                        self.part = Part::Tuple(scanned);
                        return Ok(None);
                    }
                    Front::Trailer => {
                        self.take(size_of_val(&TRAILER));
                        self.part = Part::End;
                    }
                },
                Part::End if self.data().is_empty() => return Ok(None),
                Part::End => return Err(DecodeError::malformed("it stands behind the trailer")),
            }
        }
    }

    /// The data is complete.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        match self.part {
            Part::End => Ok(()),
            Part::Header | Part::Extension(_) => {
                Err(DecodeError::malformed("the data ends within its header"))
            }
            Part::Tuple(_) if self.data().is_empty() => {
                Err(DecodeError::malformed("the data ends without its trailer"))
            }
            Part::Tuple(_) => Err(DecodeError::malformed("the data ends within it")),
        }
    }

    fn data(&self) -> &[u8] {
        if self.joined.is_empty() {
            &self.chunk
        } else {
            &self.joined
        }
    }

    fn take(&mut self, length: usize) -> Bytes {
        if self.joined.is_empty() {
            return self.chunk.split_to(length.min(self.chunk.len()));
        }
        // What is behind it came last.
        let mut all = mem::take(&mut self.joined).freeze();
        let taken = all.split_to(length.min(all.len()));
        self.chunk = all;
        taken
    }

    fn front(&self, mut scanned: Scanned) -> Result<Front, DecodeError> {
        let data = self.data();
        if scanned.end == 0 {
            let Some(count) = data.first_chunk() else {
                return Ok(Front::Partial(scanned));
            };
            let count = i16::from_be_bytes(*count);
            if count == TRAILER {
                return Ok(Front::Trailer);
            }
            if usize::try_from(count) != Ok(self.columns) {
                return Err(DecodeError::malformed(format!(
                    "it has {count} fields instead of {}",
                    self.columns
                )));
            }
            scanned.end = size_of_val(&count);
        }
        while scanned.fields < self.columns {
            let rest = data.get(scanned.end..).unwrap_or_default();
            let Some((length, value)) = rest.split_first_chunk() else {
                return Ok(Front::Partial(scanned));
            };
            let length = match i32::from_be_bytes(*length) {
                NULL => 0,
                length => usize::try_from(length).map_err(|_| {
                    DecodeError::malformed(format!("a field has the length {length}"))
                })?,
            };
            if value.len() < length {
                return Ok(Front::Partial(scanned));
            }
            scanned.end += size_of::<i32>() + length;
            scanned.fields += 1;
        }
        Ok(Front::Whole(scanned.end))
    }
}

/// Checks the header; gives the length of what is to be passed over behind it.
fn extension(header: &[u8]) -> Result<usize, DecodeError> {
    let Some(mut rest) = header.strip_prefix(&SIGNATURE) else {
        return Err(DecodeError::malformed(
            "the data does not begin as PostgreSQL's binary format does",
        ));
    };
    let flags = rest.try_get_u32().unwrap_or(CRITICAL_FLAGS);
    if flags & CRITICAL_FLAGS != 0 {
        return Err(DecodeError::malformed(format!(
            "the header has flags that are unknown: {flags:#x}"
        )));
    }
    let length = rest.try_get_i32().unwrap_or(NULL);
    usize::try_from(length).map_err(|_| {
        DecodeError::malformed(format!("the header's extension has the length {length}"))
    })
}

/// The values of a tuple, `None` for NULL; an error where it is not well-formed.
#[derive(Clone)]
pub(super) struct Values<'t>(&'t [u8]);

impl<'t> Values<'t> {
    pub(super) fn of(tuple: &'t [u8]) -> Self {
        Self(tuple.get(size_of::<i16>()..).unwrap_or_default())
    }

    pub(super) fn next(&mut self) -> Result<Option<&'t [u8]>, DecodeError> {
        let (length, rest) = self.0.split_first_chunk().ok_or_else(no_field)?;
        let length = i32::from_be_bytes(*length);
        let (value, rest) = match usize::try_from(length) {
            Ok(length) => {
                let (value, rest) = rest.split_at_checked(length).ok_or_else(no_field)?;
                (Some(value), rest)
            }
            Err(_) => (None, rest),
        };
        self.0 = rest;
        Ok(value)
    }
}

#[cold]
fn no_field() -> DecodeError {
    DecodeError::malformed("it has no further field")
}

#[cfg(test)]
mod tests;
