//! The text format of COPY: one line for each row, its values separated by tabs.
//!
//! What would be taken for something else is escaped by a backslash; NULL is `\N`. This is the format without options: no `delimiter`,
//! no `null`, and not `csv`. The encoding is that of the connection: UTF-8. The chapter on COPY in PostgreSQL's manual has the rules.
//!
//! ```
//! use purepg_conn::copy_text;
//!
//! let mut line = Vec::new();
//! copy_text::write_line([Some(&b"C:\\new"[..]), Some(b"tab\there"), None], &mut line);
//! assert_eq!(line, b"C:\\\\new\ttab\\there\t\\N\n");
//!
//! let values: Vec<_> = copy_text::fields(&line).collect();
//! assert_eq!(values[0].as_deref(), Some(&b"C:\\new"[..]));
//! assert_eq!(values[1].as_deref(), Some(&b"tab\there"[..]));
//! assert_eq!(values[2], None);
//! ```

use std::borrow::Cow;

use bytes::BufMut;

/// What stands for NULL.
pub const NULL: &[u8] = b"\\N";

/// Appends a value, with everything escaped that would be taken for something else.
///
/// A zero byte becomes `\000`: the server then says that no text can hold one.
pub fn escape(value: &[u8], out: &mut impl BufMut) {
    let mut rest = value;
    while let Some((place, letter)) = special(rest) {
        let (plain, behind) = rest.split_at(place);
        out.put_slice(plain);
        out.put_u8(b'\\');
        out.put_slice(letter);
        rest = behind.get(1..).unwrap_or_default();
    }
    out.put_slice(rest);
}

/// Appends a line: the values of a row, `None` for NULL.
pub fn write_line<V: AsRef<[u8]>>(
    values: impl IntoIterator<Item = Option<V>>,
    out: &mut impl BufMut,
) {
    let mut first = true;
    for value in values {
        if !std::mem::replace(&mut first, false) {
            out.put_u8(b'\t');
        }
        match value {
            Some(value) => escape(value.as_ref(), out),
            None => out.put_slice(NULL),
        }
    }
    out.put_u8(b'\n');
}

/// The value that an escaped one stands for; `None` is NULL. What is no escape stands for itself, as it does to the server.
pub fn unescape(field: &[u8]) -> Option<Cow<'_, [u8]>> {
    if field == NULL {
        return None;
    }
    if !field.contains(&b'\\') {
        return Some(Cow::Borrowed(field));
    }
    let mut value = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some(place) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, escape) = rest.split_at(place);
        value.extend_from_slice(plain);
        let (byte, length) = unescaped(escape);
        value.extend(byte);
        rest = escape.get(length..).unwrap_or_default();
    }
    value.extend_from_slice(rest);
    Some(Cow::Owned(value))
}

/// The values of a line, with or without the line break at its end; `None` is NULL. A line of nothing has one value, which is empty.
pub fn fields(line: &[u8]) -> impl Iterator<Item = Option<Cow<'_, [u8]>>> {
    let mut rest = Some(line.strip_suffix(b"\n").unwrap_or(line));
    std::iter::from_fn(move || {
        let line = rest?;
        let end = separator(line);
        rest = end.and_then(|end| line.get(end.saturating_add(1)..));
        Some(unescape(
            line.get(..end.unwrap_or(line.len())).unwrap_or(line),
        ))
    })
}

/// The first byte that has to be escaped, and what stands for it behind the backslash.
fn special(value: &[u8]) -> Option<(usize, &'static [u8])> {
    value.iter().enumerate().find_map(|(place, byte)| {
        let letter: &[u8] = match byte {
            b'\\' => b"\\",
            b'\t' => b"t",
            b'\n' => b"n",
            b'\r' => b"r",
            0x08 => b"b",
            0x0b => b"v",
            0x0c => b"f",
            0x00 => b"000",
            _ => return None,
        };
        Some((place, letter))
    })
}

