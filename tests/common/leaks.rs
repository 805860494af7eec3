//! Searches what a step left behind for a secret, in any encoding that a tool is likely to use.

use data_encoding::{BASE32, BASE64, BASE64URL, HEXLOWER, HEXUPPER};

use super::Outcome;
use super::runner::Line;

/// A piece of a secret of this many characters counts as the secret.
const TELLING: usize = 12;

/// Asserts that a secret is nowhere but in the masks, and, if it is a token, in the outputs that hold it.
pub fn assert_no_leak(outcome: &Outcome, secret: &str, handed_on: bool) {
    let plain_lines: Vec<_> = outcome.log.lines.iter().filter(|line| !is_mask(line)).map(|line| format!("{line:?}")).collect();
    let mut places =
        vec![("the log", plain_lines.join("\n")), ("stderr", outcome.stderr.clone()), ("the summary", outcome.summary.clone())];
    if !handed_on {
        places.push(("the output file", outcome.output_file.clone()));
    }
    for (place, text) in places {
        if let Some(form) = found(&text, secret) {
            panic!("{place} holds a secret as {form:?}:\n{text}");
        }
    }
}

fn is_mask(line: &Line) -> bool {
    matches!(line, Line::Command(command) if command.name == "add-mask")
}

/// The first form of a secret, or of a telling piece of it, that is in the text.
pub fn found(text: &str, secret: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    forms(secret).into_iter().find_map(|form| {
        // Each character of the secret has become so many of the form.
        let size = (TELLING * form.len() / secret.len()).min(form.len());
        let form = form.to_ascii_lowercase();
        let pieces = (0..=form.len() - size).filter_map(|start| form.get(start..start + size));
        pieces.map(str::to_owned).find(|piece| text.contains(piece.as_str()))
    })
}

fn forms(secret: &str) -> Vec<String> {
    let each = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
    let mut forms = vec![
        secret.to_owned(),
        secret.chars().rev().collect(),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        HEXLOWER.encode(secret.as_bytes()),
        HEXUPPER.encode(secret.as_bytes()),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("\\x{byte:02x}")),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("&#{byte};")),
        secret.replace('\'', "'\\''"),
    ];
    for lead in ["", "x", "xx", "xxx", "xxxx"] {
        for encoding in [&BASE64, &BASE64URL, &BASE32] {
            // Neighbours change a character or two at each end.
            let encoded = encoding.encode(format!("{lead}{secret}").as_bytes());
            forms.push(encoded.trim_end_matches('=').chars().skip(lead.len() * 2).collect());
        }
    }
    forms
}
