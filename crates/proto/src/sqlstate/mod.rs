//! SQLSTATEs: the codes of errors and notices, with PostgreSQL's names for them.

use core::fmt;

/// The code of an error or a notice: five digits and upper-case letters, the first two of which are its [class](Self::class).
///
/// Those that PostgreSQL knows are constants, named after their conditions in the manual's appendix "PostgreSQL Error Codes". The
/// conditions of a few routines are in two classes; those that the server's source calls after their class are here, too
/// (`E_R_E_…`: external routine exception, `S_R_E_…`: SQL routine exception).
///
/// ```
/// use purepg_proto::{SqlState, SqlStateClass};
///
/// let state = SqlState::from_code("23505").unwrap();
/// assert_eq!(state, SqlState::UNIQUE_VIOLATION);
/// assert_eq!(state.class(), SqlStateClass::INTEGRITY_CONSTRAINT_VIOLATION);
/// assert_eq!((state.code(), state.name()), ("23505", Some("unique_violation")));
/// assert_eq!(state, "23505");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlState([u8; 5]);

/// What several SQLSTATEs have in common: their first two characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlStateClass([u8; 2]);

impl SqlState {
    /// The SQLSTATE of these five characters, be it one that PostgreSQL knows or not; `None` where they are no SQLSTATE.
    pub const fn from_code(code: &str) -> Option<Self> {
        let Some((code, [])) = code.as_bytes().split_first_chunk() else {
            return None;
        };
        let mut rest = code.as_slice();
        while let [first, others @ ..] = rest {
            if !first.is_ascii_digit() && !first.is_ascii_uppercase() {
                return None;
            }
            rest = others;
        }
        Some(Self(*code))
    }

    /// The five characters.
    pub const fn code(&self) -> &str {
        text(&self.0)
    }

    /// The class.
    pub const fn class(self) -> SqlStateClass {
        let [first, second, ..] = self.0;
        SqlStateClass([first, second])
    }

    /// The name of the condition, as in PL/pgSQL; `None` for one that PostgreSQL does not know: then its
    /// [class](Self::class) may still say something.
    pub fn name(self) -> Option<&'static str> {
        let index = table::CONDITIONS.binary_search_by_key(&self, |(state, _)| *state);
        table::CONDITIONS.get(index.ok()?).map(|(_, name)| *name)
    }
}

impl SqlStateClass {
    /// The two characters.
    pub const fn code(&self) -> &str {
        text(&self.0)
    }

    /// What the class is about, as the manual heads it; `None` for one that PostgreSQL does not know.
    pub fn title(self) -> Option<&'static str> {
        let index = table::CLASSES.binary_search_by_key(&self, |(class, _)| *class);
        table::CLASSES.get(index.ok()?).map(|(_, title)| *title)
    }
}

const fn text(code: &[u8]) -> &str {
    match core::str::from_utf8(code) {
        Ok(text) => text,
        // It is ASCII.
        Err(_) => "",
    }
}

/// The five characters.
impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// The two characters.
impl fmt::Display for SqlStateClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name().unwrap_or("unknown");
        write!(f, "SqlState({self} {name})")
    }
}

impl fmt::Debug for SqlStateClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = self.title().unwrap_or("unknown");
        write!(f, "SqlStateClass({self} {title})")
    }
}

impl PartialEq<str> for SqlState {
    fn eq(&self, code: &str) -> bool {
        self.code() == code
    }
}

impl PartialEq<&str> for SqlState {
    fn eq(&self, code: &&str) -> bool {
        self.code() == *code
    }
}

impl PartialEq<SqlState> for str {
    fn eq(&self, state: &SqlState) -> bool {
        self == state.code()
    }
}

impl PartialEq<SqlState> for &str {
    fn eq(&self, state: &SqlState) -> bool {
        *self == state.code()
    }
}

