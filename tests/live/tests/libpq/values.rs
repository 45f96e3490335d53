//! Which values a keyword can have.

use purepg_conn::{Config, ConfigError};

use super::program::Libpq;

/// Nothing listens there, so whatever libpq objects to is in the string.
const NOWHERE: &str = "hostaddr=127.0.0.1 port=1 user=u";

/// What a string needs besides, a keyword, and values for it, between bars.
const VALUES: &str = "\
sslrootcert=/r ; sslmode ; disable|allow|prefer|require|verify-ca||Prefer|on|true|1|verify_ca| prefer
sslrootcert=/r host=h ; sslmode ; verify-full
sslrootcert=system host=h ; sslmode ; disable|allow|prefer|require|verify-ca|verify-full
sslmode=require ; sslnegotiation ; postgres|direct||Direct|x
sslmode=prefer ; sslnegotiation ; postgres|direct
; sslnegotiation ; postgres|direct
sslmode=disable ; sslnegotiation ; postgres|direct
sslcert=/c sslkey=/k ; sslcertmode ; disable|allow|require||Allow|prefer
; channel_binding ; disable|prefer|require||Prefer|1
; gssencmode ; disable|require||Prefer|on
; gssdelegation ; 0
; min_protocol_version ; 3.0|3.2|latest||3|3.1|3.3|2.0|Latest| 3.0
; max_protocol_version ; 3.0|3.2|latest||3|3.1|3.3|2.0|Latest| 3.0
max_protocol_version=3.0 ; min_protocol_version ; 3.0|3.2|latest
max_protocol_version=latest ; min_protocol_version ; 3.0|3.2|latest
min_protocol_version=3.2 ; max_protocol_version ; 3.0|3.2|latest
; target_session_attrs ; any|read-write|read-only|primary|standby|prefer-standby||Any|master|secondary|x
; load_balance_hosts ; disable|random||Random|1
; ssl_min_protocol_version ; |TLSv1|TLSv1.1|TLSv1.2|TLSv1.3|tlsV1.2|TLSv1.4|TLS1.2|SSLv3|1.2| x
; ssl_max_protocol_version ; |TLSv1|TLSv1.1|TLSv1.2|TLSv1.3|tlsV1.3|TLSv1.4|SSLv3|1.2| x
ssl_min_protocol_version=TLSv1.3 ; ssl_max_protocol_version ; |TLSv1.2|TLSv1.3
ssl_max_protocol_version=TLSv1.2 ; ssl_min_protocol_version ; |TLSv1.2|TLSv1.3
; require_auth ; |none|password|md5|scram-sha-256|none,md5|md5,none|password,md5,scram-sha-256
; require_auth ; !none|!password|!md5|!scram-sha-256|!none,!md5|!md5,none|md5,!none|md5,md5|!md5,!md5|none,none
; require_auth ; MD5|x|!|!x|,|md5,|,md5|md5,,none| md5|md5 |md5, none|scram|cleartext|!md5,|creds
; port ; 1||0|-1|65535|65536|99999999999|x|1x|x1| 1|1 |+1|01|0x1|1.0| |1 2|1,2|,|1,|,1|--1|+|٣
; hostaddr ; 127.0.0.1|::1|x|localhost|127.0.0.1,127.0.0.1|127.0.0.1,
; host ; h|a,b|/a||/a,/b
; keepalives ; 0|1|2|-1||x|1x| 1 |1.5|2147483647|2147483648
keepalives=1 ; keepalives_idle ; 0|1|-1||x| 7 |7s|2147483648
keepalives=1 ; keepalives_interval ; 0|1|-1||x| 7 |7s
keepalives=1 ; keepalives_count ; 0|1|-1||x| 7 |7s
; tcp_user_timeout ; 0|1|-1||x| 7 |7s
; client_encoding ; |auto|UTF8|utf-8
; replication ; false|0|off|no
; sslcompression ; 0
; sslsni ; 0|1
; requirepeer ; |postgres
; options ; |-c geqo=off
; application_name ; |a|ü
; fallback_application_name ; |a
; passfile ; |/no/such/file
";

