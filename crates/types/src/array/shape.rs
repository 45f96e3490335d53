//! How many dimensions an array has, and of which length.

use super::Dimension;

/// No array of PostgreSQL has more.
pub(crate) const MAX_DIMENSIONS: usize = 6;

/// Dimensions that fit together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    dimensions: [Dimension; MAX_DIMENSIONS],
    used: usize,
}

impl Shape {
    pub(crate) const EMPTY: Self = Self {
        dimensions: [Dimension::new(0); MAX_DIMENSIONS],
        used: 0,
    };

    pub(crate) fn new(dimensions: &[Dimension]) -> Result<Self, &'static str> {
        let mut shape = Self::EMPTY;
        for dimension in dimensions {
            shape.push(*dimension)?;
        }
        Ok(shape)
    }

    /// One dimension, or none for no elements.
    pub(crate) fn of_one(length: usize, lower_bound: i32) -> Self {
        let mut shape = Self::EMPTY;
        if let (Some(first), true) = (shape.dimensions.first_mut(), length > 0) {
            *first = Dimension {
                length,
                lower_bound,
            };
            shape.used = 1;
        }
        shape
    }

    pub(crate) fn push(&mut self, dimension: Dimension) -> Result<(), &'static str> {
        let end = i64::try_from(dimension.length)
            .ok()
            .and_then(|length| length.checked_add(dimension.lower_bound.into()));
        if dimension.length == 0 {
            return Err("an empty dimension");
        }
        if self.checked_count(dimension.length).is_none() {
            return Err("more elements than an array can have");
        }
        if end.is_none_or(|end| i32::try_from(end).is_err()) {
            return Err("a subscript that is too large");
        }
        let next = self.dimensions.get_mut(self.used);
        *next.ok_or("more than 6 dimensions")? = dimension;
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// The number of elements with one more dimension, if an array can have as many.
    fn checked_count(&self, last: usize) -> Option<usize> {
        let lengths = self.as_slice().iter().map(|dimension| dimension.length);
        let before = if self.used == 0 { 1 } else { lengths.product() };
        let count = before.checked_mul(last)?;
        i32::try_from(count).is_ok().then_some(count)
    }

    /// How many elements there are.
    pub(crate) fn count(&self) -> usize {
        if self.used == 0 {
            return 0;
        }
        // It was checked with every dimension that it does not overflow.
        self.as_slice()
            .iter()
            .map(|dimension| dimension.length)
            .product()
    }

    pub(crate) fn as_slice(&self) -> &[Dimension] {
        self.dimensions.get(..self.used).unwrap_or_default()
    }
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}
