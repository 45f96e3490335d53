//! Names of types, for people.

use std::fmt::{self, Write as _};

/// The name without the paths of the modules: `Option<String>` for
/// `core::option::Option<alloc::string::String>`.
pub(super) fn short(name: &str) -> String {
    name.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter_map(|path| path.rsplit("::").next())
        .collect()
}

/// A name that the server chose, with its control characters escaped, so that it stays on its line.
pub(super) struct Inert<'a>(pub(super) &'a str);

impl fmt::Display for Inert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() {
                write!(f, "{}", c.escape_default())
            } else {
                f.write_char(c)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::any::type_name;

    use super::{Inert, short};

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(Inert("\"char\"[]").to_string(), "\"char\"[]");
        assert_eq!(Inert("a\n\u{1b}[31m ü").to_string(), "a\\n\\u{1b}[31m ü");
    }

    #[test]
    fn paths_are_left_out() {
        assert_eq!(short("i32"), "i32");
        assert_eq!(short(type_name::<&str>()), "&str");
        assert_eq!(short(type_name::<Option<String>>()), "Option<String>");
        assert_eq!(short(type_name::<(i32, Vec<u8>)>()), "(i32, Vec<u8>)");
        assert_eq!(short(type_name::<[Box<str>; 2]>()), "[Box<str>; 2]");
        // Whether lifetimes are shown depends on the version of Rust.
        assert_eq!(short("alloc::borrow::Cow<'_, str>"), "Cow<'_, str>");
        assert_eq!(short(""), "");
    }
}
