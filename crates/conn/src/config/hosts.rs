//! Lists of hosts, as libpq has them: names, addresses and ports, each a list of its own.

use super::keyword::integer;
use super::settings::DEFAULT_PORT;
use super::validate::check_socket_path;
use super::{Address, ConfigError, Settings, SslMode};

/// One of the servers that a [`Config`](super::Config) names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    name: String,
    addr: String,
    port: u16,
}

impl Host {
    /// What it is called: a host name, an IP address, the absolute path of a Unix socket or of its folder, or `@` and a name in Linux's
    /// abstract namespace. Where there is an [address](Self::addr) it only says whose certificate is expected; it may be empty then.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The IP address, where it was given apart from the name: then no name is looked up.
    pub fn addr(&self) -> Option<&str> {
        (!self.addr.is_empty()).then_some(&*self.addr)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens, by its name if it has one.
    pub fn address(&self) -> Address {
        match (self.name.as_str(), self.addr()) {
            ("", Some(addr)) => Address::tcp(addr, self.port),
            ("", None) => Address::new(DEFAULT_HOST, self.port),
            (name, Some(_)) => Address::tcp(name, self.port),
            (name, None) => Address::new(name, self.port),
        }
    }
}

/// What an empty element of a list means: where the packages of the operating system have the server put its socket.
const DEFAULT_HOST: &str = if cfg!(target_os = "linux") {
    "/var/run/postgresql"
} else if cfg!(unix) {
    "/tmp"
} else {
    "localhost"
};

/// What was said, each list as long as it was given. An empty list says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct HostLists {
    pub(super) names: Vec<String>,
    pub(super) addrs: Vec<String>,
    /// One counts for all.
    pub(super) ports: Vec<u16>,
}

impl HostLists {
    /// Where the lists do not fit together, as far as they do.
    pub(super) fn hosts(&self) -> Vec<Host> {
        (0..self.len()).map(|at| self.host(at)).collect()
    }

    pub(super) fn host(&self, at: usize) -> Host {
        Host {
            name: self.names.get(at).cloned().unwrap_or_default(),
            addr: self.addrs.get(at).cloned().unwrap_or_default(),
            port: self.port(at),
        }
    }

    fn len(&self) -> usize {
        match self.addrs.len() {
            0 => self.names.len().max(1),
            addrs => addrs,
        }
    }

    fn port(&self, at: usize) -> u16 {
        let port = match self.ports.as_slice() {
            [all] => Some(all),
            ports => ports.get(at),
        };
        port.copied().unwrap_or(DEFAULT_PORT)
    }

    pub(super) fn set_name(&mut self, name: String) {
        self.names.clear();
        if !name.is_empty() {
            self.names.push(name);
        }
    }

    pub(super) fn push(&mut self, name: String, port: u16) {
        if self.names.is_empty() && self.addrs.is_empty() {
            self.ports = vec![port];
        } else {
            let len = self.len();
            self.ports = (0..len).map(|at| self.port(at)).chain([port]).collect();
            self.names.resize(len, String::new());
            if !self.addrs.is_empty() {
                self.addrs.push(String::new());
            }
        }
        self.names.push(name);
    }

    /// Of the last host.
    pub(super) fn set_addr(&mut self, addr: String) {
        self.addrs.resize(self.len(), String::new());
        if let Some(last) = self.addrs.last_mut() {
            *last = addr;
        }
    }

    pub(super) fn contain_nul(&self) -> Option<&'static str> {
        let contain = |list: &[String]| list.iter().any(|text| text.contains('\0'));
        if contain(&self.names) {
            Some("host")
        } else {
            contain(&self.addrs).then_some("hostaddr")
        }
    }
}

/// Lists are equal that mean the same.
impl PartialEq for HostLists {
    fn eq(&self, other: &Self) -> bool {
        self.hosts() == other.hosts() && self.check_lengths() == other.check_lengths()
    }
}

impl Eq for HostLists {}

/// A comma always separates, even in a path, as for libpq.
pub(super) fn host(settings: &mut Settings, value: String) {
    settings.reach.hosts.names = elements(&value);
}

