//! Proof that a text comes from a step with the same client secret.

use data_encoding::HEXLOWER;
use ring::hmac::{self, HMAC_SHA256};

use crate::redact::Secret;

/// Seals texts with HMAC-SHA256. The key is the client secret: the step and its clean-up have it, and the job's other steps don't.
pub struct Seal(hmac::Key);

impl Seal {
    /// Makes the key.
    #[must_use]
    pub fn new(client_secret: &Secret) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, client_secret.reveal().as_bytes()))
    }

    /// Puts the seal in front of a text.
    #[must_use]
    pub fn close(&self, text: &str) -> String {
        format!("{} {text}", HEXLOWER.encode(hmac::sign(&self.0, text.as_bytes()).as_ref()))
    }

    /// The text behind the seal; `None` if the seal is not ours.
    #[must_use]
    pub fn open<'a>(&self, sealed: &'a str) -> Option<&'a str> {
        let (seal, text) = sealed.split_once(' ')?;
        let seal = HEXLOWER.decode(seal.as_bytes()).ok()?;
        hmac::verify(&self.0, text.as_bytes(), &seal).ok().map(|()| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_and_the_same_text_open() {
        let ours = Seal::new(&Secret::new("sesame"));
        let sealed = ours.close("a b");
        assert_eq!(ours.open(&sealed), Some("a b"));
        assert_eq!(Seal::new(&Secret::new("other")).open(&sealed), None);
        for forged in [sealed.replace("a b", "a c"), sealed.split_at(2).1.to_owned(), " a b".to_owned(), "a b".to_owned(), String::new()] {
            assert_eq!(ours.open(&forged), None, "{forged}");
        }
    }
}
