//! Values of every type through a real server: from a literal in both formats, and back as a parameter in both, over the edges of each.

mod containers;
mod crates;
mod datetime;
mod derived;
mod numbers;
mod others;
mod styles;
mod table;
mod type_info;
