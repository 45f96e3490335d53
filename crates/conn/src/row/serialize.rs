//! Rows for `serde`.

use serde::ser::{Error as _, Serialize, SerializeMap as _, Serializer};

use crate::row::{Row, RowRef};

/// A map of the columns, in their order; of several with one name only the last is there. As JSON it is what PostgreSQL's `row_to_json`
/// makes of the row, but for what [`Value`](crate::Value) knows only as text.
impl Serialize for RowRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.values().map_err(S::Error::custom)?;
        let columns = self.columns();
        let mut map = serializer.serialize_map(None)?;
        for (place, (column, value)) in columns.iter().zip(&values).enumerate() {
            if self.columns.find(column.name()).ok() == Some(place) {
                map.serialize_entry(column.name(), value)?;
            }
        }
        map.end()
    }
}

/// As [`RowRef`].
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}
