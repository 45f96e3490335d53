//! Showing where in a statement the server found a fault.

use unicode_width::UnicodeWidthChar;

/// The line of `sql` that holds `position`, and below it a caret under the fault, as psql shows it:
///
/// ```text
/// LINE 2: select foo from
///                ^
/// ```
///
/// `position` counts characters from 1, as the server's field `P` does; the one after the last
/// character is where a statement ends too early. `None` for positions that `sql` does not have.
pub(crate) fn caret(sql: &str, position: usize) -> Option<String> {
    let (before, after) = split_at_position(sql, position)?;
    let (earlier, left) = match before.rfind(LINE_ENDS) {
        // Line ends have one byte.
        Some(at) => before.split_at_checked(at + 1)?,
        None => ("", before),
    };
    let right = after.split(LINE_ENDS).next().unwrap_or_default();

    let label = format!("LINE {}: ", count_lines(earlier) + 1);
    let window = Window::new(left, right);
    let indent = label.len() + width(&window.left);
    let Window { left, right } = window;
    Some(format!("{label}{left}{right}\n{:indent$}^", ""))
}

const LINE_ENDS: [char; 2] = ['\n', '\r'];

fn split_at_position(sql: &str, position: usize) -> Option<(&str, &str)> {
    let index = position.checked_sub(1)?;
    let starts = sql.char_indices().map(|(start, _)| start);
    let start = starts.chain([sql.len()]).nth(index)?;
    let (before, after) = sql.split_at_checked(start)?;
    // Between the two halves of a line end is the end of that line.
    Some(match before.strip_suffix('\r') {
        Some(before) if after.starts_with('\n') => (before, after),
        _ => (before, after),
    })
}

/// How many lines end in `text`: with `\n`, `\r` or both.
fn count_lines(text: &str) -> usize {
    text.matches(LINE_ENDS).count() - text.matches("\r\n").count()
}

/// The part of a line that is shown.
struct Window {
    /// What is before the fault.
    left: String,
    /// What begins with the fault.
    right: String,
}

impl Window {
    /// The whole line if it is short. Otherwise the beginning of the line if the fault is near it,
    /// or else what leads to the fault and a little of what follows.
    fn new(left: &str, right: &str) -> Self {
        let (left_cost, right_cost) = (cost(left), cost(right));
        if left_cost + right_cost <= MAX_COLUMNS {
            return Self {
                left: left.chars().map(shown).collect(),
                right: right.chars().map(shown).collect(),
            };
        }
        let right_space = MAX_COLUMNS
            .saturating_sub(left_cost)
            .max(right_cost.min(MIN_RIGHT_COLUMNS));
        let left_space = MAX_COLUMNS - right_space;
        Self {
            left: keep_end(left, left_space),
            right: keep_start(right, right_space),
        }
    }
}

/// Like psql's.
const MAX_COLUMNS: usize = 60;
const MIN_RIGHT_COLUMNS: usize = 10;
const CUT: char = '…';

fn keep_start(text: &str, space: usize) -> String {
    if cost(text) <= space {
        return text.chars().map(shown).collect();
    }
    let mut kept: String = fitting(text.chars(), space).collect();
    kept.push(CUT);
    kept
}

fn keep_end(text: &str, space: usize) -> String {
    if cost(text) <= space {
        return text.chars().map(shown).collect();
    }
    let mut kept: Vec<char> = fitting(text.chars().rev(), space).collect();
    kept.push(CUT);
    kept.into_iter().rev().collect()
}

/// The first of `chars` that leave a column for the mark of the cut.
fn fitting(chars: impl Iterator<Item = char>, space: usize) -> impl Iterator<Item = char> {
    let mut used = 1;
    chars.map(shown).take_while(move |&c| {
        used += char_cost(c);
        used <= space
    })
}