macro_rules! sqlstates {
    ($($class:ident = $class_code:literal, $title:literal {
        $($condition:ident = $code:literal, $name:literal;)*
    })*) => {
        use super::{SqlState, SqlStateClass};

        $(
            #[doc = concat!("Class ", $class_code, ": ", $title, ".")]
            impl SqlState {
                $(
                    #[doc = concat!("`", $code, "`, `", $name, "`.")]
                    pub const $condition: Self = Self(chars($code));
                )*
            }
        )*

        /// The classes that PostgreSQL knows.
        impl SqlStateClass {
            $(
                #[doc = concat!("`", $class_code, "`: ", $title, ".")]
                pub const $class: Self = Self(chars($class_code));
            )*
        }

        /// Sorted by code.
        pub(super) static CONDITIONS: &[(SqlState, &str)] = &[$($((SqlState::$condition, $name),)*)*];

        /// Sorted by code.
        pub(super) static CLASSES: &[(SqlStateClass, &str)] = &[$((SqlStateClass::$class, $title),)*];

        const fn chars<const N: usize>(code: &str) -> [u8; N] {
            match code.as_bytes().first_chunk() {
                Some(chars) => *chars,
                None => [0; N],
            }
        }
    };
}

mod table;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn acceptance_104_the_table_is_sorted_and_every_constant_is_found() {
        assert!(table::CONDITIONS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(table::CLASSES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(table::CONDITIONS.len() > 250 && table::CLASSES.len() > 40);
        for (state, name) in table::CONDITIONS {
            assert_eq!(SqlState::from_code(state.code()), Some(*state));
            assert_eq!(state.name(), Some(*name));
            assert!(state.class().title().is_some(), "{state}");
        }
        for (class, title) in table::CLASSES {
            assert_eq!(class.title(), Some(*title));
            let of_it = |(state, _): &&(SqlState, &str)| state.class() == *class;
            assert!(table::CONDITIONS.iter().any(|entry| of_it(&entry)));
        }
    }

    #[test]
    fn acceptance_104_an_unknown_code_still_has_its_class() {
        let state = SqlState::from_code("23Z99").unwrap();
        assert_eq!(state.name(), None);
        assert_eq!(state.class(), SqlStateClass::INTEGRITY_CONSTRAINT_VIOLATION);
        assert_eq!(
            state.class().title(),
            Some("Integrity Constraint Violation")
        );
        assert_eq!(
            format!("{state} {state:?}"),
            "23Z99 SqlState(23Z99 unknown)"
        );
        let strange = SqlState::from_code("QQ001").unwrap().class();
        assert_eq!(strange.title(), None);
        assert_eq!(
            format!("{strange} {strange:?}"),
            "QQ SqlStateClass(QQ unknown)"
        );
    }

    #[test]
    fn security_46_what_is_no_sqlstate_is_none() {
        for code in [
            "", "2350", "235055", "2350x", "23 05", "2350\0", "235ü", "ü2350", "-3505",
        ] {
            assert_eq!(SqlState::from_code(code), None, "{code:?}");
        }
    }

    #[test]
    fn states_are_compared_with_states_and_with_text() {
        let state = SqlState::SERIALIZATION_FAILURE;
        assert_eq!(state, "40001");
        assert_eq!("40001", state);
        assert_eq!(&state, "40001");
        assert_eq!("40001", &state);
        assert_ne!(state, "40P01");
        assert_ne!(state, SqlState::DEADLOCK_DETECTED);
        assert!(matches!(state, SqlState::SERIALIZATION_FAILURE));
        assert_eq!(
            format!("{state:?} {:?}", state.class()),
            "SqlState(40001 serialization_failure) SqlStateClass(40 Transaction Rollback)"
        );
        assert_eq!(format!("{state:>7}"), "  40001");
        // The names that two classes share.
        assert_eq!(SqlState::NULL_VALUE_NOT_ALLOWED, "22004");
        assert_eq!(SqlState::E_R_I_E_NULL_VALUE_NOT_ALLOWED, "39004");
        assert_eq!(SqlState::STRING_DATA_RIGHT_TRUNCATION, "22001");
        assert_eq!(SqlState::WARNING_STRING_DATA_RIGHT_TRUNCATION, "01004");
    }
}
