//! The results in a hostile MCP server's answers, and what they break of MCP's schema.

use serde_json::{Value, json};

use super::dice::Dice;
use super::envelope::NO_UTF8;
use super::mcp::Listed;
use super::wire::{Breach, Verdict};
use super::words::{hostile, written};

/// A result, what may come of it, and the tools in it.
pub type Result = (Value, Verdict, Vec<Listed>);

pub fn initialize() -> Value {
    json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "port", "version": "1" } })
}

pub fn discover() -> Value {
    json!({
        "supportedVersions": ["2026-07-28"],
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "port", "version": "1" },
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
    })
}

pub fn odd_initialize(dice: &Dice, secrets: &[&str]) -> Result {
    let mut result = initialize();
    let broken = Verdict::breach(Breach::Newer);
    let words = hostile(dice, secrets);
    let verdict = match dice.number(0..11) {
        0 => {
            result["protocolVersion"] = json!(dice.pick(&["2024-10-07", "2024-11-05", "2025-03-26", "2025-06-18"]));
            Verdict::good()
        }
        1 => {
            result["protocolVersion"] =
                dice.any(&[json!("1999-01-01"), json!("2026-07-28"), json!(""), json!(words), json!(5), json!(null)]);
            Verdict::unclear()
        }
        2 => {
            result["serverInfo"] = json!({ "name": words, "version": hostile(dice, secrets), "title": written(dice, secrets), "x": null });
            result["instructions"] = json!(words);
            result["capabilities"] = json!({ "tools": { "listChanged": true }, words.clone(): {}, "logging": {} });
            result["unknown"] = json!(null);
            Verdict::good()
        }
        3 => {
            let infos = [
                json!(null),
                json!({}),
                json!({ "name": words }),
                json!({ "version": words }),
                json!({ "name": words, "version": 1 }),
                json!({ "name": words, "version": null }),
            ];
            result["serverInfo"] = dice.any(&infos);
            broken
        }
        4 => {
            result["capabilities"] = dice.any(&[
                json!(null),
                json!([]),
                json!({ "tools": null, "forged": words }),
                json!({ "tools": true }),
                json!({ "tools": [] }),
                json!({ "tools": { "listChanged": null } }),
                json!({ "tools": { "listChanged": words } }),
                json!({ "tools": {}, "prompts": null }),
                json!({ "tools": {}, "logging": true }),
                json!({ "tools": {}, "experimental": null }),
                // The newer SDK asks for no tools then.
                json!({}),
                json!({ "prompts": {} }),
            ]);
            broken
        }
        5 => {
            let (field, value) = dice.any(&[("instructions", json!(null)), ("instructions", json!(1)), ("_meta", json!(null))]);
            result[field] = value;
            broken
        }
        6 => {
            let field = dice.pick(&["serverInfo", "capabilities"]);
            result.as_object_mut().unwrap().remove(field);
            broken
        }
        7 => {
            result = dice.any(&[json!({}), json!([]), json!(null), json!("ok"), json!({ "tools": [] }), json!(words)]);
            Verdict::unclear()
        }
        8 => {
            result["_meta"] = json!({ "a": words, "deep": deep(dice) });
            Verdict::good()
        }
        9 => {
            let (pointer, field, value) = dice.any(&[
                ("/serverInfo", "title", json!(null)),
                ("/serverInfo", "icons", json!(null)),
                ("/capabilities", "experimental", json!({ "x": true })),
            ]);
            result.pointer_mut(pointer).unwrap()[field] = value;
            broken
        }
        _ => {
            result["instructions"] = json!("x".repeat(100_000));
            Verdict::good()
        }
    };
    (result, verdict, Vec::new())
}

pub fn odd_discover(dice: &Dice, secrets: &[&str]) -> Result {
    let mut result = discover();
    let words = hostile(dice, secrets);
    let verdict = match dice.number(0..5) {
        0 => {
            result["supportedVersions"] =
                dice.any(&[json!(["2099-01-01"]), json!([words]), json!([]), json!(null), json!(words), json!([1])]);
            Verdict::unclear()
        }
        1 => {
            result["supportedVersions"] = json!([words, "2099-01-01", null, "2026-07-28"]);
            Verdict::good().or_unclear()
        }
        2 => {
            let field = dice.pick(&["resultType", "ttlMs", "cacheScope", "serverInfo"]);
            result.as_object_mut().unwrap().remove(field);
            Verdict::good()
        }
        3 => {
            let (field, value) = dice.any(&[
                ("capabilities", json!(null)),
                ("capabilities", json!({})),
                ("instructions", json!(null)),
                ("_meta", json!(null)),
            ]);
            result[field] = value;
            Verdict::breach(Breach::Newer)
        }
        _ => {
            result["instructions"] = json!(words);
            result["serverInfo"] = json!({ "name": hostile(dice, secrets) });
            Verdict::good()
        }
    };
    (result, verdict, Vec::new())
}

/// The list of a proper server.
pub fn tools(newest: bool) -> (Value, Vec<Listed>) {
    let listed: Vec<_> = ["list_blueprints", "list_entities", "get_sidebar"].map(|name| listed(name, None)).to_vec();
    let tools: Vec<_> = listed.iter().map(|tool| entry(&tool.name)).collect();
    (page(&json!(tools), newest), listed)
}

