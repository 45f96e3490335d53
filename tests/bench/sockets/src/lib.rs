//! The client beside other clients, over a socket.

pub mod contestants;
pub mod stopwatch;
pub mod workload;
