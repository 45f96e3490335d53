use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::impls::testing::*;
use crate::{Column, DecodeErrorKind, EncodeErrorKind, Value};

fn text_range() -> Type {
    Type::new(70_000, "textrange", Kind::Range, Some(Type::TEXT))
}

fn text_multirange() -> Type {
    Type::new(
        70_001,
        "textmultirange",
        Kind::Multirange,
        Some(text_range()),
    )
}

fn bound<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Bound<T>> {
    prop_oneof![
        value.clone().prop_map(Bound::Included),
        value.prop_map(Bound::Excluded),
        Just(Bound::Unbounded),
    ]
}

fn range<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Range<T>> {
    prop_oneof![
        1 => Just(Range::Empty),
        8 => (bound(value.clone()), bound(value)).prop_map(Range::from),
    ]
}

proptest! {
    #[test]
    fn any_range(value in range(any::<i32>())) {
        round_trip(&value, &Type::INT4RANGE);
    }

    #[test]
    fn any_range_of_text(value in range("[\\[\\](),\"\\\\ {}a-c]*")) {
        round_trip(&value, &text_range());
    }

    #[test]
    fn any_multirange(value in vec(range("[\\[\\](),\"\\\\ {}a-c]*"), 0..4)) {
        round_trip(&Multirange::from(value), &text_multirange());
    }

    #[test]
    fn security_41_any_bytes_are_read_or_refused(raw: Vec<u8>) {
        for format in FORMATS {
            let _ = read::<Range<i32>>(&Column::new("a", Type::INT4RANGE, format), &raw);
            let column = Column::new("a", Type::INT4MULTIRANGE, format);
            if let Ok(value) = read::<Multirange<i32>>(&column, &raw) {
                prop_assert!(value.ranges().len() <= raw.len());
            }
        }
    }

    #[test]
    fn security_41_any_text_is_read_or_refused(raw in "\\{?([\\[(][a\"\\\\]?,[b\"]?[\\])]|,|empty)*\\}?") {
        let _ = read::<Range<String>>(&text(text_range()), raw.as_bytes());
        let multirange = text_multirange();
        if let Ok(value) = read::<Multirange<String>>(&text(multirange.clone()), raw.as_bytes()) {
            round_trip(&value, &multirange);
        }
    }
}

