//! `CopyData` (`d`): found in runs.

use crate::wire::frame::{Front, HEADER, front};

/// The length of the run of whole `CopyData` frames at the front, none longer than `limit`.
pub(crate) fn run(data: &[u8], limit: usize) -> usize {
    let mut rest = data;
    while let Front::Frame { tag: b'd', len } = front(rest)
        && len <= limit
        && let Some((_, behind)) = rest.split_at_checked(len)
    {
        rest = behind;
    }
    data.len() - rest.len()
}

/// Splits the body of the first message off a run; gives it, and the rest of the run.
pub(crate) fn split_message(run: &[u8]) -> Option<(&[u8], &[u8])> {
    match front(run) {
        Front::Frame { len, .. } => {
            let (frame, rest) = run.split_at_checked(len)?;
            Some((frame.get(HEADER..)?, rest))
        }
        Front::Partial | Front::BadLength { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_where_another_message_or_half_of_one_begins() {
        let data = b"d\0\0\0\x05ad\0\0\0\x04d\0\0\0\x06bcc\0\0\0\x04";
        let whole = data.len() - 5;
        for n in 0..=data.len() {
            let expected = match n {
                0..6 => 0,
                6..11 => 6,
                11..18 => 11,
                _ => whole,
            };
            assert_eq!(run(&data[..n], 100), expected, "{n}");
        }
        assert_eq!(run(data, 6), 11, "what is too long ends it");
        let mut bodies = [&b""[..]; 3];
        let mut rest = &data[..whole];
        for body in &mut bodies {
            (*body, rest) = split_message(rest).unwrap();
        }
        assert_eq!((bodies, rest), ([&b"a"[..], b"", b"bc"], &b""[..]));
    }
}
