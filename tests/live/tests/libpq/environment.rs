//! What is added to a string: services, environment variables, passwords from files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use purepg_conn::{ConfigError, ConnectionString, Environment};

use super::program::{Libpq, Said};
use super::{corpus, said, show};

/// What libpq says where nobody has said anything.
const DEFAULTS: &[(&str, &str)] = &[
    ("channel_binding", "prefer"),
    ("port", "5432"),
    ("options", ""),
    ("sslmode", "prefer"),
    ("sslnegotiation", "postgres"),
    ("sslcompression", "0"),
    ("sslcertmode", "allow"),
    ("sslsni", "1"),
    ("ssl_min_protocol_version", "TLSv1.2"),
    ("gssencmode", "disable"),
    ("krbsrvname", "postgres"),
    ("gssdelegation", "0"),
    ("target_session_attrs", "any"),
    ("load_balance_hosts", "disable"),
];

/// One thing to be compared: environment variables, and a string.
#[derive(Debug)]
struct Case<'a> {
    variables: Vec<(&'a str, &'a str)>,
    text: &'a str,
}

impl Case<'_> {
    fn ours(&self) -> Result<Said, ConfigError> {
        let string: ConnectionString = self.text.parse()?;
        let environment = self.variables.iter().copied().collect::<Environment>();
        let mut said = said(&string.complete(&environment)?);
        // To libpq 18 it is a variable, and no keyword.
        said.remove("servicefile");
        Ok(said)
    }

    /// `None` where both find a mistake.
    fn compare(&self, libpq: &mut Libpq) -> Result<Option<Said>, String> {
        libpq.environment(self.variables.iter().copied());
        let attempt = libpq.connect(self.text);
        let error = attempt.error;
        let unfit = [
            "service file",
            "definition of service",
            "missing \"=\"",
            "invalid connection option",
        ];
        let is_unfit = unfit.iter().any(|piece| error.contains(piece));
        match self.ours() {
            Err(_) if is_unfit => Ok(None),
            Err(problem) => Err(format!("{self:?}: refused here: {problem}")),
            Ok(_) if is_unfit => Err(format!("{self:?}: refused by libpq: {error}")),
            Ok(ours) => {
                let mut theirs = attempt.said;
                forget_defaults(&mut theirs, &ours);
                if ours == theirs {
                    return Ok(Some(ours));
                }
                Err(format!(
                    "{self:?}: here {}, libpq {}",
                    show(&ours),
                    show(&theirs)
                ))
            }
        }
    }
}

/// Takes away what nobody has said, which is not in a string here. What is said to be nothing is not said to libpq, in some places.
fn forget_defaults(theirs: &mut Said, ours: &Said) {
    let user = theirs.get("user").cloned().unwrap_or_default();
    theirs.retain(|keyword, value| {
        let by_default = DEFAULTS
            .iter()
            .any(|(name, default)| name == keyword && default.as_bytes() == value);
        let by_nature = match keyword.as_str() {
            // Who the user is when nobody says it has a test of its own.
            "user" => true,
            "dbname" => *value == user,
            "passfile" => value.ends_with(b"/home/.pgpass"),
            "sslmode" => ours
                .get("sslrootcert")
                .is_some_and(|value| value == b"system"),
            _ => false,
        };
        match ours.get(keyword) {
            None => !by_default && !by_nature,
            Some(said) if said.is_empty() && by_nature => {
                value.clear();
                true
            }
            Some(_) => true,
        }
    });
}

/// Each variable by itself, with an empty value, and against the string.
#[test]
fn security_03_every_variable_of_libpq_is_known() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let service = write_services(folder.path(), "[1]\n");
    for (name, keyword) in VARIABLES {
        for value in ["1", "", "a b", "ü"] {
            if *keyword == "service" && value != "1" {
                continue;
            }
            let mut variables = vec![("PGSERVICEFILE", service.as_str()), (*name, value)];
            if *keyword != "host" {
                variables.push(("PGHOST", "/no/such/folder"));
            }
            let written = format!("{keyword}=2");
            for text in ["", &written] {
                if text.starts_with("service") || (*keyword == "host" && !value.starts_with('/')) {
                    continue;
                }
                let case = Case {
                    variables: variables.clone(),
                    text,
                };
                let said = case
                    .compare(&mut libpq)
                    .unwrap_or_else(|problem| panic!("{problem}"));
                let said = said.unwrap_or_else(|| panic!("{case:?}"));
                let expected = if text == written { "2" } else { value };
                assert_eq!(
                    said.get(*keyword).map(Vec::as_slice),
                    Some(expected.as_bytes()),
                    "{case:?}"
                );
            }
        }
    }
}

/// libpq's own table: `PQconndefaults` shows which keyword a variable stands for.
const VARIABLES: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGSERVICE", "service"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLCOMPRESSION", "sslcompression"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLSNI", "sslsni"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGGSSDELEGATION", "gssdelegation"),
    ("PGKRBSRVNAME", "krbsrvname"),
    ("PGGSSLIB", "gsslib"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGCLIENTENCODING", "client_encoding"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGMINPROTOCOLVERSION", "min_protocol_version"),
    ("PGMAXPROTOCOLVERSION", "max_protocol_version"),
];

#[test]
fn security_03_no_keyword_has_a_variable_that_is_not_known() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let known: Vec<&str> = VARIABLES.iter().map(|(_, keyword)| *keyword).collect();
    for keyword in corpus::KEYWORDS
        .split_whitespace()
        .filter(|keyword| !known.contains(keyword))
    {
        let name = format!("PG{}", keyword.replace('_', "").to_uppercase());
        for name in [name, format!("PG{}", keyword.to_uppercase())] {
            libpq.environment([(name.as_str(), "1")]);
            assert_eq!(libpq.defaults().get(keyword), None, "{name}");
        }
    }
}