pub fn odd_tools(dice: &Dice, secrets: &[&str], newest: bool) -> Result {
    let count = dice.any(&[0, 1, 3, 3, 10, 10, 60, 250, 12_000]);
    let mut tools: Vec<_> = (0..count).map(|number| named(dice, secrets, number)).collect();
    for (number, tool) in tools.iter_mut().enumerate().take(300) {
        tool["name"] = json!(name(dice, secrets, number));
        decorate(dice, secrets, tool);
    }
    if count > 1 && dice.percent(15) {
        // Which of the two an agent calls is not known.
        let hints = dice.any(&[[true, false], [false, true]]);
        for (at, hint) in [0, count - 1].into_iter().zip(hints) {
            tools[at] = entry("merge_page");
            tools[at]["annotations"] = json!({ "readOnlyHint": hint });
        }
    }
    let mut verdict = Verdict::good();
    if (1..1_000).contains(&count) && dice.percent(20) {
        let at = dice.number(0..count);
        let breach = if newest { break_always(dice, secrets, &mut tools[at]) } else { break_tool(dice, secrets, &mut tools[at]) };
        verdict = Verdict::breach(breach);
    }
    let listed: Vec<_> = tools.iter().filter_map(read).collect();
    let mut result = page(&json!(tools), newest);
    match dice.number(0..14) {
        0 => result["nextCursor"] = json!(dice.any(&["next".to_owned(), String::new(), hostile(dice, secrets)])),
        1 => {
            result =
                dice.any(&[json!({}), json!({ "tools": null }), json!({ "tools": {} }), json!([]), json!(null), json!({ "tools": "" })]);
            return (result, Verdict::unclear(), Vec::new());
        }
        2 => {
            let (field, value) = dice.any(&[
                ("nextCursor", json!(null)),
                ("nextCursor", json!(1)),
                ("nextCursor", json!(false)),
                ("_meta", json!(null)),
                ("_meta", json!([])),
            ]);
            result[field] = value;
            verdict = Verdict::breach(Breach::Newer);
        }
        3 => {
            result["unknown"] = json!(null);
            result["_meta"] = json!({ "a": hostile(dice, secrets), "deep": deep(dice) });
        }
        4 if (1..1_000).contains(&count) => {
            let size = dice.any(&[1_200_000, 1_200_000, 5_000_000, 9_000_000]);
            result["_meta"] = json!({ "large": "x".repeat(size) });
            if size > 8_000_000 {
                return (result, Verdict::unclear(), Vec::new());
            }
        }
        5 if newest => {
            let (field, value) = dice.any(&[("cacheScope", json!("odd")), ("ttlMs", json!(-1)), ("resultType", json!("odd"))]);
            result[field] = value;
            verdict = Verdict::breach(Breach::Newer);
        }
        _ => {}
    }
    if count > 10_000 {
        verdict = Verdict::unclear();
    }
    (result, verdict, listed)
}

