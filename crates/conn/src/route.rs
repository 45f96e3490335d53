//! How streams to one place are opened: the first, the second one the other way, those that cancel what runs there.

use std::io;

use crate::config::{Settings, SocketOptions};
use crate::connect::run_blocking;
use crate::error::Error;
use crate::runtime::{Endpoint, Runtime};

/// A place, and what must hold of a stream to it before it is used.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    endpoint: Endpoint,
    socket: SocketOptions,
    require_peer: Option<Box<str>>,
}

impl Route {
    pub(crate) fn new(endpoint: Endpoint, settings: &Settings) -> Self {
        Self {
            endpoint,
            socket: settings.socket_options().clone(),
            require_peer: settings.require_peer().map(Into::into),
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A stream, at whose other end is who is expected there.
    pub(crate) async fn open<R: Runtime + ?Sized>(&self, runtime: &R) -> Result<R::Stream, Error> {
        let context = || format!("connecting to {}", self.endpoint);
        let stream = runtime.connect(&self.endpoint, &self.socket).await;
        let stream = stream.map_err(|error| Error::io(context(), error))?;
        let is_unix = !matches!(self.endpoint, Endpoint::Tcp(_));
        if let Some(required) = self.require_peer.as_deref().filter(|_| is_unix) {
            let uid = runtime.peer_uid(&stream);
            let name = match uid {
                Ok(uid) => run_blocking(runtime, move || user_name(uid)).await?,
                Err(error) => Err(error),
            };
            let because = match name {
                Ok(Some(name)) if name == required => return Ok(stream),
                Ok(Some(name)) => format!("it is {name:?}"),
                Ok(None) => "its user has no name".into(),
                Err(error) => format!("who it is cannot be told: {error}"),
            };
            return Err(Error::WrongPeer(because.into()));
        }
        Ok(stream)
    }
}

/// As the operating system's list of users has it.
#[cfg(unix)]
fn user_name(uid: u32) -> io::Result<Option<String>> {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid))?;
    Ok(user.map(|user| user.name))
}

#[cfg(not(unix))]
fn user_name(_: u32) -> io::Result<Option<String>> {
    Err(io::ErrorKind::Unsupported.into())
}
