//! Exchanges Port client credentials for a short-lived token, and hands an AI agent a ready MCP config.
//!
//! The modules are layers: each one uses only those below it. From the top: `step` and `exec`, `connect`, `report`, `inputs`, `gateway`,
//! `docker` and `process`, `clients`, `config`, `mcp`, `port`, `runner`, `net`, `redact`. The story of a run is [`step::run`].

mod clients;
mod config;
mod connect;
mod docker;
pub mod exec;
pub mod gateway;
mod inputs;
mod mcp;
mod net;
mod port;
mod process;
mod redact;
mod report;
mod runner;
pub mod step;
#[cfg(feature = "testing")]
pub mod testing;

pub use inputs::{CommandLine, RawInputs, Request, UsageError, Verb, nearest};
pub use report::{Signal, gateway_failure, help, help_of, report_panic, report_usage, version};
pub use runner::{Action, Console, Environment, Level};
