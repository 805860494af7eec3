//! Cleaning of text that came from outside: one line, short, no workflow command, and no secret in any common encoding.
//!
//! The runner masks what `add-mask` named, but only in its own log, only in the forms that it derives, and only whole. What
//! a server says can hold a secret in other forms or in part, and it also goes to the job summary. So it is cleaned here.

use std::fmt;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};

use crate::secret::Secret;

/// The longest quotation of outside text, in characters.
pub const QUOTE_LIMIT: usize = 300;

/// How much of outside text is looked at, in characters: what lies beyond could not be quoted anyway.
const READ_LIMIT: usize = 4096;

/// A piece of a secret of this many characters is redacted like the whole.
const TELLING: usize = 8;

const STARS: &str = "***";

/// Outside text after cleaning. Only [`Redactor::quote`] makes one. It is shown between backticks, which it can't hold itself:
/// as code, nothing in it means anything to Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote(String);

impl Quote {
    /// Whether cleaning left nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without backticks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// At most so many characters of it.
    #[must_use]
    pub fn shortened(&self, limit: usize) -> Self {
        Self(shorten(&self.0, limit))
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

/// One way in which a secret can be written.
#[derive(Clone)]
struct Form {
    /// In lower case: comparison ignores ASCII case, which redacts more, never less.
    text: Secret,
    /// Length of the shortest piece that tells something, in bytes.
    piece: usize,
}

/// Knows the secrets of this run and removes them from text.
#[derive(Default, Clone)]
pub struct Redactor {
    forms: Vec<Form>,
}

impl Redactor {
    /// Learns a secret in every form that this program knows of.
    pub fn learn(&mut self, secret: &Secret) {
        let plain = secret.reveal();
        if plain.is_empty() {
            return;
        }
        for form in written_forms(plain) {
            let piece = (TELLING * form.len()).div_ceil(plain.len()).min(form.len());
            self.forms.push(Form { text: Secret::new(&form.to_ascii_lowercase()), piece });
        }
    }

    /// Makes outside text safe to show anywhere: see the module's text.
    #[must_use]
    pub fn quote(&self, text: &str) -> Quote {
        let line = one_line(text.chars().take(READ_LIMIT));
        let line = self.replace(&line, |form| form.piece);
        let line = break_commands(&line).replace('`', "'");
        Quote(shorten(line.trim(), QUOTE_LIMIT))
    }

    /// Removes whole secrets from a line of our own, as a last guard before it is shown.
    #[must_use]
    pub fn guard(&self, text: &str) -> String {
        self.replace(text, |form| form.text.reveal().len())
    }

    /// Replaces every run of characters that is covered by pieces of a secret, each as long as `piece` says.
    fn replace(&self, text: &str, piece: impl Fn(&Form) -> usize) -> String {
        let folded = text.to_ascii_lowercase();
        let mut covered = vec![false; folded.len()];
        for form in &self.forms {
            let size = piece(form);
            for (start, window) in folded.as_bytes().windows(size).enumerate() {
                if contains(form.text.reveal().as_bytes(), window) {
                    covered.iter_mut().skip(start).take(size).for_each(|byte| *byte = true);
                }
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut hidden = false;
        for (at, c) in text.char_indices() {
            let hide = covered.get(at).copied().unwrap_or(false);
            if !hide {
                out.push(c);
            } else if !hidden {
                out.push_str(STARS);
            }
            hidden = hide;
        }
        out
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Joins text to one line: control characters, line ends of every kind and characters that can't be seen become one space.
fn one_line(text: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in text {
        if !is_invisible(c) && !c.is_whitespace() {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// Characters that take no room, turn the direction of text, or end a line somewhere (Unicode 16.0, chapter 23).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Takes the effect from `::command::` and from `##[command]`, which the runner still reads anywhere in a line.
fn break_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let forms_command = (c == ':' && out.ends_with(':')) || (c == '[' && out.ends_with('#'));
        if forms_command {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit - 1).collect();
    short.push('…');
    short
}

/// Every way of writing `plain` that a server, a proxy or a tool is likely to use.
fn written_forms(plain: &str) -> Vec<String> {
    let bytes = plain.as_bytes();
    let each = |write: fn(&mut String, u8)| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write(&mut text, *byte);
            text
        })
    };
    let mut forms = vec![
        plain.to_owned(),
        json_inner(plain),
        json_inner(plain).replace('/', "\\/"),
        html(plain),
        HEXLOWER.encode(bytes),
        each(|text, byte| *text += &format!("%{byte:02x}")),
        each(|text, byte| *text += &format!("\\x{byte:02x}")),
        each(|text, byte| *text += &format!("\\u{byte:04x}")),
        each(|text, byte| *text += &format!("&#{byte};")),
        each(|text, byte| *text += &format!("&#x{byte:x};")),
        each(|text, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                *text += &format!("%{byte:02x}");
            }
        }),
    ];
    for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD, &BASE32_NOPAD] {
        forms.extend(embedded(encoding, bytes));
    }
    forms.retain(|form| !form.is_empty());
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn json_inner(plain: &str) -> String {
    let quoted = serde_json::Value::from(plain).to_string();
    quoted.trim_matches('"').to_owned()
}

/// As `html` escapes text, quotes included.
fn html(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The characters that `bytes` always leave in an encoding, wherever they stand in what is encoded: one form for each offset,
/// without the characters at both ends that neighbours change.
fn embedded<'a>(encoding: &'a Encoding, bytes: &'a [u8]) -> impl Iterator<Item = String> + 'a {
    let bits = encoding.bit_width();
    let offsets = if bits == 5 { 5 } else { 3 };
    (0..offsets).map(move |offset| {
        let mut shifted = vec![0; offset];
        shifted.extend_from_slice(bytes);
        let first = (8 * offset).div_ceil(bits);
        let end = 8 * shifted.len() / bits;
        encoding.encode(&shifted).chars().skip(first).take(end.saturating_sub(first)).collect()
    })
}

/// The forms of a secret that the runner doesn't derive from the secret itself: it knows base64, JSON, URI and XML escapes,
/// but neither base64url nor hex.
#[must_use]
pub fn forms_to_mask(secret: &Secret) -> Vec<Secret> {
    let bytes = secret.reveal().as_bytes();
    let encoding = BASE64URL_NOPAD;
    let base64url = embedded(&encoding, bytes).filter(|form| form.contains(['-', '_']));
    [HEXLOWER.encode(bytes), HEXUPPER.encode(bytes)]
        .into_iter()
        .chain(base64url)
        .filter(|form| form.len() >= TELLING)
        .map(|form| Secret::new(&form))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: &str = "s3cr3t/Value+With-64~Chars?&=<>\"'\\ and_more";

    fn knows(plain: &str) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.learn(&Secret::new(plain));
        redactor
    }

    #[test]
    fn a_quotation_is_one_line_of_at_most_300_characters() {
        let quote = Redactor::default().quote(&format!("a\r\nb\u{2028}c\u{85}d\te{}", "x".repeat(5000))).as_str().to_owned();
        assert!(quote.starts_with("a b c d ex"), "{quote}");
        assert_eq!(quote.chars().count(), QUOTE_LIMIT);
        assert!(quote.ends_with('…'));
    }

    #[test]
    fn no_workflow_command_survives() {
        let quote = Redactor::default().quote("::set-output name=a::b ::: ##[error]x :\u{200b}:add-mask::y #\u{200b}#[group]").to_string();
        assert!(!quote.contains("::"), "{quote}");
        assert!(!quote.contains("##["), "{quote}");
    }

    #[test]
    fn a_piece_of_a_secret_is_redacted_like_the_whole() {
        let redactor = knows("abcdefghijklmnopqrstuvwxyz");
        assert_eq!(redactor.quote("got cdefghij").as_str(), "got ***");
        assert_eq!(redactor.quote("got CDEFGHIJKLM!").as_str(), "got ***!");
        assert_eq!(redactor.quote("got cdefghi.").as_str(), "got cdefghi.");
        assert_eq!(redactor.guard("got cdefghij"), "got cdefghij");
    }

    #[test]
    fn masks_hold_base64url_only_where_it_differs_from_base64() {
        let forms = forms_to_mask(&Secret::new("aaaaaaaaaaaa"));
        assert_eq!(forms.len(), 2, "{:?}", forms.iter().map(Secret::reveal).collect::<Vec<_>>());
        let forms = forms_to_mask(&Secret::new("????????>>>>>>>>"));
        assert!(forms.len() > 2);
    }

    proptest! {
        #[test]
        fn no_common_encoding_of_a_secret_survives(before in "[ -~]{0,9}", after in "[ -~]{0,9}", plain in "[!-~]{12,64}") {
            let redactor = knows(&plain);
            let around = format!("{before}{plain}{after}");
            let encoded = [
                plain.clone(),
                BASE64_NOPAD.encode(around.as_bytes()),
                BASE64URL_NOPAD.encode(around.as_bytes()),
                BASE32_NOPAD.encode(around.as_bytes()),
                HEXUPPER.encode(around.as_bytes()),
                serde_json::Value::from(around.as_str()).to_string(),
                html(&around),
                reqwest::Url::parse_with_params("http://h/", [("q", &around)]).unwrap().query().unwrap().to_owned(),
            ];
            for text in encoded {
                let quote = redactor.quote(&text).to_string().to_ascii_lowercase();
                for form in &redactor.forms {
                    prop_assert!(!quote.contains(form.text.reveal()), "{quote} holds {}", form.text.reveal());
                }
            }
        }

        #[test]
        fn any_text_becomes_a_safe_quotation(text in "\\PC{0,400}|[\\x00-\\x7f]{0,400}") {
            let quote = knows(PLAIN).quote(&text);
            let quote = quote.as_str();
            prop_assert!(quote.chars().count() <= QUOTE_LIMIT);
            prop_assert!(!quote.contains("::") && !quote.contains("##["));
            prop_assert!(!quote.chars().any(is_invisible));
        }
    }
}
