//! Promise: each agent gets the connection where it looks for it: in its flags, a file that is taken back, or a variable.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::exec::Exec;
use port_mcp_auth::testing::clients::{Folder, REGISTRY, Source};
use port_mcp_auth::testing::config::parse;
use port_sandbox::Sandbox;
use serde_json::{Value, json};

const TOOLS: &str = "list_blueprints,list_entities";

/// A text with what differs from run to run replaced.
fn stable(text: &str, url: &str, key: &str) -> String {
    text.replace(url, "URL").replace(key, "THE-KEY")
}

#[test]
fn flags_follow_the_program_and_hold_no_key() {
    let sandbox = Sandbox::default();
    let claude = concat!(
        r#"--mcp-config={"mcpServers":{"port-prod":{"type":"http","url":"URL","headers":{"Authorization":"Bearer ${PORT_MCP_KEY}"}}}}"#,
        " --allowedTools=mcp__port-prod__list_blueprints,mcp__port-prod__list_entities"
    );
    let codex = concat!(
        r#"-c mcp_servers.port-prod.url="URL" -c mcp_servers.port-prod.bearer_token_env_var="PORT_MCP_KEY" "#,
        r#"-c mcp_servers.port-prod.http_headers={} -c mcp_servers.port-prod.required=true "#,
        r#"-c mcp_servers.port-prod.enabled_tools=["list_blueprints", "list_entities"] "#,
        r#"-c mcp_servers.port-prod.default_tools_approval_mode="approve" -c shell_environment_policy.set.PORT_MCP_KEY="""#
    );
    let copilot = concat!(
        r#"--additional-mcp-config={"mcpServers":{"port-prod":{"type":"http","url":"URL","headers":{"Authorization":"Bearer ${PORT_MCP_KEY}"},"#,
        r#""tools":["list_blueprints","list_entities"]}}} --allow-tool=port-prod(list_blueprints) --allow-tool=port-prod(list_entities)"#
    );
    for (program, client, flags) in [("claude", "claude-code", claude), ("codex", "codex", codex), ("copilot", "copilot-cli", copilot)] {
        let exec = Exec::new(&sandbox, program).flag("--allowed-tools", TOOLS).command(&[program, "-p", "hello", "--", "x"]);
        let running = exec.start();
        let (url, key) = (running.variable("PORT_MCP_URL"), running.variable("PORT_MCP_KEY"));
        let arguments = running.arguments().join(" ");
        assert_eq!(stable(&arguments, &url, &key), format!("{flags} -p hello -- x"), "{client}");
        let ran = running.end(0);
        assert!(ran.stderr.contains(&format!("port-mcp-auth: Connected {client} by flags.\n")), "{}", ran.stderr);
        assert_eq!(fs::read_dir(exec.path("home")).unwrap().count() + fs::read_dir(exec.path("work")).unwrap().count(), 0);
    }
}

/// The config is in a file, and what else belongs to it is in flags.
#[test]
fn some_agents_get_both() {
    let sandbox = Sandbox::default();
    for (program, flag) in [("grok", "--allow="), ("cn", "--exclude="), ("auggie", "--remove-tool=")] {
        let exec = Exec::new(&sandbox, program).flag("--allowed-tools", TOOLS).command(&[program, "-p", "hello"]);
        let running = exec.start();
        let arguments = running.arguments();
        let (flags, rest) = arguments.split_at(arguments.len() - 2);
        assert!(flags.len() > 1 && flags.iter().all(|word| word.starts_with(flag)), "{arguments:?}");
        assert_eq!(rest, ["-p", "hello"]);
        running.end(0);
    }
}

