//! Every client's config and flags, read back by the format's own parser and by a shell's rules.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::clients::{Connection, REGISTRY, TokenValue};
use port_mcp_auth::testing::config::{Format, write};
use port_mcp_auth::testing::inputs::{allowed_actions, server_name};
use port_mcp_auth::testing::mcp::{ServerUrl, ToolName};
use port_mcp_auth::testing::port::AllowedActions;
use port_mcp_auth::testing::redact::Secret;
use serde_json::Value;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    client: u8,
    transport: u8,
    token: &'a str,
    by_variable: bool,
    path: &'a str,
    server_name: &'a str,
    actions: Option<&'a str>,
    tools: Vec<&'a str>,
    proxied: bool,
}

fuzz_target!(|input: Input<'_>| {
    let client = REGISTRY[usize::from(input.client) % REGISTRY.len()];
    let transport = client.transports()[usize::from(input.transport) % client.transports().len()];
    let Ok(url) = ServerUrl::parse(&format!("https://mcp.port.io/{}", input.path)) else {
        return;
    };
    let Ok(server_name) = server_name(input.server_name) else {
        return;
    };
    let secret = Secret::new(input.token);
    if server_name.is_empty() || !input.token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
        return;
    }
    let by_variable = input.by_variable && client.token_env_transports().contains(&transport);
    let tools: Vec<_> = input.tools.iter().filter_map(|name| ToolName::parse(name)).map(|name| name.to_string()).collect();
    let mut headers = vec![("x-read-only-mode", "1".to_owned())];
    if let Some(Ok(AllowedActions::Only(actions))) = input.actions.map(allowed_actions) {
        headers.push(("x-allowed-actions-to-run", actions.join(",")));
    }
    let connection = Connection {
        server_name: &server_name,
        url: &url,
        token: if by_variable { TokenValue::Variable("PORT_TOKEN") } else { TokenValue::Literal(&secret) },
        headers,
        transport,
        tools: &tools,
        offered: &tools,
        proxied: input.proxied,
    };
    let config = client.config(&connection);
    let text = write(client.format(), &config);
    let read: Value = match client.format() {
        Format::Json => serde_json::from_str(&text).unwrap(),
        Format::Toml => toml::from_str(&text).unwrap(),
        Format::Yaml => serde_saphyr::from_str(&text).unwrap(),
    };
    assert_eq!(read, config, "{} wrote {}", client.id(), *text);
    if client.format() == Format::Json {
        assert!(!text.contains(['\'', '\n']), "{}", *text);
    }
    let flags = client.cli_flags(&connection, &text);
    let words = shlex::split(&flags).expect("words of a shell");
    if let Some(json) = words.iter().find(|word| word.starts_with('{')) {
        assert_eq!(serde_json::from_str::<Value>(json).unwrap(), config);
    }
    for tool in &tools {
        let spelled = client.tool_name(&server_name, tool);
        assert!(spelled.contains(tool.as_str()) || !tool.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{spelled}");
    }
});