/// Lists that fit together, and some that do not. Names are paths, since libpq would look others up.
const LISTS: &str = "\
host=/a
host=/a,/b
host=/a,/b port=1
host=/a,/b port=1,2
host=/a,/b port=1,2,3
host=/a port=1,2
host=/a,/b,/c port=1,2
host=/a,/b hostaddr=127.0.0.1
host=/a hostaddr=127.0.0.1,127.0.0.2
host=h,i hostaddr=127.0.0.1,127.0.0.2
host=h,i hostaddr=127.0.0.1,127.0.0.2 port=1
host=h,i hostaddr=127.0.0.1,127.0.0.2 port=1,2
hostaddr=127.0.0.1,127.0.0.2 port=1,2,3
hostaddr=127.0.0.1 port=1,2
hostaddr=127.0.0.1,127.0.0.2 port=1
host='' hostaddr=127.0.0.1,127.0.0.2
host=/a,/b port=1,x
host=/a,/b port=,
host=/a,/b port=''
host=/a,/b,/c port=1,,3
postgres://%2Fa,%2Fb
postgres://%2Fa:1,%2Fb
postgres://%2Fa:1,%2Fb:x
postgres://%2Fa,%2Fb?port=1,2,3
postgres://%2Fa,%2Fb?port=7
postgres://%2Fa?port=1,2
postgres://%2Fa?hostaddr=127.0.0.1,127.0.0.2
";

/// Where this library refuses a value that libpq takes, and a piece of the reason that it gives.
const STRICTER: &[(&str, &str, &str)] = &[
    (
        "ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1",
        "older versions are not spoken",
        "TLSv1.2 is the oldest",
    ),
    (
        "sslmode=verify-ca",
        "no file of authorities: libpq finds out when there is TLS",
        "need sslrootcert",
    ),
    ("sslmode=verify-full host=h", "the same", "need sslrootcert"),
    (
        "sslsni=2",
        "libpq takes whatever does not begin with 1 for no",
        "it is 0 or 1",
    ),
    ("sslsni=''", "the same", "it is 0 or 1"),
    (
        "sslcompression=1",
        "libpq ignores it where its TLS has none",
        "only 0 is supported",
    ),
    (
        "replication=database",
        "there are no replication streams",
        "only false is supported",
    ),
    ("client_encoding=LATIN1", "texts are UTF-8", "always UTF8"),
    (
        "krbsrvname=postgres",
        "libpq ignores it when it has no GSSAPI",
        "there is no GSSAPI",
    ),
    ("gsslib=gssapi", "the same", "there is no GSSAPI"),
    ("gssdelegation=1", "the same", "there is no GSSAPI"),
    (
        "sslkeylogfile=/no/such/folder/l",
        "a string has no file written",
        "call Config::ssl_key_log_file",
    ),
    (
        "sslcrldir=/l",
        "there is nobody to have revoked anything",
        "sslrootcert is missing",
    ),
    (
        "sslcert=/c",
        "libpq would look into the home folder",
        "sslkey is missing",
    ),
    ("sslkey=/k", "the same", "sslcert is missing"),
];

/// Whether libpq objects to a string, whatever becomes of the connection.
fn theirs(libpq: &mut Libpq, text: &str) -> Result<(), String> {
    let error = libpq.connect(text).error;
    let is_in_the_string = [
        "invalid integer value",
        "invalid port number",
        "could not parse network address",
    ];
    let objects = !error.is_empty() && !error.starts_with("connection to server");
    if objects || is_in_the_string.iter().any(|piece| error.contains(piece)) {
        Err(error)
    } else {
        Ok(())
    }
}

fn ours(text: &str) -> Result<(), ConfigError> {
    let config: Config = text.parse()?;
    config.validate()
}

#[test]
fn acceptance_01_values_are_taken_that_libpq_takes() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let rows = VALUES.lines().flat_map(|row| {
        let mut parts = row.splitn(3, ';');
        let mut part = || parts.next().unwrap();
        let (besides, keyword, values) = (part(), part().trim(), part());
        let values = values.strip_prefix(' ').unwrap().split('|');
        values.map(move |value| format!("{NOWHERE} {besides}{keyword}='{value}'"))
    });
    let lists = LISTS.lines().map(|list| {
        let user = match (list.contains("://"), list.contains('?')) {
            (true, true) => "&user=u",
            (true, false) => "?user=u",
            (false, _) => " user=u",
        };
        format!("{list}{user}")
    });
    let mut complaints = Vec::new();
    let mut taken = 0;
    for text in rows.chain(lists) {
        match (ours(&text), theirs(&mut libpq, &text)) {
            (Ok(()), Ok(())) => taken += 1,
            (Err(_), Err(_)) => {}
            (Ok(()), Err(error)) => {
                let error = error.trim();
                complaints.push(format!("{text:?}: refused by libpq: {error}"));
            }
            (Err(error), Ok(())) => complaints.push(format!("{text:?}: refused here: {error}")),
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(taken > 100, "{taken}");
}

#[test]
fn acceptance_01_values_that_only_libpq_takes_are_refused_with_the_reason() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    for (value, why, message) in STRICTER {
        let text = format!("{NOWHERE} {value}");
        assert_eq!(theirs(&mut libpq, &text), Ok(()), "{value}: {why}");
        let error = ours(&text).unwrap_err().to_string();
        assert!(error.contains(message), "{value}: {error}");
    }
}
