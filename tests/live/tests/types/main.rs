//! Values of every scalar type through a real server: from a literal in both formats, and back as a parameter in both, over the edges of each.

mod crates;
mod datetime;
mod numbers;
mod others;
mod styles;
mod table;