#[test]
fn pgrequiressl_counts_as_for_libpq() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let base = [("PGHOST", "/no/such/folder"), ("PGUSER", "u")];
    for (value, mode) in [
        ("1", None),
        ("0", None),
        ("", None),
        ("1", Some("disable")),
        ("0", Some("require")),
    ] {
        for text in ["", "sslmode=allow", "requiressl=0"] {
            let mode = mode.map(|mode| ("PGSSLMODE", mode));
            let variables = base
                .into_iter()
                .chain([("PGREQUIRESSL", value)])
                .chain(mode);
            let case = Case {
                variables: variables.collect(),
                text,
            };
            case.compare(&mut libpq)
                .unwrap_or_else(|problem| panic!("{problem}"));
        }
    }
}

#[test]
fn who_runs_the_program_is_the_user_as_for_libpq() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let string = ConnectionString::default()
        .complete(&Environment::process())
        .unwrap();
    libpq.environment([]);
    let theirs = libpq.defaults().remove("user").unwrap();
    if std::env::var_os("PGUSER").is_none() {
        assert_eq!(string.get("user").unwrap().as_bytes(), theirs);
    }
}

fn write_services(folder: &Path, text: &str) -> String {
    let path = folder.join("services.conf");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const HOST: &str = "host=/no/such/folder\n";

#[test]
fn services_are_read_as_by_libpq() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for text in [
        "[s]\nuser=a\n",
        "[s]\r\nuser=a\r\n",
        "[s]\n  user=a  \n",
        "\t[s]\nuser=a",
        "[s]\n\n# comment\nuser=a",
        "[s]\nuser= a",
        "[s]\nuser =a",
        "[s]\nuser=a b",
        "[s]\nuser='a'",
        "[s]\nuser=a=b",
        "[s]\nuser=",
        "[s]\nuser=a#b",
        "[s]\nuser=a\nuser=b",
        "[s]\nport=1,2",
        "[s]\nuser=ü",
        "user=x\n[s]\nuser=a",
        "[t]\nuser=x\n[s]\nuser=a",
        "[s]\nuser=a\n[s]\ndbname=b",
        "[s]\nuser=a\n[t]\ndbname=b",
        "[s]x\nuser=a",
        "[s] \nuser=a",
        "[ s]\nuser=a",
        "[s\nuser=a",
        "[ss]\nuser=a",
        "[]\nuser=a",
        "",
        "\n",
        "[t]\nuser=a",
        "[s]",
        "[t]\nnonsense\n[s]\nuser=a",
        "[s]\nuser=a\n[t]\nnonsense",
        "[s]\nnonsense",
        "[s]\nUser=a",
        "[s]\nfoo=a",
        "[s]\nservice=t",
        "[s]\nuser=a\nservice=t",
        "[s]\nrequiressl=1",
        "[s]\nssl=true",
        "[s]\n=a",
        "[s]\n;user=a",
        "[s]\nsslmode=x",
        "[s]\nhost=/other/folder",
        "[s]\napplication_name=a\noptions=-c a=b\npassword=p",
    ] {
        let text = text.replacen("[s]\n", &format!("[s]\n{HOST}"), 1);
        let file = write_services(folder.path(), &text);
        let environment = [("PGSERVICEFILE", file.as_str())];
        for (more, string) in [
            (None, "service=s"),
            (Some(("PGSERVICE", "s")), ""),
            (Some(("PGSERVICE", "t")), "service=s user=z dbname=''"),
            (Some(("PGUSER", "e")), "postgres:///d?service=s"),
            (Some(("PGSERVICE", "s")), "host=/no/such/folder user=v"),
        ] {
            let variables = environment
                .into_iter()
                .chain(more)
                .chain([("PGHOST", "/no/such/host")]);
            let case = Case {
                variables: variables.collect(),
                text: string,
            };
            case.compare(&mut libpq)
                .unwrap_or_else(|problem| panic!("{text:?} {problem}"));
        }
    }
}

#[test]
fn acceptance_01_what_is_added_by_chance_is_what_libpq_adds() {
    const ROUNDS: usize = 3_000;
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(0x5eed);
    let keywords: Vec<&str> = corpus::KEYWORDS
        .split_whitespace()
        .filter(|word| !["host", "hostaddr", "service"].contains(word))
        .collect();
    let mut agreed = 0;
    for _ in 0..ROUNDS {
        let mut services = format!("[s]\n{HOST}");
        for _ in 0..random.usize(..4) {
            let keyword = keywords[random.usize(..keywords.len())];
            let _ = writeln!(services, "{keyword}=service{}", random.u8(..));
        }
        let file = write_services(folder.path(), &services);
        let mut variables = vec![
            ("PGSERVICEFILE", file.as_str()),
            ("PGHOST", "/no/such/folder"),
        ];
        for (name, keyword) in VARIABLES {
            if random.u8(..8) == 0 && !["host", "hostaddr", "service"].contains(keyword) {
                variables.push((name, ["", "environment", "1"][random.usize(..3)]));
            }
        }
        let mut text = ["", "service=s "][random.usize(..2)].to_owned();
        for _ in 0..random.usize(..3) {
            let keyword = keywords[random.usize(..keywords.len())];
            let _ = write!(text, "{keyword}=string ");
        }
        let case = Case {
            variables,
            text: &text,
        };
        let said = case
            .compare(&mut libpq)
            .unwrap_or_else(|problem| panic!("{services:?} {problem}"));
        agreed += usize::from(said.is_some());
    }
    assert!(agreed > ROUNDS / 2, "{agreed}");
}
