//! Asking the catalogue: one query for types, and for all that they consist of.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;
use purepg_proto::{Batch, Bind, Format, RowShape, Target};
use purepg_types::{Kind, Oid, Type, TypeField};

use crate::columns::Columns;
use crate::error::Error;
use crate::row::RowBatch;
use crate::types::Types;

/// Types within types within types: beyond that they stay unknown. A server that lies could go on for ever.
const MAX_HEIGHT: usize = 32;

/// What is looked up.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// Numbers.
    Oids(Vec<Oid>),
    /// A name, as SQL has it.
    Name(Box<str>),
}

/// A question that is under way.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) wanted: Wanted,
    columns: Option<Arc<Columns>>,
    found: Found,
}

/// What the catalogue says, type by type.
#[derive(Debug, Default)]
pub(crate) struct Found {
    rows: HashMap<Oid, Facts>,
    /// Which was asked for by its name.
    first: Option<Oid>,
}

/// A row of the catalogue.
#[derive(Debug)]
struct Facts {
    schema: String,
    name: String,
    class: String,
    is_array: bool,
    delimiter: String,
    /// The element, the base or the subtype; 0 for none.
    part: Oid,
    field_names: Vec<String>,
    field_types: Vec<Oid>,
    labels: Vec<String>,
}

impl Lookup {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            columns: None,
            found: Found::default(),
        }
    }

    /// The messages, up to what ends them. The statement has a name, so that it does not take the place of the unnamed one.
    pub(crate) fn write(&self, batch: &mut Batch<'_>, server_version: Option<&str>) {
        const NAME: &str = "purepg_types";
        let (seed, parameter) = match &self.wanted {
            Wanted::Oids(oids) => {
                let list: Vec<_> = oids.iter().map(Oid::to_string).collect();
                let seed = "select pg_catalog.unnest($1::pg_catalog.oid[])";
                (seed, format!("{{{}}}", list.join(",")))
            }
            Wanted::Name(name) => {
                let seed = "select pg_catalog.to_regtype($1::pg_catalog.text)::pg_catalog.oid";
                (seed, String::from(&**name))
            }
        };
        // What an earlier one left that had failed.
        batch.close(Target::Statement(NAME));
        batch.parse(NAME, &sql(seed, server_version), &[]);
        let bind = Bind {
            portal: "",
            statement: NAME,
            parameter_formats: &[],
            result_formats: &[Format::Binary],
        };
        let value = |out: &mut BytesMut| {
            out.extend_from_slice(parameter.as_bytes());
            Ok::<_, std::convert::Infallible>(true)
        };
        let Ok(batch) = batch.bind(bind, |out| out.value(value));
        batch
            .describe(Target::Portal(""))
            .execute("", None, RowShape::Described)
            .close(Target::Statement(NAME));
    }

    pub(crate) fn columns(&mut self, columns: Arc<purepg_proto::Columns>) {
        self.columns = Some(Columns::new(columns, &Types::default()));
    }

    pub(crate) fn rows(&mut self, rows: purepg_proto::RowBatch) -> Result<(), Error> {
        if let Some(columns) = &self.columns {
            self.found.take(&RowBatch::new(rows, Arc::clone(columns)))?;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> (Wanted, Found) {
        (self.wanted, self.found)
    }
}

/// Starts with the types that are asked for and adds what they consist of, until there is nothing new. The server's own types, whose numbers
/// are below 10000, are known.
fn sql(seed: &str, server_version: Option<&str>) -> String {
    let major = server_version.and_then(|version| {
        let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    });
    // Multiranges came with PostgreSQL 14. What stands behind it counts where it is NULL.
    let multirange = if major.is_some_and(|major| major < 14) {
        "null::pg_catalog.oid"
    } else {
        "(select m.rngtypid from pg_catalog.pg_range as m where m.rngmultitypid operator(pg_catalog.=) t.oid)"
    };
    let part = format!(
        "coalesce(
            case when t.typtype operator(pg_catalog.=) 'd' then t.typbasetype end,
            (select r.rngsubtype from pg_catalog.pg_range as r where r.rngtypid operator(pg_catalog.=) t.oid),
            {multirange},
            case when {IS_ARRAY} then t.typelem end,
            0::pg_catalog.oid)"
    );
    format!(
        "with recursive wanted (oid) as (
    {seed}
  union
    select parts.oid
    from wanted
    join pg_catalog.pg_type as t on t.oid operator(pg_catalog.=) wanted.oid
    cross join lateral (
        select {part}
      union all
        select a.atttypid from pg_catalog.pg_attribute as a where {IS_FIELD}
    ) as parts (oid)
    where parts.oid operator(pg_catalog.>=) 10000::pg_catalog.oid
)
select t.oid, n.nspname::pg_catalog.text, t.typname::pg_catalog.text, t.typtype::pg_catalog.text, {IS_ARRAY},
    t.typdelim::pg_catalog.text, {part},
    array(select a.attname::pg_catalog.text from pg_catalog.pg_attribute as a where {IS_FIELD} order by a.attnum),
    array(select a.atttypid from pg_catalog.pg_attribute as a where {IS_FIELD} order by a.attnum),
    array(select e.enumlabel::pg_catalog.text from pg_catalog.pg_enum as e
        where e.enumtypid operator(pg_catalog.=) t.oid order by e.enumsortorder),
    t.oid operator(pg_catalog.=) any (array({seed}))
from wanted
join pg_catalog.pg_type as t on t.oid operator(pg_catalog.=) wanted.oid
join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) t.typnamespace"
    )
}

