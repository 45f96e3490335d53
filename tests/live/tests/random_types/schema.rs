//! Types of any sort, nested a few levels deep, and the statements that create them.

use proptest::prelude::*;

/// A type.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Ty {
    Scalar(Scalar),
    /// An array, whose elements are no arrays.
    Array(Box<Self>),
    /// A composite type, with the place of a column that was dropped.
    Composite(Vec<Self>, Option<usize>),
    Enum(Vec<String>),
    Domain(Box<Self>),
    Range(Bound),
    Multirange(Bound),
}

/// What has no parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scalar {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Xid8,
    Float4,
    Float8,
    Numeric,
    Text,
    Varchar,
    Name,
    Char,
    Citext,
    Bytea,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    Json,
    Xml,
    Inet,
    Cidr,
    MacAddr,
    MacAddr8,
    Varbit,
    Lsn,
    Tid,
    Snapshot,
    Point,
    Line,
    Lseg,
    Box,
    Path,
    Polygon,
    Circle,
    TsVector,
    RegType,
    Int2Vector,
    Hstore,
    Ltree,
}

/// What a range is of. The server has types of ranges for the first six.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bound {
    Int4,
    Int8,
    Numeric,
    Date,
    Timestamp,
    TimestampTz,
    Float8,
    Text,
}

impl Scalar {
    const ALL: [(Self, &'static str); 44] = [
        (Self::Bool, "bool"),
        (Self::Int2, "int2"),
        (Self::Int4, "int4"),
        (Self::Int8, "int8"),
        (Self::Oid, "oid"),
        (Self::Xid8, "xid8"),
        (Self::Float4, "float4"),
        (Self::Float8, "float8"),
        (Self::Numeric, "numeric"),
        (Self::Text, "text"),
        (Self::Varchar, "varchar"),
        (Self::Name, "name"),
        (Self::Char, "\"char\""),
        (Self::Citext, "citext"),
        (Self::Bytea, "bytea"),
        (Self::Date, "date"),
        (Self::Time, "time"),
        (Self::TimeTz, "timetz"),
        (Self::Timestamp, "timestamp"),
        (Self::TimestampTz, "timestamptz"),
        (Self::Interval, "interval"),
        (Self::Uuid, "uuid"),
        (Self::Json, "json"),
        (Self::Xml, "xml"),
        (Self::Inet, "inet"),
        (Self::Cidr, "cidr"),
        (Self::MacAddr, "macaddr"),
        (Self::MacAddr8, "macaddr8"),
        (Self::Varbit, "varbit"),
        (Self::Lsn, "pg_lsn"),
        (Self::Tid, "tid"),
        (Self::Snapshot, "pg_snapshot"),
        (Self::Point, "point"),
        (Self::Line, "line"),
        (Self::Lseg, "lseg"),
        (Self::Box, "box"),
        (Self::Path, "path"),
        (Self::Polygon, "polygon"),
        (Self::Circle, "circle"),
        (Self::TsVector, "tsvector"),
        (Self::RegType, "regtype"),
        (Self::Int2Vector, "int2vector"),
        (Self::Hstore, "hstore"),
        (Self::Ltree, "ltree"),
    ];

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(scalar, _)| *scalar == self);
        found.expect("all are there").1
    }
}

impl Bound {
    const ALL: [Self; 8] = [
        Self::Int4,
        Self::Int8,
        Self::Numeric,
        Self::Date,
        Self::Timestamp,
        Self::TimestampTz,
        Self::Float8,
        Self::Text,
    ];

    fn stem(self) -> &'static str {
        match self {
            Self::Int4 => "int4",
            Self::Int8 => "int8",
            Self::Numeric => "num",
            Self::Date => "date",
            Self::Timestamp => "ts",
            Self::TimestampTz => "tstz",
            Self::Float8 => "pg_temp.float8",
            Self::Text => "pg_temp.text",
        }
    }
}

/// The types of ranges that the server does not have.
pub(crate) const RANGES: &str = "
    create type pg_temp.float8range as range (subtype = float8);
    create type pg_temp.textrange as range (subtype = text, collation = \"C\")";

/// Any type.
pub(crate) fn any_type() -> impl Strategy<Value = Ty> {
    let names = Scalar::ALL.map(|(scalar, _)| Ty::Scalar(scalar));
    let bound = prop::sample::select(&Bound::ALL[..]);
    let leaf = prop_oneof![
        6 => prop::sample::select(names.to_vec()),
        1 => labels().prop_map(Ty::Enum),
        1 => bound.clone().prop_map(Ty::Range),
        1 => bound.prop_map(Ty::Multirange),
    ];
    leaf.prop_recursive(4, 16, 5, |inner| {
        let fields = prop::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            3 => inner.clone().prop_map(array),
            3 => (fields, prop::option::of(0_usize..5)).prop_map(|(fields, dropped)| Ty::Composite(fields, dropped)),
            1 => inner.prop_map(|ty| Ty::Domain(Box::new(ty))),
        ]
    })
}

/// The server has no arrays of arrays, but by a domain.
fn array(element: Ty) -> Ty {
    match element {
        array @ Ty::Array(_) => Ty::Array(Box::new(Ty::Domain(Box::new(array)))),
        other => Ty::Array(Box::new(other)),
    }
}

fn labels() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[^\\x00]{1,15}", 1..4)
        .prop_map(|labels| labels.into_iter().collect())
}

impl Ty {
    /// Its name, which no other case has; what creates it and its parts is appended to the statements.
    pub(crate) fn declare(&self, case: u64, statements: &mut Vec<String>) -> String {
        let create = |statements: &mut Vec<String>, what: &str, is: String| {
            let name = format!("pg_temp.t{case}_{}", statements.len());
            statements.push(format!("create {what} {name} as {is}"));
            name
        };
        match self {
            Self::Scalar(scalar) => scalar.name().to_owned(),
            Self::Array(element) => format!("{}[]", element.declare(case, statements)),
            Self::Domain(base) => {
                let base = base.declare(case, statements);
                create(statements, "domain", base)
            }
            Self::Enum(labels) => {
                let labels = labels.iter().map(|label| quoted(label));
                let labels = labels.collect::<Vec<_>>().join(", ");
                create(statements, "type", format!("enum ({labels})"))
            }
            Self::Range(bound) => format!("{}range", bound.stem()),
            Self::Multirange(bound) => format!("{}multirange", bound.stem()),
            Self::Composite(fields, dropped) => {
                let fields = fields.iter().enumerate();
                let mut fields: Vec<_> = fields
                    .map(|(n, field)| format!("\"Field {n}\" {}", field.declare(case, statements)))
                    .collect();
                let dropped = dropped.map(|place| place.min(fields.len()));
                if let Some(place) = dropped {
                    fields.insert(place, "gone int4".to_owned());
                }
                let name = create(statements, "type", format!("({})", fields.join(", ")));
                if dropped.is_some() {
                    statements.push(format!("alter type {name} drop attribute gone"));
                }
                name
            }
        }
    }

    /// Whether the server may write a value in another way than it was written in.
    pub(crate) fn has_ranges(&self) -> bool {
        match self {
            Self::Range(_) | Self::Multirange(_) => true,
            Self::Array(part) | Self::Domain(part) => part.has_ranges(),
            Self::Composite(fields, _) => fields.iter().any(Self::has_ranges),
            Self::Scalar(_) | Self::Enum(_) => false,
        }
    }
}

/// As a literal of SQL.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
