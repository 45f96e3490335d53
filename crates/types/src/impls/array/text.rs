//! The text form: braces around each dimension, `[2:3]={a,b}` where one does not begin at 1; and the vectors, whose elements have spaces
//! between them and nothing around.

use std::fmt::Write as _;

use bytes::BytesMut;

use crate::array::{Dimension, MAX_DIMENSIONS, Shape};
use crate::column::Format;
use crate::error::BoxError;
use crate::impls::quoting::{is_space, quote, take_byte, take_quoted, take_until};
use crate::impls::{invalid, parts};
use crate::{FromSqlOwned, IsNull, ToSql, Type};

pub(super) fn read<T: FromSqlOwned>(
    element: &Type,
    raw: &[u8],
) -> Result<(Vec<T>, Shape), BoxError> {
    let delimiter = element.delimiter_byte();
    let mut text = raw;
    let bounds = take_bounds(&mut text)?;
    let depth = text.iter().take_while(|&&byte| byte == b'{').count();
    let mut elements = Vec::new();
    if text == b"{}" && bounds.is_empty() {
        return Ok((elements, Shape::EMPTY));
    }
    if depth == 0 || depth > MAX_DIMENSIONS {
        return Err(invalid("not between 1 and 6 braces at its beginning"));
    }
    let mut nesting = Nesting::new(depth);
    text = text.get(depth..).unwrap_or_default();
    loop {
        // An element.
        if text.first() == Some(&b'"') {
            let value = take_quoted(&mut text, false)?;
            elements.push(parts::read(element, Some(&value), Format::Text)?);
        } else {
            let ends = |byte| byte == delimiter || matches!(byte, b'{' | b'}' | b'"' | b'\\');
            let value = take_until(&mut text, ends);
            if value.is_empty() {
                return Err(invalid("an element that is empty, and not quoted"));
            }
            let value = (!value.eq_ignore_ascii_case(b"null")).then_some(value);
            elements.push(parts::read(element, value, Format::Text)?);
        }
        nesting.element()?;
        // What closes behind it.
        while nesting.depth > 0 && take_byte(&mut text, b'}') {
            nesting.close()?;
        }
        if nesting.depth == 0 {
            break;
        }
        if !take_byte(&mut text, delimiter) {
            return Err(invalid("neither a delimiter nor a brace behind an element"));
        }
        // What opens before the next one.
        while nesting.depth < depth {
            if !take_byte(&mut text, b'{') {
                return Err(invalid("sub-arrays of different depths"));
            }
            nesting.depth = nesting.depth.saturating_add(1);
        }
    }
    if !text.is_empty() {
        return Err(invalid("something behind its last brace"));
    }
    Ok((elements, nesting.shape(&bounds)?))
}

/// The prefix `[2:3][-1:0]=`, which is there when a dimension does not begin at 1.
fn take_bounds(text: &mut &[u8]) -> Result<Vec<Dimension>, BoxError> {
    let mut bounds = Vec::new();
    while take_byte(text, b'[') {
        let lower_bound = parts::number(take_until(text, |byte| byte == b':'))?;
        take_byte(text, b':');
        let upper = parts::number(take_until(text, |byte| byte == b']'))?;
        let length = i64::from(upper) - i64::from(lower_bound) + 1;
        let length = usize::try_from(length).map_err(|_| invalid("bounds in the wrong order"))?;
        if !take_byte(text, b']') || bounds.len() == MAX_DIMENSIONS {
            return Err(invalid("malformed bounds"));
        }
        bounds.push(Dimension {
            length,
            lower_bound,
        });
    }
    if !bounds.is_empty() && !take_byte(text, b'=') {
        return Err(invalid("malformed bounds"));
    }
    Ok(bounds)
}

/// How deep in braces, and how many parts each pair of them has.
struct Nesting {
    full: usize,
    depth: usize,
    /// Of the braces that are open.
    counts: [usize; MAX_DIMENSIONS],
    /// Of those that were closed, which all others must equal.
    lengths: [usize; MAX_DIMENSIONS],
}

impl Nesting {
    fn new(full: usize) -> Self {
        Self {
            full,
            depth: full,
            counts: [0; MAX_DIMENSIONS],
            lengths: [0; MAX_DIMENSIONS],
        }
    }

    fn element(&mut self) -> Result<(), BoxError> {
        if self.depth != self.full {
            return Err(invalid("sub-arrays of different depths"));
        }
        self.count_part();
        Ok(())
    }

