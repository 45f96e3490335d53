//! What runtimes do with sockets that is the same for all of them.

#[cfg(any(unix, windows))]
use std::io;

#[cfg(any(unix, windows))]
use socket2::{SockRef, TcpKeepalive};

#[cfg(any(unix, windows))]
use crate::config::SocketOptions;

impl SocketOptions {
    /// Tells a TCP socket all of it.
    ///
    /// # Errors
    /// Those of the socket.
    #[cfg(unix)]
    pub fn apply(&self, socket: &impl std::os::fd::AsFd) -> io::Result<()> {
        self.set(&SockRef::from(socket))
    }

    /// Tells a TCP socket all of it.
    ///
    /// # Errors
    /// Those of the socket.
    #[cfg(windows)]
    pub fn apply(&self, socket: &impl std::os::windows::io::AsSocket) -> io::Result<()> {
        self.set(&SockRef::from(socket))
    }

    #[cfg(any(unix, windows))]
    fn set(&self, socket: &SockRef<'_>) -> io::Result<()> {
        socket.set_keepalive(self.keepalives())?;
        let given = (
            self.keepalives_idle(),
            self.keepalives_interval(),
            self.keepalives_count(),
        );
        if self.keepalives() && given != (None, None, None) {
            let mut keepalive = TcpKeepalive::new();
            if let Some(idle) = self.keepalives_idle() {
                keepalive = keepalive.with_time(idle);
            }
            #[cfg(any(
                target_os = "linux",
                target_os = "android",
                target_vendor = "apple",
                target_os = "dragonfly",
                target_os = "freebsd",
                target_os = "netbsd",
                windows
            ))]
            {
                if let Some(interval) = self.keepalives_interval() {
                    keepalive = keepalive.with_interval(interval);
                }
                if let Some(count) = self.keepalives_count() {
                    keepalive = keepalive.with_retries(count);
                }
            }
            socket.set_tcp_keepalive(&keepalive)?;
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        socket.set_tcp_user_timeout(self.tcp_user_timeout())?;
        Ok(())
    }
}

/// The number of the user whose process is at the other end of a Unix socket, as the operating system tells it: what
/// [`Runtime::peer_uid`](crate::Runtime::peer_uid) is to return.
///
/// # Errors
/// Those of the socket; [`io::ErrorKind::Unsupported`] where the operating system does not tell, or not in a way that is known here.
#[cfg(unix)]
pub fn peer_uid(socket: &impl std::os::fd::AsFd) -> io::Result<u32> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
        Ok(getsockopt(socket, PeerCredentials)?.uid())
    }
    #[cfg(any(
        target_vendor = "apple",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    {
        let (uid, _) = nix::unistd::getpeereid(socket)?;
        Ok(uid.as_raw())
    }
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd"
    )))]
    {
        let _ = socket;
        Err(io::ErrorKind::Unsupported.into())
    }
}
