//! The decision on a message: whether it goes on, and what of it.

use std::cell::RefCell;
use std::collections::HashMap;

use http::HeaderMap;
use serde_json::Value;

use super::headers::{AgentHeaders, ProtocolEra};
use super::json::{Json, Object};
use super::message::AgentMessage;
use super::refusal::{Limit, Refusal};
use super::schema::{Schemas, fold};
use super::settings::{AllowedTool, Rules};
use crate::mcp::{Policy, ToolName};
use crate::port::{Access, AllowedActions, ToolKind as Kind};

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
    /// The kinds of the tools that the rules name.
    tools: Option<HashMap<String, Kind>>,
    actions: Option<Vec<String>>,
    read_only: bool,
    policy: Policy,
    schemas: RefCell<Schemas>,
}

/// A message that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// What is sent.
    pub message: AgentMessage,
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
        let Rules { tools, actions, read_only } = rules;
        // Of two with one name, the first counts.
        let kinds = |tools: Vec<AllowedTool>| tools.into_iter().rev().map(|AllowedTool { name, kind }| (name, kind)).collect();
        let named = actions.clone().map_or(AllowedActions::Any, AllowedActions::Only);
        let policy = Policy::of(&Access { read_only, actions: named });
        Self { tools: tools.map(kinds), actions, read_only, policy, schemas: RefCell::default() }
    }

    /// Decides on a message.
    ///
    /// # Errors
    /// Why it doesn't go on.
    pub fn decide(&self, message: AgentMessage, headers: &AgentHeaders, raw: &HeaderMap) -> Result<Passed, Refusal> {
        let call = match &message {
            AgentMessage::Request { method, params, .. } => self.decide_request(method, params.as_ref(), headers)?,
            AgentMessage::Notification { method, .. } if NOTIFICATIONS.contains(&method.as_str()) => None,
            AgentMessage::Notification { .. } => return Err(Refusal::Method),
            AgentMessage::Response { .. } => None,
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
            "initialize" => fits(headers.era != ProtocolEra::Discover),
            "server/discover" | "subscriptions/listen" => fits(headers.era != ProtocolEra::Initialize && headers.session.is_none()),
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
        let Some(tools) = &self.tools else {
            let kind = self.schemas.borrow().kind(name);
            return match ToolName::parse(name) {
                Some(_) if self.policy.admits(kind) => Ok(kind),
                Some(_) => Err(self.limit_of(kind)),
                None => Err(Limit::AllowedTools),
            };
        };
        let by_name = Kind::by_name(name);
        let Some(kind) = tools.get(name) else {
            let withheld = by_name.filter(|kind| !self.policy.admits(*kind));
            return Err(withheld.map_or(Limit::AllowedTools, |kind| self.limit_of(kind)));
        };
        match (by_name, *kind) {
            (Some(Kind::Execute), _) | (_, Kind::Execute) => Ok(Kind::Execute),
            (_, Kind::Write) | (Some(Kind::Write), _) if self.read_only => Err(Limit::ReadOnly),
            (by_name, kind) => Ok(by_name.map_or(kind, |by_name| by_name.max(kind))),
        }
    }

    /// The limit that keeps tools of a kind away.
    fn limit_of(&self, kind: Kind) -> Limit {
        match (kind, &self.actions) {
            (Kind::Write, _) => Limit::ReadOnly,
            // Where actions are named, such tools are not kept away: here the list is empty.
            (Kind::Execute, Some(_)) => Limit::NoActions,
            (Kind::Execute, None) | (Kind::Read, _) => Limit::AllowedTools,
        }
    }

    fn admit_action(&self, tool: &str, arguments: Option<&Object>) -> Result<Option<String>, Limit> {
        let Some(allowed) = &self.actions else {
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
        let runs_nothing = self.actions.as_ref().is_some_and(Vec::is_empty);
        self.admit(name).is_ok_and(|kind| kind != Kind::Execute || !runs_nothing)
    }
}

fn arguments(params: Option<&Object>) -> Option<Object> {
    params?.get("arguments")?.object()
}

/// What of a message goes on.
fn narrowed(message: AgentMessage) -> AgentMessage {
    match message {
        AgentMessage::Request { id, method, params: Some(mut params) } if method == "subscriptions/listen" => {
            let mut wanted = params.get("notifications").and_then(Json::object).unwrap_or_default();
            wanted.retain(&SUBSCRIPTIONS);
            params.retain(&["_meta"]);
            params.set("notifications", wanted.to_json());
            AgentMessage::Request { id, method, params: Some(params) }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn judge(tools: Option<&[(&str, Kind)]>, actions: Option<&[&str]>, read_only: bool) -> Judge {
        let tool = |(name, kind): &(&str, Kind)| AllowedTool { name: (*name).to_owned(), kind: *kind };
        Judge::new(Rules {
            tools: tools.map(|tools| tools.iter().map(tool).collect()),
            actions: actions.map(|actions| actions.iter().map(|action| (*action).to_owned()).collect()),
            read_only,
        })
    }

    fn decide(judge: &Judge, message: &str) -> Result<Passed, Refusal> {
        let headers = HeaderMap::new();
        judge.decide(AgentMessage::read(message.as_bytes())?, &AgentHeaders::read(&headers)?, &headers)
    }

    fn call(judge: &Judge, tool: &str, arguments: &Value) -> Result<Call, Refusal> {
        let params = json!({"name": tool, "arguments": arguments});
        let passed = decide(judge, &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string())?;
        Ok(passed.call.unwrap())
    }

    #[test]
    fn the_limit_that_is_met_is_named() {
        let listed = judge(Some(&[("list_a", Kind::Read), ("merge", Kind::Write), ("run_action", Kind::Execute)]), Some(&["x"]), true);
        let limit = |tool: &str| call(&listed, tool, &json!({"actionIdentifier": "x"})).map(|call| call.kind);
        assert_eq!(limit("list_a"), Ok(Kind::Read));
        assert_eq!(limit("run_action"), Ok(Kind::Execute));
        assert_eq!(limit("merge"), Err(Limit::ReadOnly.into()));
        assert_eq!(limit("delete_entity"), Err(Limit::ReadOnly.into()));
        assert_eq!(limit("list_b"), Err(Limit::AllowedTools.into()));
        assert_eq!(call(&listed, "run_action", &json!({"actionIdentifier": "y"})), Err(Limit::AllowedActions.into()));
        assert_eq!(call(&listed, "run_action", &json!({})), Err(Limit::UnclearAction.into()));
        let none = judge(Some(&[("run_action", Kind::Execute)]), Some(&[]), true);
        assert_eq!(call(&none, "run_action", &json!({"actionIdentifier": "x"})), Err(Limit::NoActions.into()));
        let any = judge(Some(&[("run_action", Kind::Execute)]), None, true);
        assert_eq!(call(&any, "run_action", &json!({})).unwrap().action, None);
        let writing = judge(Some(&[("merge", Kind::Write), ("delete_entity", Kind::Write)]), None, false);
        assert_eq!(call(&writing, "merge", &json!({})).map(|call| call.kind), Ok(Kind::Write));
        assert_eq!(call(&writing, "delete_entity", &json!({})).map(|call| call.kind), Ok(Kind::Write));
        // Whatever the list says, such a name runs actions.
        let mistaken = judge(Some(&[("run_action", Kind::Read)]), Some(&["x"]), true);
        assert_eq!(call(&mistaken, "run_action", &json!({"actionIdentifier": "y"})), Err(Limit::AllowedActions.into()));
    }

    #[test]
    fn without_a_list_the_kind_decides() {
        let reading = judge(None, Some(&[]), true);
        assert!(call(&reading, "list_entities", &json!({})).is_ok());
        assert_eq!(call(&reading, "something_new", &json!({})), Err(Limit::ReadOnly.into()));
        assert_eq!(call(&reading, "run_action", &json!({})), Err(Limit::NoActions.into()));
        assert_eq!(call(&reading, "a b", &json!({})), Err(Limit::AllowedTools.into()));
        reading.cut(&mut json!({"result": {"tools": [{"name": "something_new", "annotations": {"readOnlyHint": true}}]}}));
        assert!(call(&reading, "something_new", &json!({})).is_ok());
        let writing = judge(None, None, false);
        assert!(call(&writing, "delete_entity", &json!({})).is_ok() && call(&writing, "run_action", &json!({})).is_ok());
    }

    #[test]
    fn answers_lose_what_is_not_allowed() {
        let listed = judge(Some(&[("a", Kind::Read), ("run_action", Kind::Execute)]), Some(&[]), true);
        let mut answer = json!({"id": 1, "result": {"tools": [{"name": "a"}, {"name": "b"}, {"name": "run_action"}, {"name": null}, 7], "nextCursor": "x"}});
        assert!(listed.cut(&mut answer));
        assert_eq!(answer, json!({"id": 1, "result": {"tools": [{"name": "a"}], "nextCursor": "x"}}));
        let mut answer = json!({"result": {"capabilities": {"tools": {}, "logging": {}, "prompts": {}, "experimental": {}, "future": {}}}});
        assert!(listed.cut(&mut answer));
        assert_eq!(answer, json!({"result": {"capabilities": {"tools": {}, "logging": {}}}}));
        assert!(!listed.cut(&mut json!({"result": {"content": [{"tools": [{"name": "b"}]}]}})));
    }

    /// What a parser that ignores case reads, of several members the last one.
    fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
        object.as_object()?.iter().rev().find(|(key, _)| key.to_lowercase() == name).map(|(_, value)| value)
    }

    fn any_name() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("name".to_owned()),
            Just("arguments".to_owned()),
            Just("actionIdentifier".to_owned()),
            Just("identifier".to_owned()),
            "(N|n)(A|a)me ?",
            "(a|A)ction(I|_i|-i)dentifier",
            "argument(\u{17f}|s|S)",
            "[a-z]{1,3}",
        ]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["list_a|run_action|merge|delete_entity|x|y|X ", "\\PC{0,4}"].prop_map(Value::from);
        let leaf = prop_oneof![3 => text, 1 => Just(json!(null)), 1 => any::<i32>().prop_map(Value::from), 1 => Just(json!({}))];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::vec((any_name(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_goes_on_is_allowed_however_it_is_read(
            method in "tools/call|tools/list|Tools/call|tools/call |prompts/get|ping|notifications/cancelled",
            members in proptest::collection::vec((any_name(), any_value()), 0..5),
            arguments in proptest::collection::vec((any_name(), any_value()), 0..4),
            usual in any::<bool>(),
            tool in "list_a|run_action|merge|delete_entity|list_a ",
            id in any::<bool>(),
        ) {
            let judge = judge(Some(&[("list_a", Kind::Read), ("merge", Kind::Write), ("run_action", Kind::Execute)]), Some(&["x"]), true);
            let mut params: serde_json::Map<String, Value> = members.into_iter().collect();
            if usual {
                params.insert("name".to_owned(), tool.into());
                params.insert("arguments".to_owned(), Value::Object(arguments.into_iter().collect()));
            }
            let mut message = json!({"jsonrpc": "2.0", "method": method, "params": params});
            if id {
                message["id"] = json!(1);
            }
            if let Ok(passed) = decide(&judge, &message.to_string()) {
                let sent: Value = serde_json::from_str(passed.message.to_json().as_str()).unwrap();
                prop_assert_eq!(&sent, &message, "nothing is lost on the way");
                let method = member(&sent, "method").and_then(Value::as_str).unwrap();
                prop_assert!(["tools/call", "tools/list", "ping", "notifications/cancelled"].contains(&method));
                if method == "tools/call" {
                    prop_assert!(id);
                    let params = member(&sent, "params").unwrap();
                    let tool = member(params, "name").and_then(Value::as_str).unwrap();
                    prop_assert!(["list_a", "run_action"].contains(&tool));
                    if tool == "run_action" {
                        let arguments = member(params, "arguments").unwrap().as_object().unwrap();
                        let named: Vec<_> = arguments.iter().filter(|(name, _)| fold(name).ends_with("identifier")).collect();
                        prop_assert!(named.len() == 1 && named[0].0 == "actionIdentifier" && named[0].1 == "x", "{:?}", named);
                    }
                }
            }
        }

        #[test]
        fn what_is_shown_can_be_called_and_the_other_way_round(names in proptest::collection::vec("(list|get|run|upsert|merge)(_[ab])?", 0..8), read_only: bool, given: bool, actions in 0usize..3) {
            let allowed = [("list_a", Kind::Read), ("merge", Kind::Write), ("run_a", Kind::Execute), ("upsert_b", Kind::Write)];
            let actions = [None, Some(&[][..]), Some(&["a"][..])][actions];
            let judge = judge(given.then_some(&allowed[..]), actions, read_only);
            let listed: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            let mut answer = json!({"result": {"tools": listed}});
            judge.cut(&mut answer);
            let shown: Vec<_> = answer["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
            for name in &names {
                let called = call(&judge, name, &json!({}));
                // Of a tool that runs an action, the arguments may be what is missing.
                let can = !matches!(called, Err(Refusal::Tool(Limit::AllowedTools | Limit::ReadOnly | Limit::NoActions)));
                prop_assert_eq!(shown.contains(&name.as_str()), can, "{} {:?}", name, called);
            }
        }
    }
}
