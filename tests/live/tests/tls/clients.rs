//! Certificates of clients: right, wrong, missing, with keys that are encrypted.

use std::path::PathBuf;

use purepg_conn::{Config, Error, Runtime, SslCertMode, SslMode};
use purepg_testkit::server::{Options, Server, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

use crate::pki::{Authority, Folder, client};
use crate::servers::{config, identity};

live!(
    acceptance_24_certificates_of_clients,
    acceptance_24_keys_that_are_encrypted,
    a_server_that_does_not_ask,
);

/// A server that lets the holders of certificates in, and a folder with these.
struct World {
    server: Server,
    authority: Authority,
    folder: Folder,
}

impl World {
    fn new() -> Self {
        let (folder, authority) = (Folder::new(), Authority::new("clients"));
        let lines = [
            "local all all trust".to_owned(),
            format!("hostssl all {USER_TRUST} 127.0.0.1/32 cert"),
            format!("hostssl all {USER_SCRAM} 127.0.0.1/32 trust\n"),
        ];
        let hba = folder.public("pg_hba.conf", &lines.join("\n"));
        let roots = folder.public("clients.crt", &authority.pem);
        let options = Options::new()
            .tls(&identity().certificate, &identity().key)
            .setting("hba_file", hba.display().to_string())
            .setting("ssl_ca_file", roots.display().to_string());
        let server = Server::start(options).unwrap();
        Self {
            server,
            authority,
            folder,
        }
    }

    fn config(&self, user: &str) -> Config {
        config(&self.server, user).ssl_mode(SslMode::Require)
    }

    /// A certificate and a key, by their files.
    fn files(&self, name: &str, issuer: &Authority) -> (PathBuf, PathBuf) {
        let identity = issuer.issue(client(name));
        let cert = self
            .folder
            .public(&format!("{name}.crt"), &identity.certificate);
        let key = self.folder.secret(&format!("{name}.key"), &identity.key);
        (cert, key)
    }
}

async fn result<R: Runtime>(cx: &Context<R>, config: &Config) -> Result<(), String> {
    match cx.try_connect(config).await {
        Ok(mut conn) => {
            let sql = "select client_dn is not null from pg_stat_ssl where pid = pg_backend_pid()";
            let row = conn.fetch_one(sql, ()).await.unwrap();
            if row.get::<bool>(0).unwrap() {
                Ok(())
            } else {
                Err("nameless".into())
            }
        }
        Err(Error::Tls(error)) => Err(error.to_string()),
        Err(error) => Err(error
            .sqlstate()
            .unwrap_or_else(|| panic!("{error:?}"))
            .into()),
    }
}

async fn acceptance_24_certificates_of_clients<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let world = World::new();
    let (cert, key) = world.files(USER_TRUST, &world.authority);
    let shown = world.config(USER_TRUST).ssl_cert(&cert).ssl_key(&key);
    assert_eq!(result(&cx, &shown).await, Ok(()));
    assert_eq!(
        result(&cx, &shown.clone().ssl_cert_mode(SslCertMode::Require)).await,
        Ok(())
    );

    // Of another user, none, and one that is not to be shown.
    let (cert, key) = world.files("somebody", &world.authority);
    let others = world.config(USER_TRUST).ssl_cert(&cert).ssl_key(&key);
    assert_eq!(result(&cx, &others).await, Err("28000".into()));
    assert_eq!(
        result(&cx, &world.config(USER_TRUST)).await,
        Err("28000".into())
    );
    let hidden = shown.ssl_cert_mode(SslCertMode::Disable);
    assert_eq!(result(&cx, &hidden).await, Err("28000".into()));
    assert_eq!(
        result(&cx, &world.config(USER_SCRAM)).await,
        Err("nameless".into())
    );

    // By an authority that the server does not know: it says so in TLS.
    let (cert, key) = world.files("stranger", &Authority::new("strangers"));
    let strange = world.config(USER_SCRAM).ssl_cert(&cert).ssl_key(&key);
    let refused = result(&cx, &strange).await.unwrap_err();
    assert!(refused.contains("UnknownCA"), "{refused}");

    // Through one that the root vouches for, whose certificate goes along.
    let between = world.authority.intermediate("between");
    let chain = between.issue(client(USER_TRUST)).through(&between);
    let cert = world.folder.public("chain.crt", &chain.certificate);
    let key = world.folder.secret("chain.key", &chain.key);
    let chained = world.config(USER_TRUST).ssl_cert(cert).ssl_key(key);
    assert_eq!(result(&cx, &chained).await, Ok(()));
}

async fn acceptance_24_keys_that_are_encrypted<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let world = World::new();
    let identity = world.authority.issue(client(USER_TRUST));
    let cert = world.folder.public("client.crt", &identity.certificate);
    let key = world
        .folder
        .secret("client.key", &identity.encrypted("s3nt1nel"));
    let config = world.config(USER_TRUST).ssl_cert(&cert).ssl_key(&key);
    assert_eq!(
        result(&cx, &config.clone().ssl_password("s3nt1nel")).await,
        Ok(())
    );
    let wrong = result(&cx, &config.clone().ssl_password("s3nt1nel?"))
        .await
        .unwrap_err();
    assert!(
        wrong.contains("sslpassword is wrong") && !wrong.contains("s3nt1nel"),
        "{wrong}"
    );
    let missing = result(&cx, &config).await.unwrap_err();
    assert!(missing.contains("there is no sslpassword"), "{missing}");

    // One that is not needed does no harm.
    let open = world.folder.secret("open.key", &identity.key);
    let config = config.ssl_key(open).ssl_password("s3nt1nel");
    assert_eq!(result(&cx, &config).await, Ok(()));
}

async fn a_server_that_does_not_ask<R: Runtime>(cx: Context<R>) {
    if cx.transport == Transport::Unix {
        return;
    }
    let world = World::new();
    let (cert, key) = world.files(USER_TRUST, &world.authority);
    let server = &crate::servers::with_tls()[0];
    let config = config(server, USER_TRUST).ssl_mode(SslMode::Require);
    let config = config.ssl_cert(cert).ssl_key(key);
    assert_eq!(result(&cx, &config).await, Err("nameless".into()));
    let refused = result(&cx, &config.ssl_cert_mode(SslCertMode::Require)).await;
    assert!(
        refused
            .unwrap_err()
            .contains("did not ask for a certificate")
    );
}
