//! Telling a COPY whose data goes over the connection, by the same lexical rules.

use crate::named::Backslash;
use crate::named::scan::Placeholders;

/// True for `COPY … FROM STDIN` and `COPY … TO STDOUT`, of one statement; not for one of files.
///
/// It has to be known before it is sent: a server that awaits data takes whatever follows for it.
pub(crate) fn is_copy(sql: &str, backslash: impl FnOnce() -> Backslash) -> bool {
    if begins_otherwise(sql) {
        return false;
    }
    let mut things = Placeholders::of(sql, backslash());
    let first = std::iter::from_fn(|| things.thing()).find(|thing| *thing != ";");
    if !is_one_of(first, ["copy"]) {
        return false;
    }
    let mut depth = 0_usize;
    while let Some(thing) = things.thing() {
        match thing {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            // Reserved: no table is called so, unless it is quoted.
            _ if depth == 0 && is_one_of(Some(thing), ["from", "to"]) => {
                return is_one_of(things.thing(), ["stdin", "stdout"]);
            }
            _ => {}
        }
    }
    false
}

/// Nearly all statements begin with a word, and that tells.
fn begins_otherwise(sql: &str) -> bool {
    let sql = sql.trim_ascii_start().as_bytes();
    sql.first().is_some_and(u8::is_ascii_alphabetic)
        && !sql
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"copy"))
}

fn is_one_of<const N: usize>(thing: Option<&str>, words: [&str; N]) -> bool {
    thing.is_some_and(|thing| words.iter().any(|word| thing.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_told_by_where_its_data_comes_from() {
        for sql in [
            "copy t from stdin",
            "COPY t (a, \"from\") FROM STDIN WITH (FORMAT binary)",
            " ;\n/* load /* all */ of it */ -- t\ncopy t from stdin",
            "copy/**/t from--\nstdin",
            "copy binary t from stdin",
            "copy \"a from b\".\"to\" to stdout",
            "copy (select 'to x' from t where a in (1, 2)) to STDOUT",
            "copy(select 1)to stdout csv",
            "copy t from stdout",
            "copy stdin to stdin",
        ] {
            assert!(is_copy(sql, || Backslash::Plain), "{sql}");
        }
        for sql in [
            "",
            ";",
            "copy",
            "copy t",
            "copy t from",
            "copy t from 'stdin'",
            "copy t from e'stdin'",
            "copy stdin to '/file'",
            "copy t from program 'cat stdin'",
            "copy (select 1 from stdin) to '/file'",
            "copy (select 1 from stdin",
            "copied from stdin",
            "select 'copy t from stdin'",
            "-- copy t from stdin",
            "create table copy as select 1",
            "with copy as (select 1) select * from copy",
            "))) copy t from stdin",
        ] {
            assert!(!is_copy(sql, || Backslash::Plain), "{sql}");
        }
        let sql = r"copy (select '\') to stdout --') to '/file'";
        assert!(is_copy(sql, || Backslash::Plain));
        assert!(!is_copy(sql, || Backslash::Escapes));
    }
}
