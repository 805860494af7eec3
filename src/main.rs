//! The process: environment in, standard output and exit code out. The step's story is `port_mcp_auth::run`.

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory that is freed. Secrets pass through buffers of the HTTP, TLS and JSON libraries, which don't do it themselves.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// How deep the stack is wiped. It gets 115 KiB deep, and several times as deep without optimisation.
const STACK: usize = if cfg!(debug_assertions) { 480 * 1024 } else { 160 * 1024 };

fn main() -> ExitCode {
    let exit_code = port_mcp_auth::run(&port_mcp_auth::Environment::read(), std::io::stdout());
    wipe_stack();
    exit_code
}

/// Overwrites what functions that have returned left on the stack: copies by the word, which no type of ours knows of.
#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "the stack is what it is for")]
fn wipe_stack() {
    // Without the box nothing would be written, since nothing reads it; and what can't change would not lie on the stack.
    black_box(&mut [0_u8; STACK]);
}
