//! Several hosts, several addresses, and which of them is taken: against scripted servers, and against real ones.

#![cfg(unix)]

mod attributes;
mod failover;
mod leaks;
mod network;
mod order;
mod peers;
mod servers;
mod silence;
mod sockets;
