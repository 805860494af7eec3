//! Values that were never filled in, or that are wrapped in something. Port would only answer that the credentials are wrong.

use super::problem::ValueError;

/// How references to secrets in other stores begin.
const REFERENCES: [&str; 5] = ["op://", "vault:", "ref+", "arn:aws:", "keyring:"];

/// The contexts of GitHub's expressions from which credentials are taken.
const CONTEXTS: [&str; 6] = ["secrets.", "vars.", "env.", "inputs.", "needs.", "steps."];

/// What programs write for a missing value, and names that stand for the value itself.
const PLACEHOLDERS: [&str; 8] = ["null", "undefined", "none", "nil", "client_id", "client_secret", "port_client_id", "port_client_secret"];

/// How the value of a header begins.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "authorization:"];

/// Quotes that stay around a value by mistake.
const QUOTES: [char; 3] = ['"', '\'', '`'];

fn error(problem: &str, fix: &str) -> ValueError {
    ValueError { value: None, problem: problem.to_owned(), fix: fix.to_owned() }
}

/// Checks that a value was filled in.
///
/// # Errors
/// If it is an expression, a variable's name, or in quotes.
pub fn filled_in(text: &str) -> Result<(), ValueError> {
    if text.contains("${{") {
        return Err(error(
            "holds `${{`: this expression was not evaluated",
            "GitHub evaluates `${{ … }}` only in workflow files and `action.yml`: write the expression there, not into the secret or variable itself.",
        ));
    }
    if is_variable(text) {
        return Err(error(
            "is the name of a variable, not its value",
            "Inputs are taken as they are, and no shell reads them: write `${{ secrets.NAME }}`, `${{ vars.NAME }}` or `${{ env.NAME }}` in the workflow.",
        ));
    }
    if in_quotes(text).is_some() {
        return Err(error(
            "has quotes around it, which are part of the value",
            "Remove the quotes: a secret or a variable needs none, and in a workflow one pair is enough.",
        ));
    }
    Ok(())
}

/// Checks that a value can be a credential of Port's, as far as its form shows.
///
/// # Errors
/// If it is something else that is commonly passed by mistake.
pub fn credential(text: &str) -> Result<(), ValueError> {
    let copy = "Copy the value anew from Port (the `…` menu, *Credentials*) into the repository's secrets.";
    let lower = text.to_ascii_lowercase();
    let begins = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
    if text.chars().all(|c| matches!(c, '*' | '•' | '●')) {
        return Err(error("is made of asterisks or dots: it was copied from where the value is hidden", copy));
    }
    if is_placeholder(text) || (text.starts_with('<') && text.ends_with('>')) {
        return Err(error("is a placeholder, not a credential", copy));
    }
    if begins(&REFERENCES) {
        return Err(error(
            "is a reference to a secret in another store, not the secret",
            "Load the secret in an earlier step, with that store's own action, and pass its output here.",
        ));
    }
    if begins(&CONTEXTS) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(error("is an expression without `${{ }}` around it", "Write it as `${{ secrets.NAME }}` in the workflow."));
    }
    if begins(&SCHEMES) {
        return Err(error("is the value of a header, not a credential", copy));
    }
    if is_json(text) {
        return Err(error(
            "is JSON, not one value",
            "Pass one field of it, such as `${{ fromJSON(secrets.NAME).clientSecret }}`, or store each credential in a secret of its own.",
        ));
    }
    if is_assignment(text) {
        return Err(error("has the form `NAME=value`", "Store only what follows the equals sign."));
    }
    Ok(())
}

/// Whether a text stands for a missing value. It is a common word, so masking it would hide much of the log.
pub fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What is in the quotes, if a text begins and ends with the same ones.
pub fn in_quotes(text: &str) -> Option<&str> {
    QUOTES.iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
}

/// Whether the whole text is a reference to a variable, as shells and templates write it. `$Name` in mixed case is more likely a
/// password.
fn is_variable(text: &str) -> bool {
    let between = |start: &str, end: &str| text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    if between("${", "}").is_some() || between("$(", ")").is_some() || between("{{", "}}").is_some() {
        return true;
    }
    let name = between("%", "%").or_else(|| text.strip_prefix("$env:")).or_else(|| text.strip_prefix('$'));
    name.is_some_and(|name| {
        let is_of_one_case = name.to_ascii_uppercase() == name || name.to_ascii_lowercase() == name;
        is_of_one_case && is_identifier(name)
    })
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_json(text: &str) -> bool {
    text.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether it is a line of an env file. The name must have an underscore: base64, which may contain `=`, has none.
fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, value)| {
        let is_name = is_identifier(name) && name.contains('_') && name.to_ascii_uppercase() == name;
        is_name && !value.trim_start_matches('=').is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_may_hold_what_a_reference_begins_with() {
        for text in [
            "$",
            "a$NAME",
            "$ecretPassw0rd",
            "$a-b",
            "$5UP3R",
            "50%",
            "%",
            "%a-b%",
            "pass\"",
            "'pass",
            "\"",
            "{abc}",
            "[abc]",
            "a=b",
            "AB=cd",
            "a_b=cd",
            "1A_B=cd",
            "A-B_C=cd",
            "A_B==",
            "QUJD=",
            "QUJD==",
            "secrets",
            "nullable",
            "a<b>",
            "<a",
            "a*",
            "optional://",
            "bearer",
        ] {
            assert!(filled_in(text).is_ok() && credential(text).is_ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_port_issues_is_taken(text in "[A-Za-z0-9]{32}|[A-Za-z0-9]{64}") {
            prop_assert!(filled_in(&text).is_ok() && credential(&text).is_ok());
        }
    }
}
