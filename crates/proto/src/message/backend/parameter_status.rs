//! `ParameterStatus` (`S`).

use alloc::string::String;

use crate::wire::reader::{Malformed, Reader};

/// A run-time parameter that the server reports, and the value that it has from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterChange {
    name: String,
    value: String,
}

impl ParameterChange {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let change = Self {
            name: reader.string("the name of a parameter")?,
            value: reader.string("the value of a parameter")?,
        };
        reader.end()?;
        Ok(change)
    }

    /// The parameter's name, as the server spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value from now on.
    pub fn value(&self) -> &str {
        &self.value
    }
}
