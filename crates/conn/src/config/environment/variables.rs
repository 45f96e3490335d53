//! libpq's environment variables, and what each stands for.

/// What a variable is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum ByVariable {
    /// The value of this keyword, when nothing else gives one.
    Keyword(&'static str),
    /// A run-time parameter that the session starts with.
    Parameter(&'static str),
    /// Something of its own; see where it is read.
    Other,
}

use ByVariable::{Keyword, Other, Parameter};

/// Every variable of libpq 18, and one of a newer version.
pub(in crate::config) const VARIABLES: &[(&str, ByVariable)] = &[
    // Before the others, which it goes before.
    ("PGSERVICEFILE", Keyword("servicefile")),
    ("PGSERVICE", Keyword("service")),
    ("PGHOST", Keyword("host")),
    ("PGHOSTADDR", Keyword("hostaddr")),
    ("PGPORT", Keyword("port")),
    ("PGDATABASE", Keyword("dbname")),
    ("PGUSER", Keyword("user")),
    ("PGPASSWORD", Keyword("password")),
    ("PGPASSFILE", Keyword("passfile")),
    ("PGREQUIREAUTH", Keyword("require_auth")),
    ("PGCHANNELBINDING", Keyword("channel_binding")),
    ("PGOPTIONS", Keyword("options")),
    ("PGAPPNAME", Keyword("application_name")),
    ("PGSSLMODE", Keyword("sslmode")),
    // Behind the one that goes before it.
    ("PGREQUIRESSL", Other),
    ("PGSSLNEGOTIATION", Keyword("sslnegotiation")),
    ("PGSSLCOMPRESSION", Keyword("sslcompression")),
    ("PGSSLCERT", Keyword("sslcert")),
    ("PGSSLKEY", Keyword("sslkey")),
    ("PGSSLCERTMODE", Keyword("sslcertmode")),
    ("PGSSLROOTCERT", Keyword("sslrootcert")),
    ("PGSSLCRL", Keyword("sslcrl")),
    ("PGSSLCRLDIR", Keyword("sslcrldir")),
    ("PGSSLSNI", Keyword("sslsni")),
    ("PGREQUIREPEER", Keyword("requirepeer")),
    (
        "PGSSLMINPROTOCOLVERSION",
        Keyword("ssl_min_protocol_version"),
    ),
    (
        "PGSSLMAXPROTOCOLVERSION",
        Keyword("ssl_max_protocol_version"),
    ),
    ("PGGSSENCMODE", Keyword("gssencmode")),
    ("PGGSSDELEGATION", Keyword("gssdelegation")),
    ("PGKRBSRVNAME", Keyword("krbsrvname")),
    ("PGGSSLIB", Keyword("gsslib")),
    ("PGCONNECT_TIMEOUT", Keyword("connect_timeout")),
    ("PGCLIENTENCODING", Keyword("client_encoding")),
    ("PGTARGETSESSIONATTRS", Keyword("target_session_attrs")),
    ("PGLOADBALANCEHOSTS", Keyword("load_balance_hosts")),
    ("PGMINPROTOCOLVERSION", Keyword("min_protocol_version")),
    ("PGMAXPROTOCOLVERSION", Keyword("max_protocol_version")),
    ("PGDATESTYLE", Parameter("datestyle")),
    ("PGTZ", Parameter("timezone")),
    ("PGGEQO", Parameter("geqo")),
    // Where `pg_service.conf` may be.
    ("PGSYSCONFDIR", Other),
];
