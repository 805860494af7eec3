//! Inputs that not every agent can follow.

use super::door::Flaw;
use super::{AllowedActions, Transport};
use crate::clients::{self, Client};

/// The runner sets these itself, and throws away what a workflow sets.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables#naming-conventions-for-environment-variables>
const PREFIXES_OF_THE_RUNNER: &[&str] = &["GITHUB_", "RUNNER_", "INPUT_"];

/// A longer name is a mistake.
const LONGEST_VARIABLE: usize = 128;

/// The agent.
///
/// # Errors
/// When this program knows none of the name.
pub fn client(text: &str) -> Result<&'static dyn Client, Flaw> {
    clients::find(text).ok_or_else(|| {
        let known: Vec<_> = clients::REGISTRY.iter().map(|client| client.id()).collect();
        Flaw {
            value: Some(text.to_owned()),
            what: format!("is not one of {}", known.join(", ")),
            mend: "Set `client` to one of them; `generic` fits most others.".to_owned(),
        }
    })
}

/// How the agent reaches the server.
///
/// # Errors
/// When the agent can't.
pub fn transport(transport: Transport, client: &dyn Client) -> Result<Transport, Flaw> {
    if client.transports().contains(&transport) {
        return Ok(transport);
    }
    Err(Flaw {
        value: Some(transport.to_string()),
        what: format!("doesn't fit `client: {}`", client.id()),
        mend: format!("Set `transport: {}`, or leave it out.", listed(client.transports())),
    })
}

/// The variable that the config names in place of the token.
///
/// # Errors
/// When it is no name of a variable, or the agent can't refer to one.
pub fn token_env(text: &str, client: &dyn Client, transport: Transport) -> Result<String, Flaw> {
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !begins_well || text.len() > LONGEST_VARIABLE || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Flaw {
            // Some will put a secret here.
            value: None,
            what: "is not the name of an environment variable".to_owned(),
            mend: "Write a name such as `PORT_TOKEN` into `token_env`, and set that variable to the output `access_token` in the `env` of the agent's step.".to_owned(),
        });
    }
    if PREFIXES_OF_THE_RUNNER.iter().any(|prefix| text.starts_with(prefix)) || clients::OWN_VARIABLES.contains(&text) {
        return Err(Flaw {
            value: Some(text.to_owned()),
            what: "is a name that the runner or the config itself uses".to_owned(),
            mend: "Choose another name for `token_env`, such as `PORT_TOKEN`.".to_owned(),
        });
    }
    if client.variables().contains(&transport) {
        return Ok(text.to_owned());
    }
    let leave_out = "leave `token_env` out: the config then holds the token, which logs hide";
    Err(match client.variables() {
        [] => Flaw {
            value: None,
            what: format!("can't be used with `client: {}`, whose config has no way to name a variable", client.id()),
            mend: format!("Please {leave_out}."),
        },
        others => Flaw {
            value: None,
            what: format!("can't be used with `client: {}` and `transport: {transport}`", client.id()),
            mend: format!("Set `transport: {}`, or {leave_out}.", listed(others)),
        },
    })
}

/// The actions that the agent may run.
///
/// # Errors
/// When the agent can't send the header that names them.
pub fn allowed_actions(actions: AllowedActions, client: &dyn Client) -> Result<AllowedActions, Flaw> {
    if client.sends_headers() {
        return Ok(actions);
    }
    Err(Flaw {
        value: None,
        what: format!("can't be held: Port takes the actions from a header, and `client: {}` sends none", client.id()),
        mend: "Leave `allowed_actions` out, name the tools in `allowed_tools`, and give the credentials a role in Port that may run no other actions.".to_owned(),
    })
}

/// Whether to look at the MCP server first.
///
/// # Errors
/// When without that look nothing would keep the agent from writing.
pub fn verify(verify: bool, client: &dyn Client, read_only: bool) -> Result<bool, Flaw> {
    if verify || !read_only || client.sends_headers() {
        return Ok(verify);
    }
    Err(Flaw {
        value: None,
        what: format!(
            "is off, but `client: {}` sends no headers: only a list of the tools that read can keep it from writing",
            client.id()
        ),
        mend: "Set `verify: true`; or set `read_only: false`, and name the tools in `allowed_tools`.".to_owned(),
    })
}

fn listed(transports: &[Transport]) -> String {
    transports.iter().map(ToString::to_string).collect::<Vec<_>>().join("` or `transport: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_variable_that_is_taken_means_nothing_to_a_shell_or_a_config(
            text in "\\PC{0,20}|[A-Za-z0-9_]{0,140}|(GITHUB_|RUNNER_|INPUT_)?[A-Z_]{0,9}",
        ) {
            let known = client("claude-code").unwrap();
            if let Ok(name) = token_env(&text, known, Transport::Http) {
                prop_assert!(!name.is_empty() && name.len() <= 128);
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit()));
                prop_assert!(!PREFIXES_OF_THE_RUNNER.iter().any(|prefix| name.starts_with(prefix)));
            }
        }
    }
}
