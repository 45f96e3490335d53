//! `Bind` (`B`): values written in place.

use core::fmt;

use bytes::{BufMut, BytesMut};

use crate::error::UsageError;
use crate::wire::writer::{c_string, count, frame, patch_i32};
use crate::{Bind, Format};

/// Takes the values of a `Bind`, one after the other, straight into the output buffer.
pub struct BindValues<'a> {
    out: &'a mut BytesMut,
    written: usize,
    error: Option<UsageError>,
}

impl BindValues<'_> {
    /// Appends one value.
    ///
    /// `write` appends its bytes to the buffer it is lent, which holds the values before it and nothing else of the output; it returns
    /// false for NULL, which has no bytes.
    ///
    /// # Errors
    /// Those of `write`. The whole batch is rolled back then.
    pub fn value<E>(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> Result<bool, E>,
    ) -> Result<(), E> {
        let at = self.out.len();
        self.out.put_i32(-1);
        let start = self.out.len();
        let present = write(self.out)?;
        self.written += 1;
        let written = match self.out.len().checked_sub(start) {
            None => Err(UsageError::BufferDisturbed),
            Some(length) if present => patch_i32(self.out, at, length),
            Some(_) => {
                self.out.truncate(start);
                Ok(())
            }
        };
        if let (Err(error), None) = (written, &self.error) {
            self.error = Some(error);
        }
        Ok(())
    }

    /// Appends a value whose bytes are at hand; `None` is NULL.
    pub fn bytes(&mut self, value: Option<&[u8]>) {
        let infallible = self.value::<core::convert::Infallible>(|out| {
            out.put_slice(value.unwrap_or_default());
            Ok(value.is_some())
        });
        match infallible {
            Ok(()) => {}
        }
    }
}

/// How many were written: values may be secret.
impl fmt::Debug for BindValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindValues")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// Appends the message. The number of values is the number that `values` appended.
pub(crate) fn write<E: From<UsageError>>(
    out: &mut BytesMut,
    bind: &Bind<'_>,
    values: impl FnOnce(&mut BindValues<'_>) -> Result<(), E>,
) -> Result<(), E> {
    frame(out, b'B', |out| {
        c_string(out, "portal name", bind.portal)?;
        c_string(out, "statement name", bind.statement)?;
        write_formats(out, "parameter formats", bind.parameter_formats)?;
        let at = out.len();
        out.put_u16(0);
        // Only this much is lent: what waits before it belongs to others. It is the same memory, so nothing is copied.
        let mut tail = out.split_off(out.len());
        let mut writer = BindValues {
            out: &mut tail,
            written: 0,
            error: None,
        };
        let result = values(&mut writer);
        let BindValues { written, error, .. } = writer;
        out.unsplit(tail);
        result?;
        if let Some(error) = error {
            return Err(error.into());
        }
        let formats = bind.parameter_formats.len();
        if formats > 1 && formats != written {
            return Err(UsageError::FormatCount {
                formats,
                values: written,
            }
            .into());
        }
        let too_many = UsageError::TooMany {
            what: "parameters",
            count: written,
        };
        let word = u16::try_from(written).map_err(|_| too_many)?;
        out.get_mut(at..)
            .and_then(<[u8]>::first_chunk_mut)
            .map(|slot| *slot = word.to_be_bytes())
            .ok_or(UsageError::BufferDisturbed)?;
        write_formats(out, "result formats", bind.result_formats)?;
        Ok(())
    })
}

fn write_formats(
    out: &mut BytesMut,
    what: &'static str,
    formats: &[Format],
) -> Result<(), UsageError> {
    count(out, what, formats.len())?;
    for format in formats {
        out.put_i16(match format {
            Format::Text => 0,
            Format::Binary => 1,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(parameter_formats: &[Format]) -> Bind<'_> {
        Bind {
            portal: "",
            statement: "s",
            parameter_formats,
            result_formats: &[Format::Binary],
        }
    }

    #[test]
    fn values_stand_where_they_were_written() {
        let mut out = BytesMut::new();
        write::<UsageError>(&mut out, &bind(&[]), |values| {
            values.bytes(Some(b"a"));
            values.bytes(None);
            values.bytes(Some(b""));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            &out[..],
            b"B\0\0\0\x1c\0s\0\0\0\0\x03\0\0\0\x01a\xff\xff\xff\xff\0\0\0\0\0\x01\0\x01"
        );
    }

    #[test]
    fn a_writer_is_lent_nothing_of_the_others() {
        let mut out = BytesMut::from(&b"before"[..]);
        let disturbed = write::<UsageError>(&mut out, &bind(&[]), |values| {
            values.value(|out| {
                *out = BytesMut::new();
                Ok(true)
            })
        });
        assert_eq!(disturbed, Err(UsageError::BufferDisturbed));
        assert_eq!(&out[..], b"before");
    }

    #[test]
    fn errors_leave_no_trace() {
        #[derive(Debug, PartialEq)]
        enum Mine {
            Value,
            Usage(UsageError),
        }
        impl From<UsageError> for Mine {
            fn from(error: UsageError) -> Self {
                Self::Usage(error)
            }
        }
        let mut out = BytesMut::new();
        let error = write(&mut out, &bind(&[]), |values| {
            values.value(|_| Err(Mine::Value))
        });
        assert_eq!(error, Err(Mine::Value));
        let two = [Format::Text, Format::Binary];
        let error = write::<Mine>(&mut out, &bind(&two), |values| {
            values.bytes(None);
            Ok(())
        });
        assert_eq!(
            error,
            Err(Mine::Usage(UsageError::FormatCount {
                formats: 2,
                values: 1
            }))
        );
        let error = write::<Mine>(&mut out, &bind(&[]), |values| {
            (0..=65_535).for_each(|_| values.bytes(None));
            Ok(())
        });
        let too_many = UsageError::TooMany {
            what: "parameters",
            count: 65_536,
        };
        assert_eq!(error, Err(Mine::Usage(too_many)));
        assert!(out.is_empty());
    }
}
