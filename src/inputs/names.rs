//! Inputs that are names, lists of names, or yes and no.

use super::form;
use super::problem::ValueError;
use crate::port::AllowedActions;
use crate::redact::SHORTEST_MASK;

/// The longest credential, in characters. Port's have 32 and 64.
const LONGEST_CREDENTIAL: usize = 4096;

/// The longest identifier of an organization, in characters. Port's have 20.
const LONGEST_ORGANIZATION: usize = 128;

/// The longest list, in characters. Servers accept header lines of 8 KiB; this leaves room for the header's name.
const LONGEST_ACTIONS: usize = 8000;

/// A client id: printable ASCII (RFC 6749 appendix A.1). No error quotes it.
///
/// # Errors
/// If it can't be one.
pub fn client_id(text: &str) -> Result<String, ValueError> {
    form::credential(text)?;
    if text.chars().any(char::is_control) {
        return Err(not_a_credential("holds a line break or another control character"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(not_a_credential("holds a space or a character that is not ASCII"));
    }
    if text.len() > LONGEST_CREDENTIAL {
        return Err(not_a_credential("is longer than 4096 characters"));
    }
    Ok(text.to_owned())
}

/// A client secret (RFC 6749 appendix A.2). No error quotes it.
///
/// # Errors
/// If it can't be one, or couldn't be masked.
pub fn client_secret(text: &str) -> Result<String, ValueError> {
    let secret = client_id(text)?;
    if secret.len() < SHORTEST_MASK {
        return Err(not_a_credential("has fewer than 4 characters, which is too short to be masked"));
    }
    Ok(secret)
}

fn not_a_credential(problem: &str) -> ValueError {
    ValueError {
        value: None,
        problem: problem.to_owned(),
        fix: "Copy the value anew from Port (the `…` menu, *Credentials*) into the repository's secrets.".to_owned(),
    }
}

/// The name of the server in the config. Two underscores separate it from the tool's name.
///
/// # Errors
/// If it has another form.
pub fn server_name(text: &str) -> Result<String, ValueError> {
    let fits =
        text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') && !text.contains("__");
    if fits {
        return Ok(text.to_owned());
    }
    Err(ValueError {
        value: Some(text.to_owned()),
        problem: "can't name a server: tools are called `mcp__<server_name>__<tool>`".to_owned(),
        fix: "Use 1 to 64 of A-Z, a-z, 0-9, `_` and `-` in `server_name`, without two underscores in a row.".to_owned(),
    })
}

/// The identifier of an organization in Port, such as `org_BneDtWovPqXaA2VZ`.
///
/// # Errors
/// If it has another form.
pub fn organization(text: &str) -> Result<String, ValueError> {
    let fits = text.len() <= LONGEST_ORGANIZATION && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if fits {
        return Ok(text.to_owned());
    }
    Err(ValueError {
        value: Some(text.to_owned()),
        problem: "is not the identifier of an organization".to_owned(),
        fix: "Write the identifier, not the name, in `organization`: the log of a step without this input shows it.".to_owned(),
    })
}

/// `true` or `false` as YAML writes them.
///
/// # Errors
/// If it is neither.
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    match text {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(ValueError {
            value: Some(text.to_owned()),
            problem: "is neither true nor false".to_owned(),
            fix: "Write `true` or `false`.".to_owned(),
        }),
    }
}

/// Action identifiers, separated by commas or line ends; the word `none` alone allows none.
///
/// # Errors
/// If a name can't be that of an action, or `none` is not alone.
pub fn allowed_actions(text: &str) -> Result<AllowedActions, ValueError> {
    let error = |value: Option<&str>, problem: &str| {
        Err(ValueError {
            value: value.map(str::to_owned),
            problem: problem.to_owned(),
            fix: "List action identifiers in `allowed_actions`, separated by commas; write `none` alone to allow none, or leave it out to allow all.".to_owned(),
        })
    };
    let mut names = Vec::new();
    for name in text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()) {
        if !name.bytes().all(is_identifier_byte) {
            return error(Some(name), "in it is no action identifier");
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if text.len() > LONGEST_ACTIONS {
        return error(None, "is longer than 8000 characters");
    }
    match names.as_slice() {
        [] => error(None, "names no action"),
        [only] if only == "none" => Ok(AllowedActions::Only(Vec::new())),
        _ if names.iter().any(|name| name == "none") => error(None, "has `none` beside other names"),
        _ => Ok(AllowedActions::Only(names)),
    }
}

/// What Port's identifiers are made of. <https://docs.port.io/actions-and-automations/create-self-service-experiences/>
fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"@_.+:/=-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn none_alone_allows_none() {
        assert_eq!(allowed_actions("none"), Ok(AllowedActions::Only(Vec::new())));
        assert_eq!(allowed_actions("a, b,\n a"), Ok(AllowedActions::Only(vec!["a".to_owned(), "b".to_owned()])));
        for text in ["none,a", ",", "a b", "a;b", "ä", "${X}"] {
            assert!(allowed_actions(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_is_taken_is_safe_everywhere(text in "\\PC{0,70}|[a-zA-Z0-9_-]{1,70}") {
            if let Ok(name) = server_name(&text) {
                prop_assert!(!name.is_empty() || text.is_empty());
                prop_assert!(name.len() <= 64 && !name.contains("__"));
            }
        }

        #[test]
        fn actions_that_are_taken_fit_a_header(text in "\\PC{0,60}|[a-z,\n ]{0,40}") {
            if let Ok(AllowedActions::Only(names)) = allowed_actions(&text) {
                prop_assert!(http::HeaderValue::from_str(&names.join(",")).is_ok());
            }
        }

        #[test]
        fn a_credential_that_is_taken_is_printable(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
            if let Ok(credential) = client_secret(&text) {
                prop_assert!(credential.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
            }
        }
    }
}
