//! What of a conversation is printed.

/// What a [`Tracer`](super::Tracer) prints.
///
/// Passwords, what is said in SASL, GSS and OAuth exchanges, and the keys of cancel requests are never printed, whatever is asked for here:
/// there is no option for them.
///
/// | method | default | what it is about |
/// | --- | --- | --- |
/// | [`values`](Self::values) | hidden | parameters, fields of rows, COPY data, arguments and results of functions, payloads of notifications |
/// | [`statements`](Self::statements) | shown | the SQL of `Query` and `Parse` |
/// | [`reports`](Self::reports) | shown | what errors and notices say, beyond their SQLSTATE and the names in them |
/// | [`regress`](Self::regress) | off | masks what differs from run to run |
/// | [`max_message`](Self::max_message) | 16 KiB | how much of a message is kept and printed |
///
/// Statements and reports may quote values: `insert … values ('…')`, `Key (a)=(…) already exists`. For a trace that holds no data at all,
/// hide the three of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceOptions {
    pub(super) values: bool,
    pub(super) statements: bool,
    pub(super) reports: bool,
    pub(super) regress: bool,
    pub(super) max_message: usize,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self {
            values: false,
            statements: true,
            reports: true,
            regress: false,
            max_message: 16 * 1024,
        }
    }
}

impl TraceOptions {
    /// Shows or hides data: parameters of `Bind` and `FunctionCall`, fields of rows, what COPY transfers, results of functions, payloads
    /// of notifications. Lengths are printed in any case.
    #[must_use]
    pub fn values(mut self, shown: bool) -> Self {
        self.values = shown;
        self
    }

    /// Shows or hides the SQL of `Query`, of `Parse`, and of the statement inside a function that an error points to.
    #[must_use]
    pub fn statements(mut self, shown: bool) -> Self {
        self.statements = shown;
        self
    }

    /// Shows or hides the texts of errors and notices: message, detail, hint, context, and fields that are not known. Severity, SQLSTATE,
    /// positions, names of objects and places in the server's source are printed anyway.
    #[must_use]
    pub fn reports(mut self, shown: bool) -> Self {
        self.reports = shown;
        self
    }

    /// Masks what differs from run to run, as `PQTRACE_REGRESS_MODE` does, so that traces can be compared: object and process ids as
    /// `NNNN`, places in the server's source as `"SSSS"`, the lengths of errors and notices as `NN`, COPY data as `'BBBB'`.
    #[must_use]
    pub fn regress(mut self, masked: bool) -> Self {
        self.regress = masked;
        self
    }

    /// So many bytes of a message, its header aside, are kept until it is whole, and printed; a longer one is cut there, which ` ...`
    /// shows. In each direction a tracer needs no more memory than this. Four bytes are kept in any case.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }
}
