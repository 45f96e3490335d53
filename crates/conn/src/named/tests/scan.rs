//! Where a name is a name, and where it is something else.

use super::*;

#[test]
fn names_become_numbers() {
    check(&[
        ("values (:a, :b)", "values ($1, $2)", "a b"),
        (":a", "$1", "a"),
        ("select :a,:b+:c", "select $1,$2+$3", "a b c"),
        ("where x=:x and y<>:y", "where x=$1 and y<>$2", "x y"),
        ("f(:a)", "f($1)", "a"),
        ("select -:a, +:a, @:a", "select -$1, +$1, @$1", "a"),
        ("select(:a),*", "select($1),*", "a"),
        (
            "limit\n:n\toffset\r\n:o;",
            "limit\n$1\toffset\r\n$2;",
            "n o",
        ),
        ("(:row).field", "($1).field", "row"),
        ("select :a.b", "select $1.b", "a"),
    ]);
}

#[test]
fn one_number_for_each_name() {
    check(&[
        (":a :b :a :c :b", "$1 $2 $1 $3 $2", "a b c"),
        ("x = :x or :x is null", "x = $1 or $1 is null", "x"),
        // Letter for letter.
        (":a :A :aa", "$1 $2 $3", "a A aa"),
        (
            ":a :b :c :d :e :f :g :h :i :j :k :l :m :n :o :p :q :r :s :t :a :p :q :r :t",
            "$1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 $17 $18 $19 $20 $1 $16 $17 $18 $20",
            "a b c d e f g h i j k l m n o p q r s t",
        ),
    ]);
}

#[test]
fn a_name_is_what_the_server_would_call_one() {
    check(&[
        (":a1_B", "$1", "a1_B"),
        (":_", "$1", "_"),
        (":größe, :日本", "$1, $2", "größe 日本"),
        (":a$1 :a$b$ x $b$", "$1 $2 x $b$", "a$1 a$b$"),
        (":select", "$1", "select"),
        (":a-:b", "$1-$2", "a b"),
    ]);
    check_untouched(&[
        ":", ": a", ":1", "a : b", ":'a'", ":\"a\"", ":$a", ":-a", "::", ":(a)",
    ]);
}

#[test]
fn strings_are_left_alone() {
    check_untouched(&[
        "':a'",
        "'it''s :a'",
        "'a' ':b'",
        "'a\n:b'",
        "'-- :a' ",
        "'/* :a'",
        "'$$' ':a'",
        "n':a' N':a'",
        "b'0:a' B'0:a' x'f:a' X'f:a'",
        "u&'\\0041:a' U&'!0041:a' uescape '!'",
        "date':a'",
        "e':a' E':a'",
        r"E'\':a'",
        r"E'\\\':a'",
        r"E'it''s \' :a'",
        r"'a:b' E'\n:c'",
        // To the end, since they are not closed.
        "'a :b",
        "'a'':b",
        r"E'a\' :b",
        r"E'a\",
        r"E'",
        "'",
    ]);
    check(&[
        ("':a' || :a || ':a'", "':a' || $1 || ':a'", "a"),
        (r"E'\\' || :a", r"E'\\' || $1", "a"),
        (r"E'\\', :a, '\\'", r"E'\\', $1, '\\'", "a"),
        (r"x'\', :a", r"x'\', $1", "a"),
        (r"B'\', :a", r"B'\', $1", "a"),
        ("'' || :a", "'' || $1", "a"),
        ("'''', :a", "'''', $1", "a"),
        ("E'''', :a", "E'''', $1", "a"),
        // A string, behind a name that happens to end in e.
        ("name'', :a", "name'', $1", "a"),
        ("'ü', :a, 'ü'", "'ü', $1, 'ü'", "a"),
    ]);
}

