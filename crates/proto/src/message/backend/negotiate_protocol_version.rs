//! `NegotiateProtocolVersion` (`v`): the server is older than what was asked for.

use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use crate::startup::ProtocolVersion;
use crate::wire::reader::{Malformed, Reader};

/// The version that the server speaks, and the options that it does not know.
///
/// The manual speaks of the newest *minor* version; servers, poolers and libpq put the whole version there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NegotiateProtocolVersion {
    version: u32,
    /// As it stands there, sign and all.
    count: i32,
    options: Vec<String>,
}

/// A `NegotiateProtocolVersion` that no honest server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// A second one. PgBouncer up to 1.25.2 sends the same one twice to a client that has to wait for a server (its issue 1459), and libpq
    /// refuses that too: asked for version 3.0 it has nothing to negotiate.
    #[error("a second message about it")]
    Repeated,
    /// A newer version than what was asked for.
    #[error("the server offers {}.{}, which is newer than what was asked for", .version >> 16, .version & 0xffff)]
    Upgrade {
        /// The version word.
        version: u32,
    },
    /// A version before 3.0, such as a minor version alone.
    #[error("the server offers {}.{}, which is older than 3.0", .version >> 16, .version & 0xffff)]
    BeforeThree {
        /// The version word.
        version: u32,
    },
    /// Version 3.1, which was never released.
    #[error("the server offers 3.1, which does not exist")]
    Reserved,
    /// A negative number of options.
    #[error("the server counts {count} unknown options")]
    NegativeCount {
        /// The number.
        count: i32,
    },
    /// The version that was asked for, and no option.
    #[error("the server changes nothing")]
    NoChange,
    /// A version older than the oldest one that is acceptable.
    #[error("the server offers {offered}, and {minimum} is the least that is acceptable")]
    BelowMinimum {
        /// What the server offers.
        offered: ProtocolVersion,
        /// What is required.
        minimum: ProtocolVersion,
    },
    /// The name of an option that is none: it does not begin with `_pq_.`.
    #[error("the server does not know an option whose name is none")]
    NoOption,
    /// The name of an option that was not sent.
    #[error("the server does not know an option that it was not sent")]
    OptionNotSent,
}

impl NegotiateProtocolVersion {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let version = reader.u32("a version of the protocol")?;
        let count = reader.i32("a number of options")?;
        let mut options = Vec::new();
        if count >= 0 {
            for _ in 0..count {
                options.push(reader.string("the name of an option")?);
            }
            reader.end()?;
        }
        Ok(Self {
            version,
            count,
            options,
        })
    }

    /// The version that is spoken from now on. The checks are libpq's, in libpq's order.
    pub(crate) fn accept(
        &self,
        asked_for: ProtocolVersion,
        minimum: ProtocolVersion,
    ) -> Result<ProtocolVersion, NegotiationError> {
        let version = self.version;
        if version > asked_for.word() {
            return Err(NegotiationError::Upgrade { version });
        }
        if version < ProtocolVersion::V3_0.word() {
            return Err(NegotiationError::BeforeThree { version });
        }
        let Some(offered) = ProtocolVersion::from_word(version) else {
            return Err(NegotiationError::Reserved);
        };
        if self.count < 0 {
            let count = self.count;
            return Err(NegotiationError::NegativeCount { count });
        }
        if offered == asked_for && self.options.is_empty() {
            return Err(NegotiationError::NoChange);
        }
        if offered < minimum {
            return Err(NegotiationError::BelowMinimum { offered, minimum });
        }
        // None is ever sent.
        match self.options.first() {
            Some(option) if option.starts_with("_pq_.") => Err(NegotiationError::OptionNotSent),
            Some(_) => Err(NegotiationError::NoOption),
            None => Ok(offered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProtocolVersion::{V3_0, V3_2};

    fn accept(
        body: &[u8],
        asked_for: ProtocolVersion,
        minimum: ProtocolVersion,
    ) -> Result<ProtocolVersion, NegotiationError> {
        NegotiateProtocolVersion::decode(body)
            .unwrap()
            .accept(asked_for, minimum)
    }

    #[test]
    fn an_older_server_is_spoken_to_in_its_version() {
        assert_eq!(accept(b"\0\x03\0\0\0\0\0\0", V3_2, V3_0), Ok(V3_0));
    }

    #[test]
    fn security_21_every_lie_has_its_error() {
        use NegotiationError::{
            BeforeThree, BelowMinimum, NegativeCount, NoChange, NoOption, OptionNotSent, Reserved,
            Upgrade,
        };
        let below = BelowMinimum {
            offered: V3_0,
            minimum: V3_2,
        };
        for (body, asked_for, minimum, error) in [
            (
                &b"\0\x03\0\x02\0\0\0\0"[..],
                V3_0,
                V3_0,
                Upgrade { version: 196_610 },
            ),
            (
                b"\0\x03\x27\x0f\0\0\0\0",
                V3_2,
                V3_0,
                Upgrade { version: 206_607 },
            ),
            (
                b"\xff\xff\xff\xff\0\0\0\0",
                V3_2,
                V3_0,
                Upgrade { version: u32::MAX },
            ),
            (
                b"\0\x02\0\0\0\0\0\0",
                V3_2,
                V3_0,
                BeforeThree { version: 2 << 16 },
            ),
            // A minor version alone, as the manual has it.
            (b"\0\0\0\0\0\0\0\0", V3_2, V3_0, BeforeThree { version: 0 }),
            (b"\0\x03\0\x01\0\0\0\0", V3_2, V3_0, Reserved),
            (
                b"\0\x03\0\0\xff\xff\xff\xff",
                V3_2,
                V3_0,
                NegativeCount { count: -1 },
            ),
            (
                b"\0\x03\0\0\x80\0\0\0junk",
                V3_2,
                V3_0,
                NegativeCount { count: i32::MIN },
            ),
            (b"\0\x03\0\0\0\0\0\0", V3_0, V3_0, NoChange),
            (b"\0\x03\0\x02\0\0\0\0", V3_2, V3_0, NoChange),
            (b"\0\x03\0\0\0\0\0\0", V3_2, V3_2, below),
            (b"\0\x03\0\0\0\0\0\x01_pq_.x\0", V3_2, V3_0, OptionNotSent),
            (b"\0\x03\0\x02\0\0\0\x01_pq_.x\0", V3_2, V3_0, OptionNotSent),
            (b"\0\x03\0\0\0\0\0\x01_pq_.x\0", V3_0, V3_0, OptionNotSent),
            (b"\0\x03\0\0\0\0\0\x01user\0", V3_2, V3_0, NoOption),
            (b"\0\x03\0\0\0\0\0\x01\0", V3_2, V3_0, NoOption),
        ] {
            assert_eq!(accept(body, asked_for, minimum), Err(error), "{body:?}");
        }
    }

    #[test]
    fn bodies_that_end_early_or_late() {
        let whole = b"\0\x03\0\0\0\0\0\x02_pq_.x\0_pq_.y\0";
        assert!(NegotiateProtocolVersion::decode(whole).is_ok());
        for length in 0..whole.len() {
            assert!(NegotiateProtocolVersion::decode(&whole[..length]).is_err());
        }
        for body in [
            &b"\0\x03\0\0\0\0\0\0x"[..],
            b"\0\x03\0\0\0\0\0\x01a\0b\0",
            b"\0\x03\0\0\x7f\xff\xff\xffa\0",
        ] {
            assert!(NegotiateProtocolVersion::decode(body).is_err(), "{body:?}");
        }
    }
}
