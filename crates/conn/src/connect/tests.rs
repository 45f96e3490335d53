use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::io::{AllowStdIo, Cursor};

use super::*;
use crate::config::{SocketOptions, SslMode};

/// A runtime that notes where it was asked to connect to; nobody listens anywhere.
#[derive(Clone, Default)]
struct Nowhere(Arc<Mutex<Vec<String>>>);

impl Runtime for Nowhere {
    type Stream = Cursor<Vec<u8>>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        _: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        self.0.lock().unwrap().push(endpoint.to_string());
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Box::pin(std::future::ready(Err(refused)))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        job();
        Box::pin(std::future::ready(()))
    }
}

/// What is said, and where it went, for hosts that cannot be reached.
fn fail(config: &Config) -> (Error, Vec<String>) {
    let runtime = Nowhere::default();
    let connecting = connect(Arc::new(runtime.clone()), config);
    // It becomes a part of the futures of others.
    assert!(size_of_val(&connecting) < 2_000);
    let result = connecting.now_or_never();
    let tried = std::mem::take(&mut *runtime.0.lock().unwrap());
    (result.unwrap().unwrap_err(), tried)
}

#[test]
fn acceptance_02_every_attempt_is_told() {
    let config = Config::new("192.0.2.1", "u")
        .add_host("/run", 2)
        .add_host("@name", 3)
        .add_host("db", 4)
        .host_addr("::1");
    let (error, tried) = fail(&config);
    let places = [
        "192.0.2.1:5432",
        "/run/.s.PGSQL.2",
        "@name/.s.PGSQL.3",
        "[::1]:4",
    ];
    assert_eq!(tried, places);
    assert_eq!(
        error.to_string(),
        "no connection in 4 attempts\n\
         192.0.2.1:5432: connecting to 192.0.2.1:5432: connection refused\n\
         /run/.s.PGSQL.2: connecting to /run/.s.PGSQL.2: connection refused\n\
         @name/.s.PGSQL.3: connecting to @name/.s.PGSQL.3: connection refused\n\
         db:4 ([::1]:4): connecting to [::1]:4: connection refused"
    );
    assert!(error.is_retryable() && !error.is_recoverable());
    let Error::Connect(error) = error else {
        panic!("{error:?}")
    };
    let attempts = error.attempts();
    let last = &attempts[3];
    assert_eq!((last.host().name(), last.host().port()), ("db", 4));
    assert_eq!(last.host().addr(), Some("::1"));
    let endpoint = Endpoint::Tcp("[::1]:4".parse().unwrap());
    assert_eq!(last.endpoint(), Some(&endpoint));
    assert!(matches!(last.error(), Error::Io { .. }));
    let source = std::error::Error::source(&*error).unwrap();
    assert_eq!(source.to_string(), last.error().to_string());
}

#[test]
fn one_attempt_speaks_for_itself() {
    let (error, tried) = fail(&Config::new("192.0.2.1", "u"));
    assert_eq!(tried, ["192.0.2.1:5432"]);
    assert_eq!(
        error.to_string(),
        "connecting to 192.0.2.1:5432: connection refused"
    );
    assert!(matches!(error, Error::Io { .. }) && error.is_retryable());
}

#[test]
fn acceptance_03_every_address_of_a_name_is_tried() {
    let all: Vec<String> = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 5432))
        .unwrap()
        .map(|address| address.to_string())
        .collect();
    assert!(!all.is_empty());
    let (_, tried) = fail(&Config::new("localhost", "u"));
    assert_eq!(tried, all);
}

#[test]
fn a_name_that_nobody_knows_does_not_keep_from_the_next_host() {
    let config = Config::new("no such host", "u").add_host("192.0.2.1", 1);
    let (error, tried) = fail(&config);
    assert_eq!(tried, ["192.0.2.1:1"]);
    let text = error.to_string();
    assert!(
        text.contains("\nno such host:5432: looking up no such host: "),
        "{text}"
    );
    assert!(text.contains("\n192.0.2.1:1: connecting"), "{text}");
    let (error, _) = fail(&Config::new("no such host", "u"));
    let text = error.to_string();
    assert!(text.starts_with("looking up no such host: "), "{text}");
}