#[test]
fn the_text_form_is_that_of_the_server() {
    let written = |value: &dyn ToSql, ty: &Type| {
        String::from_utf8(write(value, ty, Format::Text).unwrap().unwrap()).unwrap()
    };
    assert_eq!(written(&Range::from(1..5), &Type::INT4RANGE), "[1,5)");
    assert_eq!(written(&Range::<i32>::all(), &Type::INT4RANGE), "(,)");
    assert_eq!(written(&Range::<i32>::Empty, &Type::INT4RANGE), "empty");
    let hard = Range::from((Bound::Excluded("a \"b\\"), Bound::Included("")));
    assert_eq!(written(&hard, &text_range()), r#"("a ""b\\",""]"#);
    let multirange = Multirange::from([Range::from(1..2), Range::from(5..)]);
    assert_eq!(written(&multirange, &Type::INT4MULTIRANGE), "{[1,2),[5,)}");
    assert_eq!(
        written(&Multirange::<i32>::default(), &Type::INT4MULTIRANGE),
        "{}"
    );
}

#[test]
fn the_binary_form_is_that_of_the_server() {
    let written = |value: &dyn ToSql, ty: &Type| write(value, ty, Format::Binary).unwrap().unwrap();
    assert_eq!(written(&Range::<i32>::Empty, &Type::INT4RANGE), [1]);
    assert_eq!(written(&Range::<i32>::all(), &Type::INT4RANGE), [0x18]);
    assert_eq!(
        written(&Range::from(1..=2), &Type::INT4RANGE),
        [6, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2]
    );
    let multirange = Multirange::from([Range::<i32>::all()]);
    assert_eq!(
        written(&multirange, &Type::INT4MULTIRANGE),
        [0, 0, 0, 1, 0, 0, 0, 1, 0x18]
    );
    // The server's own flags are not ours to refuse.
    let column = binary(Type::INT4RANGE);
    assert_eq!(read::<Range<i32>>(&column, &[0x81]).unwrap(), Range::Empty);
}

#[test]
fn security_41_malformed_values_are_an_error() {
    let (range, multirange) = (text(Type::INT4RANGE), text(Type::INT4MULTIRANGE));
    for (raw, reason) in [
        ("", "a range that begins with neither [ nor ("),
        ("1,2)", "a range that begins with neither [ nor ("),
        ("Empty", "a range that begins with neither [ nor ("),
        ("[", "a range without a comma"),
        ("[1)", "a range without a comma"),
        ("[1,2", "a range that ends with neither ] nor )"),
        ("[1,2,3)", "a range that ends with neither ] nor )"),
        ("[\"1,2)", "a quote that is not closed"),
        ("[1,2)x", "something behind its end"),
        ("emptyx", "something behind its end"),
        ("[x,2)", "not an integer"),
        ("[\"\",2)", "not an integer"),
    ] {
        let (kind, message) = failure::<Range<i32>>(&range, raw.as_bytes());
        assert_eq!(kind, DecodeErrorKind::Invalid);
        assert!(message.ends_with(reason), "{raw:?}: {message}");
    }
    for (raw, reason) in [
        ("", "a multirange that does not begin with {"),
        ("{", "a range that begins with neither [ nor ("),
        ("{[1,2)", "no comma between ranges"),
        ("{[1,2)[3,4)}", "no comma between ranges"),
        ("{[1,2),}", "a range that begins with neither [ nor ("),
        ("{}x", "something behind its end"),
    ] {
        let (_, message) = failure::<Multirange<i32>>(&multirange, raw.as_bytes());
        assert!(message.ends_with(reason), "{raw:?}: {message}");
    }
    let (range, multirange) = (binary(Type::INT4RANGE), binary(Type::INT4MULTIRANGE));
    for (raw, reason) in [
        (&[][..], "it ends too early"),
        (&[0], "it ends too early"),
        (&[0x18, 0], "1 bytes behind its end"),
        (&[0x10, 0, 0, 0, 2, 0, 0], "2 bytes instead of 4"),
        (&[0x10, 0x7f, 255, 255, 255, 0], "it ends too early"),
        (&[1, 0, 0, 0, 4, 0, 0, 0, 0], "8 bytes behind its end"),
    ] {
        let (_, message) = failure::<Range<i32>>(&range, raw);
        assert!(message.ends_with(reason), "{raw:?}: {message}");
    }
    for (raw, reason) in [
        (&[0, 0, 0][..], "it ends too early"),
        (&[255, 255, 255, 255], "a negative count"),
        (
            &[0x7f, 255, 255, 255, 0, 0, 0, 1, 1],
            "more parts than there are bytes for",
        ),
        (&[0, 0, 0, 0, 1], "1 bytes behind its end"),
    ] {
        let (_, message) = failure::<Multirange<i32>>(&multirange, raw);
        assert!(message.ends_with(reason), "{raw:?}: {message}");
    }
}

/// Not even where there is a place for NULL: such a range could not be written again.
#[test]
fn security_41_a_bound_is_not_null() {
    let raw = [0x10, 255, 255, 255, 255];
    let reason = "a bound is not NULL: without one it is unbounded";
    let column = binary(Type::INT4RANGE);
    for (kind, message) in [
        failure::<Range<i32>>(&column, &raw),
        failure::<Range<Option<i32>>>(&column, &raw),
        failure::<Value>(&column, &raw),
    ] {
        assert_eq!(kind, DecodeErrorKind::Invalid);
        assert!(message.ends_with(reason), "{message}");
    }
    let multirange = [&[0, 0, 0, 1, 0, 0, 0, 5], &raw[..]].concat();
    let (_, message) = failure::<Value>(&binary(Type::INT4MULTIRANGE), &multirange);
    assert!(message.ends_with(reason), "{message}");
    // One that somebody made is shown all the same.
    let made = Value::from(Range::from(Value::Null..Value::Null));
    assert!(made.to_string().contains("Null"));
}

#[test]
fn bounds_decide_what_a_range_can_be() {
    assert!(<Range<i64> as FromSql>::accepts(&Type::INT4RANGE));
    assert!(!<Range<i64> as FromSql>::accepts(&Type::NUMRANGE));
    assert!(!<Range<i64> as FromSql>::accepts(&Type::INT4MULTIRANGE));
    assert!(!<Range<i64> as FromSql>::accepts(&Type::INT4_ARRAY));
    assert!(<Multirange<i64> as FromSql>::accepts(&Type::INT8MULTIRANGE));
    assert!(!<Multirange<i64> as FromSql>::accepts(&Type::INT8RANGE));
    assert!(Range::from("a".."b").accepts(&Type::DATERANGE));
    assert!(!Range::from("a".."b").supports_binary(&Type::DATERANGE));
    assert!(!Range::from(1..2).accepts(&Type::DATERANGE));
    assert!(Range::<i32>::Empty.accepts(&Type::DATERANGE));
    assert_eq!(
        write_failure(
            &Range::from(Some(1)..None),
            &Type::INT4RANGE,
            Format::Binary
        )
        .0,
        EncodeErrorKind::Invalid
    );
    assert_eq!(Type::INT4RANGE.preferred_format(), Format::Binary);
    assert_eq!(Type::INT8MULTIRANGE.preferred_format(), Format::Binary);
    // Ranges in arrays, and of a type that nothing is known of.
    round_trip(&vec![Some(Range::from(1..2)), None], &Type::INT4RANGE_ARRAY);
    let column = text(Type::unknown(70_002));
    let expected = Range::from((Bound::Included("a b".to_owned()), Bound::Unbounded));
    assert_eq!(
        read::<Range<String>>(&column, b"[\"a b\",)").unwrap(),
        expected
    );
    assert!(read::<Multirange<String>>(&column, b"{empty}").is_ok());
}
