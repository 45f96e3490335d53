//! One message, printed: its fields, one after the other, as far as they are there.

use core::fmt::{self, Display, Write};

use super::escape;
use super::frontend::MECHANISMS;
use super::message::{Field, Named};
use super::options::TraceOptions;

/// What stands where a string, bytes, a number or a length would stand.
const HIDDEN_STRING: &str = "\"SSSS\"";
const HIDDEN_BYTES: &str = "'BBBB'";
const HIDDEN_NUMBER: &str = "NNNN";
const HIDDEN_LENGTH: &str = "NN";

/// The length word counts itself.
const LENGTH_WORD: usize = 4;

/// A message on its way into a line.
pub(super) struct Line<'a> {
    options: &'a TraceOptions,
    out: &'a mut dyn Write,
    /// The first bytes of the body.
    kept: &'a [u8],
    /// The length of the whole body.
    length: usize,
    /// Bytes of the body that were read. Beyond its length, if a field is.
    at: usize,
    /// Nothing stands behind the name yet.
    bare: bool,
}

/// Why a field is not there.
enum Stop {
    /// The message was too long to be kept.
    Elided,
    /// The message ends before.
    Short,
    Writer,
}

impl From<fmt::Error> for Stop {
    fn from(_: fmt::Error) -> Self {
        Self::Writer
    }
}

type Step<T = ()> = Result<T, Stop>;

impl<'a> Line<'a> {
    /// A body of this length, of which these first bytes are known.
    pub(super) fn new(
        out: &'a mut dyn Write,
        options: &'a TraceOptions,
        kept: &'a [u8],
        length: usize,
    ) -> Self {
        Self {
            options,
            out,
            kept,
            length,
            at: 0,
            bare: true,
        }
    }

    /// The line, and one more where the message is not as long as its fields are.
    pub(super) fn print(mut self, side: char, message: Named) -> fmt::Result {
        match message {
            Ok(message) => {
                let hidden =
                    message.has_password() || (message.is_report() && self.options.regress);
                self.begin(side, hidden, &message.name)?;
                self.end(message.fields)
            }
            Err(unknown) => {
                self.begin(side, false, &unknown)?;
                self.end(unknown.fields())
            }
        }
    }

    fn begin(&mut self, side: char, hidden: bool, name: &dyn Display) -> fmt::Result {
        if hidden {
            write!(self.out, "{side}\t{HIDDEN_LENGTH}\t{name}")
        } else {
            let length = self.length.saturating_add(LENGTH_WORD);
            write!(self.out, "{side}\t{length}\t{name}")
        }
    }

    fn end(&mut self, fields: &[Field]) -> fmt::Result {
        match self.fields(fields) {
            Ok(()) | Err(Stop::Short) => self.out.write_char('\n')?,
            Err(Stop::Elided) => return self.out.write_str(" ...\n"),
            Err(Stop::Writer) => return Err(fmt::Error),
        }
        if self.at == self.length {
            return Ok(());
        }
        let consumed = self.at.saturating_add(LENGTH_WORD);
        let expected = self.length.saturating_add(LENGTH_WORD);
        writeln!(
            self.out,
            "mismatched message length: consumed {consumed}, expected {expected}"
        )
    }

    fn fields(&mut self, fields: &[Field]) -> Step {
        fields.iter().try_for_each(|field| self.field(*field))
    }

    fn field(&mut self, field: Field) -> Step {
        match field {
            Field::Byte => self.byte().map(drop),
            Field::Int16 => self.int16().map(drop),
            Field::Int32 => self.int32().map(drop),
            Field::Id => self.id(),
            Field::String => self.string(true),
            Field::Statement => self.string(self.options.statements),
            Field::Payload => self.string(self.options.values),
            Field::Value => self.value(),
            Field::Data => self.rest(self.options.values && !self.options.regress),
            Field::Repeat(fields) => self.repeat(fields),
            Field::Names => self.names(),
            Field::List => self.list(),
            Field::Parameters => self.parameters(),
            Field::Report => self.report(),
            Field::Unprinted(n) => self.take(n).1,
            Field::SaslInitial => self.sasl_initial(),
            Field::Secret => self.secret(HIDDEN_BYTES),
            Field::Password => self.secret(HIDDEN_STRING),
        }
    }

    fn byte(&mut self) -> Step<u8> {
        let [byte] = self.array()?;
        self.separator()?;
        escape::byte(self.out, byte)?;
        Ok(byte)
    }

    fn int16(&mut self) -> Step<u16> {
        let number = u16::from_be_bytes(self.array()?);
        self.print_field(&number)?;
        Ok(number)
    }

    fn int32(&mut self) -> Step<i32> {
        let number = i32::from_be_bytes(self.array()?);
        self.print_field(&number)?;
        Ok(number)
    }

    fn id(&mut self) -> Step {
        if !self.options.regress {
            return self.int32().map(drop);
        }
        self.array::<4>()?;
        self.print_field(&HIDDEN_NUMBER)
    }

