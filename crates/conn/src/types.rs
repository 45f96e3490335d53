//! What a connection knows of types that are not built in.

mod lookup;

use std::collections::HashMap;

use purepg_types::{Converter, Oid, RecordTypes, Type};

pub(crate) use lookup::{Found, Known, Lookup, Wanted};

/// The types of one connection's database that somebody has met.
#[derive(Debug, Default)]
pub(crate) struct Types {
    known: HashMap<Oid, Known>,
    /// As somebody wrote them, for this session's search path.
    names: HashMap<Box<str>, Oid>,
    converters: Vec<(Box<str>, Converter)>,
    /// What is known, for the members of anonymous records.
    records: RecordTypes,
    /// How often everything was forgotten.
    generation: u64,
    /// The server has no such catalogue.
    off: bool,
}

impl Types {
    /// The type behind a number; one that nobody has looked up is known by its number alone.
    pub(crate) fn get(&self, oid: Oid) -> Type {
        let ty = match self.known.get(&oid) {
            Some(known) => known.ty.clone(),
            None => Type::from_oid(oid).unwrap_or_else(|| Type::unknown(oid)),
        };
        if ty == Type::RECORD {
            ty.with_record_types(&self.records)
        } else if ty == Type::RECORD_ARRAY {
            ty.with_element(self.get(Type::RECORD.oid()))
        } else {
            ty
        }
    }

    /// True when somebody may have met such.
    pub(crate) fn has_missing_in_records(&self) -> bool {
        self.records.has_missing()
    }

    /// What somebody has met in a record of which nothing is known.
    pub(crate) fn missing_in_records(&self) -> Vec<Oid> {
        self.missing(self.records.take_missing())
    }