fn page(tools: &Value, newest: bool) -> Value {
    if newest {
        return json!({ "tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "public" });
    }
    json!({ "tools": tools })
}

fn named(dice: &Dice, secrets: &[&str], number: usize) -> Value {
    // The longest lists are made of plain names, for time's sake.
    if number < 100 { entry(&name(dice, secrets, number)) } else { entry(&format!("x_{number}")) }
}

fn name(dice: &Dice, secrets: &[&str], number: usize) -> String {
    match if number < 100 { dice.number(0..22) } else { 21 } {
        0 => hostile(dice, secrets),
        1 => written(dice, secrets),
        2 => dice.pick(secrets).to_owned(),
        3 => dice
            .pick(&[
                "",
                " ",
                "a b",
                "::error::forged",
                "ä",
                "x\n",
                "$(id)",
                "'; id; '",
                "__proto__",
                "constructor",
                "toString",
                "..",
                "-rf",
                "--help",
                "*",
                "null",
                "true",
                "1",
            ])
            .to_owned(),
        4 => "n".repeat(dice.any(&[127, 128, 129, 5_000])),
        5 => dice.pick(&["delete_entity", "upsert_blueprint", "list_entities", "list_entities"]).to_owned(),
        6 => dice.pick(&["run_action", "trigger_run", "trigger_workflow_run", "run_report", "trigger_auto_discovery"]).to_owned(),
        _ => format!("{}_{number}", dice.pick(&["list", "get", "run", "upsert", "delete", "x"])),
    }
}

/// What the schema leaves open.
fn decorate(dice: &Dice, secrets: &[&str], tool: &mut Value) {
    if dice.percent(20) {
        tool["annotations"] =
            dice.any(&[json!({ "readOnlyHint": true }), json!({ "readOnlyHint": false }), json!({ "unknown": null }), json!({})]);
    }
    if dice.percent(10) {
        tool["description"] = json!(hostile(dice, secrets));
    }
    if dice.percent(5) {
        tool["inputSchema"] = json!({
            "type": "object",
            "anyOf": [],
            "$schema": hostile(dice, secrets),
            "properties": { hostile(dice, secrets): {} },
            "required": [hostile(dice, secrets)],
            "additionalProperties": null,
        });
    }
    if dice.percent(5) {
        let (field, value) = dice.any(&[
            ("unknown", json!(null)),
            ("title", json!(hostile(dice, secrets))),
            ("icons", json!([])),
            ("icons", json!([{ "src": "javascript:forged", "sizes": ["1x1"], "theme": "dark" }])),
            ("execution", json!({})),
            ("execution", json!({ "taskSupport": "required" })),
            ("outputSchema", json!({ "type": "object", "$id": hostile(dice, secrets) })),
            ("_meta", json!({ "a": hostile(dice, secrets) })),
        ]);
        tool[field] = value;
    }
    if dice.percent(1) {
        tool["description"] = json!(NO_UTF8);
    }
    if dice.unfixed(1) {
        // Half of a surrogate pair, and a number that is no 64-bit float: JavaScript reads both.
        tool["description"] = dice.any(&[json!("@half@"), json!("@half@ @half@")]);
        tool["unknown"] = dice.any(&[json!(null), json!("@huge@")]);
    }
}

/// Breaks the schema in one field, in the revisions with `initialize`.
fn break_tool(dice: &Dice, secrets: &[&str], tool: &mut Value) -> Breach {
    let words = hostile(dice, secrets);
    let object = |field: &str, value: Value| json!({ "type": "object", field: value });
    let (field, value) = match dice.number(0..8) {
        0 => {
            *tool = dice.any(&[json!(null), json!("tool"), json!({}), json!({ "name": 5 }), json!([tool]), json!({ "name": "list_x" })]);
            return Breach::Newer;
        }
        1 => ("inputSchema", dice.any(&[json!({}), json!(null), json!(true), json!([]), json!(words)])),
        2 => (
            "inputSchema",
            dice.any(&[
                json!({ "anyOf": [{ "type": "object" }] }),
                json!({ "type": ["object"] }),
                json!({ "type": "OBJECT" }),
                json!({ "type": null }),
                json!({ "type": words }),
            ]),
        ),
        3 => {
            let broken = dice.any(&[
                object("required", json!(null)),
                object("required", json!(words)),
                object("required", json!([1])),
                object("properties", json!(null)),
                object("properties", json!([])),
            ]);
            let field = dice.pick(&["inputSchema", "outputSchema"]);
            tool[field] = broken;
            // Of the schema of an output, Claude Code reads no more than that it is an object.
            return if field == "outputSchema" { Breach::Older } else { Breach::Newer };
        }
        4 => {
            tool[dice.pick(&["inputSchema", "outputSchema"])] =
                object("properties", dice.any(&[json!({ "a": true }), json!({ words.clone(): false }), json!({ "a": {}, "b": words })]));
            return Breach::Older;
        }
        5 => dice.any(&[
            ("outputSchema", json!(null)),
            ("outputSchema", json!({})),
            ("outputSchema", json!(true)),
            ("outputSchema", json!({ "type": "array" })),
            ("execution", json!(null)),
            ("execution", json!({ "taskSupport": words })),
            ("execution", json!({ "taskSupport": null })),
        ]),
        _ => return break_always(dice, secrets, tool),
    };
    let is_object = value.is_object();
    tool[field] = value;
    if field == "outputSchema" && is_object { Breach::Older } else { Breach::Newer }
}

/// Breaks the schema in one field, in each revision.
fn break_always(dice: &Dice, secrets: &[&str], tool: &mut Value) -> Breach {
    let words = hostile(dice, secrets);
    let (field, value) = dice.any(&[
        ("inputSchema", json!({})),
        ("description", json!(null)),
        ("description", json!(1)),
        ("title", json!(null)),
        ("title", json!([words])),
        ("annotations", json!(null)),
        ("annotations", json!([])),
        ("annotations", json!(words)),
        ("annotations", json!({ "readOnlyHint": null })),
        ("annotations", json!({ "readOnlyHint": "true" })),
        ("annotations", json!({ "openWorldHint": words })),
        ("annotations", json!({ "title": null })),
        ("_meta", json!(null)),
        ("_meta", json!(words)),
        ("icons", json!(null)),
        ("icons", json!([{}])),
        ("icons", json!([{ "src": "a", "sizes": words }])),
        ("icons", json!([{ "src": "a", "theme": words }])),
    ]);
    tool[field] = value;
    Breach::Newer
}

fn read(tool: &Value) -> Option<Listed> {
    let name = tool.get("name")?.as_str()?;
    Some(listed(name, tool.pointer("/annotations/readOnlyHint").and_then(Value::as_bool)))
}

fn listed(name: &str, read_only_hint: Option<bool>) -> Listed {
    Listed { name: name.to_owned(), read_only_hint }
}

fn entry(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

/// Deeper than any answer of a real server, and no more than agents read.
fn deep(dice: &Dice) -> Value {
    let levels = if dice.unfixed(20) { 300 } else { dice.any(&[10, 100]) };
    (0..levels).fold(json!(1), |value, _| json!([value]))
}
