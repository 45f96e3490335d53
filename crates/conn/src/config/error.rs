//! What can be wrong with a [`Config`](super::Config).

use std::path::PathBuf;

use super::SslMode;

/// Why a [`Config`](super::Config) could not be made, or cannot be used.
///
/// An error names keywords and rules, never what was written: a connection string that is malformed
/// may have its password anywhere, even where a keyword or a port belongs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The connection string breaks the rules of its format.
    #[error("connection string, {part}: {reason}")]
    Syntax {
        /// The part that is malformed.
        part: &'static str,
        /// The rule that it breaks.
        reason: &'static str,
    },

    /// The connection string has a keyword that does not exist. Its text is not shown, since it may
    /// be a piece of a password that was not quoted.
    #[error("connection string: unknown keyword, number {number}{}", Hint(*meant))]
    UnknownKeyword {
        /// Which of the keywords, the first one being 1; in a URL only those of the query count.
        number: usize,
        /// The keyword that is usually meant by this spelling.
        meant: Option<&'static str>,
    },

    /// The connection string has a keyword that libpq knows and this library does not.
    #[error("{keyword} is not supported: {reason}")]
    Unsupported {
        /// The keyword.
        keyword: &'static str,
        /// Why it is not.
        reason: &'static str,
    },

    /// The connection string has a keyword that says in which file to go on reading. Parsing a string reads none.
    #[error("{keyword} needs files to be read: call Config::parse_with_env")]
    NeedsEnvironment {
        /// The keyword.
        keyword: &'static str,
    },

    /// The connection string has a keyword that its reader did not allow.
    #[error("{keyword} is not allowed in this connection string")]
    NotAllowed {
        /// The keyword.
        keyword: &'static str,
    },

    /// The connection string has a keyword that must not come with a string: who is meant to do what it asks for calls a method.
    #[error("{keyword} is not taken from a connection string: call Config::{setter}")]
    SetterOnly {
        /// The keyword.
        keyword: &'static str,
        /// The method of [`Config`](super::Config).
        setter: &'static str,
    },

    /// Something is wrong with what an environment variable says.
    #[error("{variable}: {error}")]
    Variable {
        /// The variable.
        variable: &'static str,
        /// What is wrong.
        error: Box<Self>,
    },

    /// A file of services cannot be read, or something is wrong in it.
    #[error("service file {}{}: {reason}", file.display(), Line(*line))]
    ServiceFile {
        /// Where it is.
        file: PathBuf,
        /// In which of its lines the mistake is, the first one being 1.
        line: Option<usize>,
        /// What is wrong.
        reason: Box<str>,
    },

    /// The service is in none of the files of services.
    #[error("there is no file that defines the service")]
    UnknownService,

    /// A value that libpq may know and this library does not. The others mean what happens anyway.
    #[error("{keyword}: only {supported} is supported: {reason}")]
    UnsupportedValue {
        /// The keyword.
        keyword: &'static str,
        /// A value that is accepted.
        supported: &'static str,
        /// Why others are not.
        reason: &'static str,
    },

    /// A value that its keyword cannot have.
    #[error("invalid value for {keyword}: {reason}")]
    InvalidValue {
        /// The keyword.
        keyword: &'static str,
        /// What a value must be.
        reason: &'static str,
    },

    /// The lists of hosts, of their addresses and of their ports are not equally long. One port may do for all hosts.
    #[error("{keyword}: {} for {}", counted(*given, "value"), counted(*hosts, "host"))]
    ListLength {
        /// The list.
        keyword: &'static str,
        /// How many values it has.
        given: usize,
        /// How many hosts there are.
        hosts: usize,
    },

    /// Something that has no default was not given.
    #[error("{keyword} is missing")]
    Missing {
        /// The keyword.
        keyword: &'static str,
    },

    /// A zero byte. The protocol ends strings with one, so what follows it would be read as
    /// something else.
    #[error("{part}: a zero byte is not allowed")]
    Nul {
        /// Where it is.
        part: &'static str,
    },

    /// A run-time parameter that decides how values are read was to be changed.
    #[error("{parameter} is always {value}: another value cannot be given")]
    ProtectedParameter {
        /// The parameter.
        parameter: &'static str,
        /// The value that it has.
        value: &'static str,
    },

    /// A name was given to `parameter` that is no run-time parameter, or has a setter of its own.
    #[error("{name} cannot be given as a run-time parameter")]
    ReservedParameter {
        /// The name.
        name: &'static str,
    },

    /// The path of the Unix socket is longer than the operating system allows.
    #[error("the path of the Unix socket has {bytes} bytes: at most {limit} are possible")]
    SocketPathTooLong {
        /// The length of the path, with the name of the socket.
        bytes: usize,
        /// The longest that is possible.
        limit: usize,
    },

    /// Everything together is longer than what a server reads.
    #[error("the StartupMessage would have {bytes} bytes: a server reads at most {limit}")]
    StartupTooLong {
        /// The length of the message, without the four bytes that hold the length.
        bytes: usize,
        /// The longest that a server reads.
        limit: usize,
    },

    /// The connection must be encrypted, or something is said of how it is to be, and it cannot be: the feature `tls` is off.
    #[error("this build has no TLS: sslmode={ssl_mode}, and what goes with it, cannot be honoured")]
    TlsUnavailable {
        /// What was asked for.
        ssl_mode: SslMode,
    },
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

struct Hint(Option<&'static str>);

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(meant) => write!(f, " (the keyword is {meant})"),
            None => Ok(()),
        }
    }
}

struct Line(Option<usize>);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(line) => write!(f, ", line {line}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_sentences() {
        let table = [
            (
                ConfigError::TlsUnavailable {
                    ssl_mode: SslMode::VerifyFull,
                },
                "this build has no TLS: sslmode=verify-full, and what goes with it, cannot be honoured",
            ),
            (
                ConfigError::UnknownKeyword {
                    number: 2,
                    meant: None,
                },
                "connection string: unknown keyword, number 2",
            ),
            (
                ConfigError::UnknownKeyword {
                    number: 1,
                    meant: Some("dbname"),
                },
                "connection string: unknown keyword, number 1 (the keyword is dbname)",
            ),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
    }
}
