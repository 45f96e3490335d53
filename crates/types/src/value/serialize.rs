//! Values for `serde`, in the form that PostgreSQL's `to_json` gives them.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::Value;
use crate::{Array, Composite};

/// Numbers are numbers, unless JSON has none such; arrays are sequences, of sequences where they have several dimensions; composite values
/// are maps, with the keys `f1`, `f2`, … where their fields have no names; everything else is the text that [`Value`] displays.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int2(value) => serializer.serialize_i16(*value),
            Self::Int4(value) => serializer.serialize_i32(*value),
            Self::Int8(value) => serializer.serialize_i64(*value),
            Self::Oid(value) => serializer.serialize_u32(*value),
            Self::Float4(value) if value.is_finite() => serializer.serialize_f32(*value),
            Self::Float8(value) if value.is_finite() => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(array) => array.serialize(serializer),
            Self::Composite(composite) => composite.serialize(serializer),
            Self::Hstore(map) => map.serialize(serializer),
            _ => serializer.collect_str(self),
        }
    }
}

impl<T: Serialize> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lengths: Vec<_> = self.dimensions().iter().map(|d| d.length).collect();
        Dimensions {
            elements: self.elements(),
            lengths: &lengths,
        }
        .serialize(serializer)
    }
}

struct Dimensions<'a, T> {
    elements: &'a [T],
    lengths: &'a [usize],
}

impl<T: Serialize> Serialize for Dimensions<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.lengths.split_first() {
            None | Some((_, [])) => serializer.collect_seq(self.elements),
            Some((&length, lengths)) => {
                let mut list = serializer.serialize_seq(Some(length))?;
                let size = self.elements.len().checked_div(length).unwrap_or(0).max(1);
                for elements in self.elements.chunks(size) {
                    list.serialize_element(&Dimensions { elements, lengths })?;
                }
                list.end()
            }
        }
    }
}

impl Serialize for Composite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (place, value) in self.values().iter().enumerate() {
            match self.name(place) {
                Some(name) => map.serialize_entry(name, value)?,
                None => map.serialize_entry(&format!("f{}", place.saturating_add(1)), value)?,
            }
        }
        map.end()
    }
}
