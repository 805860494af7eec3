//! The process environment, read once, at the start, from an allow-list.

use std::collections::BTreeMap;
use std::ffi::OsString;

use zeroize::Zeroizing;

use crate::github::state;

/// The inputs that `action.yml` declares. The runner hands each over as `INPUT_<NAME>`.
pub const INPUTS: &[&str] = &[
    "client_id",
    "client_secret",
    "region",
    "auth_base_url",
    "mcp_url",
    "token_endpoint",
    "server_name",
    "client",
    "token_env",
    "transport",
    "read_only",
    "allowed_tools",
    "allowed_actions",
    "verify",
    "min_validity",
    "max_wait",
    "config_file",
    "base_config",
    "ca_bundle",
    "timeout",
    "summary",
];

/// What the runner says of itself and of the event.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
const RUNNER: &[&str] = &[
    "GITHUB_OUTPUT",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_EVENT_NAME",
    "GITHUB_EVENT_PATH",
    "GITHUB_ACTOR",
    "GITHUB_WORKSPACE",
    "RUNNER_TEMP",
];

/// The proxy settings, in the order in which the first one set counts (as in curl, which prefers lower case).
const PROXIES: &[&str] = &["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// One variable's value: text, or bytes that are not text.
enum Value {
    Text(Zeroizing<String>),
    NotUtf8,
}

/// A snapshot of the variables that this program may know. Nothing later reads the process environment.
#[derive(Default)]
pub struct Environment {
    values: BTreeMap<String, Value>,
}

/// A variable whose value is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUtf8;

impl Environment {
    /// Takes the allowed variables from the process.
    ///
    /// Each is asked for by name: `std::env::vars_os` would copy every variable, secrets of other tools included.
    #[must_use]
    pub fn read() -> Self {
        let inputs = INPUTS.iter().map(|name| input_variable(name));
        let others = RUNNER.iter().chain(state::VARIABLES).chain(PROXIES).map(ToString::to_string);
        Self::from_pairs(inputs.chain(others).filter_map(|name| std::env::var_os(&name).map(|value| (name, value))))
    }

    /// Makes a snapshot from given variables.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, OsString)>) -> Self {
        let values = pairs
            .into_iter()
            .map(|(name, value)| {
                let value = match value.into_string() {
                    Ok(text) => Value::Text(Zeroizing::new(text)),
                    Err(_) => Value::NotUtf8,
                };
                (name, value)
            })
            .collect();
        Self { values }
    }

    /// An input's value, trimmed; `None` when it is unset, empty or white space, which the runner can't tell apart.
    ///
    /// # Errors
    /// When the value is not UTF-8.
    pub fn input(&self, name: &str) -> Result<Option<&str>, NotUtf8> {
        match self.values.get(&input_variable(name)) {
            None => Ok(None),
            Some(Value::NotUtf8) => Err(NotUtf8),
            Some(Value::Text(text)) => Ok(given(text)),
        }
    }

    /// Any other allowed variable, trimmed; `None` when it is unset, blank or not text.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Text(text)) => given(text),
            _ => None,
        }
    }
}

fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// `client_id` is `INPUT_CLIENT_ID`: the runner upper-cases the name.
fn input_variable(name: &str) -> String {
    let mut variable = format!("INPUT_{name}");
    variable.make_ascii_uppercase();
    variable
}
