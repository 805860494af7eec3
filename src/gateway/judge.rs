//! The decision on a message: whether it goes on, and what of it.

use std::cell::RefCell;

use http::HeaderMap;
use serde_json::Value;

use super::headers::{AgentHeaders, Era};
use super::json::{Json, Object};
use super::message::Message;
use super::refusal::{Limit, Refusal};
use super::schema::{Schemas, fold};
use super::settings::{AllowedTool, Rules};
use crate::mcp::{Kind, Policy, ToolName};
use crate::port::{Access, AllowedActions};

/// Requests that go on as they are. The others of the protocol reach what no input limits: prompts, resources, completion, tasks.
const REQUESTS: [&str; 3] = ["ping", "tools/list", "logging/setLevel"];

/// What an agent may tell the server.
const NOTIFICATIONS: [&str; 4] =
    ["notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/roots/list_changed"];

/// The capabilities of a server that an agent can use through the gateway.
const CAPABILITIES: [&str; 2] = ["tools", "logging"];

/// What `subscriptions/listen` may ask for: all other kinds are of refused methods.
const SUBSCRIPTIONS: [&str; 1] = ["toolsListChanged"];

/// Parameters of `tools/call` that the decision hangs on.
const DECISIVE: [&str; 2] = ["name", "arguments"];

/// Decides. Its rules don't change while the gateway runs.
#[derive(Debug)]
pub struct Judge {
    rules: Rules,
    policy: Policy,
    schemas: RefCell<Schemas>,
}

/// A message that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// What is sent.
    pub message: Message,
    /// The tool that it calls.
    pub call: Option<Call>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// What it does.
    pub kind: Kind,
    /// The action that it runs, if the rules name actions.
    pub action: Option<String>,
}

impl Judge {
    /// Takes the rules.
    pub fn new(rules: Rules) -> Self {
        let actions = rules.actions.clone().map_or(AllowedActions::Any, AllowedActions::Only);
        let policy = Policy::of(&Access { read_only: rules.read_only, actions });
        Self { rules, policy, schemas: RefCell::default() }
    }

    /// Decides on a message.
    ///
    /// # Errors
    /// Why it doesn't go on.
    pub fn decide(&self, message: Message, headers: &AgentHeaders, raw: &HeaderMap) -> Result<Passed, Refusal> {
        let call = match &message {
            Message::Request { method, params, .. } => self.decide_request(method, params.as_ref(), headers)?,
            Message::Notification { method, .. } if NOTIFICATIONS.contains(&method.as_str()) => None,
            Message::Notification { .. } => return Err(Refusal::Method),
            Message::Response { .. } => None,
        };
        headers.agree(&message, raw)?;
        let call_of = |tool: &str, header: &str, value: &str| {
            let arguments = arguments(message.params());
            self.schemas.borrow().agrees(tool, header, value, arguments.as_ref())
        };
        AgentHeaders::parameters_agree(raw, |header, value| call.as_ref().is_some_and(|call| call_of(&call.tool, header, value)))?;
        Ok(Passed { message: narrowed(message), call })
    }

    fn decide_request(&self, method: &str, params: Option<&Object>, headers: &AgentHeaders) -> Result<Option<Call>, Refusal> {
        let fits = |fits: bool| if fits { Ok(None) } else { Err(Refusal::Era) };
        match method {
            "initialize" => fits(headers.era != Era::Discover),
            "server/discover" | "subscriptions/listen" => fits(headers.era != Era::Initialize && headers.session.is_none()),
            "tools/call" => self.decide_call(params).map(Some),
            method if REQUESTS.contains(&method) => Ok(None),
            _ => Err(Refusal::Method),
        }
    }

    fn decide_call(&self, params: Option<&Object>) -> Result<Call, Refusal> {
        let params = params.ok_or(Refusal::Params)?;
        // A parser that ignores case would take the other one.
        if params.names().any(|name| !DECISIVE.contains(&name) && DECISIVE.contains(&fold(name).as_str())) {
            return Err(Refusal::Params);
        }
        let name = params.get("name").and_then(Json::text).ok_or(Refusal::Params)?;
        let arguments = match params.get("arguments") {
            Some(arguments) => Some(arguments.object().ok_or(Refusal::Params)?),
            None => None,
        };
        let kind = self.admit(&name)?;
        let action = if kind == Kind::Execute { self.admit_action(&name, arguments.as_ref())? } else { None };
        Ok(Call { tool: name, kind, action })
    }

