//! [`Range`] and [`Multirange`].

use std::fmt;
use std::ops::{self, Bound};

/// A range of values: all that lie between two bounds, or none.
///
/// ```
/// use std::ops::Bound;
/// use purepg_types::Range;
///
/// let teens = Range::from(13..20);
/// assert_eq!(teens, Range::Bounds(Bound::Included(13), Bound::Excluded(20)));
/// assert!(teens.contains(&13) && !teens.contains(&20));
/// assert_eq!(teens.to_string(), "[13,20)");
/// assert_eq!(Range::from(..=5).to_string(), "(,5]");
/// assert_eq!(Range::<i32>::Empty.to_string(), "empty");
/// ```
///
/// The server writes ranges of discrete types, such as `int4range`, in one way: `[1,5]` comes back as `[1,6)`. A range that holds
/// nothing, such as `[1,1)`, comes back as `empty`.
// Exhaustive: a range is either of these.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Range<T> {
    /// The range that holds nothing.
    Empty,
    /// What lies between a lower and an upper bound.
    Bounds(Bound<T>, Bound<T>),
}

impl<T> Range<T> {
    /// The range that holds everything.
    pub const fn all() -> Self {
        Self::Bounds(Bound::Unbounded, Bound::Unbounded)
    }

    /// The lower bound; `None` when the range is empty.
    pub fn lower(&self) -> Option<Bound<&T>> {
        match self {
            Self::Empty => None,
            Self::Bounds(lower, _) => Some(lower.as_ref()),
        }
    }

    /// The upper bound; `None` when the range is empty.
    pub fn upper(&self) -> Option<Bound<&T>> {
        match self {
            Self::Empty => None,
            Self::Bounds(_, upper) => Some(upper.as_ref()),
        }
    }

    /// Whether it is [`Range::Empty`]. Bounds that nothing lies between are not told apart from others.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether the value lies in the range.
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialOrd,
    {
        match self {
            Self::Empty => false,
            Self::Bounds(lower, upper) => {
                ops::RangeBounds::contains(&(lower.as_ref(), upper.as_ref()), value)
            }
        }
    }

    /// The bounds that there are.
    pub(crate) fn bounds(&self) -> impl Iterator<Item = &T> {
        let bounds = match self {
            Self::Empty => [None, None],
            Self::Bounds(lower, upper) => [Some(lower), Some(upper)],
        };
        bounds
            .into_iter()
            .flatten()
            .filter_map(|bound| match bound {
                Bound::Included(value) | Bound::Excluded(value) => Some(value),
                Bound::Unbounded => None,
            })
    }
}

macro_rules! from_range {
    ($($rust:ty: $range:ident => $lower:expr, $upper:expr;)*) => { $(
        impl<T> From<$rust> for Range<T> {
            fn from($range: $rust) -> Self {
                Self::Bounds($lower, $upper)
            }
        }
    )* };
}

from_range! {
    ops::Range<T>: range => Bound::Included(range.start), Bound::Excluded(range.end);
    ops::RangeFrom<T>: range => Bound::Included(range.start), Bound::Unbounded;
    ops::RangeTo<T>: range => Bound::Unbounded, Bound::Excluded(range.end);
    ops::RangeToInclusive<T>: range => Bound::Unbounded, Bound::Included(range.end);
    ops::RangeFull: _range => Bound::Unbounded, Bound::Unbounded;
    (Bound<T>, Bound<T>): bounds => bounds.0, bounds.1;
}

impl<T> From<ops::RangeInclusive<T>> for Range<T> {
    fn from(range: ops::RangeInclusive<T>) -> Self {
        let (start, end) = range.into_inner();
        Self::Bounds(Bound::Included(start), Bound::Included(end))
    }
}

/// As PostgreSQL writes it, if `T` writes what needs no quotes.
impl<T: fmt::Display> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Bounds(lower, upper) = self else {
            return f.write_str("empty");
        };
        match lower {
            Bound::Included(value) => write!(f, "[{value},")?,
            Bound::Excluded(value) => write!(f, "({value},")?,
            Bound::Unbounded => f.write_str("(,")?,
        }
        match upper {
            Bound::Included(value) => write!(f, "{value}]"),
            Bound::Excluded(value) => write!(f, "{value})"),
            Bound::Unbounded => f.write_str(")"),
        }
    }
}

/// A list of ranges. What the server sends is sorted, and no two of them touch; it puts what it is sent into that form.
///
/// ```
/// use purepg_types::{Multirange, Range};
///
/// let free: Multirange<i32> = [Range::from(1..3), Range::from(7..)].into();
/// assert_eq!(free.ranges().len(), 2);
/// assert_eq!(free.to_string(), "{[1,3),[7,)}");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Multirange<T>(Vec<Range<T>>);

impl<T> Multirange<T> {
    /// The ranges.
    pub fn ranges(&self) -> &[Range<T>] {
        &self.0
    }

    /// The ranges, to keep.
    pub fn into_ranges(self) -> Vec<Range<T>> {
        self.0
    }

    /// Whether the value lies in one of the ranges.
    pub fn contains(&self, value: &T) -> bool
    where
        T: PartialOrd,
    {
        self.0.iter().any(|range| range.contains(value))
    }
}

impl<T> Default for Multirange<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> From<Vec<Range<T>>> for Multirange<T> {
    fn from(ranges: Vec<Range<T>>) -> Self {
        Self(ranges)
    }
}

impl<T, const N: usize> From<[Range<T>; N]> for Multirange<T> {
    fn from(ranges: [Range<T>; N]) -> Self {
        Self(ranges.into())
    }
}

impl<T> FromIterator<Range<T>> for Multirange<T> {
    fn from_iter<I: IntoIterator<Item = Range<T>>>(ranges: I) -> Self {
        Self(Vec::from_iter(ranges))
    }
}

/// As PostgreSQL writes it, if `T` writes what needs no quotes.
impl<T: fmt::Display> fmt::Display for Multirange<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, range) in self.0.iter().enumerate() {
            f.write_str(if place > 0 { "," } else { "" })?;
            range.fmt(f)?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_rust_are_ranges() {
        use Bound::{Excluded, Included, Unbounded};
        assert_eq!(Range::from(1..2), Range::Bounds(Included(1), Excluded(2)));
        assert_eq!(Range::from(1..=2), Range::Bounds(Included(1), Included(2)));
        assert_eq!(Range::from(1..), Range::Bounds(Included(1), Unbounded));
        assert_eq!(Range::from(..2), Range::Bounds(Unbounded, Excluded(2)));
        assert_eq!(Range::from(..=2), Range::Bounds(Unbounded, Included(2)));
        assert_eq!(Range::<i32>::from(..), Range::all());
        let both = (Excluded(1), Excluded(2));
        assert_eq!(Range::from(both).to_string(), "(1,2)");
    }

    #[test]
    fn what_lies_in_a_range() {
        let range = Range::from((Bound::Excluded(1), Bound::Included(3)));
        let inside: Vec<_> = (0..5).filter(|value| range.contains(value)).collect();
        assert_eq!(inside, [2, 3]);
        assert!(!Range::Empty.contains(&1) && Range::all().contains(&1));
        let multirange = Multirange::from_iter([Range::from(1..2), Range::from(3..4)]);
        assert!(multirange.contains(&3) && !multirange.contains(&2));
        assert!(!Multirange::default().contains(&2));
        assert_eq!(
            (range.lower(), range.upper()),
            (Some(Bound::Excluded(&1)), Some(Bound::Included(&3)))
        );
        assert_eq!(Range::<i32>::Empty.lower(), None);
    }
}
