use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::array::Dimension;
use crate::impls::testing::*;
use crate::{Column, DecodeErrorKind, EncodeErrorKind, Field};

fn dimension(length: usize, lower_bound: i32) -> Dimension {
    Dimension {
        length,
        lower_bound,
    }
}

fn written(value: &dyn ToSql, ty: &Type) -> String {
    let raw = write(value, ty, Format::Text).unwrap().unwrap();
    String::from_utf8(raw).unwrap()
}

#[test]
fn one_dimension_of_many_types() {
    round_trip(&vec![1_i32, -2, i32::MAX], &Type::INT4_ARRAY);
    round_trip(&Vec::<i64>::new(), &Type::INT8_ARRAY);
    round_trip(&vec![Some(true), None], &Type::BOOL_ARRAY);
    round_trip(&vec![None::<String>; 3], &Type::TEXT_ARRAY);
    round_trip(&vec![vec![1_u8, 2], vec![]], &Type::BYTEA_ARRAY);
    round_trip(&[1.5_f64, f64::NEG_INFINITY], &Type::FLOAT8_ARRAY);
    round_trip(
        &vec![String::new(), "a b".into()].into_boxed_slice(),
        &Type::TEXT_ARRAY,
    );
    round_trip(&vec![1_i16, 2], &Type::INT2VECTOR);
    round_trip(&vec![u32::MAX, 0], &Type::OIDVECTOR);
    // An array of vectors is an array of arrays.
    round_trip(&vec![vec![1_i16, 2], vec![3]], &Type::INT2VECTOR_ARRAY);
}

#[test]
fn the_text_form_is_that_of_the_server() {
    let hard = [
        "", "null", "NULL", "nul", "a,b", "a;b", "\"", "\\", "{", "}", " ", "\u{b}", "é", "a\nb",
    ];
    assert_eq!(
        written(&hard, &Type::TEXT_ARRAY),
        r#"{"","null","NULL",nul,"a,b",a;b,"\"","\\","{","}"," ","V",é,"a
b"}"#
            .replace('V', "\u{b}")
    );
    assert_eq!(written(&[Some(1), None], &Type::INT4_ARRAY), "{1,NULL}");
    assert_eq!(written(&[1_i16, 2], &Type::INT2VECTOR), "1 2");
    assert_eq!(written(&Vec::<i16>::new(), &Type::INT2VECTOR), "");
    assert_eq!(
        written(&["(1,2),(3,4)", "(5,6),(7,8)"], &Type::BOX_ARRAY),
        "{(1,2),(3,4);(5,6),(7,8)}"
    );
    let dimensions = [dimension(2, 1), dimension(1, -3), dimension(2, 1)];
    let array = Array::with_dimensions(vec![1, 2, 3, 4], &dimensions).unwrap();
    assert_eq!(
        written(&array, &Type::INT4_ARRAY),
        "[1:2][-3:-3][1:2]={{{1,2}},{{3,4}}}"
    );
    assert_eq!(written(&Array::<i32>::default(), &Type::INT4_ARRAY), "{}");
}

#[test]
fn the_binary_form_is_that_of_the_server() {
    let raw = write(&[Some(7_i16), None], &Type::INT2_ARRAY, Format::Binary);
    assert_eq!(
        raw.unwrap().unwrap(),
        [
            0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 255,
            255, 255, 255
        ]
    );
    let raw = write(&[0_i16; 0], &Type::INT2_ARRAY, Format::Binary);
    assert_eq!(raw.unwrap().unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21]);
    // A vector begins at 0, and has no binary form that the server takes when it is empty.
    let raw = write(&[7_i16], &Type::INT2VECTOR, Format::Binary);
    assert_eq!(raw.unwrap().unwrap()[12..20], [0, 0, 0, 1, 0, 0, 0, 0]);
    assert!(!Vec::<i16>::new().supports_binary(&Type::INT2VECTOR));
}

