//! What spans the whole of the configuration.

use proptest::prelude::*;
use purepg_proto::AuthMethod;

use super::*;

#[test]
fn setters_and_getters_agree() {
    let config = Config::new("h", "u")
        .port(1234)
        .password("secret")
        .database("d")
        .application_name("a")
        .options("-c x=y")
        .connect_timeout(Duration::from_millis(1500))
        .ssl_mode(SslMode::Require)
        .require_auth(AuthMethods::only([AuthMethod::ScramSha256]))
        .max_protocol_version(ProtocolVersion::V3_0)
        .parameter("search_path", "s")
        .parameter("TimeZone", "UTC")
        .parameter("Search_Path", "t");
    let settings = config.settings();
    assert_eq!(settings.host(), "h");
    assert_eq!(settings.port(), 1234);
    assert_eq!(settings.user(), "u");
    assert!(settings.has_password());
    assert_eq!(settings.password(), Some("secret"));
    assert_eq!(settings.database(), Some("d"));
    assert_eq!(settings.application_name(), Some("a"));
    assert_eq!(settings.options(), Some("-c x=y"));
    let timeout = Some(Duration::from_millis(1500));
    assert_eq!(settings.connect_timeout(), timeout);
    assert_eq!(settings.ssl_mode(), SslMode::Require);
    assert!(!settings.require_auth().allows(AuthMethod::Md5));
    assert_eq!(settings.max_protocol_version(), ProtocolVersion::V3_0);
    let parameters: Vec<_> = settings.parameters().collect();
    assert_eq!(parameters, [("TimeZone", "UTC"), ("Search_Path", "t")]);
}

#[test]
fn what_is_empty_is_unset() {
    let config = Config::new("h", "u");
    let emptied = config
        .clone()
        .password("")
        .database("")
        .application_name("")
        .options("")
        .connect_timeout(Duration::ZERO);
    assert_eq!(emptied, config);
    let settings = config.settings();
    assert!(!settings.has_password());
    assert_eq!(settings.password(), None);
    assert_eq!(settings.database(), None);
    assert_eq!(settings.port(), 5432);
    assert!(settings.require_auth().is_default());
}

