//! Which message a frame holds.

/// The type of a message that a server sends once a connection is open or on its way there.
///
/// `Fatal` is an `ErrorResponse` whose severity ends the session: it may come at any moment, an error may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Authentication,
    BackendKeyData,
    BindComplete,
    CloseComplete,
    CommandComplete,
    CopyBothResponse,
    CopyData,
    CopyDone,
    CopyInResponse,
    CopyOutResponse,
    DataRow,
    EmptyQueryResponse,
    Error,
    Fatal,
    FunctionCallResponse,
    NegotiateProtocolVersion,
    NoData,
    Notice,
    Notification,
    ParameterDescription,
    ParameterStatus,
    ParseComplete,
    PortalSuspended,
    ReadyForQuery,
    RowDescription,
}

impl Tag {
    /// Every one, for tests and the diagram.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 25] = [
        Self::Authentication,
        Self::BackendKeyData,
        Self::BindComplete,
        Self::CloseComplete,
        Self::CommandComplete,
        Self::CopyBothResponse,
        Self::CopyData,
        Self::CopyDone,
        Self::CopyInResponse,
        Self::CopyOutResponse,
        Self::DataRow,
        Self::EmptyQueryResponse,
        Self::Error,
        Self::Fatal,
        Self::FunctionCallResponse,
        Self::NegotiateProtocolVersion,
        Self::NoData,
        Self::Notice,
        Self::Notification,
        Self::ParameterDescription,
        Self::ParameterStatus,
        Self::ParseComplete,
        Self::PortalSuspended,
        Self::ReadyForQuery,
        Self::RowDescription,
    ];

    /// An `ErrorResponse` is `Error` here: its severity stands in its body.
    #[inline]
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'1' => Self::ParseComplete,
            b'2' => Self::BindComplete,
            b'3' => Self::CloseComplete,
            b'A' => Self::Notification,
            b'C' => Self::CommandComplete,
            b'D' => Self::DataRow,
            b'E' => Self::Error,
            b'G' => Self::CopyInResponse,
            b'H' => Self::CopyOutResponse,
            b'I' => Self::EmptyQueryResponse,
            b'K' => Self::BackendKeyData,
            b'N' => Self::Notice,
            b'R' => Self::Authentication,
            b'S' => Self::ParameterStatus,
            b'T' => Self::RowDescription,
            b'V' => Self::FunctionCallResponse,
            b'W' => Self::CopyBothResponse,
            b'Z' => Self::ReadyForQuery,
            b'c' => Self::CopyDone,
            b'd' => Self::CopyData,
            b'n' => Self::NoData,
            b's' => Self::PortalSuspended,
            b't' => Self::ParameterDescription,
            b'v' => Self::NegotiateProtocolVersion,
            _ => return None,
        })
    }

    /// Messages whose length is bounded by the data, not by the protocol: libpq allows these alone more than 30,000 bytes.
    #[inline]
    pub(crate) fn may_be_long(byte: u8) -> bool {
        matches!(byte, b'd' | b'D' | b'E' | b'V' | b'N' | b'A' | b'T' | b't')
    }
}
