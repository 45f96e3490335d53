//! Connection strings that were thought of.

/// All of them: those below, and every keyword in every way to write one.
pub(crate) fn strings() -> Vec<String> {
    let written = WRITTEN.lines().filter_map(read);
    let stricter = STRICTER.iter().map(|(text, _)| (*text).to_owned());
    let keywords = KEYWORDS.split_whitespace().chain(UNKNOWN.iter().copied());
    let each = keywords.flat_map(|keyword| {
        let lists = WAYS_IN_A_LIST.iter();
        let urls = WAYS_IN_A_URL.iter();
        lists
            .chain(urls)
            .map(move |way| way.replace("KEY", keyword))
    });
    written.chain(stricter).chain(each).collect()
}

/// One for each line, between `‹` and `›`; control characters by their pictures.
const WRITTEN: &str = include_str!("corpus.txt");

fn read(line: &str) -> Option<String> {
    let text = line.strip_prefix('‹')?.strip_suffix('›')?;
    let pictures = [
        ('␊', "\n"),
        ('␉', "\t"),
        ('␍', "\r"),
        ('␋', "\u{b}"),
        ('␌', "\u{c}"),
    ];
    let read = |text: String, (picture, control)| text.replace(picture, control);
    Some(pictures.into_iter().fold(text.to_owned(), read))
}

/// Every keyword of libpq 18.
pub(crate) const KEYWORDS: &str = "service user password passfile channel_binding connect_timeout dbname host \
    hostaddr port client_encoding options application_name fallback_application_name keepalives keepalives_idle \
    keepalives_interval keepalives_count tcp_user_timeout sslmode sslnegotiation sslcompression sslcert sslkey \
    sslcertmode sslpassword sslrootcert sslcrl sslcrldir sslsni requirepeer require_auth min_protocol_version \
    max_protocol_version ssl_min_protocol_version ssl_max_protocol_version gssencmode krbsrvname gsslib gssdelegation \
    replication target_session_attrs load_balance_hosts scram_client_key scram_server_key oauth_issuer oauth_client_id \
    oauth_client_secret oauth_scope sslkeylogfile";

/// None of libpq 18's.
const UNKNOWN: &[&str] = &[
    "database",
    "hostname",
    "username",
    "ssl",
    "ssl_mode",
    "Host",
    "PORT",
    "passwd",
    "timezone",
    "search_path",
    "servicefile",
    "oauth_ca_file",
    "authtype",
    "tty",
    "replication_slot",
    "requiressl",
];

const WAYS_IN_A_LIST: &[&str] = &[
    "KEY=1",
    "KEY=''",
    "KEY = 'a b'  user=u",
    r"KEY=a\ b\\c\'d host='x'",
    "KEY=a KEY=b",
    "host=h KEY",
];

const WAYS_IN_A_URL: &[&str] = &[
    "postgres://u:p@h:1/d?KEY=1",
    "postgresql://?KEY=",
    "postgres://h?KEY=a%20b%26&KEY=%c3%bc",
    "postgres:///?KEY",
    "postgres://?KEY=true",
];

/// Where this library is stricter, and a word of the reason.
pub(crate) const STRICTER: &[(&str, &str)] = &[
    ("postgres://u:a@b@h/d", "password"),
    ("postgres://u:a/b@h/d", "password"),
    ("postgres://u?a=b@h/d", "password"),
    ("postgres://h/a@b", "password"),
    ("user= password=x", "user's name"),
    ("host=h user=\tport=1", "user's name"),
    ("postgres://%ff@h", "UTF-8"),
    ("postgres://h?application_name=%C3", "UTF-8"),
    ("requiressl=yes", "requiressl"),
    ("postgres://?requiressl=true", "requiressl"),
    ("requiressl=''", "requiressl"),
    ("servicefile=/s", "19"),
    ("postgres://?oauth_ca_file=/c", "19"),
];