fn elements<T: Debug + Clone>(
    element: impl Strategy<Value = T>,
) -> impl Strategy<Value = Array<T>> {
    let dimensions = vec((1_usize..3, -3_i32..4), 0..=6);
    let dimensions = dimensions.prop_map(|list| {
        let list: Vec<_> = list.into_iter().map(|(l, b)| dimension(l, b)).collect();
        list
    });
    (dimensions, vec(element, 64)).prop_map(|(dimensions, elements)| {
        let count = match &dimensions[..] {
            [] => 0,
            list => list.iter().map(|dimension| dimension.length).product(),
        };
        Array::with_dimensions(elements[..count].to_vec(), &dimensions).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_dimensions(array in elements(any::<Option<i32>>())) {
        round_trip(&array, &Type::INT4_ARRAY);
    }

    #[test]
    fn any_text(array in elements("[nN]?[uU]?[lL]*[\"\\\\{}, ;\\pL]*")) {
        round_trip(&array, &Type::TEXT_ARRAY);
        let geometry = Type::new(70_000, "g", Kind::Base, None).with_delimiter(b':');
        let array_type = Type::new(70_001, "_g", Kind::Array, Some(geometry));
        let raw = write(&array, &array_type, Format::Text).unwrap().unwrap();
        let column = text(array_type);
        prop_assert_eq!(&read::<Array<String>>(&column, &raw).unwrap(), &array);
    }

    #[test]
    fn security_41_any_bytes_are_read_or_refused(raw: Vec<u8>, start in 0_usize..3) {
        let begin: [&[u8]; 3] = [b"", b"{", &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23]];
        let raw = [begin[start], &raw].concat();
        for format in FORMATS {
            let column = Column::new("a", Type::INT4_ARRAY, format);
            let _ = read::<Vec<i32>>(&column, &raw);
            if let Ok(array) = read::<Array<Option<i32>>>(&column, &raw) {
                prop_assert!(array.len() <= raw.len());
            }
        }
    }

    #[test]
    fn security_41_any_text_is_read_or_refused(raw in "(\\[[0-9]:[0-9]\\]=)?[{},a-c\"\\\\]*") {
        let column = text(Type::TEXT_ARRAY);
        if let Ok(array) = read::<Array<Option<String>>>(&column, raw.as_bytes()) {
            round_trip(&array, &Type::TEXT_ARRAY);
        }
    }
}

#[test]
fn what_the_server_writes_is_read() {
    let column = text(Type::TEXT_ARRAY);
    let shown = |raw: &'static str| {
        let array: Array<Option<String>> = read(&column, raw.as_bytes()).unwrap();
        let list: Vec<_> = array
            .iter()
            .map(|v| v.clone().unwrap_or("∅".into()))
            .collect();
        (list.join("|"), array.dimensions().to_vec())
    };
    let one = |length| vec![dimension(length, 1)];
    assert_eq!(shown("{}"), (String::new(), vec![]));
    assert_eq!(shown("{a,NULL,\"NULL\"}"), ("a|∅|NULL".into(), one(3)));
    assert_eq!(shown("{\"\",\"a\\\"\\\\\"}"), ("|a\"\\".into(), one(2)));
    assert_eq!(shown("[2:3]={a,b}"), ("a|b".into(), vec![dimension(2, 2)]));
    assert_eq!(
        shown("[-1:0][5:5]={{a},{b}}"),
        ("a|b".into(), vec![dimension(2, -1), dimension(1, 5)])
    );
    let column = text(Type::BOX_ARRAY);
    let error = failure::<Vec<i32>>(&column, b"{}");
    assert_eq!(error.0, DecodeErrorKind::WrongType);
}

#[test]
fn security_41_malformed_text_is_an_error() {
    let column = text(Type::TEXT_ARRAY);
    let prefix = r#"column "a" (text[]) cannot be read as Array<Option<String>>: "#;
    for (raw, reason) in [
        ("", "not between 1 and 6 braces at its beginning"),
        ("a", "not between 1 and 6 braces at its beginning"),
        (
            "{{{{{{{a}}}}}}}",
            "not between 1 and 6 braces at its beginning",
        ),
        ("{", "an element that is empty, and not quoted"),
        ("{,}", "an element that is empty, and not quoted"),
        ("{{}}", "an element that is empty, and not quoted"),
        ("{a", "neither a delimiter nor a brace behind an element"),
        (
            "{a\"b\"}",
            "neither a delimiter nor a brace behind an element",
        ),
        (
            "{\"a\"b}",
            "neither a delimiter nor a brace behind an element",
        ),
        (
            "{a\\b}",
            "neither a delimiter nor a brace behind an element",
        ),
        (
            "{a{b}}",
            "neither a delimiter nor a brace behind an element",
        ),
        ("{\"a}", "a quote that is not closed"),
        ("{a}}", "something behind its last brace"),
        ("{a} ", "something behind its last brace"),
        ("{}x", "an element that is empty, and not quoted"),
        ("{{a},b}", "sub-arrays of different depths"),
        ("{{a},{{b}}}", "an element that is empty, and not quoted"),
        ("{{a},{b,c}}", "sub-arrays of different lengths"),
        ("[1:2]={a}", "other lengths than its bounds say"),
        ("[1:1]={{a}}", "other lengths than its bounds say"),
        ("[1:1]={}", "an element that is empty, and not quoted"),
        ("[2:1]={}", "an element that is empty, and not quoted"),
        ("[3:1]={a}", "bounds in the wrong order"),
        ("[1:1]{a}", "malformed bounds"),
        ("[1:1", "malformed bounds"),
        ("[1:x]={a}", "not an integer"),
        ("[+1:1]={a}", "not an integer"),
        ("[1:4294967296]={a}", "4294967296 does not fit"),
        (
            "[2147483647:2147483647]={a}",
            "a subscript that is too large",
        ),
    ] {
        let (_, message) = failure::<Array<Option<String>>>(&column, raw.as_bytes());
        assert_eq!(message, format!("{prefix}{reason}"), "{raw:?}");
    }
}

