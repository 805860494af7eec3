//! Random bytes from the system's own call: no device has to be there.

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::Error;

/// So many random bytes.
///
/// # Errors
/// When the system gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Error::Runner { problem: "The system gives no random bytes.".to_owned() }),
    }
}
