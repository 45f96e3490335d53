//! Cases that failed once, as small as they became.

use purepg_conn::geometry::Point;
use purepg_conn::{Composite, Value};

use crate::Case;
use crate::schema::{Scalar, Ty};

pub(crate) fn cases() -> Vec<Case> {
    let composite = |fields: Vec<Ty>| Ty::Composite(fields, None);
    vec![
        // `()` is one field that is NULL, if the type has one field, and none if it has none.
        (
            composite(vec![Ty::Scalar(Scalar::Bool)]),
            vec![Composite::new([Value::Null]).into()],
        ),
        (composite(vec![]), vec![Composite::new([]).into()]),
        // Shorter digits lie in the middle between two numbers, which the server does not trust in.
        (
            Ty::Scalar(Scalar::Point),
            vec![Value::Point(Point {
                x: -22_847_899_252_201_728.0,
                y: 0.0,
            })],
        ),
        // The server prints shorter keys first.
        (
            Ty::Scalar(Scalar::Hstore),
            vec![Value::Hstore(
                [("b".to_owned(), None), ("aa".to_owned(), None)].into(),
            )],
        ),
        // An array of a domain over `box[]` has the delimiter of `box`, whatever is in it.
        (
            Ty::Array(Box::new(Ty::Domain(Box::new(Ty::Array(Box::new(
                Ty::Scalar(Scalar::Box),
            )))))),
            vec![vec![Value::Null, Value::Null].into()],
        ),
        (
            Ty::Array(Box::new(Ty::Scalar(Scalar::Box))),
            vec![vec![Value::Null, Value::Null].into()],
        ),
    ]
}