#[test]
fn the_second_round_of_prefer_standby_is_told_too() {
    let config = Config::new("192.0.2.1", "u")
        .add_host("192.0.2.2", 1)
        .target_session_attrs(TargetSessionAttrs::PreferStandby);
    let (error, tried) = fail(&config);
    let round = ["192.0.2.1:5432", "192.0.2.2:1"];
    assert_eq!(tried, [round, round].concat());
    let text = error.to_string();
    assert!(text.starts_with("no connection in 4 attempts\n"), "{text}");
}

/// Searches with these random numbers in place of real ones.
fn arranged(config: &Config, numbers: &[u64]) -> Vec<String> {
    let runtime = Nowhere::default();
    let numbers = Mutex::new(numbers.iter().copied().collect::<VecDeque<_>>());
    let search = Search {
        runtime: Arc::new(runtime.clone()),
        settings: config.settings(),
        hosts: config.settings().hosts(),
        look_up: resolve::look_up,
        draw: || Ok(numbers.lock().unwrap().pop_front().unwrap()),
    };
    let found = search.run(&mut Attempts::default()).now_or_never();
    assert!(found.unwrap().is_none());
    assert!(numbers.lock().unwrap().is_empty(), "all numbers were drawn");
    std::mem::take(&mut *runtime.0.lock().unwrap())
}

#[test]
fn acceptance_07_hosts_are_tried_in_the_order_of_chance() {
    let config = Config::new("192.0.2.1", "u")
        .port(1)
        .ssl_mode(SslMode::Disable)
        .add_host("192.0.2.2", 2)
        .add_host("192.0.2.3", 3);
    let told = ["192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"];
    assert_eq!(arranged(&config, &[]), told);
    let random = config.load_balance_hosts(LoadBalanceHosts::Random);
    assert_eq!(arranged(&random, &[u64::MAX, u64::MAX]), told);
    let others = ["192.0.2.2:2", "192.0.2.3:3", "192.0.2.1:1"];
    assert_eq!(arranged(&random, &[0, 0]), others);
}

/// Two addresses for each name: 192.0.2.1, 192.0.2.2, and for `b` another two.
fn two_each(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let last = match name {
        "a" => [1, 2],
        "b" => [3, 4],
        _ => return Err(io::ErrorKind::NotFound.into()),
    };
    Ok(last.map(|last| ([192, 0, 2, last], port).into()).into())
}

/// A network where whoever connects finds what was written down for the address, or nobody.
struct Written {
    says: HashMap<&'static str, Vec<u8>>,
    tried: Arc<Mutex<Vec<String>>>,
}

impl Runtime for Written {
    type Stream = AllowStdIo<Says>;

    fn connect(
        &self,
        endpoint: &Endpoint,
        _: &SocketOptions,
    ) -> BoxFuture<'static, io::Result<Self::Stream>> {
        let address = endpoint.to_string();
        let says = self.says.get(address.as_str()).cloned();
        self.tried.lock().unwrap().push(address);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let stream = says.map(|says| AllowStdIo::new(Says(io::Cursor::new(says))));
        Box::pin(std::future::ready(stream.ok_or(refused)))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn run_blocking(&self, job: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        job();
        Box::pin(std::future::ready(()))
    }
}

/// Says it, whatever it hears, and ends.
struct Says(io::Cursor<Vec<u8>>);

