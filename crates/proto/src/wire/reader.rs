//! The one place that slices what a server sent.

use alloc::string::String;

/// Reads the body of one message from front to back; every step checks what is left.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// A body that is not what its message type promises. Says what should have stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn i16(&mut self, what: &'static str) -> Result<i16, Malformed> {
        self.array(what).map(i16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self, what: &'static str) -> Result<i32, Malformed> {
        self.array(what).map(i32::from_be_bytes)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.rest.split_first_chunk().ok_or(Malformed(what))?;
        self.rest = rest;
        Ok(*first)
    }

    /// The bytes up to the next NUL, which is taken too.
    pub(crate) fn c_bytes(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        let nul = self
            .rest
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(Malformed(what))?;
        let (string, rest) = self.rest.split_at(nul);
        self.rest = rest.get(1..).unwrap_or_default();
        Ok(string)
    }

    /// A string. What is not UTF-8 is replaced: before `client_encoding` is agreed upon a server may write in any encoding.
    pub(crate) fn string(&mut self, what: &'static str) -> Result<String, Malformed> {
        self.c_bytes(what)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// The body must have been read to its end.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed("the end of the message"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_to_the_end_and_not_beyond() {
        let mut reader = Reader::new(b"\x01\x00\x02name\0\x00\x00\x00\x03");
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u16("b"), Ok(2));
        assert_eq!(reader.string("c").as_deref(), Ok("name"));
        assert_eq!(reader.end(), Err(Malformed("the end of the message")));
        assert_eq!(reader.i32("d"), Ok(3));
        assert_eq!(reader.end(), Ok(()));
        assert_eq!(reader.u8("e"), Err(Malformed("e")));
    }

    #[test]
    fn security_45_a_string_without_its_nul_is_malformed() {
        assert_eq!(
            Reader::new(b"never ends").string("text"),
            Err(Malformed("text"))
        );
    }
}
