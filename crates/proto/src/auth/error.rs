//! What can be wrong with a SCRAM exchange. No variant holds a secret.

use alloc::boxed::Box;

/// A SCRAM exchange that the server spoilt, or that it refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScramError {
    /// The message is longer than the limit.
    #[error("SCRAM message of {length} bytes, the limit is {limit}")]
    MessageTooLong {
        /// How long it is, in bytes.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The message is not UTF-8.
    #[error("SCRAM message is not valid UTF-8")]
    NotUtf8,
    /// Something else stands where an attribute must be, or nothing.
    #[error("malformed SCRAM message: attribute \"{attribute}\" expected")]
    ExpectedAttribute {
        /// The attribute's letter.
        attribute: char,
    },
    /// An attribute is repeated, or belongs into another message or another place.
    #[error("malformed SCRAM message: attribute \"{attribute}\" is repeated or out of place")]
    UnexpectedAttribute {
        /// The attribute's letter.
        attribute: char,
    },
    /// What follows the attributes of the message does not have the form of an extension.
    #[error("malformed SCRAM message: not an extension at its end")]
    MalformedExtension,
    /// The server demands an extension that must be understood (`m=`). RFC 5802 defines none.
    #[error("the server demands a mandatory SCRAM extension, which is not supported")]
    MandatoryExtension,
    /// The nonce is longer than the limit.
    #[error("SCRAM nonce of {length} bytes, the limit is {limit}")]
    NonceTooLong {
        /// How long it is, in bytes.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The nonce has characters that no nonce may have.
    #[error("SCRAM nonce has characters that are not printable ASCII")]
    NonceNotPrintable,
    /// The nonce does not begin with the client's, or adds nothing to it.
    #[error("the server's SCRAM nonce does not extend the client's")]
    NonceMismatch,
    /// The salt is not base64.
    #[error("SCRAM salt is not valid base64")]
    SaltNotBase64,
    /// The salt is empty.
    #[error("SCRAM salt is empty")]
    SaltEmpty,
    /// The iteration count is not a number: a digit from 1 to 9, then digits.
    #[error("SCRAM iteration count is not a positive number")]
    IterationsNotANumber,
    /// The iteration count is 0.
    #[error("SCRAM iteration count is 0")]
    IterationsZero,
    /// The iteration count is above the limit.
    #[error("the server asks for {requested} SCRAM iterations, the limit is {limit}")]
    IterationsAboveLimit {
        /// What the server asks for; `u64::MAX` stands for anything from there on.
        requested: u64,
        /// What is allowed.
        limit: u32,
    },
    /// The server's signature is not base64 of 32 bytes.
    #[error("malformed SCRAM server signature")]
    VerifierMalformed,
    /// The server's signature is wrong: it does not know the password.
    #[error("wrong SCRAM server signature: the server does not know the password")]
    VerifierMismatch,
    /// The server reports an error (`e=`).
    #[error("the server reports a SCRAM error: {message}")]
    Server {
        /// What it says, shortened, and with `?` for whatever is not printable ASCII. Nothing vouches
        /// for who says it.
        message: Box<str>,
    },
}

/// A password that is not ASCII, in a build without the feature `std`.
///
/// SASLprep (RFC 4013) needs Unicode's tables. Without them such a password may or may not be what the
/// server knows, so it is refused rather than guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password that is not ASCII needs SASLprep, which this build does not have")]
pub(crate) struct NonAsciiPassword;
