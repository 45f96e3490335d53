//! What is known of a type that is not built in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Builtin, Facts, Kind, Oid, RecordTypes, Type, oids};
use crate::builtin;
use crate::converter::Converter;

/// The facts of a type that is not built in.
#[derive(Clone)]
pub(crate) struct Other {
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    /// What an array, a range or a multirange consists of; what a domain constrains.
    pub(super) part: Option<Type>,
    schema: Option<Box<str>>,
    delimiter: u8,
    fields: Box<[TypeField]>,
    labels: Box<[Box<str>]>,
    /// Nothing but the oid is known.
    unknown: bool,
    /// Whether all that it consists of is read in binary. Kept, since types of types could be walked in as many ways as there are values.
    binary: bool,
    converter: Option<Converter>,
    /// Of `record`: what its members may be.
    pub(super) record_types: Option<RecordTypes>,
    /// A built-in type with a converter.
    pub(super) builtin: Option<&'static Builtin>,
    outdated: Outdated,
}

/// Whether a value was met that contradicts these facts.
#[derive(Default)]
struct Outdated(AtomicBool);

/// Other facts are a new type, which nothing has contradicted yet.
impl Clone for Outdated {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A field of a composite type: a column of a table, when the type is the table's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeField {
    name: Box<str>,
    ty: Type,
}

impl TypeField {
    /// A field with this name and this type.
    pub fn new(name: impl Into<Box<str>>, ty: Type) -> Self {
        Self {
            name: name.into(),
            ty,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn ty(&self) -> &Type {
        &self.ty
    }
}

impl Other {
    pub(super) fn new(name: Box<str>, kind: Kind, part: Option<Type>) -> Self {
        let binary = part.as_ref().is_some_and(Type::is_read_in_binary);
        Self {
            name,
            kind,
            part,
            binary,
            schema: None,
            delimiter: b',',
            fields: Box::default(),
            labels: Box::default(),
            unknown: false,
            converter: None,
            record_types: None,
            builtin: None,
            outdated: Outdated::default(),
        }
    }

    pub(super) fn unknown(oid: Oid) -> Self {
        Self {
            unknown: true,
            ..Self::new(format!("oid {oid}").into(), Kind::Base, None)
        }
    }
}

/// Facts of types that are not built in. What a method sets is ignored for a type that is.
impl Type {
    /// The same type, in this schema.
    #[must_use]
    pub fn with_schema(self, schema: impl Into<Box<str>>) -> Self {
        self.with(|facts| facts.schema = Some(schema.into()))
    }

    /// The same composite type, with these fields, in the order in which values have them.
    #[must_use]
    pub fn with_fields(self, fields: impl Into<Box<[TypeField]>>) -> Self {
        self.with(|facts| {
            facts.fields = fields.into();
            if facts.kind != Kind::Composite {
                return;
            }
            facts.binary = !facts.fields.is_empty()
                && facts
                    .fields
                    .iter()
                    .all(|field| field.ty.is_read_in_binary());
        })
    }

    /// The same enum, with these labels, in their order.
    #[must_use]
    pub fn with_labels(self, labels: impl Into<Box<[Box<str>]>>) -> Self {
        self.with(|facts| facts.labels = labels.into())
    }

    /// The same type, between whose values an array writes this character (`pg_type.typdelim`). It is a comma unless told otherwise.
    #[must_use]
    pub fn with_delimiter(self, delimiter: u8) -> Self {
        self.with(|facts| facts.delimiter = delimiter)
    }

    /// The same type, whose values become a [`Value`](crate::Value) as this converter says. A built-in type may have one as well.
    #[must_use]
    pub fn with_converter(self, converter: Converter) -> Self {
        self.into_other()
            .with(|facts| facts.converter = Some(converter))
    }

    /// The same array or range, with parts of this type: the same type, but for what is known of it.
    #[must_use]
    pub fn with_element(self, element: Self) -> Self {
        if self.part() == Some(&element) {
            self.into_other().with(|facts| {
                facts.binary = element.is_read_in_binary();
                facts.part = Some(element);
            })
        } else {
            self
        }
    }

    /// With facts that can be changed.
    pub(super) fn into_other(self) -> Self {
        let Facts::Builtin(builtin) = self.facts else {
            return self;
        };
        let other = Other {
            builtin: Some(builtin),
            schema: Some("pg_catalog".into()),
            delimiter: self.delimiter_byte(),
            ..Other::new(builtin.name.into(), builtin.kind, self.part().cloned())
        };
        Self {
            oid: self.oid,
            facts: Facts::Other(Arc::new(other)),
        }
    }

    /// Whether it has a converter.
    pub fn has_converter(&self) -> bool {
        self.converter().is_some()
    }

    pub(crate) fn converter(&self) -> Option<&Converter> {
        self.other()?.converter.as_ref()
    }

    pub(super) fn parts_are_binary(&self) -> bool {
        match self.other() {
            Some(other) => other.binary,
            None => self.part().is_some_and(Self::is_read_in_binary),
        }
    }

    /// The facts of the server's own table, also of a type with a converter.
    pub(super) fn builtin(&self) -> Option<&'static Builtin> {
        match &self.facts {
            Facts::Builtin(builtin) => Some(builtin),
            Facts::Other(other) => other.builtin,
        }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Other)) -> Self {
        if let Facts::Other(other) = &mut self.facts {
            change(Arc::make_mut(other));
        }
        self
    }

    /// The schema that it is in, where that is known.
    pub fn schema(&self) -> Option<&str> {
        match &self.facts {
            Facts::Builtin(_) => Some("pg_catalog"),
            Facts::Other(other) => other.schema.as_deref(),
        }
    }

