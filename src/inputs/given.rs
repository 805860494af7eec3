//! The list of inputs, before any check.

use std::ffi::OsString;

use serde::Deserialize;
use serde_aux::serde_introspection::serde_introspect;

use super::problem::InputError;
use crate::runner::text;

/// The runner hands over each input in a variable of its name in upper case, after this prefix.
const PREFIX: &str = "INPUT_";

/// The list of inputs: `action.yml` declares the same ones. Values are trimmed; an empty one counts as not given.
#[derive(Default, Deserialize)]
pub struct Given {
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) region: Option<String>,
    pub(super) auth_base_url: Option<String>,
    pub(super) mcp_url: Option<String>,
    pub(super) token_endpoint: Option<String>,
    pub(super) server_name: Option<String>,
    pub(super) client: Option<String>,
    pub(super) token_env: Option<String>,
    pub(super) transport: Option<String>,
    pub(super) read_only: Option<String>,
    pub(super) allowed_tools: Option<String>,
    pub(super) allowed_actions: Option<String>,
    pub(super) verify: Option<String>,
    pub(super) gateway: Option<String>,
    pub(super) gateway_lifetime: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) min_validity: Option<String>,
    pub(super) max_wait: Option<String>,
    pub(super) config_file: Option<String>,
    pub(super) base_config: Option<String>,
    pub(super) ca_bundle: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) summary: Option<String>,
}

impl Given {
    /// The names of all inputs, in the order of the list.
    #[must_use]
    pub fn names() -> &'static [&'static str] {
        serde_introspect::<Self>()
    }

    /// Reads each input with `variable`; also returns those that are not text. Each is asked for by name: listing all variables
    /// would copy the secrets of other programs.
    pub(super) fn read(variable: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<(Self, Vec<InputError>)> {
        let (mut texts, mut problems) = (Vec::new(), Vec::new());
        for input in Self::names() {
            let name = format!("{PREFIX}{}", input.to_ascii_uppercase());
            match variable(&name).map(text) {
                Some(Ok(Some(text))) => texts.push((name, text)),
                Some(Err(_)) => problems.push(InputError::not_text(input)),
                Some(Ok(None)) | None => {}
            }
        }
        Ok((envy::prefixed(PREFIX).from_iter(texts)?, problems))
    }
}
