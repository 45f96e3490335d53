//! The versions of the protocol.

use std::fmt;
use std::str::FromStr;

use super::ConfigError;

/// A version of the frontend/backend protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// 3.0, which every server since PostgreSQL 7.4 speaks.
    #[default]
    V3_0,
}

impl FromStr for ProtocolVersion {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "3.0" => Ok(Self::V3_0),
            "3.2" | "latest" => Err(ConfigError::UnsupportedValue {
                keyword: "max_protocol_version",
                supported: "3.0",
            }),
            // 3.1 never existed: servers and poolers were confused by it, so libpq refuses it too.
            _ => Err(ConfigError::InvalidValue {
                keyword: "max_protocol_version",
                reason: "it is a version of the protocol, such as 3.0",
            }),
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V3_0 => f.write_str("3.0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_10_only_3_0_is_accepted_yet() {
        assert_eq!("3.0".parse(), Ok(ProtocolVersion::V3_0));
        assert_eq!(ProtocolVersion::V3_0.to_string(), "3.0");
        for text in ["3.2", "latest"] {
            let error = text.parse::<ProtocolVersion>().unwrap_err();
            assert_eq!(
                error.to_string(),
                "max_protocol_version: only 3.0 is supported"
            );
        }
        for text in ["", "3", "3.1", "3.3", "2.0", "3.0 ", "Latest", "30000"] {
            let error = text.parse::<ProtocolVersion>().unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidValue { .. }),
                "{text:?}"
            );
        }
    }
}
