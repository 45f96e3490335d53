//! COPY: the data that comes, and how the data that goes ends.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::buffer::receive::Taken;
use crate::message::backend::copy_data::split_message;

/// Data of a `COPY TO STDOUT` or of a replication stream: the messages that had arrived when they were asked for, never none.
///
/// It stands in the buffer that the next read will fill again if this was dropped by then; data that is held longer costs the connection
/// another buffer. [`to_bytes`](Self::to_bytes) copies it out.
#[derive(Clone)]
pub struct CopyData {
    taken: Taken,
}

impl CopyData {
    pub(crate) fn new(taken: Taken) -> Self {
        Self { taken }
    }

    /// The messages, one after the other. In a COPY their boundaries mean nothing (today's servers send a message for each row); in
    /// a replication stream each is one message of that protocol.
    pub fn iter(&self) -> CopyDataIter<'_> {
        CopyDataIter {
            rest: self.taken.bytes(),
        }
    }

    /// How many bytes of data these are.
    pub fn len(&self) -> usize {
        self.iter().map(<[u8]>::len).sum()
    }

    /// True when all of the messages are empty.
    pub fn is_empty(&self) -> bool {
        self.iter().all(<[u8]>::is_empty)
    }

    /// All of the data, in one piece, to be kept.
    pub fn to_bytes(&self) -> Bytes {
        let mut data = Vec::with_capacity(self.taken.bytes().len());
        for message in self {
            data.extend_from_slice(message);
        }
        Bytes::from(data)
    }
}

impl<'d> IntoIterator for &'d CopyData {
    type Item = &'d [u8];
    type IntoIter = CopyDataIter<'d>;

    fn into_iter(self) -> CopyDataIter<'d> {
        self.iter()
    }
}

/// The length: values may be secret.
impl fmt::Debug for CopyData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyData")
            .field("length", &self.len())
            .finish_non_exhaustive()
    }
}

/// The messages of a run of [`CopyData`], lent one after the other.
#[derive(Clone)]
pub struct CopyDataIter<'d> {
    rest: &'d [u8],
}

impl<'d> Iterator for CopyDataIter<'d> {
    type Item = &'d [u8];

    fn next(&mut self) -> Option<&'d [u8]> {
        let (message, rest) = split_message(self.rest)?;
        self.rest = rest;
        Some(message)
    }
}

/// Not the data: values may be secret.
impl fmt::Debug for CopyDataIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyDataIter").finish_non_exhaustive()
    }
}

/// How the data that a client sends ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyEnd<'a> {
    /// It is complete.
    Done,
    /// It will never be: the COPY fails, with this reason in the server's error (at most 9,995 bytes).
    Fail(&'a str),
}
