//! Connections of one runtime.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Result, Server, small_queries};
use crate::measure::Meter;

/// Each is opened, runs a query, and is idle then.
pub(super) async fn idle(server: &Server, size: u64, meter: &mut Meter) -> Result<()> {
    allow_files(size + 64);
    let config = server.config();
    // What is made once for a process, a runtime and a configuration is no connection's.
    server.connect().await?.close().await?;
    meter.begin()?;
    let mut connections = Vec::with_capacity(usize::try_from(size)?);
    for _ in 0..size {
        meter.start();
        connections.push(purepg_conn_tokio::connect(&config).await?);
        meter.stop(1);
    }
    for conn in &mut connections {
        small_queries(conn, 1).await?;
    }
    meter.hold();
    for conn in connections {
        conn.close().await?;
    }
    meter.over();
    Ok(())
}

/// A process may have 1,024 open files, often, unless it asks for more.
fn allow_files(count: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        let more = Rlimit {
            current: limit
                .maximum
                .map_or(Some(count), |most| Some(most.min(count))),
            ..limit
        };
        // Where that is not allowed, opening fails and says why.
        let _ = setrlimit(Resource::Nofile, more);
    }
}
