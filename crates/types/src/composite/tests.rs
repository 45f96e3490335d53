use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::{BoxError, Format, IsNull, Kind, Range, ToSql, Type, TypeField, encode};

fn pair() -> Type {
    let fields = [
        TypeField::new("a", Type::INT4),
        TypeField::new("b", Type::TEXT),
    ];
    Type::new(70_000, "pair", Kind::Composite, None).with_fields(fields)
}

fn written(value: CompositeFields<'_>, ty: &Type, format: Format) -> Vec<u8> {
    let mut out = BytesMut::new();
    assert_eq!(encode(0, &value, ty, format, &mut out).unwrap(), IsNull::No);
    out.to_vec()
}

type Pair = (Option<i32>, Option<String>);

fn read(ty: &Type, raw: &[u8], format: Format) -> Result<Pair, BoxError> {
    let mut fields = CompositeReader::new(ty, raw, format)?;
    let value = (fields.field()?, fields.field()?);
    fields.end()?;
    Ok(value)
}

proptest! {
    #[test]
    fn any_fields(a: Option<i32>, b in prop::option::of("[(),\"\\\\ a{}\\t]*")) {
        let ty = pair();
        for format in [Format::Text, Format::Binary] {
            let expected = (a, b.clone());
            let named = written(CompositeFields::Named(&[("b", &b), ("a", &a)]), &ty, format);
            prop_assert_eq!(&read(&ty, &named, format).unwrap(), &expected);
            let in_order = written(CompositeFields::InOrder(&[&a, &b]), &ty, format);
            prop_assert_eq!(&in_order, &named);
        }
    }

    #[test]
    fn security_41_any_bytes_are_read_or_refused(raw: Vec<u8>) {
        for ty in [pair(), Type::RECORD, Type::unknown(1), Type::new(1, "x", Kind::Composite, None)] {
            for format in [Format::Text, Format::Binary] {
                let _ = read(&ty, &raw, format);
                if let Ok(fields) = CompositeReader::new(&ty, &raw, format) {
                    prop_assert!(fields.count() <= raw.len() + 1);
                }
            }
        }
    }

    #[test]
    fn security_41_any_text_is_read_or_refused(raw in "\\(?[a\",\\\\()]*\\)?") {
        if let Ok(fields) = CompositeReader::new(&Type::RECORD, raw.as_bytes(), Format::Text) {
            let _ = fields.collect::<Vec<_>>();
        }
    }
}

