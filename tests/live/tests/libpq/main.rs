//! Connection strings mean here what they mean to libpq: the same strings are read by both.

mod corpus;
mod environment;
mod passwords;
mod program;
mod random;
mod values;

use percent_encoding::percent_decode_str;
use purepg_conn::{ConfigError, ConnectionString};

use program::{Libpq, Said};

/// What our parser makes of a string, as libpq would say it.
fn ours(text: &str) -> Result<Said, ConfigError> {
    let string: ConnectionString = text.parse()?;
    Ok(said(&string))
}

fn said(string: &ConnectionString) -> Said {
    let keywords = string.keywords();
    let said = keywords.map(|keyword| {
        let value = string.get(keyword).unwrap_or_default();
        (keyword.to_owned(), value.as_bytes().to_vec())
    });
    said.collect()
}

/// Whether both agree: `Ok` says where they differ on purpose, if they do, and `Err` how they differ.
fn compare(libpq: &mut Libpq, text: &str) -> Result<Option<&'static str>, String> {
    let theirs = libpq.parse(text);
    match (ours(text), theirs) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Ok(None),
        (Err(_), Err(_)) => Ok(None),
        (Err(error), Ok(theirs)) => match on_purpose(text, &error, &theirs) {
            Some(reason) => Ok(Some(reason)),
            None => Err(format!(
                "refused here ({error}), not by libpq: {}",
                show(&theirs)
            )),
        },
        (Ok(ours), Err(error)) => match newer(&ours) {
            Some(reason) => Ok(Some(reason)),
            None => Err(format!(
                "refused by libpq ({}), not here: {}",
                error.trim(),
                show(&ours)
            )),
        },
        (Ok(ours), Ok(theirs)) => Err(format!("here {}, libpq {}", show(&ours), show(&theirs))),
    }
}

fn show(said: &Said) -> String {
    let said = said.iter();
    let said =
        said.map(|(keyword, value)| format!("{keyword}={:?}", String::from_utf8_lossy(value)));
    said.collect::<Vec<_>>().join(" ")
}

/// Every reason there is to be stricter than libpq in reading a string.
fn on_purpose(text: &str, error: &ConfigError, theirs: &Said) -> Option<&'static str> {
    match error {
        ConfigError::Syntax { part: "URL", .. } if text.contains('@') => {
            Some("a URL in which it is not plain where the password ends would show it elsewhere")
        }
        ConfigError::Syntax { reason, .. } if reason.starts_with("the value is missing") => {
            let swallowed = theirs.values().any(|value| value.contains(&b'='));
            // libpq makes a `prefer` of whatever follows this one.
            let swallowed = swallowed || text.contains("requiressl");
            swallowed.then_some("`user= password=x` would make a user's name of the password")
        }
        ConfigError::Syntax { reason, .. } if reason.contains("UTF-8") => {
            let other = percent_decode_str(text).decode_utf8().is_err();
            other.then_some("texts are UTF-8 for this library")
        }
        ConfigError::InvalidValue {
            keyword: "requiressl",
            ..
        } => Some("requiressl is 0 or 1: libpq takes what begins with anything but 1 for no"),
        _ => None,
    }
}

fn newer(ours: &Said) -> Option<&'static str> {
    let newer = ["servicefile", "oauth_ca_file"];
    let newer = newer.into_iter().any(|keyword| ours.contains_key(keyword));
    newer.then_some("libpq 19 knows it")
}

#[test]
fn acceptance_01_every_string_of_the_corpus_says_the_same_to_libpq() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    let (mut strings, mut refused, mut complaints) = (0, 0, Vec::new());
    for text in corpus::strings() {
        strings += 1;
        match compare(&mut libpq, &text) {
            Ok(None) => {}
            Ok(Some(_)) => refused += 1,
            Err(complaint) => complaints.push(format!("{text:?}: {complaint}")),
        }
    }
    println!("{strings} strings, {refused} of them refused on purpose");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(strings > 700, "only {strings}");
    assert!(refused < strings / 10, "{refused} of {strings}");
}

#[test]
fn acceptance_01_every_reason_to_be_stricter_has_an_example() {
    let Some(mut libpq) = Libpq::start() else {
        return;
    };
    for (text, word) in corpus::STRICTER {
        let reason =
            compare(&mut libpq, text).unwrap_or_else(|problem| panic!("{text:?}: {problem}"));
        let reason = reason.unwrap_or_else(|| panic!("{text:?}: no difference"));
        assert!(reason.contains(word), "{text:?}: {reason}");
    }
}
