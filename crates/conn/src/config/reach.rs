//! How servers are reached: which, in what order, how long it may take, over what sockets.

use std::time::Duration;

use super::hosts::HostLists;
use super::settings::non_empty;
use super::socket_options::seconds;
use super::{
    Address, Config, ConfigError, Host, LoadBalanceHosts, Settings, SocketOptions,
    TargetSessionAttrs,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) hosts: HostLists,
    pub(super) target: TargetSessionAttrs,
    pub(super) load_balance: LoadBalanceHosts,
    pub(super) timeout: Option<Duration>,
    pub(super) total_timeout: Option<Duration>,
    pub(super) socket: SocketOptions,
    pub(super) require_peer: Option<String>,
}

/// Hosts, and how they are reached.
impl Config {
    /// Replaces the name of the host, or the names of all of them, by one: see [`new`](Self::new).
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.settings.reach.hosts.set_name(host.into());
        self
    }

    /// The port, of all hosts; 5432 by default. For a Unix socket it is a part of its name, when the host is a
    /// folder.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.reach.hosts.ports = vec![port];
        self
    }

    /// One more host, which is tried after the others: [more](#several-hosts).
    ///
    /// ```
    /// # use purepg_conn::Config;
    /// let built = Config::new("db1", "postgres").add_host("db2", 5433);
    /// assert_eq!("postgres://postgres@db1:5432,db2:5433".parse(), Ok(built));
    /// ```
    pub fn add_host(mut self, host: impl Into<String>, port: u16) -> Self {
        self.settings.reach.hosts.push(host.into(), port);
        self
    }

    /// The IP address, without brackets, of the host that was named last (`hostaddr`): its name is not looked up then. It still is the
    /// name that a certificate must be for, and may be empty where nobody asks.
    pub fn host_addr(mut self, addr: impl Into<String>) -> Self {
        self.settings.reach.hosts.set_addr(addr.into());
        self
    }

    /// Which of the servers will do; [`TargetSessionAttrs::Any`] by default.
    pub fn target_session_attrs(mut self, attrs: TargetSessionAttrs) -> Self {
        self.settings.reach.target = attrs;
        self
    }

    /// In which order the hosts, and the addresses of each, are tried; [`LoadBalanceHosts::Disable`] by default.
    pub fn load_balance_hosts(mut self, order: LoadBalanceHosts) -> Self {
        self.settings.reach.load_balance = order;
        self
    }

    /// How long connecting may take, until the server is ready: for each host, and each address of a host that has several. The look-up
    /// of a name counts for the first of its addresses. Zero is no limit, which is the default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.reach.timeout = (!timeout.is_zero()).then_some(timeout);
        self
    }

    /// How long connecting may take with all hosts and addresses together. Zero is no limit, which is the default. A connection string
    /// cannot say it.
    pub fn total_connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.reach.total_timeout = (!timeout.is_zero()).then_some(timeout);
        self
    }

    /// Whether a server that is silent is asked now and then whether it is there; true by default.
    ///
    /// This and the four that follow are about TCP: see [`SocketOptions`].
    pub fn keepalives(mut self, on: bool) -> Self {
        self.settings.reach.socket.set_keepalives(on);
        self
    }

    /// After how long a silence a server is asked first, rounded up to whole seconds. Zero leaves it to the operating system, as by default.
    pub fn keepalives_idle(mut self, idle: Duration) -> Self {
        self.settings.reach.socket.set_keepalives_idle(idle);
        self
    }

    /// How long after that it is asked again, rounded up to whole seconds. Zero leaves it to the operating system, as by default.
    pub fn keepalives_interval(mut self, interval: Duration) -> Self {
        self.settings.reach.socket.set_keepalives_interval(interval);
        self
    }

    /// How often it is asked in vain before the connection is lost. Zero leaves it to the operating system, as by default.
    pub fn keepalives_count(mut self, count: u32) -> Self {
        self.settings.reach.socket.set_keepalives_count(count);
        self
    }

    /// How long what was sent may be without an acknowledgement before the connection is lost, rounded up to whole
    /// milliseconds. Zero leaves it to the operating system, as by default.
    pub fn tcp_user_timeout(mut self, timeout: Duration) -> Self {
        self.settings.reach.socket.set_tcp_user_timeout(timeout);
        self
    }

    /// The user of the operating system that a server behind a Unix socket must run as (`requirepeer`), or nothing is told it. So nobody
    /// else who happened to put a socket there is taken for the server. Empty is anybody, which is the default. It means nothing for TCP.
    pub fn require_peer(mut self, user: impl Into<String>) -> Self {
        self.settings.reach.require_peer = non_empty(user.into());
        self
    }
}

/// Hosts, and how they are reached.
impl Settings {
    /// The name of the first host: a host name, an IP address, the absolute path of a Unix socket or of its folder, or `@` and a name in
    /// Linux's abstract namespace. Empty when a connection string gave none.
    pub fn host(&self) -> &str {
        let names = &self.reach.hosts.names;
        names.first().map_or("", String::as_str)
    }

    /// The port of the first host.
    pub fn port(&self) -> u16 {
        self.first().port()
    }

    /// Where the first host is: what its name and its port mean together.
    pub fn address(&self) -> Address {
        self.first().address()
    }

    /// All hosts, in the order in which they were given. Where names, addresses and ports are not as many, which
    /// [`Config::validate`] refuses, as far as they fit together.
    pub fn hosts(&self) -> Vec<Host> {
        self.reach.hosts.hosts()
    }

    fn first(&self) -> Host {
        self.reach.hosts.host(0)
    }

    /// Which of the servers will do.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        self.reach.target
    }

    /// In which order they are tried.
    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        self.reach.load_balance
    }

    /// How long connecting to one address of one host may take, if there is a limit.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.reach.timeout
    }

    /// How long connecting may take altogether, if there is a limit.
    pub fn total_connect_timeout(&self) -> Option<Duration> {
        self.reach.total_timeout
    }

    /// What TCP sockets are told.
    pub fn socket_options(&self) -> &SocketOptions {
        &self.reach.socket
    }

    /// The user that a server behind a Unix socket must run as.
    pub fn require_peer(&self) -> Option<&str> {
        self.reach.require_peer.as_deref()
    }
}

pub(super) fn target_session_attrs(
    settings: &mut Settings,
    value: &str,
) -> Result<(), ConfigError> {
    settings.reach.target = value.parse()?;
    Ok(())
}

pub(super) fn load_balance_hosts(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    settings.reach.load_balance = value.parse()?;
    Ok(())
}

/// Zero and less mean that there is no limit.
pub(super) fn connect_timeout(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let timeout = seconds("connect_timeout", value)?;
    settings.reach.timeout = (!timeout.is_zero()).then_some(timeout);
    Ok(())
}

pub(super) fn require_peer(settings: &mut Settings, value: String) {
    settings.reach.require_peer = non_empty(value);
}
