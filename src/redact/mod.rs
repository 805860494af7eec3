//! Cleaning of text that came from outside: one line, short, no workflow command, and no secret in any common encoding.
//!
//! The runner masks what `add-mask` named, but only in its own log, only in the forms that it derives, and only whole. What
//! a server says can hold a secret in other forms or in part, and it also goes to the job summary. So it is cleaned here.
//!
//! There are more ways to write a secret than a list can hold: an escape of only some characters, JSON in JSON, base64 of
//! either. So the text is decoded in every way that is known, as often as that goes, and the secret is looked for in what it
//! says. What someone hides on purpose, such as a word written backwards, is not found.

mod secret;
mod stream;
mod view;

use std::cell::OnceCell;
use std::fmt;

use data_encoding::{BASE64URL_NOPAD, Encoding, HEXLOWER};
use zeroize::Zeroizing;

pub use secret::Secret;
pub use stream::{Needles, Scrubber, needles};
use view::View;

/// The shortest text that is masked, in characters. A shorter mask would hide half of the log.
pub const SHORTEST_MASK: usize = 4;

/// The longest quotation of text from outside, in characters.
pub const QUOTE_LIMIT: usize = 300;

/// How much of a text is searched, in characters. What comes after that is never quoted.
const READ_LIMIT: usize = 4096;

/// How much at the end of the searched part is not quoted if the text is longer: a secret that is cut off there can't be
/// recognized. It is enough for eight escaped characters.
const MARGIN: usize = 96;

/// A part of a secret is redacted like the whole if it has at least this many characters.
const MIN_REDACTED_FRAGMENT: usize = 8;

/// How many encodings may be nested, such as a token in base64 in a JWT in base64.
const DEEPEST: usize = 3;

const STARS: &str = "***";

/// Text from outside after cleaning. Only [`Redactor::quote`] makes one. It is shown between backticks and contains none, so
/// Markdown interprets nothing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote(String);

impl Quote {
    /// Whether nothing is left after cleaning.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without backticks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// At most `limit` characters of it.
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

/// A secret in the form in which it is searched for. Comparison ignores ASCII case, so it redacts too much rather than too little.
#[derive(Clone)]
struct Known {
    /// In lower case.
    text: Zeroizing<Vec<u8>>,
    /// Every piece that is long enough to reveal something, sorted. Built when the first text from outside is quoted.
    pieces: OnceCell<Zeroizing<Vec<u64>>>,
}

impl Known {
    fn new(view: &View) -> Self {
        Self { text: Zeroizing::new(view.bytes().to_ascii_lowercase()), pieces: OnceCell::new() }
    }

    /// The secret itself; and, if it contains what looks like an escape, the secret with that undone.
    fn forms(secret: &Secret) -> Vec<Self> {
        if secret.reveal().is_empty() {
            return Vec::new();
        }
        let plain = View::of(secret.reveal());
        let mut others = plain.unescapings();
        others.extend(others.last().unwrap_or(&plain).bare());
        others.retain(|other| other.bytes().len() != plain.bytes().len() && other.bytes().len() >= SHORTEST_MASK);
        [&plain].into_iter().chain(&others).map(Self::new).collect()
    }

    /// Whether it is too long to be a common word, or a part of one.
    fn is_long(&self) -> bool {
        self.text.len() >= MIN_REDACTED_FRAGMENT
    }

    /// The length of the shortest piece that reveals something, in bytes.
    fn piece(&self) -> usize {
        self.text.len().min(MIN_REDACTED_FRAGMENT)
    }

    fn pieces(&self) -> &[u64] {
        self.pieces.get_or_init(|| {
            let mut pieces: Vec<_> = self.text.windows(self.piece().max(1)).map(number).collect();
            pieces.sort_unstable();
            Zeroizing::new(pieces)
        })
    }
}

/// Up to eight bytes as one number, in lower case.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(byte.to_ascii_lowercase()))
}

/// What of a secret is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Every piece that reveals something.
    Pieces,
    /// All of it.
    Whole,
    /// All of it, where it is a word of its own.
    Word,
}

