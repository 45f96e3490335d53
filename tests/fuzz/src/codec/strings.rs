//! Strings, what is read as one, `bytea`, `uuid` and JSON.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use purepg_types::{Json, Type, Value};

use super::types::{CITEXT, LTREE, MOOD, UNKNOWN};
use super::{Given, Table, both, table};

pub(super) static TABLE: LazyLock<Table> = table! {
    Type::TEXT => ["", "text", "\u{e4}\u{20ac}\u{10ffff}"];
    Type::VARCHAR => ["varchar"];
    Type::BPCHAR => ["bpchar  "];
    Type::NAME => ["name"];
    Type::CHAR => ["c"];
    Type::UNKNOWN => ["unknown"];
    Type::JSON => ["null", "{\"a\": [1, 2.5, \"b\\u0041\", true]}", "[[[[]]]]", "1e400"];
    Type::JSONB => ["{\"a\": {\"b\": null}}", "\"text\"", "-0.0"];
    Type::JSONPATH => ["$.\"a\"[*]?(@ > 1)"];
    Type::XML => ["<a>b</a>"];
    Type::VOID => [""];
    Type::MONEY => ["-$1,000.00"];
    Type::REGCLASS => ["pg_class"];
    Type::REFCURSOR => ["cursor"];
    Type::CSTRING => ["cstring"];
    Type::ACLITEM => ["me=r*/you"];
    Type::TSVECTOR => ["'a':1A,2B 'it''s':3", ""];
    Type::TSQUERY => ["'a' & !'b':*A <2> 'c'"];
    Type::BYTEA => ["\\x", "\\x00ff", "a\\\\b\\000\\377"];
    Type::UUID => ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"];
    CITEXT.clone() => ["CiText"];
    MOOD.clone() => ["so so", "new"];
    LTREE.clone() => ["a.b.c"];
    UNKNOWN.clone() => ["whatever"];
};

/// Strings and the like.
pub fn strings(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    both! { given;
        String, char, Vec<u8>, Bytes, [u8; 16], uuid::Uuid, serde_json::Value, Json<Option<Vec<String>>>, Value, Option<String>,
    }
    // These are read alone, or borrow: one reads as the other does.
    let owned = given.read_as::<String>();
    assert_eq!(given.read_as::<Box<str>>().as_deref(), owned.as_deref());
    assert_eq!(given.read_as::<Arc<str>>().as_deref(), owned.as_deref());
    assert_eq!(
        given.field().decode::<Cow<'_, str>>().ok().as_deref(),
        owned.as_deref()
    );
    if let Ok(lent) = given.field().decode::<&str>() {
        assert_eq!(Some(lent), owned.as_deref());
    }
    let owned = given.read_as::<Vec<u8>>();
    assert_eq!(given.read_as::<Box<[u8]>>().as_deref(), owned.as_deref());
    assert_eq!(
        given.field().decode::<Cow<'_, [u8]>>().ok().as_deref(),
        owned.as_deref()
    );
    if let Ok(lent) = given.field().decode::<&[u8]>() {
        assert_eq!(Some(lent), owned.as_deref());
    }
    given.read_as::<()>();
}
