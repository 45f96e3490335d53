//! What carries the bytes, and how it becomes private.

use alloc::vec::Vec;

/// What carries the bytes. It decides what may be sent in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// A socket of this machine: nobody else can read it.
    UnixSocket,
    /// A network: everybody may read it, unless there is TLS.
    Tcp,
}

/// Whether a connection is encrypted, and who begins. As for libpq this is about networks: over a Unix socket TLS is never asked for,
/// whatever stands here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsRequest {
    /// No TLS.
    #[default]
    None,
    /// Asked for with `SSLRequest`; a server without it is talked to in the clear.
    Prefer,
    /// Asked for with `SSLRequest`; a server without it is an error.
    Require,
    /// Begun at once, without asking (`sslnegotiation=direct`; PostgreSQL 17 and newer). There is no way back from it.
    Direct,
}

/// What the handshake of TLS gave, as whoever did it tells the core.
///
/// ```
/// use purepg_proto::TlsFacts;
///
/// let facts = TlsFacts::new().verified(true).alpn(*TlsFacts::ALPN);
/// assert!(facts.verified && facts.server_end_point.is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFacts {
    /// The certificate was issued by somebody who is trusted, and for the host that was meant.
    pub verified: bool,
    /// The protocol that was chosen by ALPN, if one was.
    pub alpn: Option<Vec<u8>>,
    /// The data of the channel binding `tls-server-end-point` (RFC 5929): the hash of the server's certificate as it came, by the hash function
    /// that its signature names, with SHA-256 in place of MD5 and SHA-1. Where the signature names none, as Ed25519's does, there are none.
    pub server_end_point: Option<Vec<u8>>,
}

impl TlsFacts {
    /// What a client offers by ALPN.
    pub const ALPN: &'static [u8; 10] = b"postgresql";

    /// Nothing verified, nothing chosen, nothing to bind to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the certificate was verified: the chain *and* the host name.
    #[must_use]
    pub fn verified(mut self, verified: bool) -> Self {
        self.verified = verified;
        self
    }

    /// Sets the protocol that was chosen by ALPN.
    #[must_use]
    pub fn alpn(mut self, protocol: impl Into<Vec<u8>>) -> Self {
        self.alpn = Some(protocol.into());
        self
    }

    /// Sets the data of the channel binding `tls-server-end-point`. Empty data are none.
    #[must_use]
    pub fn server_end_point(mut self, hash: impl Into<Vec<u8>>) -> Self {
        self.server_end_point = Some(hash.into()).filter(|hash: &Vec<u8>| !hash.is_empty());
        self
    }

    /// What SCRAM can bind to.
    pub(crate) fn binding(&self) -> Option<&[u8]> {
        // The field is public: an empty one would be no binding at all.
        self.server_end_point
            .as_deref()
            .filter(|hash| !hash.is_empty())
    }
}

/// libpq's `channel_binding`: whether SCRAM is tied to the TLS connection that it goes through, so that nobody can stand in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where the server offers it and there is something to bind to.
    #[default]
    Prefer,
    /// Always: a connection without TLS, or whose certificate gives nothing to bind to, ends before anything is sent through it; so does one
    /// whose server asks for a method that cannot bind, before any credential is.
    Require,
}
