//! What a program finds around it: connection strings, environment variables, services, password files; and what the session makes of it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use purepg_conn::{Config, Environment, Error, Runtime, Warning};
use purepg_testkit::server::{DATABASE, PASSWORD, USER_SCRAM, USER_TRUST};
use purepg_tests_live::{Context, Transport, live};

live!(
    acceptance_01_every_way_to_say_it_leads_there,
    acceptance_13_parameters_of_the_start_survive_a_reset,
    a_password_file_lets_in,
    security_25_a_password_file_that_others_can_read_does_not_let_in,
    each_host_has_a_password_of_its_own,
);

/// Where the server is, as keywords have it.
fn place<R: Runtime>(cx: &Context<R>) -> (String, String) {
    let server = cx.server();
    let host = match cx.transport {
        Transport::Tcp => server.host().to_owned(),
        Transport::Unix => server.socket_dir().to_str().unwrap().to_owned(),
    };
    (host, server.port().to_string())
}

async fn acceptance_01_every_way_to_say_it_leads_there<R: Runtime>(cx: Context<R>) {
    let (host, port) = place(&cx);
    let folder = tempfile::tempdir().unwrap();
    let services = folder.path().join("services");
    let service = format!("[here]\nhost={host}\nport={port}\ndbname={DATABASE}\n");
    fs::write(&services, service).unwrap();
    let environment = Environment::new()
        .variable("PGHOST", &host)
        .variable("PGPORT", &port)
        .variable("PGDATABASE", DATABASE)
        .variable("PGUSER", USER_TRUST);
    let with_service = Environment::new()
        .variable("PGSERVICE", "here")
        .variable("PGSERVICEFILE", &services)
        .user_name(USER_TRUST);
    let encoded = host.replace('/', "%2F");
    let configs = [
        format!("postgres://{USER_TRUST}@{encoded}:{port}/{DATABASE}").parse(),
        format!("host={host} port={port} user={USER_TRUST} dbname={DATABASE}").parse(),
        Config::parse_with_env("", &environment),
        Config::parse_with_env("", &with_service),
    ];
    for config in configs {
        let mut conn = cx.try_connect(&config.unwrap()).await.unwrap();
        let who = "select current_user::text, current_database()::text";
        let row = conn.fetch_one(who, ()).await.unwrap();
        let who: (&str, &str) = row.decode().unwrap();
        assert_eq!(who, (USER_TRUST, DATABASE));
    }
}

async fn acceptance_13_parameters_of_the_start_survive_a_reset<R: Runtime>(cx: Context<R>) {
    let (host, port) = place(&cx);
    let environment = Environment::new()
        .variable("PGTZ", "Asia/Tokyo")
        .variable("PGGEQO", "off")
        .variable("PGAPPNAME", "surroundings")
        .variable("PGOPTIONS", "-c work_mem=4321kB");
    let text = format!("host={host} port={port} user={USER_TRUST} dbname={DATABASE}");
    let config = Config::parse_with_env(&text, &environment).unwrap();
    let config = config.parameter("search_path", "pg_catalog");
    let mut conn = cx.try_connect(&config).await.unwrap();
    let all = "select current_setting('TimeZone'), current_setting('geqo'), current_setting('application_name'), \
               current_setting('work_mem'), current_setting('search_path')";
    let expected = ("Asia/Tokyo", "off", "surroundings", "4321kB", "pg_catalog");
    for reset in ["select 1", "reset all", "discard all"] {
        let change = "set timezone to 'UTC'; set geqo to on; set application_name to 'x'; set work_mem to '1MB'; set search_path to public";
        if reset != "select 1" {
            conn.execute(change, ()).await.unwrap();
        }
        conn.execute(reset, ()).await.unwrap();
        let row = conn.fetch_one(all, ()).await.unwrap();
        let settings: (&str, &str, &str, &str, &str) = row.decode().unwrap();
        assert_eq!(settings, expected, "{reset}");
    }
    assert_eq!(conn.server_timezone(), Some("Asia/Tokyo"));
}

fn pass_file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let file = folder.join("pgpass");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    file
}

async fn a_password_file_lets_in<R: Runtime>(cx: Context<R>) {
    let (host, port) = place(&cx);
    let folder = tempfile::tempdir().unwrap();
    let text =
        format!("*:1:*:*:wrong\n{host}:{port}:{DATABASE}:{USER_SCRAM}:{PASSWORD}\n*:*:*:*:wrong\n");
    let file = pass_file(folder.path(), &text, 0o600);
    let config = cx.config(USER_SCRAM).pass_file(&file);
    cx.try_connect(&config).await.unwrap();
    // It is not looked into where a password was given.
    let wrong = config.password("wrong");
    let error = cx.try_connect(&wrong).await.unwrap_err();
    assert!(matches!(error, Error::InvalidPassword(_)), "{error}");
    // The one in the home folder.
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::rename(&file, home.join(".pgpass")).unwrap();
    let text = format!("host={host} port={port} user={USER_SCRAM} dbname={DATABASE}");
    let config = Config::parse_with_env(&text, &Environment::new().home_folder(&home)).unwrap();
    cx.try_connect(&config).await.unwrap();
}

async fn security_25_a_password_file_that_others_can_read_does_not_let_in<R: Runtime>(
    cx: Context<R>,
) {
    let folder = tempfile::tempdir().unwrap();
    let file = pass_file(folder.path(), &format!("*:*:*:*:{PASSWORD}"), 0o644);
    let told = Arc::new(Mutex::new(Vec::new()));
    let config = {
        let told = Arc::clone(&told);
        let config = cx.config(USER_SCRAM).pass_file(&file);
        config.on_warning(move |warning| told.lock().unwrap().push(warning.clone()))
    };
    let error = cx.try_connect(&config).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("pgpass is ignored") && text.contains("0600"),
        "{text}"
    );
    assert!(!format!("{text} {error:?}").contains(PASSWORD));
    let Error::MissingPassword {
        warning: Some(warning),
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    let Warning::PassFileIgnored { file: named, .. } = &*warning else {
        panic!("{warning:?}");
    };
    assert_eq!(*named, file);
    assert_eq!(*told.lock().unwrap(), [*warning]);
    // Where nobody asks for a password it keeps nobody out.
    let trusted = config.user(USER_TRUST);
    cx.try_connect(&trusted).await.unwrap();
    assert_eq!(told.lock().unwrap().len(), 2);
}

async fn each_host_has_a_password_of_its_own<R: Runtime>(cx: Context<R>) {
    let (host, port) = place(&cx);
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on the first.
    let text = format!("{host}:1:*:*:wrong\n{host}:{port}:*:*:{PASSWORD}\n");
    let file = pass_file(folder.path(), &text, 0o600);
    let text = format!(
        "host={host},{host} port=1,{port} user={USER_SCRAM} dbname={DATABASE} passfile={}",
        file.display()
    );
    let config: Config = text.parse().unwrap();
    cx.try_connect(&config).await.unwrap();
}
