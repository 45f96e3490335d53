//! Which conversions there are, by the source: the page is of no use if it leaves one out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a conversion is of: the feature that brings it, and the type, as the source has it but for spaces and lifetimes.
pub(crate) type Conversion = (String, String);

/// The macros that make conversions, and whether these read and write.
const MACROS: [(&str, bool, bool); 12] = [
    ("wire", true, true),
    ("through", true, true),
    ("written_through", false, true),
    ("integer", true, true),
    ("map", true, true),
    ("family", true, true),
    ("from_str", true, false),
    ("from_bytes", true, false),
    ("from_array", true, false),
    ("to_str", false, true),
    ("to_bytes", false, true),
    ("to_array", false, true),
];

/// The types that implement `FromSql`, and those that implement `ToSql`.
pub(crate) fn conversions() -> (BTreeSet<Conversion>, BTreeSet<Conversion>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/types/src");
    let (mut read, mut written) = (BTreeSet::new(), BTreeSet::new());
    for file in files(&folder) {
        let text = fs::read_to_string(&file).unwrap();
        // What tests and comments have is none.
        let text = text.split("#[cfg(test)]").next().unwrap();
        let code: Vec<_> = text
            .lines()
            .map(|line| line.split("//").next().unwrap())
            .collect();
        let code = code.join("\n");
        let feature = feature(file.strip_prefix(&folder).unwrap());
        let mut add = |reads, writes, name: &str| {
            let conversion = (feature.clone(), plain(name));
            if reads {
                read.insert(conversion.clone());
            }
            if writes {
                written.insert(conversion);
            }
        };
        for name in implementations(&code, "FromSql<'a>") {
            add(true, false, name);
        }
        for name in implementations(&code, "ToSql") {
            add(false, true, name);
        }
        if !file.starts_with(folder.join("impls")) {
            // No macro makes them there.
            assert!(
                !code.contains("Sql for $") && !code.contains("Sql<'a> for $"),
                "{}",
                file.display()
            );
            continue;
        }
        for (call, body) in calls(&code) {
            let Some((_, reads, writes)) = MACROS.iter().find(|(name, ..)| *name == call) else {
                continue;
            };
            for name in items(body).into_iter().filter(|name| !name.contains('$')) {
                add(*reads, *writes, name);
            }
        }
        for definition in code.split("macro_rules! ").skip(1) {
            let (name, body) = definition.split_once(" {").unwrap();
            let body = &body[..closing(body)];
            let is_conversion = ["FromSql<'a> for $", "ToSql for $"]
                .iter()
                .any(|part| body.contains(part));
            let is_known = MACROS.iter().any(|(known, ..)| *known == name);
            assert!(
                !is_conversion || is_known,
                "{name}! makes conversions: add it to MACROS"
            );
        }
    }
    (read, written)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("tests.rs") && !path.ends_with("display.rs") {
            // What is only printed has a conversion that nobody sees.
            found.push(path);
        }
    }
    found
}

fn feature(file: &Path) -> String {
    let name = file.file_stem().unwrap().to_str().unwrap();
    match (file.starts_with("impls/external"), name) {
        (false, _) => String::new(),
        (true, "serde_json" | "rust_decimal") => name.to_owned(),
        (true, _) => name.replace('_', "-"),
    }
}

/// Without spaces, lifetimes, and the brackets that keep a type together.
pub(crate) fn plain(name: &str) -> String {
    let name = name
        .replace("'a ", "")
        .replace("'a, ", "")
        .replace("'_, ", "")
        .replace("<'_>", "");
    let name: String = name.split_whitespace().collect();
    match name
        .strip_prefix('(')
        .and_then(|name| name.strip_suffix(')'))
    {
        Some("") | None => name,
        Some(inner) => inner.to_owned(),
    }
}

/// What stands behind `for` in the implementations of a trait. In a macro it is a variable: those whose calls are known are in `calls`.
fn implementations<'c>(code: &'c str, name: &str) -> Vec<&'c str> {
    let mut found = Vec::new();
    for line in code
        .lines()
        .filter(|line| line.trim_start().starts_with("impl"))
    {
        let Some((before, implementor)) = line.split_once(&format!("{name} for ")) else {
            continue;
        };
        let implementor = implementor.trim_end().trim_end_matches('{').trim_end();
        if !before.ends_with("Owned") && !implementor.starts_with('$') {
            found.push(implementor);
        }
    }
    found
}

/// The calls of macros, with what is in their brackets.
fn calls(code: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some((before, behind)) = rest.split_once('!') {
        let start = before
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |at| at + 1);
        let name = &before[start..];
        rest = behind;
        let body = behind.trim_start();
        if !name.is_empty() && body.starts_with(['(', '{']) {
            let body = &body[1..];
            found.push((name, &body[..closing(body)]));
        }
    }
    found
}

/// Where the bracket ends that was opened before.
fn closing(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return at,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The types that stand first in the items of such a call, behind the generics that some have in brackets.
fn items(mut body: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let separator = if until(body, |c| c == ';') < body.len() {
        ';'
    } else {
        ','
    };
    loop {
        body = body.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ';');
        // Generics are followed by something on the same line; a slice is not.
        while let Some(inner) = body.strip_prefix('[') {
            let behind = &inner[closing(inner) + 1..];
            if !behind.starts_with(' ') {
                break;
            }
            body = behind.trim_start();
        }
        if body.is_empty() {
            return found;
        }
        let end = until(body, |c| c == ':' || c == '=' || c == separator);
        found.push(body[..end].trim());
        let behind = &body[end..];
        // `= Own { … }` ends with its brackets, anything else with its comma or semicolon.
        body = match behind.strip_prefix('=') {
            Some(own) => match own.find('{') {
                Some(open) => &own[open + 1..][closing(&own[open + 1..]) + 1..],
                None => "",
            },
            None => &behind[until(behind, |c| c == separator)..],
        };
    }
}

/// The first such character that is in no brackets, angles included.
fn until(text: &str, is_end: impl Fn(char) -> bool) -> usize {
    let (mut depth, mut previous) = (0_i32, ' ');
    for (at, c) in text.char_indices() {
        let is_arrow = c == '>' && matches!(previous, '=' | '-');
        previous = c;
        match c {
            _ if is_arrow => {}
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth -= 1,
            c if depth == 0 && is_end(c) => return at,
            _ => {}
        }
    }
    text.len()
}
