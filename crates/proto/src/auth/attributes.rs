//! The attributes that a SCRAM message consists of: RFC 5802, sections 5.1 and 7.

use super::error::ScramError;

/// What RFC 5802 gives a meaning. None of them can be an extension.
const DEFINED: &str = "anmrcsipve";

/// A message from the server, read from front to back.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    items: core::str::Split<'a, char>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(message: &'a [u8], limit: usize) -> Result<(&'a str, Self), ScramError> {
        if message.len() > limit {
            return Err(ScramError::MessageTooLong {
                length: message.len(),
                limit,
            });
        }
        let text = core::str::from_utf8(message).map_err(|_| ScramError::NotUtf8)?;
        let items = text.split(',');
        Ok((text, Self { items }))
    }

    /// The value of the attribute that must come next.
    pub(super) fn expect(&mut self, attribute: char) -> Result<&'a str, ScramError> {
        match self.items.next().and_then(split) {
            Some((name, value)) if name == attribute => Ok(value),
            Some(('m', _)) => Err(ScramError::MandatoryExtension),
            _ => Err(ScramError::ExpectedAttribute { attribute }),
        }
    }

    /// The value of the attribute that comes next, if it is this one.
    pub(super) fn accept(&mut self, attribute: char) -> Option<&'a str> {
        let mut ahead = self.items.clone();
        let (_, value) = ahead
            .next()
            .and_then(split)
            .filter(|it| it.0 == attribute)?;
        self.items = ahead;
        Some(value)
    }

    /// Reads past the extensions that may follow: optional ones, which RFC 5802 says to ignore.
    ///
    /// libpq takes them for garbage, but PostgreSQL never sends one.
    pub(super) fn finish(self) -> Result<(), ScramError> {
        let mut seen = 0_u128;
        for item in self.items {
            let (attribute, value) = split(item).ok_or(ScramError::MalformedExtension)?;
            if attribute == 'm' {
                return Err(ScramError::MandatoryExtension);
            }
            let bit = 1_u128 << u32::from(attribute);
            if DEFINED.contains(attribute) || seen & bit != 0 {
                return Err(ScramError::UnexpectedAttribute { attribute });
            }
            if value.is_empty() || value.contains('\0') {
                return Err(ScramError::MalformedExtension);
            }
            seen |= bit;
        }
        Ok(())
    }
}

/// `attr-val` of the grammar: an ASCII letter, `=`, a value.
fn split(item: &str) -> Option<(char, &str)> {
    let (name, value) = item.split_once('=')?;
    let mut letters = name.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() => Some((letter, value)),
        _ => None,
    }
}
