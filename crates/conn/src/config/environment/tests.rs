use std::fs;
use std::time::Duration;

use super::super::{Config, ConfigError, SslMode};
use super::*;

fn config(text: &str, environment: &Environment) -> Result<Config, ConfigError> {
    Config::parse_with_env(text, environment)
}

#[test]
fn security_03_no_variable_is_ignored() {
    let silent = config("", &Environment::new()).unwrap();
    for &(name, variable) in VARIABLES {
        let value = match name {
            "PGSSLCOMPRESSION" | "PGREQUIRESSL" | "PGSSLSNI" => "9",
            _ => "no such value",
        };
        let environment = Environment::new().variable(name, value);
        let result = config("", &environment);
        if name == "PGSYSCONFDIR" || name == "PGSERVICEFILE" {
            // They say where to look for a service, and there is none.
            assert_eq!(result, Ok(silent.clone()), "{name}");
            continue;
        }
        match result {
            Ok(config) => assert_ne!(config, silent, "{name}"),
            Err(ConfigError::UnknownService) => assert_eq!(name, "PGSERVICE"),
            Err(ConfigError::Variable { variable, error }) => {
                assert_eq!(variable, name);
                assert!(!error.to_string().contains(value), "{name}: {error}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
        if let ByVariable::Keyword(keyword) = variable {
            assert_eq!(super::super::keyword::known(keyword), Some(keyword));
        }
    }
}

#[test]
fn variables_are_what_their_keywords_are() {
    let environment: Environment = [
        ("PGHOST", "h"),
        ("PGPORT", "1"),
        ("PGUSER", "u"),
        ("PGPASSWORD", "p"),
        ("PGDATABASE", "d"),
        ("PGAPPNAME", "a"),
        ("PGOPTIONS", "-c geqo=off"),
        ("PGCONNECT_TIMEOUT", "7"),
        ("PGSSLMODE", "disable"),
        ("PGTZ", "UTC"),
        ("PGGEQO", "off"),
        ("PGDATESTYLE", "iso"),
        ("PGCLIENTENCODING", "auto"),
        ("PGDATA", "/somewhere"),
    ]
    .into_iter()
    .collect();
    let expected = Config::new("h", "u")
        .port(1)
        .password("p")
        .database("d")
        .application_name("a")
        .options("-c geqo=off")
        .connect_timeout(Duration::from_secs(7))
        .ssl_mode(SslMode::Disable)
        .parameter("datestyle", "iso")
        .parameter("timezone", "UTC")
        .parameter("geqo", "off");
    assert_eq!(config("", &environment), Ok(expected.clone()));
    let other = expected.clone().user("v").database("e");
    assert_eq!(config("postgres://v@/e", &environment), Ok(other));
    // What is said to be nothing is said.
    let default = config("port='' password=''", &environment);
    assert_eq!(default, Ok(expected.port(5432).password("")));
}

#[test]
fn default_means_that_the_server_decides() {
    let environment = Environment::new()
        .variable("PGTZ", "Default")
        .variable("PGDATESTYLE", "DEFAULT");
    assert_eq!(config("", &environment), config("", &Environment::new()));
    let german = Environment::new().variable("PGDATESTYLE", "German");
    let error = config("", &german).unwrap_err().to_string();
    assert_eq!(
        error,
        "PGDATESTYLE: DateStyle is always ISO: another value cannot be given"
    );
}

#[test]
fn security_03_pgrequiressl_still_counts() {
    let mode = |text: &str, variables: &[(&str, &str)]| {
        let environment = variables.iter().copied().collect();
        config(text, &environment).map(|config| config.settings().ssl_mode())
    };
    let (one, zero) = (("PGREQUIRESSL", "1"), ("PGREQUIRESSL", "0"));
    assert_eq!(mode("", &[one]), Ok(SslMode::Require));
    assert_eq!(mode("", &[zero]), Ok(SslMode::Prefer));
    assert_eq!(
        mode("", &[one, ("PGSSLMODE", "verify-full")]),
        Ok(SslMode::VerifyFull)
    );
    assert_eq!(mode("sslmode=disable", &[one]), Ok(SslMode::Disable));
    assert_eq!(mode("requiressl=1", &[zero]), Ok(SslMode::Require));
    assert_eq!(mode("requiressl=0", &[one]), Ok(SslMode::Prefer));
    let error = mode("", &[("PGREQUIRESSL", "yes")])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "PGREQUIRESSL: invalid value for requiressl: it is 0 or 1"
    );
}

#[test]
fn who_runs_the_program_is_the_user() {
    let environment = Environment::new().user_name("me");
    let user = |text: &str, environment: &Environment| {
        let config = config(text, environment).unwrap();
        config.settings().user().to_owned()
    };
    assert_eq!(user("", &environment), "me");
    assert_eq!(user("user=''", &environment), "me");
    assert_eq!(user("user=you", &environment), "you");
    assert_eq!(user("", &environment.variable("PGUSER", "you")), "you");
    assert_eq!(user("", &Environment::new()), "");
    assert!(Environment::process().user.is_some());
}

#[test]
fn the_folder_with_a_socket_is_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, full) = (folder.path().join("a"), folder.path().join("b"));
    fs::create_dir(&empty).unwrap();
    fs::create_dir(&full).unwrap();
    fs::write(full.join(".s.PGSQL.5433"), "").unwrap();
    let environment = Environment::new()
        .socket_folder(&empty)
        .socket_folder(&full);
    let host = |text: &str| {
        let config = config(text, &environment).unwrap();
        config.settings().host().to_owned()
    };
    assert_eq!(host(""), "localhost");
    assert_eq!(host("port=5433"), full.to_str().unwrap());
    assert_eq!(host("host='' port=5433"), full.to_str().unwrap());
    assert_eq!(host("host=h port=5433"), "h");
    let bare = config("", &Environment::new()).unwrap();
    assert_eq!(bare.settings().host(), "");
}