/// What the server takes for an array, but for its own vectors.
const IS_ARRAY: &str = "(t.typcategory operator(pg_catalog.=) 'A' and t.typlen operator(pg_catalog.=) -1 \
     and t.typelem operator(pg_catalog.<>) 0::pg_catalog.oid)";

/// Columns that a row of the type has, in values as well.
const IS_FIELD: &str = "t.typrelid operator(pg_catalog.<>) 0::pg_catalog.oid \
     and a.attrelid operator(pg_catalog.=) t.typrelid and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped";

type Row = (
    Oid,
    String,
    String,
    String,
    bool,
    String,
    Oid,
    Vec<String>,
    Vec<Oid>,
    Vec<String>,
    bool,
);

impl Found {
    fn take(&mut self, rows: &RowBatch) -> Result<(), Error> {
        for row in rows {
            let (
                oid,
                schema,
                name,
                class,
                is_array,
                delimiter,
                part,
                names,
                types,
                labels,
                is_first,
            ): Row = row.decode()?;
            let facts = Facts {
                schema,
                name,
                class,
                is_array,
                delimiter,
                part,
                field_names: names,
                field_types: types,
                labels,
            };
            if is_first {
                self.first = Some(oid);
            }
            self.rows.insert(oid, facts);
        }
        Ok(())
    }

    /// The one that was asked for by its name.
    pub(crate) fn first(&self) -> Option<Oid> {
        self.first
    }

    /// The types, made of each other and of what is known already; each is finished before others are made of it.
    pub(crate) fn types(
        &self,
        known: &HashMap<Oid, Known>,
        finish: &dyn Fn(Type) -> Type,
    ) -> HashMap<Oid, Known> {
        let mut making = Making {
            rows: &self.rows,
            known,
            finish,
            made: HashMap::new(),
        };
        for &oid in self.rows.keys() {
            making.make(oid, 0);
        }
        making.made
    }
}

/// A type, and how many types there are within each other, it included.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) ty: Type,
    height: usize,
}

impl From<Type> for Known {
    fn from(ty: Type) -> Self {
        Self { ty, height: 1 }
    }
}

/// Types that are made of others.
struct Making<'a> {
    rows: &'a HashMap<Oid, Facts>,
    known: &'a HashMap<Oid, Known>,
    finish: &'a dyn Fn(Type) -> Type,
    made: HashMap<Oid, Known>,
}

