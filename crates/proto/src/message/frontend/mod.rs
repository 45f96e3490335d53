//! What a client sends: appended to the output buffer in place.

pub(crate) mod bind;
pub(crate) mod cancel_request;
pub(crate) mod copy;
pub(crate) mod extended;
pub(crate) mod password;
pub(crate) mod query;
pub(crate) mod ssl_request;
pub(crate) mod startup;
