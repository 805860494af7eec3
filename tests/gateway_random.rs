//! Promise: an agent that tries at random gets no further than one that tries on purpose. A run that breaks a promise prints its seed:
//! `GATEWAY_RUNS=1 GATEWAY_SEED=… cargo test --test gateway_random` shows it alone.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::gateway::{Gateway, KEY, call, request, settings};
use common::number;
use port_sandbox::{CLIENT_SECRET, Fault, McpMode, Options, Route, Sandbox, Wait};
use serde_json::{Value, json};

/// How many messages are sent, unless `GATEWAY_RUNS` says otherwise.
const RUNS: u64 = 400;

/// Numbers that follow from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((number ^ (number >> 31)) % sides as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

const TOOLS: [&str; 9] = [
    "list_blueprints",
    "list_entities",
    "run_action",
    "delete_entity",
    "upsert_entity",
    "list_scorecards",
    "List_blueprints",
    "run_action ",
    "trigger_run",
];

const KEYS: [&str; 12] = [
    "name",
    "arguments",
    "Name",
    "n\\u0061me",
    "method",
    "params",
    "id",
    "actionIdentifier",
    "action_identifier",
    "identifier",
    "_meta",
    "jsonrpc",
];

const VALUES: [&str; 12] = [
    "\"delete_entity\"",
    "\"list_blueprints\"",
    "\"restart_service\"",
    "\"create_incident\"",
    "null",
    "[]",
    "{}",
    "1",
    "\"\"",
    "\"tools/call\"",
    "[\"restart_service\"]",
    "{\"actionIdentifier\":\"create_incident\"}",
];

const HEADERS: [&str; 12] = [
    "MCP-Protocol-Version: 2026-07-28\r\n",
    "MCP-Protocol-Version: 2025-11-25\r\n",
    "Mcp-Method: tools/call\r\n",
    "Mcp-Method: ping\r\n",
    "Mcp-Name: list_blueprints\r\n",
    "Mcp-Name: delete_entity\r\n",
    "Mcp-Param-X: 1\r\n",
    "x-read-only-mode: 0\r\n",
    "X-Allowed-Actions-To-Run: create_incident\r\n",
    "Mcp-Session-Id: x\r\n",
    "Transfer-Encoding: identity\r\n",
    "X-HTTP-Method-Override: PUT\r\n",
];

/// A message: a good one, or one that was changed in a few places.
fn message(dice: &mut Dice, id: u64) -> (Vec<u8>, bool) {
    let good = match dice.roll(4) {
        0 => request(id, "tools/list", &json!({})),
        1 => call(id, "list_blueprints", &json!({"identifiers": ["service"]})),
        2 => call(id, "run_action", &json!({"actionIdentifier": "restart_service"})),
        _ => request(id, "ping", &json!({})),
    };
    if dice.roll(3) == 0 {
        return (good.to_string().into_bytes(), true);
    }
    let mut text =
        call(id, dice.pick(&TOOLS), &json!({"actionIdentifier": dice.pick(&["restart_service", "create_incident", "x"])})).to_string();
    for _ in 0..dice.roll(4) {
        let at = (0..=dice.roll(text.len().max(1))).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        match dice.roll(6) {
            0 => text.insert_str(at, &format!("\"{}\":{},", dice.pick(&KEYS), dice.pick(&VALUES))),
            1 => text = text.replacen('{', &format!("{{\"{}\":{},", dice.pick(&KEYS), dice.pick(&VALUES)), 1 + dice.roll(3)),
            2 => {
                let (old, new) = (dice.pick(&VALUES), dice.pick(&VALUES));
                text = text.replacen(old, new, 1);
            }
            3 => text.insert(at, dice.pick(&['{', '}', '[', ']', '"', ',', '\\', '\0', '\u{feff}', '\u{200b}', '\u{17f}'])),
            4 => text.truncate(at),
            _ => text = format!("[{text}]"),
        }
    }
    (text.into_bytes(), false)
}