fn header(dimensions: &[(i32, i32)], rest: &[u8]) -> Vec<u8> {
    let mut raw = i32::try_from(dimensions.len())
        .unwrap()
        .to_be_bytes()
        .to_vec();
    raw.extend([0, 0, 0, 0, 0, 0, 0, 23]);
    for (length, lower_bound) in dimensions {
        raw.extend(length.to_be_bytes());
        raw.extend(lower_bound.to_be_bytes());
    }
    raw.extend(rest);
    raw
}

#[test]
fn security_41_malformed_bytes_are_an_error() {
    const MAX: i32 = i32::MAX;
    let column = binary(Type::INT4_ARRAY);
    let value = [0, 0, 0, 4, 0, 0, 0, 7];
    let prefix = r#"column "a" (int4[]) cannot be read as Array<Option<i32>>: "#;
    let too_many = "more elements than there are bytes for";
    let overflow = "more elements than an array can have";
    for (raw, reason) in [
        (vec![], "it ends too early"),
        (vec![255; 12], "more than 6 dimensions"),
        (header(&[(1, 1); 7], &value), "more than 6 dimensions"),
        (header(&[(3, 1)], &value), too_many),
        (header(&[(MAX - 1, 1)], &value), too_many),
        (header(&[(MAX, 1)], &value), "a subscript that is too large"),
        (header(&[(1 << 16, 1), (1 << 16, 1)], &value), overflow),
        (header(&[(MAX - 1, 1); 6], &value), overflow),
        (header(&[(-1, 1)], &value), "a negative length"),
        (header(&[(0, 1)], &value), "8 bytes behind its end"),
        (header(&[(1, 1)], &value[..7]), "it ends too early"),
        (
            header(&[(1, 1)], &[255, 255, 255, 254]),
            "a negative length",
        ),
        (
            header(&[(1, 1)], &[127, 255, 255, 255]),
            "it ends too early",
        ),
        (header(&[(1, 1)], &[0, 0, 0, 1, 5]), "1 bytes instead of 4"),
        (header(&[], &value), "8 bytes behind its end"),
        (
            header(&[(1, 1)], &[&value[..], &[0]].concat()),
            "1 bytes behind its end",
        ),
    ] {
        let (_, message) = failure::<Array<Option<i32>>>(&column, &raw);
        assert_eq!(message, format!("{prefix}{reason}"), "{raw:?}");
    }
    // The server sends an empty vector so.
    let empty = header(&[(0, 0)], &[]);
    assert_eq!(read::<Vec<i32>>(&column, &empty).unwrap(), [0; 0]);
    let mut other = header(&[(1, 1)], &value);
    other[11] = 25;
    assert_eq!(
        failure::<Vec<i32>>(&column, &other).1,
        r#"column "a" (int4[]) cannot be read as Vec<i32>: elements of the type with oid 25 instead of 23"#
    );
    other[7] = 2;
    assert!(
        failure::<Vec<i32>>(&column, &other)
            .1
            .ends_with("unknown flags")
    );
}