#[test]
fn the_home_folder_has_a_password_file() {
    let environment = Environment::new().home_folder("/home/me");
    let file = |text: &str, environment: &Environment| {
        let config = config(text, environment).unwrap();
        config.settings().pass_file().map(Path::to_owned)
    };
    let by_default = Some(Path::new("/home/me").join(if cfg!(windows) {
        "pgpass.conf"
    } else {
        ".pgpass"
    }));
    assert_eq!(file("", &environment), by_default);
    assert_eq!(file("passfile=''", &environment), by_default);
    assert_eq!(file("passfile=/a", &environment), Some("/a".into()));
    let named = environment.variable("PGPASSFILE", "/b");
    assert_eq!(file("", &named), Some("/b".into()));
    assert_eq!(file("passfile=/a", &named), Some("/a".into()));
    assert_eq!(file("", &Environment::new()), None);
    assert_eq!("".parse::<Config>().unwrap().settings().pass_file(), None);
}

#[test]
fn the_name_to_fall_back_on() {
    let name = |text: &str, environment: &Environment| {
        let config = config(text, environment).unwrap();
        config.settings().application_name().map(str::to_owned)
    };
    let (bare, named) = (
        Environment::new(),
        Environment::new().variable("PGAPPNAME", "a"),
    );
    assert_eq!(name("fallback_application_name=f", &bare), Some("f".into()));
    assert_eq!(
        name("fallback_application_name=f", &named),
        Some("a".into())
    );
    assert_eq!(
        name("fallback_application_name=f application_name=b", &named),
        Some("b".into())
    );
    assert_eq!(
        name("fallback_application_name=f application_name=''", &named),
        None
    );
}