impl io::Read for Says {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl io::Write for Says {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A fatal error of a server.
fn fatal(sqlstate: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{sqlstate}\0Mno\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
}

/// Which addresses of `a` and `b` are tried, and whether somebody was let in.
fn tried(
    says: impl IntoIterator<Item = (&'static str, Vec<u8>)>,
    config: &Config,
    numbers: &[u64],
) -> (bool, Vec<String>) {
    let tried = Arc::<Mutex<Vec<String>>>::default();
    let runtime = Written {
        says: says.into_iter().collect(),
        tried: Arc::clone(&tried),
    };
    let numbers = Mutex::new(numbers.iter().copied().collect::<VecDeque<_>>());
    let search = Search {
        runtime: Arc::new(runtime) as Arc<dyn Runtime<Stream = AllowStdIo<Says>>>,
        settings: config.settings(),
        hosts: config.settings().hosts(),
        look_up: two_each,
        draw: || Ok(numbers.lock().unwrap().pop_front().unwrap()),
    };
    let mut attempts = Attempts::default();
    let found = search.run(&mut attempts).now_or_never().unwrap();
    let tried = std::mem::take(&mut *tried.lock().unwrap());
    (found.is_some(), tried)
}

fn a_and_b() -> Config {
    let config = Config::new("a", "u").port(1).add_host("b", 1);
    config.ssl_mode(SslMode::Disable)
}

const A1: &str = "192.0.2.1:1";
const A2: &str = "192.0.2.2:1";
const B1: &str = "192.0.2.3:1";
const B2: &str = "192.0.2.4:1";

/// `AuthenticationOk`, `ReadyForQuery`.
const ENTERS: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

#[test]
fn acceptance_03_what_leads_to_the_next_address_and_what_does_not() {
    let enters = || ENTERS.to_vec();
    for (says, enters, expected) in [
        (vec![], false, vec![A1, A2, B1, B2]),
        (vec![(A2, enters())], true, vec![A1, A2]),
        (vec![(A1, vec![]), (A2, enters())], true, vec![A1, A2]),
        (
            vec![(A1, b"R\0".to_vec()), (B2, enters())],
            true,
            vec![A1, A2, B1, B2],
        ),
        (vec![(A1, fatal("28P01")), (A2, enters())], false, vec![A1]),
        (
            vec![(A2, fatal("28000")), (B1, enters())],
            false,
            vec![A1, A2],
        ),
    ] {
        let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(tried(says, &a_and_b(), &[]), (enters, expected));
    }
}

#[test]
fn acceptance_04_a_host_that_is_not_ready_is_left_with_all_its_addresses() {
    let says = vec![
        (A1, fatal("57P03")),
        (A2, ENTERS.to_vec()),
        (B1, ENTERS.to_vec()),
    ];
    let (enters, tried) = tried(says, &a_and_b(), &[]);
    assert!(enters);
    assert_eq!(tried, [A1, B1]);
}

#[test]
fn a_server_that_will_not_do_is_left_with_all_its_addresses() {
    let standby = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x16in_hot_standby\0on\0Z\0\0\0\x05I";
    let primary = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x17in_hot_standby\0off\0Z\0\0\0\x05I";
    let says = vec![
        (A1, standby.to_vec()),
        (A2, primary.to_vec()),
        (B1, primary.to_vec()),
    ];
    let config = a_and_b().target_session_attrs(TargetSessionAttrs::Primary);
    let (enters, tried) = tried(says, &config, &[]);
    assert!(enters);
    assert_eq!(tried, [A1, B1]);
}

#[test]
fn acceptance_07_addresses_are_tried_in_the_order_of_chance() {
    let random = a_and_b().load_balance_hosts(LoadBalanceHosts::Random);
    // A number for the hosts, one for the addresses of each.
    let (_, first) = tried(vec![], &random, &[0, 0, u64::MAX]);
    assert_eq!(first, [B2, B1, A1, A2]);
    let (_, second) = tried(vec![], &random, &[u64::MAX, u64::MAX, 0]);
    assert_eq!(second, [A1, A2, B2, B1]);
}