#[test]
fn a_backslash_is_what_the_setting_says() {
    check_with(
        Backslash::Plain,
        &[
            (r"'\', :a, '\'", r"'\', $1, '\'", "a"),
            (r"N'\', :a", r"N'\', $1", "a"),
            (r"'\\' ':a'", r"'\\' ':a'", ""),
            (r"name'\', :a", r"name'\', $1", "a"),
            (r"E'\', :a', :b, '\', :c", r"E'\', :a', $1, '\', $2", "b c"),
        ],
    );
    check_with(
        Backslash::Escapes,
        &[
            (r"'\', :a, '\'", r"'\', :a, '\'", ""),
            (r"'\', :a', :b", r"'\', :a', $1", "b"),
            (r"N'\', :a', :b", r"N'\', :a', $1", "b"),
            (r"'\\', :a", r"'\\', $1", "a"),
            (r"name'\', :a', :b", r"name'\', :a', $1", "b"),
            (r"'a' '\' :a", r"'a' '\' :a", ""),
            // Never in these.
            (r#""\", :a"#, r#""\", $1"#, "a"),
            (r"$$\$$, :a", r"$$\$$, $1", "a"),
            (r"b'\', :a", r"b'\', $1", "a"),
        ],
    );
}

#[test]
fn a_string_goes_on_behind_a_line_end_by_the_rules_it_began_with() {
    check_untouched(&[
        "E'a'\n'\\' :b'",
        "E'a' \t\r '\\' :b'",
        "E'a'\n\n  '\\' :b' \n '\\' :c'",
        "E'a' -- 'x\n'\\' :b'",
        "E'a'\n-- :x\n  -- y\n'\\' :b'",
        "E'a'\u{c}\n\u{b}'\\' :b'",
    ]);
    check_with(
        Backslash::Plain,
        &[
            // On one line there is no going on: that is another string, or a mistake.
            (r"E'a' '\', :b", r"E'a' '\', $1", "b"),
            ("E'a' /*\n*/ '\\', :b", "E'a' /*\n*/ '\\', $1", "b"),
            ("E'a' - \n '\\', :b", "E'a' - \n '\\', $1", "b"),
            ("E'a'\n, '\\', :b", "E'a'\n, '\\', $1", "b"),
            ("E'a'\n:b", "E'a'\n$1", "b"),
            ("E'a' --", "E'a' --", ""),
            ("E'a'--\n:b", "E'a'--\n$1", "b"),
            ("E'a'--\n'b':c", "E'a'--\n'b':c", ""),
            ("'a'\n'\\', :b", "'a'\n'\\', $1", "b"),
        ],
    );
}

#[test]
fn quoted_names_are_left_alone() {
    check_untouched(&[
        r#"":a""#,
        r#""it""s :a""#,
        r#""a'":b"#,
        r#"U&"\0041:a" u&":a" uescape '!'"#,
        r#""$$:a$$""#,
        r#"":a"#,
        r#"""#,
    ]);
    check(&[
        (r#"select ":a", :a"#, r#"select ":a", $1"#, "a"),
        (r#""'", :a, "'""#, r#""'", $1, "'""#, "a"),
        (r#""\", :a"#, r#""\", $1"#, "a"),
    ]);
}

#[test]
fn security_29_dollar_quotes_are_left_alone() {
    check_untouched(&[
        "$$:a$$",
        "$$ $ :a $x $$",
        "$tag$ :a $$ :b $tag $Tag$ :c $tag$",
        "$q$ '$q1$ :a $q$",
        "$größe$ :a $gr$ :b $größe$",
        "$_$ :a $_$",
        "$a1$ :a $a1$",
        "do $$ begin x := :y; end $$",
        "$$ :a",
        "$tag$ :a $$",
    ]);
    check(&[
        ("$$:a$$, :b", "$$:a$$, $1", "b"),
        ("$a$ $b$ :x $a$ || :y", "$a$ $b$ :x $a$ || $1", "y"),
        ("$a$$a$ || :x", "$a$$a$ || $1", "x"),
        ("$a$ $$a$ || :x", "$a$ $$a$ || $1", "x"),
        // A dollar amid a name begins nothing.
        ("a$b$, :x, a$b$", "a$b$, $1, a$b$", "x"),
        ("a$$, :x, $$", "a$$, $1, $$", "x"),
        ("ü$$, :x, $$", "ü$$, $1, $$", "x"),
        // Nor does one that no tag follows.
        ("$ :x $", "$ $1 $", "x"),
        ("$a :x $a", "$a $1 $a", "x"),
        ("$-$ :x $-$", "$-$ $1 $-$", "x"),
        // Behind a number one begins.
        ("1$$:x$$ :y", "1$$:x$$ $1", "y"),
        ("1.5$$:x$$ :y", "1.5$$:x$$ $1", "y"),
        // But not where letters make it something that is no number.
        ("1e5$$ :x", "1e5$$ $1", "x"),
        // What a number would make a tag of stays: `$$1` were the beginning of a string.
        ("$:x", "$:x", ""),
    ]);
}

#[test]
fn comments_are_left_alone() {
    check_untouched(&[
        "-- :a",
        "--:a\r",
        "/* :a */",
        "/* /* :a */ :b */",
        "/*/* :a */*/ ",
        "/*/ :a */",
        "/* :a **/",
        "/* ' */ /* :a */",
        "/*",
        "/* :a",
        "/* /* */ :a",
        "/*+ hint(:a) */",
        "- -- :a",
        "+/* :a */",
    ]);
    check(&[
        ("-- ':a\n:b", "-- ':a\n$1", "b"),
        ("--\r:b", "--\r$1", "b"),
        ("1--:a\n-:b", "1--:a\n-$1", "b"),
        ("/* ' */ :b", "/* ' */ $1", "b"),
        ("/* -- */ :b", "/* -- */ $1", "b"),
        ("/**/:b", "/**/$1", "b"),
        ("/* /* */ */:b", "/* /* */ */$1", "b"),
        ("/*/**/*/:b", "/*/**/*/$1", "b"),
        ("x */ :b", "x */ $1", "b"),
        ("x / * :b", "x / * $1", "b"),
        ("x-:b--:c", "x-$1--:c", "b"),
    ]);
}

#[test]
fn casts_and_assignments_are_left_alone() {
    check_untouched(&[
        "a::int",
        "'1'::int",
        "a :: int",
        "f(a := b)",
        "f(a:=b)",
        "x::text::int[]",
        "a:::b",
        "(a)::b.c",
    ]);
    check(&[
        (":a::int", "$1::int", "a"),
        (":a::text::int", "$1::text::int", "a"),
        ("cast(:a as int)::b", "cast($1 as int)::b", "a"),
        ("f(x := :a)", "f(x := $1)", "a"),
        ("f(x:=:a)", "f(x:=$1)", "a"),
        ("f(x => :a)", "f(x => $1)", "a"),
        ("f(x=>:a)", "f(x=>$1)", "a"),
        ("a :::b", "a :::b", ""),
    ]);
}

#[test]
fn slices_and_pairs_are_left_alone() {
    check_untouched(&[
        "a[1:2]",
        "a[1:n]",
        "a[m:n]",
        "a[m:f(n)]",
        "a[f(m):n]",
        "a[b[1]:n]",
        "a[\"m\":n]",
        "a[:]",
        "a[:2]",
        "a[1:]",
        "a[: n]",
        "a[m : n]",
        "a[1.5:n]",
        "a[1.:n]",
        "a[1e0:n]",
        "a[größe:n]",
        "json_object('k':v)",
        "json_object(k:v)",
        "json_object($$k$$:v)",
        "json_object('k' : v)",
    ]);
    check(&[
        ("array[:a, :b]", "array[$1, $2]", "a b"),
        ("array[[:a],[:b]]", "array[[$1],[$2]]", "a b"),
        ("a[:n]", "a[$1]", "n"),
        ("a[1: :n]", "a[1: $1]", "n"),
        ("a[:m : :n]", "a[$1 : $2]", "m n"),
        ("a[:m:n]", "a[$1:n]", "m"),
        ("a[:m:]", "a[$1:]", "m"),
        ("a[:m:2]", "a[$1:2]", "m"),
        ("json_object('k': :v)", "json_object('k': $1)", "v"),
        ("json_object(:k : :v)", "json_object($1 : $2)", "k v"),
        ("a[1 /* to */ :n]", "a[1 /* to */ $1]", "n"),
    ]);
}

#[test]
fn operators_are_left_alone() {
    check_untouched(&[
        "a ? 'b'",
        "a ?| array['b'] and a ?& array['c']",
        "a @? '$.b ? (@ > 1)'",
        "a #>> '{b,c}' @> b <@ c && d -> 'e' ->> 0",
    ]);
    check(&[
        ("a ? :b", "a ? $1", "b"),
        ("a ?| :b", "a ?| $1", "b"),
        ("a->:b", "a->$1", "b"),
        ("a@>:b", "a@>$1", "b"),
        ("a @? :path::jsonpath", "a @? $1::jsonpath", "path"),
        ("a||:b", "a||$1", "b"),
        ("a[:b]->>:c", "a[$1]->>$2", "b c"),
        ("a*:b/:c", "a*$1/$2", "b c"),
    ]);
}
