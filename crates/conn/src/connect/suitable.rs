//! Whether a server is the one that is wanted.

use crate::config::TargetSessionAttrs;
use crate::connection::Connection;
use crate::error::Error;
use crate::runtime::ByteStream;

/// Asks the server only where it has not said it by itself, as those before version 14 do not.
pub(super) async fn check<S: ByteStream>(
    connection: &mut Connection<S>,
    wanted: TargetSessionAttrs,
) -> Result<(), Error> {
    use TargetSessionAttrs::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
    let objection = match wanted {
        // Of the two rounds of `prefer-standby` one is that of a standby, and in the other all will do.
        Any | PreferStandby => None,
        ReadWrite if is_read_only(connection).await? => Some("its sessions are read-only"),
        ReadOnly if !is_read_only(connection).await? => Some("its sessions are not read-only"),
        Primary if is_standby(connection).await? => Some("it is a standby"),
        Standby if !is_standby(connection).await? => Some("it is not a standby"),
        ReadWrite | ReadOnly | Primary | Standby => None,
    };
    match objection {
        Some(because) => Err(Error::UnsuitableServer { wanted, because }),
        None => Ok(()),
    }
}

async fn is_read_only<S: ByteStream>(connection: &mut Connection<S>) -> Result<bool, Error> {
    let by_default = is_on(connection, "default_transaction_read_only");
    let standby = is_on(connection, "in_hot_standby");
    if let (Some(by_default), Some(standby)) = (by_default, standby) {
        return Ok(by_default || standby);
    }
    let answer: String = connection
        .fetch_scalar("SHOW transaction_read_only", ())
        .await?;
    Ok(answer == "on")
}

async fn is_standby<S: ByteStream>(connection: &mut Connection<S>) -> Result<bool, Error> {
    match is_on(connection, "in_hot_standby") {
        Some(standby) => Ok(standby),
        None => {
            let sql = "SELECT pg_catalog.pg_is_in_recovery()";
            connection.fetch_scalar(sql, ()).await
        }
    }
}

fn is_on<S>(connection: &Connection<S>, parameter: &str) -> Option<bool> {
    Some(connection.parameter(parameter)? == "on")
}
