//! What the sandbox promises, seen from outside.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that meets the unexpected fails its test, like the tests themselves"
)]

mod common;
mod faults;
mod mcp;
mod program;
mod tokens;