fn fault(dice: &mut Dice) -> Fault {
    match dice.roll(9) {
        0 => Fault::status(500),
        1 => Fault::RetryAfter { status: 429, wait: Wait::Seconds(1) },
        2 => Fault::Reset,
        3 => Fault::ResetMidBody,
        4 => Fault::Truncated,
        5 => Fault::Huge(100_000),
        6 => Fault::EchoSecret { status: dice.pick(&[400, 401, 403, 500]), forms: vec![port_sandbox::SecretForm::Raw] },
        7 => {
            Fault::json(&json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "delete_entity"}, {"name": "list_blueprints"}]}}))
        }
        _ => Fault::ConnectionClose,
    }
}

#[test]
fn no_luck_leads_around_the_gateway() {
    let (runs, first) = (number("GATEWAY_RUNS", RUNS), number("GATEWAY_SEED", 1));
    let sandbox = Sandbox::start(Options { ignore_read_only: true, mcp_mode: McpMode::Stateless, ..Options::default() });
    let mut given = settings(&sandbox);
    given["headers"] = json!([]);
    given["rules"] = json!({
        "tools": [{"name": "list_blueprints", "kind": "read"}, {"name": "run_action", "kind": "execute"}, {"name": "trigger_run", "kind": "execute"}],
        "actions": ["restart_service"],
        "read_only": true,
    });
    let mut gateway = Gateway::start(&given);
    for seed in first..first + runs {
        let mut dice = Dice(seed);
        sandbox.clear_requests();
        let (body, is_good) = message(&mut dice, seed);
        let mut extra = String::new();
        if !is_good {
            (0..dice.roll(3)).for_each(|_| extra += dice.pick(&HEADERS));
        }
        let fails = dice.roll(4) == 0;
        sandbox.set_faults(Route::Mcp, if fails { vec![fault(&mut dice)] } else { Vec::new() });
        let reply = gateway.post_with(&extra, &body);
        let shown = String::from_utf8_lossy(&body).into_owned();

        if is_good && !fails {
            assert!(
                reply.answer_to(seed).get("result").is_some_and(|result| result["isError"] != true),
                "seed {seed}: lost {shown}: {reply:?}"
            );
        }
        for asked in sandbox.requests_to(Route::Mcp) {
            let sent: Value = serde_json::from_slice(&asked.body).expect("what goes on is JSON");
            let tool = sent["params"]["name"].as_str().unwrap_or_default();
            let action = sent["params"]["arguments"]["actionIdentifier"].as_str();
            let is_allowed = match sent["method"].as_str().unwrap() {
                "tools/call" => tool == "list_blueprints" || (tool == "run_action" && action == Some("restart_service")),
                method => ["ping", "tools/list"].contains(&method),
            };
            assert!(is_allowed, "seed {seed}: {shown} got through as {sent}");
            assert!(asked.header("x-allowed-actions-to-run").is_none() && asked.header("x-read-only-mode").is_none(), "seed {seed}");
        }
        let said = format!("{}{}", reply.head, reply.text());
        for secret in sandbox.issued_tokens().iter().map(String::as_str).chain([CLIENT_SECRET]) {
            assert!(!said.contains(secret), "seed {seed}: {said}");
        }
        assert_ne!(reply.status, 401, "seed {seed}");
        let is_uncut = reply.messages().iter().any(|message| message["result"]["tools"].to_string().contains("delete_entity"));
        let asks_for_list = shown.contains("tools/list");
        assert!(!is_uncut || !asks_for_list, "seed {seed}: {said}");
    }
    assert_eq!(gateway.stop(), Some(0), "no panic");
    let record = gateway.text();
    assert!(!record.contains(KEY) && !sandbox.issued_tokens().iter().any(|token| record.contains(token)));
    assert_eq!(gateway.events("end").len(), 1);
}
