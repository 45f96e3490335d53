use super::*;

fn prepared(password: impl Into<Password>) -> Result<Vec<u8>, NonAsciiPassword> {
    saslprep(&password.into()).map(|bytes| bytes.to_vec())
}

#[track_caller]
fn check(password: &str, expected: &str) {
    assert_eq!(
        prepared(password),
        Ok(expected.as_bytes().to_vec()),
        "{password:?}"
    );
}

/// Taken as it is.
#[cfg(feature = "std")]
#[track_caller]
fn check_raw(password: &[u8]) {
    assert_eq!(prepared(password), Ok(password.to_vec()), "{password:?}");
}

#[test]
fn ascii_stays_as_it_is() {
    for password in [
        "user",
        "USER",
        "",
        " a, b = \"c\" \\",
        "foo\x07bar",
        "\x7f",
        "a\0b",
    ] {
        check(password, password);
    }
}

#[cfg(not(feature = "std"))]
#[test]
fn without_tables_anything_else_is_refused() {
    for password in ["I\u{ad}X", "\u{2168}", "\u{aa}", "p\u{e4}ss"] {
        assert_eq!(prepared(password), Err(NonAsciiPassword));
    }
    assert_eq!(prepared(&b"\xff"[..]), Err(NonAsciiPassword));
}

#[cfg(feature = "std")]
mod with_tables {
    use alloc::format;

    use super::super::unicode;
    use super::*;

    /// RFC 4013, section 3. Where it has an error, PostgreSQL takes the password as it is.
    #[test]
    fn rfc_4013_examples() {
        check("I\u{ad}X", "IX");
        check("user", "user");
        check("USER", "USER");
        check("\u{aa}", "a");
        check("\u{2168}", "IX");
        check_raw(b"\x07");
        check_raw("\u{627}1".as_bytes());
    }

    /// PostgreSQL's own test, `002_saslprep.pl`: what the role has, what is tried, whether it gets in.
    #[test]
    fn libpq_002_saslprep() {
        let same = |role: &[u8], attempt: &[u8]| prepared(role) == prepared(attempt);
        for attempt in ["I\u{ad}X", "\u{2168}"] {
            assert!(same(b"IX", attempt.as_bytes()));
        }
        assert!(!same(b"IX", b"ix"));
        for role in ["a", "\u{aa}"] {
            assert!(same(role.as_bytes(), b"a"));
            assert!(same(role.as_bytes(), "\u{aa}".as_bytes()));
        }
        assert!(same(b"foo\x07bar", b"foo\x07bar"));
        assert!(!same(b"foo\x07bar", b"foobar"));
        let role = "foo\u{627}1bar".as_bytes();
        assert!(same(role, role));
        assert!(!same(role, "foo1\u{627}bar".as_bytes()));
        assert!(!same(role, b"foobar"));
    }

    #[test]
    fn mapping() {
        check("a\u{a0}b\u{3000}c", "a b c");
        check("a\u{200b}b", "a b"); // in both tables
        check("\u{feff}a\u{fe0f}b\u{2060}", "ab");
        check("\u{ff21}\u{fb01}", "Afi");
        check("e\u{301}", "\u{e9}");
        check("\u{3a9}\u{2126}", "\u{3a9}\u{3a9}");
        check(
            "\u{fdfa}",
            "\u{635}\u{644}\u{649} \u{627}\u{644}\u{644}\u{647} \u{639}\u{644}\u{64a}\u{647} \u{648}\u{633}\u{644}\u{645}",
        );
    }

    /// A password must not become an empty one.
    #[test]
    fn what_comes_to_nothing_is_taken_as_it_is() {
        check_raw("\u{ad}".as_bytes());
        check_raw("\u{ad}\u{200d}\u{feff}".as_bytes());
    }

    #[test]
    fn what_is_not_utf_8_is_taken_as_it_is() {
        check_raw(b"p\xe4ss");
        check_raw(b"\xc2\xaa\xff");
        check_raw(b"\xed\xa0\x80"); // a surrogate
        check_raw(b"\xc0\x80");
        check_raw(b"\xf4\x90\x80\x80");
    }

    #[test]
    fn what_is_prohibited_is_taken_as_it_is() {
        for character in [
            '\0',
            '\x1f',
            '\x7f',
            '\u{80}',
            '\u{9f}',
            '\u{340}',
            '\u{6dd}',
            '\u{180e}',
            '\u{200e}',
            '\u{2028}',
            '\u{206a}',
            '\u{2ff0}',
            '\u{e000}',
            '\u{fdd0}',
            '\u{fff9}',
            '\u{fffd}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{f0000}',
            '\u{10ffff}',
        ] {
            // The mapping that would otherwise happen does not.
            check_raw(format!("\u{aa}{character}").as_bytes());
        }
    }

    /// Where PostgreSQL departs from the RFC: what normalization would make harmless is not made so.
    #[test]
    fn characters_are_checked_before_normalization() {
        check_raw("\u{340}".as_bytes()); // prohibited, U+0300 is not
        check_raw("\u{213c}".as_bytes()); // unassigned in Unicode 3.2, today a kind of π
        check_raw("\u{1f100}".as_bytes()); // the same, today a kind of `0.`
        check_raw("\u{1f600}".as_bytes());
        // No letter has a direction before, `TM` has one after.
        check("\u{627}\u{2122}\u{627}", "\u{627}TM\u{627}");
    }

    #[test]
    fn directions() {
        check("\u{627}1\u{628}", "\u{627}1\u{628}");
        check("\u{fb2a}", "\u{5e9}\u{5c1}");
        for mixed in [
            "\u{aa}\u{627}",
            "\u{627}\u{aa}\u{627}",
            "\u{627}\u{a0}",
            "\u{a0}\u{627}",
        ] {
            check_raw(mixed.as_bytes());
        }
        // Braille has had a direction only since a later Unicode; a mathematical ∇ had one then.
        check("\u{fb2a}\u{2801}\u{5d0}", "\u{5e9}\u{5c1}\u{2801}\u{5d0}");
        check_raw("\u{fb2a}\u{1d6c1}\u{5d0}".as_bytes());
    }

    /// Count and sum of what PostgreSQL allows, of what it takes for left-to-right, and of what it takes
    /// for right-to-left. The numbers are those of the tables in RFC 3454 (Unicode 3.2), and say so if
    /// the tables of a dependency move on.
    #[test]
    fn tables_are_those_of_unicode_3_2() {
        let allowed =
            || ('\0'..'\u{30000}').filter(|&character| !unicode::is_prohibited(character));
        let sum = |characters: &mut dyn Iterator<Item = char>| {
            characters.fold((0, 0), |(count, sum), character| {
                (count + 1, sum + u64::from(character))
            })
        };
        let left_to_right = unicode::is_left_to_right;
        assert_eq!(sum(&mut allowed()), (94_990, 8_300_950_173));
        assert_eq!(
            sum(&mut allowed().filter(|&it| left_to_right(it))),
            (90_456, 8_202_247_763)
        );
        assert_eq!(
            sum(&mut allowed().filter(|&it| stringprep::tables::bidi_r_or_al(it))),
            (1042, 50_695_006)
        );
    }
}