#[test]
fn the_text_form_is_that_of_the_server() {
    let text = |a: &dyn ToSql, b: &dyn ToSql| {
        String::from_utf8(written(
            CompositeFields::InOrder(&[a, b]),
            &pair(),
            Format::Text,
        ))
        .unwrap()
    };
    assert_eq!(text(&1, &"x"), "(1,x)");
    assert_eq!(text(&None::<i32>, &None::<&str>), "(,)");
    assert_eq!(text(&1, &""), "(1,\"\")");
    assert_eq!(text(&1, &"a\"b\\c"), r#"(1,"a""b\\c")"#);
    assert_eq!(text(&1, &"{}"), "(1,{})");
}

#[test]
fn the_binary_form_is_that_of_the_server() {
    let raw = written(
        CompositeFields::InOrder(&[&1, &None::<&str>]),
        &pair(),
        Format::Binary,
    );
    assert_eq!(
        raw,
        [
            0, 0, 0, 2, 0, 0, 0, 23, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 25, 255, 255, 255, 255
        ]
    );
}

#[test]
fn what_consists_of_others_nests() {
    let pairs = Type::new(70_001, "_pair", Kind::Array, Some(pair()));
    let fields = [
        TypeField::new("list", pairs.clone()),
        TypeField::new("range", Type::INT4RANGE),
    ];
    let outer = Type::new(70_002, "outer", Kind::Composite, None).with_fields(fields);
    let (one, two) = (
        [("a", &1 as &dyn ToSql), ("b", &"x,\"")],
        [("a", &2 as &dyn ToSql), ("b", &None::<&str>)],
    );
    let list = vec![CompositeFields::Named(&one), CompositeFields::Named(&two)];
    let range = Range::from(1..2);
    let value = CompositeFields::InOrder(&[&list, &range]);
    assert_eq!(
        String::from_utf8(written(value, &outer, Format::Text)).unwrap(),
        r#"("{""(1,\\""x,\\""\\""\\"")"",""(2,)""}","[1,2)")"#
    );
    assert_eq!(outer.preferred_format(), Format::Binary);
    for format in [Format::Text, Format::Binary] {
        let raw = written(value, &outer, format);
        let mut fields = CompositeReader::new(&outer, &raw, format).unwrap();
        let inner = fields.next().unwrap().unwrap();
        assert_eq!(
            (inner.name(), inner.ty(), inner.is_null()),
            (Some("list"), &pairs, false)
        );
        let count = match format {
            Format::Text => 2,
            Format::Binary => {
                i32::from_be_bytes(inner.value().unwrap()[12..16].try_into().unwrap())
            }
        };
        assert_eq!(count, 2);
        assert_eq!(fields.field::<Range<i32>>().unwrap(), range);
        fields.end().unwrap();
    }
}

#[test]
fn a_record_tells_its_types_in_binary_only() {
    let raw = written(
        CompositeFields::InOrder(&[&1, &"x"]),
        &pair(),
        Format::Binary,
    );
    let expected = (Some(1), Some("x".to_owned()));
    assert_eq!(read(&Type::RECORD, &raw, Format::Binary).unwrap(), expected);
    let error = read(&Type::RECORD, b"(1,x)", Format::Text).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("nothing is known of the types of its fields")
    );
    for ty in [Type::RECORD, Type::unknown(70_000)] {
        let mut fields = CompositeReader::new(&ty, b"(1,x)", Format::Text).unwrap();
        assert_eq!(fields.field::<String>().unwrap(), "1");
        assert_eq!(
            fields.field::<Option<String>>().unwrap().as_deref(),
            Some("x")
        );
        assert_eq!(
            fields.field::<String>().unwrap_err().to_string(),
            "it has no more than 2 fields"
        );
    }
    assert!(CompositeReader::new(&Type::unknown(1), &raw, Format::Binary).is_err());
    let mut none = CompositeReader::new(&Type::RECORD, b"()", Format::Text).unwrap();
    assert!(none.next().is_none());
    assert!(CompositeReader::new(&Type::INT4, b"()", Format::Text).is_err());
}

#[test]
fn a_single_field_that_is_null_is_no_value_without_fields() {
    let of = |names: &[&str]| {
        let fields: Vec<_> = names
            .iter()
            .map(|name| TypeField::new(*name, Type::INT4))
            .collect();
        Type::new(70_000, "few", Kind::Composite, None).with_fields(fields)
    };
    let count = |ty: &Type| -> Result<usize, BoxError> {
        let fields = CompositeReader::new(ty, b"()", Format::Text)?;
        Ok(fields.collect::<Result<Vec<_>, _>>()?.len())
    };
    assert_eq!(count(&of(&[])).unwrap(), 0);
    assert_eq!(count(&of(&["a"])).unwrap(), 1);
    let two = of(&["a", "b"]);
    assert!(count(&two).is_err());
    assert!(two.is_outdated());
}

