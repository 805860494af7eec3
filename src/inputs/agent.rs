//! Inputs that not every agent supports.

use super::problem::ValueError;
use crate::clients::{self, Client, Transport};
use crate::port::AllowedActions;

/// The runner sets these itself, and ignores what a workflow sets.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables#naming-conventions-for-environment-variables>
const PREFIXES_OF_THE_RUNNER: &[&str] = &["GITHUB_", "RUNNER_", "INPUT_"];

/// The longest name of a variable, in characters. A longer one is a mistake.
const LONGEST_VARIABLE: usize = 128;

/// The agent.
///
/// # Errors
/// If this program knows no agent of that name.
pub fn client(text: &str) -> Result<&'static dyn Client, ValueError> {
    clients::find(text).ok_or_else(|| {
        let known: Vec<_> = clients::REGISTRY.iter().map(|client| client.id()).collect();
        ValueError {
            value: Some(text.to_owned()),
            problem: format!("is not one of {}", known.join(", ")),
            fix: "Set `client` to one of them; `generic` fits most others.".to_owned(),
        }
    })
}

/// The server's name in the config.
///
/// # Errors
/// If the agent would have no server of that name.
pub fn server_name(name: String, client: &dyn Client) -> Result<String, ValueError> {
    let Some(problem) = clients::server_name_problem(&name, client) else { return Ok(name) };
    Err(ValueError { value: Some(name), problem, fix: "Choose another `server_name`, such as `port-prod`.".to_owned() })
}

/// How the agent reaches the server.
///
/// # Errors
/// If the agent can't.
pub fn transport(transport: Transport, client: &dyn Client) -> Result<Transport, ValueError> {
    if client.transports().contains(&transport) {
        return Ok(transport);
    }
    Err(ValueError {
        value: Some(transport.to_string()),
        problem: format!("doesn't fit `client: {}`", client.id()),
        fix: format!("Set `transport: {}`, or leave it out.", listed(client.transports())),
    })
}

/// The variable that the config refers to instead of holding the token.
///
/// # Errors
/// If it is not the name of a variable, or the agent can't refer to one.
pub fn token_env(text: &str, client: &dyn Client, transport: Transport) -> Result<String, ValueError> {
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !begins_well || text.len() > LONGEST_VARIABLE || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(ValueError {
            // It may be a secret that was put here by mistake.
            value: None,
            problem: "is not the name of an environment variable".to_owned(),
            fix: "Write a name such as `PORT_TOKEN` into `token_env`, and set that variable to the output `access_token` in the `env` of the agent's step.".to_owned(),
        });
    }
    if PREFIXES_OF_THE_RUNNER.iter().any(|prefix| text.starts_with(prefix)) || clients::OWN_VARIABLES.contains(&text) {
        return Err(ValueError {
            value: Some(text.to_owned()),
            problem: "is a name that the runner or the config itself uses".to_owned(),
            fix: "Choose another name for `token_env`, such as `PORT_TOKEN`.".to_owned(),
        });
    }
    if client.token_env_transports().contains(&transport) {
        return Ok(text.to_owned());
    }
    let leave_out = "leave `token_env` out: the config then holds the token, which logs hide";
    Err(match client.token_env_transports() {
        [] => ValueError {
            value: None,
            problem: format!("can't be used with `client: {}`, whose config has no way to name a variable", client.id()),
            fix: format!("Please {leave_out}."),
        },
        others => ValueError {
            value: None,
            problem: format!("can't be used with `client: {}` and `transport: {transport}`", client.id()),
            fix: format!("Set `transport: {}`, or {leave_out}.", listed(others)),
        },
    })
}

/// The actions that the agent may run.
///
/// # Errors
/// If the agent can't send the header that names them.
pub fn allowed_actions(actions: AllowedActions, client: &dyn Client) -> Result<AllowedActions, ValueError> {
    if client.sends_headers() {
        return Ok(actions);
    }
    Err(ValueError {
        value: None,
        problem: format!("can't be held: Port takes the actions from a header, and `client: {}` sends none", client.id()),
        fix: "Leave `allowed_actions` out, name the tools in `allowed_tools`, and give the credentials a role in Port that may run no other actions.".to_owned(),
    })
}

/// Whether there is to be a gateway beside the job.
///
/// # Errors
/// If the agent doesn't run in the job.
pub fn gateway(gateway: bool, client: &dyn Client) -> Result<bool, ValueError> {
    if !gateway || client.runs_in_job() {
        return Ok(gateway);
    }
    Err(ValueError {
        value: None,
        problem: format!(
            "can't be used with `client: {}`: there, the provider's servers connect to the MCP server, and they can't reach a gateway in the job",
            client.id()
        ),
        fix: "Leave `gateway` out, or choose an agent that runs in the job in `client`.".to_owned(),
    })
}

/// Whether to open the MCP connection first.
///
/// # Errors
/// If nothing else would keep the agent from writing.
pub fn verify(verify: bool, client: &dyn Client, read_only: bool) -> Result<bool, ValueError> {
    if verify || !read_only || client.sends_headers() {
        return Ok(verify);
    }
    Err(ValueError {
        value: None,
        problem: format!(
            "is off, but `client: {}` sends no headers: only a list of the tools that read can keep it from writing",
            client.id()
        ),
        fix: "Set `verify: true`; or set `read_only: false`, and name the tools in `allowed_tools`.".to_owned(),
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
