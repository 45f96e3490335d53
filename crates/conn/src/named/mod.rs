//! Parameters by name: `:name` in the text of a statement becomes `$n`. What is a name, and what is none, says [`params!`](crate::params!).
//!
//! The rewritten text depends on nothing but the text and on how its strings are read: equal texts are equal statements, in whatever order
//! their values come. No value gets into the text; and a number gets only where it cannot become a part of something else, so that the
//! server finds in the rewritten text what was found in the written one.

mod copy;
mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use purepg_types::{Params, ToSql};

use crate::error::UsageError;
use crate::written::Written;
pub(crate) use copy::is_copy;
pub(crate) use scan::Backslash;
use scan::{Placeholder, Placeholders};

/// The protocol counts parameters in 16 bits.
const MOST: usize = 65_535;

/// Up to so many names are searched from front to back; beyond that an index pays.
const FEW: usize = 16;

/// A statement by its text, as it is sent.
#[derive(Debug)]
pub(crate) struct Text<'q> {
    written: &'q str,
    sent: Sent<'q>,
}

#[derive(Debug)]
enum Sent<'q> {
    AsWritten,
    /// Parameters are given by name.
    Rewritten(Rewritten<'q>, Backslash),
    Prepared,
}

/// A statement whose names have become numbers.
#[derive(Debug)]
struct Rewritten<'q> {
    sql: Cow<'q, str>,
    names: Vec<Name<'q>>,
}

#[derive(Debug)]
struct Name<'q> {
    name: &'q str,
    /// The place of its value among those given.
    value: usize,
}

/// Parameters in the order of their numbers.
#[derive(Clone, Copy)]
pub(crate) struct Numbered<'a> {
    /// Of those that were given by name.
    names: Option<&'a [Name<'a>]>,
    params: &'a dyn Params,
}

impl<'q> Text<'q> {
    /// A text for parameters like these.
    ///
    /// # Errors
    /// As [`Rewritten::of`], for parameters by name.
    pub(crate) fn of(
        written: &'q str,
        params: &dyn Params,
        backslash: Backslash,
    ) -> Result<Self, UsageError> {
        let sent = if params.is_named() {
            Sent::Rewritten(Rewritten::of(written, backslash)?, backslash)
        } else {
            Sent::AsWritten
        };
        Ok(Self { written, sent })
    }

    /// The text of a prepared statement, which has numbers only.
    pub(crate) fn prepared(written: &'q str) -> Self {
        let sent = Sent::Prepared;
        Self { written, sent }
    }

    /// The text to send, and to know the statement by.
    pub(crate) fn sql(&self) -> &str {
        match &self.sent {
            Sent::Rewritten(rewritten, _) => &rewritten.sql,
            Sent::AsWritten | Sent::Prepared => self.written,
        }
    }

    /// True where parameters by position are what it takes, as they are.
    pub(crate) fn is_numbered(&self) -> bool {
        matches!(self.sent, Sent::AsWritten | Sent::Prepared)
    }

    /// How it was written, where that is not what is sent.
    pub(crate) fn written(&self) -> Option<Written> {
        match self.sent {
            Sent::Rewritten(_, backslash) => Some(Written::with_names(self.written, backslash)),
            Sent::AsWritten | Sent::Prepared => None,
        }
    }

    /// The text to send, with parameters in the order of its numbers.
    ///
    /// # Errors
    /// When they are not of the kind that it was made for, or more than the protocol can count; and as [`Rewritten::number`], for parameters by name.
    pub(crate) fn number<'a>(
        &'a mut self,
        params: &'a dyn Params,
    ) -> Result<(&'a str, Numbered<'a>), UsageError> {
        let (sql, names) = match &mut self.sent {
            Sent::Rewritten(rewritten, _) => {
                rewritten.number(params)?;
                (&*rewritten.sql, Some(&*rewritten.names))
            }
            Sent::Prepared if params.is_named() => return Err(UsageError::NamesForPrepared),
            Sent::AsWritten if params.is_named() => return Err(mismatch(&[], params)),
            // No statement has as many: the server need not be asked.
            Sent::AsWritten if params.len() > MOST => return Err(too_many(params.len())),
            Sent::AsWritten | Sent::Prepared => (self.written, None),
        };
        Ok((sql, Numbered { names, params }))
    }
}

impl<'q> Rewritten<'q> {
    /// # Errors
    /// When there are numbers beside the names, or more names than the protocol can count.
    fn of(sql: &'q str, backslash: Backslash) -> Result<Self, UsageError> {
        let mut names = Names::default();
        let mut number = None;
        let mut rewritten = String::new();
        let mut rest = 0;
        for placeholder in Placeholders::of(sql, backslash) {
            match placeholder {
                Placeholder::Name { name, start } => {
                    if rest == 0 {
                        rewritten.reserve(sql.len());
                    }
                    rewritten.push_str(sql.get(rest..start).unwrap_or_default());
                    // Writing to a string cannot fail.
                    let _ = write!(rewritten, "${}", names.number(name));
                    rest = start + 1 + name.len();
                }
                Placeholder::Number(text) => {
                    number.get_or_insert(text);
                }
            }
        }
        if let Some(number) = number {
            return Err(UsageError::MixedParameters {
                number: number.into(),
            });
        }
        let count = names.list.len();
        if count > MOST {
            return Err(too_many(count));
        }
        let sql = if rest == 0 {
            Cow::Borrowed(sql)
        } else {
            rewritten.push_str(sql.get(rest..).unwrap_or_default());
            Cow::Owned(rewritten)
        };
        let names = names.list;
        Ok(Self { sql, names })
    }

