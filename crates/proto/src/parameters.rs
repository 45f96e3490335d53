//! What the server reports about the session.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The run-time parameters that the server has reported, at one moment. A copy costs a reference count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Arc<Vec<(Box<str>, Box<str>)>>);

impl Parameters {
    /// The value of a parameter; names are compared as the server spells them (`TimeZone`, `server_version`).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(candidate, _)| *candidate == name)
            .map(|(_, value)| value)
    }

    /// All of them, in the order in which the server reported them first.
    pub fn iter(&self) -> ParametersIter<'_> {
        ParametersIter(self.0.iter())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True before the server has reported any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let parameters = Arc::make_mut(&mut self.0);
        match parameters
            .iter_mut()
            .find(|(candidate, _)| &**candidate == name)
        {
            Some((_, current)) => *current = value.into(),
            None => parameters.push((name.into(), value.into())),
        }
    }
}

impl<'p> IntoIterator for &'p Parameters {
    type Item = (&'p str, &'p str);
    type IntoIter = ParametersIter<'p>;

    fn into_iter(self) -> ParametersIter<'p> {
        self.iter()
    }
}

/// Names and values, in the order in which the server reported them first.
#[derive(Clone, Debug)]
pub struct ParametersIter<'p>(core::slice::Iter<'p, (Box<str>, Box<str>)>);

impl<'p> Iterator for ParametersIter<'p> {
    type Item = (&'p str, &'p str);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (&**name, &**value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_a_snapshot() {
        let mut parameters = Parameters::default();
        parameters.set("a", "1");
        let before = parameters.clone();
        parameters.set("a", "2");
        parameters.set("b", "3");
        assert_eq!((before.get("a"), before.get("b")), (Some("1"), None));
        assert!(parameters.iter().eq([("a", "2"), ("b", "3")]));
    }
}