/// A secret that is looked for in a text.
#[derive(Clone, Copy)]
struct Search<'a> {
    known: &'a Known,
    extent: Extent,
}

impl Search<'_> {
    fn size(self) -> usize {
        match self.extent {
            Extent::Pieces => self.known.piece(),
            Extent::Whole | Extent::Word => self.known.text.len(),
        }
    }

    /// How many bytes an encoded text must have to be decoded.
    fn least(self) -> usize {
        match self.extent {
            Extent::Pieces | Extent::Whole => self.size(),
            Extent::Word => self.size().max(SHORTEST_MASK),
        }
    }

    fn matches(self, bytes: &[u8], at: usize) -> bool {
        let Some(window) = bytes.get(at..at + self.size()) else {
            return false;
        };
        match self.extent {
            Extent::Pieces => self.known.pieces().binary_search(&number(window)).is_ok(),
            Extent::Whole => self.is_whole(window),
            Extent::Word => {
                let in_a_word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
                self.is_whole(window) && !in_a_word(at.checked_sub(1)) && !in_a_word(Some(at + window.len()))
            }
        }
    }

    fn is_whole(self, window: &[u8]) -> bool {
        // Nearly all differ in their first byte.
        let first = window.first().map(u8::to_ascii_lowercase);
        first == self.known.text.first().copied() && window.eq_ignore_ascii_case(&self.known.text)
    }

    fn mark(self, view: &View, covered: &mut [bool]) {
        let size = self.size();
        for at in (0..view.bytes().len()).filter(|at| self.matches(view.bytes(), *at)) {
            if let Some((from, to)) = view.place(at, size) {
                covered.iter_mut().take(to).skip(from).for_each(|byte| *byte = true);
            }
        }
    }
}

/// Knows the secrets of this run and removes them from text from outside.
///
/// Our own words are never changed: they hold no text from outside but as a [`Quote`]. So a secret that is a common word can't
/// damage them.
#[derive(Default, Clone)]
pub struct Redactor {
    /// The client secret and the token. They are masked too.
    credentials: Vec<Known>,
    /// Passwords of what is on the way to Port. People choose them, so they can be short or common words.
    passwords: Vec<Known>,
}

impl Redactor {
    /// Adds the client secret or the token.
    pub fn learn(&mut self, secret: &Secret) {
        self.credentials.extend(Known::forms(secret));
    }

    /// Adds a password. It is removed from quotations only, and a short one only where it is a word of its own.
    pub fn learn_password(&mut self, password: &Secret) {
        self.passwords.extend(Known::forms(password));
    }

    /// Makes outside text safe to show anywhere: see the module's text.
    #[must_use]
    pub fn quote(&self, text: &str) -> Quote {
        let line = one_line(text.chars().take(READ_LIMIT));
        let margin = if text.chars().nth(READ_LIMIT).is_some() { MARGIN } else { 0 };
        let line = self.replace(&line, margin);
        let line = break_commands(&line).replace('`', "'");
        Quote(shorten(line.trim(), QUOTE_LIMIT))
    }

    /// Whether no piece of a credential is written in this text.
    #[must_use]
    pub fn is_clean(&self, text: &str) -> bool {
        let searches: Vec<_> = self.credentials.iter().map(|known| Search { known, extent: Extent::Pieces }).collect();
        !covered(text, &searches).contains(&true)
    }

    /// Whether this text contains a whole credential. A short credential could be a part of a word, so it must be the whole text.
    #[must_use]
    pub fn is_revealed_by(&self, text: &str) -> bool {
        let (long, short): (Vec<_>, Vec<_>) = self.credentials.iter().partition(|known| known.is_long());
        let searches: Vec<_> = long.into_iter().map(|known| Search { known, extent: Extent::Whole }).collect();
        covered(text, &searches).contains(&true) || short.iter().any(|known| text.as_bytes().eq_ignore_ascii_case(&known.text))
    }

