//! `CancelRequest`: no type byte, no answer.

use bytes::{BufMut, BytesMut};

use crate::message::backend::backend_key_data::CancelKey;

/// 1234 and 5678: versions of the protocol that there will never be.
const CODE: i32 = 80_877_102;

/// Appends the message.
pub(crate) fn write(out: &mut BytesMut, key: &CancelKey) {
    // A key has 256 bytes at the most: this always fits.
    let length = i32::try_from(key.secret().len() + 12).unwrap_or(i32::MAX);
    out.put_i32(length);
    out.put_i32(CODE);
    out.put_i32(key.process_id());
    out.put_slice(key.secret());
}
