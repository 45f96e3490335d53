//! What purepg does, on a throw-away PostgreSQL.

fn main() {}
