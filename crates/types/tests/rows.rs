//! Whole rows: tuples, types of one's own, and what is wrong with a row.

use purepg_types::{
    BoxError, Column, DecodeError, DecodeErrorKind, Field, Fields, Format, FromRow, FromSql, Type,
    ValueError,
};

/// A row as a driver lends it.
#[derive(Clone)]
struct Row<'r> {
    columns: &'r [Column],
    values: std::slice::Iter<'r, Option<&'static [u8]>>,
    at: usize,
}

impl<'r> Fields<'r> for Row<'r> {
    fn columns(&self) -> &'r [Column] {
        self.columns
    }

    fn next_field(&mut self) -> Result<Field<'r>, DecodeError> {
        let column = self.columns.get(self.at).ok_or_else(|| {
            DecodeError::no_such_column(format!("there is no column {}", self.at))
        })?;
        let value = self
            .values
            .next()
            .ok_or_else(|| DecodeError::malformed("it ends within a field"))?;
        self.at += 1;
        Ok(Field::new(column, *value))
    }
}

fn row<'r>(columns: &'r [Column], values: &'r [Option<&'static [u8]>]) -> Row<'r> {
    Row {
        columns,
        values: values.iter(),
        at: 0,
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("id", Type::INT8, Format::Binary),
        Column::new("name", Type::TEXT, Format::Text),
        Column::new("parent", Type::INT4, Format::Text),
    ]
}

const VALUES: [Option<&[u8]>; 3] = [Some(&[0, 0, 0, 0, 0, 0, 0, 7]), Some(b"seven"), None];

#[test]
fn a_tuple_takes_the_columns_in_order_and_borrows() {
    let columns = columns();
    let (id, name, parent): (i64, &str, Option<i32>) =
        FromRow::from_row(&mut row(&columns, &VALUES)).unwrap();
    assert_eq!((id, name, parent), (7, "seven", None));
    assert_eq!(name.as_ptr(), VALUES[1].unwrap().as_ptr());
}

#[test]
fn a_count_that_differs_is_an_error_that_says_both() {
    let columns = columns();
    let error = <(i64, String)>::from_row(&mut row(&columns, &VALUES)).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::ColumnCount);
    assert_eq!(
        error.to_string(),
        "a row cannot be read as (i64, String): the row has 3 columns, and 2 are read from it"
    );
    assert_eq!((error.column(), error.type_name()), (None, None));
    assert_eq!(error.rust_type(), Some("(i64, alloc::string::String)"));

    let error = <(i64, i64)>::from_row(&mut row(&columns[..1], &VALUES)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a row cannot be read as (i64, i64): the row has 1 column, and 2 are read from it"
    );
    // Not even when the columns that are asked for would do.
    let error = <(i64,)>::from_row(&mut row(&columns, &VALUES)).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::ColumnCount);
    let error = <(i64,)>::from_row(&mut row(&[], &[])).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::ColumnCount);
}

#[test]
fn the_error_of_a_field_names_its_column() {
    let columns = columns();
    let error = <(i64, &str, i32)>::from_row(&mut row(&columns, &VALUES)).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Null);
    assert_eq!(error.column(), Some("parent"));
    assert_eq!(error.type_name(), Some("int4"));
    assert_eq!(error.rust_type(), Some("i32"));
}

#[test]
fn a_row_that_ends_early_is_malformed() {
    let columns = columns();
    let error = <(i64, &str, Option<i32>)>::from_row(&mut row(&columns, &VALUES[..2])).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Malformed);
    assert_eq!(
        error.to_string(),
        "the row cannot be read: it ends within a field"
    );

    let mut fields = row(&columns[..1], &VALUES);
    fields.next_field().unwrap();
    let error = fields.next_field().unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::NoSuchColumn);
    assert_eq!(
        error.to_string(),
        "the row cannot be read: there is no column 1"
    );
}

