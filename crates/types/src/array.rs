//! [`Array`]: an array of any number of dimensions.

mod shape;

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::error::ValueError;
pub(crate) use shape::{MAX_DIMENSIONS, Shape};

/// An array of up to six dimensions, each of which may begin at any subscript.
///
/// Arrays of one dimension are read as a `Vec<T>`, too, and every `Vec<T>` and slice is written as one. Elements that may be NULL are an
/// `Option<T>`.
///
/// ```
/// use purepg_types::{Array, Dimension};
///
/// // [0:1][1:3]={{1,2,3},{4,5,6}}
/// let dimensions = [Dimension { length: 2, lower_bound: 0 }, Dimension::new(3)];
/// let array = Array::with_dimensions((1..=6).collect(), &dimensions)?;
/// assert_eq!(array.get(&[1, 3]), Some(&6));
/// assert_eq!(array.get(&[2, 1]), None);
/// assert_eq!(Array::from(vec![1, 2]).dimensions(), [Dimension::new(2)]);
/// # Ok::<(), purepg_types::ValueError>(())
/// ```
#[derive(Clone)]
pub struct Array<T> {
    elements: Vec<T>,
    shape: Shape,
    /// What stands between the elements where the server prints them; known of what was read.
    delimiter: Option<u8>,
}

/// One dimension of an array.
// Exhaustive: that is all there is to a dimension.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Dimension {
    /// How many elements it has.
    pub length: usize,
    /// The subscript of the first, which is mostly 1.
    pub lower_bound: i32,
}

impl Dimension {
    /// A dimension of this length, which begins at 1.
    pub const fn new(length: usize) -> Self {
        Self {
            length,
            lower_bound: 1,
        }
    }
}

impl<T> Array<T> {
    /// An array of these elements, in the order in which they are stored: the last subscript changes first.
    ///
    /// # Errors
    /// [`ValueError::Invalid`] when there are more than six dimensions, when one of them is empty or its last subscript is beyond that of an
    /// `i32`, or when the number of elements is not the product of their lengths. The empty array has no dimension at all.
    pub fn with_dimensions(elements: Vec<T>, dimensions: &[Dimension]) -> Result<Self, ValueError> {
        let shape = Shape::new(dimensions).map_err(|why| ValueError::Invalid(why.into()))?;
        if shape.count() != elements.len() {
            return Err(ValueError::Invalid(
                format!("{} elements instead of {}", elements.len(), shape.count()).into(),
            ));
        }
        Ok(Self {
            elements,
            shape,
            delimiter: None,
        })
    }

    pub(crate) fn from_parts(elements: Vec<T>, shape: Shape, delimiter: Option<u8>) -> Self {
        Self {
            elements,
            shape,
            delimiter,
        }
    }

    pub(crate) fn delimiter(&self) -> Option<u8> {
        self.delimiter
    }

    /// The dimensions; none for the empty array.
    pub fn dimensions(&self) -> &[Dimension] {
        self.shape.as_slice()
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The elements of all dimensions: the last subscript changes first.
    pub fn elements(&self) -> &[T] {
        &self.elements
    }

    /// The same, to keep.
    pub fn into_elements(self) -> Vec<T> {
        self.elements
    }

    /// The element with these subscripts, one for each dimension, as in `a[1][2]`.
    pub fn get(&self, subscripts: &[i32]) -> Option<&T> {
        let dimensions = self.dimensions();
        if subscripts.len() != dimensions.len() || subscripts.is_empty() {
            return None;
        }
        let place = subscripts.iter().zip(dimensions).try_fold(
            0_usize,
            |place, (&subscript, dimension)| {
                let offset = i64::from(subscript) - i64::from(dimension.lower_bound);
                let offset = usize::try_from(offset).ok()?;
                let place = place.checked_mul(dimension.length)?.checked_add(offset)?;
                (offset < dimension.length).then_some(place)
            },
        )?;
        self.elements.get(place)
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// True for the empty array.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The elements of all dimensions.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.elements.iter()
    }
}

/// By dimensions and elements.
impl<T: PartialEq> PartialEq for Array<T> {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements && self.shape == other.shape
    }
}

impl<T: Eq> Eq for Array<T> {}

impl<T: Hash> Hash for Array<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.elements.hash(state);
        self.shape.hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array")
            .field("elements", &self.elements)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl<T> Default for Array<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

/// One dimension, which begins at 1.
impl<T> From<Vec<T>> for Array<T> {
    fn from(elements: Vec<T>) -> Self {
        let shape = Shape::of_one(elements.len(), 1);
        Self::from_parts(elements, shape, None)
    }
}

impl<T> FromIterator<T> for Array<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self::from(Vec::from_iter(elements))
    }
}

impl<T> IntoIterator for Array<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.elements.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Array<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscripts_are_those_of_the_server() {
        let dimensions = [
            Dimension {
                length: 2,
                lower_bound: -1,
            },
            Dimension::new(1),
            Dimension::new(3),
        ];
        let array = Array::with_dimensions((0..6).collect(), &dimensions).unwrap();
        assert_eq!(array.get(&[-1, 1, 1]), Some(&0));
        assert_eq!(array.get(&[0, 1, 2]), Some(&4));
        for outside in [
            &[0, 1][..],
            &[],
            &[1, 1, 1],
            &[0, 0, 1],
            &[0, 1, 4],
            &[i32::MIN, 1, 1],
            &[0, 1, i32::MAX],
            &[0, 1, 1, 1],
        ] {
            assert_eq!(array.get(outside), None, "{outside:?}");
        }
        assert_eq!(Array::<i32>::default().get(&[]), None);
    }

    #[test]
    fn elements_and_dimensions_belong_together() {
        let refused = |count: usize, dimensions: &[Dimension]| {
            Array::with_dimensions(vec![0; count], dimensions)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(refused(5, &[Dimension::new(4)]), "5 elements instead of 4");
        assert_eq!(refused(1, &[]), "1 elements instead of 0");
        assert_eq!(
            refused(1, &[Dimension::new(1); MAX_DIMENSIONS + 1]),
            "more than 6 dimensions"
        );
        assert_eq!(refused(0, &[Dimension::new(0)]), "an empty dimension");
        assert_eq!(
            refused(1, &[Dimension::new(usize::MAX), Dimension::new(2)]),
            "more elements than an array can have"
        );
        let lower_bound = i32::MAX;
        for (length, fits) in [(1, false), (2, false)] {
            let dimension = Dimension {
                length,
                lower_bound,
            };
            let array = Array::with_dimensions(vec![0; length], &[dimension]);
            assert_eq!(array.is_ok(), fits);
        }
        assert!(Array::<i32>::with_dimensions(Vec::new(), &[]).is_ok());
    }
}
