//! Texts for problems with the MCP server and its tools.

use super::code::Code;
use super::explanation::Explanation;
use super::words::listed;
use super::{internal, not_verified};
use crate::mcp::{Doubt, Error, Kind, Unresolved};
use crate::redact::Redactor;

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    match error {
        Error::Refused { url, token_from, response } => {
            let forbidden = response.status == 403;
            let why = if forbidden {
                "The organisation has an IP allow-list that this runner's address is not on, the credentials have no right to use the MCP server, or a proxy answered instead of Port."
            } else {
                "Port issued the token, but this MCP server doesn't take it: it takes those of Port's other token endpoint, or belongs to another region."
            };
            let first = if forbidden {
                "Use a runner whose address is on the allow-list, or give the credentials the right. If it is neither: "
            } else {
                ""
            };
            let fix = format!(
                "{first}Set `token_endpoint: {}`, and check that `region` or `mcp_url` names the MCP server of the organisation that the credentials belong to.",
                token_from.other()
            );
            Explanation::new(Code::McpRefused, "The MCP server refuses the token", format!("`POST {url}` answered {response}."), why, fix)
        }
        Error::Unusable { url, problem } => Explanation::new(
            Code::McpError,
            "The MCP server gives no tools",
            format!("`POST {url}` gave an answer that an agent can't use either: {problem}."),
            "What answered is not Port's MCP server: a mistake in the URL, a proxy's or a login page, or a change on Port's side.",
            "Check `mcp_url` (EU: `https://mcp.port.io/v1`, US: `https://mcp.us.port.io/v1`). If it is right, run the job again, and report it if it stays. `verify: false` turns this check off.",
        ),
        Error::ToolUnknown(unresolved) => explain_unresolved(unresolved),
        Error::Internal(error) => internal::explain(error, redactor),
    }
}

fn explain_unresolved(unresolved: &Unresolved) -> Explanation {
    let what = unresolved.doubts.iter().map(explain_doubt).collect::<Vec<_>>().join(" ");
    if unresolved.doubts.iter().any(|doubt| matches!(doubt, Doubt::Unlisted { .. })) {
        let why = match &unresolved.not_verified {
            Some(not_verified) => not_verified::what(not_verified),
            None => "The tools were not asked for, since `verify` is off.".to_owned(),
        };
        let fix = "Write the tools' names into `allowed_tools` instead of globs, or let this container reach the MCP server.";
        return Explanation::new(Code::ToolUnknown, "The tools can't be listed", what, why, fix);
    }
    let hides = unresolved.doubts.iter().any(Doubt::is_hidden);
    let why = if hides {
        "With `read_only` on (the default), Port shows no tool that writes, and none that runs an action is handed on unasked."
    } else {
        "Port renames tools between releases (`get_entities` became `list_entities`), and offers only those that the credentials may use."
    };
    let set = if hides {
        " If the agent is to write, set `read_only: false`; if it is to run actions, name them in `allowed_actions`."
    } else {
        ""
    };
    let offered = if unresolved.offered.is_empty() { "no tool".to_owned() } else { listed(&unresolved.offered) };
    let fix = format!("Correct `allowed_tools`.{set} Offered are: {offered}.");
    Explanation::new(Code::ToolUnknown, "A tool is not offered", what, why, fix)
}

fn explain_doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::NotOffered { name, hidden: Some(Kind::Write), .. } => format!("`{name}` is not offered: `read_only` hides write tools."),
        Doubt::NotOffered { name, hidden: Some(_), .. } => {
            format!("`{name}` is not offered: there is no action that the agent may run.")
        }
        Doubt::NotOffered { name, nearest: Some(nearest), .. } => format!("`{name}` is not offered; did you mean `{nearest}`?"),
        Doubt::NotOffered { name, .. } => format!("`{name}` is not offered."),
        Doubt::NoMatch { glob, unfit } if unfit.is_empty() => format!("`{glob}` matches no tool that is offered."),
        Doubt::NoMatch { glob, unfit } => format!("`{glob}` matches only tools that `read_only` leaves out: {}.", listed(unfit)),
        Doubt::Unlisted { glob } => format!("`{glob}` is a glob, and there is no list of tools to match it against."),
    }
}
