//! Values of a type.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops;

use proptest::prelude::*;
use purepg_conn::geometry::{self, Point};
use purepg_conn::{
    Array, Cidr, Composite, Date, Dimension, Inet, Interval, MacAddr, MacAddr8, Multirange, PgLsn,
    Range, Snapshot, Tid, Time, TimeTz, Timestamp, TimestampTz, Value,
};

use crate::schema::{Bound, Scalar, Ty};

/// What the server can hold: from the first day that it knows to the last.
const DAYS: ops::RangeInclusive<i32> = -2_451_545..=2_145_031_948;
const MICROS: ops::RangeInclusive<i64> = -211_813_488_000_000_000..=9_223_371_331_199_999_999;
/// Older servers read no more hours of an interval.
const HOURS: i64 = i32::MAX as i64 * 3_600_000_000;

/// A value, which is not NULL.
pub(crate) fn any_value(ty: &Ty) -> BoxedStrategy<Value> {
    match ty {
        Ty::Scalar(scalar) => any_scalar(*scalar),
        Ty::Domain(base) => any_value(base),
        Ty::Enum(labels) => prop::sample::select(labels.clone())
            .prop_map(Value::Text)
            .boxed(),
        Ty::Array(element) => any_array(any_part(element)),
        Ty::Composite(fields, _) => {
            let fields: Vec<_> = fields.iter().map(any_part).collect();
            fields
                .prop_map(|values| Composite::new(values).into())
                .boxed()
        }
        Ty::Range(bound) => any_range(*bound).prop_map(Value::from).boxed(),
        Ty::Multirange(bound) => {
            let ranges = prop::collection::vec(any_range(*bound), 0..4);
            ranges
                .prop_map(|ranges| Multirange::from(ranges).into())
                .boxed()
        }
    }
}

/// A value, or NULL.
fn any_part(ty: &Ty) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 4 => any_value(ty)].boxed()
}

fn any_array(element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let dimension = (1_usize..4, -3_i32..4);
    let dimensions = prop::collection::vec(dimension, 0..4);
    dimensions
        .prop_flat_map(move |dimensions| {
            let places = dimensions.iter().map(|(length, _)| length).product();
            let length = if dimensions.is_empty() { 0 } else { places };
            let dimensions: Vec<_> = dimensions
                .into_iter()
                .map(|(length, lower_bound)| Dimension {
                    length,
                    lower_bound,
                })
                .collect();
            prop::collection::vec(element.clone(), length).prop_map(move |elements| {
                let array = Array::with_dimensions(elements, &dimensions);
                array.expect("as many as there are places").into()
            })
        })
        .boxed()
}

fn any_range(bound: Bound) -> BoxedStrategy<Range<Value>> {
    let key = prop_oneof![-5_i32..5, -1_000_000_i32..1_000_000];
    let text = "[^\\x00]{0,6}";
    let value = move |key: i32, text: String| match bound {
        Bound::Int4 => Value::Int4(key),
        Bound::Int8 => Value::Int8(i64::from(key) << 40),
        Bound::Numeric => Value::Numeric(format!("{key}e-2").parse().expect("a number")),
        Bound::Date => Value::Date(Date::from_days(key)),
        Bound::Timestamp => Value::Timestamp(Timestamp::from_micros(i64::from(key) << 33)),
        Bound::TimestampTz => Value::TimestampTz(TimestampTz::from_micros(i64::from(key) << 33)),
        Bound::Float8 => Value::Float8(f64::from(key) / 7.0),
        Bound::Text => Value::Text(text),
    };
    let bounds = (key.clone(), text, key, text, 0..3, 0..3);
    let bounds = bounds.prop_map(move |(a, s, b, t, lower, upper)| {
        let (low, high) = (a.min(b), a.max(b));
        let (first, last) = if s.as_bytes() < t.as_bytes() {
            (s, t)
        } else {
            (t, s)
        };
        let end = |kind, value| match kind {
            0 => ops::Bound::Included(value),
            1 => ops::Bound::Excluded(value),
            _ => ops::Bound::Unbounded,
        };
        Range::Bounds(end(lower, value(low, first)), end(upper, value(high, last)))
    });
    prop_oneof![1 => Just(Range::Empty), 9 => bounds].boxed()
}

fn text(pattern: &'static str) -> BoxedStrategy<Value> {
    pattern.prop_map(Value::Text).boxed()
}

