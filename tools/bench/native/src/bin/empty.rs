//! Does nothing: what it costs to start a process.

fn main() {}
