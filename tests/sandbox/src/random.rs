//! Random text.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// This many random bytes in base64 for URLs, which fits a header.
pub(crate) fn base64url<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    BASE64URL_NOPAD.encode(&bytes)
}

/// Random bytes as 2 hexadecimal digits each, as in Port's trace ids.
pub(crate) fn hexadecimal<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    HEXLOWER.encode(&bytes)
}
