//! Values and the names they belong to; places in the text; any text.

use proptest::prelude::*;
use purepg_types::{NamedParams, params};

use super::*;

#[test]
fn numbers_beside_names_are_refused() {
    for (sql, number) in [
        ("select $1, :a", "$1"),
        ("select :a, $12", "$12"),
        ("select $1", "$1"),
        ("select $2, $1", "$2"),
    ] {
        let error = Rewritten::of(sql, Backslash::Plain).unwrap_err();
        let number = number.into();
        assert_eq!(error, UsageError::MixedParameters { number }, "{sql}");
    }
    let error = Rewritten::of("$1 :a", Backslash::Plain).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the statement has $1, and its parameters are given by name: use either"
    );
    // Those are no parameters.
    check_untouched(&["'$1'", "a$1", "$$ $1 $$", "-- $1", "\"$1\"", "$a$1$a$"]);
}

#[test]
fn acceptance_32_as_many_names_as_there_can_be() {
    let text = |count: usize| {
        let names: Vec<_> = (1..=count).map(|i| format!(":n{i}")).collect();
        names.join(",")
    };
    let most = text(65_535);
    let (sql, names) = rewrite(&most, Backslash::Plain);
    assert!(sql.starts_with("$1,$2,") && sql.ends_with(",$65534,$65535"));
    assert_eq!(names.len(), 65_535);
    assert_eq!(
        written_position(&most, Backslash::Plain, sql.len() - 5),
        most.len() - 6
    );

    let error = Rewritten::of(&text(65_536), Backslash::Plain).unwrap_err();
    assert_eq!(
        error.to_string(),
        "65536 parameters are more than the protocol's 65535"
    );
    // One of them as often as you like.
    let same = vec![":a"; 100_000].join(",");
    assert_eq!(rewrite(&same, Backslash::Plain).1, ["a"]);
}

#[test]
fn values_come_in_the_order_of_the_numbers() {
    let types = |sql: &str, params: NamedParams<'_>| {
        let mut text = Text::of(sql, &params, Backslash::Plain).unwrap();
        let (_, numbered) = text.number(&params).unwrap();
        assert!(numbered.get(numbered.len()).is_none() && numbered.name(numbered.len()).is_none());
        (0..numbered.len())
            .map(|i| {
                let value = numbered.get(i).unwrap().rust_type();
                format!("{}: {value}", numbered.name(i).unwrap())
            })
            .collect::<Vec<_>>()
    };
    let params = params! { a: 1_i16, b: 2_i32, c: 3_i64 };
    assert_eq!(types(":c :a :b :a", params), ["c: i64", "a: i16", "b: i32"]);
    assert_eq!(types("select", params! {}), [""; 0]);

    let names: Vec<_> = (0..1_000).map(|i| format!("n{i}")).collect();
    let mut values: Vec<(&str, &dyn ToSql)> = vec![];
    for name in &names {
        values.push((name, if name.len() % 2 == 0 { &1_i32 } else { &"x" }));
    }
    let sql = names.iter().rev().map(|name| format!(":{name}"));
    let sql = sql.collect::<Vec<_>>().join(" ");
    for (i, shown) in types(&sql, NamedParams::new(&values)).iter().enumerate() {
        let name = &names[999 - i];
        let ty = if name.len() % 2 == 0 { "i32" } else { "str" };
        assert_eq!(*shown, format!("{name}: {ty}"));
    }
}

