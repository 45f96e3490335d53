//! What was asked for and became known on the way in.

use crate::connection::Connection;
use crate::connection::phase::Admission;
use crate::startup::{AuthMethod, ProtocolVersion, Startup, TlsFacts};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) tls: Option<TlsFacts>,
    pub(super) version: ProtocolVersion,
    pub(super) admission: Option<Admission>,
}

impl Entry {
    pub(super) fn new(startup: &Startup) -> Self {
        Self {
            tls: None,
            version: startup.max_version,
            admission: None,
        }
    }
}

/// Facts.
impl Connection {
    /// What the handshake of TLS gave; `None` while the connection is in the clear.
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.entry.tls.as_ref()
    }

    /// The version of the protocol that is spoken: the one that was asked for, unless the server has said that it is older.
    pub fn protocol_version(&self) -> ProtocolVersion {
        self.entry.version
    }

    /// True for a connection of the replication protocol: it takes simple queries only.
    pub fn is_replication(&self) -> bool {
        self.startup.replication.is_some()
    }

    /// How the server let us in; `None` before it has. After [`AuthMethod::Md5`] a warning is in order: who has seen the digest once, or the
    /// server's own copy, can log in with it.
    pub fn auth_method(&self) -> Option<AuthMethod> {
        self.entry.admission.map(|admission| admission.method)
    }

    /// True when the server has proved that it is the one that TLS leads to (SCRAM-SHA-256-PLUS).
    pub fn is_channel_bound(&self) -> bool {
        self.entry
            .admission
            .is_some_and(|admission| admission.bound)
    }
}
