//! `ParameterDescription` (`t`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::Oid;
use crate::wire::reader::{Malformed, Reader};

/// The types of a statement's parameters, in order.
pub(crate) fn decode(body: &[u8]) -> Result<Box<[Oid]>, Malformed> {
    let mut reader = Reader::new(body);
    let count = usize::from(reader.u16("the number of parameters")?);
    if reader.remaining() != count * 4 {
        return Err(Malformed("as many types as were announced"));
    }
    let mut types = Vec::with_capacity(count);
    for _ in 0..count {
        types.push(reader.u32("the type of a parameter")?);
    }
    Ok(types.into_boxed_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_must_match() {
        assert_eq!(
            decode(b"\0\x02\0\0\0\x17\xff\xff\xff\xff").as_deref(),
            Ok(&[23, u32::MAX][..])
        );
        assert_eq!(decode(b"\0\0").as_deref(), Ok(&[][..]));
        assert!(decode(b"\0\x02\0\0\0\x17").is_err());
        assert!(decode(b"\xff\xff").is_err());
        assert!(decode(b"\0").is_err());
    }
}