#[cfg(all(feature = "tls", not(windows)))]
#[test]
fn the_home_folder_has_files_for_tls() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".postgresql");
    let environment = Environment::new().home_folder(home.path());
    let tls = |text: &str| {
        let config = config(text, &environment).unwrap();
        let files = config.settings.tls.files();
        let files = files.map(|(keyword, file)| {
            let file = file.strip_prefix(&folder).unwrap_or(file);
            format!("{keyword}={}", file.display())
        });
        files.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tls(""), "");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("root.crl"), "").unwrap();
    assert_eq!(tls(""), "");
    fs::write(folder.join("root.crt"), "").unwrap();
    assert_eq!(tls(""), "sslrootcert=root.crt sslcrl=root.crl");
    assert_eq!(tls("sslrootcert=/r"), "sslrootcert=/r sslcrl=root.crl");
    assert_eq!(
        tls("sslrootcert=/r sslcrldir=/l"),
        "sslrootcert=/r sslcrldir=/l"
    );
    assert_eq!(tls("sslrootcert=system"), "");
    assert_eq!(
        tls("sslcert=/c"),
        "sslrootcert=root.crt sslcrl=root.crl sslcert=/c sslkey=postgresql.key"
    );
    fs::write(folder.join("postgresql.crt"), "").unwrap();
    assert_eq!(
        tls("sslrootcert=system"),
        "sslcert=postgresql.crt sslkey=postgresql.key"
    );
    assert_eq!(
        tls("sslrootcert=system sslkey=/k"),
        "sslcert=postgresql.crt sslkey=/k"
    );
    assert_eq!(tls("sslrootcert=system sslcertmode=disable"), "");
    assert_eq!(tls("sslmode=disable"), "");
    assert_eq!(
        "".parse::<Config>().unwrap().settings.tls.files().count(),
        0
    );
}

#[test]
fn security_24_an_environment_is_not_shown() {
    let environment = Environment::new()
        .variable("PGPASSWORD", "s3nt1nel")
        .variable("PGPORT", "s3nt1nel")
        .variable("PGSSLMODE", "s3nt1nel");
    let error = config("", &environment).unwrap_err();
    let string: super::super::ConnectionString = "".parse().unwrap();
    let string = string.complete(
        &environment
            .clone()
            .variable("PGPORT", "1")
            .variable("PGSSLMODE", "prefer"),
    );
    let string = string.unwrap();
    assert_eq!(string.get("password"), Some("s3nt1nel"));
    let shown = format!(
        "{environment:?} {error} {error:?} {string:?} {:?}",
        string.config()
    );
    assert!(!shown.contains("s3nt1nel"), "{shown}");
    assert!(shown.contains("PGPASSWORD"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_variable_is_utf_8() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = OsString::from_vec(vec![b'a', 0xff]);
    let environment = Environment::new().variable("PGUSER", value);
    assert_eq!(
        config("user=u", &environment).unwrap().settings().user(),
        "u"
    );
    let error = config("", &environment).unwrap_err().to_string();
    assert!(error.starts_with("PGUSER: "), "{error}");
    assert!(error.ends_with("it must be UTF-8"), "{error}");
}

#[test]
fn security_35_a_string_from_strangers_says_what_it_may() {
    let allowed = |text: &str| Config::parse_allowing(text, Config::SAFE_KEYWORDS);
    assert!(allowed("postgres://u:p@h:1/d?sslmode=require&application_name=a").is_ok());
    assert!(allowed("host=h user=u requiressl=1").is_ok());
    for keyword in [
        "service",
        "servicefile",
        "passfile",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslcrldir",
        "sslpassword",
        "sslkeylogfile",
        "options",
        "replication",
        "requirepeer",
        "krbsrvname",
        "gsslib",
        "oauth_client_secret",
        "scram_client_key",
    ] {
        // The value is not looked at.
        for text in [
            format!("postgres://h?{keyword}=x"),
            format!("host=h {keyword}=x port=x"),
        ] {
            assert_eq!(
                allowed(&text),
                Err(ConfigError::NotAllowed { keyword }),
                "{text}"
            );
        }
    }
    let text = "postgres://u@h/d";
    let error = Config::parse_allowing(text, &["user", "dbname"]);
    assert_eq!(error, Err(ConfigError::NotAllowed { keyword: "host" }));
    assert!(Config::parse_allowing(text, &["user", "dbname", "host"]).is_ok());
}
