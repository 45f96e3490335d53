//! Tests of the core against scripted peers and recorded streams.