#[test]
fn tuples_of_every_length() {
    const DIGITS: [&[u8]; 16] = [
        b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"10", b"11", b"12", b"13",
        b"14", b"15",
    ];
    let columns: Vec<Column> = (0..16)
        .map(|n| Column::new(n.to_string(), Type::INT4, Format::Text))
        .collect();
    let values = DIGITS.map(Some);
    macro_rules! check {
        ($($count:literal: $($name:ident)+;)+) => { $(
            let mut fields = row(&columns[..$count], &values[..$count]);
            let ($($name,)+) = FromRow::from_row(&mut fields).unwrap();
            let read: [i32; $count] = [$($name),+];
            assert!(read.into_iter().eq(0..$count), "{read:?}");
        )+ };
    }
    check! {
        1: a;
        2: a b;
        3: a b c;
        4: a b c d;
        5: a b c d e;
        6: a b c d e f;
        7: a b c d e f g;
        8: a b c d e f g h;
        9: a b c d e f g h i;
        10: a b c d e f g h i j;
        11: a b c d e f g h i j k;
        12: a b c d e f g h i j k l;
        13: a b c d e f g h i j k l m;
        14: a b c d e f g h i j k l m n;
        15: a b c d e f g h i j k l m n o;
        16: a b c d e f g h i j k l m n o p;
    }
}

/// A type of a user's own, with an error of its own.
#[derive(Debug, PartialEq)]
struct Even(i64);

#[derive(Debug, PartialEq)]
struct Odd;

impl std::fmt::Display for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is odd")
    }
}

impl std::error::Error for Odd {}

impl Even {
    fn new(value: i64) -> Result<Self, BoxError> {
        match value {
            99 => Err(Box::new(ValueError::OutOfRange("99".into()))),
            _ if value % 2 == 0 => Ok(Self(value)),
            _ => Err(Box::new(Odd)),
        }
    }
}

impl<'a> FromSql<'a> for Even {
    fn accepts(ty: &Type) -> bool {
        <i64 as FromSql>::accepts(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Self::new(i64::from_binary(ty, raw)?)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Self::new(i64::from_text(ty, raw)?)
    }
}

#[test]
fn errors_of_ones_own_are_kept() {
    let column = Column::new("a", Type::INT8, Format::Text);
    let read = |raw| Field::new(&column, Some(raw)).decode::<Even>();
    assert_eq!(read(b"4").unwrap(), Even(4));

    let error = read(b"5").unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        r#"column "a" (int8) cannot be read as Even: it is odd"#
    );
    assert_eq!(error.reason().downcast_ref(), Some(&Odd));
    assert_eq!(read(b"99").unwrap_err().kind(), DecodeErrorKind::OutOfRange);
}

#[test]
fn names_from_the_server_stay_on_their_line() {
    let ty = Type::new(70_000, "my\ntype", purepg_types::Kind::Base, None);
    let column = Column::new("a\"\n\u{1b}[31m{}%n", ty, Format::Text);
    let error = Field::new(&column, Some(b"1")).decode::<i32>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "column \"a\\\"\\n\\u{1b}[31m{}%n\" (my\\ntype) cannot be read as i32: the types do not match"
    );
    assert_eq!(error.column(), Some("a\"\n\u{1b}[31m{}%n"));
}

#[test]
fn a_field_does_not_show_its_value() {
    let column = Column::new("a", Type::TEXT, Format::Text);
    let shown = format!("{:?}", Field::new(&column, Some(b"hunter2")));
    assert!(shown.contains("length: Some(7)"), "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("104"),
        "{shown}"
    );
}

#[test]
fn errors_are_small_and_cross_threads() {
    fn assert_error<T: std::error::Error + Send + Sync + 'static>() {}
    assert_error::<DecodeError>();
    assert_eq!(size_of::<DecodeError>(), size_of::<usize>());
    assert_eq!(size_of::<Result<i64, DecodeError>>(), 16);
}

