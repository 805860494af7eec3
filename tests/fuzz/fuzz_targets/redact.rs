//! Cleaning: any text becomes one short line without commands, and a secret that is written in any pile of encodings is not in it.
#![no_main]

use arbitrary::Arbitrary;
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::redact::{QUOTE_LIMIT, Redactor, Secret};

#[derive(Arbitrary, Debug)]
enum Layer {
    Json,
    Percent,
    Unicode,
    Entity,
    Hex,
    HexUpper,
    Base32,
    Base64,
    Base64Url,
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    secret: &'a str,
    before: &'a str,
    layers: Vec<Layer>,
    after: &'a str,
}

fn written(text: &str, layer: &Layer) -> String {
    let bytes = text.as_bytes();
    match layer {
        Layer::Json => serde_json::Value::from(text).to_string(),
        Layer::Percent => bytes.iter().map(|byte| format!("%{byte:02X}")).collect(),
        Layer::Unicode => text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        Layer::Entity => text.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        Layer::Hex => HEXLOWER.encode(bytes),
        Layer::HexUpper => HEXUPPER.encode(bytes),
        Layer::Base32 => BASE32_NOPAD.encode(bytes),
        Layer::Base64 => BASE64_NOPAD.encode(bytes),
        Layer::Base64Url => BASE64URL_NOPAD.encode(bytes),
    }
}

fuzz_target!(|input: Input<'_>| {
    let Input { secret, before, layers, after } = input;
    let mut redactor = Redactor::default();
    redactor.learn(&Secret::new(secret));
    // What is written around a secret may end or begin an escape, so words are kept apart from it.
    let layers = layers.get(..layers.len().min(3)).unwrap_or_default();
    let text = layers.iter().fold(format!(" {secret} "), |text, layer| written(&text, layer));
    let whole = format!("{before} {text} {after}");
    let quote = redactor.quote(&whole);
    let shown = quote.as_str();
    assert!(shown.chars().count() <= QUOTE_LIMIT);
    assert!(!shown.contains("::") && !shown.contains("##[") && !shown.contains('`'));
    assert!(!shown.contains(|c: char| c.is_control() || "\u{2028}\u{2029}\u{202e}\u{200b}\u{feff}".contains(c)), "{shown:?}");
    let is_credential = secret.len() >= 12 && secret.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
    if is_credential {
        let lower = shown.to_ascii_lowercase();
        let secret = secret.to_ascii_lowercase();
        // Cleaning itself writes stars and blanks into the text.
        assert!(!lower.contains(&secret), "{whole:?} became {shown:?}");
        if before.is_empty() && text.len() < 3_000 {
            assert!(shown.contains("***"), "{whole:?} became {shown:?}");
        }
    }
    assert!(secret.len() < 8 || redactor.is_revealed_by(&format!("{before} {secret} {after}")), "{secret:?}");
});
