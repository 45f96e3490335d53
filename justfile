# Everything here is a short name for a cargo command; nothing needs `just`.

# List the recipes.
default:
    @just --list

# Both adapters doing real work on a throw-away PostgreSQL.
demo:
    cargo demo

# Every test. Finds or fetches a PostgreSQL by itself.
test:
    cargo test --workspace

# The tests against real servers with each of these versions, fetched where they are missing: some minutes each.
test-matrix +versions="13 14 15 16 17 18":
    #!/usr/bin/env bash
    failed=""
    for version in {{ versions }}; do
        PUREPG_TEST_PG_VERSION=$version cargo test --package purepg-tests-live --no-fail-fast || failed="$failed $version"
    done
    [ -z "$failed" ] || { echo "failed with:$failed"; exit 1; }

# The tests against real servers once more, over streams that move one byte at a time.
test-one-byte *args:
    PUREPG_TEST_ONE_BYTE=1 cargo test --package purepg-tests-live {{ args }}

# The conversions, with every type of other crates and with none: each is behind a feature.
types:
    cargo test --package purepg-types --all-features
    cargo test --package purepg-types

# Formatting and clippy, as in `ci`.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --package purepg-types --package purepg-conn-tokio --package purepg-conn-async-std --all-targets -- -D warnings
    cargo clippy --package purepg-proto --no-default-features --all-targets -- -D warnings

# The documentation, with warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# The dependency tree of the core must equal its written allow-list.
purity:
    cargo test --package purepg-tests-protocol --test purity

# The core without `std`: its own tests, and a crate that cannot be built with it.
no-std:
    cargo test --package purepg-proto --package purepg-tests-no-std --no-default-features --tests

# Draws docs/states.md anew, from the table of the core.
states:
    UPDATE_STATES=1 cargo test --package purepg-proto --lib diagram

# Records the transcripts of `tests/protocol` anew, from a throw-away PostgreSQL 15.
record *scenarios:
    cargo run --package purepg-tests-protocol --bin record -- {{ scenarios }}

# Writes the golden traces of `tests/live/goldens` anew, from whatever PostgreSQL is at hand.
goldens:
    PUREPG_TEST_GOLDENS=write cargo test --package purepg-tests-live --test goldens

# Writes the table of docs/types.md anew, from the code and whatever PostgreSQL is at hand.
types-table:
    PUREPG_TEST_TYPES=write cargo test --package purepg-tests-live --test types_table

# The client beside other clients, over a socket, into docs/performance.md: less than ten minutes, or one with `--quick`.
bench *args:
    cargo run --release --manifest-path tests/bench/Cargo.toml --package purepg-bench-sockets -- --write {{ args }}

# The core and its peers in memory, each by itself. Prints times.
bench-memory *args:
    cargo bench --manifest-path tests/bench/Cargo.toml --package purepg-bench-memory -- {{ args }}

# The same contestants in turn. Prints ratios, the tables of docs/performance.md.
bench-ratios *args:
    cargo run --release --manifest-path tests/bench/Cargo.toml --package purepg-bench-memory --bin ratios -- {{ args }}

# Instructions of the hot paths beside those that were recorded; `--update` records them anew. Needs valgrind.
bench-core *args:
    cargo run --release --manifest-path tests/bench/Cargo.toml --package purepg-bench-memory --bin counts -- {{ args }}

# What the client costs as things grow, and whether its memory stays within its bounds. Minutes; half a minute with --quick.
bench-growth *args:
    cargo run --release --manifest-path tests/bench/Cargo.toml --package purepg-bench-growth -- {{ args }}

# The conversions beside those of sqlx, which is heavy: a workspace of its own.
references:
    cargo test --manifest-path tests/references/Cargo.toml

# Fuzzes the core and the codecs: one target or all of them, for so many seconds each. docs/fuzzing.md says more.
fuzz target="operations startup messages sasl model trace names config copy numbers strings datetime network geometry hstore arrays ranges composites values compat" seconds="60":
    #!/usr/bin/env bash
    set -euo pipefail
    cargo run --release --manifest-path tests/fuzz/Cargo.toml --bin seeds
    mkdir -p tests/fuzz/artifacts
    for target in {{ target }}; do
        cargo run --release --config tests/fuzz/coverage.toml --manifest-path tests/fuzz/Cargo.toml --bin "$target" -- \
            -max_total_time={{ seconds }} -max_len=4096 -timeout=10 -artifact_prefix=tests/fuzz/artifacts/ "tests/fuzz/corpus/$target"
    done

# Licences, advisories and sources of every dependency. Needs cargo-deny.
deny:
    cargo deny check

# What has to hold before a change lands: the same list as `.ci/run`.
ci:
    bash .ci/run
