//! Which ways into a server there are, with TLS or without, and which is tried when one of them fails.

use purepg_proto::TlsRequest;

use crate::config::{Settings, SslMode, SslNegotiation};
use crate::runtime::Endpoint;

/// The ways that libpq would go, in its order; each over a stream of its own. At most two.
pub(crate) fn ways(settings: &Settings, endpoint: &Endpoint) -> &'static [TlsRequest] {
    use TlsRequest::{Direct, None, Prefer, Require};
    if !matches!(endpoint, Endpoint::Tcp(_)) {
        // Nobody else can read it: TLS is never asked for, whatever the mode.
        return &[None];
    }
    match settings.ssl_mode() {
        SslMode::Disable => &[None],
        SslMode::Allow if cfg!(feature = "tls") => &[None, Require],
        SslMode::Prefer if cfg!(feature = "tls") => &[Prefer, None],
        SslMode::Allow | SslMode::Prefer => &[None],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
            match settings.ssl_negotiation() {
                SslNegotiation::Direct => &[Direct],
                SslNegotiation::Postgres => &[Require],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use TlsRequest::{Direct, None, Prefer, Require};

    use super::*;
    use crate::config::Config;

    #[test]
    fn acceptance_20_the_ways_of_each_mode() {
        let tcp = Endpoint::Tcp(([127, 0, 0, 1], 5432).into());
        let unix = Endpoint::Unix("/s".into());
        let tls = cfg!(feature = "tls");
        for (mode, expected) in [
            (SslMode::Disable, &[None][..]),
            (SslMode::Allow, if tls { &[None, Require] } else { &[None] }),
            (SslMode::Prefer, if tls { &[Prefer, None] } else { &[None] }),
            (SslMode::Require, &[Require]),
            (SslMode::VerifyCa, &[Require]),
            (SslMode::VerifyFull, &[Require]),
        ] {
            let config = Config::new("h", "u").ssl_mode(mode);
            assert_eq!(ways(config.settings(), &tcp), expected, "{mode}");
            assert_eq!(ways(config.settings(), &unix), [None], "{mode}");
            let direct = config.ssl_negotiation(SslNegotiation::Direct);
            if mode.requires_tls() {
                assert_eq!(ways(direct.settings(), &tcp), [Direct], "{mode}");
            }
        }
    }
}
