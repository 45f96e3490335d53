//! Counts that are kept, and how those of today differ.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// What is said beyond this, in either direction.
const MOVED: f64 = 0.01;
/// What is an error beyond this.
const GROWN: f64 = 0.03;

const HEAD: &str = "\
# Instructions for each unit, by callgrind: `just bench-core` compares with these, `just bench-core --update` records them anew.
# ";

/// A file of them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// Which Rust, and for which target.
    pub(crate) toolchain: String,
    pub(crate) counts: Vec<(String, f64)>,
}

impl Record {
    /// What is there: nothing, if there is no file.
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.to_string())
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        let mut counts = self.counts.iter();
        counts.find_map(|(of, count)| (of == name).then_some(*count))
    }

    fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let mut record = Self::default();
        for line in text.lines() {
            if let Some(remark) = line.strip_prefix("# ") {
                // The last remark.
                remark.clone_into(&mut record.toolchain);
            } else if let Some((count, name)) = line.trim().split_once(' ') {
                let count = count.parse().map_err(|_| format!("no count: {line}"))?;
                record.counts.push((name.trim().to_owned(), count));
            }
        }
        Ok(record)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}{}", self.toolchain)?;
        for (name, count) in &self.counts {
            writeln!(f, "{count:>12.1}  {name}")?;
        }
        Ok(())
    }
}

/// The compiler, and its target.
pub(crate) fn toolchain() -> Result<String, Box<dyn Error>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = String::from_utf8(Command::new(rustc).arg("-vV").output()?.stdout)?;
    let of = |key| {
        let mut values = said.lines().filter_map(|line| line.strip_prefix(key));
        values.next().unwrap_or("unknown")
    };
    Ok(format!("Rust {}, {}", of("release: "), of("host: ")))
}

/// From what was recorded to what is counted now.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) old: Option<f64>,
    pub(crate) new: f64,
}

/// What that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hardly anything.
    Same,
    /// Worth a word.
    Moved,
    /// An error.
    Grown,
}

impl Change {
    pub(crate) fn verdict(self) -> Verdict {
        match self.part() {
            Some(part) if part > GROWN => Verdict::Grown,
            Some(part) if part.abs() > MOVED => Verdict::Moved,
            _ => Verdict::Same,
        }
    }

    fn part(self) -> Option<f64> {
        self.old.map(|old| (self.new - old) / old)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new } = self;
        match old.zip(self.part()) {
            Some((old, part)) => {
                // Hardly less is as good as nothing.
                let percent = (part * 1_000.0).round() / 10.0 + 0.0;
                write!(f, "{old:>12.1}  {new:>12.1}  {percent:>+6.1} %")
            }
            None => write!(f, "{:>12}  {new:>12.1}  {:>8}", "", "new"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let record = Record {
            toolchain: "Rust 1.95.0, x86_64-unknown-linux-gnu".into(),
            counts: vec![
                ("one statement: a, `b`".into(), 2_345.6),
                ("COPY: in".into(), 78.0),
            ],
        };
        let read = Record::parse(&record.to_string()).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.get("COPY: in"), Some(78.0));
        assert_eq!(read.get("COPY: out"), None);
        assert!(Record::parse("many  COPY: in").is_err());
    }

    #[test]
    fn growth_is_an_error_and_the_opposite_is_not() {
        let verdict = |new| {
            let old = Some(100.0);
            Change { old, new }.verdict()
        };
        assert_eq!(verdict(100.9), Verdict::Same);
        assert_eq!(verdict(99.1), Verdict::Same);
        assert_eq!(verdict(101.1), Verdict::Moved);
        assert_eq!(verdict(90.0), Verdict::Moved);
        assert_eq!(verdict(102.9), Verdict::Moved);
        assert_eq!(verdict(103.1), Verdict::Grown);
        let new = Change {
            old: None,
            new: 1.0,
        };
        assert_eq!(new.verdict(), Verdict::Same);
    }
}
