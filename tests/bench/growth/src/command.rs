//! The command line.

use std::ffi::OsString;

use crate::lines::{Result, Way};

/// What somebody who has never run it is told.
pub const USAGE: &str = "usage: purepg-bench-growth [--quick | --check] [--write] [LINE…]
  --quick   fewer sizes: half a minute instead of minutes
  --check   only the sizes at which the bounds are looked at
  --write   writes tables and charts into docs/, too
  LINE      rows, columns, parameters, values, pipelines, connections, statements, memory: only these";

/// Which sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// All.
    #[default]
    Full,
    /// Fewer.
    Quick,
    /// Those that bounds are about.
    Check,
}

impl Scale {
    /// The sizes of a way.
    pub fn sizes(self, way: &Way) -> &'static [u64] {
        match self {
            Self::Full => way.full,
            Self::Quick => way.quick,
            Self::Check => way.check,
        }
    }

    /// How often each is timed: the least time of them counts.
    pub fn rounds(self) -> usize {
        match self {
            Self::Full => 3,
            Self::Quick => 1,
            Self::Check => 0,
        }
    }
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Which sizes.
    pub scale: Scale,
    /// Whether the document is written.
    pub write: bool,
    lines: Vec<String>,
}

impl Command {
    /// What the arguments say.
    ///
    /// # Errors
    /// When one of them is not understood.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let mut command = Self::default();
        for argument in arguments {
            match argument.to_str() {
                Some("--quick") => command.scale = Scale::Quick,
                Some("--check") => command.scale = Scale::Check,
                Some("--write") => command.write = true,
                Some(line) if !line.starts_with('-') => command.lines.push(line.to_owned()),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(command)
    }

    /// Whether a line is wanted.
    pub fn wants(&self, line: &str) -> bool {
        self.lines.is_empty() || self.lines.iter().any(|wanted| wanted == line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_left_out_if_anything_is_named() {
        let parse = |words: &[&str]| Command::parse(words.iter().map(OsString::from));
        let command = parse(&["--quick", "rows"]).unwrap();
        assert_eq!(command.scale, Scale::Quick);
        assert!(command.wants("rows") && !command.wants("values") && !command.write);
        assert!(parse(&["--write"]).unwrap().wants("values"));
        assert!(parse(&["--fast"]).is_err());
    }
}