/// Tabs, and whatever else a terminal might obey, become single spaces, so that the caret's place
/// is known.
fn shown(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// How many columns a terminal uses.
fn width(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// The columns of a text that is to be shown, but never less than its characters: a line of many
/// combining marks is long, too.
fn cost(text: &str) -> usize {
    text.chars().map(shown).map(char_cost).sum()
}

fn char_cost(c: char) -> usize {
    c.width().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(sql: &str, position: usize, line: &str, under: &str) {
        let text = caret(sql, position).unwrap();
        assert_eq!(text, format!("{line}\n{under}"), "{sql:?} {position}");
    }

    #[test]
    fn the_caret_is_under_the_fault() {
        check("selec 1", 1, "LINE 1: selec 1", "        ^");
        check("select foo", 8, "LINE 1: select foo", "               ^");
        check("select 1\nfrom t", 10, "LINE 2: from t", "        ^");
        check(
            "select 1,\r\n  x\r\nfrom t",
            14,
            "LINE 2:   x",
            "          ^",
        );
        check("a\rb\r\nc\n\nd", 9, "LINE 5: d", "        ^");
        check("a\n\rb", 4, "LINE 3: b", "        ^");
    }

    #[test]
    fn the_end_is_a_position() {
        check("select", 7, "LINE 1: select", "              ^");
        check("select\n", 8, "LINE 2: ", "        ^");
        check("", 1, "LINE 1: ", "        ^");
        check("a\nb", 2, "LINE 1: a", "         ^");
        check("a\r\nb", 2, "LINE 1: a", "         ^");
        check("a\r\nb", 3, "LINE 1: a", "         ^");
        check("a\r\nb", 4, "LINE 2: b", "        ^");
    }

    #[test]
    fn positions_that_do_not_exist_show_nothing() {
        for (sql, position) in [("", 0), ("", 2), ("ab", 0), ("ab", 4), ("ü", 3)] {
            assert_eq!(caret(sql, position), None);
        }
        assert_eq!(caret("ab", usize::MAX), None);
    }

    #[test]
    fn positions_count_characters_and_carets_columns() {
        check(
            "select 'ü', x",
            13,
            "LINE 1: select 'ü', x",
            "                    ^",
        );
        check(
            "select '日本', x",
            14,
            "LINE 1: select '日本', x",
            "                       ^",
        );
        check("'日本'", 3, "LINE 1: '日本'", "           ^");
        check("'e\u{301}' x", 6, "LINE 1: 'e\u{301}' x", "            ^");
        check("\tselect\tx", 9, "LINE 1:  select x", "                ^");
        check("\u{1b}[2J\0 x", 7, "LINE 1:  [2J  x", "              ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_fault() {
        let line = "0123456789".repeat(20);
        let ellipsis = "…";
        let start: String = line.chars().take(59).collect();
        let shown = format!("LINE 1: {start}{ellipsis}");
        check(&line, 1, &shown, "        ^");
        check(&line, 51, &shown, &format!("{:58}^", ""));

        // 49 columns before the fault and 9 from there on, and both marks.
        let middle = format!(
            "LINE 1: …{}{}…",
            line.get(51..100).unwrap(),
            line.get(100..109).unwrap()
        );
        check(&line, 101, &middle, &format!("{:58}^", ""));

        let end = format!("LINE 1: …{}", line.get(141..200).unwrap());
        check(&line, 201, &end, &format!("{:68}^", ""));
        check(&line, 196, &end, &format!("{:63}^", ""));

        let fits = "x".repeat(60);
        check(
            &fits,
            60,
            &format!("LINE 1: {fits}"),
            &format!("{:67}^", ""),
        );

        // Another line's length does not matter.
        let sql = format!("{line}\nx\n{line}");
        check(&sql, 202, "LINE 2: x", "        ^");
    }

    proptest! {
        #[test]
        fn any_statement_has_one_caret_under_one_line(
            sql in prop_oneof![
                any::<String>(),
                "[ab日\u{301}\t\r\n…\u{1b}]{0,200}",
                "[x日\u{301}\u{200d}]{100,300}",
            ],
            position in 0..320_usize,
        ) {
            let length = sql.chars().count();
            let Some(text) = caret(&sql, position) else {
                prop_assert!(position == 0 || position > length + 1);
                return Ok(());
            };
            prop_assert!((1..=length + 1).contains(&position));
            let (line, under) = text.split_once('\n').unwrap();
            prop_assert!(!under.contains('\n'));
            prop_assert_eq!(under.trim_start_matches(' '), "^");
            prop_assert!(!line.chars().any(char::is_control));

            let label = line.find(": ").unwrap() + 2;
            prop_assert!(line.chars().count() <= label + MAX_COLUMNS);
            prop_assert!(width(line) <= label + MAX_COLUMNS);

            // Under the caret begins the character that the position names, or nothing is there.
            let column = under.len() - 1;
            let mut at = 0;
            let starting = line.chars().find(|&c| {
                let here = at == column && c.width() != Some(0);
                at += c.width().unwrap_or(0);
                here
            });
            let named = sql.chars().nth(position - 1).filter(|c| !LINE_ENDS.contains(c));
            if named.is_some_and(|c| c.width() != Some(0)) {
                prop_assert_eq!(starting, named.map(shown));
            }
        }
    }
}
