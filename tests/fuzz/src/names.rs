//! The names of parameters in a statement.

use purepg_conn::UsageError;
use purepg_conn::fuzzing::{rewrite, written_position};

/// The text of a statement, behind a byte that says how its strings are read: nothing but names is replaced, each by its number, and
/// where the numbers are there is nothing but numbers for whoever reads the text again.
pub fn names(data: &[u8]) {
    let (escapes, text) = data
        .split_first()
        .map_or((false, data), |(flags, text)| (flags & 1 == 1, text));
    let written = String::from_utf8_lossy(text);
    let (sent, names) = match rewrite(&written, escapes) {
        Ok(rewritten) => rewritten,
        Err(UsageError::MixedParameters { number }) => {
            assert!(written.contains(&*number) && number.starts_with('$'));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    for (i, name) in names.iter().enumerate() {
        assert!(!names[..i].contains(name), "{name} twice");
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        assert!(name.starts_with(letter));
        assert!(
            name.chars()
                .all(|c| letter(c) || c.is_ascii_digit() || c == '$')
        );
    }
    follow(&written, &sent, &names, escapes);
    match rewrite(&sent, escapes) {
        Ok((again, none)) => {
            assert!(none.is_empty() && again == sent && names.is_empty());
        }
        Err(UsageError::MixedParameters { number }) => {
            assert!(&*number == "$1" && !names.is_empty());
        }
        Err(error) => panic!("{error}"),
    }
}

/// Both texts side by side: they differ where a name is in the one and its number in the other.
fn follow(written: &str, sent: &str, names: &[&str], escapes: bool) {
    let every = sent.len() / 50 + 1;
    let (mut left, mut right) = (written, sent);
    let (mut place, mut position, mut known) = (1, 1, 0);
    loop {
        let next = (left.chars().next(), right.chars().next());
        if position % every == 0 || next.0 != next.1 || next.0.is_none() {
            assert_eq!(written_position(written, escapes, position), place);
        }
        let skipped = match next {
            (None, None) => break,
            (Some(a), Some(b)) if a == b => (a.len_utf8(), b.len_utf8()),
            (Some(':'), Some('$')) => {
                let digits = right[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number: usize = right[1..=digits].parse().unwrap();
                assert!(
                    number <= known + 1,
                    "numbers are in the order of first mention"
                );
                known = known.max(number);
                let name = names[number - 1];
                assert!(left[1..].starts_with(name), "{left:?} is not :{name}");
                (1 + name.len(), 1 + digits)
            }
            next => panic!("{next:?} at {position}"),
        };
        place += left[..skipped.0].chars().count();
        position += right[..skipped.1].chars().count();
        (left, right) = (&left[skipped.0..], &right[skipped.1..]);
    }
    assert_eq!(known, names.len());
}
