//! Real servers, scripted servers, cuts, drops and faults for purepg's tests.

// Accounts, signals and Unix sockets: there is no such server on other systems.
pub mod backend;
pub mod drop_at;
pub mod frontend;
pub mod io;
#[cfg(unix)]
pub mod server;
