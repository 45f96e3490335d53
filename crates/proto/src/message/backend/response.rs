//! `ErrorResponse` (`E`) and `NoticeResponse` (`N`): the same fields, another meaning.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use crate::sqlstate::SqlState;
use crate::wire::reader::{Malformed, Reader};

/// What the server reported as an error. It is data: whether the connection survives is said by its severity.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerError(Box<Diagnostics>);

/// What the server remarked without failing: a warning, a notice, a line of information.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice(Box<Diagnostics>);

/// The fields of an error or a notice; what the server left out is `None`.
///
/// Source: "Error and Notice Message Fields" in the manual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    severity: Option<String>,
    severity_code: Option<String>,
    sqlstate: Option<String>,
    message: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    position: Option<String>,
    internal_position: Option<String>,
    internal_query: Option<String>,
    context: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    column: Option<String>,
    data_type: Option<String>,
    constraint: Option<String>,
    file: Option<String>,
    line: Option<String>,
    routine: Option<String>,
}

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The server goes down, all sessions with it.
    Panic,
    /// The session ends.
    Fatal,
    /// The statement failed.
    Error,
    /// Something the user should know of.
    Warning,
    /// Something the user may want to know.
    Notice,
    /// For developers.
    Debug,
    /// What was asked for, such as the progress of `VACUUM VERBOSE`.
    Info,
    /// For administrators.
    Log,
}

impl ServerError {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        Diagnostics::decode(body).map(|diagnostics| Self(Box::new(diagnostics)))
    }

    /// True when the session ends with this error: severity FATAL or PANIC.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity(), Severity::Fatal | Severity::Panic)
    }

    /// How grave it is. A server that says nothing intelligible (before 9.6 the only word is translated) means an error.
    pub fn severity(&self) -> Severity {
        self.0.severity_word().unwrap_or(Severity::Error)
    }
}

impl Notice {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        Diagnostics::decode(body).map(|diagnostics| Self(Box::new(diagnostics)))
    }

    /// A warning that no server has sent: what a client itself has to say to its user.
    pub fn warning(code: SqlState, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let warning = || Some(String::from("WARNING"));
        Self(Box::new(Diagnostics {
            severity: warning(),
            severity_code: warning(),
            sqlstate: Some(code.code().into()),
            message: Some(message.into()),
            hint: Some(hint.into()),
            ..Diagnostics::default()
        }))
    }

    /// How grave it is; a notice where the server says nothing intelligible.
    pub fn severity(&self) -> Severity {
        self.0.severity_word().unwrap_or(Severity::Notice)
    }
}

