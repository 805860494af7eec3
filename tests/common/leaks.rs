//! Searches what a step left behind for a secret, in any encoding that a tool is likely to use, and in encodings of those.
//!
//! Written another way than the product's own search, so that a mistake in one of them shows: the text is decoded as a whole,
//! again and again, and each result is searched.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER_PERMISSIVE};

use super::Outcome;
use super::runner::Line;

/// A piece of a secret of this many characters counts as the secret.
const TELLING: usize = 12;

/// A shorter text tells nothing, and is not masked either.
const SHORTEST: usize = 4;

/// So often is a text decoded.
const LAYERS: usize = 4;

/// Asserts that a secret is nowhere but in the masks, and, if it is a token, in the outputs that hold it.
pub fn assert_no_leak(outcome: &Outcome, secret: &str, handed_on: bool) {
    for (place, text) in places(outcome, handed_on) {
        if let Some(form) = found(&text, secret) {
            panic!("{place} holds a secret as {form:?}:\n{text}");
        }
    }
}

/// Where a secret must not be: the log but for the masks, the summary, and the outputs unless it is `handed_on` in them.
pub fn places(outcome: &Outcome, handed_on: bool) -> Vec<(&'static str, String)> {
    let plain_lines: Vec<_> = outcome.log.lines.iter().filter(|line| !is_mask(line)).map(shown).collect();
    let mut places =
        vec![("the log", plain_lines.join("\n")), ("stderr", outcome.stderr.clone()), ("the summary", outcome.summary.clone())];
    if !handed_on {
        places.push(("the output file", outcome.output_file.clone()));
    }
    places
}

fn is_mask(line: &Line) -> bool {
    matches!(line, Line::Command(command) if command.name == "add-mask")
}

/// As a person reads it: a command's escapes are undone.
fn shown(line: &Line) -> String {
    match line {
        Line::Plain(text) => text.clone(),
        Line::Command(command) => format!("{} {} {}", command.name, command.title, command.text),
    }
}

/// What the text says where it holds a secret, or a telling piece of one.
pub fn found(text: &str, secret: &str) -> Option<String> {
    Readings::of(text).find(&Pieces::of(secret))
}

/// A text in every way in which it can be read, in lower case.
pub struct Readings(HashSet<String>);

impl Readings {
    pub fn of(text: &str) -> Self {
        let mut readings = Self(HashSet::new());
        readings.read(text, LAYERS);
        readings
    }

    fn read(&mut self, text: &str, layers: usize) {
        if !self.0.insert(text.to_ascii_lowercase()) || layers == 0 {
            return;
        }
        // Backslashes are left where escapes of two kinds were mixed.
        let bare: String = text.split([' ', '\n', '\r', '\t', '\\']).collect();
        for other in [unescaped(text), bare].into_iter().chain(decodings(text)) {
            self.read(&other, layers - 1);
        }
    }

    pub fn find(&self, pieces: &Pieces) -> Option<String> {
        self.0.iter().find_map(|text| pieces.first_in(text))
    }
}

/// The pieces of a secret that tell something, in lower case.
pub struct Pieces {
    all: HashSet<Vec<u8>>,
    sizes: BTreeSet<usize>,
    /// Whether a piece begins with these two bytes: most of a text is ruled out by that.
    begins: Vec<bool>,
}

impl Pieces {
    /// Of the secret as it is, spelt backwards, and without what a decoder could take for an escape.
    pub fn of(secret: &str) -> Self {
        let backwards: String = secret.chars().rev().collect();
        let mut pieces = Self { all: HashSet::new(), sizes: BTreeSet::new(), begins: vec![false; 1 << 16] };
        for form in [secret.to_owned(), backwards, unescaped(secret), unescaped(secret).replace('\\', "")] {
            let form = form.to_ascii_lowercase().into_bytes();
            let size = form.len().min(TELLING);
            if size >= SHORTEST {
                pieces.sizes.insert(size);
                for piece in form.windows(size) {
                    pieces.begins[begin(piece)] = true;
                    pieces.all.insert(piece.to_vec());
                }
            }
        }
        pieces
    }

