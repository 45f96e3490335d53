mod scan;
mod values;

use super::*;

fn rewrite(sql: &str, backslash: Backslash) -> (String, Vec<&str>) {
    let Rewritten { sql, names } = Rewritten::of(sql, backslash).unwrap();
    (
        sql.into_owned(),
        names.into_iter().map(|name| name.name).collect(),
    )
}

/// The names, separated by spaces.
#[track_caller]
fn check_with(backslash: Backslash, cases: &[(&str, &str, &str)]) {
    for (sql, rewritten, names) in cases {
        let (text, found) = rewrite(sql, backslash);
        assert_eq!(text, *rewritten, "{sql}");
        assert_eq!(found.join(" "), *names, "{sql}");
    }
}

#[track_caller]
fn check(cases: &[(&str, &str, &str)]) {
    check_with(Backslash::Plain, cases);
    check_with(Backslash::Escapes, cases);
}

/// Texts that hold no parameter, however their strings are read.
#[track_caller]
fn check_untouched(texts: &[&str]) {
    for sql in texts {
        check(&[(sql, sql, "")]);
        assert!(matches!(
            Rewritten::of(sql, Backslash::Plain).unwrap().sql,
            Cow::Borrowed(_)
        ));
    }
}
