//! Every place that a host means.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

use super::run_blocking;
use crate::config::{Address, Host};
use crate::error::Error;
use crate::runtime::{Endpoint, Runtime};

/// Tells what addresses a name has, in the order in which they are to be tried.
pub(super) type LookUp = fn(&str, u16) -> io::Result<Vec<SocketAddr>>;

/// As the operating system has it.
pub(super) fn look_up(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (name, port).to_socket_addrs().map(Vec::from_iter)
}

/// At least one, or an error.
pub(super) async fn resolve<R: Runtime + ?Sized>(
    runtime: &R,
    host: &Host,
    look_up: LookUp,
) -> Result<Vec<Endpoint>, Error> {
    let (name, port) = match (host.addr(), host.address()) {
        (Some(addr), _) => (addr.to_owned(), host.port()),
        (None, Address::Tcp { host, port }) => (host, port),
        (None, Address::Unix(path)) => return Ok(vec![Endpoint::Unix(path)]),
        (None, Address::Abstract(name)) => return Ok(vec![Endpoint::Abstract(name)]),
    };
    if let Ok(ip) = name.parse() {
        return Ok(vec![Endpoint::Tcp(SocketAddr::new(ip, port))]);
    }
    let context = format!("looking up {name}");
    let addresses = run_blocking(runtime, move || look_up(&name, port)).await?;
    let addresses = addresses.and_then(|addresses| {
        if addresses.is_empty() {
            let none = "the name has no address";
            return Err(io::Error::new(io::ErrorKind::NotFound, none));
        }
        Ok(addresses)
    });
    let addresses = addresses.map_err(|error| Error::io(context, error))?;
    Ok(addresses.into_iter().map(Endpoint::Tcp).collect())
}
