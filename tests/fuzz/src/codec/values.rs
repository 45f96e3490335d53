//! Dynamic values of every type that there is.

use std::collections::HashMap;
use std::sync::LazyLock;

use purepg_types::{Type, Value};

use super::{Given, TABLES, Table, types};
use crate::allocated;

/// Every built-in type and some that are not, with the values that other tables have of them.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let own = [
        &types::HSTORE,
        &types::HSTORES,
        &types::CITEXT,
        &types::CITEXTS,
        &types::LTREE,
        &types::MOOD,
        &types::MOODS,
        &types::AMOUNT,
        &types::PRICE,
        &types::PRICES,
        &types::PAIR,
        &types::PAIRS,
        &types::NEST,
        &types::NESTS,
        &types::TEXT_RANGE,
        &types::TEXT_MULTIRANGE,
        &types::TEXT_RANGES,
        &types::PAIR_RANGE,
        &types::PAIR_MULTIRANGE,
        &types::RECORDS,
        &types::EMPTY,
        &types::UNKNOWN,
        &types::UNKNOWNS,
        &types::LOST,
        &types::PAIR_DOMAIN,
        &types::SEMICOLONS,
        &types::DEEP,
    ];
    let tables = TABLES
        .iter()
        .filter(|(name, _)| *name != "values" && *name != "compat");
    let mut texts: HashMap<u32, Vec<&'static str>> = HashMap::new();
    for (ty, values) in tables.flat_map(|(_, table)| table.iter()) {
        texts.entry(ty.oid()).or_default().extend(values);
    }
    let builtin = (0..10_000).filter_map(Type::from_oid);
    let all = builtin.chain(own.into_iter().map(|ty| Type::clone(ty)));
    all.map(|ty| {
        let values = texts.remove(&ty.oid()).unwrap_or_default();
        (ty, values)
    })
    .collect()
});

/// A value of whatever type: read, written, printed, and made JSON of.
pub fn values(data: &[u8]) {
    let Some(given) = Given::read(data, &TABLE) else {
        return;
    };
    let Some(value) = given.read_as::<Value>() else {
        return;
    };
    assert!(!value.is_null());
    given.write(&value);
    let before = allocated();
    let printed = value.to_string();
    let grown = allocated() - before;
    given.check_printed(grown);
    let before = allocated();
    let json = serde_json::to_string(&value).expect("everything has a form in JSON");
    let grown = allocated() - before;
    given.check_printed(grown);
    // What is nested deeper than its parser likes is JSON all the same.
    if json.matches(['[', '{']).count() < 100 {
        serde_json::from_str::<serde_json::Value>(&json).expect("that form is JSON");
    }
    let before = allocated();
    let text = given.field().decode::<String>();
    let grown = allocated() - before;
    given.check_printed(grown);
    if let Ok(text) = text
        && given.column.format() == purepg_types::Format::Binary
        && Type::from_oid(given.ty().oid()).is_none()
        && !given.ty().is_unknown()
    {
        assert_eq!(text, printed);
    }
}