/// Every agent with a file: the file is there while the agent runs, with the gateway's address, and gone after that.
#[test]
fn a_file_is_there_while_the_agent_runs() {
    let sandbox = Sandbox::default();
    let mut seen = 0;
    for client in REGISTRY {
        let Source::File(folder, path) = client.source() else {
            continue;
        };
        let file = match folder {
            Folder::Project => format!("work/{path}"),
            Folder::Home => format!("home/{path}"),
            Folder::Config => format!("home/.config/{path}"),
        };
        let program = client.programs().first().unwrap();
        let exec = Exec::new(&sandbox, program).flag("--allowed-tools", TOOLS);
        let running = exec.start();
        let (url, key) = (running.variable("PORT_MCP_URL"), running.variable("PORT_MCP_KEY"));
        let text = exec.read(&file).unwrap_or_else(|| panic!("{} has no {file}", client.id()));
        assert!(text.contains(&url), "{}: {text}", client.id());
        let by_variable = client.token_env_transports().contains(&port_mcp_auth::testing::clients::Transport::Http);
        assert_eq!(text.contains(&key), !by_variable, "{}: {text}", client.id());
        let ran = running.end(0);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(exec.read(&file), None, "{}", client.id());
        assert_eq!(
            fs::read_dir(exec.path("home")).unwrap().count() + fs::read_dir(exec.path("work")).unwrap().count(),
            0,
            "{}",
            client.id()
        );
        seen += 1;
    }
    assert!(seen > 10);
}

#[test]
fn a_variable_is_enough_for_some() {
    let sandbox = Sandbox::default();
    for (program, name) in [("opencode", "OPENCODE_CONFIG_CONTENT"), ("kilo", "KILO_CONFIG_CONTENT")] {
        let exec = Exec::new(&sandbox, program).flag("--allowed-tools", TOOLS).env(name, r#"{"theme": "mine"}"#);
        let running = exec.start();
        let config: Value = serde_json::from_str(&running.variable(name)).unwrap();
        assert_eq!(config["theme"], "mine");
        assert_eq!(config["mcp"]["port-prod"]["url"], running.variable("PORT_MCP_URL"));
        running.end(0);
        assert_eq!(fs::read_dir(exec.path("home")).unwrap().count() + fs::read_dir(exec.path("work")).unwrap().count(), 0);
    }
}

#[test]
fn a_file_that_is_there_is_added_to_and_restored() {
    let sandbox = Sandbox::default();
    let before = "{\n  // mine\n  \"theme\": \"x\",\n  \"mcpServers\": {\"other\": {\"httpUrl\": \"https://a.example\"}}\n}\n";
    let exec = Exec::new(&sandbox, "gemini").file("work/.gemini/settings.json", before);
    let running = exec.start();
    let during = exec.read("work/.gemini/settings.json").unwrap();
    assert!(
        during.contains("// mine") && during.contains("https://a.example") && during.contains(&running.variable("PORT_MCP_URL")),
        "{during}"
    );
    running.end(0);
    assert_eq!(exec.read("work/.gemini/settings.json").as_deref(), Some(before));
}

#[test]
fn what_the_agent_changes_in_the_file_stays() {
    let sandbox = Sandbox::default();
    let before = json!({"theme": "x", "mcpServers": {"other": {"httpUrl": "https://a.example"}}});
    for (before, rest) in
        [(Some(&before), json!({"theme": "y", "mcpServers": {"other": {"httpUrl": "https://a.example"}}})), (None, json!({"theme": "y"}))]
    {
        let exec = Exec::new(&sandbox, "gemini");
        let exec = before.map_or(Exec::new(&sandbox, "gemini"), |before| exec.file("work/.gemini/settings.json", &before.to_string()));
        let running = exec.start();
        let mut config: Value = serde_json::from_str(&exec.read("work/.gemini/settings.json").unwrap()).unwrap();
        config["theme"] = json!("y");
        config["mcpServers"]["port-prod"]["seen"] = json!(true);
        fs::write(exec.path("work/.gemini/settings.json"), config.to_string()).unwrap();
        let ran = running.end(0);
        let after: Value = serde_json::from_str(&exec.read("work/.gemini/settings.json").unwrap()).unwrap();
        assert_eq!(after, rest, "{}", ran.stderr);
        assert!(ran.stderr.contains("Only the server was taken out of it.\n"), "{}", ran.stderr);
    }
}

#[test]
fn two_runs_share_a_file() {
    let sandbox = Sandbox::default();
    let first = Exec::new(&sandbox, "gemini").file("work/.gemini/settings.json", "{\"theme\": \"x\"}\n");
    let second = Exec::new(&sandbox, "gemini").flag("--server-name", "port-two");
    let one = first.start();
    let mut command = second.prepared();
    command.current_dir(first.path("work"));
    let two = second.start_as(command);
    let config: Value = serde_json::from_str(&first.read("work/.gemini/settings.json").unwrap()).unwrap();
    assert_eq!(config["mcpServers"]["port-prod"]["httpUrl"], one.variable("PORT_MCP_URL"));
    assert_eq!(config["mcpServers"]["port-two"]["httpUrl"], two.variable("PORT_MCP_URL"));
    one.end(0);
    let config: Value = serde_json::from_str(&first.read("work/.gemini/settings.json").unwrap()).unwrap();
    assert_eq!(config["mcpServers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["port-two"]);
    two.end(0);
    let config: Value = serde_json::from_str(&first.read("work/.gemini/settings.json").unwrap()).unwrap();
    assert_eq!(config["theme"], "x");
    assert!(!config.to_string().contains("127.0.0.1"), "{config}");
}

/// The same name at the same time would take the file from the first.
#[test]
fn two_runs_of_one_name_do_not_take_each_others_file() {
    let sandbox = Sandbox::default();
    let first = Exec::new(&sandbox, "gemini");
    let one = first.start();
    let second = Exec::new(&sandbox, "gemini");
    let mut command = second.prepared();
    let output = command.current_dir(first.path("work")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("(config_conflict)"), "{stderr}");
    assert!(first.read("work/.gemini/settings.json").unwrap().contains(&one.variable("PORT_MCP_URL")));
    one.end(0);
}

#[test]
fn links_in_the_users_own_folders_are_followed_and_those_of_a_project_are_not() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "goose").file("dotfiles/goose/config.yaml", "GOOSE_MODE: auto\n");
    std::os::unix::fs::symlink(exec.path("dotfiles"), exec.path("home/.config")).unwrap();
    let running = exec.start();
    let during = exec.read("dotfiles/goose/config.yaml").unwrap();
    assert!(parse(port_mcp_auth::testing::config::Format::Yaml, &during).unwrap()["extensions"]["port-prod"].is_object());
    running.end(0);
    assert_eq!(exec.read("dotfiles/goose/config.yaml").as_deref(), Some("GOOSE_MODE: auto\n"));

    let exec = Exec::new(&sandbox, "gemini").file("elsewhere/settings.json", "{}");
    std::os::unix::fs::symlink(exec.path("elsewhere"), exec.path("work/.gemini")).unwrap();
    let ran = exec.run();
    assert_eq!((ran.code, exec.read("out/started")), (Some(1), None));
    assert!(ran.stderr.contains("leads through a symbolic link"), "{}", ran.stderr);
}

#[test]
fn a_file_that_cannot_be_written_is_named_as_people_know_it() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "goose").file("home/.config/goose", "no folder");
    let ran = exec.run();
    assert_eq!((ran.code, exec.read("out/started")), (Some(1), None));
    assert!(ran.stderr.contains("(`~/.config/goose/config.yaml`) leads through `goose`, which is not a directory"), "{}", ran.stderr);
    assert!(sandbox.requests().is_empty());
}