impl Making<'_> {
    fn make(&mut self, oid: Oid, depth: usize) -> Known {
        if let Some(known) = self.made.get(&oid).or_else(|| self.known.get(&oid)) {
            return known.clone();
        }
        if let Some(ty) = Type::from_oid(oid) {
            return ty.into();
        }
        let unknown = Known::from(Type::unknown(oid));
        let rows = self.rows;
        let Some(facts) = rows.get(&oid).filter(|_| depth < MAX_HEIGHT) else {
            return unknown;
        };
        // It is no part of itself, whatever the server says.
        self.made.insert(oid, unknown);
        let mut height = 0;
        let mut part_of = |oid| {
            let part = self.make(oid, depth + 1);
            if part.height >= MAX_HEIGHT {
                return Type::unknown(oid);
            }
            height = height.max(part.height);
            part.ty
        };
        let part = (facts.part != 0).then(|| part_of(facts.part));
        let fields: Vec<_> = facts
            .field_names
            .iter()
            .zip(&facts.field_types)
            .map(|(name, oid)| TypeField::new(name.as_str(), part_of(*oid)))
            .collect();
        let labels = facts.labels.iter().map(|label| label.as_str().into());
        let labels: Vec<Box<str>> = labels.collect();
        let ty = Type::new(oid, facts.name.as_str(), facts.kind(), part)
            .with_schema(facts.schema.as_str())
            .with_fields(fields)
            .with_labels(labels)
            .with_delimiter(facts.delimiter.bytes().next().unwrap_or(b','));
        let made = Known {
            ty: (self.finish)(ty),
            height: height + 1,
        };
        self.made.insert(oid, made.clone());
        made
    }
}

impl Facts {
    fn kind(&self) -> Kind {
        match &*self.class {
            _ if self.is_array => Kind::Array,
            "c" => Kind::Composite,
            "d" => Kind::Domain,
            "e" => Kind::Enum,
            "m" => Kind::Multirange,
            "p" => Kind::Pseudo,
            "r" => Kind::Range,
            _ => Kind::Base,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(class: &str, part: Oid, fields: &[Oid]) -> Facts {
        Facts {
            schema: "public".into(),
            name: "t".into(),
            class: class.into(),
            is_array: false,
            delimiter: ",".into(),
            part,
            field_names: fields.iter().map(Oid::to_string).collect(),
            field_types: fields.into(),
            labels: Vec::new(),
        }
    }

    fn types(rows: impl IntoIterator<Item = (Oid, Facts)>) -> HashMap<Oid, Known> {
        let rows = rows.into_iter().collect();
        let found = Found { rows, first: None };
        found.types(&HashMap::new(), &|ty| ty)
    }

    #[test]
    fn without_multiranges_the_part_of_an_array_is_its_element() {
        let before_the_element = |version| {
            let sql = sql("select 1", Some(version));
            let (_, candidates) = sql.split_once("coalesce(").unwrap();
            let (before, _) = candidates.split_once("then t.typelem").unwrap();
            before.to_owned()
        };
        // A number there would be the first that is not NULL.
        assert!(before_the_element("13.23").contains("null::pg_catalog.oid,"));
        assert!(!before_the_element("13.23").contains(" 0::pg_catalog.oid,"));
        assert!(before_the_element("14.0").contains("rngmultitypid"));
    }

    #[test]
    fn security_41_types_that_are_parts_of_themselves_have_an_end() {
        let twice = |oid| (oid, facts("c", 0, &[oid, oid, oid + 1, oid + 1]));
        let made = types([
            twice(70_000),
            (70_001, facts("d", 70_000, &[])),
            (70_002, facts("d", 70_002, &[])),
        ]);
        assert_eq!(made.len(), 3);
        assert!(made[&70_002].ty.base().unwrap().is_unknown());
    }

    #[test]
    fn security_41_types_within_types_have_an_end() {
        // Each has the next one twice: as many ways as there are atoms, and more deeply than a stack goes.
        let count = 100_000;
        let made =
            types((0..count).map(|n| (70_000 + n, facts("c", 0, &[70_001 + n, 70_001 + n]))));
        assert_eq!(u32::try_from(made.len()), Ok(count));
        assert!(made.values().all(|known| known.height <= MAX_HEIGHT));
        for known in made.values() {
            let _ = (known.ty.preferred_format(), known.ty.to_string());
        }
    }

    #[test]
    fn before_multiranges_nobody_asks_for_them() {
        for (version, asks) in [
            (Some("13.4"), false),
            (Some("9.6.24 (Debian)"), false),
            (Some("14beta1"), true),
            (Some("18.1"), true),
            (Some("?"), true),
            (None, true),
        ] {
            let text = sql("select 1", version);
            assert_eq!(text.contains("rngmultitypid"), asks, "{version:?}");
        }
    }
}
