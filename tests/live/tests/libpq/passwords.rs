//! Passwords from files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::program::Libpq;

#[test]
fn security_25_passwords_are_found_as_by_libpq() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgpass");
    let hosts = [
        "hostaddr=127.0.0.1",
        "host=h hostaddr=127.0.0.1",
        "host=/no/such/folder",
        r"host='/no/such\\ ü:folder'",
        "host='' hostaddr=::1",
    ];
    let accounts = [
        "user=u",
        "user=u dbname=d",
        "user=a:b dbname='*'",
        r"user='a\\b' dbname=d:",
        "user=ü",
        "user=u password=given",
        "user=u dbname=''",
    ];
    let lines = [
        "*:*:*:*:all",
        "h:*:*:*:host",
        "127.0.0.1:*:*:*:addr",
        "localhost:*:*:*:local",
        "/no/such/folder:*:*:*:folder",
        r"\:\:1:*:*:*:six",
        "*:1:*:*:port",
        "*:5432:*:*:default",
        "*:*:d:*:database",
        "*:*:u:u:both",
        "*:*:*:u:user",
        r"*:*:*:a\:b:colon",
        r"*:*:\*:*:star",
        r"*:*:*:a\\b:backslash",
        "*:*:d\\::*:end",
        "*:*:*:ü:umlaut",
        "# *:*:*:*:comment",
        "#*:*:*:*:comment",
        " *:*:*:*:blank",
        "*:*:*:*",
        "*:*:*:u",
        "",
        "\\",
        "*:*:*:u:a:b",
        r"*:*:*:u:a\:b\\c\d",
        r"*:*:*:u:a\",
        "*:*:*:u:",
        "*:*:*:u: b ",
        "*:*:*:u:p\r",
        "*:*:*:u:p\r\r",
        "*:1:u:u:äöü",
        r"\u:*:*:*:p",
        "**:*:*:*:p",
        r"*:\1:*:\u:escaped",
    ];
    let mut random = fastrand::Rng::with_seed(0x5eed);
    let mut found = 0;
    libpq.environment([]);
    for round in 0..2_000 {
        let some = (0..random.usize(1..6)).map(|_| lines[random.usize(..lines.len())]);
        let mut text = some.collect::<Vec<_>>().join("\n");
        if random.bool() {
            text.push('\n');
        }
        fs::write(&file, &text).unwrap();
        let mode = if round % 50 == 0 { 0o640 } else { 0o600 };
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let (host, account) = (
            hosts[random.usize(..hosts.len())],
            accounts[random.usize(..accounts.len())],
        );
        let port = ["", "port=1"][random.usize(..2)];
        let string = format!("{host} {account} {port} passfile={}", file.display());
        let theirs = libpq.connect(&string).password;
        let config: purepg_conn::Config = string.parse().unwrap();
        let ours = match purepg_conn::comparing::password(&config) {
            Ok(password) => password.unwrap_or_default(),
            Err(warning) => {
                assert_eq!(mode, 0o640, "{warning}");
                String::new()
            }
        };
        if config.settings().has_password() {
            assert_eq!(theirs, "given");
            continue;
        }
        assert_eq!(ours, theirs, "{string} {text:?}");
        found += usize::from(!theirs.is_empty());
    }
    assert!(found > 500, "{found}");
}
