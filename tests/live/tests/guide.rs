//! The code of `docs/guide.md` compiles and runs: the package's `build.rs` makes a test of each block.

#![cfg(unix)]

/// What the guide supposes to be there.
const TABLE: &str = include_str!(concat!(env!("OUT_DIR"), "/guide.sql"));

/// The blocks on one runtime, in whose names they are written.
macro_rules! guide {
    ($module:ident, $adapter:ident, $on:ident, $file:literal) => {
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

            /// Runs a block that begins at a line of the guide, on a connection of its own.
            fn run(
                line: usize,
                block: impl AsyncFn(Config, Connection) -> Result<(), Box<dyn std::error::Error>>,
            ) {
                let block = &block;
                purepg_tests_live::$on(|cx| async move {
                    let config = cx.config(purepg_testkit::server::USER_TRUST);
                    let mut conn = connect(&config).await.unwrap();
                    conn.execute(super::TABLE, ()).await.unwrap();
                    if let Err(error) = block(config, conn).await {
                        panic!("docs/guide.md:{line}: {error}");
                    }
                });
            }

            include!(concat!(env!("OUT_DIR"), "/", $file));
        }
    };
}

guide!(tokio, purepg_conn_tokio, on_tokio, "guide_tokio.rs");
guide!(
    async_std,
    purepg_conn_async_std,
    on_async_std,
    "guide_async_std.rs"
);
