//! The table as text: which types share a line, and how it is written.

use std::fmt::Write as _;

/// The formats in which something works.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Formats {
    pub(crate) text: bool,
    pub(crate) binary: bool,
}

impl Formats {
    pub(crate) fn any(self) -> bool {
        self.text || self.binary
    }

    fn shown(self) -> &'static str {
        match (self.text, self.binary) {
            (true, true) => "both",
            (true, false) => "text",
            (false, true) => "binary",
            (false, false) => "–",
        }
    }
}

/// How a Rust type and a type of PostgreSQL go together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Support {
    pub(crate) results: Formats,
    pub(crate) parameters: Formats,
    pub(crate) array_results: Formats,
    pub(crate) array_parameters: Formats,
}

impl Support {
    fn arrays(self) -> String {
        let part = |name: &str, formats: Formats, scalar: Formats| match formats {
            formats if !formats.any() => None,
            formats if formats == scalar => Some(name.to_owned()),
            formats => Some(format!("{name} ({})", formats.shown())),
        };
        let parts = [
            part("results", self.array_results, self.results),
            part("parameters", self.array_parameters, self.parameters),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            "–".to_owned()
        } else {
            parts.join(", ")
        }
    }
}

/// A line without its first cell.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    rust: Vec<&'static str>,
    feature: &'static str,
    support: Support,
}

/// All that is known of the types of PostgreSQL, in their order.
#[derive(Default, Debug)]
pub(crate) struct Table {
    types: Vec<(&'static str, Vec<Line>)>,
    /// The types that a driver asks for in the text format.
    pub(crate) asked_as_text: Vec<&'static str>,
}

impl Table {
    /// Adds a type of PostgreSQL with the Rust types that go with it.
    pub(crate) fn add(
        &mut self,
        shown: &'static str,
        rust: impl IntoIterator<Item = (&'static str, &'static str, Support)>,
    ) {
        let mut lines: Vec<Line> = Vec::new();
        for (name, feature, support) in rust {
            let same = |line: &&mut Line| line.feature == feature && line.support == support;
            match lines.iter_mut().find(same) {
                Some(line) => line.rust.push(name),
                None => lines.push(Line {
                    rust: vec![name],
                    feature,
                    support,
                }),
            }
        }
        self.types.push((shown, lines));
    }

    /// As Markdown: types that go with the same Rust types in the same way share their lines.
    pub(crate) fn markdown(&self) -> String {
        let mut groups: Vec<(Vec<&str>, &Vec<Line>)> = Vec::new();
        for (shown, lines) in &self.types {
            match groups.iter_mut().find(|(_, other)| *other == lines) {
                Some((types, _)) => types.push(shown),
                None => groups.push((vec![shown], lines)),
            }
        }
        let (listed, others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(_, lines)| !lines.is_empty());
        let mut out = String::from(
            "| PostgreSQL | Rust | feature | results | parameters | arrays |\n| --- | --- | --- | --- | --- | --- |\n",
        );
        for (types, lines) in listed {
            for line in lines {
                let Line {
                    rust,
                    feature,
                    support,
                } = line;
                let cells = [
                    code(&types),
                    code(rust),
                    code(feature.split_terminator(' ').collect::<Vec<_>>().as_slice()),
                    support.results.shown().to_owned(),
                    support.parameters.shown().to_owned(),
                    support.arrays(),
                ];
                let _ = writeln!(out, "| {} |", cells.join(" | "));
            }
        }
        for (types, _) in others {
            let _ = write!(out, "\nNo type but `Value` reads {}.\n", code(&types));
        }
        let _ = write!(
            out,
            "\nAsked for in the text format, whatever is to read them: {}.\n",
            code(&self.asked_as_text)
        );
        out
    }
}

/// Names of types stand as code; what is more than a name stands as it is.
fn code(names: &[&str]) -> String {
    let names = names.iter().map(|name| {
        if name.contains(' ') && !name.contains(['<', ';']) {
            (*name).to_owned()
        } else {
            format!("`{name}`")
        }
    });
    names.collect::<Vec<_>>().join(", ")
}