/// The byte that an escape, the backslash at the front, stands for, and the length of the escape.
fn unescaped(escape: &[u8]) -> (Option<u8>, usize) {
    let digits = |from: usize, most: usize, base: u32| {
        let digits = escape.iter().skip(from).take(most);
        let values = digits.map_while(|&byte| char::from(byte).to_digit(base));
        values.fold((0, from), |(number, end), digit| {
            (number * base + digit, end + 1)
        })
    };
    // Of a number that does not fit the low byte counts.
    let byte = |number: u32| number.to_le_bytes().first().copied();
    match escape.get(1) {
        None => (None, 1),
        Some(b'b') => (Some(0x08), 2),
        Some(b'f') => (Some(0x0c), 2),
        Some(b'n') => (Some(b'\n'), 2),
        Some(b'r') => (Some(b'\r'), 2),
        Some(b't') => (Some(b'\t'), 2),
        Some(b'v') => (Some(0x0b), 2),
        Some(b'0'..=b'7') => {
            let (number, end) = digits(1, 3, 8);
            (byte(number), end)
        }
        Some(b'x') if escape.get(2).is_some_and(u8::is_ascii_hexdigit) => {
            let (number, end) = digits(2, 2, 16);
            (byte(number), end)
        }
        Some(&other) => (Some(other), 2),
    }
}

/// The first tab that is not escaped.
fn separator(line: &[u8]) -> Option<usize> {
    let mut escaped = false;
    line.iter().position(|&byte| {
        let found = byte == b'\t' && !escaped;
        escaped = byte == b'\\' && !escaped;
        found
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        escape(value, &mut out);
        out
    }

    fn owned(field: &[u8]) -> Option<Vec<u8>> {
        unescape(field).map(Cow::into_owned)
    }

    #[test]
    fn acceptance_84_every_byte_is_escaped_and_back() {
        for byte in 0..=u8::MAX {
            for value in [
                vec![byte],
                vec![byte, byte],
                vec![b'\\', byte],
                vec![byte, b'N'],
            ] {
                let text = escaped(&value);
                assert!(!text.contains(&b'\t') && !text.contains(&b'\n') && !text.contains(&b'\r'));
                assert_ne!(text, NULL);
                assert_ne!(text, b"\\.", "the end of the data");
                assert_eq!(owned(&text), Some(value));
            }
        }
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(owned(&escaped(&all)), Some(all));
        assert_eq!(escaped(b"plain \xc3\xa9"), b"plain \xc3\xa9");
        assert_eq!(escaped(b"\\.\t\0"), b"\\\\.\\t\\000");
    }

    /// As the server reads them, whoever wrote them.
    #[test]
    fn the_escapes_of_the_manual() {
        let table: [(&[u8], &[u8]); 12] = [
            (b"", b""),
            (b"\\b\\f\\n\\r\\t\\v", b"\x08\x0c\n\r\t\x0b"),
            (b"\\1\\12\\1234", b"\x01\x0aS4"),
            (b"\\777", b"\xff"),
            (b"\\x4\\x41\\x414", b"\x04AA4"),
            (b"\\xg", b"xg"),
            (b"\\x", b"x"),
            (b"\\8\\q\\\\", b"8q\\"),
            (b"a\\", b"a"),
            (b"\\N ", b"N "),
            (b"\\n", b"\n"),
            (b"\\.", b"."),
        ];
        for (field, value) in table {
            let context = field.escape_ascii();
            assert_eq!(owned(field).as_deref(), Some(value), "{context}");
        }
        assert_eq!(unescape(NULL), None);
        assert!(matches!(unescape(b"plain"), Some(Cow::Borrowed(b"plain"))));
    }

    #[test]
    fn lines() {
        let mut line = Vec::new();
        write_line([Some("a"), None, Some("")], &mut line);
        assert_eq!(line, b"a\t\\N\t\n");
        let values = |line: &'static [u8]| fields(line).collect::<Vec<_>>();
        let some = |value: &'static [u8]| Some(Cow::Borrowed(value));
        assert_eq!(values(b"a\t\\N\t\n"), [some(b"a"), None, some(b"")]);
        assert_eq!(values(b"a"), [some(b"a")]);
        assert_eq!(values(b""), [some(b"")]);
        assert_eq!(values(b"\t"), [some(b""), some(b"")]);
        assert_eq!(
            values(b"a\\\tb\t\\\\\tc\n"),
            [some(b"a\tb"), some(b"\\"), some(b"c")],
            "a tab may be escaped by a backslash, unless that is escaped itself"
        );
    }

    proptest! {
        #[test]
        fn any_values_make_a_line_and_back(values: Vec<Option<Vec<u8>>>) {
            let mut line = Vec::new();
            write_line(values.iter().map(Option::as_deref), &mut line);
            let read: Vec<_> = fields(&line).map(|value| value.map(Cow::into_owned)).collect();
            let expected = if values.is_empty() { vec![Some(Vec::new())] } else { values };
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(line: Vec<u8>) {
            for value in fields(&line).flatten() {
                prop_assert!(value.len() <= line.len());
            }
        }
    }
}
