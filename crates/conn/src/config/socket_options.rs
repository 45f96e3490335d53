//! What a TCP socket is told.

use std::time::Duration;

use super::keyword::integer;
use super::{ConfigError, Settings};

/// What a runtime tells a TCP socket, besides `TCP_NODELAY`: how it notices that the other side is gone. Sockets of other kinds have none
/// of it.
///
/// What is `None` is left to the operating system. As for libpq, what an operating system does not have has no effect there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    keepalives: bool,
    keepalives_idle: Option<Duration>,
    keepalives_interval: Option<Duration>,
    keepalives_count: Option<u32>,
    tcp_user_timeout: Option<Duration>,
}

impl SocketOptions {
    /// Whether a peer that is silent is asked now and then whether it is there (`SO_KEEPALIVE`). The other three about it mean nothing
    /// without.
    pub fn keepalives(&self) -> bool {
        self.keepalives
    }

    /// After how long a silence it is asked first (`TCP_KEEPIDLE`).
    pub fn keepalives_idle(&self) -> Option<Duration> {
        self.keepalives_idle
    }

    /// How long after that it is asked again (`TCP_KEEPINTVL`).
    pub fn keepalives_interval(&self) -> Option<Duration> {
        self.keepalives_interval
    }

    /// How often it is asked in vain before the connection is lost (`TCP_KEEPCNT`).
    pub fn keepalives_count(&self) -> Option<u32> {
        self.keepalives_count
    }

    /// How long what was sent may be without an acknowledgement before the connection is lost (`TCP_USER_TIMEOUT`).
    pub fn tcp_user_timeout(&self) -> Option<Duration> {
        self.tcp_user_timeout
    }

    pub(super) fn set_keepalives(&mut self, on: bool) {
        self.keepalives = on;
    }

    pub(super) fn set_keepalives_idle(&mut self, idle: Duration) {
        self.keepalives_idle = whole(idle, SECOND);
    }

    pub(super) fn set_keepalives_interval(&mut self, interval: Duration) {
        self.keepalives_interval = whole(interval, SECOND);
    }

    pub(super) fn set_keepalives_count(&mut self, count: u32) {
        self.keepalives_count = (count > 0).then_some(count);
    }

    pub(super) fn set_tcp_user_timeout(&mut self, timeout: Duration) {
        self.tcp_user_timeout = whole(timeout, MILLISECOND);
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Rounded up: the operating system counts whole units, and none of them is no limit to it.
fn whole(duration: Duration, unit: Duration) -> Option<Duration> {
    let units = duration.as_nanos().div_ceil(unit.as_nanos());
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    (units > 0).then(|| unit.saturating_mul(units))
}

/// libpq's: the peer is asked, as often as the operating system thinks right.
impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            keepalives: true,
            keepalives_idle: None,
            keepalives_interval: None,
            keepalives_count: None,
            tcp_user_timeout: None,
        }
    }
}

pub(super) fn keepalives(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let on = integer(value).ok_or(ConfigError::InvalidValue {
        keyword: "keepalives",
        reason: "it is 0 or 1",
    })?;
    settings.reach.socket.set_keepalives(on != 0);
    Ok(())
}

pub(super) fn keepalives_idle(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let idle = seconds("keepalives_idle", value)?;
    settings.reach.socket.set_keepalives_idle(idle);
    Ok(())
}

pub(super) fn keepalives_interval(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let interval = seconds("keepalives_interval", value)?;
    settings.reach.socket.set_keepalives_interval(interval);
    Ok(())
}

pub(super) fn keepalives_count(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let count = integer(value).ok_or(ConfigError::InvalidValue {
        keyword: "keepalives_count",
        reason: "it is a whole number",
    })?;
    let count = u32::try_from(count).unwrap_or(0);
    settings.reach.socket.set_keepalives_count(count);
    Ok(())
}

pub(super) fn tcp_user_timeout(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let timeout = integer(value).ok_or(ConfigError::InvalidValue {
        keyword: "tcp_user_timeout",
        reason: "it is a whole number of milliseconds",
    })?;
    let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(0));
    settings.reach.socket.set_tcp_user_timeout(timeout);
    Ok(())
}

/// Less than zero is zero.
pub(super) fn seconds(keyword: &'static str, value: &str) -> Result<Duration, ConfigError> {
    let seconds = integer(value).ok_or(ConfigError::InvalidValue {
        keyword,
        reason: "it is a whole number of seconds",
    })?;
    Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn strings_and_setters_say_the_same() {
        let built = Config::new("h", "u")
            .keepalives(false)
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_count(3)
            .tcp_user_timeout(Duration::from_millis(1500));
        let text = "host=h user=u keepalives=0 keepalives_idle=30 keepalives_interval=5 \
            keepalives_count=3 tcp_user_timeout=1500";
        assert_eq!(text.parse(), Ok(built.clone()));
        let options = built.settings().socket_options();
        assert!(!options.keepalives());
        assert_eq!(options.keepalives_idle(), Some(Duration::from_secs(30)));
        assert_eq!(options.keepalives_interval(), Some(Duration::from_secs(5)));
        assert_eq!(options.keepalives_count(), Some(3));
        assert_eq!(
            options.tcp_user_timeout(),
            Some(Duration::from_millis(1500))
        );
    }

    #[test]
    fn zero_and_less_are_the_systems_own() {
        let text = "host=h user=u keepalives=1 keepalives_idle=0 keepalives_interval=-1 \
            keepalives_count=-1 tcp_user_timeout=0";
        assert_eq!(text.parse(), Ok(Config::new("h", "u")));
        assert!(
            Config::new("h", "u")
                .settings()
                .socket_options()
                .keepalives()
        );
        let zero = Config::new("h", "u")
            .keepalives(true)
            .keepalives_idle(Duration::ZERO)
            .keepalives_interval(Duration::ZERO)
            .keepalives_count(0)
            .tcp_user_timeout(Duration::ZERO);
        assert_eq!(zero, Config::new("h", "u"));
        let short = Config::new("h", "u")
            .keepalives_idle(Duration::from_nanos(1))
            .tcp_user_timeout(Duration::from_nanos(1));
        let options = short.settings().socket_options();
        assert_eq!(options.keepalives_idle(), Some(SECOND));
        assert_eq!(options.tcp_user_timeout(), Some(MILLISECOND));
        for keyword in [
            "keepalives",
            "keepalives_idle",
            "keepalives_interval",
            "keepalives_count",
            "tcp_user_timeout",
        ] {
            for value in ["on", "''", "1.5", "2147483648"] {
                let text = format!("{keyword}={value}");
                assert!(text.parse::<Config>().is_err(), "{text}");
            }
        }
    }
}
