//! TLS against real servers, through both adapters.
//!
//! Each test runs with the version of PostgreSQL that the kit chooses (`PUREPG_TEST_PG_VERSION`), and most with PostgreSQL 18, which has all of it.

#![cfg(unix)]

mod attackers;
mod binding;
mod blind;
mod certificates;
mod clients;
mod hosts;
mod modes;
mod oauth;
mod pki;
mod servers;
mod streams;
