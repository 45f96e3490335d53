use super::super::{Config, SslMode};
use super::*;

/// What a service says, as it is added to a string.
fn with(text: &str, string: &str, service: &str) -> Result<ConnectionString, ConfigError> {
    let mut string: ConnectionString = string.parse()?;
    if read(text, service, Path::new("/services"), &mut string)? {
        Ok(string)
    } else {
        Err(ConfigError::UnknownService)
    }
}

#[test]
fn a_service_is_what_is_behind_its_name() {
    let text = "
        # a comment
        host=outside
        [other]
        host=other
        [mine]
        host=h
          port=1\t\r
        #user=comment

        user=u=v w
        dbname=
        host=second
        [mine]
        application_name=again
        [next]
        options=next
    ";
    let string = with(text, "", "mine").unwrap();
    let said: Vec<_> = string
        .keywords()
        .map(|keyword| (keyword, string.get(keyword).unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("host", "h"),
            ("port", "1"),
            ("user", "u=v w"),
            ("dbname", "")
        ]
    );
    let string = with(text, "host=mine port=''", "mine").unwrap();
    assert_eq!(string.get("host"), Some("mine"));
    assert_eq!(string.get("port"), Some(""));
    assert_eq!(with(text, "", "min"), Err(ConfigError::UnknownService));
    assert_eq!(with(text, "", "mine2"), Err(ConfigError::UnknownService));
    assert!(with("[a]b\nhost=h", "", "a").unwrap().get("host").is_some());
}

#[test]
fn mistakes_are_told_with_their_line() {
    let table = [
        ("[a]\nhost", "no `=`"),
        ("[a]\nHost=h", "no such keyword"),
        ("[a]\nhost =h", "no such keyword"),
        ("[a]\nssl=true", "no such keyword"),
        ("[a]\nrequiressl=1", "no such keyword"),
        ("[a]\nservice=b", "cannot name another"),
        ("[a]\nservicefile=/b", "cannot name another"),
        ("[a]\nldap://h/dc=x", "LDAP"),
    ];
    for (text, message) in table {
        let error = with(text, "", "a").unwrap_err().to_string();
        assert!(
            error.starts_with("service file /services, line 2: "),
            "{text:?}: {error}"
        );
        assert!(error.contains(message), "{text:?}: {error}");
    }
    // Of other services nobody asked.
    assert!(with("[b]\nhost\n[a]\n", "", "a").is_ok());
    assert!(with("[a]\n[b]\nhost\n", "", "a").is_ok());
    let bad = with("[a]\n\nport=s3nt1nel", "", "a").unwrap();
    let error = bad.config().unwrap_err().to_string();
    assert!(
        error.starts_with("service file /services, line 3: invalid value for port"),
        "{error}"
    );
    assert!(!error.contains("s3nt1nel"));
}

#[test]
fn the_string_goes_before_the_service_and_that_before_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("services");
    fs::write(&file, "[a]\nhost=service\nuser=service\nsslmode=disable\n").unwrap();
    let environment = Environment::new()
        .variable("PGSERVICEFILE", &file)
        .variable("PGSERVICE", "a")
        .variable("PGHOST", "environment")
        .variable("PGDATABASE", "environment")
        .variable("PGREQUIRESSL", "1");
    let expected = Config::new("service", "string")
        .database("environment")
        .ssl_mode(SslMode::Disable);
    assert_eq!(
        Config::parse_with_env("user=string", &environment),
        Ok(expected)
    );
    let other = Config::parse_with_env("service=b", &environment);
    assert_eq!(other, Err(ConfigError::UnknownService));
    let named = format!("postgres://?service=a&servicefile={}", file.display());
    assert_eq!(
        Config::parse_with_env(&named, &Environment::new())
            .unwrap()
            .settings()
            .host(),
        "service"
    );
}

#[test]
fn services_of_the_user_go_before_those_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let (home, system) = (folder.path().join("home"), folder.path().join("system"));
    fs::create_dir(&home).unwrap();
    fs::create_dir(&system).unwrap();
    let environment = Environment::new()
        .home_folder(&home)
        .variable("PGSYSCONFDIR", &system);
    let host = |service: &str| {
        let config = Config::parse_with_env(&format!("service={service}"), &environment);
        config.map(|config| config.settings().host().to_owned())
    };
    assert_eq!(host("a"), Err(ConfigError::UnknownService));
    fs::write(
        system.join("pg_service.conf"),
        "[a]\nhost=system\n[b]\nhost=system\n",
    )
    .unwrap();
    assert_eq!(host("a"), Ok("system".into()));
    fs::write(home.join(".pg_service.conf"), "[a]\nhost=home\n").unwrap();
    assert_eq!(host("a"), Ok("home".into()));
    assert_eq!(host("b"), Ok("system".into()));
    fs::write(home.join(".pg_service.conf"), b"[a]\nhost=\xff\n").unwrap();
    let error = host("b").unwrap_err().to_string();
    assert!(
        error.ends_with(".pg_service.conf: it must be UTF-8"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let environment = Environment::new().variable("PGSERVICEFILE", "/no/such/file");
    let error = Config::parse_with_env("service=a", &environment)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("service file /no/such/file: "), "{error}");
    // Nobody asks for a service.
    assert!(Config::parse_with_env("", &environment).is_ok());
}
