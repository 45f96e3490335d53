//! Writes what was measured into the documentation.

use std::fs;
use std::path::{Path, PathBuf};

use crate::contestants::Result;

const BEGIN: &str = "<!-- sockets: figures -->";
const END: &str = "<!-- end of sockets: figures -->";
/// The chart, as the page refers to it.
pub const CHART: &str = "performance/sockets.svg";

/// The folder of the documentation.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs")
}

/// Puts a text between the marks of the page.
///
/// # Errors
/// The page is not there, or has no marks.
pub fn write(text: &str) -> Result<()> {
    let path = folder().join("performance.md");
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    fs::write(&path, replaced(&page, text)?)?;
    Ok(())
}

fn replaced(page: &str, text: &str) -> Result<String> {
    let missing = |mark: &str| format!("the page has no line {mark}");
    let (before, rest) = page.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        text.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_between_the_marks_is_replaced_and_nothing_else() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let once = replaced(&page, "\nnew\n").unwrap();
        assert_eq!(once, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(replaced(&once, "new").unwrap(), once);
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        assert!(replaced(&format!("{END}\n{BEGIN}"), "new").is_err());
        assert!(replaced("", "new").is_err());
    }

    #[test]
    fn the_page_of_this_repository_has_the_marks() {
        let page = fs::read_to_string(folder().join("performance.md")).unwrap();
        assert_eq!(page.matches(BEGIN).count(), 1);
        assert!(replaced(&page, "new").is_ok());
    }
}
