//! Parameters that decide how values are read.
//!
//! Texts are UTF-8 and dates are ISO: the start-up asks for both. Who changes that makes every value a wrong one, and nobody would notice.
//! So what the server reports is looked at whenever it changes; where it is wrong, no value is handed out.

use thiserror::Error as ThisError;

use crate::config::Protected;
use crate::connection::Connection;
use crate::error::Error;

/// The session was given a setting with which values would be misread. Setting it back heals the connection.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error(
    "{name} is {value:?}, with which values would be misread: \
     it has to be {needed} (`RESET {name}` sets it back)"
)]
pub struct ProtectedParameter {
    name: &'static str,
    value: Box<str>,
    needed: &'static str,
}

impl ProtectedParameter {
    /// The parameter: `client_encoding` or `DateStyle`.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The value that it has.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value that it has to have; a `DateStyle` may be any that begins with it.
    pub fn needed(&self) -> &str {
        self.needed
    }
}

impl<S> Connection<S> {
    /// Looks at what the server reports now. What it does not report is as it was asked to be.
    pub(crate) fn check_parameters(&mut self) {
        let reported = |protected: &Protected| self.core.parameter(protected.name);
        let mut all = Protected::ALL.into_iter();
        self.violated =
            all.find(|protected| reported(protected).is_some_and(|value| !protected.allows(value)));
    }

    /// Whoever hands out values of the server's asks first.
    #[inline]
    pub(crate) fn check_readable(&self) -> Result<(), Error> {
        match self.violated {
            None => Ok(()),
            Some(protected) => Err(self.violation(protected)),
        }
    }

    /// Whoever sends a text asks first. In another encoding it is another text, and its last byte may swallow the quote behind it. Plain
    /// ASCII, with which one sets things right, is the same in all.
    pub(crate) fn check_text(&self, text: &str) -> Result<(), Error> {
        match self.violated {
            Some(protected) if self.is_misread(text) => Err(self.violation(protected)),
            _ => Ok(()),
        }
    }

    /// Whoever sends so many parameters asks first.
    pub(crate) fn check_values(&self, count: usize) -> Result<(), Error> {
        match self.violated {
            Some(protected) if self.is_foreign() && count > 0 => Err(self.violation(protected)),
            _ => Ok(()),
        }
    }

    /// True for a text that one side takes for another than the other side meant.
    pub(super) fn is_misread(&self, text: &str) -> bool {
        self.is_foreign() && !text.is_ascii()
    }

    fn is_foreign(&self) -> bool {
        self.violated == Some(Protected::CLIENT_ENCODING)
    }

    #[cold]
    fn violation(&self, protected: Protected) -> Error {
        let value = self.core.parameter(protected.name).unwrap_or_default();
        Error::ProtectedParameter(Box::new(ProtectedParameter {
            name: protected.name,
            value: value.into(),
            needed: protected.value,
        }))
    }
}
