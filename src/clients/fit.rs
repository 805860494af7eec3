//! Whether an agent can take the names of a server and its tools.

use super::client::Client;
use crate::mcp::ToolName;

/// Why an agent would not have a server of some name, as the rest of a sentence that begins with the name.
pub fn server_name_problem(name: &str, client: &dyn Client) -> Option<String> {
    let id = client.id();
    let naming = client.naming();
    if naming.reserved.contains(&name) {
        return Some(format!("is a name that `client: {id}` keeps for itself: it would ignore the server"));
    }
    let form = naming.form.filter(|form| !(form.fits)(name))?;
    Some(format!("is not a name that `client: {id}` takes: it {}", form.rule))
}

/// Tools that an agent doesn't offer under the name that they should have.
#[derive(Debug)]
pub struct Misnamed<'a> {
    /// Tools whose full names are too long.
    pub too_long: Vec<&'a ToolName>,
    /// Tools with a `.` that the agent can't take.
    pub dotted: Vec<&'a ToolName>,
}

/// Finds them among `tools`.
pub fn misnamed<'a>(tools: &'a [ToolName], server_name: &str, client: &dyn Client) -> Misnamed<'a> {
    let naming = client.naming();
    let is_too_long = |tool: &str| naming.longest.is_some_and(|longest| client.model_name(server_name, tool).len() > longest);
    let is_dotted = |tool: &str| !naming.takes_dots && tool.contains('.');
    let those = |fits: &dyn Fn(&str) -> bool| tools.iter().filter(|tool| fits(tool.as_str())).collect();
    Misnamed { too_long: those(&is_too_long), dotted: those(&is_dotted) }
}