#[test]
fn a_vec_is_one_dimension() {
    let array = Array::with_dimensions(vec![1, 2], &[dimension(2, 1), dimension(1, 1)]).unwrap();
    for format in FORMATS {
        let raw = write(&array, &Type::INT4_ARRAY, format).unwrap().unwrap();
        let column = Column::new("a", Type::INT4_ARRAY, format);
        assert_eq!(
            failure::<Vec<i32>>(&column, &raw).1,
            r#"column "a" (int4[]) cannot be read as Vec<i32>: an array of 2 dimensions, which only an Array takes"#
        );
    }
    // Where it begins is not kept.
    let column = text(Type::INT4_ARRAY);
    assert_eq!(read::<Vec<i32>>(&column, b"[5:6]={1,2}").unwrap(), [1, 2]);
    assert_eq!(
        failure::<[i32; 3]>(&column, b"{1,2}").1,
        r#"column "a" (int4[]) cannot be read as [i32; 3]: 2 elements instead of 3"#
    );
}

#[test]
fn elements_decide_what_an_array_can_be() {
    assert!(<Vec<i64> as FromSql>::accepts(&Type::INT4_ARRAY));
    assert!(!<Vec<i64> as FromSql>::accepts(&Type::TEXT_ARRAY));
    assert!(!<Vec<i64> as FromSql>::accepts(&Type::INT4));
    assert!(!<Vec<i64> as FromSql>::accepts(&Type::INT4RANGE));
    assert_eq!(
        write_failure(&[1_i32], &Type::TEXT_ARRAY, Format::Binary).0,
        EncodeErrorKind::WrongType
    );
    assert_eq!(
        write_failure(&[1_i32], &Type::INT4, Format::Binary).0,
        EncodeErrorKind::WrongType
    );
    assert!(Vec::<i32>::new().accepts(&Type::TEXT_ARRAY));
    assert!(!Vec::<i32>::new().accepts(&Type::TEXT));
    // Strings are of every type, but not in the binary format.
    assert!(["x"].accepts(&Type::UUID_ARRAY));
    assert!(!["x"].supports_binary(&Type::UUID_ARRAY));
    assert!(["x"].supports_binary(&Type::TEXT_ARRAY));
    let mixed: [&dyn ToSql; 2] = [&1_i32, &2_i64];
    assert_eq!(written(&mixed, &Type::INT8_ARRAY), "{1,2}");
    assert_eq!(
        write_failure(&[70_000_i64], &Type::INT2_ARRAY, Format::Binary).0,
        EncodeErrorKind::OutOfRange
    );
    assert_eq!(
        write_failure(&[None::<i16>], &Type::INT2VECTOR, Format::Text).0,
        EncodeErrorKind::Invalid
    );
    let two = Array::with_dimensions(vec![1_i16], &[Dimension::new(1); 2]).unwrap();
    assert!(!two.accepts(&Type::INT2VECTOR));
}

#[test]
fn null_needs_an_option_around_the_element() {
    let column = text(Type::INT4_ARRAY);
    assert_eq!(
        failure::<Vec<i32>>(&column, b"{1,NULL}").0,
        DecodeErrorKind::Null
    );
    let column = binary(Type::INT4_ARRAY);
    assert_eq!(
        Field::new(&column, None)
            .decode::<Option<Vec<i32>>>()
            .unwrap(),
        None
    );
}

#[test]
fn domains_are_what_they_constrain() {
    let positive = Type::new(70_000, "positive", Kind::Domain, Some(Type::INT4));
    let array = Type::new(70_001, "_positive", Kind::Array, Some(positive.clone()));
    let ids = Type::new(70_002, "ids", Kind::Domain, Some(array.clone()));
    for ty in [&array, &ids] {
        round_trip(&vec![Some(1), None], ty);
        assert_eq!(ty.preferred_format(), Format::Binary);
    }
    round_trip(&7_i32, &positive);
    // The header names the domain.
    let raw = write(&[1_i32], &array, Format::Binary).unwrap().unwrap();
    assert_eq!(raw[8..12], 70_000_i32.to_be_bytes());
}

#[test]
fn an_array_of_an_unknown_type_is_read_as_strings_from_its_text() {
    let unknown = Type::unknown(70_000);
    let column = text(unknown.clone());
    assert_eq!(
        read::<Vec<String>>(&column, b"{a,\"b c\"}").unwrap(),
        ["a", "b c"]
    );
    assert!(!<Vec<i32> as FromSql>::accepts(&unknown));
    assert_eq!(
        failure::<Vec<String>>(&binary(unknown.clone()), b"{}").0,
        DecodeErrorKind::Unsupported
    );
    assert!(!["x"].accepts(&unknown));
}