#[test]
fn a_value_of_another_shape_tells_that_the_type_was_altered() {
    let raw = written(
        CompositeFields::InOrder(&[&1, &"x"]),
        &pair(),
        Format::Binary,
    );
    let other = |fields: Vec<TypeField>| {
        Type::new(70_000, "pair", Kind::Composite, None).with_fields(fields)
    };
    let field = |name: &str, ty| TypeField::new(name, ty);
    for fields in [
        vec![field("a", Type::INT4)],
        vec![field("a", Type::INT4), field("b", Type::INT4)],
        vec![
            field("a", Type::INT4),
            field("b", Type::TEXT),
            field("c", Type::TEXT),
        ],
    ] {
        let ty = other(fields.clone());
        assert!(!ty.is_outdated());
        let error = read(&ty, &raw, Format::Binary).unwrap_err();
        assert_eq!(
            error.to_string(),
            "its type has other fields than when it was looked up"
        );
        assert!(ty.clone().is_outdated());
        if fields.len() != 2 {
            let ty = other(fields);
            let fields = CompositeReader::new(&ty, b"(1,x)", Format::Text).unwrap();
            assert!(fields.last().unwrap().is_err() && ty.is_outdated());
        }
    }
    assert!(!pair().is_outdated());
}

#[test]
fn security_41_malformed_values_are_an_error() {
    for (raw, reason) in [
        ("", "a composite value that does not begin with ("),
        ("1,x)", "a composite value that does not begin with ("),
        ("(1", "neither a comma nor a parenthesis behind a field"),
        ("(1,x", "neither a comma nor a parenthesis behind a field"),
        ("(1,x(", "neither a comma nor a parenthesis behind a field"),
        ("(1,\"x", "a quote that is not closed"),
        (
            "(1,\"x\"y)",
            "neither a comma nor a parenthesis behind a field",
        ),
        ("(1,x)y", "something behind its end"),
        ("()", "its type has other fields than when it was looked up"),
    ] {
        let error = read(&pair(), raw.as_bytes(), Format::Text).unwrap_err();
        assert_eq!(error.to_string(), reason, "{raw:?}");
    }
    let good = written(
        CompositeFields::InOrder(&[&1, &"x"]),
        &pair(),
        Format::Binary,
    );
    for length in 0..good.len() {
        assert!(read(&pair(), &good[..length], Format::Binary).is_err());
        assert!(read(&Type::RECORD, &good[..length], Format::Binary).is_err());
    }
    let longer = [&good[..], &[0]].concat();
    let error = read(&pair(), &longer, Format::Binary).unwrap_err();
    assert_eq!(error.to_string(), "1 bytes behind its end");
    let error = read(&Type::RECORD, &[127, 0, 0, 0, 0], Format::Binary).unwrap_err();
    assert_eq!(error.to_string(), "more parts than there are bytes for");
}

#[test]
fn fields_decide_what_a_value_is() {
    let accepts = |value: CompositeFields<'_>, ty: &Type| value.accepts(ty);
    let (a, b) = (&1 as &dyn ToSql, &"x" as &dyn ToSql);
    assert!(accepts(
        CompositeFields::Named(&[("a", a), ("b", b)]),
        &pair()
    ));
    assert!(!accepts(
        CompositeFields::Named(&[("a", a), ("c", b)]),
        &pair()
    ));
    assert!(!accepts(CompositeFields::Named(&[("a", a)]), &pair()));
    assert!(!accepts(CompositeFields::InOrder(&[a, b, b]), &pair()));
    assert!(!accepts(CompositeFields::InOrder(&[a, a]), &pair()));
    assert!(accepts(CompositeFields::InOrder(&[b, b]), &pair()));
    assert!(!CompositeFields::InOrder(&[b, b]).supports_binary(&pair()));
    for ty in [Type::RECORD, Type::INT4, Type::unknown(70_000)] {
        assert!(!accepts(CompositeFields::InOrder(&[a, b]), &ty));
    }
    let domain = Type::new(70_003, "d", Kind::Domain, Some(pair()));
    assert!(accepts(CompositeFields::InOrder(&[a, b]), &domain));
    let shown = format!("{:?}", CompositeFields::Named(&[("a", &"secret")]));
    assert_eq!(shown, r#"{"a": "str"}"#);
}