/// A number that notes each time when it is asked what it accepts.
struct Asked;

static ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

impl<'a> FromSql<'a> for Asked {
    fn accepts(ty: &Type) -> bool {
        ASKED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        <i64 as FromSql>::accepts(ty)
    }

    fn from_binary(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        i64::from_binary(ty, raw).map(|_| Self)
    }

    fn from_text(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        i64::from_text(ty, raw).map(|_| Self)
    }
}

#[test]
fn a_plan_asks_each_type_once() {
    type Three<'r> = (Asked, &'r str, Option<i32>);
    let asked = || ASKED.load(std::sync::atomic::Ordering::Relaxed);
    let columns = columns();
    let plan = Three::plan(&columns).unwrap();
    assert_eq!(asked(), 1);
    for _ in 0..3 {
        let (Asked, name, parent) =
            Three::from_planned(&plan, &mut row(&columns, &VALUES)).unwrap();
        assert_eq!((name, parent), ("seven", None));
    }
    assert_eq!(asked(), 1);
}

#[test]
fn a_plan_that_fails_says_of_which_column() {
    let columns = columns();
    let error = <(i64, &str, &str)>::plan(&columns).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"column "parent" (int4) cannot be read as &str: the types do not match"#
    );
    // And so does a row for which nobody made a plan, whatever else is wrong with it.
    let error = <(i64, &str, &str)>::from_row(&mut row(&columns, &VALUES[..1])).unwrap_err();
    assert_eq!(error.column(), Some("parent"));
    assert_eq!(
        <(i64,)>::plan(&columns).unwrap_err().kind(),
        DecodeErrorKind::ColumnCount
    );
}

#[test]
fn a_plan_of_domains_and_of_both_formats() {
    let age = Type::new(70_000, "age", purepg_types::Kind::Domain, Some(Type::INT4));
    for (format, raw) in [(Format::Binary, &[0, 0, 0, 42][..]), (Format::Text, b"42")] {
        for ty in [Type::INT4, age.clone()] {
            let columns = [Column::new("age", ty, format)];
            let plan = <(Option<i64>,)>::plan(&columns).unwrap();
            for (value, expected) in [(Some(raw), Some(42)), (None, None)] {
                let column = &columns[0];
                let mut fields = One(Field::new(column, value));
                let (read,) = <(Option<i64>,)>::from_planned(&plan, &mut fields).unwrap();
                assert_eq!(read, expected);
                let refused = <(i8,)>::from_planned(&plan, &mut One(Field::new(column, None)));
                let Err(error) = refused else {
                    panic!("NULL is no number");
                };
                assert_eq!(error.kind(), DecodeErrorKind::Null);
                assert_eq!(error.column(), Some("age"));
            }
        }
    }
}

/// A row of one field.
#[derive(Clone)]
struct One<'r>(Field<'r>);

impl<'r> Fields<'r> for One<'r> {
    fn columns(&self) -> &'r [Column] {
        std::slice::from_ref(self.0.column())
    }

    fn next_field(&mut self) -> Result<Field<'r>, DecodeError> {
        Ok(self.0)
    }
}

/// What has no plan of its own is read as it reads itself.
#[test]
fn a_type_without_a_plan() {
    struct Name(String);

    impl<'r> FromRow<'r> for Name {
        fn from_row<F: Fields<'r>>(fields: &mut F) -> Result<Self, DecodeError> {
            let (_, name, _): (i64, String, Option<i32>) = FromRow::from_row(fields)?;
            Ok(Self(name))
        }
    }

    let columns = columns();
    let plan = Name::plan(&columns).unwrap();
    let Name(name) = Name::from_planned(&plan, &mut row(&columns, &VALUES)).unwrap();
    assert_eq!(name, "seven");
    assert!(Name::from_row(&mut row(&columns[..1], &VALUES)).is_err());
}