#[test]
fn names_and_values_must_match() {
    let error = |sql: &str, params: NamedParams<'_>| {
        let mut rewritten = Rewritten::of(sql, Backslash::Plain).unwrap();
        rewritten.number(&params).err().unwrap()
    };
    let list = |names: &[&str]| names.iter().copied().map(Box::from).collect();
    assert_eq!(
        error(":b :a :b", params! {}),
        UsageError::ParameterNames {
            missing: list(&["b", "a"]),
            superfluous: list(&[]),
        }
    );
    assert_eq!(
        error("':z'", params! { z: 1, y: 2 }),
        UsageError::ParameterNames {
            missing: list(&[]),
            superfluous: list(&["z", "y"]),
        }
    );
    let shown = |sql: &str, params: NamedParams<'_>| error(sql, params).to_string();
    assert_eq!(
        shown(":a, :b, :c", params! { b: 1 }),
        "no value is given for :a, :c"
    );
    assert_eq!(
        shown(":b", params! { a: 1, b: 2, c: 3 }),
        "the statement has no :a, :c"
    );
    assert_eq!(
        shown(":nmae", params! { name: 1 }),
        "no value is given for :nmae; the statement has no :name"
    );
    assert_eq!(
        shown(":a\u{85}", params! {}),
        "no value is given for :a\\u{85}"
    );
    assert_eq!(
        shown(":a :b :c :d :e :f :g :h :i :j :k :l", params! {}),
        "no value is given for :a, :b, :c, :d, :e, :f, :g, :h, :i, :j, 2 more"
    );
    for sql in [":a", ":a :b", ":b", ""] {
        let twice: [(&str, &dyn ToSql); 2] = [("a", &1), ("a", &2)];
        assert_eq!(
            shown(sql, NamedParams::new(&twice)),
            "the parameter :a is given twice"
        );
    }
    // Many of them are looked up in another way.
    let names: Vec<_> = (0..100).map(|i| format!("n{i}")).collect();
    let mut values: Vec<(&str, &dyn ToSql)> = vec![];
    values.extend(names.iter().map(|name| (name.as_str(), &1 as &dyn ToSql)));
    let mut sql = names.join(" :").replacen("n0", ":n0", 1);
    values.push(("n7", &2));
    assert_eq!(
        shown(&sql, NamedParams::new(&values)),
        "the parameter :n7 is given twice"
    );
    values.pop();
    sql += " :m";
    values.push(("mm", &2));
    assert_eq!(
        shown(&sql, NamedParams::new(&values)),
        "no value is given for :m; the statement has no :mm"
    );
}

#[test]
fn positions_are_those_of_the_text_as_written() {
    let at = |sql: &str, position| written_position(sql, Backslash::Plain, position);
    // select $1 + oops
    let sql = "select :first + oops";
    assert_eq!([1, 7, 8, 9].map(|p| at(sql, p)), [1, 7, 8, 8]);
    assert_eq!([10, 11, 13, 17].map(|p| at(sql, p)), [14, 15, 17, 21]);
    // 'ü', $1, 'ü', $1, 日
    let sql = "'ü', :größe, 'ü', :größe, 日";
    assert_eq!([6, 7, 8, 15].map(|p| at(sql, p)), [6, 6, 12, 19]);
    assert_eq!([16, 17, 19, 20].map(|p| at(sql, p)), [19, 25, 27, 28]);
    // A number may be longer than its name.
    let sql = ":a:b :b :c :d :e :f :g :h :i :j :k x";
    let (rewritten, _) = rewrite(sql, Backslash::Plain);
    assert_eq!(rewritten, "$1:b $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 x");
    assert_eq!(
        [30, 31, 32, 33, 34].map(|p| at(sql, p)),
        [30, 30, 30, 32, 33]
    );
    assert_eq!([35, 36, 37, 38].map(|p| at(sql, p)), [33, 33, 35, 36]);
    let behind = rewritten.len();
    assert_eq!(at(sql, behind), sql.len());
    assert_eq!(at(sql, behind + 1), sql.len() + 1);
    assert_eq!((at(sql, 0), at("", 0), at("", 1)), (0, 0, 1));
    assert_eq!(at(":a", usize::MAX), usize::MAX);
}

/// Something between two parameters, closed in itself; none of it may be touched.
fn opaque() -> impl Strategy<Value = String> {
    let inside = "[ a:$'\"\\\\/*ü\n-]{0,12}";
    prop_oneof![
        inside.prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
        inside.prop_map(|text| {
            let text = text.replace('\\', r"\\").replace('\'', r"\'");
            format!("E'{text}'")
        }),
        inside.prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
        inside.prop_map(|text| format!("$t${text}$t$")),
        inside.prop_map(|text| format!("--{}\n", text.replace('\n', " "))),
        inside.prop_map(|text| format!("/*{}*/", text.replace(['*', '/'], "-"))),
        inside.prop_map(|text| format!("/* /*{}*/ */", text.replace(['*', '/'], "-"))),
        Just("a::b".into()),
        Just("f(a:=b)".into()),
        Just("a[1:n]".into()),
        Just("'k':v".into()),
        Just("a$b$".into()),
        Just("? ?| @?".into()),
    ]
}

