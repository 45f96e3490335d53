//! Rows of a COPY, in both formats.

use std::borrow::Cow;

use purepg_conn::fuzzing::{copied, copied_rows};
use purepg_conn::{CopyRow, Type, Value, copy_text};

use crate::allocated;
use crate::input::Input;

/// What reading may allocate, beside so much for each byte.
const FIXED: usize = 4 * 1024;
const EACH: usize = 64;

/// Data of a COPY, behind a byte that says how many columns it has and in which format it is, and one that says how it is cut.
pub fn copy(data: &[u8]) {
    let mut input = Input::new(data);
    let (columns, size) = (input.byte(), 1 + usize::from(input.byte()));
    let rest = data.get(2..).unwrap_or_default();
    if columns & 1 == 0 {
        text(rest);
    } else {
        binary(usize::from(columns >> 1), size, rest);
    }
}

/// Lines: what is read of one is written, and read again. Reading takes no more than there is.
fn text(data: &[u8]) {
    for line in data.split_inclusive(|&byte| byte == b'\n') {
        let before = allocated();
        let values: Vec<_> = copy_text::fields(line).collect();
        let grown = allocated() - before;
        assert!(grown <= FIXED + EACH * line.len(), "{grown} for {line:?}");
        let lengths = values.iter().flatten().map(|value| value.len());
        assert!(lengths.sum::<usize>() <= line.len());
        let mut written = Vec::new();
        copy_text::write_line(values.iter().map(Option::as_deref), &mut written);
        assert!(written.len() <= 4 * line.len() + 1, "{line:?}");
        let body = &written[..written.len() - 1];
        assert!(!body.contains(&b'\n') && !body.contains(&b'\r'));
        assert_ne!(body, b"\\.", "the end of the data");
        assert!(copy_text::fields(&written).eq(values));
        let whole = copy_text::unescape(line);
        assert!(whole.is_none_or(|value: Cow<'_, [u8]>| value.len() <= line.len()));
    }
}

/// Tuples, whole and in pieces of some size: the cuts make no difference, and what was read is written as it came.
fn binary(columns: usize, size: usize, data: &[u8]) {
    // Strings take any bytes that are UTF-8, and numbers only some.
    let known = [Type::INT4, Type::TEXT, Type::INT4_ARRAY, Type::BYTEA];
    let types: Vec<_> = known.into_iter().cycle().take(columns).collect();
    let before = allocated();
    let (rows, end) = copied_rows(&types, [data]);
    let grown = allocated() - before;
    assert!(
        grown <= FIXED + EACH * (data.len() + columns),
        "{grown} for {data:?}"
    );
    let values = rows.iter().map(raw).collect::<Vec<_>>();
    for size in [size, 1] {
        let (again, ended) = copied_rows(&types, data.chunks(size));
        assert!(again.iter().map(raw).eq(values.iter().cloned()));
        assert_eq!(again.len(), rows.len());
        assert_eq!(ended.is_ok(), end.is_ok());
        let told = |end: &Result<(), _>| end.as_ref().err().map(ToString::to_string);
        assert_eq!(told(&ended), told(&end));
    }
    for row in &rows {
        assert_eq!(row.len(), columns);
        assert!(row.get::<Option<Value>>(columns).is_err());
        for place in 0..columns {
            let _ = row.get::<Option<Value>>(place);
        }
    }
    let bytes = vec![Type::BYTEA; columns];
    let written = copied(&bytes, &values).expect("bytes are written as they are");
    // A header may have what is to be passed over.
    let body = &written[19..];
    if end.is_ok() {
        assert!(data.ends_with(body), "{data:?}");
    }
    let (again, ended) = copied_rows(&bytes, [&written[..]]);
    assert!(ended.is_ok() && again.iter().map(raw).eq(values));
}

/// The values as they came.
fn raw(row: &CopyRow) -> Vec<Option<Vec<u8>>> {
    let value = |place| purepg_conn::fuzzing::copied_value(row, place);
    (0..row.len()).map(value).collect()
}
