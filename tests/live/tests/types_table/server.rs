//! The types of PostgreSQL, with literals of each: enough that every Rust type that accepts it reads one of them, or its array.

/// A type with literals.
pub(crate) struct ServerType {
    /// As SQL has it.
    pub(crate) name: &'static str,
    /// As the table has it: its name, or what it is an example of.
    pub(crate) shown: &'static str,
    pub(crate) literals: &'static [&'static str],
}

/// What the types below need.
pub(crate) const CREATE: &[&str] = &[
    "select pg_advisory_lock(4711)",
    "create extension if not exists hstore",
    "create extension if not exists citext",
    "create extension if not exists ltree",
    "select pg_advisory_unlock(4711)",
    "create type pg_temp.pair as (a int4, b text)",
    "create type pg_temp.mood as enum ('x', 'so so')",
    "set timezone = 'America/St_Johns'",
];

macro_rules! types {
    ($($name:literal $(= $shown:literal)?: $($literal:literal),*;)*) => {
        /// In the order of the table.
        pub(crate) const TYPES: &[ServerType] = &[$(ServerType {
            name: $name,
            shown: [$($shown,)? $name][0],
            literals: &[$($literal),*],
        }),*];
    };
}

types! {
    "bool": "t", "f";
    "int2": "7", "-32768";
    "int4": "7", "-2147483648";
    "int8": "7", "-9223372036854775808";
    "oid": "7", "4294967295";
    "xid": "7", "4294967295";
    "cid": "7", "4294967295";
    "xid8": "7", "18446744073709551615";
    "float4": "-0", "NaN", "3.4028235e38";
    "float8": "-0", "NaN", "5e-324", "1.7976931348623157e308";
    "numeric": "-12.50", "NaN", "0.00000000000000000001";
    "text": "x", "é \"\\ ,{}";
    "varchar": "x", "é \"\\ ,{}";
    "bpchar": "x", "é \"\\ ,{}";
    "name": "x", "é \"\\ ,{}";
    "\"char\"": "x", "\\", "";
    "bytea": "", "\\x00ff";
    "date": "2024-02-29", "4714-11-24 BC", "infinity";
    "time": "00:00:00", "12:34:56.789001", "24:00:00";
    "timetz": "12:34:56.789+05:30";
    "timestamp": "2024-02-29 12:34:56.789", "4714-11-24 00:00:00 BC", "-infinity";
    "timestamptz": "2024-02-29 12:34:56.789+00", "2024-11-03 05:30:00+00", "4714-11-24 00:00:00+00 BC", "-infinity";
    "interval": "00:00:01.5", "1 year -2 days 03:04:05.678901";
    "uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    "json": "1", "{\"a\":[1,null]}";
    "jsonb": "1", "{\"a\": [1, null]}";
    "jsonpath": "$", "$.\"a\"[*]?(@ > 1)";
    "xml": "x", "<?xml version=\"1.1\" encoding=\"UTF-8\"?><a>é</a>", "<!-- x -->", "<a b=\"1\">é</a>";
    "inet": "1.2.3.4", "::1", "1.2.3.4/24", "2001:db8::1/48";
    "cidr": "1.2.3.4/32", "::1/128", "1.2.3.0/24", "2001:db8::/32";
    "macaddr": "08:00:2b:01:02:03";
    "macaddr8": "08:00:2b:01:02:03:04:05";
    "bit": "1";
    "varbit": "", "101010101";
    "point": "(1,-0.5)", "(NaN,Infinity)";
    "line": "{1,2,3}";
    "lseg": "[(0,0),(1,1)]";
    "box": "(1,2),(0,0)";
    "path": "[(0,0),(1,1)]", "((0,0),(1,1))";
    "polygon": "((0,0),(1,1),(2,0.5))";
    "circle": "<(1e300,0),0.1>";
    "tsvector": "'a':1A,3 'b c':2";
    "tsquery": "'a' & !( 'b' | 'c':* )";
    "pg_lsn": "16/B374D848";
    "tid": "(42,7)";
    "pg_snapshot": "10:20:10,14,15";
    "txid_snapshot": "10:20:10,14,15";
    "regclass": "-", "pg_class", "4294967295";
    "regtype": "-", "integer", "4294967295";
    "regproc": "-", "now", "4294967295";
    "regprocedure": "-", "sum(integer)", "4294967295";
    "regoper": "0", "||/", "4294967295";
    "regoperator": "0", "+(integer,integer)", "4294967295";
    "regrole": "-", "4294967295";
    "regnamespace": "-", "pg_catalog", "4294967295";
    "regconfig": "-", "english", "4294967295";
    "regdictionary": "-", "simple", "4294967295";
    "regcollation": "-", "\"C\"", "4294967295";
    "money": "12.34";
    "refcursor": "x", "a cursor";
    "void": "";
    "aclitem": "=r/postgres";
    "int2vector": "", "1 -2";
    "oidvector": "", "1 2";
    "int4[]" = "array types": "{}", "{1,NULL}", "{1,2}", "[0:0][2:3]={{1,2}}";
    "int4range" = "range types": "empty", "[1,5)", "(,)";
    "int4multirange" = "multirange types": "{}", "{[1,2),[5,)}";
    "pg_temp.pair" = "composite types": "(1,\"a b\")", "(,)";
    "pg_temp.mood" = "enum types": "x", "so so";
    "hstore": "", "\"a\"=>NULL, \"b c\"=>\"\\\"\"";
    "citext": "x", "A b";
    "ltree" = "types that are not built in, such as `ltree`": "x", "a.b";
}

/// Built-in types without literals, since no statement of one's own has values of them: the server keeps them in its catalogue.
pub(crate) const INTERNAL: [&str; 7] = [
    "pg_node_tree",
    "pg_ndistinct",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "gtsvector",
];
