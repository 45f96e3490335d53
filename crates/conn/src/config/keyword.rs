//! The keywords of a connection string, and what becomes of each.

use purepg_proto::{AuthMethodsError, ProtocolVersion};

use super::pass_file::PassFile;
use super::settings::{Password, Protected, non_empty};
use super::{ConfigError, Settings, auth, hosts, reach, socket_options, tls};

/// Does what a keyword asks for.
pub(super) fn apply(
    settings: &mut Settings,
    keyword: &'static str,
    value: &str,
) -> Result<(), ConfigError> {
    match treatment(keyword) {
        Some((_, Takes(take))) => {
            take(settings, value.to_owned());
            Ok(())
        }
        Some((_, Parses(parse))) => parse(settings, value),
        Some((_, Accepts(values, _))) if values.contains(&value) => Ok(()),
        Some((keyword, Accepts(values, reason))) => Err(ConfigError::UnsupportedValue {
            keyword,
            supported: values.first().copied().unwrap_or_default(),
            reason,
        }),
        Some((keyword, Refused(reason))) => Err(ConfigError::Unsupported { keyword, reason }),
        Some((keyword, SetterOnly(setter))) => Err(ConfigError::SetterOnly { keyword, setter }),
        Some((keyword, FromFiles)) => Err(ConfigError::NeedsEnvironment { keyword }),
        Some((_, Misspells(_))) | None => find(0, keyword).map(|_| ()),
    }
}

/// The keyword as the table has it, which is safe to show. It was written as the `number`th one.
pub(super) fn find(number: usize, keyword: &str) -> Result<&'static str, ConfigError> {
    let meant = match treatment(keyword) {
        Some((_, Misspells(meant))) => Some(meant),
        Some((name, _)) => return Ok(name),
        None => None,
    };
    Err(ConfigError::UnknownKeyword { number, meant })
}

/// libpq's translation of what its older versions knew.
pub(super) fn translate<'a>(
    keyword: &'static str,
    value: &'a str,
) -> Result<(&'static str, &'a str), ConfigError> {
    if keyword != "requiressl" {
        return Ok((keyword, value));
    }
    match value {
        "1" => Ok(("sslmode", "require")),
        "0" => Ok(("sslmode", "prefer")),
        _ => Err(ConfigError::InvalidValue {
            keyword,
            reason: "it is 0 or 1",
        }),
    }
}

pub(super) fn is_secret(keyword: &str) -> bool {
    SECRETS.contains(&keyword)
}

const SECRETS: &[&str] = &[
    "password",
    "sslpassword",
    "scram_client_key",
    "scram_server_key",
    "oauth_client_secret",
];

/// The keyword as the table has it, which is safe to show.
pub(super) fn known(keyword: &str) -> Option<&'static str> {
    treatment(keyword).map(|(name, _)| name)
}

fn treatment(keyword: &str) -> Option<(&'static str, Treatment)> {
    KEYWORDS.iter().copied().find(|known| known.0 == keyword)
}

