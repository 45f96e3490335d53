//! zero-postgres, with sockets of tokio and with those of the standard library.
//!
//! Rows are taken by handlers, as its documentation offers: they see a row in the buffer, so that text is borrowed.

pub mod blocking;
pub mod tokio;

use ::zero_postgres::conversion::FromRow;
use ::zero_postgres::handler::ExtendedHandler;
use ::zero_postgres::protocol::backend::query::{DataRow, RowDescription};
use ::zero_postgres::{Error, Opts, Result, SslMode};
use purepg_testkit::server::DATABASE;

use super::Server;
use crate::workload::{Checksum, Wide};

fn options(server: &Server, user: &str) -> Opts {
    let socket = server.folder.join(format!(".s.PGSQL.{}", server.port));
    Opts {
        socket: Some(socket.display().to_string()),
        user: user.into(),
        database: Some(DATABASE.into()),
        ssl_mode: SslMode::Disable,
        ..Opts::default()
    }
}

/// Rows of `narrow`.
#[derive(Default)]
struct Narrows(Checksum);

impl ExtendedHandler for Narrows {
    fn row(&mut self, columns: RowDescription<'_>, row: DataRow<'_>) -> Result<()> {
        self.0
            .narrow(FromRow::from_row_binary(columns.fields(), row)?);
        Ok(())
    }
}

/// Rows of `wide`.
#[derive(Default)]
struct Wides(Checksum);

impl ExtendedHandler for Wides {
    fn row(&mut self, columns: RowDescription<'_>, row: DataRow<'_>) -> Result<()> {
        let row: Wide<'_> = FromRow::from_row_binary(columns.fields(), row)?;
        self.0.wide(row);
        Ok(())
    }
}

/// It speaks version 3.2 of the protocol, which servers have from PostgreSQL 17 on, and does not go back.
fn unless_too_old<C>(connected: Result<C>) -> Result<Option<C>> {
    match connected {
        Err(Error::LibraryBug(why)) if why.contains("protocol 3.2") => {
            eprintln!("zero-postgres is not measured: {why}");
            Ok(None)
        }
        connected => connected.map(Some),
    }
}

/// What is said when a query that has one row gave none.
const NO_ROW: &str = "there is no row";
/// How many rows there are: `exec_batch` does not say how many it inserted.
const COUNT: &str = "select count(*) from target";
