//! Values of every type, from the server to Rust and back, in both formats.

mod containers;
mod derived;
mod type_info;