    /// What is known has changed.
    fn publish(&self) {
        let types = self.known.values().map(|known| known.ty.clone());
        // These would hold themselves.
        let types = types.filter(|ty| *ty != Type::RECORD && *ty != Type::RECORD_ARRAY);
        self.records.replace(types);
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Type> {
        self.names.get(name).map(|oid| self.get(*oid))
    }

    /// Which of these nothing is known of, though something could be.
    pub(crate) fn missing(&self, oids: impl IntoIterator<Item = Oid>) -> Vec<Oid> {
        if self.off {
            return Vec::new();
        }
        let mut missing: Vec<_> = oids
            .into_iter()
            .filter(|oid| Type::from_oid(*oid).is_none() && !self.known.contains_key(oid))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// What was looked up. Of what was not found, nothing more will be known.
    pub(crate) fn learn(&mut self, wanted: &Wanted, found: &Found) {
        let made = found.types(&self.known, &|ty| self.converted(ty));
        self.known.extend(made);
        match wanted {
            Wanted::Oids(oids) => {
                for oid in oids {
                    self.known
                        .entry(*oid)
                        .or_insert_with(|| Type::unknown(*oid).into());
                }
            }
            Wanted::Name(name) => {
                if let Some(oid) = found.first() {
                    self.names.insert(name.clone(), oid);
                }
            }
        }
        self.publish();
    }

    /// The server does not answer as PostgreSQL does: types stay numbers.
    pub(crate) fn turn_off(&mut self) {
        self.off = true;
    }

    /// Forgets everything that was looked up: some of it may have changed.
    pub(crate) fn forget(&mut self) {
        if !self.known.is_empty() || !self.names.is_empty() {
            self.known.clear();
            self.names.clear();
            self.generation += 1;
            self.convert_builtin();
        }
    }

    /// Forgets everything if a value was met that contradicts it.
    pub(crate) fn refresh(&mut self) {
        if self.known.values().any(|known| known.ty.is_outdated()) {
            self.forget();
        }
    }

    /// Grows whenever everything was forgotten.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// From now on values of this type are converted so.
    pub(crate) fn add_converter(&mut self, name: &str, converter: Converter) {
        self.converters.retain(|(known, _)| **known != *name);
        self.converters.push((name.into(), converter));
        self.known.clear();
        self.generation += 1;
        self.convert_builtin();
    }

    /// With the converter that somebody has added for it, if somebody has.
    fn converted(&self, ty: Type) -> Type {
        let schema = ty.schema().unwrap_or_default();
        let full = format!("{schema}.{}", ty.name());
        let oid = ty.oid().to_string();
        let named = |name: &str| name == ty.name() || name == full || name == oid;
        let found = self.converters.iter().find(|(name, _)| named(name));
        match found {
            Some((_, converter)) => ty.with_converter(converter.clone()),
            None => ty,
        }
    }

    /// The converters of built-in types, and of what consists of these.
    fn convert_builtin(&mut self) {
        if !self.converters.is_empty() {
            self.convert_numbers();
        }
        self.publish();
    }

    fn convert_numbers(&mut self) {
        // The server's own numbers are below this one.
        for ty in (0..10_000).filter_map(Type::from_oid) {
            let converted = self.converted(ty);
            if converted.has_converter() {
                self.known.insert(converted.oid(), converted.into());
            }
        }
        // Arrays and ranges of these, and then what consists of such: a multirange consists of ranges.
        for ty in (0..10_000).chain(0..10_000).filter_map(Type::from_oid) {
            let part = ty.element().map(|part| self.get(part.oid()));
            if let Some(part) = part.filter(has_converter_inside) {
                let ty = ty.with_element(part);
                self.known.insert(ty.oid(), ty.into());
            }
        }
    }
}

/// It, or what it consists of.
fn has_converter_inside(ty: &Type) -> bool {
    ty.has_converter() || ty.element().is_some_and(|part| has_converter_inside(&part))
}

#[cfg(test)]
mod tests {
    use purepg_types::{Format, Kind, Value};

    use super::*;

    fn shout() -> Converter {
        Converter::new(Format::Text, |_, raw, _| {
            Ok(Value::Text(String::from_utf8_lossy(raw).to_uppercase()))
        })
    }

    #[test]
    fn built_in_types_are_never_missing() {
        let types = Types::default();
        assert_eq!(
            types.missing([23, 70_001, 25, 70_000, 70_001]),
            [70_000, 70_001]
        );
        assert_eq!(types.get(23), Type::INT4);
        assert!(types.get(70_000).is_unknown());
    }

    #[test]
    fn a_converter_of_a_built_in_type_is_that_of_its_array_too() {
        for name in ["text", "pg_catalog.text", "25"] {
            let mut types = Types::default();
            types.add_converter(name, shout());
            assert!(types.get(25).has_converter());
            let array = types.get(1009);
            assert!(array.element().unwrap().has_converter());
            assert!(!types.get(1043).has_converter());
            // It stays when everything else is forgotten.
            types.forget();
            assert!(types.get(25).has_converter(), "{name}");
        }
    }

    #[test]
    fn records_know_what_the_connection_knows() {
        let mut types = Types::default();
        let record = types.get(2249);
        let column = purepg_types::Column::new("a", record, Format::Binary);
        let mut raw = vec![0, 0, 0, 2];
        for oid in [70_000_u32, 25] {
            raw.extend(oid.to_be_bytes());
            raw.extend([0, 0, 0, 1, b'x']);
        }
        let shown = || {
            let field = purepg_types::Field::new(&column, Some(&raw));
            field.decode::<Value>().unwrap().to_string()
        };
        assert_eq!(shown(), r#"("\\x78",x)"#);
        assert_eq!(types.missing_in_records(), [70_000]);
        types.add_converter("text", shout());
        assert_eq!(shown(), r#"("\\x78",X)"#);
        assert_eq!(types.missing_in_records(), [70_000]);
        // There is none such: it is not asked for again.
        types.learn(&Wanted::Oids(vec![70_000]), &Found::default());
        assert_eq!(shown(), r#"("\\x78",X)"#);
        assert!(types.missing_in_records().is_empty());
        types.forget();
        shown();
        assert_eq!(types.missing_in_records(), [70_000]);
    }

    #[test]
    fn what_was_not_found_is_not_asked_for_again() {
        let mut types = Types::default();
        let wanted = Wanted::Oids(vec![70_000]);
        types.learn(&wanted, &Found::default());
        assert!(types.missing([70_000]).is_empty());
        let before = types.generation();
        types.forget();
        assert_eq!(types.missing([70_000]), [70_000]);
        assert!(types.generation() > before);
        types.turn_off();
        assert!(types.missing([70_000]).is_empty());
    }

    #[test]
    fn what_a_value_contradicts_is_forgotten() {
        let mut types = Types::default();
        let mood = Type::new(70_000, "mood", Kind::Enum, None).with_labels([Box::from("sad")]);
        types.known.insert(70_000, mood.clone().into());
        types.refresh();
        assert_eq!(types.get(70_000).labels().len(), 1);
        let column = purepg_types::Column::new("a", mood, Format::Text);
        let field = purepg_types::Field::new(&column, Some(b"happy"));
        assert_eq!(field.decode::<&str>().unwrap(), "happy");
        types.refresh();
        assert!(types.get(70_000).is_unknown());
    }
}
