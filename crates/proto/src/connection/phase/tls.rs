//! What comes before the first message proper: TLS.

use bytes::BytesMut;

use crate::error::ProtocolErrorKind;
use crate::startup::{ChannelBinding, Startup, TlsFacts, TlsRequest};

use super::{Cancelling, Phase, Requested};

/// What is sent once it is known how: the `StartupMessage`, or the `CancelRequest`.
#[derive(Debug)]
pub(in crate::connection) struct Opening {
    pub(in crate::connection) message: BytesMut,
    is_cancel: bool,
}

/// `SSLRequest` was sent; its answer is a single byte.
#[derive(Debug)]
pub(in crate::connection) struct SslRequested {
    opening: Opening,
    required: bool,
}

/// TLS begins without asking the server; the driver is still to be told.
#[derive(Debug)]
pub(in crate::connection) struct Direct {
    opening: Opening,
}

/// The driver has the stream, and makes it one of TLS.
#[derive(Debug)]
pub(in crate::connection) struct Upgrading {
    opening: Opening,
    direct: bool,
}

/// What to do with the answer to `SSLRequest`.
pub(in crate::connection) enum Answer {
    Upgrade(Upgrading),
    /// There is no TLS, and it goes on in the clear.
    InTheClear(Opening),
}

impl Opening {
    pub(in crate::connection) fn new(startup: &Startup, message: BytesMut) -> Self {
        let is_cancel = startup.is_cancel();
        Self { message, is_cancel }
    }

    /// What follows once the message was written.
    pub(in crate::connection) fn next(&self) -> Phase {
        if self.is_cancel {
            Phase::Cancelling(Cancelling)
        } else {
            Phase::Requested(Requested::default())
        }
    }

    /// Where nothing can be bound to, nothing is sent to a server that everything has to be bound to.
    fn check_binding(
        &self,
        startup: &Startup,
        facts: Option<&TlsFacts>,
    ) -> Result<(), ProtocolErrorKind> {
        let required = startup.channel_binding == ChannelBinding::Require && !self.is_cancel;
        match facts {
            None if required => Err(ProtocolErrorKind::ChannelBindingUnavailable {
                reason: "the connection has no TLS",
            }),
            Some(facts) if required && facts.binding().is_none() => {
                Err(ProtocolErrorKind::ChannelBindingUnavailable {
                    reason: "the server's certificate has no hash for it",
                })
            }
            _ => Ok(()),
        }
    }
}

impl SslRequested {
    pub(in crate::connection) fn new(opening: Opening, wanted: TlsRequest) -> Self {
        let required = wanted == TlsRequest::Require;
        Self { opening, required }
    }

    pub(in crate::connection) fn answered(
        self,
        answer: u8,
        startup: &Startup,
    ) -> Result<Answer, ProtocolErrorKind> {
        let opening = self.opening;
        match answer {
            b'S' => Ok(Answer::Upgrade(Upgrading {
                opening,
                direct: false,
            })),
            b'N' if self.required => Err(ProtocolErrorKind::TlsRefused),
            b'N' => {
                opening.check_binding(startup, None)?;
                Ok(Answer::InTheClear(opening))
            }
            b'E' => Err(ProtocolErrorKind::TlsRequestFailed),
            _ => Err(ProtocolErrorKind::TlsAnswerUnknown),
        }
    }
}

impl Direct {
    pub(in crate::connection) fn new(opening: Opening) -> Self {
        Self { opening }
    }

    pub(in crate::connection) fn ask(self) -> Upgrading {
        Upgrading {
            opening: self.opening,
            direct: true,
        }
    }
}

impl Upgrading {
    /// What may be sent now that there is TLS.
    pub(in crate::connection) fn established(
        self,
        facts: &TlsFacts,
        startup: &Startup,
    ) -> Result<Opening, ProtocolErrorKind> {
        match &facts.alpn {
            Some(protocol) if protocol == TlsFacts::ALPN => {}
            Some(_) => return Err(ProtocolErrorKind::AlpnMismatch),
            // A server that knows direct TLS knows ALPN; anything else may be another protocol's.
            None if self.direct => return Err(ProtocolErrorKind::AlpnMissing),
            None => {}
        }
        self.opening.check_binding(startup, Some(facts))?;
        Ok(self.opening)
    }
}