pub(super) fn hostaddr(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let addrs = elements(value);
    addrs.iter().try_for_each(|addr| check_addr(addr))?;
    settings.reach.hosts.addrs = addrs;
    Ok(())
}

pub(super) fn port(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let ports = elements(value).into_iter().map(|text| {
        if text.is_empty() {
            return Ok(DEFAULT_PORT);
        }
        let port = integer(&text).and_then(|port| u16::try_from(port).ok());
        port.filter(|&port| port != 0).ok_or(BAD_PORT)
    });
    settings.reach.hosts.ports = ports.collect::<Result<_, _>>()?;
    Ok(())
}

const BAD_PORT: ConfigError = ConfigError::InvalidValue {
    keyword: "port",
    reason: "it is a number from 1 to 65535",
};

/// Nothing at all is no list.
fn elements(value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    value.split(',').map(str::to_owned).collect()
}

/// Everything about hosts that a setter could not refuse.
pub(super) fn validate(settings: &Settings) -> Result<(), ConfigError> {
    let lists = &settings.reach.hosts;
    lists.check_lengths()?;
    let hosts = lists.hosts();
    if let [only] = hosts.as_slice()
        && only.name.is_empty()
        && only.addr.is_empty()
    {
        return Err(ConfigError::Missing { keyword: "host" });
    }
    for host in &hosts {
        check(host, settings)?;
    }
    Ok(())
}

impl HostLists {
    fn check_lengths(&self) -> Result<(), ConfigError> {
        let hosts = self.len();
        let fits = |given: usize, keyword| {
            if given == 0 || given == hosts {
                Ok(())
            } else {
                Err(ConfigError::ListLength {
                    keyword,
                    given,
                    hosts,
                })
            }
        };
        fits(self.names.len(), "host")?;
        match self.ports.len() {
            1 => Ok(()),
            given => fits(given, "port"),
        }
    }
}

fn check(host: &Host, settings: &Settings) -> Result<(), ConfigError> {
    check_addr(&host.addr)?;
    if host.port == 0 {
        return Err(BAD_PORT);
    }
    if host.addr().is_some() {
        if host.name.is_empty() && settings.ssl_mode() == SslMode::VerifyFull {
            return invalid(
                "sslmode=verify-full compares it with the certificate, so each needs one",
            );
        }
        return Ok(());
    }
    match host.address() {
        Address::Unix(path) => check_socket_path(path.as_os_str().len()),
        // Its first byte is a zero byte, in place of the `@`.
        Address::Abstract(name) => check_socket_path(name.len() + 1),
        Address::Tcp { host, .. } if host.contains(['/', '\\']) => {
            invalid("the path of a Unix socket must be absolute")
        }
        Address::Tcp { host, .. } if host.contains(',') => {
            invalid("a comma separates hosts in connection strings only: call Config::add_host")
        }
        Address::Tcp { .. } => Ok(()),
    }
}

fn invalid(reason: &'static str) -> Result<(), ConfigError> {
    Err(ConfigError::InvalidValue {
        keyword: "host",
        reason,
    })
}

