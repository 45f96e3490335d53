//! The types of `geo-types`, with `f64` for coordinates.

use ::geo_types::{Coord, Line, LineString, Point, Polygon, Rect};

use super::invalid;
use super::wire::through;
use crate::geometry;

through! {
    Point<f64> = geometry::Point {
        from: |point| Ok(Point::new(point.x, point.y)),
        to: |value| Ok(ours(value.0)),
    }
    Coord<f64> = geometry::Point {
        from: |point| Ok(theirs(point)),
        to: |value| Ok(ours(*value)),
    }
    Line<f64> = geometry::Lseg {
        from: |segment| Ok(Line::new(theirs(segment.start), theirs(segment.end))),
        to: |value| Ok(geometry::Lseg { start: ours(value.start), end: ours(value.end) }),
    }
    Rect<f64> = geometry::Box {
        // It would be another one each time that it is made.
        from: |corners| {
            let (low, high) = (corners.low, corners.high);
            if [low.x, low.y, high.x, high.y].iter().any(|coordinate| coordinate.is_nan()) {
                return Err(invalid("a box with a corner at NaN, which a Rect does not have"));
            }
            Ok(Rect::new(theirs(low), theirs(high)))
        },
        to: |value| Ok(geometry::Box { high: ours(value.max()), low: ours(value.min()) }),
    }
    // A path that is open: there is no telling that one is closed.
    LineString<f64> = geometry::Path {
        from: |path| {
            if path.is_closed {
                return Err(invalid("a closed path, which a LineString is not"));
            }
            Ok(path.points.into_iter().map(theirs).collect())
        },
        to: |value| Ok(geometry::Path { is_closed: false, points: value.coords().copied().map(ours).collect() }),
    }
    // The exterior ends where it begins, which a polygon of PostgreSQL does not say twice.
    Polygon<f64> = geometry::Polygon {
        from: |polygon| Ok(Polygon::new(closed(polygon).into(), Vec::new())),
        to: |value| {
            if !value.interiors().is_empty() {
                return Err(invalid("a polygon with holes"));
            }
            let mut points: Vec<_> = value.exterior().coords().copied().map(ours).collect();
            if points.len() > 1 {
                points.pop();
            }
            Ok(geometry::Polygon { points })
        },
    }
}

/// With the first point once more behind the last, also where these are alike: that one is left out when it is written. Where it is at NaN,
/// which is like nothing, the other crate does this by itself.
fn closed(polygon: geometry::Polygon) -> Vec<Coord<f64>> {
    let mut points: Vec<_> = polygon.points.into_iter().map(theirs).collect();
    if let Some(&first) = points.first()
        && !(first.x.is_nan() || first.y.is_nan())
    {
        points.push(first);
    }
    points
}

fn theirs(point: geometry::Point) -> Coord<f64> {
    Coord {
        x: point.x,
        y: point.y,
    }
}

fn ours(coord: Coord<f64>) -> geometry::Point {
    geometry::Point {
        x: coord.x,
        y: coord.y,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::*;
    use super::*;
    use crate::{DecodeErrorKind, EncodeErrorKind, Format, Type};

    proptest! {
        #[test]
        fn any_shape(a: f64, b: f64, c: f64, d: f64, rest: Vec<(f64, f64)>) {
            let (start, end) = (Coord { x: a, y: b }, Coord { x: c, y: d });
            round_trip(&Point(start), &Type::POINT);
            round_trip(&start, &Type::POINT);
            round_trip(&Line::new(start, end), &Type::LSEG);
            round_trip(&Rect::new(start, end), &Type::BOX);
            let line: LineString = [start, end].into_iter().chain(rest.into_iter().map(|(x, y)| Coord { x, y })).collect();
            round_trip(&line, &Type::PATH);
            round_trip(&Polygon::new(line, Vec::new()), &Type::POLYGON);
        }
    }

    #[test]
    fn what_one_side_does_not_have() {
        assert_eq!(
            failure::<LineString>(&text(Type::PATH), b"((0,0),(1,1))"),
            (
                DecodeErrorKind::Invalid,
                r#"column "a" (path) cannot be read as LineString: a closed path, which a LineString is not"#.into()
            )
        );
        let triangle: LineString = vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)].into();
        let holed = Polygon::new(triangle.clone(), vec![triangle.clone()]);
        assert_eq!(
            write_failure(&holed, &Type::POLYGON, Format::Binary).0,
            EncodeErrorKind::Invalid
        );
        let whole = Polygon::new(triangle, Vec::new());
        let written = write(&whole, &Type::POLYGON, Format::Text)
            .unwrap()
            .unwrap();
        assert_eq!(written, b"((0,0),(1,0),(0,1))");
    }

    #[test]
    fn a_polygon_may_end_where_it_begins() {
        let point = |x, y| geometry::Point { x, y };
        let nan = point(f64::NAN, 1.0);
        let (a, b) = (point(1.0, 2.0), point(3.0, 4.0));
        for points in [
            vec![a],
            vec![a, b],
            vec![a, a],
            vec![a, b, a],
            vec![a, b, a, a],
            vec![nan, a],
        ] {
            let expected = geometry::Polygon { points };
            for format in [Format::Text, Format::Binary] {
                let raw = write(&expected, &Type::POLYGON, format).unwrap().unwrap();
                let column = crate::Column::new("a", Type::POLYGON, format);
                let polygon: Polygon = read(&column, &raw).unwrap();
                let written = write(&polygon, &Type::POLYGON, format).unwrap().unwrap();
                assert_eq!(written, raw, "{expected:?}");
            }
        }
    }

    #[test]
    fn no_rect_has_a_corner_at_nan() {
        let column = text(Type::BOX);
        for raw in [
            "(NaN,4),(1,2)",
            "(3,NaN),(1,2)",
            "(3,4),(NaN,2)",
            "(3,4),(1,NaN)",
        ] {
            let (kind, _) = failure::<Rect>(&column, raw.as_bytes());
            assert_eq!(kind, DecodeErrorKind::Invalid);
            assert!(read::<geometry::Box>(&column, raw.as_bytes()).is_ok());
        }
        assert!(read::<Rect>(&column, b"(Infinity,4),(1,2)").is_ok());
    }
}
