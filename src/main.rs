//! The process: environment in, standard output and exit code out. The step's story is `port_mcp_auth::run`.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory that is freed. Secrets pass through buffers of the HTTP, TLS and JSON libraries, which don't do it themselves.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let exit_code = port_mcp_auth::run(&port_mcp_auth::Environment::read(), std::io::stdout());
    port_mcp_auth::stack::wipe();
    exit_code
}
