use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::super::{Config, Settings, SslMode};
use super::*;

fn read(url: &str) -> Result<Settings, ConfigError> {
    url.parse::<Config>().map(|config| *config.settings)
}

/// In the order user, password, host, port, database, as far as they differ from nothing.
fn describe(settings: &Settings) -> String {
    let parts = [
        ("user", settings.user()),
        ("password", settings.password().unwrap_or_default()),
        ("host", settings.host()),
        ("port", &settings.port().to_string()),
        ("dbname", settings.database().unwrap_or_default()),
    ];
    let parts = parts
        .into_iter()
        .filter(|(name, value)| !value.is_empty() && (*name, *value) != ("port", "5432"));
    let parts: Vec<String> = parts
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parts.join(" ")
}

/// Which parts there are, with every shape that libpq's own tests have.
#[test]
fn acceptance_01_every_part_may_be_missing() {
    let table = [
        ("postgresql://", ""),
        ("postgres://", ""),
        ("postgres:///", ""),
        ("postgres://?", ""),
        ("postgres://h", "host=h"),
        ("postgresql://h/", "host=h"),
        ("postgres://h?", "host=h"),
        ("postgres://h:/", "host=h"),
        ("postgres://h/d", "host=h dbname=d"),
        ("postgres://h/d?", "host=h dbname=d"),
        ("postgres://h:99", "host=h port=99"),
        ("postgres://h:99/", "host=h port=99"),
        ("postgres://h:99/d", "host=h port=99 dbname=d"),
        ("postgres://:99/", "port=99"),
        ("postgres://:99", "port=99"),
        ("postgres:///d", "dbname=d"),
        ("postgres://@h", "host=h"),
        ("postgres://u@", "user=u"),
        ("postgres://u@/d", "user=u dbname=d"),
        ("postgres://u@:99/d", "user=u port=99 dbname=d"),
        ("postgres://u@h", "user=u host=h"),
        ("postgres://u@h/d", "user=u host=h dbname=d"),
        ("postgres://u:@h", "user=u host=h"),
        ("postgres://:p@h", "password=p host=h"),
        ("postgres://u:p@h", "user=u password=p host=h"),
        (
            "postgresql://u:p@h:99/d",
            "user=u password=p host=h port=99 dbname=d",
        ),
        ("postgres://[::1]", "host=::1"),
        ("postgres://[::1]/d", "host=::1 dbname=d"),
        ("postgres://[::1]?user=u", "user=u host=::1"),
        ("postgres://[2001:db8::7]:99/", "host=2001:db8::7 port=99"),
        ("postgres://[20z1::]/", "host=20z1::"),
    ];
    for (url, expected) in table {
        assert_eq!(describe(&read(url).unwrap()), expected, "{url:?}");
    }
}

#[test]
fn acceptance_01_the_query_says_the_same() {
    let table = [
        ("postgres://?host=/folder", "host=/folder"),
        ("postgres://u@?host=/folder", "user=u host=/folder"),
        (
            "postgres://u@:99/d?host=/folder",
            "user=u host=/folder port=99 dbname=d",
        ),
        ("postgres://h?user=u", "user=u host=h"),
        ("postgres://h:99?user=u", "user=u host=h port=99"),
        (
            "postgres://h/d?u%73er=u&%70ort=99",
            "user=u host=h port=99 dbname=d",
        ),
        (
            "postgres://u:p@h:1/d?user=v&password=q&host=i&port=2&dbname=e",
            "user=v password=q host=i port=2 dbname=e",
        ),
        ("postgres://h/d?dbname=e&dbname=f", "host=h dbname=f"),
        (
            "postgres://u:p@h:1/d?password=&port=&dbname=",
            "user=u host=h",
        ),
        ("postgres://h/d?user=u&", "user=u host=h dbname=d"),
    ];
    for (url, expected) in table {
        assert_eq!(describe(&read(url).unwrap()), expected, "{url:?}");
    }
}

#[test]
fn acceptance_01_encoded_and_unusual_characters() {
    let table = [
        ("postgres://%6c%6F/", "host=lo"),
        ("postgres://%2Ftmp%2fdir/d", "host=/tmp/dir dbname=d"),
        (
            "postgres://u:a+b%2bc@h/d+e",
            "user=u password=a+b+c host=h dbname=d+e",
        ),
        (
            "postgres://u%40corp:p%3a%2F%40%3f@h",
            "user=u@corp password=p:/@? host=h",
        ),
        ("postgres://u:p:q@h", "user=u password=p:q host=h"),
        ("postgres://u:p?q#@h", "user=u password=p?q# host=h"),
        ("postgres://h/a/b", "host=h dbname=a/b"),
        ("postgres://h/d#e", "host=h dbname=d#e"),
        (
            "postgres://h/%64?user=a%26b%3dc",
            "user=a&b=c host=h dbname=d",
        ),
        ("postgres://h/d?user=a?b", "user=a?b host=h dbname=d"),
        ("postgres://%C3%BC@h/日本", "user=ü host=h dbname=日本"),
        (
            "postgres:// u : p @ h : 1 / d ",
            "user=u password=p host=h port=1 dbname=d",
        ),
        ("postgres://h? user = a ", "user=a host=h"),
        ("postgres://[fe80::1%25eth0]", "host=fe80::1%eth0"),
        ("postgres://[/a?b]", "host=/a?b"),
    ];
    for (url, expected) in table {
        assert_eq!(describe(&read(url).unwrap()), expected, "{url:?}");
    }
}