/// Of an agent that takes flags too, the key would be in a command line, which every process can read.
#[test]
fn an_agent_whose_file_is_in_the_home_directory_needs_to_know_it() {
    let sandbox = Sandbox::default();
    for program in ["auggie", "goose", "cline"] {
        for exec in [Exec::new(&sandbox, program).without("HOME"), Exec::new(&sandbox, program).env("HOME", "")] {
            let ran = exec.run();
            assert_eq!((ran.code, exec.read("out/started")), (Some(1), None), "{}", ran.stderr);
            assert!(ran.stderr.contains("can't be found without the variable `HOME`"), "{}", ran.stderr);
        }
    }
    assert!(sandbox.requests().is_empty());
    let elsewhere = tempfile::tempdir().unwrap();
    let path = |name: &str| elsewhere.path().join(name);
    for (program, name, value) in
        [("auggie", "PORT_CONFIG_FILE", path("mcp.json")), ("goose", "XDG_CONFIG_HOME", path("config")), ("claude", "OTHER", path(""))]
    {
        let exec = Exec::new(&sandbox, program).without("HOME").env(name, value);
        let running = exec.start();
        let key = running.variable("PORT_MCP_KEY");
        assert!(running.arguments().iter().all(|word| !word.contains(&key)));
        assert_eq!(running.end(0).code, Some(0));
    }
}