    /// Finds the values for its numbers.
    ///
    /// # Errors
    /// When a value is missing, when one is for no name of the statement, and when two are for the same.
    fn number(&mut self, params: &dyn Params) -> Result<(), UsageError> {
        let given = params.len();
        let index = (given > FEW).then(|| {
            let names = (0..given).filter_map(|i| Some((params.name(i)?, i)));
            names.collect::<HashMap<_, _>>()
        });
        let mut found = 0;
        for name in &mut self.names {
            let value = match &index {
                Some(index) => index.get(name.name).copied(),
                None => (0..given).find(|i| params.name(*i) == Some(name.name)),
            };
            if let Some(value) = value {
                name.value = value;
                found += 1;
            }
        }
        // Different names have found different values: none is missing, and none is left over.
        if found == self.names.len() && found == given {
            Ok(())
        } else {
            Err(mismatch(&self.names, params))
        }
    }
}

#[cold]
fn too_many(count: usize) -> UsageError {
    let what = "parameters";
    purepg_proto::UsageError::TooMany { what, count }.into()
}

#[cold]
fn mismatch(names: &[Name<'_>], params: &dyn Params) -> UsageError {
    let given = (0..params.len()).map(|i| params.name(i).unwrap_or_default());
    let names = || names.iter().map(|name| name.name);
    let mut wanted: HashSet<_> = names().collect();
    let mut seen = HashSet::new();
    let mut superfluous = Vec::new();
    for name in given {
        if !seen.insert(name) {
            return UsageError::RepeatedParameter { name: name.into() };
        }
        if !wanted.remove(name) {
            superfluous.push(name.into());
        }
    }
    let missing = names().filter(|name| wanted.contains(name));
    UsageError::ParameterNames {
        missing: missing.map(Box::from).collect(),
        superfluous: superfluous.into(),
    }
}

impl Numbered<'_> {
    /// Where the value for a number is among those given.
    fn place(&self, index: usize) -> Option<usize> {
        match self.names {
            Some(names) => names.get(index).map(|name| name.value),
            None => Some(index),
        }
    }
}

impl Params for Numbered<'_> {
    fn len(&self) -> usize {
        self.names.map_or_else(|| self.params.len(), <[_]>::len)
    }

    fn get(&self, index: usize) -> Option<&dyn ToSql> {
        self.params.get(self.place(index)?)
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.params.name(self.place(index)?)
    }
}

/// Where in the text as it was written a place of the rewritten text is. Both count characters from 1. A place inside of a number is
/// that of its colon.
pub(crate) fn written_position(sql: &str, backslash: Backslash, position: usize) -> usize {
    let mut names = Names::default();
    let (mut written, mut sent) = (1, 1);
    let mut rest = 0;
    for placeholder in Placeholders::of(sql, backslash) {
        let Placeholder::Name { name, start } = placeholder else {
            continue;
        };
        let before = characters(sql.get(rest..start).unwrap_or_default());
        if position < sent + before {
            break;
        }
        (written, sent) = (written + before, sent + before);
        let number = names.number(name).to_string();
        if position < sent + 1 + number.len() {
            return written;
        }
        written += 1 + characters(name);
        sent += 1 + number.len();
        rest = start + 1 + name.len();
    }
    match position.checked_sub(sent) {
        // Where the server counts on behind the end, so do we.
        Some(behind) => written.saturating_add(behind),
        None => position,
    }
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

/// The names of a statement, in the order of their numbers.
#[derive(Default)]
struct Names<'q> {
    list: Vec<Name<'q>>,
    /// All of them, once they are not few any more.
    index: HashMap<&'q str, usize>,
}

impl<'q> Names<'q> {
    /// The number of a name, from 1 on.
    fn number(&mut self, name: &'q str) -> usize {
        let known = if self.index.is_empty() {
            self.list.iter().position(|known| known.name == name)
        } else {
            self.index.get(name).copied()
        };
        if let Some(known) = known {
            return known + 1;
        }
        self.list.push(Name { name, value: 0 });
        let count = self.list.len();
        if count == FEW + 1 {
            let all = self.list.iter().enumerate();
            self.index = all.map(|(i, name)| (name.name, i)).collect();
        } else if count > FEW {
            self.index.insert(name, count - 1);
        }
        count
    }
}

/// For the fuzz targets, and for nobody else.
#[doc(hidden)]
pub(crate) mod fuzzing {
    use super::{Backslash, Rewritten, UsageError};

    /// The rewritten text, and the names in the order of their numbers. `escapes`: `standard_conforming_strings` is off.
    ///
    /// # Errors
    /// Those of a query with such a text.
    pub fn rewrite(sql: &str, escapes: bool) -> Result<(String, Vec<&str>), UsageError> {
        let Rewritten { sql, names } = Rewritten::of(sql, backslash(escapes))?;
        let names = names.into_iter().map(|name| name.name);
        Ok((sql.into_owned(), names.collect()))
    }

    /// Where in the text as it was written a place of the rewritten text is; both count characters from 1.
    pub fn written_position(sql: &str, escapes: bool, position: usize) -> usize {
        super::written_position(sql, backslash(escapes), position)
    }

    fn backslash(escapes: bool) -> Backslash {
        if escapes {
            Backslash::Escapes
        } else {
            Backslash::Plain
        }
    }
}
