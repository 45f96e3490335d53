//! `point`, `line`, `lseg`, `box`, `path`, `polygon` and `circle`.

use bytes::{BufMut as _, BytesMut};

use super::wire::{Wire, wire};
use super::{fixed, invalid, out_of_range};
use crate::Type;
use crate::error::BoxError;
use crate::geometry::{Box, Circle, Line, Lseg, Path, Point, Polygon};
use crate::ty::oids;

wire!(Point, Line, Lseg, Box, Path, Polygon, Circle);

/// As many numbers as the type has.
fn floats<const N: usize>(raw: &[u8]) -> Result<[f64; N], BoxError> {
    let (chunks, rest) = raw.as_chunks::<8>();
    match <&[[u8; 8]; N]>::try_from(chunks) {
        Ok(chunks) if rest.is_empty() => Ok(chunks.map(f64::from_be_bytes)),
        _ => Err(super::wrong_length(N * 8, raw.len())),
    }
}

fn put<const N: usize>(floats: [f64; N], out: &mut BytesMut) {
    for float in floats {
        out.put_f64(float);
    }
}

/// The number of points, 32 bits wide, and the points.
fn read_points(raw: &[u8]) -> Result<Vec<Point>, BoxError> {
    let parts = raw
        .split_first_chunk()
        .map(|(count, rest)| (i32::from_be_bytes(*count), rest.as_chunks::<16>()));
    match parts {
        Some((0, ([], []))) => Err(invalid("no points, which the server has nowhere")),
        Some((count, (points, []))) if usize::try_from(count) == Ok(points.len()) => {
            points.iter().map(|raw| point(raw)).collect()
        }
        _ => Err(invalid("not as many points as it says")),
    }
}

fn point(raw: &[u8]) -> Result<Point, BoxError> {
    let [x, y] = floats(raw)?;
    Ok(Point { x, y })
}

fn write_points(points: &[Point], out: &mut BytesMut) -> Result<(), BoxError> {
    let count =
        i32::try_from(points.len()).map_err(|_| out_of_range("a list of so many points"))?;
    out.put_i32(count);
    for point in points {
        put([point.x, point.y], out);
    }
    Ok(())
}

macro_rules! wires {
    ($($rust:ident, $oid:ident: $raw:ident => $read:expr, $value:ident $out:ident => $write:expr;)*) => { $(
        impl Wire for $rust {
            fn reads(ty: &Type) -> bool {
                ty.oid() == oids::$oid
            }

            fn read(_: &Type, $raw: &[u8]) -> Result<Self, BoxError> {
                $read
            }

            fn write(&self, _: &Type, $out: &mut BytesMut) -> Result<(), BoxError> {
                let $value = self;
                $write;
                Ok(())
            }
        }
    )* };
}

wires! {
    Point, POINT: raw => point(raw), value out => put([value.x, value.y], out);
    Line, LINE: raw => {
        let [a, b, c] = floats(raw)?;
        Ok(Self { a, b, c })
    }, value out => put([value.a, value.b, value.c], out);
    Lseg, LSEG: raw => {
        let [x, y, u, v] = floats(raw)?;
        Ok(Self { start: Point { x, y }, end: Point { x: u, y: v } })
    }, value out => put([value.start.x, value.start.y, value.end.x, value.end.y], out);
    Box, BOX: raw => {
        let [x, y, u, v] = floats(raw)?;
        Ok(Self { high: Point { x, y }, low: Point { x: u, y: v } })
    }, value out => put([value.high.x, value.high.y, value.low.x, value.low.y], out);
    Path, PATH: raw => match fixed(raw.get(..1).unwrap_or_default())? {
        [is_closed @ 0..=1] => Ok(Self {
            is_closed: is_closed == 1,
            points: read_points(raw.get(1..).unwrap_or_default())?,
        }),
        _ => Err(invalid("neither open nor closed")),
    }, value out => {
        out.put_u8(value.is_closed.into());
        write_points(&value.points, out)?;
    };
    Polygon, POLYGON: raw => Ok(Self { points: read_points(raw)? }), value out => write_points(&value.points, out)?;
    Circle, CIRCLE: raw => {
        let [x, y, radius] = floats(raw)?;
        Ok(Self { center: Point { x, y }, radius })
    }, value out => {
        put([value.center.x, value.center.y, value.radius], out);
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::impls::testing::*;
    use crate::{DecodeErrorKind, Format};

    #[test]
    fn the_bytes_are_those_of_the_send_functions() {
        let one = 1.0_f64.to_be_bytes();
        let zero = [0; 8];
        let path: Path = "[(0,0),(1,1)]".parse().unwrap();
        let mut expected = vec![0, 0, 0, 0, 2];
        expected.extend([zero, zero, one, one].concat());
        assert_eq!(
            write(&path, &Type::PATH, Format::Binary).unwrap().unwrap(),
            expected
        );
        let corners: Box = "(1,1),(0,0)".parse().unwrap();
        assert_eq!(
            write(&corners, &Type::BOX, Format::Binary)
                .unwrap()
                .unwrap(),
            [one, one, zero, zero].concat()
        );
    }

    proptest! {
        #[test]
        fn any_shape(a: f64, b: f64, c: f64, d: f64, is_closed: bool, rest: Vec<(f64, f64)>) {
            let (start, end) = (Point { x: a, y: b }, Point { x: c, y: d });
            round_trip(&start, &Type::POINT);
            round_trip(&Line { a, b, c }, &Type::LINE);
            round_trip(&Lseg { start, end }, &Type::LSEG);
            round_trip(&Box { high: start, low: end }, &Type::BOX);
            round_trip(&Circle { center: start, radius: c }, &Type::CIRCLE);
            let points: Vec<Point> = std::iter::once(end)
                .chain(rest.into_iter().map(|(x, y)| Point { x, y }))
                .collect();
            round_trip(&Polygon { points: points.clone() }, &Type::POLYGON);
            round_trip(&Path { is_closed, points }, &Type::PATH);
        }
    }

    #[test]
    fn security_41_a_number_of_points_that_is_not_there_is_an_error() {
        let mut many = vec![0x7f, 0xff, 0xff, 0xff];
        many.extend([0; 16]);
        for raw in [
            &[][..],
            &[0; 3],
            &[0; 20],
            &[0, 0, 0, 1],
            &[0xff; 20],
            &many,
        ] {
            let (kind, text) = failure::<Polygon>(&binary(Type::POLYGON), raw);
            assert_eq!(kind, DecodeErrorKind::Invalid);
            assert_eq!(
                text,
                r#"column "a" (polygon) cannot be read as Polygon: not as many points as it says"#
            );
            assert!(read::<Path>(&binary(Type::PATH), &[&[1], raw].concat()).is_err());
        }
        assert_eq!(
            failure::<Path>(&binary(Type::PATH), &[2, 0, 0, 0, 0]).1,
            r#"column "a" (path) cannot be read as Path: neither open nor closed"#
        );
        assert!(read::<Path>(&binary(Type::PATH), &[]).is_err());
        // As in text.
        assert!(read::<Path>(&binary(Type::PATH), &[1, 0, 0, 0, 0]).is_err());
        assert!(read::<Polygon>(&binary(Type::POLYGON), &[0; 4]).is_err());
        assert_eq!(
            failure::<Point>(&binary(Type::POINT), &[0; 17]).1,
            r#"column "a" (point) cannot be read as Point: 17 bytes instead of 16"#
        );
    }
}
