//! Places inside of the server: log positions, tuples, snapshots.

mod lsn;
mod snapshot;
mod tid;

pub use lsn::PgLsn;
pub use snapshot::Snapshot;
pub use tid::Tid;
