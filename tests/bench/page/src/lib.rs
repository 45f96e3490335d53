//! The page that the benchmarks write to, `docs/performance.md`: what each of them measures stands between two marks.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The folder of the documentation.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs")
}

/// The page, as it is.
///
/// # Errors
/// It cannot be read.
pub fn read() -> io::Result<String> {
    fs::read_to_string(folder().join("performance.md"))
}

/// Puts a text between the two marks of this name.
///
/// # Errors
/// The page cannot be read or written, or has no such marks.
pub fn write(name: &str, text: &str) -> io::Result<()> {
    let page = replaced(&read()?, name, text);
    let page = page.ok_or_else(|| {
        let missing = format!("docs/performance.md has no marks of the name {name:?}");
        io::Error::new(io::ErrorKind::NotFound, missing)
    })?;
    fs::write(folder().join("performance.md"), page)
}

/// The page with another text between the two marks of this name; `None` where it does not have both, in order.
pub fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (
        format!("<!-- {name} -->"),
        format!("<!-- end of {name} -->"),
    );
    let (before, rest) = page.split_once(&begin)?;
    let (_, behind) = rest.split_once(&end)?;
    let text = text.trim();
    Some(format!("{before}{begin}\n\n{text}\n\n{end}{behind}"))
}

/// The digits of a whole number, with a comma before each three.
pub fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_between_the_marks_is_replaced_and_nothing_else() {
        let page = "before\n<!-- a: b -->\nold\n<!-- end of a: b -->\nafter\n";
        let once = replaced(page, "a: b", "\nnew\n").unwrap();
        let expected = "before\n<!-- a: b -->\n\nnew\n\n<!-- end of a: b -->\nafter\n";
        assert_eq!(once, expected);
        assert_eq!(replaced(&once, "a: b", "new").unwrap(), once);
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        assert_eq!(replaced("<!-- end of a -->\n<!-- a -->", "a", "new"), None);
        assert_eq!(replaced("", "a", "new"), None);
    }

    #[test]
    fn three_digits_make_a_group() {
        let numbers = ["1", "999", "1000", "65535", "10000000"].map(grouped);
        assert_eq!(numbers, ["1", "999", "1,000", "65,535", "10,000,000"]);
    }
}
