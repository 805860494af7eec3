//! Random bytes from the system's own call: no device has to be there.

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::Error;

/// So many random bytes.
///
/// # Errors
/// When the system gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Overwrites all of these with random bytes.
///
/// # Errors
/// When the system gives none.
pub fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    SystemRandom::new().fill(bytes).map_err(|_| Error::Runner { problem: "The system gives no random bytes.".to_owned() })
}