/// A number without NaN, whose geometry nobody wants.
fn number() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        any::<f64>().prop_filter("NaN", |number| !number.is_nan()),
        (-1000_i32..1000).prop_map(|number| f64::from(number) / 8.0),
    ]
}

fn point() -> impl Strategy<Value = Point> {
    (number(), number()).prop_map(|(x, y)| Point { x, y })
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    prop::collection::vec(point(), 1..4)
}

fn micros() -> impl Strategy<Value = i64> {
    prop_oneof![4 => MICROS, 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

fn address() -> impl Strategy<Value = (IpAddr, u8)> {
    prop_oneof![
        (any::<[u8; 4]>(), 0_u8..=32).prop_map(|(bytes, prefix)| (IpAddr::from(bytes), prefix)),
        (any::<[u8; 16]>(), 0_u8..=128).prop_map(|(bytes, prefix)| (IpAddr::from(bytes), prefix)),
        // The text of addresses with many zeros is the one that is hard.
        (prop::array::uniform8(0_u16..3), 0_u8..=128)
            .prop_map(|(words, prefix)| (IpAddr::from(words), prefix)),
    ]
}

/// Without the bits behind the prefix.
fn network((address, prefix): (IpAddr, u8)) -> Cidr {
    let masked = match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::from((v4.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::from((v6.to_bits() & mask).to_be_bytes())
        }
    };
    Cidr::new(masked, prefix).expect("it has no bits behind the prefix")
}

#[allow(clippy::too_many_lines, reason = "one arm for each type")]
fn any_scalar(scalar: Scalar) -> BoxedStrategy<Value> {
    match scalar {
        Scalar::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Scalar::Int2 => any::<i16>().prop_map(Value::Int2).boxed(),
        Scalar::Int4 => any::<i32>().prop_map(Value::Int4).boxed(),
        Scalar::Int8 => any::<i64>().prop_map(Value::Int8).boxed(),
        Scalar::Oid => any::<u32>().prop_map(Value::Oid).boxed(),
        Scalar::Xid8 => any::<u64>().prop_map(Value::Xid8).boxed(),
        Scalar::Float4 => any::<u32>()
            .prop_map(|bits| Value::Float4(f32::from_bits(bits)))
            .boxed(),
        Scalar::Float8 => any::<u64>()
            .prop_map(|bits| Value::Float8(f64::from_bits(bits)))
            .boxed(),
        Scalar::Numeric => {
            let number = prop_oneof![
                8 => (any::<i128>(), -30..30).prop_map(|(digits, exponent)| format!("{digits}e{exponent}")),
                1 => Just("NaN".to_owned()),
            ];
            number
                .prop_map(|number| Value::Numeric(number.parse().expect("a number")))
                .boxed()
        }
        Scalar::Text | Scalar::Varchar | Scalar::Citext => {
            text("[^\\x00]{0,20}|[\"\\\\,{}()\\[\\] a;:']{0,8}|(?i)null")
        }
        Scalar::Name => text("[^\\x00]{0,15}"),
        Scalar::Char => text("[\\x01-\\x7f]?"),
        Scalar::Bytea => prop::collection::vec(any::<u8>(), 0..20)
            .prop_map(Value::Bytes)
            .boxed(),
        Scalar::Date => {
            let days = prop_oneof![4 => DAYS, 1 => Just(i32::MAX), 1 => Just(i32::MIN)];
            days.prop_map(|days| Value::Date(Date::from_days(days)))
                .boxed()
        }
        Scalar::Time => (0..=86_400_000_000_i64)
            .prop_map(|micros| Value::Time(time(micros)))
            .boxed(),
        Scalar::TimeTz => {
            let time = (0..=86_400_000_000_i64, -57_599..57_600_i32);
            time.prop_map(|(micros, offset)| {
                Value::TimeTz(TimeTz::new(self::time(micros), offset).expect("in range"))
            })
            .boxed()
        }
        Scalar::Timestamp => micros()
            .prop_map(|micros| Value::Timestamp(Timestamp::from_micros(micros)))
            .boxed(),
        Scalar::TimestampTz => micros()
            .prop_map(|micros| Value::TimestampTz(TimestampTz::from_micros(micros)))
            .boxed(),
        Scalar::Interval => {
            let small = (-30..30_i32, -30..30_i32, -100_000_000..100_000_000_i64);
            let any = (-i32::MAX..=i32::MAX, -i32::MAX..=i32::MAX, -HOURS..HOURS);
            let interval = |(months, days, microseconds)| {
                Value::Interval(Interval {
                    months,
                    days,
                    microseconds,
                })
            };
            prop_oneof![small, any].prop_map(interval).boxed()
        }
        Scalar::Uuid => any::<[u8; 16]>().prop_map(Value::Uuid).boxed(),
        Scalar::Json => text(
            "null|-?[1-9][0-9]{0,5}|\"[a-z ,{}é]{0,9}\"|\\{ *\"a\" *: *\\[1, *\"\\\\\\\\\"\\]\\}",
        ),
        Scalar::Xml => text("<a b=\"[a-z ]{0,5}\">[a-zé, ]{0,5}</a>|[a-z]{0,5}"),
        Scalar::Inet => address()
            .prop_map(|(address, prefix)| {
                Value::Inet(Inet::new(address, prefix).expect("in range"))
            })
            .boxed(),
        Scalar::Cidr => address()
            .prop_map(|pair| Value::Cidr(network(pair)))
            .boxed(),
        Scalar::MacAddr => any::<[u8; 6]>()
            .prop_map(|bytes| Value::MacAddr(MacAddr(bytes)))
            .boxed(),
        Scalar::MacAddr8 => any::<[u8; 8]>()
            .prop_map(|bytes| Value::MacAddr8(MacAddr8(bytes)))
            .boxed(),
        Scalar::Varbit => prop::collection::vec(any::<bool>(), 0..20)
            .prop_map(|bits| Value::Bits(bits.into_iter().collect()))
            .boxed(),
        Scalar::Lsn => any::<u64>().prop_map(|lsn| Value::Lsn(PgLsn(lsn))).boxed(),
        Scalar::Tid => any::<(u32, u16)>()
            .prop_map(|(block, offset)| Value::Tid(Tid { block, offset }))
            .boxed(),
        Scalar::Snapshot => {
            let xip = prop::collection::btree_set(1_000_u64..1_000_000, 0..4);
            xip.prop_map(|xip| {
                let xip: Vec<_> = xip.into_iter().collect();
                Value::Snapshot(Snapshot {
                    xmin: 1_000,
                    xmax: 1_000_000,
                    xip,
                })
            })
            .boxed()
        }
        Scalar::Point => point().prop_map(Value::Point).boxed(),
        Scalar::Line => (number(), -9..9_i32)
            .prop_map(|(a, c)| {
                Value::Line(geometry::Line {
                    a,
                    b: -1.0,
                    c: f64::from(c),
                })
            })
            .boxed(),
        Scalar::Lseg => (point(), point())
            .prop_map(|(start, end)| Value::Lseg(geometry::Lseg { start, end }))
            .boxed(),
        Scalar::Box => [number(), number(), number(), number()]
            .prop_map(|[a, b, c, d]| {
                // Of two zeros the server takes the one or the other.
                let positive = |number: f64| if number == 0.0 { 0.0 } else { number };
                let [a, b, c, d] = [a, b, c, d].map(positive);
                let (high, low) = (
                    Point {
                        x: a.max(c),
                        y: b.max(d),
                    },
                    Point {
                        x: a.min(c),
                        y: b.min(d),
                    },
                );
                Value::Box(geometry::Box { high, low })
            })
            .boxed(),
        Scalar::Path => (any::<bool>(), points())
            .prop_map(|(is_closed, points)| Value::Path(geometry::Path { is_closed, points }))
            .boxed(),
        Scalar::Polygon => points()
            .prop_map(|points| Value::Polygon(geometry::Polygon { points }))
            .boxed(),
        Scalar::Circle => (point(), number())
            .prop_map(|(center, radius)| {
                Value::Circle(geometry::Circle {
                    center,
                    radius: radius.abs(),
                })
            })
            .boxed(),
        Scalar::TsVector => text("|'a'|'a':1A '[b-z][b-z ]{0,2}':2,3"),
        Scalar::RegType => text("-|integer|text\\[\\]|\"char\"|timestamp with time zone"),
        Scalar::Int2Vector => text("|-?[1-9]( [1-9]){0,3}"),
        Scalar::Hstore => prop::collection::btree_map(
            "[^\\x00]{0,6}",
            prop::option::of("[^\\x00]{0,6}|(?i)null"),
            0..4,
        )
        .prop_map(|map: BTreeMap<_, _>| Value::Hstore(map))
        .boxed(),
        Scalar::Ltree => text("[a-z]{1,4}(\\.[A-Z0-9_]{1,4}){0,3}"),
    }
}

fn time(micros: i64) -> Time {
    Time::from_micros(micros).expect("of a day")
}
