//! What all requests share: the options, and what changes while the sandbox runs.

use std::sync::Mutex;

use crate::{
    catalog::Catalog,
    clock::Clock,
    faults::Faults,
    limit::Limiter,
    options::Options,
    record::Recorder,
    tokens::{Issuer, Tokens},
};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) auth_limiter: Limiter,
    pub(crate) oauth_limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
    pub(crate) catalog: Mutex<Catalog>,
}

impl Shared {
    /// Whether this is one of the sandbox's credentials.
    pub(crate) fn knows(&self, client_id: &str, client_secret: &str) -> bool {
        let mut known = self.options.credentials.iter();
        known.any(|c| c.client_id == client_id && c.client_secret == client_secret)
    }

    /// The credential's active token, and the seconds that are left of it.
    pub(crate) fn active_token(&self, issuer: Issuer, client_id: &str) -> (String, u64) {
        self.tokens.active(issuer, client_id, self.clock.now(), &self.options)
    }
}