    fn count_part(&mut self) {
        if let Some(count) = self.counts.get_mut(self.depth.wrapping_sub(1)) {
            *count = count.saturating_add(1);
        }
    }

    fn close(&mut self) -> Result<(), BoxError> {
        self.depth = self.depth.saturating_sub(1);
        let count = self.counts.get_mut(self.depth).map(std::mem::take);
        if let (Some(count), Some(length)) = (count, self.lengths.get_mut(self.depth)) {
            if *length != 0 && *length != count {
                return Err(invalid("sub-arrays of different lengths"));
            }
            *length = count;
        }
        self.count_part();
        Ok(())
    }

    fn shape(&self, bounds: &[Dimension]) -> Result<Shape, BoxError> {
        let lengths = self.lengths.get(..self.full).unwrap_or_default();
        if bounds.is_empty() {
            let dimensions: Vec<_> = lengths.iter().copied().map(Dimension::new).collect();
            return Shape::new(&dimensions).map_err(invalid);
        }
        let stated = bounds.iter().map(|dimension| dimension.length);
        if !stated.eq(lengths.iter().copied()) {
            return Err(invalid("other lengths than its bounds say"));
        }
        Shape::new(bounds).map_err(invalid)
    }
}

pub(super) fn read_vector<T: FromSqlOwned>(
    element: &Type,
    raw: &[u8],
) -> Result<(Vec<T>, Shape), BoxError> {
    let elements: Vec<T> = raw
        .split(|&byte| byte == b' ')
        .filter(|value| !value.is_empty())
        .map(|value| parts::read(element, Some(value), Format::Text))
        .collect::<Result<_, _>>()?;
    let shape = Shape::of_one(elements.len(), 0);
    Ok((elements, shape))
}

pub(crate) fn write<T: ToSql>(
    elements: &[T],
    shape: &Shape,
    element: &Type,
    out: &mut BytesMut,
) -> Result<(), BoxError> {
    let dimensions = shape.as_slice();
    if dimensions.is_empty() {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    if dimensions
        .iter()
        .any(|dimension| dimension.lower_bound != 1)
    {
        for dimension in dimensions {
            let length = i64::try_from(dimension.length)?;
            let (lower, upper) = (
                dimension.lower_bound,
                i64::from(dimension.lower_bound) + length - 1,
            );
            write!(out, "[{lower}:{upper}]")?;
        }
        out.extend_from_slice(b"=");
    }
    let delimiter = element.delimiter_byte();
    for (place, value) in elements.iter().enumerate() {
        if place > 0 {
            let closed = boundaries(place, dimensions);
            out.extend(std::iter::repeat_n(b'}', closed));
            out.extend_from_slice(&[delimiter]);
            out.extend(std::iter::repeat_n(b'{', closed));
        } else {
            out.extend(std::iter::repeat_n(b'{', dimensions.len()));
        }
        write_element(value, element, delimiter, out)?;
    }
    out.extend(std::iter::repeat_n(b'}', dimensions.len()));
    Ok(())
}

/// How many pairs of braces end before the element at this place.
fn boundaries(place: usize, dimensions: &[Dimension]) -> usize {
    let mut size = 1_usize;
    dimensions
        .iter()
        .rev()
        .take_while(|dimension| {
            size = size.saturating_mul(dimension.length);
            size > 0 && place.is_multiple_of(size)
        })
        .count()
}

fn write_element<T: ToSql>(
    value: &T,
    element: &Type,
    delimiter: u8,
    out: &mut BytesMut,
) -> Result<(), BoxError> {
    let start = out.len();
    if value.to_text(element.underlying(), out)? == IsNull::Yes {
        out.truncate(start);
        out.extend_from_slice(b"NULL");
        return Ok(());
    }
    let written = out.get(start..).unwrap_or_default();
    let special = |byte: u8| {
        byte == delimiter || matches!(byte, b'"' | b'\\' | b'{' | b'}') || is_space(byte)
    };
    let quoted = written.is_empty()
        || written.eq_ignore_ascii_case(b"null")
        || written.iter().copied().any(special);
    if quoted {
        quote(out, start, false);
    }
    Ok(())
}

pub(super) fn write_vector<T: ToSql>(
    elements: &[T],
    element: &Type,
    out: &mut BytesMut,
) -> Result<(), BoxError> {
    for (place, value) in elements.iter().enumerate() {
        if place > 0 {
            out.extend_from_slice(b" ");
        }
        if value.to_text(element, out)? == IsNull::Yes {
            return Err(invalid("a vector has no NULLs"));
        }
    }
    Ok(())
}
