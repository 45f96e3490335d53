//! The client beside other clients, over a socket.

pub mod chart;
pub mod contestants;
pub mod counts;
pub mod expected;
pub mod figures;
pub mod goals;
pub mod job;
pub mod numbers;
pub mod pinning;
pub mod report;
pub mod rounds;
pub mod server;
pub mod sizes;
pub mod stats;
pub mod stopwatch;
pub mod table;
pub mod worker;
pub mod workload;