impl Diagnostics {
    fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let mut fields = Self::default();
        loop {
            let code = reader.u8("a field, or the end of the fields")?;
            if code == 0 {
                break;
            }
            let value = reader.string("the value of a field")?;
            if let Some(slot) = fields.slot(code) {
                *slot = Some(value);
            }
        }
        reader.end()?;
        Ok(fields)
    }

    /// Fields of other codes are to be ignored, says the manual.
    fn slot(&mut self, code: u8) -> Option<&mut Option<String>> {
        Some(match code {
            b'S' => &mut self.severity,
            b'V' => &mut self.severity_code,
            b'C' => &mut self.sqlstate,
            b'M' => &mut self.message,
            b'D' => &mut self.detail,
            b'H' => &mut self.hint,
            b'P' => &mut self.position,
            b'p' => &mut self.internal_position,
            b'q' => &mut self.internal_query,
            b'W' => &mut self.context,
            b's' => &mut self.schema,
            b't' => &mut self.table,
            b'c' => &mut self.column,
            b'd' => &mut self.data_type,
            b'n' => &mut self.constraint,
            b'F' => &mut self.file,
            b'L' => &mut self.line,
            b'R' => &mut self.routine,
            _ => return None,
        })
    }

    fn severity_word(&self) -> Option<Severity> {
        let word = self.severity_code.as_deref().or(self.severity.as_deref())?;
        Some(match word {
            "PANIC" => Severity::Panic,
            "FATAL" => Severity::Fatal,
            "ERROR" => Severity::Error,
            "WARNING" => Severity::Warning,
            "NOTICE" => Severity::Notice,
            "DEBUG" => Severity::Debug,
            "INFO" => Severity::Info,
            "LOG" => Severity::Log,
            _ => return None,
        })
    }

    /// The severity in the server's language, for people.
    pub fn localized_severity(&self) -> Option<&str> {
        self.severity.as_deref()
    }

    /// The five characters of the SQLSTATE, such as `42P01`.
    pub fn sqlstate(&self) -> Option<&str> {
        self.sqlstate.as_deref()
    }

    /// The SQLSTATE, to compare with the constants of [`SqlState`]; `None` where the server sent none, or what is none.
    pub fn code(&self) -> Option<SqlState> {
        SqlState::from_code(self.sqlstate()?)
    }

    /// What happened, in one line. Empty where the server did not say.
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }

    /// More about it.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// What might help.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Where in the statement the fault is: in characters, from 1.
    pub fn position(&self) -> Option<usize> {
        self.position.as_deref()?.parse().ok()
    }

    /// Where in [`internal_query`](Self::internal_query) the fault is: in characters, from 1.
    pub fn internal_position(&self) -> Option<usize> {
        self.internal_position.as_deref()?.parse().ok()
    }

    /// The statement that the server made up itself, in a function for example, when the fault is there.
    pub fn internal_query(&self) -> Option<&str> {
        self.internal_query.as_deref()
    }

    /// What the server was doing: a call stack, innermost first, one entry a line.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The schema of the object concerned.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The table concerned.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// The column concerned.
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// The data type concerned.
    pub fn data_type(&self) -> Option<&str> {
        self.data_type.as_deref()
    }

    /// The constraint concerned.
    pub fn constraint(&self) -> Option<&str> {
        self.constraint.as_deref()
    }

    /// The source file of the server that reported this.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line in that file.
    pub fn line(&self) -> Option<u32> {
        self.line.as_deref()?.parse().ok()
    }

    /// The function of the server that reported this.
    pub fn routine(&self) -> Option<&str> {
        self.routine.as_deref()
    }
}

impl Deref for ServerError {
    type Target = Diagnostics;

    fn deref(&self) -> &Diagnostics {
        &self.0
    }
}

impl Deref for Notice {
    type Target = Diagnostics;

    fn deref(&self) -> &Diagnostics {
        &self.0
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_present(f, "ServerError")
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_present(f, "Notice")
    }
}

/// Severity, message and SQLSTATE in one line.
impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_line(f, "ERROR")
    }
}

/// Severity, message and SQLSTATE in one line.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_line(f, "NOTICE")
    }
}

impl core::error::Error for ServerError {}

