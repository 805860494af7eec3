//! Errors and results as texts: annotations, the log and the job summary. Only this layer knows the codes of errors.

mod calls;
mod code;
mod config;
mod exec;
mod explanation;
mod failure;
mod gateway;
mod gateway_container;
mod gateway_process;
mod gateway_unready;
mod inputs;
mod internal;
mod mcp;
mod not_verified;
mod plain_words;
mod port;
mod progress;
mod runner;
mod success;
mod summary;
mod tls;
mod tools;
mod usage;
mod words;

pub use calls::{
    Calls, GatewayEnd, report_calls, report_calls_of_command, warn_of_lost_gateway, warn_of_removed_gateway, warn_of_removed_record,
};
#[cfg(feature = "testing")]
pub use code::Code;
pub use exec::{ConnectedBy, NotStarted, log_connected, log_file, log_left_out, log_way, report_not_started, report_withdrawn};
pub use failure::{Failure, Signal, report_failure, report_panic};
pub use gateway::{
    GatewayAddress, GatewayPlace, gateway_failure, log_gateway, log_gateway_ended, log_gateway_started, log_no_clean_up,
    log_unchecked_gateway, warn_of_proxy_before_gateway,
};
pub use plain_words::plain_words;
pub use progress::{
    log_no_other_token, log_other_endpoint, log_port_progress, log_preflight_retry, log_request, warn_if_not_verified, warn_of_listing,
    warn_of_names, warn_of_short_token,
};
pub use success::{GatewayFacts, Obstacles, Success, report_success, warn_of_obstacles};
pub use usage::{help, help_of, report_usage, version};
