//! Real servers, scripted servers, simulation, cuts, drops and faults for purepg's tests.

pub mod backend;
#[cfg(unix)]
pub mod blocking;
pub mod cut;
pub mod drop_at;
pub mod faults;
pub mod frontend;
pub mod io;
pub mod pipe;
#[cfg(unix)]
pub mod pooler;
pub mod recorded;
pub mod scripted;
// Accounts, signals and Unix sockets: there is no such server on other systems.
#[cfg(unix)]
pub mod server;
pub mod sim;
pub mod trace;
