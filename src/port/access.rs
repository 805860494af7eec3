//! The headers with which Port narrows what an agent may do. <https://docs.port.io/ai-interfaces/port-mcp-server/>

/// Hides every tool that writes.
const READ_ONLY: (&str, &str) = ("x-read-only-mode", "1");

/// Names the self-service actions that may run; empty allows none.
const ALLOWED_ACTIONS: &str = "x-allowed-actions-to-run";

/// What the agent may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Whether tools that write are hidden.
    pub read_only: bool,
    /// The self-service actions that may run.
    pub actions: AllowedActions,
}

/// The self-service actions that an agent may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedActions {
    /// Those that the credentials permit: the header is absent.
    Any,
    /// These; none if the list is empty.
    Only(Vec<String>),
}

impl Access {
    /// The headers to send beside `Authorization`.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let read_only = self.read_only.then(|| (READ_ONLY.0, READ_ONLY.1.to_owned()));
        let actions = match &self.actions {
            AllowedActions::Any => None,
            AllowedActions::Only(names) => Some((ALLOWED_ACTIONS, names.join(","))),
        };
        read_only.into_iter().chain(actions).collect()
    }
}