proptest! {
    #[test]
    fn only_names_are_replaced(
        pieces in prop::collection::vec((opaque(), prop::option::of("[a-c]")), 0..12),
    ) {
        let mut sql = String::new();
        let mut expected = String::new();
        let mut names: Vec<String> = vec![];
        for (opaque, name) in pieces {
            // A comma, so that no string goes on.
            for text in [&mut sql, &mut expected] {
                text.push_str(&opaque);
                text.push_str(" ,");
            }
            if let Some(name) = name {
                let known = names.iter().position(|known| *known == name);
                let number = known.unwrap_or_else(|| {
                    names.push(name.clone());
                    names.len() - 1
                });
                write!(sql, ":{name} ").unwrap();
                write!(expected, "${} ", number + 1).unwrap();
            }
        }
        let (rewritten, found) = rewrite(&sql, Backslash::Plain);
        prop_assert_eq!(rewritten, expected);
        prop_assert_eq!(found, names);
    }

    #[test]
    fn any_text_keeps_everything_but_its_names(
        sql in prop_oneof![
            any::<String>(),
            "[ :a1$'\"\\\\eE/*ü\n\\-=,\\[\\])]{0,40}",
            "(:a|:b|'|\"|\\$\\$|\\$t\\$|--|/\\*|\\*/|\\\\|E'|\n| |::|,|1|\\]|ü){0,20}",
        ],
        backslash in prop_oneof![Just(Backslash::Plain), Just(Backslash::Escapes)],
    ) {
        let placeholders: Vec<_> = Placeholders::of(&sql, backslash).collect();
        let is_number = |found: &Placeholder<'_>| matches!(found, Placeholder::Number(_));
        let rewritten = match Rewritten::of(&sql, backslash) {
            Ok(rewritten) => rewritten,
            Err(UsageError::MixedParameters { number }) => {
                let first = placeholders.iter().find(|found| is_number(found));
                prop_assert_eq!(first, Some(&Placeholder::Number(&number)));
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        // Put back, the names give the text as it was.
        let mut rest = &*rewritten.sql;
        let mut written = String::new();
        let mut expected = vec![];
        let mut position = 1;
        for placeholder in &placeholders {
            let Placeholder::Name { name, start } = *placeholder else { panic!("a number") };
            let before = &sql[written.len()..start];
            rest = rest.strip_prefix(before).unwrap();
            written.push_str(before);
            position += before.chars().count();
            let place = written.chars().count() + 1;
            prop_assert_eq!(written_position(&sql, backslash, position), place);
            let number = 1 + rewritten.names.iter().position(|known| known.name == name).unwrap();
            let number = format!("${number}");
            rest = rest.strip_prefix(&*number).unwrap();
            expected.push(number.clone());
            written.push(':');
            written.push_str(name);
            position += number.len();
            prop_assert_eq!(written_position(&sql, backslash, position - 1), place);
            let place = written.chars().count() + 1;
            prop_assert_eq!(written_position(&sql, backslash, position), place);
        }
        written.push_str(rest);
        prop_assert_eq!(&written, &sql);
        // And the rewritten text has these numbers at these places, and nothing else.
        let numbers: Vec<_> = Placeholders::of(&rewritten.sql, backslash).collect();
        let numbers: Vec<_> = numbers.iter().map(|found| match found {
            Placeholder::Number(text) => (*text).to_owned(),
            Placeholder::Name { name, .. } => format!("a name, {name}"),
        }).collect();
        prop_assert_eq!(numbers, expected);
        if placeholders.is_empty() {
            prop_assert_eq!(&*rewritten.sql, &*sql);
        }
    }
}
