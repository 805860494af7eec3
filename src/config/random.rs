//! Names that nobody else has.

use anyhow::Context;
use data_encoding::HEXLOWER;

/// A name for a file of ours.
///
/// # Errors
/// If the system gives no random bytes.
pub fn random_name() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("The system gives no random bytes")?;
    Ok(format!("port-mcp-auth-{}", HEXLOWER.encode(&bytes)))
}