#[test]
fn a_file_may_be_asked_for() {
    let sandbox = Sandbox::default();
    let elsewhere = tempfile::tempdir().unwrap();
    let absolute = elsewhere.path().join("mcp.json");
    for path in [absolute.to_str().unwrap(), "sub/mcp.json", "../mcp.json"] {
        let exec = Exec::new(&sandbox, "agent").flag("--config-file", path).flag("--client", "cursor");
        // A path that is not absolute begins in the working directory.
        let file = exec.path("work").join(path);
        let running = exec.start();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(&running.variable("PORT_MCP_URL")), "{text}");
        assert!(exec.read("work/.cursor/mcp.json").is_none());
        running.end(0);
        assert!(!file.exists() && fs::read_dir(exec.path("work")).unwrap().count() == 0);
    }
}

#[test]
fn a_setting_that_keeps_the_agent_from_the_tools_is_named() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "gemini").file("work/.gemini/settings.json", r#"{"mcp":{"excluded":["port-prod"]}}"#);
    let ran = exec.start().end(0);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("warning: The config keeps the agent from tools\n"), "{}", ran.stderr);
}

#[test]
fn any_other_command_finds_the_connection_in_variables() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent");
    let running = exec.start();
    let (url, key) = (running.variable("PORT_MCP_URL"), running.variable("PORT_MCP_KEY"));
    let headers: Value = serde_json::from_str(&running.variable("PORT_MCP_HEADERS")).unwrap();
    assert_eq!(headers, json!({"Authorization": format!("Bearer {key}")}));
    let config: Value = serde_json::from_str(&running.variable("PORT_MCP_CONFIG")).unwrap();
    assert_eq!(config, json!({"mcpServers": {"port-prod": {"type": "http", "url": url, "headers": headers}}}));
    assert!(running.arguments().is_empty());
    let ran = running.end(0);
    assert!(ran.stderr.contains("The command is none of the agents"), "{}", ran.stderr);
}

#[test]
fn an_agent_behind_another_program_is_named() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "npx").flag("--client", "codex").command(&["npx", "-y", "@openai/codex", "exec", "hello"]);
    let running = exec.start();
    let arguments = running.arguments();
    assert_eq!(&arguments[..3], ["-y", "@openai/codex", "-c"]);
    assert_eq!(&arguments[arguments.len() - 2..], ["exec", "hello"]);
    running.end(0);
}

#[test]
fn what_only_a_provider_can_reach_is_refused() {
    let sandbox = Sandbox::default();
    let ran = Exec::new(&sandbox, "agent").flag("--client", "anthropic-api").run();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("they can't reach a gateway"), "{}", ran.stderr);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn an_agent_that_uses_a_proxy_reaches_the_gateway() {
    let sandbox = Sandbox::default();
    let exec = Exec::new(&sandbox, "agent").env("HTTP_PROXY", "http://proxy.example:3128").env("NO_PROXY", "a.example,127.0.0.1");
    let running = exec.start();
    for name in ["NO_PROXY", "no_proxy"] {
        assert_eq!(running.variable(name), "a.example,127.0.0.1,127.0.0.1");
    }
    running.end(0);
    let exec = Exec::new(&sandbox, "agent");
    let running = exec.start();
    assert!(!running.environment().contains_key("NO_PROXY"));
    running.end(0);
}

#[test]
fn the_key_may_have_another_name() {
    let sandbox = Sandbox::default();
    for (program, reference) in [("claude", "${MY_KEY}"), ("codex", "\"MY_KEY\"")] {
        let exec = Exec::new(&sandbox, program).flag("--token-env", "MY_KEY").command(&[program, "-p", "hello"]);
        let running = exec.start();
        let headers: Value = serde_json::from_str(&running.variable("PORT_MCP_HEADERS")).unwrap();
        let key = running.variable("MY_KEY");
        assert_eq!(headers["Authorization"], format!("Bearer {key}"));
        let arguments = running.arguments().join(" ");
        assert!(arguments.contains(reference) && !arguments.contains(&key), "{arguments}");
        assert!(!running.environment().contains_key("PORT_MCP_KEY"));
        running.end(0);
    }
}
