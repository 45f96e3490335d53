//! Bytes of strangers, made harmless for terminals and logs: what could end a line or change what is shown stands as `\x0a`.

use core::fmt::{self, Write};

/// Text: what is UTF-8 and can be seen stays as it is.
pub(super) fn text(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if is_harmless(char) {
                out.write_char(char)?;
            } else {
                hex(out, char.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
        }
        hex(out, chunk.invalid())?;
    }
    Ok(())
}

/// Data: what is printable ASCII stays as it is.
pub(super) fn data(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|&byte| self::byte(out, byte))
}

/// One byte of data.
pub(super) fn byte(out: &mut dyn Write, byte: u8) -> fmt::Result {
    match byte {
        b' '..=b'~' => out.write_char(char::from(byte)),
        _ => hex(out, &[byte]),
    }
}

fn hex(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    bytes
        .iter()
        .try_for_each(|byte| write!(out, "\\x{byte:02x}"))
}

/// Neither a control character nor one that has no shape but moves or hides others.
fn is_harmless(char: char) -> bool {
    !char.is_control()
        && !matches!(
            char,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn escaped(escape: fn(&mut dyn Write, &[u8]) -> fmt::Result, bytes: &[u8]) -> String {
        let mut out = String::new();
        escape(&mut out, bytes).unwrap();
        out
    }

    #[test]
    fn text_stays_readable_and_on_its_line() {
        assert_eq!(
            escaped(text, "h\u{e9}llo \"w\" \\".as_bytes()),
            "h\u{e9}llo \"w\" \\"
        );
        assert_eq!(
            escaped(text, b"a\nb\x1b[31m\r\x7f"),
            r"a\x0ab\x1b[31m\x0d\x7f"
        );
        assert_eq!(escaped(text, b"\xff a \xc3"), r"\xff a \xc3");
        assert_eq!(
            escaped(text, "\u{85}\u{202e}\u{2028}".as_bytes()),
            r"\xc2\x85\xe2\x80\xae\xe2\x80\xa8"
        );
    }

    #[test]
    fn data_is_ascii() {
        assert_eq!(escaped(data, "h\u{e9}\t'~".as_bytes()), r"h\xc3\xa9\x09'~");
    }
}
