//! A config that somebody else wrote, with our server added: what comes out is valid for another parser too, and says ours.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::config::{Format, ServerEntry, merge, parse, rewrite};
use serde_json::{Value, json};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    format: u8,
    value: &'a str,
    text: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let format = [Format::Json, Format::Toml, Format::Yaml][usize::from(input.format % 3)];
    let server = ServerEntry { name: "port-prod", url: "https://mcp.port.io/v1", rules: &[] };
    let entry = json!({ "url": server.url, "headers": { "Authorization": input.value }, "tools": ["a", input.value] });
    let ours = json!({ "mcpServers": { "port-prod": entry } });
    let Ok(current) = parse(format, input.text) else {
        return;
    };
    let Ok(merged) = merge(&current, &ours, server) else {
        return;
    };
    let Ok(edited) = rewrite(format, input.text, &merged) else {
        return;
    };
    assert_eq!(parse(format, &edited).as_ref(), Ok(&merged), "{}", *edited);
    // Where the other parser takes what was there, it must take what came of it, and read our server in it.
    let other = |text: &str| -> Option<Value> {
        match format {
            Format::Json => serde_json::from_str(text).ok(),
            Format::Toml => toml::from_str(text).ok(),
            Format::Yaml => serde_saphyr::from_str(text).ok(),
        }
    };
    let text = input.text.trim_start_matches('\u{feff}');
    if other(text).is_some_and(|value| value.is_object()) {
        let read = other(&edited);
        assert!(read.is_some(), "{text:?} became {:?}", *edited);
        assert_eq!(read.unwrap()["mcpServers"]["port-prod"], entry, "{text:?} became {:?}", *edited);
    }
});
