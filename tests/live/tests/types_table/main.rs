//! The table of `docs/types.md`: what the code and a real server make of each type of PostgreSQL with each Rust type. The page has to say just that.
//!
//! With `PUREPG_TEST_TYPES=write` in the environment the table is written anew (`just types-table`).

#![cfg(unix)]

mod rust;
mod scan;
mod server;
mod table;
mod trips;

use std::collections::BTreeSet;
use std::path::Path;

use purepg_conn::{Format, Kind, Runtime, Type};
use purepg_tests_live::{Context, live_by_turns};
use similar::TextDiff;

use crate::rust::{RustType, WRAPPERS, types};
use crate::server::{CREATE, INTERNAL, TYPES};
use crate::table::Table;
use crate::trips::{ask, try_all};

live_by_turns!(every_type_of_the_table_makes_the_round_trip);

async fn every_type_of_the_table_makes_the_round_trip<R: Runtime>(cx: Context<R>) {
    let mut conn = cx.connect().await;
    for statement in CREATE {
        conn.execute(*statement, ()).await.unwrap();
    }
    let rust = types();
    let mut table = Table::default();
    let mut is_complete = true;
    for server in TYPES {
        let Some(known) = ask(&mut conn, server).await else {
            // Multiranges came with version 14.
            assert!(server.name.contains("multirange"), "{}", server.name);
            is_complete = false;
            continue;
        };
        let mut lines = Vec::new();
        for rust in &rust {
            let support = try_all(&mut conn, &known, rust).await;
            let is_listed = match rust {
                // Everywhere alike, as the page says above the table.
                RustType {
                    name: "Value",
                    feature: "",
                    ..
                } => {
                    assert!(support.results.text, "{}", server.name);
                    false
                }
                rust if rust.is_string() => {
                    assert!(
                        rust.name != "&str" || support.parameters.text || server.name == "void",
                        "{} {}",
                        server.name,
                        rust.name
                    );
                    support.results.any() || support.parameters.binary
                }
                _ => support.results.any() || support.parameters.any(),
            };
            if is_listed {
                lines.push((rust.name, rust.feature, support));
            }
        }
        table.add(server.shown, lines);
        if known.ty.preferred_format() == Format::Text {
            table.asked_as_text.push(server.shown);
        }
    }
    if is_complete {
        compare(&table.markdown());
    }
}

/// The table of the page is this one; or becomes it, where that is asked for.
fn compare(table: &str) {
    const BEGIN: &str = "<!-- the table begins -->\n";
    const END: &str = "<!-- the table ends -->\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/types.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (above, rest) = page.split_once(BEGIN).unwrap();
    let (written, below) = rest.split_once(END).unwrap();
    if std::env::var("PUREPG_TEST_TYPES").is_ok_and(|wish| wish == "write") {
        return std::fs::write(file, format!("{above}{BEGIN}{table}{END}{below}")).unwrap();
    }
    let diff = TextDiff::from_lines(written, table);
    let diff = diff
        .unified_diff()
        .header("docs/types.md", "the code")
        .to_string();
    assert!(
        written == table,
        "the table of docs/types.md is another (`just types-table` writes it):\n{diff}"
    );
}

#[test]
fn every_conversion_of_the_source_is_in_the_list() {
    let (read, written) = scan::conversions();
    let mut wrapped: BTreeSet<_> = WRAPPERS
        .iter()
        .map(|(feature, name)| ((*feature).to_owned(), (*name).to_owned()))
        .collect();
    let types = types();
    let listed = |conversion: &scan::Conversion, needs_reader: bool| {
        let (feature, name) = conversion;
        // What has no size is written behind a reference.
        let behind = ["str", "[u8]", "[T]"].contains(&name.as_str());
        let name = if behind {
            format!("&{name}")
        } else {
            name.clone()
        };
        let mut same = types
            .iter()
            .filter(|rust| rust.feature == feature && scan::plain(rust.source) == name);
        same.any(|rust| !needs_reader || rust.reader.is_some())
    };
    for conversion in &read {
        assert!(
            listed(conversion, true) || wrapped.contains(conversion),
            "rust.rs has none of {conversion:?}, which is read"
        );
    }
    for conversion in &written {
        assert!(
            listed(conversion, false) || wrapped.contains(conversion),
            "rust.rs has none of {conversion:?}, which is written"
        );
    }
    wrapped.retain(|wrapper| !read.contains(wrapper) && !written.contains(wrapper));
    assert!(wrapped.is_empty(), "{wrapped:?} wrap nothing");
    for rust in &types {
        let key = (rust.feature.to_owned(), scan::plain(rust.source));
        assert!(
            read.contains(&key) || written.contains(&key) || rust.name == "&[T]",
            "{} of rust.rs has no conversion",
            rust.name
        );
    }
    let page = include_str!("../../../../docs/types.md");
    for (_, name) in WRAPPERS {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/types.md does not name {name}"
        );
    }
}

#[test]
fn every_built_in_type_has_literals() {
    for ty in (0..10_000).filter_map(Type::from_oid) {
        if ty.kind() != Kind::Base {
            continue;
        }
        let name = ty.name();
        let is_known = TYPES
            .iter()
            .any(|server| server.name.trim_matches('"') == name);
        assert_ne!(
            is_known,
            INTERNAL.contains(&name),
            "{name}: literals, or why there are none"
        );
    }
    let page = include_str!("../../../../docs/types.md");
    for name in INTERNAL {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/types.md does not say why {name} is not there"
        );
    }
}