/// Nothing, or an IP address, of version 6 with a zone perhaps.
fn check_addr(addr: &str) -> Result<(), ConfigError> {
    let is_address = match addr.split_once('%') {
        Some((addr, zone)) => addr.parse::<std::net::Ipv6Addr>().is_ok() && !zone.is_empty(),
        None => addr.is_empty() || addr.parse::<std::net::IpAddr>().is_ok(),
    };
    if is_address {
        return Ok(());
    }
    Err(ConfigError::InvalidValue {
        keyword: "hostaddr",
        reason: "it is an IP address, without brackets",
    })
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    /// Each as `name|addr|port`, with a space between.
    fn read(text: &str) -> Result<String, ConfigError> {
        let config: Config = text.parse()?;
        let config = config.user("u");
        config.validate()?;
        let hosts = config.settings().hosts();
        let hosts = hosts.iter().map(|host| {
            let (name, addr) = (host.name(), host.addr().unwrap_or_default());
            format!("{name}|{addr}|{}", host.port())
        });
        Ok(hosts.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn acceptance_01_lists_as_libpq_reads_them() {
        for (text, hosts) in [
            ("host=a", "a||5432"),
            ("host=a,b", "a||5432 b||5432"),
            ("host=a,b port=1", "a||1 b||1"),
            ("port=1,2 host=a,b", "a||1 b||2"),
            ("host=a,b port=1,", "a||1 b||5432"),
            ("host=a,b port=,2", "a||5432 b||2"),
            ("host=a,b port=,", "a||5432 b||5432"),
            ("host=a,b port=''", "a||5432 b||5432"),
            ("host=a,,b", "a||5432 ||5432 b||5432"),
            ("host=,", "||5432 ||5432"),
            ("host=a,@b,/c", "a||5432 @b||5432 /c||5432"),
            ("host=::1,127.0.0.1", "::1||5432 127.0.0.1||5432"),
            ("host=' a, b'", " a||5432  b||5432"),
            ("host=/a,/b port=1,2", "/a||1 /b||2"),
            ("hostaddr=192.0.2.1", "|192.0.2.1|5432"),
            ("hostaddr=192.0.2.1,::1 port=1,2", "|192.0.2.1|1 |::1|2"),
            ("host=a,b hostaddr=192.0.2.1,", "a|192.0.2.1|5432 b||5432"),
            ("hostaddr=,::1 host=a,b", "a||5432 b|::1|5432"),
            ("host='' hostaddr=fe80::1%eth0", "|fe80::1%eth0|5432"),
            ("host=a,b host=c", "c||5432"),
            ("postgres://a,b", "a||5432 b||5432"),
            ("postgres://a:1,b:2,[::1]:3/d", "a||1 b||2 ::1||3"),
            ("postgres://a:1,b/d", "a||1 b||5432"),
            ("postgres://a,b:2?sslmode=disable", "a||5432 b||2"),
            ("postgres://[::1],b", "::1||5432 b||5432"),
            ("postgres://u:p,q@a:1,b", "a||1 b||5432"),
            ("postgres://,/d", "||5432 ||5432"),
            ("postgres://:1,:2", "||1 ||2"),
            ("postgres://a%2Cb", "a||5432 b||5432"),
            ("postgres://%2Fa,b:2", "/a||5432 b||2"),
            ("postgres://a:1,b:2?host=c,d", "c||1 d||2"),
            ("postgres://a,b?port=7", "a||7 b||7"),
            (
                "postgres://a,b?hostaddr=192.0.2.1,192.0.2.2",
                "a|192.0.2.1|5432 b|192.0.2.2|5432",
            ),
        ] {
            assert_eq!(read(text).as_deref(), Ok(hosts), "{text:?}");
        }
    }

    #[test]
    fn acceptance_01_lists_that_do_not_fit_together() {
        for (text, message) in [
            ("host=a port=1,2", "port: 2 values for 1 host"),
            ("host=a,b port=1,2,3", "port: 3 values for 2 hosts"),
            ("port=1,2 hostaddr=::1", "port: 2 values for 1 host"),
            ("host=a,b hostaddr=::1", "host: 2 values for 1 host"),
            ("host=a hostaddr=::1,::2", "host: 1 value for 2 hosts"),
            ("postgres://a:1,b:2?host=c", "port: 2 values for 1 host"),
            ("postgres://a:1,b:2?port=1,2,3", "port: 3 values for 2"),
            ("", "host is missing"),
            ("port=1", "host is missing"),
            ("postgres://", "host is missing"),
            ("host=a,b/c", "must be absolute"),
            ("hostaddr=a", "invalid value for hostaddr"),
            ("hostaddr=::1,[::1]", "invalid value for hostaddr"),
            ("hostaddr=127.0.0.1%lo", "invalid value for hostaddr"),
            ("hostaddr=fe80::1%", "invalid value for hostaddr"),
            ("hostaddr=' ::1'", "invalid value for hostaddr"),
            ("hostaddr=/tmp", "invalid value for hostaddr"),
            ("host=a,b port=1,0", "invalid value for port"),
            ("postgres://a:x,b", "invalid value for port"),
            ("postgres://a,[b", "no `]`"),
            ("postgres://[a]b,c", "the brackets"),
            ("postgres://a,b@c", "user"),
        ] {
            let shown = match read(text) {
                Ok(hosts) => format!("user, hosts {hosts}"),
                Err(error) => error.to_string(),
            };
            assert!(shown.contains(message), "{text:?}: {shown}");
        }
    }

    #[test]
    fn setters_say_what_strings_say() {
        let parse = |text: &str| text.parse::<Config>().unwrap();
        for (built, text) in [
            (Config::new("a", "u").add_host("b", 2), "host=a,b port=,2"),
            (
                Config::new("a", "u").port(1).add_host("b", 2),
                "host=a,b port=1,2",
            ),
            (
                Config::new("a", "u").add_host("b", 2).port(3),
                "host=a,b port=3",
            ),
            (Config::new("", "u").add_host("a", 2), "host=a port=2"),
            (
                Config::new("a", "u").host_addr("::1"),
                "host=a hostaddr=::1",
            ),
            (Config::new("", "u").host_addr("::1"), "hostaddr=::1"),
            (
                Config::new("a", "u").add_host("b", 2).host_addr("::1"),
                "host=a,b port=,2 hostaddr=,::1",
            ),
            (
                Config::new("a", "u").host_addr("::1").add_host("b", 2),
                "host=a,b port=,2 hostaddr=::1,",
            ),
            (
                Config::new("", "u").host_addr("::1").add_host("b", 2),
                "host=,b port=,2 hostaddr=::1,",
            ),
            (
                Config::new("a", "u").add_host("b", 2).host("c").port(1),
                "host=c port=1",
            ),
            (parse("host=a,b").host("c"), "host=c"),
            (Config::new("a", "u").port(5432), "host=a"),
        ] {
            let text = format!("{text} user=u");
            assert_eq!(parse(&text), built.user("u"), "{text:?}");
        }
        assert_ne!(parse("host=a,b"), parse("host=b,a"));
        assert_ne!(parse("host=a port=1,2"), parse("host=a port=1"));
    }

    #[test]
    fn a_setter_takes_one_host() {
        let error = Config::new("a,b", "u").validate().unwrap_err();
        assert!(error.to_string().contains("Config::add_host"), "{error}");
        let bad = Config::new("a", "u").host_addr("b").validate();
        assert!(matches!(
            bad,
            Err(ConfigError::InvalidValue {
                keyword: "hostaddr",
                ..
            })
        ));
        let bad = Config::new("a", "u").add_host("b", 0).validate();
        assert_eq!(bad, Err(BAD_PORT));
    }

    #[test]
    fn where_each_host_is() {
        let addresses = |text: &str| {
            let config: Config = text.parse().unwrap();
            let hosts = config.settings().hosts();
            let shown: Vec<_> = hosts
                .iter()
                .map(|host| host.address().to_string())
                .collect();
            shown.join(" ")
        };
        assert_eq!(
            addresses("host=a,/b,@c,::1 port=1,2,3,4"),
            "a:1 /b/.s.PGSQL.2 @c/.s.PGSQL.3 [::1]:4"
        );
        assert_eq!(
            addresses("hostaddr=::1,192.0.2.1"),
            "[::1]:5432 192.0.2.1:5432"
        );
        assert_eq!(addresses("host=a,/b hostaddr=::1,::2"), "a:5432 /b:5432");
        if cfg!(target_os = "linux") {
            assert_eq!(
                addresses("host=a, port=1"),
                "a:1 /var/run/postgresql/.s.PGSQL.1"
            );
        }
    }

    #[test]
    fn a_certificate_needs_a_name_to_be_for() {
        let check = |text: &str| text.parse::<Config>().unwrap().user("u").validate();
        let full = "sslmode=verify-full sslrootcert=/r";
        let error = check(&format!("hostaddr=::1 {full}")).map_err(|error| error.to_string());
        if cfg!(feature = "tls") {
            let error = error.unwrap_err();
            assert!(error.contains("each needs one"), "{error}");
            assert_eq!(check(&format!("hostaddr=::1 host=a {full}")), Ok(()));
            assert!(check(&format!("hostaddr=::1,::2 host=a, {full}")).is_err());
            assert_eq!(
                check("hostaddr=::1 sslmode=verify-ca sslrootcert=/r"),
                Ok(())
            );
        }
    }
}
