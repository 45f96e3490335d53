//! How the text forms of arrays, ranges, composite types and hstore quote the values that they consist of.

use std::borrow::Cow;

use bytes::BytesMut;

use super::invalid;
use crate::error::BoxError;

/// Takes a quoted value from the front of the text; the quote is its first byte. What a backslash precedes stands for itself; where quotes
/// are `doubled`, two of them stand for one.
pub(crate) fn take_quoted<'a>(
    text: &mut &'a [u8],
    doubled: bool,
) -> Result<Cow<'a, [u8]>, BoxError> {
    let inner = text.get(1..).unwrap_or_default();
    let mut unescaped: Option<Vec<u8>> = None;
    // Where what was not copied yet begins.
    let mut from = 0_usize;
    let mut at = 0_usize;
    loop {
        let skip = match (inner.get(at), inner.get(at.saturating_add(1))) {
            (Some(b'\\'), Some(_)) => true,
            (Some(b'"'), Some(b'"')) if doubled => true,
            (Some(b'"'), _) => break,
            (Some(b'\\'), None) | (None, _) => {
                return Err(invalid("a quote that is not closed"));
            }
            (Some(_), _) => false,
        };
        if skip {
            let copied = inner.get(from..at).unwrap_or_default();
            unescaped.get_or_insert_default().extend_from_slice(copied);
            from = at.saturating_add(1);
            at = from;
        }
        at = at.saturating_add(1);
    }
    let last = inner.get(from..at).unwrap_or_default();
    *text = inner.get(at.saturating_add(1)..).unwrap_or_default();
    Ok(match unescaped {
        None => Cow::Borrowed(last),
        Some(mut unescaped) => {
            unescaped.extend_from_slice(last);
            Cow::Owned(unescaped)
        }
    })
}

/// Takes what stands before the first of these bytes.
pub(crate) fn take_until<'a>(text: &mut &'a [u8], ends: impl Fn(u8) -> bool) -> &'a [u8] {
    let end = text.iter().position(|&byte| ends(byte));
    let (taken, rest) = text.split_at(end.unwrap_or(text.len()));
    *text = rest;
    taken
}

/// Takes this byte, if it is the first.
pub(crate) fn take_byte(text: &mut &[u8], byte: u8) -> bool {
    match text.split_first() {
        Some((&first, rest)) if first == byte => {
            *text = rest;
            true
        }
        _ => false,
    }
}

/// What the server takes for a space in these forms.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Quotes what stands behind `start`. The escape is put before quotes and backslashes: a backslash, or the byte itself.
pub(crate) fn quote(out: &mut BytesMut, start: usize, doubled: bool) {
    let plain = out.split_off(start.min(out.len()));
    out.extend_from_slice(b"\"");
    for &byte in &plain {
        if matches!(byte, b'"' | b'\\') {
            out.extend_from_slice(&[if doubled { byte } else { b'\\' }]);
        }
        out.extend_from_slice(&[byte]);
    }
    out.extend_from_slice(b"\"");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_quoted_is_taken_back(value: Vec<u8>, before: Vec<u8>, doubled: bool) {
            let mut out = BytesMut::from(&before[..]);
            out.extend_from_slice(&value);
            quote(&mut out, before.len(), doubled);
            let quoted = out.strip_prefix(&before[..]).unwrap().to_vec();
            let text = [&quoted[..], b",x"].concat();
            let mut rest = &text[..];
            prop_assert_eq!(&*take_quoted(&mut rest, doubled).unwrap(), &value[..]);
            prop_assert_eq!(rest, b",x");
        }
    }

    #[test]
    fn what_needs_no_escape_is_borrowed() {
        let take = |text: &'static str| take_quoted(&mut text.as_bytes(), true);
        assert!(matches!(take("\"a b\"").unwrap(), Cow::Borrowed(b"a b")));
        assert!(matches!(take("\"\"").unwrap(), Cow::Borrowed(b"")));
        assert_eq!(&*take("\"\\\"\"\"\\\\\"").unwrap(), b"\"\"\\");
    }

    #[test]
    fn a_quote_that_is_not_closed_is_an_error() {
        for text in ["\"", "\"a", "\"a\\", "\"a\\\"", "\"\"\""] {
            let error = take_quoted(&mut text.as_bytes(), true).unwrap_err();
            assert_eq!(error.to_string(), "a quote that is not closed", "{text}");
        }
    }
}
