//! TLS by rustls: what a configuration means to it, and the handshake.
//!
//! The core says when there is TLS, and what may be done with what the handshake gave. Here is how it is done.

mod binding;
mod certificate;
mod error;
mod files;
mod identity;
mod key_log;
mod names;
mod provider;
mod verifier;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::rustls::client::Resumption;
use futures_rustls::rustls::pki_types::ServerName;
use futures_rustls::rustls::version::{TLS12, TLS13};
use futures_rustls::rustls::{ClientConfig, ClientConnection, SupportedProtocolVersion};
use purepg_proto::{TlsFacts, TlsRequest};

use crate::config::tls::{OwnClientConfig, TlsSettings};
use crate::config::{Settings, SslCertMode, SslMode, SslNegotiation, TlsVersion};
use crate::connect::run_blocking;
use crate::error::Error;
use crate::runtime::{ByteStream, Runtime};

pub use error::TlsError;
use identity::Identity;
use verifier::Verifier;

/// How TLS is done with one host: on its connection, and on those that cancel what runs there.
#[derive(Clone)]
pub(crate) struct Tls {
    client: Arc<ClientConfig>,
    /// What SNI says.
    name: ServerName<'static>,
    /// Whose certificate it must be, where nobody else looks at that.
    host: Option<Box<str>>,
    /// The chain and the host are verified.
    verified: bool,
    /// The server must have asked for the client's certificate.
    asked: Option<Arc<AtomicBool>>,
    direct: bool,
}

impl Tls {
    /// Reads what the configuration names, and puts it together, for one host.
    pub(crate) async fn load<R: Runtime + ?Sized>(
        runtime: &R,
        settings: &Settings,
        host: &str,
    ) -> Result<Self, Error> {
        let (settings, host) = (settings.clone(), host.to_owned());
        let loaded = run_blocking(runtime, move || Self::load_now(&settings, &host)).await?;
        loaded.map_err(Error::from)
    }

    fn load_now(settings: &Settings, host: &str) -> Result<Self, TlsError> {
        let (tls, ssl_mode) = (settings.tls(), settings.ssl_mode());
        let full = ssl_mode == SslMode::VerifyFull;
        let (name, is_name) = server_name(host);
        let direct = tls.negotiation == SslNegotiation::Direct;
        if let Some(OwnClientConfig(own)) = &tls.own {
            return Ok(Self {
                client: offering_alpn(own),
                name,
                host: full.then(|| host.into()),
                verified: full,
                asked: None,
                direct,
            });
        }
        let provider = provider::provider().ok_or(TlsError::NoProvider)?;
        let verifier = Verifier::load(tls, full.then_some(host), &provider)?;
        let identity = match tls.cert_mode {
            SslCertMode::Disable => None,
            _ => Identity::load(tls, &provider)?,
        };
        let asked = identity.as_ref().map(Identity::asked);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions(tls))
            .map_err(TlsError::unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut client = match identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(identity)),
            None => builder.with_no_client_auth(),
        };
        client.alpn_protocols = vec![TlsFacts::ALPN.to_vec()];
        client.enable_sni = tls.sni && is_name;
        // PostgreSQL resumes no sessions.
        client.resumption = Resumption::disabled();
        if let Some(path) = &tls.key_log_file {
            client.key_log = key_log::open(path)?;
        }
        Ok(Self {
            client: Arc::new(client),
            name,
            host: None,
            verified: full,
            asked: asked.filter(|_| tls.cert_mode == SslCertMode::Require),
            direct,
        })
    }

    /// What the core has to ask for, where nothing but TLS will do.
    pub(crate) fn required(&self) -> TlsRequest {
        if self.direct {
            TlsRequest::Direct
        } else {
            TlsRequest::Require
        }
    }

    /// Makes a stream one of TLS.
    pub(crate) async fn handshake<S: ByteStream>(
        &self,
        stream: S,
    ) -> Result<(TlsStream<S>, TlsFacts), TlsError> {
        if let Some(asked) = &self.asked {
            asked.store(false, Ordering::Relaxed);
        }
        let connector = TlsConnector::from(Arc::clone(&self.client));
        let stream = connector.connect(self.name.clone(), stream).await;
        let stream = stream.map_err(TlsError::handshake)?;
        let facts = self.facts(stream.get_ref().1)?;
        Ok((stream, facts))
    }

    fn facts(&self, session: &ClientConnection) -> Result<TlsFacts, TlsError> {
        let unasked = |asked: &Arc<AtomicBool>| !asked.load(Ordering::Relaxed);
        if self.asked.as_ref().is_some_and(unasked) {
            return Err(TlsError::CertificateNotAsked);
        }
        let certificates = session.peer_certificates().unwrap_or_default();
        let mut facts = TlsFacts::new().verified(self.verified);
        if let Some(certificate) = certificates.first() {
            if let Some(host) = &self.host {
                names::check(certificate, host).map_err(TlsError::certificate)?;
            }
            if let Some(hash) = binding::server_end_point(certificate) {
                facts = facts.server_end_point(hash);
            }
        } else if self.host.is_some() {
            return Err(TlsError::NoCertificate);
        }
        Ok(match session.alpn_protocol() {
            Some(protocol) => facts.alpn(protocol),
            None => facts,
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// What rustls calls the server, and whether SNI may say it.
fn server_name(host: &str) -> (ServerName<'static>, bool) {
    match ServerName::try_from(host.to_owned()) {
        Ok(name @ ServerName::DnsName(_)) => (name, true),
        Ok(name) => (name, false),
        // No name of the DNS. Whether the certificate is for it is found out without rustls.
        Err(_) => (
            ServerName::IpAddress(IpAddr::from([0, 0, 0, 0]).into()),
            false,
        ),
    }
}

fn versions(tls: &TlsSettings) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::V1_2, &TLS12), (TlsVersion::V1_3, &TLS13)];
    let fits = |version| {
        version >= tls.min_version && tls.max_version.is_none_or(|newest| version <= newest)
    };
    let fitting = all.into_iter().filter(|(version, _)| fits(*version));
    fitting.map(|(_, supported)| supported).collect()
}

fn offering_alpn(own: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    if !own.alpn_protocols.is_empty() {
        return Arc::clone(own);
    }
    let mut client = ClientConfig::clone(own);
    client.alpn_protocols = vec![TlsFacts::ALPN.to_vec()];
    Arc::new(client)
}
