//! The process: environment in, standard output and exit code out. The step's story is `port_mcp_auth::run`.

use std::process::ExitCode;

fn main() -> ExitCode {
    port_mcp_auth::run(&port_mcp_auth::Environment::read(), std::io::stdout())
}
