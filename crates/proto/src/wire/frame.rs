//! The frame around every message: one byte for its type, four for its length.

/// Type byte and length word.
pub(crate) const HEADER: usize = 5;

/// What stands at the front of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// Fewer bytes than a header has.
    Partial,
    /// A header. `len` is the whole frame with its type byte.
    Frame { tag: u8, len: usize },
    /// A length word that cannot be one: it counts itself, so it is at least 4.
    BadLength { tag: u8, declared: i32 },
}

/// Looks at the header without taking it.
#[inline]
pub(crate) fn front(data: &[u8]) -> Front {
    let Some(&[tag, a, b, c, d]) = data.first_chunk::<HEADER>() else {
        return Front::Partial;
    };
    let declared = i32::from_be_bytes([a, b, c, d]);
    match usize::try_from(declared) {
        Ok(length) if length >= 4 => Front::Frame {
            tag,
            len: length.saturating_add(1),
        },
        _ => Front::BadLength { tag, declared },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_word_counts_itself() {
        assert_eq!(front(b"Z\0\0\0"), Front::Partial);
        assert_eq!(front(b"Z\0\0\0\x05I"), Front::Frame { tag: b'Z', len: 6 });
        assert_eq!(
            front(b"Z\0\0\0\x03"),
            Front::BadLength {
                tag: b'Z',
                declared: 3
            }
        );
        assert_eq!(
            front(b"Z\xff\xff\xff\xff"),
            Front::BadLength {
                tag: b'Z',
                declared: -1
            }
        );
        assert_eq!(
            front(b"D\x7f\xff\xff\xff"),
            Front::Frame {
                tag: b'D',
                len: 0x8000_0000
            }
        );
    }
}
