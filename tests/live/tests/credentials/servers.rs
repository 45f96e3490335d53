//! Servers that let in whoever has a password by SCRAM, and some in other ways.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use purepg_conn::{AuthMethod, AuthMethods, Config, Connection, Runtime};
use purepg_testkit::server::{Options, Server, USER_MD5, USER_PASSWORD, USER_SCRAM, USER_TRUST};
use purepg_tests_live::Context;
use tempfile::TempDir;

const NEWEST: u32 = 18;

/// One of the version that the kit chooses, and one of the newest, if that is another.
pub(crate) fn servers() -> &'static [Server] {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let start = |options: Options| {
            let hba = hba().display().to_string();
            Server::start(options.setting("hba_file", hba)).unwrap()
        };
        let chosen = start(Options::new());
        let newest = (chosen.version() != NEWEST).then(|| start(Options::new().version(NEWEST)));
        [chosen].into_iter().chain(newest).collect()
    })
}

/// Roles that a test makes log in by SCRAM.
fn hba() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| TempDir::new().unwrap());
    let open = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    open(folder.path(), 0o755);
    let methods = [
        ("postgres", "trust"),
        (USER_TRUST, "trust"),
        (USER_PASSWORD, "password"),
        (USER_MD5, "md5"),
        (USER_SCRAM, "scram-sha-256"),
        ("all", "scram-sha-256"),
    ];
    let lines = methods.map(|(user, method)| {
        format!("local all {user} {method}\nhost all {user} 127.0.0.1/32 {method}\n")
    });
    let file = folder.path().join("pg_hba.conf");
    if !file.exists() {
        fs::write(&file, lines.concat()).unwrap();
        open(&file, 0o644);
    }
    file
}

/// Whatever the server asks for, over any transport.
pub(crate) fn any() -> AuthMethods {
    AuthMethods::only([
        AuthMethod::None,
        AuthMethod::Password,
        AuthMethod::Md5,
        AuthMethod::ScramSha256,
    ])
}

/// The superuser's.
pub(crate) async fn superuser<R: Runtime>(
    cx: &Context<R>,
    server: &Server,
) -> Connection<R::Stream> {
    // Up to PostgreSQL 13 the default is md5.
    let config = cx
        .config_of(server, server.superuser())
        .parameter("password_encryption", "scram-sha-256");
    cx.try_connect(&config).await.unwrap()
}

/// The name of a role that nobody else has.
pub(crate) fn fresh_role() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("role_{}", COUNT.fetch_add(1, Ordering::SeqCst))
}

/// A role of that name, with a password: SQL of a literal, quotes and all.
pub(crate) async fn create_role<R: Runtime>(
    cx: &Context<R>,
    server: &Server,
    password: &str,
) -> (String, Config) {
    let role = fresh_role();
    let sql = format!("create role {role} login password {password}");
    superuser(cx, server).await.execute(&sql, ()).await.unwrap();
    let config = cx.config_of(server, &role);
    (role, config)
}
