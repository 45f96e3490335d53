//! Connection strings of the form `postgres://user:password@host:port/dbname?keyword=value`.

#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use super::{ConfigError, ConnectionString, keyword};

/// What follows `postgres://` or `postgresql://`, if `text` starts with it.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
}

/// Reads what libpq's `conninfo_uri_parse_options` reads.
///
/// Stricter in one place: an `@` after the one that ends the password, or one behind a `/`, is an
/// error, and so is a `?` in the user name. They are the signs of a password that was not encoded,
/// which would show as a user, a host or a database.
pub(super) fn parse(rest: &str, string: &mut ConnectionString) -> Result<(), ConfigError> {
    let Parts {
        user,
        password,
        hosts,
        ports,
        database,
        query,
    } = split(rest)?;
    let parts = [
        ("user", user),
        ("password", password),
        ("host", &hosts),
        ("port", &ports),
        ("dbname", database),
    ];
    for (keyword, raw) in parts {
        if !raw.is_empty() {
            let value = decode(keyword, raw)?;
            string.add(0, keyword, &value)?;
        }
    }
    parse_query(query, string)
}

#[derive(Default)]
struct Parts<'a> {
    user: &'a str,
    password: &'a str,
    /// Lists, as the keywords have them.
    hosts: String,
    ports: String,
    database: &'a str,
    query: &'a str,
}

fn split(rest: &str) -> Result<Parts<'_>, ConfigError> {
    let mut parts = Parts::default();
    // As libpq does, look for the `@` also behind a `?`, but not behind a `/`.
    let rest = match rest.split_once('@') {
        Some((credentials, rest)) if !credentials.contains('/') => {
            let pair = credentials.split_once(':');
            (parts.user, parts.password) = pair.unwrap_or((credentials, ""));
            rest
        }
        _ => rest,
    };
    let mut rest = host(rest, &mut parts)?;
    while let Some(another) = rest.strip_prefix(',') {
        parts.hosts.push(',');
        parts.ports.push(',');
        rest = host(another, &mut parts)?;
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    parts.database = path.strip_prefix('/').unwrap_or(path);
    parts.query = query;
    let behind = [&*parts.hosts, &*parts.ports, parts.database];
    if behind.iter().any(|part| part.contains('@')) || parts.user.contains('?') {
        return Err(AMBIGUOUS);
    }
    Ok(parts)
}

/// One host and its port, and what is behind them.
fn host<'a>(rest: &'a str, parts: &mut Parts<'_>) -> Result<&'a str, ConfigError> {
    let rest = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(NO_BRACKET)?;
            if host.is_empty() || !(rest.is_empty() || rest.starts_with(AFTER_HOST)) {
                return Err(BAD_BRACKETS);
            }
            parts.hosts.push_str(host);
            rest
        }
        None => cut(rest, AFTER_HOST, &mut parts.hosts),
    };
    Ok(match rest.strip_prefix(':') {
        Some(rest) => cut(rest, AFTER_PORT, &mut parts.ports),
        None => rest,
    })
}

const AFTER_HOST: &[char] = &[':', '/', '?', ','];
const AFTER_PORT: &[char] = &['/', '?', ','];

const NO_BRACKET: ConfigError = ConfigError::Syntax {
    part: "host",
    reason: "an IPv6 address has no `]` after it",
};
const BAD_BRACKETS: ConfigError = ConfigError::Syntax {
    part: "host",
    reason: "the brackets must hold an IPv6 address and nothing but a port may follow them",
};
const AMBIGUOUS: ConfigError = ConfigError::Syntax {
    part: "URL",
    reason: "write %2F for `/`, %3F for `?` and %40 for `@` in a user name or a password, \
             and %40 anywhere else",
};

/// Appends what is before the first of `stops` to `part`, and returns the rest.
fn cut<'a>(text: &'a str, stops: &[char], part: &mut String) -> &'a str {
    let end = text.find(stops).unwrap_or(text.len());
    let (before, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    part.push_str(before);
    rest
}

fn parse_query(query: &str, string: &mut ConnectionString) -> Result<(), ConfigError> {
    let mut rest = query;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let (pair, after) = rest.split_once('&').unwrap_or((rest, ""));
        rest = after;
        let (name, value) = pair.split_once('=').ok_or(ConfigError::Syntax {
            part: QUERY,
            reason: "a keyword has no `=` after it",
        })?;
        if value.contains('=') {
            return Err(ConfigError::Syntax {
                part: QUERY,
                reason: "a value has an `=` in it: it is written %3D",
            });
        }
        let name = decode(QUERY, name)?;
        let value = decode(keyword::known(&name).unwrap_or(QUERY), value)?;
        // libpq knows this one spelling of JDBC, in URLs only.
        if *name == "ssl" && *value == "true" {
            string.add(number, "sslmode", "require")?;
        } else {
            string.add(number, &name, &value)?;
        }
    }
    Ok(())
}

const QUERY: &str = "query";

/// Undoes the percent-encoding, as libpq 18's `conninfo_uri_decode` does: spaces around a value do
/// not count, and one inside it must be encoded. A `+` is a `+`.
fn decode(part: &'static str, raw: &str) -> Result<Zeroizing<String>, ConfigError> {
    let syntax = |reason| ConfigError::Syntax { part, reason };
    let raw = raw.trim_matches(' ');
    if raw.contains(' ') {
        return Err(syntax("a space is written %20"));
    }
    let mut decoded = Zeroizing::new(Vec::with_capacity(raw.len()));
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let byte = hex_digit(bytes.next())
            .zip(hex_digit(bytes.next()))
            .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            .ok_or_else(|| syntax("a `%` must have two hexadecimal digits after it"))?;
        if byte == 0 {
            return Err(syntax("%00 is not allowed"));
        }
        decoded.push(byte);
    }
    let decoded = str::from_utf8(&decoded).map_err(|_| syntax("it must be UTF-8"))?;
    Ok(Zeroizing::new(decoded.to_owned()))
}

fn hex_digit(byte: Option<u8>) -> Option<u32> {
    char::from(byte?).to_digit(16)
}