#[test]
fn the_startup_message_says_what_was_asked_for_and_no_more() {
    let bare = Config::new("h", "u").password("secret");
    let said: Vec<_> = bare.settings().startup_parameters().collect();
    let always = [
        ("user", "u"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO"),
    ];
    assert_eq!(said, always);

    let full = bare
        .database("d")
        .application_name("a")
        .options("-c x=y")
        .parameter("client_encoding", "utf-8")
        .parameter("search_path", "s");
    let said: Vec<_> = full.settings().startup_parameters().collect();
    let more = [
        ("database", "d"),
        ("application_name", "a"),
        ("options", "-c x=y"),
        ("search_path", "s"),
    ];
    assert_eq!(said, [&always[..], &more[..]].concat());
}

#[test]
fn the_last_of_a_kind_counts() {
    for text in [
        "host=a host=b user=u user=v password=1 password=2",
        "postgres://u:1@a?host=b&user=v&password=2",
        "postgres://?host=a&user=u&password=1&ho%73t=b&user=v&pass%77ord=2",
    ] {
        let expected = Config::new("b", "v").password("2");
        assert_eq!(text.parse(), Ok(expected), "{text:?}");
    }
}

const SENTINEL: &str = "s3nt1nel";

fn assert_hidden(text: &str) {
    let result = text.parse::<Config>();
    let shown = match &result {
        Ok(config) => format!("{config:?} {config:#?} {:?}", config.validate()),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!shown.contains(SENTINEL), "{text:?}: {shown}");
}

#[test]
fn security_24_a_password_is_not_shown() {
    for text in [
        "postgres://u:s3nt1nel@h/d",
        "postgres://u:s3nt1nel@h/d?sslmode=require",
        "postgres://h?password=s3nt1nel",
        "postgres://h?pass%77ord=s3nt1nel",
        "postgres://h?%70%61%73%73%77%6f%72%64=s3nt1nel",
        "host=h user=u password=s3nt1nel",
        "host=h user=u password = 's3nt1nel'",
        r"host=h user=u password=s\3nt1nel",
    ] {
        let config: Config = text.parse().unwrap();
        assert_eq!(config.settings().password(), Some(SENTINEL));
        assert_hidden(text);
    }
    let bad = Config::new("h", "").password(format!("{SENTINEL}\0"));
    let shown = format!("{bad:?} {:?}", bad.validate());
    assert!(!shown.contains(SENTINEL), "{shown}");
}

/// Passwords that were not quoted or not encoded, and keywords that were misspelt.
#[test]
fn security_24_a_misplaced_password_is_not_shown() {
    for text in [
        "s3nt1nel",
        "postgre://u:s3nt1nel@h/d",
        "postgres:/u:s3nt1nel@h/d",
        "postgres//u:s3nt1nel@h/d",
        "postgres://u:s3nt1nel",
        "postgres://u:s3nt1nel/@h/d",
        "postgres://u:1/s3nt1nel@h/d",
        "postgres://u:/s3nt1nel@h/d",
        "postgres://u:1?s3nt1nel",
        "postgres://u:a@s3nt1nel@h/d",
        "postgres://u:a@b/s3nt1nel@h/d",
        "postgres://u:a@b:s3nt1nel@h/d",
        "postgres://u:%zzs3nt1nel@h/d",
        "postgres://u:%00s3nt1nel@h/d",
        "postgres://u:%ffs3nt1nel@h/d",
        "postgres://u:a s3nt1nel@h/d",
        "postgres://u:s3nt1nel@h,i/d",
        "postgres://u:s3nt1nel@h:port/d",
        "postgres://u:s3nt1nel@[h/d",
        "postgres://u:a@[s3nt1nel",
        "postgres://u:a@[h]s3nt1nel",
        "postgres://h?password=s3nt1nel@x",
        "postgres://h:1?password=s3nt1nel@x",
        "postgres://h?pass%77ord=%zs3nt1nel",
        "postgres://h?pass%77ord=a=s3nt1nel",
        "postgres://h?pass%77ord=a&s3nt1nel",
        "postgres://h?pass%77ord=a&s3nt1nel=b",
        "postgres://h?pass%77ord%00=s3nt1nel",
        "postgres://h?passwd=s3nt1nel",
        "postgres://h?s3nt1nel=password",
        "postgres://h?sslpassword=s3nt1nel",
        "postgres://h?oauth_client_secret=s3nt1nel",
        "postgres://h?scram_client_key=s3nt1nel",
        "postgres://h?sslmode=s3nt1nel",
        "postgres://h?require_auth=s3nt1nel",
        "postgres://h?max_protocol_version=s3nt1nel",
        "postgres://h?connect_timeout=s3nt1nel",
        "postgres://h?client_encoding=s3nt1nel",
        "postgres://h?target_session_attrs=s3nt1nel",
        "password=s3nt1nel",
        "host=h pass word=s3nt1nel",
        "host=h password='s3nt1nel",
        r"host=h password='s3nt1nel\'",
        "host=h password=a s3nt1nel",
        "host=h password=a s3nt1nel=b",
        "host=h password='a's3nt1nel",
        "host=h password:s3nt1nel",
        "host=h user= password=s3nt1nel",
        "host=h user=\n\tpassword=s3nt1nel",
        "host=h passwd=s3nt1nel",
        "host=h PASSWORD=s3nt1nel",
        "host=h port=s3nt1nel",
    ] {
        assert_hidden(text);
    }
}

/// What connection strings are made of, so that mutations come near the rules.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "postgres://", "postgresql://", "u:", "@", ":", "/", "?", "&", "=", " ", "'", "\\", "%", "%00",
            "%ff", "%77", "[", "]", "[::1]", ",", "+", "\t", "host", "localhost", "user=", "port=", "5432",
            "password=", "pass%77ord=", "dbname=", "sslmode=", "require", "require_auth=!md5", "service=",
            "application_name=", "uzer=", "日本", "\u{0}",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_string_is_parsed_or_refused(text in prop_oneof![pieces(), any::<String>()]) {
        if let Ok(config) = text.parse::<Config>() {
            // Whatever was written, what is accepted can be sent: nothing in it ends a string
            // early.
            if config.validate().is_ok() {
                let said: usize = config
                    .settings()
                    .startup_parameters()
                    .map(|(name, value)| name.matches('\0').count() + value.matches('\0').count())
                    .sum();
                prop_assert_eq!(said, 0);
            }
        }
    }

    /// An error shows nothing of a string, wherever the secret is.
    #[test]
    fn security_24_an_error_shows_nothing_of_the_string(before in pieces(), after in pieces()) {
        let text = format!("{before}{SENTINEL}{after}");
        match text.parse::<Config>() {
            Err(error) => {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(SENTINEL), "{shown}");
            }
            Ok(config) => {
                let shown = format!("{config:?}");
                let settings = config.settings();
                let open = [
                    settings.user(),
                    settings.database().unwrap_or_default(),
                    settings.application_name().unwrap_or_default(),
                ];
                let hosts = settings.hosts();
                let mut open = open.into_iter().chain(hosts.iter().map(Host::name));
                let meant = open.any(|text| text.contains(SENTINEL));
                prop_assert_eq!(shown.contains(SENTINEL), meant, "{}", shown);
                if let Err(error) = config.validate() {
                    let shown = format!("{error} {error:?}");
                    prop_assert!(!shown.contains(SENTINEL), "{shown}");
                }
            }
        }
    }

    /// Nor does a string that was taken apart show more than what stands where everybody may see it.
    #[test]
    fn security_24_a_string_that_was_taken_apart_shows_no_secret(before in pieces(), after in pieces()) {
        let text = format!("{before}{SENTINEL}{after}");
        if let Ok(string) = text.parse::<ConnectionString>() {
            let shown = format!("{string:?} {string:#?}");
            let open = string.keywords().any(|keyword| {
                let value = string.get(keyword).unwrap();
                !keyword::is_secret(keyword) && value.contains(SENTINEL)
            });
            prop_assert_eq!(shown.contains(SENTINEL), open, "{}", shown);
        }
    }

    /// A good string with one piece too many, in either form.
    #[test]
    fn security_24_a_broken_string_hides_its_password(piece in pieces(), at in 0..60_usize) {
        for text in [
            "postgres://user:s3nt1nel@localhost:5432/db?connect_timeout=10",
            "host=localhost user=u port=5432 password='s3nt1nel' dbname=db",
        ] {
            let at = text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
            let (before, after) = text.split_at(at);
            let text = format!("{before}{piece}{after}");
            if let Err(error) = text.parse::<Config>() {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(SENTINEL), "{text:?}: {shown}");
            }
        }
    }
}