impl Diagnostics {
    fn fmt_present(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let mut out = f.debug_struct(name);
        let severity = self.severity_code.as_ref().or(self.severity.as_ref());
        let fields = [
            ("severity", severity),
            ("sqlstate", self.sqlstate.as_ref()),
            ("message", self.message.as_ref()),
            ("detail", self.detail.as_ref()),
            ("hint", self.hint.as_ref()),
            ("position", self.position.as_ref()),
            ("context", self.context.as_ref()),
            ("routine", self.routine.as_ref()),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                out.field(name, value);
            }
        }
        out.finish_non_exhaustive()
    }

    fn fmt_line(&self, f: &mut fmt::Formatter<'_>, fallback: &str) -> fmt::Result {
        let severity = self.severity.as_deref().unwrap_or(fallback);
        let message = self
            .message
            .as_deref()
            .unwrap_or("(the server gave no message)");
        write!(f, "{severity}: {message}")?;
        match self.sqlstate() {
            Some(sqlstate) => write!(f, " (SQLSTATE {sqlstate})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const ALL: &[u8] = b"SFEHLER\0VERROR\0C42P01\0Mno\0Dd\0Hh\0P8\0p9\0qiq\0Wctx\0ss\0tt\0cc\0ddt\0nn\0Ff.c\0L77\0Rr\0?x\0\0";

    #[test]
    fn acceptance_104_all_fields() {
        let error = ServerError::decode(ALL).unwrap();
        assert_eq!(error.severity(), Severity::Error);
        assert_eq!(error.localized_severity(), Some("FEHLER"));
        assert_eq!(error.sqlstate(), Some("42P01"));
        assert_eq!(error.code(), Some(SqlState::UNDEFINED_TABLE));
        assert_eq!(
            (error.message(), error.detail(), error.hint()),
            ("no", Some("d"), Some("h"))
        );
        assert_eq!(
            (error.position(), error.internal_position()),
            (Some(8), Some(9))
        );
        assert_eq!(
            (error.internal_query(), error.context()),
            (Some("iq"), Some("ctx"))
        );
        assert_eq!((error.schema(), error.table()), (Some("s"), Some("t")));
        assert_eq!((error.column(), error.data_type()), (Some("c"), Some("dt")));
        assert_eq!((error.constraint(), error.file()), (Some("n"), Some("f.c")));
        assert_eq!((error.line(), error.routine()), (Some(77), Some("r")));
        assert_eq!(format!("{error}"), "FEHLER: no (SQLSTATE 42P01)");
    }

    #[test]
    fn acceptance_104_a_field_that_is_absent_is_none() {
        let present = |error: &ServerError| {
            [
                error.localized_severity().is_some(),
                error.severity_code.is_some(),
                error.sqlstate().is_some(),
                !error.message().is_empty(),
                error.detail().is_some(),
                error.hint().is_some(),
                error.position().is_some(),
                error.internal_position().is_some(),
                error.internal_query().is_some(),
                error.context().is_some(),
                error.schema().is_some(),
                error.table().is_some(),
                error.column().is_some(),
                error.data_type().is_some(),
                error.constraint().is_some(),
                error.file().is_some(),
                error.line().is_some(),
                error.routine().is_some(),
            ]
        };
        let all = ServerError::decode(ALL).unwrap();
        assert_eq!(present(&all), [true; 18]);
        // Each field alone, in the order of the list.
        let fields = ALL.split_inclusive(|byte| *byte == 0).take(18);
        for (i, field) in fields.enumerate() {
            let one = ServerError::decode(&[field, b"\0"].concat()).unwrap();
            let mut expected = [false; 18];
            expected[i] = true;
            assert_eq!(present(&one), expected, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn security_46_fields_may_be_missing_doubled_or_strange() {
        let error = ServerError::decode(b"\0").unwrap();
        assert_eq!(
            (error.severity(), error.sqlstate(), error.message()),
            (Severity::Error, None, "")
        );
        assert_eq!(format!("{error}"), "ERROR: (the server gave no message)");
        let error = ServerError::decode(b"Monly\0\0").unwrap();
        assert_eq!(error.message(), "only");
        let error = ServerError::decode(b"Mone\0Mtwo\0P-1\0Lx\0\0").unwrap();
        assert_eq!(
            (error.message(), error.position(), error.line()),
            ("two", None, None)
        );
        let error = ServerError::decode(b"C42\0\0").unwrap();
        assert_eq!((error.sqlstate(), error.code()), (Some("42"), None));
        let error = ServerError::decode(b"M\xff\xfe\0\0").unwrap();
        assert_eq!(error.message(), "\u{fffd}\u{fffd}");
        for body in [&b""[..], b"M", b"Mno end", b"Mno end\0", b"\0\0"] {
            assert!(ServerError::decode(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn security_50_a_notice_is_text_and_nothing_else() {
        let notice = Notice::decode(b"SNOTICE\0M%n{}%s\0\0").unwrap();
        assert_eq!(format!("{notice}"), "NOTICE: %n{}%s");
    }

    #[test]
    fn the_untranslated_severity_wins() {
        let severity = |body| ServerError::decode(body).unwrap().severity();
        assert_eq!(severity(b"SFATAL\0\0"), Severity::Fatal);
        assert_eq!(severity(b"SPANIK\0VPANIC\0\0"), Severity::Panic);
        assert!(
            ServerError::decode(b"SPANIK\0VPANIC\0\0")
                .unwrap()
                .is_fatal()
        );
        assert!(!ServerError::decode(b"SERREUR\0\0").unwrap().is_fatal());
    }
}