    /// Replaces every run of characters that belongs to secrets, and drops `margin` bytes at the end.
    fn replace(&self, text: &str, margin: usize) -> String {
        let credentials = self.credentials.iter().map(|known| Search { known, extent: Extent::Pieces });
        let extent = |password: &Known| if password.is_long() { Extent::Pieces } else { Extent::Word };
        let passwords = self.passwords.iter().map(|known| Search { known, extent: extent(known) });
        let covered = covered(text, &credentials.chain(passwords).collect::<Vec<_>>());
        if margin == 0 && !covered.contains(&true) {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut hidden = false;
        for (at, c) in text.char_indices().take_while(|(at, _)| at + margin < text.len()) {
            let hide = covered.iter().skip(at).take(c.len_utf8()).any(|covered| *covered);
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

/// For each byte of a text, whether it is part of a secret.
fn covered(text: &str, searches: &[Search<'_>]) -> Vec<bool> {
    let mut covered = vec![false; text.len()];
    if let Some(least) = searches.iter().map(|search| search.least()).min() {
        cover(&View::of(text), searches, least, DEEPEST, &mut covered);
    }
    covered
}

/// Marks where a secret is written, in this view of the text or in what it decodes to.
fn cover(view: &View, searches: &[Search<'_>], least: usize, depth: usize, covered: &mut [bool]) {
    // Decoding plain text gives random bytes, which contain short words by chance.
    let is_readable = view.is_printable();
    let counts = |search: &Search<'_>| match search.extent {
        Extent::Pieces | Extent::Whole => true,
        Extent::Word => depth == DEEPEST || (is_readable && search.size() >= SHORTEST_MASK),
    };
    let unescapings = view.unescapings();
    let plain = unescapings.last().unwrap_or(view);
    let bare = plain.bare();
    for view in [view].into_iter().chain(&unescapings).chain(&bare) {
        searches.iter().filter(|search| counts(search)).for_each(|search| search.mark(view, covered));
    }
    if depth > 0 {
        for decoded in [plain].into_iter().chain(&bare).flat_map(|view| view.decoded(least)) {
            cover(&decoded, searches, least, depth - 1, covered);
        }
    }
}

/// Joins text to one line: control characters, line ends of every kind and invisible characters become one space.
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

/// Characters without width, that change the direction of text, or that end a line in some programs (Unicode 16.0, chapter 23).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Disables `::command::` and `##[command]`, which the runner recognizes anywhere in a line.
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

/// The characters that `bytes` always leave in an encoding of six bits, wherever they stand in what is encoded: one form for
/// each offset, without the characters at both ends that neighbours change.
fn embedded<'a>(encoding: &'a Encoding, bytes: &'a [u8]) -> impl Iterator<Item = String> + 'a {
    (0..3).filter_map(move |offset| {
        let mut shifted = Vec::with_capacity(offset + bytes.len());
        shifted.resize(offset, 0);
        shifted.extend_from_slice(bytes);
        let whole = (8 * offset).div_ceil(6)..8 * shifted.len() / 6;
        encoding.encode(&shifted).get(whole).map(str::to_owned)
    })
}

/// The forms of a secret that the runner doesn't derive from the secret itself: it knows base64, JSON, URI and XML escapes,
/// but neither base64url nor hex.
#[must_use]
pub fn forms_to_mask(secret: &Secret) -> Vec<Secret> {
    let bytes = secret.reveal().as_bytes();
    let encoding = BASE64URL_NOPAD;
    let base64url = embedded(&encoding, bytes).filter(|form| form.bytes().any(|byte| byte == b'-' || byte == b'_'));
    let hexadecimal = HEXLOWER.encode(bytes);
    let in_capitals = hexadecimal.to_ascii_uppercase();
    [hexadecimal, in_capitals]
        .into_iter()
        .chain(base64url)
        .filter(|form| form.len() >= MIN_REDACTED_FRAGMENT)
        .map(|form| Secret::new(&form))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE32_NOPAD, BASE64, BASE64_NOPAD, HEXUPPER};
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
    fn what_is_no_workflow_command_stays() {
        for text in ["a:b: c", "[a] b[c] {\"d\":[1]}", "#a # [b]"] {
            assert_eq!(Redactor::default().quote(text).as_str(), text);
        }
    }

    #[test]
    fn a_margin_is_left_out_to_the_character() {
        assert_eq!(Redactor::default().replace("abcdefgh", 3), "abcde");
    }

    #[test]
    fn what_a_secret_says_unescaped_is_hidden_unless_it_says_next_to_nothing() {
        assert_eq!(knows("%41%42%43%44%45").quote("ABCDE").as_str(), STARS);
        assert_eq!(knows("%41").quote("A").as_str(), "A");
    }

    #[test]
    fn a_piece_of_a_secret_is_redacted_like_the_whole() {
        let redactor = knows("abcdefghijklmnopqrstuvwxyz");
        assert_eq!(redactor.quote("got cdefghij").as_str(), "got ***");
        assert_eq!(redactor.quote("got CDEFGHIJKLM!").as_str(), "got ***!");
        assert_eq!(redactor.quote("got cdefghi.").as_str(), "got cdefghi.");
        assert!(redactor.is_clean("cdefghi") && !redactor.is_clean("CDEFGHIJ") && !redactor.is_clean("Y2RlZmdoaWo"));
    }

    #[test]
    fn a_credential_is_revealed_by_all_of_it_only() {
        let redactor = knows("abcdefghijklmnopqrstuvwxyz");
        for text in [
            "https://h/abcdefghijklmnopqrstuvwxyz",
            "x-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo",
            "%61bcdefghijklmnopqrstuvwxyz",
        ] {
            assert!(redactor.is_revealed_by(text), "{text}");
        }
        assert!(!redactor.is_revealed_by("abcdefghijklmnopqrstuvwxy"));
        let short = knows("port");
        assert!(short.is_revealed_by("PORT") && !short.is_revealed_by("port-prod"));
    }

    #[test]
    fn a_short_password_is_a_word_in_quotations_and_counts_nowhere_else() {
        for (password, text, shown) in [
            ("t", "tunnel to t: the t-shirt", "tunnel to ***: the ***-shirt"),
            ("user", "user:user@proxy, a username", "***:***@proxy, a username"),
            ("proxy", "\\u0070roxy pr%6fxy proxying", "*** *** proxying"),
            ("list", "Basic bWU6bGlzdA== list_tools", "Basic bWU6***== ***_tools"),
            ("longer-word", "a longer-w, longer-", "a ***, longer-"),
        ] {
            let mut redactor = Redactor::default();
            redactor.learn_password(&Secret::new(password));
            assert_eq!(redactor.quote(text).as_str(), shown);
            assert!(redactor.is_clean(password) && !redactor.is_revealed_by(password), "{password}");
        }
    }

    #[test]
    fn a_short_password_is_found_only_in_what_decodes_to_text() {
        let mut redactor = Redactor::default();
        redactor.learn_password(&Secret::new("list"));
        let (text, bytes) = (BASE64.encode(b"its list ends"), BASE64.encode(b"its list \x01nds"));
        assert_ne!(redactor.quote(&text).as_str(), text);
        assert_eq!(redactor.quote(&bytes).as_str(), bytes);
    }

    #[test]
    fn masks_hold_base64url_only_where_it_differs_from_base64() {
        let forms = forms_to_mask(&Secret::new("aaaaaaaaaaaa"));
        assert_eq!(forms.len(), 2, "{:?}", forms.iter().map(Secret::reveal).collect::<Vec<_>>());
        let forms = forms_to_mask(&Secret::new("????????>>>>>>>>"));
        assert!(forms.len() > 2);
    }

    #[test]
    fn masks_hide_a_secret_in_base64url_but_for_what_its_neighbours_share() {
        let secret = "????????>>>>>>>>";
        let forms = forms_to_mask(&Secret::new(secret));
        for (before, after) in ["", "a", "ab", "abc"].into_iter().flat_map(|before| ["", "z", "zz"].map(|after| (before, after))) {
            let text = BASE64URL_NOPAD.encode(format!("{before}{secret}{after}").as_bytes());
            let whole = (8 * before.len()).div_ceil(6)..8 * (before.len() + secret.len()) / 6;
            assert!(forms.iter().any(|form| text.get(whole.clone()) == Some(form.reveal())), "{text}");
        }
    }

    #[test]
    fn a_secret_in_a_text_in_a_text_is_found() {
        let plain = "s3cr3t/Value+With-64~Chars";
        let redactor = knows(plain);
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let each = |write: fn(u8) -> String| plain.bytes().map(write).collect::<String>();
        let unicode = each(|byte| format!("\\u{byte:04x}"));
        let basic = BASE64.encode(format!("Basic id:{plain}").as_bytes());
        let utf16: Vec<_> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [
            json(&unicode),
            json(&json(&unicode)),
            plain.replace('e', "%65").replace('3', "\\u0033"),
            plain.replace('/', "%25252f"),
            each(|byte| format!("\\{byte:03o}")).replace('1', "\\u0031"),
            plain.replace('/', "\\\\/"),
            json(&basic),
            BASE64.encode(json(&basic).as_bytes()),
            BASE64.encode(HEXUPPER.encode(basic.as_bytes()).as_bytes()),
            basic.replace('=', "%3D").replace('a', "&#97;"),
            BASE64.encode(&utf16),
            each(|byte| format!("{byte:02x} ")),
            each(|byte| format!("{}\u{200b}", char::from(byte))),
        ] {
            let quote = redactor.quote(&text);
            assert!(quote.as_str().len() < 42 && quote.as_str().contains(STARS), "{text} became {quote}");
        }
    }

    #[test]
    fn a_secret_that_looks_like_an_escape_is_found() {
        let plain = "%41\\x41&amp;''\\\\\\u0041";
        let redactor = knows(plain);
        let json = |text: &str| serde_json::Value::from(text).to_string();
        for text in [plain.to_owned(), json(plain), json(&json(plain)), BASE64.encode(plain.as_bytes())] {
            let quote = redactor.quote(&text);
            assert!(quote.as_str().len() < 12 && quote.as_str().contains(STARS), "{text} became {quote}");
        }
    }

    #[test]
    fn the_longest_text_is_cleaned_in_time() {
        let mut redactor = knows(&"s3cr3t-".repeat(500));
        redactor.learn(&Secret::new(&"t0k3n.".repeat(600)));
        let started = std::time::Instant::now();
        for text in ["%25", "\\", "&#", "7", "aA", "f0", "\\u0041", "s3cr3", "MzM"] {
            let _ = redactor.quote(&text.repeat(READ_LIMIT));
        }
        // Detects a hang. It normally takes a fraction of this.
        assert!(started.elapsed().as_secs() < 60);
    }

    #[test]
    fn a_secret_that_is_cut_off_at_the_limit_leaves_nothing() {
        let plain = "s3cr3t/Value+With-64~Chars";
        let redactor = knows(plain);
        let unicode: String = plain.bytes().fold(String::new(), |text, byte| text + &format!("\\u{byte:04x}"));
        for shift in 0..plain.len() {
            let text = format!("{}{}{}", "x".repeat(shift), plain.repeat(READ_LIMIT / plain.len() - 4), unicode.repeat(20));
            assert_eq!(redactor.quote(&text).as_str(), format!("{}{STARS}", "x".repeat(shift)));
        }
    }

    /// A layer of an encoding. `picks` says for which characters an escape is: as those who write escapes do, the same ones
    /// everywhere.
    fn written(text: &str, layer: usize, picks: u64) -> String {
        // What begins an escape is always escaped.
        let introducer = [b'%', b'%', b'\\', b'\\', b'\\', b'\\', b'&', b'&', b'\\'].get(layer);
        let escaped = |escape: fn(u8) -> String| {
            let is_picked = |byte: u8| picks >> (byte % 64) & 1 == 1 || introducer == Some(&byte);
            let write = |byte| if is_picked(byte) { escape(byte) } else { char::from(byte).to_string() };
            text.bytes().map(write).collect()
        };
        match layer {
            0 => escaped(|byte| format!("%{byte:02x}")),
            1 => escaped(|byte| format!("%{byte:02X}")),
            2 => escaped(|byte| format!("\\u{byte:04X}")),
            3 => escaped(|byte| format!("\\\\u{byte:04x}")),
            4 => escaped(|byte| format!("\\x{byte:02x}")),
            5 => escaped(|byte| format!("\\{byte:03o}")),
            6 => escaped(|byte| format!("&#{byte};")),
            7 => escaped(|byte| format!("&#x{byte:x};")),
            8 => escaped(|byte| format!("\\u{{{byte:x}}}")),
            9 => HEXLOWER.encode(text.as_bytes()),
            10 => HEXUPPER.encode(text.as_bytes()),
            11 => BASE32_NOPAD.encode(text.as_bytes()),
            12 => BASE64_NOPAD.encode(text.as_bytes()),
            _ => BASE64URL_NOPAD.encode(text.as_bytes()),
        }
    }

    proptest! {
        #[test]
        fn no_pile_of_encodings_hides_a_secret(
            before in "[a-z]{0,9}",
            plain in "[A-Za-z0-9_.~=/+-]{12,40}",
            escapes in proptest::collection::vec((0..9usize, any::<u64>()), 0..3),
            code in 9..14usize,
            outer in proptest::collection::vec((0..14usize, any::<u64>()), 0..3),
        ) {
            let layers = escapes.into_iter().chain([(code, 0)]).chain(outer);
            let text = layers.fold(plain.clone(), |text, (layer, picks)| written(&text, layer, picks));
            prop_assume!(text.len() < READ_LIMIT - before.len());
            let quote = knows(&plain).quote(&format!("{before}{text}"));
            // What stands before may look like a part of it, or make an escape of its first character and take that away.
            let (left, rest) = quote.as_str().split_once(STARS).unwrap_or((quote.as_str(), ""));
            let shown = left.strip_prefix(before.as_str()).unwrap_or_default().len() + rest.replace(STARS, "").len();
            let characters = (shown * plain.len()).div_ceil(text.len());
            prop_assert!(quote.as_str().contains(STARS) && characters < MIN_REDACTED_FRAGMENT, "{} became {}", text, quote);
        }

        #[test]
        fn no_escape_hides_much_of_any_secret(plain in "[!-~]{24,64}", layers in proptest::collection::vec((0..14usize, any::<u64>()), 0..3)) {
            let text = layers.into_iter().fold(plain.clone(), |text, (layer, picks)| written(&text, layer, picks));
            prop_assume!(text.len() < READ_LIMIT);
            let quote = knows(&plain).quote(&text);
            prop_assert!(quote.as_str().contains(STARS), "{} became {}", text, quote);
        }

        #[test]
        fn common_writers_show_nothing(before in "[ -~]{0,9}", after in "[ -~]{0,9}", plain in "[!-~]{12,64}") {
            let around = format!("{before}{plain}{after}");
            for text in [
                around.clone(),
                BASE64.encode(around.as_bytes()),
                BASE64URL_NOPAD.encode(around.as_bytes()),
                BASE32_NOPAD.encode(around.as_bytes()),
                HEXUPPER.encode(around.as_bytes()),
                serde_json::Value::from(around.as_str()).to_string(),
                around.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;"),
                reqwest::Url::parse_with_params("http://h/", [("q", &around)]).unwrap().query().unwrap().to_owned(),
            ] {
                let quote = knows(&plain).quote(&text);
                prop_assert!(quote.as_str().contains(STARS), "{} became {}", text, quote);
                let plain = plain.to_ascii_lowercase();
                let quote = quote.as_str().to_ascii_lowercase();
                prop_assert!(!plain.as_bytes().windows(MIN_REDACTED_FRAGMENT).any(|piece| quote.contains(std::str::from_utf8(piece).unwrap())), "{}", quote);
            }
        }

        #[test]
        fn text_without_a_secret_stays(text in "[ -9<-Za-z^~|]{0,200}") {
            let quote = knows("s3cr3t/Value+With-64~Chars").quote(&text);
            let expected = break_commands(&one_line(text.chars())).replace('`', "'");
            prop_assert_eq!(quote.as_str(), expected.trim());
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