#[test]
fn malformed_urls_are_refused() {
    let table = [
        (
            "postgres://h/d?u%7aer=x&port=1",
            "unknown keyword, number 1",
        ),
        ("postgres://h?port=1&uzer=", "unknown keyword, number 2"),
        ("postgre://h", "scheme"),
        ("mysql://u:p@h/d?a=b", "scheme"),
        ("POSTGRES://u:p@h/d?a=b", "scheme"),
        ("postgres://[::1", "host: an IPv6"),
        ("postgres://[]", "host: the brackets"),
        ("postgres://[::1]x", "host: the brackets"),
        ("postgres://h?user", "query: a keyword has no `=`"),
        ("postgres://h?user&port", "query: a keyword has no `=`"),
        ("postgres://h?&user=u", "query: a keyword has no `=`"),
        ("postgres://h?user=u&&port=1", "query: a keyword has no `=`"),
        ("postgres://h?user=u=v", "query: a value has an `=`"),
        ("postgres://h?dbname=%g0d", "dbname: a `%`"),
        ("postgres://h%00i", "host: %00"),
        ("postgres://u:a%00b@h", "password: %00"),
        ("postgres://h?us%00er=b", "query: %00"),
        ("postgres://%0g", "host: a `%`"),
        ("postgres://%2", "host: a `%`"),
        ("postgres://%", "host: a `%`"),
        ("postgres://%+1", "host: a `%`"),
        ("postgres://%ü", "host: a `%`"),
        ("postgres://u:%ff@h", "password: it must be UTF-8"),
        ("postgres://h/d d", "dbname: a space"),
        ("postgres://h?user=a b", "user: a space"),
        ("postgres://u:p@h:port", "port: it is a number"),
        ("postgres://u:p@h:0", "port: it is a number"),
        ("postgres://h?service=s", "needs files"),
        ("postgres://h?krbsrvname=p", "krbsrvname is not supported"),
        (
            "postgres://h?channel_binding=yes",
            "invalid value for channel_binding",
        ),
        ("postgres://h?database=d", "the keyword is dbname"),
        ("postgres://h?ssl=1", "the keyword is sslmode"),
        (
            "postgres://h?sslmode=sometimes",
            "invalid value for sslmode",
        ),
        ("postgres://h?client_encoding=LATIN1", "always UTF8"),
        ("postgres://u:p@h@i/d", "%40"),
        ("postgres://u:p/q@h/d", "%2F"),
        ("postgres://u:1/q@h/d", "%2F"),
        ("postgres://h/d@e", "%40"),
    ];
    for (url, message) in table {
        let error = read(url).unwrap_err().to_string();
        assert!(error.contains(message), "{url:?}: {error}");
    }
}

#[test]
fn the_query_sets_what_the_rest_cannot() {
    let url = "postgres://u@h/d?application_name=an%20app&options=-c%20geqo%3Doff\
        &connect_timeout=7&sslmode=verify-ca&require_auth=!md5,!none&max_protocol_version=3.0";
    let config = Config::new("h", "u")
        .database("d")
        .application_name("an app")
        .options("-c geqo=off")
        .connect_timeout(std::time::Duration::from_secs(7))
        .ssl_mode(SslMode::VerifyCa)
        .require_auth("!md5,!none".parse().unwrap())
        .max_protocol_version(crate::ProtocolVersion::V3_0);
    assert_eq!(url.parse(), Ok(config));
    let jdbc = read("postgres://h?ssl=true").unwrap();
    assert!(jdbc.ssl_mode().requires_tls());
}

proptest! {
    #[test]
    fn an_encoded_value_is_read_back(parts in prop::array::uniform4("[^\0,]+")) {
        let [user, password, host, database] = &parts;
        let encode = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let [u, p, h, d] = [encode(user), encode(password), encode(host), encode(database)];
        let urls = [
            format!("postgres://{u}:{p}@{h}/{d}"),
            format!("postgres://?user={u}&password={p}&host={h}&dbname={d}"),
        ];
        for url in urls {
            let settings = read(&url).unwrap();
            prop_assert_eq!(settings.user(), user);
            prop_assert_eq!(settings.password(), Some(password.as_str()));
            prop_assert_eq!(settings.host(), host);
            prop_assert_eq!(settings.database(), Some(database.as_str()));
        }
    }
}
