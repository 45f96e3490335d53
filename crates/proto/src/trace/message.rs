//! What messages are made of.

use core::fmt::{self, Display};

/// A message, as it is printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

/// A message, or what stands in its place.
pub(super) type Named = Result<Message, Unknown>;

/// A message that nobody knows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unknown {
    Type(u8),
    /// One without a type byte.
    First,
    /// An authentication request with another code.
    Authentication(i32),
}

impl Unknown {
    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Type(_) | Self::First => &[],
            Self::Authentication(_) => &[Field::Unprinted(4)],
        }
    }
}

impl Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(tag) => write!(f, "Unknown message: {tag:02x}"),
            Self::First => f.write_str("Unknown message"),
            Self::Authentication(code) => write!(f, "Unknown authentication message {code}"),
        }
    }
}

/// A part of a message, as it is printed. Names are those of the protocol's manual where it has one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    Byte,
    Int16,
    Int32,
    /// An `Int32` that differs from run to run: the number of an object or of a process.
    Id,
    String,
    /// A string that is SQL.
    Statement,
    /// A string that is data.
    Payload,
    /// A length and so many bytes of data; none behind -1.
    Value,
    /// Data up to the end of the message.
    Data,
    /// An `Int16`, and so many times these.
    Repeat(&'static [Self]),
    /// An `Int32`, and so many strings.
    Names,
    /// Strings up to an empty one, which is printed too.
    List,
    /// Names and values up to an empty name.
    Parameters,
    /// The fields of an error or a notice.
    Report,
    /// So many bytes that nobody prints.
    Unprinted(usize),
    /// The name of a SASL mechanism, and what is said first.
    SaslInitial,
    /// Up to the end of the message: a secret.
    Secret,
    /// Up to the end of the message: a secret whose length is one, too.
    Password,
}

impl Message {
    pub(super) const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields }
    }

    /// Whether its bytes are to be wiped from memory.
    pub(super) fn has_secret(self) -> bool {
        let secret =
            |field: &Field| matches!(field, Field::Secret | Field::Password | Field::SaslInitial);
        self.fields.iter().any(secret)
    }

    pub(super) fn has_password(self) -> bool {
        matches!(self.fields, [Field::Password, ..])
    }

    pub(super) fn is_report(self) -> bool {
        matches!(self.fields, [Field::Report, ..])
    }
}