#[derive(Clone, Copy)]
enum Treatment {
    /// It sets something, to any value.
    Takes(fn(&mut Settings, String)),
    /// It sets something, to a value that must have a certain form.
    Parses(fn(&mut Settings, &str) -> Result<(), ConfigError>),
    /// It asks for what happens anyway when it has one of these values, and is refused with any
    /// other, for this reason.
    Accepts(&'static [&'static str], &'static str),
    /// It names something in a file, which only a [`ConnectionString`](super::ConnectionString) that may read files follows.
    FromFiles,
    /// libpq knows it, and there is a reason not to.
    Refused(&'static str),
    /// libpq knows it, and a string must not say it: this method of [`Config`](super::Config) does.
    SetterOnly(&'static str),
    /// Nobody knows it, but many write it.
    Misspells(&'static str),
}

use Treatment::{Accepts, FromFiles, Misspells, Parses, Refused, SetterOnly, Takes};

/// Every keyword of libpq 18's `PQconninfoOptions`, some older and newer ones, and some mistakes.
/// None is ignored: one that is not honoured may be the one that was to protect the connection.
const KEYWORDS: &[(&str, Treatment)] = &[
    ("host", Takes(hosts::host)),
    ("hostaddr", Parses(hosts::hostaddr)),
    ("port", Parses(hosts::port)),
    ("user", Takes(|it, value| it.user = value)),
    (
        "password",
        Takes(|it, value| it.password = Password::new(value)),
    ),
    ("dbname", Takes(|it, value| it.database = non_empty(value))),
    (
        "application_name",
        Takes(|it, value| it.application_name = non_empty(value)),
    ),
    ("options", Takes(|it, value| it.options = non_empty(value))),
    ("connect_timeout", Parses(reach::connect_timeout)),
    ("client_encoding", Parses(client_encoding)),
    ("sslmode", Parses(ssl_mode)),
    ("require_auth", Parses(require_auth)),
    ("max_protocol_version", Parses(max_protocol_version)),
    ("min_protocol_version", Parses(min_protocol_version)),
    ("channel_binding", Parses(tls::keywords::channel_binding)),
    ("gssencmode", Accepts(&["disable", "prefer"], NO_GSSAPI)),
    ("gssdelegation", Accepts(&["0"], NO_GSSAPI)),
    ("sslnegotiation", Parses(tls::keywords::negotiation)),
    (
        "sslcompression",
        Accepts(&["0"], "what compresses secrets gives them away"),
    ),
    ("sslcertmode", Parses(tls::keywords::cert_mode)),
    ("sslsni", Parses(tls::keywords::sni)),
    ("sslcert", Takes(tls::keywords::cert)),
    ("sslkey", Takes(tls::keywords::key)),
    ("sslpassword", Takes(tls::keywords::password)),
    ("sslrootcert", Takes(tls::keywords::root_cert)),
    ("sslcrl", Takes(tls::keywords::crl)),
    (
        "ssl_min_protocol_version",
        Parses(tls::keywords::min_version),
    ),
    (
        "ssl_max_protocol_version",
        Parses(tls::keywords::max_version),
    ),
    (
        "replication",
        Accepts(
            &["false", "off", "no", "0"],
            "the driver has no replication streams: purepg-proto has them",
        ),
    ),
    ("target_session_attrs", Parses(reach::target_session_attrs)),
    ("load_balance_hosts", Parses(reach::load_balance_hosts)),
    ("keepalives", Parses(socket_options::keepalives)),
    ("keepalives_idle", Parses(socket_options::keepalives_idle)),
    (
        "keepalives_interval",
        Parses(socket_options::keepalives_interval),
    ),
    ("keepalives_count", Parses(socket_options::keepalives_count)),
    ("tcp_user_timeout", Parses(socket_options::tcp_user_timeout)),
    ("requirepeer", Takes(reach::require_peer)),
    ("service", FromFiles),
    ("servicefile", FromFiles),
    (
        "passfile",
        Takes(|it, value| it.pass_file = PassFile::named(value)),
    ),
    (
        "fallback_application_name",
        Takes(|it, value| it.fallback_application_name = non_empty(value)),
    ),
    ("requiressl", Refused("it becomes sslmode")),
    // A string that comes from strangers must not have files written.
    ("sslkeylogfile", SetterOnly("ssl_key_log_file")),
    ("sslcrldir", Takes(tls::keywords::crl_dir)),
    ("krbsrvname", Refused(NO_GSSAPI)),
    ("gsslib", Refused(NO_GSSAPI)),
    ("scram_client_key", Parses(auth::keywords::scram_client_key)),
    ("scram_server_key", Parses(auth::keywords::scram_server_key)),
    ("oauth_issuer", Takes(auth::keywords::oauth_issuer)),
    ("oauth_client_id", Takes(auth::keywords::oauth_client_id)),
    (
        "oauth_client_secret",
        Takes(auth::keywords::oauth_client_secret),
    ),
    ("oauth_scope", Takes(auth::keywords::oauth_scope)),
    (
        "oauth_ca_file",
        Refused("tokens are got by a function of the caller's, which does its own TLS"),
    ),
    ("database", Misspells("dbname")),
    ("hostname", Misspells("host")),
    ("username", Misspells("user")),
    ("ssl", Misspells("sslmode")),
    ("ssl_mode", Misspells("sslmode")),
];

const NO_GSSAPI: &str = "there is no GSSAPI";

/// `auto` is the encoding of the client's own texts, and these are UTF-8 whatever its locale says.
fn client_encoding(_: &mut Settings, value: &str) -> Result<(), ConfigError> {
    match value {
        "" | "auto" => Ok(()),
        _ => check_protected("client_encoding", value),
    }
}

fn ssl_mode(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    settings.ssl_mode = Some(value.parse()?);
    Ok(())
}

fn require_auth(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    let methods = value.parse();
    settings.require_auth =
        methods.map_err(|error: AuthMethodsError| ConfigError::InvalidValue {
            keyword: "require_auth",
            reason: error.reason(),
        })?;
    Ok(())
}

fn max_protocol_version(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    settings.max_protocol_version = Some(protocol_version("max_protocol_version", value)?);
    Ok(())
}

fn min_protocol_version(settings: &mut Settings, value: &str) -> Result<(), ConfigError> {
    settings.min_protocol_version = protocol_version("min_protocol_version", value)?;
    Ok(())
}

/// 3.1 never existed: servers and poolers were confused by it, so libpq refuses it too.
fn protocol_version(keyword: &'static str, value: &str) -> Result<ProtocolVersion, ConfigError> {
    value.parse().map_err(|_| ConfigError::InvalidValue {
        keyword,
        reason: "it is 3.0, 3.2 or latest",
    })
}

/// Refuses a value for a protected parameter that is not the one it has.
pub(super) fn check_protected(name: &str, value: &str) -> Result<(), ConfigError> {
    match Protected::find(name) {
        Some(protected) if !protected.accepts(value) => Err(ConfigError::ProtectedParameter {
            parameter: protected.name,
            value: protected.value,
        }),
        _ => Ok(()),
    }
}

/// As libpq's `parse_int_param`: a C `int`, with blanks around it allowed.
pub(super) fn integer(value: &str) -> Option<i32> {
    value.trim_matches(super::is_blank).parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::environment::{ByVariable, VARIABLES};
    use super::*;
    use crate::{AuthMethods, SslMode};

    fn try_one(keyword: &str, value: &str) -> Result<Settings, ConfigError> {
        let mut settings = Settings::new(String::new(), String::new());
        let (keyword, value) = translate(find(1, keyword)?, value)?;
        apply(&mut settings, keyword, value)?;
        Ok(settings)
    }

    /// `PQconninfoParse("")` of libpq 18 gives this list.
    #[test]
    fn every_keyword_of_libpq_is_known() {
        let libpq = "service user password passfile channel_binding connect_timeout dbname host \
            hostaddr port client_encoding options application_name fallback_application_name \
            keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout \
            sslmode sslnegotiation sslcompression sslcert sslkey sslcertmode sslpassword \
            sslrootcert sslcrl sslcrldir sslsni requirepeer require_auth min_protocol_version \
            max_protocol_version ssl_min_protocol_version ssl_max_protocol_version gssencmode \
            krbsrvname gsslib gssdelegation replication target_session_attrs load_balance_hosts \
            scram_client_key scram_server_key oauth_issuer oauth_client_id oauth_client_secret \
            oauth_scope sslkeylogfile";
        for name in libpq.split_whitespace() {
            assert_eq!(known(name), Some(name));
            let treated = !matches!(treatment(name), Some((_, Misspells(_))));
            assert!(treated, "{name}");
        }
    }

    /// The cells of each row of `docs/configuration.md` whose first one is a keyword.
    fn documented() -> Vec<Vec<String>> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, table) = text.split_once("\n## Keywords\n").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        let cells = |row: &str| {
            row.split('|')
                .map(|cell| cell.trim().replace('`', ""))
                .collect()
        };
        rows.map(cells).collect()
    }

    #[test]
    fn the_table_of_keywords_is_true() {
        let rows = documented();
        let mut rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
        for &(name, treated) in KEYWORDS {
            let at = rows.iter().position(|row| row[1] == name);
            if let Misspells(_) = treated {
                assert_eq!(at, None, "{name}");
                continue;
            }
            let row = rows.remove(at.unwrap_or_else(|| panic!("{name} has no row")));
            let [_, _, variable, default, what, _] = row else {
                panic!("{name}: {row:?}");
            };
            let known = VARIABLES
                .iter()
                .find(|(_, by)| *by == ByVariable::Keyword(name));
            let known = match name {
                "requiressl" => "PGREQUIRESSL",
                _ => known.map_or("", |(variable, _)| variable),
            };
            assert_eq!(variable, known, "{name}");
            match treated {
                Refused(_) if name == "requiressl" => {}
                Refused(reason) => assert_eq!(*what, format!("refused: {reason}")),
                Accepts(values, reason) => {
                    assert!(what.contains(&values.join(", ")), "{name}");
                    assert!(
                        what.ends_with(&format!("others are refused: {reason}")),
                        "{name}"
                    );
                }
                SetterOnly(setter) => {
                    assert!(what.starts_with("refused: "), "{name}");
                    assert!(what.ends_with(&format!("Config::{setter}")), "{name}");
                }
                FromFiles => assert!(what.contains("only with an environment"), "{name}"),
                Takes(_) | Parses(_) | Misspells(_) => assert!(!what.contains("refused"), "{name}"),
            }
            // What is said to be the default changes nothing.
            if let (Parses(_), Some(default)) = (treated, default.split([';', ',']).next())
                && ![
                    "",
                    "no limit",
                    "the newest",
                    "see AuthMethods",
                    "the system's",
                ]
                .contains(&default)
            {
                let said = try_one(name, default).unwrap();
                let untouched = Settings::new(String::new(), String::new());
                assert_eq!(meaning(&said), meaning(&untouched), "{name}");
            }
        }
        assert!(rows.is_empty(), "{rows:?}");
    }

    /// What is compared of settings that say the same in other words.
    fn meaning(settings: &Settings) -> impl PartialEq + std::fmt::Debug + use<> {
        let mut said = settings.clone();
        said.ssl_mode = Some(settings.ssl_mode());
        said.max_protocol_version = Some(settings.max_protocol_version());
        said
    }

    #[test]
    fn security_03_no_keyword_is_ignored() {
        let untouched = Settings::new(String::new(), String::new());
        for &(name, treated) in KEYWORDS {
            let result = try_one(name, "no such value");
            match treated {
                Takes(_) | Parses(_) => assert_ne!(result, Ok(untouched.clone()), "{name}"),
                Accepts(values, reason) => {
                    let supported = values.first().unwrap();
                    let keyword = name;
                    assert_eq!(
                        result,
                        Err(ConfigError::UnsupportedValue {
                            keyword,
                            supported,
                            reason
                        })
                    );
                }
                Refused(_) if name == "requiressl" => {
                    assert_eq!(try_one(name, "1").unwrap().ssl_mode(), SslMode::Require);
                    assert!(matches!(result, Err(ConfigError::InvalidValue { .. })));
                }
                Refused(reason) => {
                    let keyword = name;
                    assert_eq!(result, Err(ConfigError::Unsupported { keyword, reason }));
                }
                FromFiles => {
                    let keyword = name;
                    assert_eq!(result, Err(ConfigError::NeedsEnvironment { keyword }));
                }
                SetterOnly(setter) => {
                    let keyword = name;
                    assert_eq!(result, Err(ConfigError::SetterOnly { keyword, setter }));
                }
                Misspells(meant) => {
                    assert!(matches!(treatment(meant), Some((_, Takes(_) | Parses(_)))));
                    let meant = Some(meant);
                    assert_eq!(
                        result,
                        Err(ConfigError::UnknownKeyword { number: 1, meant })
                    );
                }
            }
        }
    }

    #[test]
    fn values_that_ask_for_what_happens_anyway_are_accepted() {
        let untouched = Settings::new(String::new(), String::new());
        for &(name, treated) in KEYWORDS {
            if let Accepts(values, _) = treated {
                for value in values {
                    assert_eq!(try_one(name, value), Ok(untouched.clone()), "{name}");
                }
                assert!(try_one(name, "").is_err(), "{name}");
            }
        }
        for value in ["UTF8", "utf8", "UTF-8", "utf-8", "auto", ""] {
            assert_eq!(try_one("client_encoding", value), Ok(untouched.clone()));
        }
        for value in ["Auto", "LATIN1", "UTF16", "SQL_ASCII"] {
            let error = try_one("client_encoding", value).unwrap_err();
            assert_eq!(
                error.to_string(),
                "client_encoding is always UTF8: another value cannot be given"
            );
        }
    }

    #[test]
    fn keywords_have_one_spelling() {
        for name in ["", "Host", "PASSWORD", " user", "user ", "uzer", "us\0er"] {
            let error = ConfigError::UnknownKeyword {
                number: 1,
                meant: None,
            };
            assert_eq!(try_one(name, "x"), Err(error), "{name:?}");
        }
    }

    #[test]
    fn security_18_require_auth_is_libpqs_list() {
        use crate::AuthMethod::{Md5, None, ScramSha256};
        let set = |text| try_one("require_auth", text).map(|settings| settings.require_auth);
        assert_eq!(set("none,md5"), Ok(AuthMethods::only([None, Md5])));
        assert_eq!(
            set("!scram-sha-256"),
            Ok(AuthMethods::except([ScramSha256]))
        );
        for (text, reason) in [
            ("md5,!none", "either all methods"),
            ("md5,md5", "more than once"),
            ("scram", "the methods are"),
            ("gss", "not supported"),
        ] {
            let error = set(text).unwrap_err().to_string();
            assert!(error.contains("require_auth"), "{text:?}: {error}");
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn acceptance_10_versions_of_the_protocol() {
        let range = |keyword, text| -> Result<_, ConfigError> {
            let settings = try_one(keyword, text)?;
            Ok((
                settings.min_protocol_version(),
                settings.max_protocol_version(),
            ))
        };
        let (old, new) = (ProtocolVersion::V3_0, ProtocolVersion::V3_2);
        for (text, version) in [("3.0", old), ("3.2", new), ("latest", new)] {
            assert_eq!(range("max_protocol_version", text), Ok((old, version)));
            // Whoever will not put up with an old one asks for a new one.
            let expected = Ok((version, version));
            assert_eq!(range("min_protocol_version", text), expected);
        }
        for keyword in ["min_protocol_version", "max_protocol_version"] {
            for text in ["", "3", "3.1", "2.0"] {
                let error = range(keyword, text).unwrap_err().to_string();
                let expected = format!("invalid value for {keyword}: it is 3.0, 3.2 or latest");
                assert_eq!(error, expected);
            }
        }
    }

    #[test]
    fn ports_are_read_as_libpq_reads_them() {
        for (text, port) in [
            ("1", 1),
            ("65535", 65535),
            ("", 5432),
            (" 5433\n", 5433),
            ("+5433", 5433),
            ("05433", 5433),
        ] {
            assert_eq!(try_one("port", text).unwrap().port(), port, "{text:?}");
        }
        for text in [
            "0",
            "-1",
            "65536",
            "5432x",
            "x",
            " ",
            "0x1538",
            "5 4",
            "99999999999",
            "٣",
        ] {
            let error = try_one("port", text).unwrap_err().to_string();
            assert_eq!(
                error,
                "invalid value for port: it is a number from 1 to 65535"
            );
        }
    }

    #[test]
    fn timeouts_are_whole_seconds() {
        let ten = Some(Duration::from_secs(10));
        for (text, timeout) in [("10", ten), (" 10 ", ten), ("0", None), ("-1", None)] {
            let settings = try_one("connect_timeout", text).unwrap();
            assert_eq!(settings.connect_timeout(), timeout, "{text:?}");
        }
        for text in ["", "1.5", "10s", "ten", "2147483648"] {
            assert!(try_one("connect_timeout", text).is_err(), "{text:?}");
        }
    }
}
