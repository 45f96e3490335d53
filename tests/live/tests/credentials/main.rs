//! Who proves who it is, and how: passwords, keys, tokens, and which methods will do.
//!
//! Against real servers of the version that the kit chooses (`PUREPG_TEST_PG_VERSION`) and of PostgreSQL 18, and against servers in memory.

#![cfg(unix)]

mod asking;
mod keys;
mod limits;
mod methods;
mod models;
mod oauth;
mod saslprep;
mod servers;
mod versions;
