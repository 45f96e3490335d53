//! Connection strings of the form `host=localhost user='a b'`.

use zeroize::Zeroizing;

use super::{ConfigError, ConnectionString, is_blank, keyword};

/// Reads what libpq's `conninfo_parse` reads.
///
/// Stricter in one place: `user= password=x` is the user `password=x` to libpq, and an error here,
/// because nobody means that and the password would show as a user name.
pub(super) fn parse(text: &str, string: &mut ConnectionString) -> Result<(), ConfigError> {
    let mut rest = text.trim_start_matches(is_blank);
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let (name, after) = name(rest)?;
        let start = after.trim_start_matches(is_blank);
        if start.len() < after.len() && starts_with_a_pair(start) {
            return Err(ConfigError::Syntax {
                part: keyword::known(name).unwrap_or(UNKNOWN),
                reason: "the value is missing: an empty one is written ''",
            });
        }
        let (value, after) = match start.strip_prefix('\'') {
            Some(quoted) => quoted_value(name, quoted)?,
            None => plain_value(start),
        };
        string.add(number, name, &value)?;
        rest = after.trim_start_matches(is_blank);
    }
    Ok(())
}

const UNKNOWN: &str = "keywords";

fn name(rest: &str) -> Result<(&str, &str), ConfigError> {
    let pair = rest.split_once('=');
    let pair = pair.map(|(name, after)| (name.trim_end_matches(is_blank), after));
    pair.filter(|(name, _)| !name.contains(is_blank))
        .ok_or(ConfigError::Syntax {
            part: UNKNOWN,
            reason: "a keyword has no `=` after it",
        })
}

fn starts_with_a_pair(text: &str) -> bool {
    let pair = text.split_once('=');
    pair.is_some_and(|(name, _)| keyword::known(name).is_some())
}

/// How long the value is, with its backslashes. Its room is not to grow, which would leave what is secret behind, nor to be that of all that
/// follows, which may be a thousand values.
fn length(text: &str, ends: impl Fn(char) -> bool) -> usize {
    let mut escaped = false;
    let end = text.find(|c| {
        let is_end = !escaped && ends(c);
        escaped = !escaped && c == '\\';
        is_end
    });
    end.unwrap_or(text.len())
}

/// Up to a blank; a backslash takes the next character as it is.
fn plain_value(text: &str) -> (Zeroizing<String>, &str) {
    let mut value = Zeroizing::new(String::with_capacity(length(text, is_blank)));
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.extend(chars.next()),
            c if is_blank(c) => break,
            c => value.push(c),
        }
    }
    (value, chars.as_str())
}

/// Up to the closing quote; a backslash takes the next character as it is.
fn quoted_value<'a>(
    name: &str,
    text: &'a str,
) -> Result<(Zeroizing<String>, &'a str), ConfigError> {
    let mut value = Zeroizing::new(String::with_capacity(length(text, |c| c == '\'')));
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => value.extend(chars.next()),
            '\'' => return Ok((value, chars.as_str())),
            c => value.push(c),
        }
    }
    Err(ConfigError::Syntax {
        part: keyword::known(name).unwrap_or(UNKNOWN),
        reason: "a quoted string has no end",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Config, Settings};
    use super::*;

    fn read(text: &str) -> Result<Settings, ConfigError> {
        text.parse::<Config>().map(|config| *config.settings)
    }

    #[test]
    fn acceptance_01_key_value_as_libpq_reads_it() {
        let table = [
            ("", "", "", None),
            ("  ", "", "", None),
            ("host=h user=u", "h", "u", None),
            ("user=u host=h", "h", "u", None),
            ("host = h\tuser\n=\r\nu", "h", "u", None),
            ("\n host=h user=u \n", "h", "u", None),
            ("host=h user='a b'", "h", "a b", None),
            ("host=h user=''", "h", "", None),
            ("host=h user=", "h", "", None),
            ("user='' host=h", "h", "", None),
            (r"host=h user='it\'s'", "h", "it's", None),
            (r"host=h user=it\'s", "h", "it's", None),
            (r"host=h user=a\ b", "h", "a b", None),
            (r"host=h user='a\\b'", "h", r"a\b", None),
            (r"host=h user=a\\b", "h", r"a\b", None),
            (r"host=h user=ab\", "h", "ab", None),
            ("user='u'host=h", "h", "u", None),
            ("host=h user=u'x'", "h", "u'x'", None),
            ("host=h user=a=b", "h", "a=b", None),
            ("host=h user= a=b", "h", "a=b", None),
            ("host=h user=port=1", "h", "port=1", None),
            ("user= 'password=x'host=h", "h", "password=x", None),
            ("host=a user=b host=h user=u", "h", "u", None),
            ("host=h user=u dbname=d", "h", "u", Some("d")),
            ("host=h user=u dbname=d dbname=", "h", "u", None),
            ("host=ü user=日本", "ü", "日本", None),
            ("host=%68 user=a+b", "%68", "a+b", None),
            ("host=/run/postgresql user=u", "/run/postgresql", "u", None),
        ];
        for (text, host, user, database) in table {
            let settings = read(text).unwrap();
            assert_eq!(settings.host(), host, "{text:?}");
            assert_eq!(settings.user(), user, "{text:?}");
            assert_eq!(settings.database(), database, "{text:?}");
        }
    }

    #[test]
    fn malformed_lists_are_refused() {
        let table = [
            ("host", "no `=`"),
            ("host=h user", "no `=`"),
            ("host h=x", "no `=`"),
            ("host='h", "no end"),
            (r"host='h\'", "no end"),
            (r"host='h\", "no end"),
            ("host='", "no end"),
            ("=h", "unknown keyword, number 1"),
            ("host=h = x", "unknown keyword, number 2"),
            ("host=h uzer=u", "unknown keyword, number 2"),
            ("user= password=x", "value is missing"),
            ("user=u password=\n host=h", "value is missing"),
        ];
        for (text, message) in table {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    fn quote(value: &str) -> String {
        let value = value.replace('\\', r"\\").replace('\'', r"\'");
        format!("'{value}'")
    }

    fn escape(value: &str) -> String {
        value.chars().flat_map(|c| ['\\', c]).collect()
    }

    proptest! {
        #[test]
        fn a_value_is_read_back(user in "[^\0]+", password in "[^\0]+", gap in "[ \t\n]{0,3}") {
            for spell in [quote as fn(&str) -> String, escape] {
                let user = spell(&user);
                let secret = spell(&password);
                let text = format!("host=h{gap} user{gap}={gap}{user} password={secret}");
                let settings = read(&text).unwrap();
                prop_assert_eq!(spell(settings.user()), user);
                prop_assert_eq!(settings.password(), Some(password.as_str()));
            }
        }
    }

    /// No value's room is that of all that follows, and none grows.
    #[test]
    fn a_value_takes_as_much_room_as_it_has_characters() {
        for (text, expected) in [
            ("a b", 1),
            ("a\\ b c", 4),
            ("a\\\\ b", 3),
            ("ab\\", 3),
            ("", 0),
            ("\u{e4} x", 2),
        ] {
            assert_eq!(length(text, is_blank), expected, "{text:?}");
            assert!(plain_value(text).0.capacity() <= expected);
        }
        let (value, _) = quoted_value("user", "a\\' b' c d e").unwrap();
        assert_eq!((&**value, value.capacity()), ("a' b", 5));
    }
}
