//! The versions of the protocol.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// A version of the frontend/backend protocol.
///
/// 3.1 is none: it was never released, but a pooler claimed it once, so it is neither asked for nor accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// 3.0, which every server since PostgreSQL 7.4 speaks.
    #[default]
    V3_0,
    /// 3.2, since PostgreSQL 18: cancel keys are longer.
    V3_2,
}

/// What is no version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a version of the protocol is 3.0, 3.2 or latest")]
pub struct UnknownProtocolVersion;

impl ProtocolVersion {
    /// The newest one, `latest` to libpq.
    pub const LATEST: Self = Self::V3_2;

    /// As it is written on the wire: the major version in the high half, the minor one in the low.
    pub(crate) const fn word(self) -> u32 {
        match self {
            Self::V3_0 => 3 << 16,
            Self::V3_2 => 3 << 16 | 2,
        }
    }

    pub(crate) fn from_word(word: u32) -> Option<Self> {
        [Self::V3_0, Self::V3_2]
            .into_iter()
            .find(|version| version.word() == word)
    }
}

/// libpq's spelling: `3.0`, `3.2`, or `latest`.
impl FromStr for ProtocolVersion {
    type Err = UnknownProtocolVersion;

    fn from_str(text: &str) -> Result<Self, UnknownProtocolVersion> {
        match text {
            "3.0" => Ok(Self::V3_0),
            "3.2" => Ok(Self::V3_2),
            "latest" => Ok(Self::LATEST),
            _ => Err(UnknownProtocolVersion),
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_0 => "3.0",
            Self::V3_2 => "3.2",
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn acceptance_10_versions_are_spelled_as_libpq_spells_them() {
        for version in [ProtocolVersion::V3_0, ProtocolVersion::V3_2] {
            assert_eq!(version.to_string().parse(), Ok(version));
            assert_eq!(ProtocolVersion::from_word(version.word()), Some(version));
        }
        assert_eq!("latest".parse(), Ok(ProtocolVersion::V3_2));
        for text in ["", "3", "3.1", "3.3", "2.0", "3.0 ", "Latest", "30000"] {
            assert_eq!(
                text.parse::<ProtocolVersion>(),
                Err(UnknownProtocolVersion),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_words_of_the_manual() {
        assert_eq!(ProtocolVersion::V3_0.word(), 196_608);
        assert_eq!(ProtocolVersion::V3_2.word(), 196_610);
        for word in [0, 2, 2 << 16, 196_609, 196_611, 206_607, u32::MAX] {
            assert_eq!(ProtocolVersion::from_word(word), None);
        }
    }
}
