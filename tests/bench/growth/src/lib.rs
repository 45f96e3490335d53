//! What the client costs as things grow: rows, columns, parameters, values, pipelines, connections, statements.

pub mod chart;
pub mod command;
pub mod document;
pub mod figure;
pub mod lines;
pub mod measure;
pub mod phases;
pub mod run;
