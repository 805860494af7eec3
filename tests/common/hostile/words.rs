//! What a hostile server says: secrets in every writing, and what a runner, a terminal or a page could take for more than text.

use data_encoding::{BASE32, BASE64, BASE64_MIME, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

use super::dice::Dice;

/// Commands, in the forms that the runner reads or once read, and the ends of lines that put them at the start of one.
const FORGED: &[&str] = &[
    "::error::forged",
    "::error title=forged::forged",
    "::add-mask::f",
    "::set-output name=access_token::forged",
    "::save-state name=isPost::forged",
    "::stop-commands::forged",
    "::warning file=forged,line=1::forged",
    "::debug::forged",
    "::group::forged",
    "##[error]forged",
    "##[add-mask]f",
    "##[command]forged",
    "##vso[task.setvariable variable=forged]x",
    "##\u{200b}[error]forged",
    ":\u{200b}:error:\u{200b}:forged",
    "%3A%3Aerror%3A%3Aforged",
    "access_token<<ghadelimiter_forged\nforged\nghadelimiter_forged",
    "access_token=forged",
    "<img src=x onerror=forged>",
    "<!-- forged",
    "```\n# forged\n```",
    "`forged` | forged |\n| - |",
    "</details><script>forged</script>",
    "[forged](javascript:forged)",
    "\u{1b}[2J\u{1b}[31mforged\u{7}",
    "\u{202e}degrof\u{202c}",
];

const LINE_ENDS: &[&str] =
    &["\n", "\r", "\r\n", "\n\r", "%0A", "%0D%0A", "\\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}", "\0", "\t", " "];

/// A text with forged commands and secrets in it.
pub fn hostile(dice: &Dice, secrets: &[&str]) -> String {
    let mut text = String::new();
    for _ in 0..dice.number(1..6) {
        text += dice.pick(LINE_ENDS);
        text += &match dice.number(0..10) {
            0..4 => dice.pick(FORGED).to_owned(),
            4..8 => written(dice, secrets),
            8 => dice.text("aä€😀 \u{0}\u{7f}\u{feff}\u{fffd}'\"`\\/<>&%$", 1..40),
            _ => "x".repeat(dice.any(&[1, 299, 300, 301, 5000])),
        };
    }
    text
}

/// What of a text can stand in a header or a URL as it is.
pub fn graphic(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() && !"?#\\".contains(*c)).collect()
}

/// A secret, written in some way, or in several ways one over the other, with something before and behind it.
pub fn written(dice: &Dice, secrets: &[&str]) -> String {
    let secret = dice.pick(secrets);
    let (before, after) = (dice.pick(&["", " ", "id:", "Bearer ", "{\"a\":\"", "="]), dice.pick(&["", " ", "\"", "}", ".", "&x=y"]));
    let piece = match dice.number(0..10) {
        0 if secret.len() > 16 => &secret[..secret.len() - 3],
        1 if secret.len() > 16 => &secret[3..],
        _ => secret,
    };
    let text = format!("{before}{piece}{after}");
    let layers = dice.weighted(&[(6, 0), (10, 1), (6, 2), (2, 3)]);
    (0..layers).fold(text, |text, _| layer(dice, &text))
}

/// One layer of writing.
fn layer(dice: &Dice, text: &str) -> String {
    let share = dice.any(&[100, 100, 50, 10]);
    let json = |text: &str| serde_json::Value::from(text).to_string();
    match dice.number(0..22) {
        0 => escape(dice, text, share, |byte| format!("\\u{byte:04x}")),
        1 => escape(dice, text, share, |byte| format!("\\u{byte:04X}")),
        2 => escape(dice, text, share, |byte| format!("\\\\u{byte:04x}")),
        3 => escape(dice, text, share, |byte| format!("%{byte:02x}")),
        4 => escape(dice, text, share, |byte| format!("%{byte:02X}")),
        5 => escape(dice, text, share, |byte| format!("%25{byte:02X}")),
        6 => escape(dice, text, share, |byte| format!("\\x{byte:02x}")),
        7 => escape(dice, text, share, |byte| format!("&#{byte};")),
        8 => escape(dice, text, share, |byte| format!("&#x{byte:X};")),
        9 => escape(dice, text, share, |byte| format!("\\{byte:03o}")),
        10 => json(text),
        11 => json(text).replace('/', "\\/"),
        12 => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        13 => HEXLOWER.encode(text.as_bytes()),
        14 => HEXUPPER.encode(text.as_bytes()),
        15 => BASE64.encode(text.as_bytes()),
        16 => BASE64_MIME.encode(text.as_bytes()),
        17 => BASE64URL_NOPAD.encode(text.as_bytes()),
        18 => BASE32.encode(text.as_bytes()),
        19 => text.to_ascii_uppercase(),
        20 => escape(dice, text, 100, |byte| format!("{byte:02x} ")),
        _ => text.to_owned(),
    }
}

/// A share of the characters, escaped. Who echoes what came in writes the same character in the same way everywhere, and always
/// escapes what begins an escape. Who doesn't hides a secret on purpose, and can do that in more ways than anyone finds.
fn escape(dice: &Dice, text: &str, share: u32, write: fn(u8) -> String) -> String {
    let mut chosen: Vec<_> = (0..=u8::MAX).map(|byte| dice.percent(share) || !byte.is_ascii()).collect();
    for introducer in write(b'a').bytes().take(1) {
        chosen[usize::from(introducer)] = true;
    }
    text.bytes().map(|byte| if chosen[usize::from(byte)] { write(byte) } else { char::from(byte).to_string() }).collect()
}
