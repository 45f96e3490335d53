use super::super::Config;
use super::*;

fn password(text: &str, config: &Config) -> Option<String> {
    let settings = config.settings();
    let key = PassKey::new(&settings.hosts()[0], settings);
    let found = find(text.as_bytes(), &key)?;
    Some(String::from_utf8(found.to_vec()).unwrap())
}

fn config() -> Config {
    Config::new("h", "u").database("d")
}

#[test]
fn the_first_line_that_fits_counts() {
    let table = [
        ("h:5432:d:u:p", "p"),
        ("h:5432:d:u:p\n", "p"),
        ("h:5432:d:u:p\r\n", "p"),
        ("h:5432:d:u:p\r\r\n", "p"),
        ("*:*:*:*:p", "p"),
        ("h:*:*:u:p", "p"),
        ("\n\n*:*:*:*:p", "p"),
        ("x:*:*:*:a\nh:*:*:*:b\n*:*:*:*:c", "b"),
        (
            "h:5433:d:u:a\nh:5432:e:u:b\nh:5432:d:v:c\nh:5432:d:u:p",
            "p",
        ),
        ("#*:*:*:*:a\n*:*:*:*:p", "p"),
        ("*:*:*:*:", ""),
        ("*:*:*:*:a:b", "a"),
        (r"*:*:*:*:a\:b\\c\d", r"a:b\cd"),
        (r"*:*:*:*:a\", r"a\"),
        (r"\h:543\2:d:u:p", "p"),
        ("*:*:*:*: p ", " p "),
        ("*:*:*:*:pä", "pä"),
        ("a\0b:*:*:*:a\n*:*:*:*:p", "p"),
    ];
    for (text, expected) in table {
        let found = password(text, &config());
        assert_eq!(found.as_deref(), Some(expected), "{text:?}");
    }
}

#[test]
fn lines_that_do_not_fit() {
    for text in [
        "",
        "\n",
        "h",
        "h:5432:d:u",
        "h:5432:d:p",
        " h:*:*:*:p",
        "hh:*:*:*:p",
        ":*:*:*:p",
        "**:*:*:*:p",
        r"\*:*:*:*:p",
        "H:*:*:*:p",
        "h:05432:*:*:p",
        r"h\:*:*:*:*:p",
        "#h:*:*:*:p",
        "h :*:*:*:p",
        "\\",
    ] {
        assert_eq!(password(text, &config()), None, "{text:?}");
    }
}

#[test]
fn hosts_and_databases_by_the_name_they_have_there() {
    let by_default = Config::new("/tmp", "u");
    assert_eq!(
        password("localhost:5432:u:u:p", &by_default),
        Some("p".into())
    );
    assert_eq!(password("/tmp:5432:u:u:p", &by_default), None);
    let elsewhere = Config::new("/srv/sockets", "u");
    assert_eq!(
        password("/srv/sockets:5432:u:u:p", &elsewhere),
        Some("p".into())
    );
    assert_eq!(password("localhost:5432:u:u:p", &elsewhere), None);
    let colons = Config::new("::1", r"a:b\c").port(1);
    assert_eq!(password(r"\:\:1:1:*:a\:b\\c:p", &colons), Some("p".into()));
}

#[cfg(unix)]
mod files {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn look_up(path: &Path) -> Result<Option<Password>, Warning> {
        let config = config();
        let settings = config.settings();
        let key = PassKey::new(&settings.hosts()[0], settings);
        PassFile::named(path).unwrap().look_up(&key)
    }

    fn reason(path: &Path) -> String {
        let Err(Warning::PassFileIgnored { file, reason }) = look_up(path) else {
            panic!("{} was read", path.display());
        };
        assert_eq!(file, path);
        reason.into()
    }

    #[test]
    fn security_25_a_password_file_that_others_can_read_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "*:*:*:*:s3nt1nel").unwrap();
        for mode in [0o600, 0o400, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let password = look_up(&path).unwrap();
            assert_eq!(password, Password::new("s3nt1nel".into()), "{mode:o}");
        }
        for mode in [0o640, 0o604, 0o644, 0o610, 0o602, 0o660, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let reason = reason(&path);
            assert!(reason.contains("0600"), "{mode:o}: {reason}");
            assert!(!reason.contains("s3nt1nel"));
        }
    }

    #[test]
    fn what_is_no_plain_file_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(reason(folder.path()), "it is not a plain file");
        assert_eq!(reason(Path::new("/dev/null")), "it is not a plain file");
        let missing = folder.path().join("missing");
        assert_eq!(reason(&missing), "it is not there");
        let by_default = PassFile::in_home(folder.path());
        let key = PassKey::new(&config().settings().hosts()[0], config().settings());
        assert_eq!(by_default.look_up(&key), Ok(None));
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(reason(&path), "it has 16 MiB or more");
    }
}
