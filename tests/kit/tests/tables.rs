//! The tables in `docs/acceptance.md` and `docs/security.md` are true: each test that one names is there and bears the number of its row, and
//! each test that bears a number stands in its table, unless the last section says that its number is not there.
//!
//! A row is `| number | what | tests | result |`. Its tests are between backticks: the source file, as much of its path as one likes to
//! write, `::`, and the name. The last section has numbers in brackets: `(1 to 25)`.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// A table, and what the names of its tests begin with.
struct Table {
    document: &'static str,
    prefix: &'static str,
    /// Numbers that must stand in it, in its rows or in its last section.
    whole: RangeInclusive<u32>,
}

const ACCEPTANCE: Table = Table {
    document: "docs/acceptance.md",
    prefix: "acceptance_",
    // There are gaps further on.
    whole: 1..=25,
};

const SECURITY: Table = Table {
    document: "docs/security.md",
    prefix: "security_",
    whole: 1..=52,
};

#[test]
fn the_tables_have_every_test_that_bears_a_number_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Vec::new();
    for folder in ["crates", "tests"] {
        collect(&root, folder, &mut sources);
    }
    assert!(sources.len() > 100, "{} sources", sources.len());
    for table in [ACCEPTANCE, SECURITY] {
        let text = fs::read_to_string(root.join(table.document)).unwrap();
        let complaints = table.complaints(&text, &sources);
        let document = table.document;
        assert!(
            complaints.is_empty(),
            "{document}:\n{}",
            complaints.join("\n")
        );
    }
}

/// A source: its path from the top of the repository, and its text.
type Source = (String, String);

/// Every source in a folder. This one is none of them: it has names of tests that nobody has.
fn collect(root: &Path, folder: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        let is_source = Path::new(&name).extension().is_some_and(|end| end == "rs");
        if entry.file_type().unwrap().is_dir() {
            if name != "target" {
                collect(root, &path, sources);
            }
        } else if is_source && path != "tests/kit/tests/tables.rs" {
            sources.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

impl Table {
    /// What is wrong with the text of a table, a line for each fault.
    fn complaints(&self, text: &str, sources: &[Source]) -> Vec<String> {
        let mut complaints = Vec::new();
        let (mut numbers, mut named) = (Vec::new(), Vec::new());
        for (number, tests) in rows(text) {
            numbers.push(number);
            if tests.is_empty() {
                complaints.push(format!("row {number} names no test"));
            }
            for test in tests {
                let (file, name) = test.split_once("::").unwrap_or(("", test));
                if self.number_of(name) != Some(number) {
                    complaints.push(format!("row {number} names {test}"));
                }
                if !sources.iter().any(|source| has(source, file, name)) {
                    complaints.push(format!("row {number} names {test}, which is not there"));
                }
                named.push(name);
            }
        }
        let open = open(text);
        let is_open = |number| open.iter().any(|open| open.contains(&number));
        for (path, source) in sources {
            let mut unnamed: Vec<&str> = words(source)
                .filter(|word| !named.contains(word))
                .filter(|word| self.number_of(word).is_some_and(|number| !is_open(number)))
                .collect();
            unnamed.sort_unstable();
            unnamed.dedup();
            complaints.extend(
                unnamed
                    .iter()
                    .map(|name| format!("no row names {path}::{name}")),
            );
        }
        let missing = self
            .whole
            .clone()
            .filter(|number| !numbers.contains(number) && !is_open(*number));
        complaints.extend(missing.map(|number| format!("{number} is missing")));
        complaints
    }

    /// The number that the name of a test bears.
    fn number_of(&self, name: &str) -> Option<u32> {
        let (number, _) = name.strip_prefix(self.prefix)?.split_once('_')?;
        number.parse().ok()
    }
}

/// Numbers, and what stands between backticks in the third column.
fn rows(table: &str) -> impl Iterator<Item = (u32, Vec<&str>)> {
    table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|');
        let number = cells.next()?.trim().parse().ok()?;
        let tests = cells.nth(1).unwrap_or_default();
        Some((number, tests.split('`').skip(1).step_by(2).collect()))
    })
}

/// The numbers in the brackets of the last section.
fn open(table: &str) -> Vec<RangeInclusive<u32>> {
    let last = table.rsplit("\n## ").next().unwrap_or_default();
    let brackets = last.split('(').skip(1);
    brackets
        .filter_map(|rest| {
            let (first, last) = rest.split_once(')')?.0.split_once(" to ")?;
            Some(first.parse().ok()?..=last.parse().ok()?)
        })
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

fn has((path, text): &Source, file: &str, name: &str) -> bool {
    let behind = path.strip_suffix(file);
    let is_file = behind.is_some_and(|folder| folder.is_empty() || folder.ends_with('/'));
    is_file && !file.is_empty() && words(text).any(|word| word == name)
}

#[test]
fn a_table_that_is_wrong_is_found_out() {
    let sources = [
        (
            "tests/live/tests/a.rs",
            "live!(acceptance_1_x); fn acceptance_1_x() {} fn acceptance_02_y() {}",
        ),
        ("crates/b.rs", "fn acceptance_9_z() {} fn other() {}"),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()));
    let told = |rows: &str, rest: &str| {
        let head = "## A\n\n| line | what | tests | result |\n| --- | --- | --- | --- |";
        let table = format!("{head}\n{rows}\n\n## Not there yet\n\n{rest}\n");
        let whole = 1..=2;
        Table {
            whole,
            ..ACCEPTANCE
        }
        .complaints(&table, &sources)
    };
    let right = "| 1 | one | `a.rs::acceptance_1_x` | `shown` |\n| 2 | two | `tests/a.rs::acceptance_02_y` | |";
    let rest = "Nine (8 to 10) and more (20 to 30).";
    assert_eq!(told(right, rest), [""; 0]);
    assert_eq!(
        told(right, "Other things (10 to 12)."),
        ["no row names crates/b.rs::acceptance_9_z"]
    );
    let one = |row: &str| told(&format!("{right}\n{row}"), rest);
    assert_eq!(one("| 3 | three | | |"), ["row 3 names no test"]);
    assert_eq!(
        one("| 3 | three | `a.rs::acceptance_1_x` | |"),
        ["row 3 names a.rs::acceptance_1_x"]
    );
    assert_eq!(
        told("| 1 | one | `a.rs::acceptance_1_x` | |", "Nine (9 to 9)."),
        [
            "no row names tests/live/tests/a.rs::acceptance_02_y",
            "2 is missing"
        ]
    );
    for test in [
        "b.rs::acceptance_1_x",
        "s/a.rs::acceptance_1_x",
        "a.rs::acceptance_1_",
        "::acceptance_1_x",
    ] {
        assert_eq!(
            one(&format!("| 1 | one | `{test}` | |")),
            [format!("row 1 names {test}, which is not there")]
        );
    }
    assert_eq!(one("| 3 | three | `b.rs::other` | |").len(), 1);
}
