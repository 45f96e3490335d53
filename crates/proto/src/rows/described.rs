//! The columns that were described last.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::message::backend::row_description::Columns;
use crate::wire::reader::Malformed;

/// Longer descriptions are not kept.
const LONGEST: usize = 8 * 1024;

/// The columns that were described last: a text that is run again and again is described each time, and mostly alike.
#[derive(Debug, Default)]
pub(crate) struct Described {
    body: Vec<u8>,
    columns: Option<Arc<Columns>>,
}

impl Described {
    /// The columns that a `RowDescription` tells of: the last ones if it is the same to the byte.
    pub(crate) fn columns(&mut self, body: &[u8]) -> Result<Arc<Columns>, Malformed> {
        if let Some(columns) = self.columns.as_ref().filter(|_| self.body == body) {
            return Ok(Arc::clone(columns));
        }
        let columns = Arc::new(Columns::decode(body)?);
        self.columns = None;
        if body.len() <= LONGEST {
            self.body.clear();
            self.body.extend_from_slice(body);
            self.columns = Some(Arc::clone(&columns));
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// A column of type `int4` by this name.
    fn body(name: &str) -> Vec<u8> {
        let mut body = vec![0, 1];
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&[0; 7]);
        body.extend_from_slice(&[0, 0, 0, 23, 0, 4, 255, 255, 255, 255, 0, 0]);
        body
    }

    #[test]
    fn columns_are_shared_as_long_as_they_are_the_same() {
        let mut described = Described::default();
        let first = described.columns(&body("a")).unwrap();
        let again = described.columns(&body("a")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let other = described.columns(&body("b")).unwrap();
        assert_eq!((first[0].name(), other[0].name()), ("a", "b"));
        let back = described.columns(&body("a")).unwrap();
        assert!(back == first && !Arc::ptr_eq(&first, &back));
    }

    #[test]
    fn what_is_malformed_or_long_leaves_nothing_to_share() {
        let mut described = Described::default();
        described.columns(&body("a")).unwrap();
        assert!(described.columns(&body("a")[..9]).is_err());
        let long = body(&"x".repeat(LONGEST));
        let first = described.columns(&long).unwrap();
        let again = described.columns(&long).unwrap();
        assert!(first == again && !Arc::ptr_eq(&first, &again));
        assert!(described.body.len() < LONGEST);
    }
}
