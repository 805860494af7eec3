//! Texts for problems with the MCP server and its tools.

use reqwest::Url;

use super::code::Code;
use super::explanation::Explanation;
use super::port::by_region;
use super::words::listed;
use super::{internal, not_verified};
use crate::mcp::{Challenge, Doubt, Error, QuotedViolation, ServerProblem, Unresolved};
use crate::port::{ErrorResponse, Region, TokenEndpoint, ToolKind};
use crate::redact::Redactor;

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    match error {
        Error::Refused { url, token_from, response, challenge } => explain_refused(url, *token_from, response, challenge.as_ref()),
        Error::Unusable { url, problem } => Explanation::new(
            Code::McpError,
            "The MCP server gives no tools",
            format!("The MCP server at `{url}` gives an answer that no agent can use: it {problem}."),
            unusable_because(problem),
            format!(
                "Check `mcp_url` ({}). If it is right, run the job again, and report it if it stays. `verify: false` turns this check off.",
                by_region(Region::mcp_url)
            ),
        ),
        Error::Rejected { url, violation } => Explanation::new(
            Code::McpError,
            "The agent would have no tools",
            format!("The agent that `client` names would drop all tools of the MCP server at `{url}`: {}.", broken_rule(violation)),
            "This agent checks each answer against MCP's schema. For one mistake it drops the whole list, starts without Port's tools, and reports no error.",
            "Report this to Port's support. Until it is fixed, use another agent; or set `verify: false`, if you know that your version of the agent takes such an answer.",
        ),
        Error::ToolUnknown(unresolved) => explain_unresolved(unresolved),
        Error::Internal(error) => internal::explain(error, redactor),
    }
}

fn unusable_because(problem: &ServerProblem) -> &'static str {
    match problem {
        ServerProblem::Status(_) => "The server has no MCP at this path: the URL is wrong, or what answered is not Port's MCP server.",
        ServerProblem::Redirect { .. } | ServerProblem::TooManyRedirects => {
            "The URL is not that of Port's MCP server but of something before it, such as a login page, or Port has moved it."
        }
        ServerProblem::NoAnswer | ServerProblem::NotMcp { .. } | ServerProblem::NotAMessage(_) => {
            "What answered is not Port's MCP server: it is another service, a proxy's page or a login page, or Port has changed its answers."
        }
    }
}

/// What in a server's answer breaks MCP's schema, as the rest of a sentence.
pub fn broken_rule(violation: &QuotedViolation) -> String {
    let QuotedViolation { tool, field, problem, .. } = violation;
    match tool {
        Some(tool) => format!("in the tool {tool}, `{field}` {problem}"),
        None => format!("`{field}` {problem}"),
    }
}

fn explain_refused(url: &Url, token_from: TokenEndpoint, response: &ErrorResponse, challenge: Option<&Challenge>) -> Explanation {
    let said = challenge.map(|challenge| format!(" It says {}{}.", challenge.error, described(challenge))).unwrap_or_default();
    let what = format!("`POST {url}` answered {response}.{said}");
    let other = format!(
        "Set `token_endpoint: {}`, and check that `region` or `mcp_url` names the MCP server of the organization that the credentials belong to.",
        token_from.other()
    );
    let title = "The MCP server refuses the token";
    if let Some(Challenge { scope, .. }) = challenge.filter(|challenge| challenge.is_insufficient_scope) {
        let scope = scope.as_ref().map(|scope| format!(" It asks for the scope {scope}.")).unwrap_or_default();
        let why = format!("The token is valid, but these credentials have no right to use the MCP server.{scope}");
        let fix = "Give the credentials the right in Port, or use others. Another token of the same credentials has the same rights.";
        return Explanation::new(Code::McpRefused, title, what, why, fix);
    }
    if response.status == 403 {
        let why = "The answer doesn't say why. Either this runner's address is not on the organization's IP allow-list, or the credentials may not use the MCP server, or what answered is not Port.";
        let fix = format!("Use a runner whose address is on the allow-list, or give the credentials the right. If neither helps: {other}");
        return Explanation::new(Code::McpRefused, title, what, why, fix);
    }
    let why = if challenge.is_some() {
        "Port issued the token, but this MCP server doesn't take it: it takes those of Port's other token endpoint, or belongs to another region."
    } else {
        "Port issued the token, and the answer doesn't say why it is refused. Either this MCP server takes only tokens of Port's other token endpoint, or it belongs to another region, or what answered is not Port's MCP server."
    };
    Explanation::new(Code::McpRefused, title, what, why, other)
}

fn described(challenge: &Challenge) -> String {
    challenge.description.as_ref().map(|description| format!(", {description}")).unwrap_or_default()
}

fn explain_unresolved(unresolved: &Unresolved) -> Explanation {
    let what = unresolved.doubts.iter().map(explain_doubt).collect::<Vec<_>>().join(" ");
    if unresolved.doubts.iter().any(|doubt| matches!(doubt, Doubt::Unlisted { .. })) {
        let why = match &unresolved.not_verified {
            Some(not_verified) => not_verified::what(not_verified),
            None => "The tools were not asked for, since `verify` is off.".to_owned(),
        };
        let fix = match &unresolved.not_verified {
            Some(_) => {
                "Write the tools' names into `allowed_tools`: unlike a glob, a name needs no list. Or solve what keeps this step from the list."
            }
            None => "Write the tools' names into `allowed_tools` instead of globs, or set `verify: true`.",
        };
        return Explanation::new(Code::ToolUnknown, "The tools can't be listed", what, why, fix);
    }
    let hides = unresolved.doubts.iter().any(Doubt::is_hidden);
    let why = if hides {
        "With `read_only` on (the default), Port hides tools that write. A tool that runs actions is allowed if `allowed_tools` names it exactly, or `allowed_actions` names actions."
    } else {
        "Port renames tools between releases (`get_entities` became `list_entities`), and offers only those that the credentials may use."
    };
    let set = if hides {
        " If the agent is to write, set `read_only: false`; if it is to run actions, name them in `allowed_actions`."
    } else {
        ""
    };
    let offered = if unresolved.offered.is_empty() { "no tool".to_owned() } else { listed(&unresolved.offered) };
    let by_name = match unresolved.by_name_only.as_slice() {
        [] => String::new(),
        names => format!(" A glob doesn't match these, but `allowed_tools` may name them: {}.", listed(names)),
    };
    let fix = format!("Correct `allowed_tools`.{set} Offered are: {offered}.{by_name}");
    Explanation::new(Code::ToolUnknown, "A tool is not offered", what, why, fix)
}

fn explain_doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::NotOffered { name, hidden: Some(ToolKind::Write), .. } => format!("`{name}` is not offered: `read_only` hides write tools."),
        Doubt::NotOffered { name, hidden: Some(_), .. } => {
            format!("`{name}` is not offered, and no action is allowed that it could run.")
        }
        Doubt::NotOffered { name, nearest: Some(nearest), .. } => format!("`{name}` is not offered; did you mean `{nearest}`?"),
        Doubt::NotOffered { name, .. } => format!("`{name}` is not offered."),
        Doubt::NoMatch { glob, unfit } if unfit.is_empty() => format!("`{glob}` matches no tool that is offered."),
        Doubt::NoMatch { glob, unfit } => {
            format!("`{glob}` matches only tools that `read_only` or `allowed_actions` keeps from the agent: {}.", listed(unfit))
        }
        Doubt::Unlisted { glob } => format!("`{glob}` is a glob, and there is no list of tools to match it against."),
    }
}