    /// A string up to its NUL.
    fn string(&mut self, shown: bool) -> Step {
        let (string, whole) = self.take_string();
        if string.is_empty() {
            // Of one that is not there at all nothing is printed.
            whole?;
            return self.quoted(string, shown);
        }
        self.quoted(string, shown)?;
        whole
    }

    fn quoted(&mut self, string: &[u8], shown: bool) -> Step {
        if !shown {
            return self.print_field(&HIDDEN_STRING);
        }
        self.separator()?;
        self.out.write_char('"')?;
        escape::text(self.out, string)?;
        Ok(self.out.write_char('"')?)
    }

    /// So many bytes of data.
    fn data(&mut self, n: usize, shown: bool) -> Step {
        let (bytes, whole) = self.take(n);
        if !shown {
            self.print_field(&HIDDEN_BYTES)?;
            // Those that were not kept are not missed, unless the message ends before them.
            return if self.at > self.length { whole } else { Ok(()) };
        }
        self.separator()?;
        self.out.write_char('\'')?;
        escape::data(self.out, bytes)?;
        self.out.write_char('\'')?;
        whole
    }

    fn rest(&mut self, shown: bool) -> Step {
        self.data(self.length.saturating_sub(self.at), shown)
    }

    fn secret(&mut self, mask: &str) -> Step {
        self.at = self.length;
        self.print_field(&mask)
    }

    fn value(&mut self) -> Step {
        match usize::try_from(self.int32()?) {
            Ok(length) => self.data(length, self.options.values),
            Err(_) => Ok(()),
        }
    }

    fn repeat(&mut self, fields: &[Field]) -> Step {
        let count = self.int16()?;
        (0..count).try_for_each(|_| self.fields(fields))
    }

    fn names(&mut self) -> Step {
        let count = self.int32()?;
        (0..count).try_for_each(|_| self.string(true))
    }

    fn list(&mut self) -> Step {
        loop {
            let last = self.next_is_nul();
            self.string(true)?;
            if last {
                return Ok(());
            }
        }
    }

    fn parameters(&mut self) -> Step {
        while !self.next_is_nul() {
            self.string(true)?;
            self.string(true)?;
        }
        self.take(1).1
    }

    fn report(&mut self) -> Step {
        loop {
            let shown = match self.byte()? {
                0 => return Ok(()),
                b'F' | b'L' | b'R' => !self.options.regress,
                b'q' => self.options.statements && self.options.reports,
                b'S' | b'V' | b'C' | b'P' | b'p' | b's' | b't' | b'c' | b'd' | b'n' => true,
                _ => self.options.reports,
            };
            self.string(shown)?;
        }
    }

    fn sasl_initial(&mut self) -> Step {
        let (name, whole) = self.take_string();
        if whole.is_err() || !MECHANISMS.contains(&name) {
            return self.secret(HIDDEN_STRING);
        }
        self.quoted(name, true)?;
        if self.int32()? >= 0 {
            self.secret(HIDDEN_BYTES)?;
        }
        Ok(())
    }

    fn print_field(&mut self, field: &dyn Display) -> Step {
        self.separator()?;
        Ok(write!(self.out, "{field}")?)
    }

    /// Stands before every field: a space, and a tab between the name and the first.
    fn separator(&mut self) -> Step {
        let first = core::mem::replace(&mut self.bare, false);
        Ok(self.out.write_str(if first { "\t " } else { " " })?)
    }

    fn next_is_nul(&self) -> bool {
        self.kept.get(self.at) == Some(&0)
    }

    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let (bytes, whole) = self.take(N);
        whole?;
        bytes.first_chunk().copied().ok_or(Stop::Short)
    }

    /// The next `n` bytes, or those of them that are there, and why the others are not.
    fn take(&mut self, n: usize) -> (&'a [u8], Step) {
        let rest = self.kept.get(self.at..).unwrap_or_default();
        let bytes = rest.get(..n).unwrap_or(rest);
        self.at = self.at.saturating_add(n);
        let whole = if self.at > self.length {
            Err(Stop::Short)
        } else if bytes.len() < n {
            Err(Stop::Elided)
        } else {
            Ok(())
        };
        (bytes, whole)
    }

    /// The bytes up to the next NUL, which is taken too, or those that are there.
    fn take_string(&mut self) -> (&'a [u8], Step) {
        let rest = self.kept.get(self.at..).unwrap_or_default();
        if let Some(nul) = rest.iter().position(|&byte| byte == 0) {
            self.at = self.at.saturating_add(nul).saturating_add(1);
            return (rest.get(..nul).unwrap_or_default(), Ok(()));
        }
        let elided = self.kept.len() < self.length;
        self.at = self.length.saturating_add(1);
        (rest, Err(if elided { Stop::Elided } else { Stop::Short }))
    }
}