    /// The fields of a composite type, where they are known.
    pub fn fields(&self) -> &[TypeField] {
        self.other().map_or(&[], |other| &other.fields)
    }

    /// The labels of an enum in their order, where they are known.
    pub fn labels(&self) -> &[Box<str>] {
        self.other().map_or(&[], |other| &other.labels)
    }

    /// What a domain constrains, which may be another domain.
    pub fn base(&self) -> Option<&Self> {
        match self.other() {
            Some(other) if other.kind == Kind::Domain => other.part.as_ref(),
            _ => None,
        }
    }

    /// What stands between two values of this type in the text form of an array: a comma for nearly all types.
    pub fn delimiter(&self) -> char {
        char::from(self.delimiter_byte())
    }

    pub(crate) fn delimiter_byte(&self) -> u8 {
        match &self.facts {
            Facts::Builtin(_) if self.oid == oids::BOX => b';',
            Facts::Builtin(_) => b',',
            Facts::Other(other) => other.delimiter,
        }
    }

    /// The type that values of this type are read and written as: what a domain constrains in the end, and any other type itself.
    pub fn underlying(&self) -> &Self {
        let mut ty = self;
        while let Some(base) = ty.base() {
            ty = base;
        }
        ty
    }

    /// What [`Type::element`] returns, without a reference count.
    pub(crate) fn part(&self) -> Option<&Self> {
        match &self.facts {
            Facts::Builtin(builtin) => builtin::find(builtin.element),
            Facts::Other(other) if other.kind == Kind::Domain => None,
            Facts::Other(other) => other.part.as_ref(),
        }
    }

    /// Whether nothing but the oid is known: it may be an array, a composite type, anything.
    pub fn is_unknown(&self) -> bool {
        self.other().is_some_and(|other| other.unknown)
    }

    /// Whether a value was read that this type cannot have, such as an enum's label that was added since the type was looked up: whoever
    /// looked it up had better do so again. All clones of a type know.
    pub fn is_outdated(&self) -> bool {
        self.other()
            .is_some_and(|other| other.outdated.0.load(Ordering::Relaxed))
    }

    pub(crate) fn note_outdated(&self) {
        if let Some(other) = self.other() {
            other.outdated.0.store(true, Ordering::Relaxed);
        }
    }

    /// Notes a label of an enum that is not among those that are known.
    pub(crate) fn note_label(&self, label: &[u8]) {
        let labels = self.labels();
        if !labels.is_empty() && !labels.iter().any(|known| known.as_bytes() == label) {
            self.note_outdated();
        }
    }

    /// An extension's, so its oid differs from database to database.
    pub(crate) fn is_hstore(&self) -> bool {
        self.other()
            .is_some_and(|other| other.kind == Kind::Base && &*other.name == "hstore")
    }

    pub(super) fn other(&self) -> Option<&Other> {
        match &self.facts {
            Facts::Builtin(_) => None,
            Facts::Other(other) => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_types_of_ones_own() {
        let mood = Type::new(70_000, "mood", Kind::Enum, None)
            .with_labels([Box::from("sad"), Box::from("ok")])
            .with_schema("app");
        assert_eq!(mood.labels(), [Box::from("sad"), Box::from("ok")]);
        assert_eq!(mood.schema(), Some("app"));
        let pair = Type::new(70_001, "pair", Kind::Composite, None).with_fields([
            TypeField::new("a", Type::INT4),
            TypeField::new("b", mood.clone()),
        ]);
        let names: Vec<_> = pair.fields().iter().map(TypeField::name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(pair.fields()[1].ty().labels().len(), 2);
        let geometry = Type::new(70_002, "geometry", Kind::Base, None).with_delimiter(b':');
        assert_eq!(geometry.delimiter(), ':');
        assert_eq!((Type::BOX.delimiter(), pair.delimiter()), (';', ','));
        assert!(Type::unknown(70_003).is_unknown());
        assert!(!mood.is_unknown() && !Type::INT4.is_unknown());
    }

    #[test]
    fn a_domain_leads_to_its_base() {
        let inner = Type::new(70_000, "inner", Kind::Domain, Some(Type::INT4));
        let outer = Type::new(70_001, "outer", Kind::Domain, Some(inner.clone()));
        assert_eq!(outer.base(), Some(&inner));
        assert_eq!(outer.element(), None);
        assert_eq!(outer.underlying(), &Type::INT4);
        assert_eq!(Type::INT4.underlying(), &Type::INT4);
        assert_eq!(Type::INT4_ARRAY.base(), None);
    }

    #[test]
    fn an_unknown_label_tells_that_the_type_is_outdated() {
        let mood = Type::new(70_000, "mood", Kind::Enum, None);
        let known = mood
            .clone()
            .with_labels([Box::from("sad"), Box::from("ok")]);
        let clone = known.clone();
        mood.note_label(b"happy");
        known.note_label(b"ok");
        assert!(!mood.is_outdated() && !clone.is_outdated());
        known.note_label(b"happy");
        assert!(clone.is_outdated());
        assert!(!known.with_schema("other").is_outdated());
        Type::INT4.note_outdated();
        assert!(!Type::INT4.is_outdated());
    }

    #[test]
    fn built_in_types_stay_as_they_are() {
        let ty = Type::INT4.with_schema("x").with_delimiter(b';');
        assert_eq!((ty.schema(), ty.delimiter()), (Some("pg_catalog"), ','));
        assert!(ty.fields().is_empty() && ty.labels().is_empty());
    }
}
