//! Which of several servers is wanted, and in which order they are asked.

use std::fmt;
use std::str::FromStr;

use super::ConfigError;

/// libpq's `target_session_attrs`: which server will do, of those that can be reached.
///
/// Servers of version 14 and newer say what they are when a session begins. Others, and poolers that leave it out, are asked with one
/// query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetSessionAttrs {
    /// `any`: every server. The default.
    #[default]
    Any,
    /// `read-write`: one whose sessions can write unless they say otherwise: no standby, and `default_transaction_read_only` is off.
    ReadWrite,
    /// `read-only`: one whose sessions cannot.
    ReadOnly,
    /// `primary`: one that is not in recovery.
    Primary,
    /// `standby`: one that is in recovery (hot standby).
    Standby,
    /// `prefer-standby`: a standby; if there is none among the hosts, any of them: they are tried once more, from the first one.
    PreferStandby,
}

impl TargetSessionAttrs {
    const ALL: [Self; 6] = [
        Self::Any,
        Self::ReadWrite,
        Self::ReadOnly,
        Self::Primary,
        Self::Standby,
        Self::PreferStandby,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }
}

impl FromStr for TargetSessionAttrs {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let found = Self::ALL.into_iter().find(|attrs| attrs.name() == text);
        found.ok_or(ConfigError::InvalidValue {
            keyword: "target_session_attrs",
            reason: "it is any, read-write, read-only, primary, standby or prefer-standby",
        })
    }
}

impl fmt::Display for TargetSessionAttrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// libpq's `load_balance_hosts`: in which order the hosts, and the addresses of each, are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadBalanceHosts {
    /// `disable`: as they were given, and as the look-up of a name gives them. The default.
    #[default]
    Disable,
    /// `random`: in another order each time, so that many connections spread over all of them.
    Random,
}

impl FromStr for LoadBalanceHosts {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text {
            "disable" => Ok(Self::Disable),
            "random" => Ok(Self::Random),
            _ => Err(ConfigError::InvalidValue {
                keyword: "load_balance_hosts",
                reason: "it is disable or random",
            }),
        }
    }
}

impl fmt::Display for LoadBalanceHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Random => "random",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_one_spelling() {
        for attrs in TargetSessionAttrs::ALL {
            assert_eq!(attrs.to_string().parse(), Ok(attrs));
        }
        for order in [LoadBalanceHosts::Disable, LoadBalanceHosts::Random] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        for text in ["", "Any", "read_write", "any ", "secondary", "on"] {
            assert!(text.parse::<TargetSessionAttrs>().is_err(), "{text:?}");
            assert!(text.parse::<LoadBalanceHosts>().is_err(), "{text:?}");
        }
    }
}
