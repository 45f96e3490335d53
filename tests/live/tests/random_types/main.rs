//! Types of any sort with values of any sort, through a real server: what is sent comes back, in both formats, and is printed as the server prints it.
//!
//! Each case has a seed of its own, and a case that fails is made smaller before it is told. `PROPTEST_CASES` says how many there are (in at
//! most 100 seconds), and `PUREPG_TEST_SEED` which is the first.

#![cfg(unix)]

mod found;
mod schema;
mod values;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use purepg_conn::{ByteStream, Connection, Error, Range, Runtime, Value};
use purepg_tests_live::{AsText, Context, live_by_turns};

use crate::schema::{RANGES, Ty, any_type, quoted};
use crate::values::any_value;

live_by_turns!(random_types_with_random_values, what_was_found);

/// How often a case that fails is tried to be made smaller.
const SMALLER: usize = 500;

/// A scenario that takes longer is taken for one that hangs.
const ENOUGH: Duration = Duration::from_secs(100);

/// Statements are known by their texts: none is to be of a type that was there before.
static CASES: AtomicU64 = AtomicU64::new(0);

/// A type with values of it.
type Case = (Ty, Vec<Value>);

async fn prepared<R: Runtime>(cx: &Context<R>) -> Connection<R::Stream> {
    let mut conn = cx.connect().await;
    conn.execute("select pg_advisory_lock(4711)", ())
        .await
        .unwrap();
    for extension in ["hstore", "citext", "ltree"] {
        let sql = format!("create extension if not exists {extension}");
        conn.execute(&sql, ()).await.unwrap();
    }
    conn.execute("select pg_advisory_unlock(4711)", ())
        .await
        .unwrap();
    conn.execute(RANGES, ()).await.unwrap();
    conn.execute("set timezone = 'UTC'", ()).await.unwrap();
    conn
}

async fn random_types_with_random_values<R: Runtime>(cx: Context<R>) {
    let mut conn = prepared(&cx).await;
    let server: i32 = conn
        .fetch_scalar("select current_setting('server_version_num')::int", ())
        .await
        .unwrap();
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|number| number.parse::<u64>().ok())
    };
    let first = number("PUREPG_TEST_SEED").unwrap_or(0);
    let cases = number("PROPTEST_CASES").unwrap_or(150);
    let start = Instant::now();
    for seed in first..first + cases {
        if start.elapsed() > ENOUGH {
            println!("{} cases; the next has the seed {seed}", seed - first);
            return;
        }
        let case = any_type().prop_flat_map(|ty| {
            let values = prop::collection::vec(any_value(&ty), 1..4);
            (Just(ty), values)
        });
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut tree = case.new_tree(&mut runner).unwrap();
        // Multiranges came with version 14.
        if server < 140_000 && format!("{:?}", tree.current()).contains("Multirange") {
            continue;
        }
        if let Err(failure) = try_case(&mut conn, &tree.current()).await {
            let (case, failure) = smaller(&mut conn, &mut tree, failure).await;
            panic!("PUREPG_TEST_SEED={seed}: {failure}\nof {case:#?}");
        }
    }
}

/// The smallest case that was found to fail as well.
async fn smaller<S: ByteStream>(
    conn: &mut Connection<S>,
    tree: &mut impl ValueTree<Value = Case>,
    failure: String,
) -> (Case, String) {
    let mut smallest = (tree.current(), failure);
    let mut is_other = tree.simplify();
    for _ in 0..SMALLER {
        if !is_other {
            break;
        }
        let case = tree.current();
        is_other = match try_case(conn, &case).await {
            Err(failure) => {
                smallest = (case, failure);
                tree.simplify()
            }
            Ok(()) => tree.complicate(),
        };
    }
    smallest
}

/// Cases that once failed.
async fn what_was_found<R: Runtime>(cx: Context<R>) {
    let mut conn = prepared(&cx).await;
    for case in found::cases() {
        if let Err(failure) = try_case(&mut conn, &case).await {
            panic!("{failure}\nof {case:#?}");
        }
    }
}

/// Creates the type, and takes it back.
async fn try_case<S: ByteStream>(
    conn: &mut Connection<S>,
    (ty, values): &Case,
) -> Result<(), String> {
    let mut statements = vec!["begin".to_owned()];
    let name = ty.declare(CASES.fetch_add(1, Ordering::Relaxed), &mut statements);
    let created = conn.execute(statements.join("; "), ()).await;
    let result = match created {
        Ok(_) => try_values(conn, ty, &name, values).await,
        Err(error) => Err(format!("{error}")),
    };
    conn.execute("rollback", ()).await.unwrap();
    result
}

async fn try_values<S: ByteStream>(
    conn: &mut Connection<S>,
    ty: &Ty,
    name: &str,
    values: &[Value],
) -> Result<(), String> {
    for value in values {
        let told = |error: Error| format!("{error}\nfor {value}");
        // What the output function says: a cast of a `bool` or an `inet` to text writes something else.
        let sql = format!("select $1::{name}, format('%s', $1::{name})");
        let row = conn.fetch_one(&sql, (value,)).await.map_err(told)?;
        let (back, text): (Value, String) = row.decode().map_err(told)?;
        let row = conn.fetch_one(&sql, (AsText(value),)).await.map_err(told)?;
        let (from_text, other): (Value, String) = row.decode().map_err(told)?;
        same_text(&text, &other, "sent in binary, and sent as text")?;
        same_value(&back, &from_text, "sent in binary, and sent as text")?;
        // As text to us.
        let sql = format!("select {}::{name}", quoted(&text));
        let read: Value = conn.fetch_scalar(&sql, ()).await.map_err(told)?;
        same_value(&back, &read, "read in binary, and read as text")?;
        same_text(&text, &back.to_string(), "printed by the server, and by us")?;
        // The other way round once more, as what the server makes of it.
        let sql = format!("select format('%s', $1::{name})");
        let again: String = conn.fetch_scalar(&sql, (&back,)).await.map_err(told)?;
        same_text(&text, &again, "sent, and sent again")?;
        if !ty.has_ranges() {
            same_value(value, &back, "sent, and come back")?;
        }
    }
    Ok(())
}

fn same_text(one: &str, other: &str, what: &str) -> Result<(), String> {
    if one == other {
        return Ok(());
    }
    Err(format!("{what}: {one}\n{other}"))
}

fn same_value(one: &Value, other: &Value, what: &str) -> Result<(), String> {
    if same(one, other) {
        return Ok(());
    }
    Err(format!("{what}: {one:?}\n{other:?}"))
}

/// To the bit; any NaN is any other.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float4(one), Value::Float4(other)) => {
            one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
        }
        (Value::Float8(one), Value::Float8(other)) => {
            one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.dimensions() == other.dimensions() && all(one.elements(), other.elements())
        }
        (Value::Composite(one), Value::Composite(other)) => all(one.values(), other.values()),
        (Value::Range(one), Value::Range(other)) => same_range(one, other),
        (Value::Multirange(one), Value::Multirange(other)) => {
            let (one, other) = (one.ranges(), other.ranges());
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same_range(one, other))
        }
        (one, other) => one == other && one.to_string() == other.to_string(),
    }
}

fn all(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn same_range(one: &Range<Value>, other: &Range<Value>) -> bool {
    one == other
}