    fn first_in(&self, text: &str) -> Option<String> {
        self.sizes.iter().find_map(|size| {
            let piece = text.as_bytes().windows(*size).find(|window| self.begins[begin(window)] && self.all.contains(*window))?;
            Some(String::from_utf8_lossy(piece).into_owned())
        })
    }
}

fn begin(piece: &[u8]) -> usize {
    usize::from(piece[0]) << 8 | usize::from(piece[1])
}

/// With every escape undone once.
fn unescaped(text: &str) -> String {
    let percent = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let entities = undo(&percent, "&#", ';', |code| match code.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => code.parse().ok(),
    });
    let named = entities.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&");
    let braces = undo(&named, "\\u{", '}', |code| u32::from_str_radix(code, 16).ok());
    let long = undo_fixed(&braces, "\\u", 4, 16);
    let short = undo_fixed(&long, "\\x", 2, 16);
    let octal = undo_fixed(&short, "\\", 3, 8);
    octal.replace("\\\\", "\\").replace("\\/", "/").replace("\\\"", "\"").replace("'\\''", "'")
}

/// Replaces what stands between `start` and `end` where it is the code of a character.
fn undo(text: &str, start: &str, end: char, read: impl Fn(&str) -> Option<u32>) -> String {
    let mut parts = text.split(start);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.split_once(end).and_then(|(code, rest)| Some((read(code).and_then(char::from_u32)?, rest)));
        match code {
            Some((c, rest)) => {
                out.push(c);
                out += rest;
            }
            None => out += &format!("{start}{part}"),
        }
    }
    out
}

/// The same for a code of so many digits.
fn undo_fixed(text: &str, start: &str, digits: usize, radix: u32) -> String {
    let mut parts = text.split(start);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..digits).filter(|code| code.chars().all(|c| c.is_digit(radix)));
        match code.and_then(|code| char::from_u32(u32::from_str_radix(code, radix).ok()?)) {
            Some(c) => {
                out.push(c);
                out += &part[digits..];
            }
            None => out += &format!("{start}{part}"),
        }
    }
    out
}

/// Encodings with what is needed of each: the fewest characters that tell something, and how many make whole bytes. The ends of
/// what is found may belong to something else.
static ENCODINGS: LazyLock<[(Encoding, usize, usize); 4]> = LazyLock::new(|| {
    let lenient = |encoding: Encoding| {
        let mut lenient = encoding.specification();
        lenient.check_trailing_bits = false;
        lenient.encoding().unwrap()
    };
    [
        (HEXLOWER_PERMISSIVE, 2 * SHORTEST, 2),
        (lenient(BASE32_NOPAD), 14, 8),
        (lenient(BASE64_NOPAD), 12, 4),
        (lenient(BASE64URL_NOPAD), 12, 4),
    ]
});

/// What each run of characters decodes to, from each place where a group could begin. Of that only what can be read counts.
fn decodings(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (encoding, least, group) in &*ENCODINGS {
        let text = if *group == 8 { text.to_ascii_uppercase() } else { text.to_owned() };
        let symbols = encoding.specification().symbols;
        let fits = |c: char| symbols.contains(c) || (*group == 2 && c.is_ascii_hexdigit());
        for run in text.split(|c| !fits(c)).filter(|run| run.len() >= *least) {
            for shift in 0..*group {
                let bytes = decode(encoding, &run[shift..]);
                // UTF-16 has zeros between.
                let bytes: Vec<_> = bytes.into_iter().filter(|byte| *byte != 0).collect();
                let texts = bytes.split(|byte| !byte.is_ascii_graphic() && !byte.is_ascii_whitespace());
                all.extend(texts.filter(|text| text.len() >= SHORTEST).map(|text| String::from_utf8_lossy(text).into_owned()));
            }
        }
    }
    all
}

/// As much of a run as can be decoded: a last group may be short, but not of every length.
fn decode(encoding: &Encoding, run: &str) -> Vec<u8> {
    let decoded = (0..3).find_map(|less| encoding.decode(run.get(..run.len().checked_sub(less)?)?.as_bytes()).ok());
    decoded.unwrap_or_default()
}
