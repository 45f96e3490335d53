//! What the ten values of [`ten_values`](crate::stream::ten_values) are in Rust, and what everybody does with them.

use chrono::{DateTime, Utc};
use purepg_conn::{FromRow, TimestampTz, ToSql};
use uuid::Uuid;

/// As a tuple. What can be borrowed is; `jsonb` is its text.
pub type Tuple<'r, Moment = TimestampTz, Id = [u8; 16]> = (
    i64,
    i32,
    &'r str,
    &'r str,
    bool,
    f64,
    Moment,
    Id,
    &'r str,
    &'r [u8],
);

/// With types of other crates.
pub type OthersTuple<'r> = Tuple<'r, DateTime<Utc>, Uuid>;

/// As a struct, whose fields are found by their names.
#[derive(FromRow, Clone, Copy, PartialEq, Debug)]
#[expect(missing_docs, reason = "they are what the columns are")]
pub struct Named<'r> {
    pub id: i64,
    pub visits: i32,
    pub name: &'r str,
    pub remark: &'r str,
    pub active: bool,
    pub score: f64,
    pub created: TimestampTz,
    pub token: [u8; 16],
    pub data: &'r str,
    pub picture: &'r [u8],
}

impl<'r> Named<'r> {
    /// The same values.
    #[inline]
    pub fn tuple(self) -> Tuple<'r> {
        (
            self.id,
            self.visits,
            self.name,
            self.remark,
            self.active,
            self.score,
            self.created,
            self.token,
            self.data,
            self.picture,
        )
    }
}

/// The same with its fields in another order than the columns.
#[derive(FromRow, Clone, Copy, PartialEq, Debug)]
#[expect(missing_docs, reason = "they are what the columns are")]
pub struct Shuffled<'r> {
    pub data: &'r str,
    pub created: TimestampTz,
    pub name: &'r str,
    pub active: bool,
    pub id: i64,
    pub picture: &'r [u8],
    pub visits: i32,
    pub token: [u8; 16],
    pub remark: &'r str,
    pub score: f64,
}

impl<'r> Shuffled<'r> {
    /// The same values.
    #[inline]
    pub fn tuple(self) -> Tuple<'r> {
        (
            self.id,
            self.visits,
            self.name,
            self.remark,
            self.active,
            self.score,
            self.created,
            self.token,
            self.data,
            self.picture,
        )
    }
}

/// What every contestant does with a row: something of each value, so that all of them have to be there.
#[inline]
pub fn weigh<Moment: Weigh, Id: Weigh>(row: &Tuple<'_, Moment, Id>) -> u64 {
    let (id, visits, name, remark, active, score, created, token, data, picture) = row;
    id.cast_unsigned()
        .wrapping_add(u64::from(visits.cast_unsigned()))
        .wrapping_add(name.len() as u64)
        .wrapping_add(remark.len() as u64)
        .wrapping_add(u64::from(*active))
        .wrapping_add(score.to_bits())
        .wrapping_add(created.weigh())
        .wrapping_add(token.weigh())
        .wrapping_add(data.len() as u64)
        .wrapping_add(picture.len() as u64)
}

/// Something of a value of which there are two types.
pub trait Weigh {
    /// A number.
    fn weigh(&self) -> u64;
}

impl Weigh for TimestampTz {
    #[inline]
    fn weigh(&self) -> u64 {
        self.micros().rem_euclid(1 << 32).cast_unsigned()
    }
}

impl Weigh for DateTime<Utc> {
    #[inline]
    fn weigh(&self) -> u64 {
        self.timestamp_subsec_nanos().into()
    }
}

impl Weigh for [u8; 16] {
    #[inline]
    fn weigh(&self) -> u64 {
        self[0].into()
    }
}

impl Weigh for Uuid {
    #[inline]
    fn weigh(&self) -> u64 {
        self.as_bytes()[0].into()
    }
}

/// Ten values to send.
pub fn ten() -> OthersTuple<'static> {
    (
        0x0102_0304_0506_0708,
        -70_000,
        "the quick brown fox",
        "jumps over the lazy dog, and then once more: the quick brown fox",
        true,
        1.5,
        DateTime::from_timestamp(1_700_000_000, 123_456_000).expect("a moment"),
        Uuid::from_u128(0x1234_5678_9abc_def1_0fed_cba9_8765_4321),
        r#"{"id": 7, "tags": ["a", "b"], "n": 1234567}"#,
        b"\x00\x01\x02\x03 and some more bytes",
    )
}

/// As parameters.
pub fn params<'v, Moment: ToSql, Id: ToSql>(
    values: &'v Tuple<'v, Moment, Id>,
) -> [&'v dyn ToSql; 10] {
    let (id, visits, name, remark, active, score, created, token, data, picture) = values;
    [
        id, visits, name, remark, active, score, created, token, data, picture,
    ]
}
