//! The code of `docs/guide.md` and `docs/own-types.md` compiles and runs: the package's `build.rs` makes a test of each block.

#![cfg(unix)]

/// The blocks of a page on one runtime, in whose names they are written.
macro_rules! page {
    ($module:ident, $adapter:ident, $on:ident, $page:literal, $file:literal) => {
        #[allow(
            clippy::all,
            clippy::pedantic,
            dead_code,
            unused_imports,
            unused_mut,
            unused_variables,
            reason = "it is written to be read"
        )]
        mod $module {
            use std::time::Duration;

            use $adapter::*;

            /// What the page supposes to be there.
            const TABLES: &str = include_str!(concat!(env!("OUT_DIR"), "/", $page));

            /// Runs a block that begins at a line of the page, on a connection of its own.
            fn run(
                line: &str,
                block: impl AsyncFn(Config, Connection) -> Result<(), Box<dyn std::error::Error>>,
            ) {
                let block = &block;
                purepg_tests_live::$on(|cx| async move {
                    let config = cx.config(purepg_testkit::server::USER_TRUST);
                    let mut conn = connect(&config).await.unwrap();
                    conn.execute(TABLES, ()).await.unwrap();
                    if let Err(error) = block(config, conn).await {
                        panic!("{line}: {error}");
                    }
                });
            }

            include!(concat!(env!("OUT_DIR"), "/", $file));
        }
    };
}

page!(
    tokio,
    purepg_conn_tokio,
    on_tokio,
    "guide.sql",
    "guide_tokio.rs"
);
page!(
    async_std,
    purepg_conn_async_std,
    on_async_std,
    "guide.sql",
    "guide_async_std.rs"
);
page!(
    own_types_tokio,
    purepg_conn_tokio,
    on_tokio,
    "own_types.sql",
    "own_types_tokio.rs"
);
page!(
    own_types_async_std,
    purepg_conn_async_std,
    on_async_std,
    "own_types.sql",
    "own_types_async_std.rs"
);