    /// Whether a tool may be called, and what it does.
    fn admit(&self, name: &str) -> Result<Kind, Limit> {
        let Some(tools) = &self.rules.tools else {
            let kind = self.schemas.borrow().kind(name);
            return match ToolName::parse(name) {
                Some(_) if self.policy.admits(kind) => Ok(kind),
                Some(_) => Err(self.limit_of(kind)),
                None => Err(Limit::AllowedTools),
            };
        };
        let by_name = Kind::by_name(name);
        let Some(AllowedTool { kind, .. }) = tools.iter().find(|tool| tool.name == name) else {
            let withheld = by_name.filter(|kind| !self.policy.admits(*kind));
            return Err(withheld.map_or(Limit::AllowedTools, |kind| self.limit_of(kind)));
        };
        match (by_name, *kind) {
            (Some(Kind::Execute), _) | (_, Kind::Execute) => Ok(Kind::Execute),
            (_, Kind::Write) | (Some(Kind::Write), _) if self.rules.read_only => Err(Limit::ReadOnly),
            (by_name, kind) => Ok(by_name.map_or(kind, |by_name| by_name.max(kind))),
        }
    }

    /// The limit that keeps tools of a kind away.
    fn limit_of(&self, kind: Kind) -> Limit {
        match (kind, &self.rules.actions) {
            (Kind::Write, _) => Limit::ReadOnly,
            (Kind::Execute, Some(actions)) if actions.is_empty() => Limit::NoActions,
            (Kind::Execute | Kind::Read, _) => Limit::AllowedTools,
        }
    }

    fn admit_action(&self, tool: &str, arguments: Option<&Object>) -> Result<Option<String>, Limit> {
        let Some(allowed) = &self.rules.actions else {
            return Ok(None);
        };
        if allowed.is_empty() {
            return Err(Limit::NoActions);
        }
        let action = self.schemas.borrow().action(tool, arguments).ok_or(Limit::UnclearAction)?;
        if allowed.contains(&action) { Ok(Some(action)) } else { Err(Limit::AllowedActions) }
    }

    /// Takes out of an answer what the agent may not use. Returns whether anything was changed.
    pub fn cut(&self, answer: &mut Value) -> bool {
        let Some(result) = answer.get_mut("result").and_then(Value::as_object_mut) else {
            return false;
        };
        let mut changed = false;
        if let Some(Value::Array(tools)) = result.get_mut("tools") {
            for tool in &*tools {
                self.schemas.borrow_mut().note(tool);
            }
            let before = tools.len();
            tools.retain(|tool| tool.get("name").and_then(Value::as_str).is_some_and(|name| self.is_listed(name)));
            changed |= tools.len() != before;
        }
        if let Some(Value::Object(capabilities)) = result.get_mut("capabilities") {
            let before = capabilities.len();
            capabilities.retain(|name, _| CAPABILITIES.contains(&name.as_str()));
            changed |= capabilities.len() != before;
        }
        changed
    }

    /// Whether a tool is shown: one that can be called with the right arguments.
    fn is_listed(&self, name: &str) -> bool {
        let runs_nothing = self.rules.actions.as_ref().is_some_and(Vec::is_empty);
        self.admit(name).is_ok_and(|kind| kind != Kind::Execute || !runs_nothing)
    }
}

fn arguments(params: Option<&Object>) -> Option<Object> {
    params?.get("arguments")?.object()
}

/// What of a message goes on.
fn narrowed(message: Message) -> Message {
    match message {
        Message::Request { id, method, params: Some(mut params) } if method == "subscriptions/listen" => {
            if let Some(mut wanted) = params.get("notifications").and_then(Json::object) {
                wanted.retain(&SUBSCRIPTIONS);
                params.set("notifications", wanted.to_json());
            }
            Message::Request { id, method, params: Some(params) }
        }
        other => other,
    }
}
