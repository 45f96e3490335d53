//! Every public async method of the driver is dropped at every poll somewhere: the list says where, and the sources say what is missing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A method, and the file in which it is dropped, with the scenario that does so.
type Dropped = (&'static str, &'static str, &'static str);

/// A type, and its async methods.
const DROPPED: &[(&str, &[Dropped])] = &[
    ("", &[("connect", "drop_at", "connecting")]),
    (
        "Connection",
        &[
            ("fetch", "drop_at_statements", "kept"),
            ("fetch_as", "drop_at_statements", "kept"),
            ("fetch_one", "drop_at_statements", "kept"),
            ("fetch_optional", "drop_at_statements", "kept"),
            ("fetch_scalar", "drop_at_statements", "kept"),
            ("execute", "drop_at_statements", "kept"),
            ("query", "drop_at_statements", "kept"),
            ("lowlevel_query", "drop_at_statements", "kept"),
            ("execute_many", "drop_at_statements", "kept"),
            ("prepare", "drop_at_calls", "preparing"),
            ("type_info", "drop_at_types", "by_themselves"),
            ("close_statement", "drop_at_calls", "closing_a_statement"),
            ("reset", "drop_at_calls", "resetting"),
            ("ping", "drop_at", "pings"),
            ("close", "drop_at", "closing"),
            ("listen", "drop_at", "listening"),
            ("unlisten", "drop_at", "listening"),
            ("unlisten_all", "drop_at", "listening"),
            ("notification", "drop_at", "notifications"),
            (
                "notification_timeout",
                "drop_at",
                "notifications_for_so_long",
            ),
            ("begin", "drop_at_calls", "transactions_with_options"),
            (
                "with_transaction",
                "transactions",
                "a_commit_dropped_anywhere",
            ),
            (
                "try_transaction",
                "drop_at_calls",
                "transactions_with_errors_of_their_own",
            ),
            ("copy_in", "copy_drop_at", "bytes_in"),
            ("copy_out", "copy_drop_at", "bytes_out"),
            ("copy_in_rows", "copy_drop_at", "rows_in"),
            ("copy_out_rows", "copy_drop_at", "rows_out"),
            ("column_types", "copy_drop_at", "rows_out"),
        ],
    ),
    (
        "TransactionBuilder",
        &[
            ("begin", "drop_at_calls", "transactions_with_options"),
            ("retry", "drop_at_calls", "a_transaction_that_is_retried"),
        ],
    ),
    (
        "Transaction",
        &[
            ("commit", "drop_at_calls", "transactions_with_options"),
            ("rollback", "drop_at_calls", "transactions_with_options"),
        ],
    ),
    ("Pipeline", &[("run", "drop_at_statements", "kept")]),
    (
        "PipelineResults",
        &[
            (
                "next",
                "drop_at_calls",
                "results_are_not_lost_with_a_future",
            ),
            ("next_with", "drop_at_calls", "lent_rows_are_shown_once"),
        ],
    ),
    (
        "RowStream",
        &[
            ("next", "drop_at", "streams"),
            ("next_batch", "drop_at", "streams"),
            ("row_count", "drop_at", "streams"),
        ],
    ),
    (
        "MessageStream",
        &[(
            "next",
            "drop_at_calls",
            "messages_are_not_lost_with_a_future",
        )],
    ),
    (
        "Notifications",
        &[("next", "drop_at", "a_stream_of_notifications")],
    ),
    (
        "CopyIn",
        &[
            ("send", "copy_drop_at", "bytes_in"),
            ("flush", "copy_drop_at", "bytes_in"),
            ("finish", "copy_drop_at", "bytes_in"),
            ("abort", "copy_drop_at", "bytes_in_that_are_aborted"),
            ("send_from", "copy_drop_at", "a_source"),
        ],
    ),
    (
        "CopyOut",
        &[
            ("next", "copy_drop_at", "bytes_out"),
            ("next_run", "copy_drop_at", "bytes_out"),
            ("row_count", "copy_drop_at", "bytes_out"),
        ],
    ),
    (
        "CopyInRows",
        &[
            ("send", "copy_drop_at", "rows_in"),
            ("finish", "copy_drop_at", "rows_in"),
            ("abort", "copy_drop_at", "rows_in"),
        ],
    ),
    (
        "CopyOutRows",
        &[
            ("next", "copy_drop_at", "rows_out"),
            ("row_count", "copy_drop_at", "rows_out"),
        ],
    ),
    (
        "SharedConnection",
        &[
            ("fetch", "drop_at_shared", "eager_queries"),
            ("fetch_as", "drop_at_shared", "eager_queries"),
            ("fetch_one", "drop_at_shared", "eager_queries"),
            ("fetch_optional", "drop_at_shared", "eager_queries"),
            ("fetch_scalar", "drop_at_shared", "eager_queries"),
            ("execute", "drop_at_shared", "eager_queries"),
            ("execute_many", "drop_at_shared", "eager_queries"),
            ("reset", "drop_at_shared", "eager_queries"),
            ("ping", "drop_at_shared", "eager_queries"),
            ("prepare", "drop_at_shared", "preparing"),
            ("close_statement", "drop_at_shared", "preparing"),
            ("with_transaction", "drop_at_shared", "transactions"),
            ("try_transaction", "drop_at_shared", "transactions"),
            ("lock", "drop_at_shared", "the_guard"),
            ("listen", "drop_at_shared", "listening"),
            ("unlisten", "drop_at_shared", "listening"),
            ("unlisten_all", "drop_at_shared", "listening"),
            ("notification", "drop_at_shared", "notifications"),
            ("notification_timeout", "drop_at_shared", "notifications"),
            ("close", "drop_at_shared", "closing"),
        ],
    ),
    (
        "CancelToken",
        &[(
            "cancel",
            "cancel",
            "a_dropped_request_is_carried_on_by_the_connection",
        )],
    ),
    (
        "SharedNotifications",
        &[("next", "drop_at_shared", "notifications")],
    ),
];

/// What runs code when it is dropped, and what is polled by whoever has it: where each is dropped or forgotten.
const TRAITS: &[(&str, &str, &str, &str)] = &[
    ("Drop", "Transaction", "transactions", "dropped_anywhere"),
    (
        "Drop",
        "CopyIn",
        "copy_drop_at",
        "bytes_in_that_are_aborted",
    ),
    ("Drop", "ConnectionGuard", "drop_at_shared", "the_guard"),
    (
        "Drop",
        "Pipeline",
        "pipelines_ahead",
        "a_pipeline_that_is_not_run_never_happened",
    ),
    ("Stream", "RowStream", "drop_at", "streams"),
    (
        "Stream",
        "MessageStream",
        "drop_at_calls",
        "streams_that_are_forgotten",
    ),
    (
        "Stream",
        "PipelineResults",
        "drop_at_calls",
        "streams_that_are_forgotten",
    ),
    (
        "Stream",
        "Notifications",
        "drop_at",
        "a_stream_of_notifications",
    ),
    (
        "Stream",
        "SharedNotifications",
        "drop_at_shared",
        "notifications",
    ),
    (
        "Stream",
        "CopyOut",
        "drop_at_calls",
        "copies_that_are_forgotten",
    ),
    (
        "Stream",
        "CopyOutRows",
        "drop_at_calls",
        "copies_that_are_forgotten",
    ),
    ("Sink", "CopyIn", "copy_drop_at", "bytes_in_through_traits"),
    (
        "AsyncWrite",
        "CopyIn",
        "copy_drop_at",
        "bytes_in_through_traits",
    ),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn sources(folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// The name that a text begins with.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The public async functions as `Type::method`, and the traits that are of interest as `Trait for Type`.
fn public() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut files = Vec::new();
    sources(&folder("../../crates/conn/src"), &mut files);
    let (mut methods, mut traits) = (BTreeSet::new(), BTreeSet::new());
    for line in files
        .iter()
        .flat_map(|file| file.lines().scan(String::new(), follow))
    {
        let (ty, line) = line;
        if let Some((_, method)) = line.split_once("pub async fn ") {
            methods.insert(format!("{ty}::{}", name(method)));
        }
        let wanted = ["Drop", "Stream", "Sink", "AsyncWrite"];
        let Some((before, ty)) = line
            .split_once(" for ")
            .filter(|_| line.starts_with("impl"))
        else {
            continue;
        };
        let of = before.rsplit(' ').next().map(name);
        let of = wanted.into_iter().find(|wanted| of == Some(wanted));
        if let Some(of) = of {
            traits.insert(format!("{of} for {}", name(ty)));
        }
    }
    (methods, traits)
}

/// A line, and the type whose implementation it is in.
#[expect(clippy::unnecessary_wraps, reason = "as `scan` wants it")]
fn follow<'l>(ty: &mut String, line: &'l str) -> Option<(String, &'l str)> {
    if line.starts_with('}') {
        ty.clear();
    } else if line.starts_with("impl") {
        // Behind the parameters of the implementation, and behind the trait.
        let header = line.split_once("> ").map_or(line, |(_, header)| header);
        let of = header.split_once(" for ").map_or(header, |(_, of)| of);
        name(of.trim_start_matches("impl ")).clone_into(ty);
    }
    Some((ty.clone(), line))
}

#[test]
fn every_async_method_is_dropped_somewhere() {
    let (methods, _) = public();
    assert!(methods.len() > 60, "{}", methods.len());
    let listed: BTreeSet<String> = DROPPED
        .iter()
        .flat_map(|(ty, methods)| {
            methods
                .iter()
                .map(move |(method, ..)| format!("{ty}::{method}"))
        })
        .collect();
    let missing: Vec<_> = methods.difference(&listed).collect();
    assert!(missing.is_empty(), "never dropped: {missing:?}");
    let gone: Vec<_> = listed.difference(&methods).collect();
    assert!(gone.is_empty(), "no such methods: {gone:?}");
}

#[test]
fn every_guard_and_stream_has_its_scenario() {
    let (_, traits) = public();
    let listed: BTreeSet<String> = TRAITS
        .iter()
        .map(|(of, ty, ..)| format!("{of} for {ty}"))
        .collect();
    // Parts of the driver that nobody has in hand.
    let inner = [
        "Drop for Name",
        "AsyncWrite for Wire",
        "Drop for StopOnDrop",
        "Drop for WakeOnDrop",
    ];
    let missing: Vec<_> = traits
        .difference(&listed)
        .filter(|of| !inner.contains(&of.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let gone: Vec<_> = listed.difference(&traits).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn every_scenario_that_is_listed_is_one_and_calls_the_method() {
    let methods = DROPPED.iter().flat_map(|(_, methods)| methods.iter());
    let methods = methods.map(|&(method, file, scenario)| (Some(method), file, scenario));
    let traits = TRAITS
        .iter()
        .map(|&(_, _, file, scenario)| (None, file, scenario));
    for (method, file, scenario) in methods.chain(traits) {
        let text = fs::read_to_string(folder("tests").join(file).with_extension("rs")).unwrap();
        let function = format!("async fn {scenario}<");
        assert!(text.contains(&function), "{file}: {scenario}");
        assert!(
            text.contains(&format!("    {scenario},\n")),
            "{file}: {scenario} is run"
        );
        if let Some(method) = method {
            let called = [
                format!(".{method}("),
                format!(".{method}::<"),
                format!("::{method}("),
            ];
            assert!(
                called.iter().any(|call| text.contains(call)),
                "{file}: {method} is called"
            );
        }
    }
}
