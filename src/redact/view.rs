//! A text with escapes and encodings undone, where each byte knows its position in the original text.

use std::iter::successors;
use std::ops::Range;

use zeroize::Zeroizing;

/// How often escapes may be escaped themselves.
const MOST_ESCAPED: usize = 8;

/// A code point has no more digits.
const MOST_DIGITS: usize = 7;

/// The entities that every HTML and XML writer uses. Others come as numbers.
const ENTITIES: [(&[u8], char); 5] = [(b"&amp;", '&'), (b"&lt;", '<'), (b"&gt;", '>'), (b"&quot;", '"'), (b"&apos;", '\'')];

/// The bytes of a text, or of what it decodes to. Wiped when dropped, since it may be a secret.
pub struct View {
    bytes: Zeroizing<Vec<u8>>,
    places: Places,
}

/// Where in the text each byte of a view is written.
enum Places {
    /// At the same offset as in the view.
    Same,
    /// From one offset to another.
    Other(Vec<(usize, usize)>),
}

/// An encoding of bytes in a limited set of characters.
struct Alphabet {
    /// How many bits each character carries.
    bits: usize,
    /// How many characters encode a whole number of bytes. Characters before the encoded bytes may shift them by fewer.
    group: usize,
    digit: fn(u8) -> Option<u8>,
}

const HEXADECIMAL: Alphabet = Alphabet { bits: 4, group: 2, digit: hexadecimal };
const BASE32: Alphabet = Alphabet { bits: 5, group: 8, digit: base32 };
const BASE64: Alphabet = Alphabet { bits: 6, group: 4, digit: base64 };

impl View {
    /// The text as it is.
    pub fn of(text: &str) -> Self {
        Self { bytes: Zeroizing::new(text.as_bytes().to_vec()), places: Places::Same }
    }

    /// An empty view with room for `size` bytes.
    fn with_capacity(size: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(size)), places: Places::Other(Vec::with_capacity(size)) }
    }

    /// Adds bytes that all come from one place.
    fn push(&mut self, bytes: &[u8], place: (usize, usize)) {
        self.bytes.extend_from_slice(bytes);
        if let Places::Other(places) = &mut self.places {
            places.extend(bytes.iter().map(|_| place));
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether all of it is printable ASCII.
    pub fn is_printable(&self) -> bool {
        self.bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
    }

    /// Where the `size` bytes from the one at `at` are written.
    pub fn place(&self, at: usize, size: usize) -> Option<(usize, usize)> {
        let last = at + size.checked_sub(1)?;
        match &self.places {
            Places::Same => (last < self.bytes.len()).then_some((at, last + 1)),
            Places::Other(places) => Some((places.get(at)?.0, places.get(last)?.1)),
        }
    }

    /// With every escape undone once, if there is any: those of JSON, JavaScript, C, URLs and HTML, and doubled quotes.
    fn unescaped(&self, pairs: bool) -> Option<Self> {
        if !self.bytes.iter().any(|byte| begins_escape(*byte)) {
            return None;
        }
        let mut view = Self::with_capacity(self.bytes.len());
        let mut at = 0;
        while let Some(rest @ [byte, ..]) = self.bytes.get(at..) {
            let found = escape(rest).filter(|_| pairs || !rest.starts_with(b"\\\\"));
            let (length, said) = found.unwrap_or((1, Said::Byte(*byte)));
            view.push(said.bytes(&mut [0; 4]), self.place(at, length)?);
            at += length;
        }
        // An escape is longer than what it stands for.
        (view.bytes.len() < self.bytes.len()).then_some(view)
    }

    /// With escapes undone once, twice, and so on, until there are none left.
    ///
    /// Two backslashes can be one escaped backslash, or a backslash before an escape. Both are tried; the last view is of the first
    /// kind.
    pub fn unescapings(&self) -> Vec<Self> {
        let ways = [false, true].into_iter();
        ways.flat_map(|pairs| successors(self.unescaped(pairs), move |view| view.unescaped(pairs)).take(MOST_ESCAPED)).collect()
    }

    /// Without white space, zero bytes (UTF-16) and backslashes (left over from mixed escapes), if there are any.
    pub fn bare(&self) -> Option<Self> {
        let is_filling = |byte: u8| byte.is_ascii_whitespace() || byte == b'\0' || byte == b'\\';
        if !self.bytes.iter().any(|byte| is_filling(*byte)) {
            return None;
        }
        let (mut bytes, mut places) = (Zeroizing::new(Vec::with_capacity(self.bytes.len())), Vec::with_capacity(self.bytes.len()));
        for run in self.runs(|byte| !is_filling(byte)) {
            bytes.extend_from_slice(self.bytes.get(run.clone())?);
            places.extend(run.filter_map(|at| self.place(at, 1)));
        }
        Some(Self { bytes, places: Places::Other(places) })
    }

    /// Every run of characters that may be encoded bytes, decoded, where that gives `least` bytes or more.
    pub fn decoded(&self, least: usize) -> impl Iterator<Item = Self> {
        let least = least.max(1);
        // Every character of the other alphabets is in base64's, and base64 needs the fewest. Most texts have no such run.
        let alphabets: &[_] = if self.encoded(&BASE64, least).next().is_none() { &[] } else { &[HEXADECIMAL, BASE32, BASE64] };
        alphabets.iter().flat_map(move |alphabet| {
            let runs = self.encoded(alphabet, least);
            runs.flat_map(move |run| (0..alphabet.group).map(move |shift| self.decode(alphabet, run.start + shift..run.end)))
        })
    }

    /// Runs of characters of one alphabet that are long enough for `least` bytes.
    fn encoded(&self, alphabet: &Alphabet, least: usize) -> impl Iterator<Item = Range<usize>> {
        self.runs(|byte| (alphabet.digit)(byte).is_some()).filter(move |run| run.len() * alphabet.bits / 8 >= least)
    }

    /// Runs of bytes that meet a condition.
    fn runs(&self, is_in: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
        let mut next = 0;
        self.bytes.split(move |byte| !is_in(*byte)).map(move |run| {
            let start = next;
            next += run.len() + 1;
            start..start + run.len()
        })
    }

    fn decode(&self, alphabet: &Alphabet, run: Range<usize>) -> Self {
        let mut view = Self::with_capacity(run.len() * alphabet.bits / 8);
        let (mut held, mut bits, mut from) = (0_u32, 0, run.start);
        for at in run {
            if bits == 0 {
                from = at;
            }
            let digit = self.bytes.get(at).and_then(|byte| (alphabet.digit)(*byte)).unwrap_or_default();
            held = (held << alphabet.bits) | u32::from(digit);
            bits += alphabet.bits;
            if bits >= 8 {
                bits -= 8;
                let [.., byte] = (held >> bits).to_be_bytes();
                if let Some(place) = self.place(from, at + 1 - from) {
                    view.push(&[byte], place);
                }
                held &= (1 << bits) - 1;
                from = at;
            }
        }
        view
    }
}

fn hexadecimal(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn base32(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(byte - b'a'),
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

/// Both variants: the one for URLs has two other characters.
fn base64(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// What an escape stands for.
enum Said {
    Byte(u8),
    Char(char),
}

impl Said {
    fn bytes<'a>(&self, buffer: &'a mut [u8; 4]) -> &'a [u8] {
        match self {
            Self::Byte(byte) => {
                *buffer = [*byte, 0, 0, 0];
                buffer.get(..1).unwrap_or_default()
            }
            Self::Char(c) => c.encode_utf8(buffer).as_bytes(),
        }
    }
}

/// Whether an escape may begin with this byte.
fn begins_escape(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'\'' | b'"')
}

/// The escape that begins here, if one does: its length, and what it stands for.
fn escape(text: &[u8]) -> Option<(usize, Said)> {
    match text {
        [b'\\', b'n' | b'r' | b't', ..] => Some((2, Said::Byte(b' '))),
        [b'\\', byte @ (b'\\' | b'/' | b'"' | b'\''), ..] => Some((2, Said::Byte(*byte))),
        [b'\\', b'x', rest @ ..] => byte(2, rest.first_chunk::<2>()?, 16),
        [b'\\', b'u', b'{', rest @ ..] => closed(3, rest, b'}', 16),
        [b'\\' | b'%', b'u', rest @ ..] => character(2, rest.first_chunk::<4>()?, 16),
        [b'\\', rest @ ..] => byte(1, rest.first_chunk::<3>()?, 8),
        [b'%', rest @ ..] => byte(1, rest.first_chunk::<2>()?, 16),
        [b'&', b'#', b'x' | b'X', rest @ ..] => closed(3, rest, b';', 16),
        [b'&', b'#', rest @ ..] => closed(2, rest, b';', 10),
        [b'&', ..] => {
            let is = |name: &[u8]| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            ENTITIES.iter().find(|(name, _)| is(name)).map(|(name, c)| (name.len(), Said::Char(*c)))
        }
        [first @ (b'\'' | b'"'), second, ..] if first == second => Some((2, Said::Byte(*second))),
        _ => None,
    }
}

/// Digits up to a closing character.
fn closed(start: usize, rest: &[u8], end: u8, radix: u32) -> Option<(usize, Said)> {
    let length = rest.iter().take(MOST_DIGITS + 1).position(|byte| *byte == end)?;
    let (whole, said) = character(start, rest.get(..length)?, radix)?;
    Some((whole + 1, said))
}

fn byte(start: usize, digits: &[u8], radix: u32) -> Option<(usize, Said)> {
    let code = u8::try_from(number(digits, radix)?).ok()?;
    Some((start + digits.len(), Said::Byte(code)))
}

fn character(start: usize, digits: &[u8], radix: u32) -> Option<(usize, Said)> {
    let c = char::from_u32(number(digits, radix)?)?;
    Some((start + digits.len(), Said::Char(c)))
}

/// Such short numbers can't overflow.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let number = digits.iter().try_fold(0, |number, digit| char::from(*digit).to_digit(radix).map(|digit| number * radix + digit));
    number.filter(|_| !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE32 as IN_BASE32, BASE64 as IN_BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
    use proptest::prelude::*;

    fn text(view: &View) -> String {
        String::from_utf8_lossy(view.bytes()).into_owned()
    }

    #[test]
    fn every_escape_is_undone_once() {
        for (written, said) in [
            ("%65\\x65\\145\\u0065%u0065\\u{65}&#101;&#x65;&#X65;", "eeeeeeeee"),
            ("\\\\u0065 %2565 &amp;amp; &lt;&GT;&quot;&apos;", "\\u0065 %65 &amp; <>\"'"),
            ("it'\\''s \\\"x\\\" a\\/b \\u005c\\u0065", "it'''s \"x\" a/b \\e"),
            ("\\u00e9 %c3%a9", "é é"),
            ("it''s \"\"x\"\" '\"", "it's \"x\" '\""),
            ("&#0000101;&#1114111; &#00000101;", "e\u{10ffff} &#00000101;"),
            ("a\\nb", "a b"),
            ("\\ud83d \\u{110000} %zz % \\u00 &#; &#xg; &nope; \\9ab 100%", "\\ud83d \\u{110000} %zz % \\u00 &#; &#xg; &nope; \\9ab 100%"),
        ] {
            let view = View::of(written);
            assert_eq!(text(&view.unescaped(true).unwrap_or(view)), said, "{written}");
        }
    }

    #[test]
    fn a_byte_knows_where_it_is_written() {
        let plain = View::of("abc");
        assert_eq!((plain.place(1, 2), plain.place(1, 3), plain.place(0, 0)), (Some((1, 3)), None, None));
        let view = View::of("a\\\\u0062c").unescaped(true).unwrap().unescaped(true).unwrap();
        assert_eq!(text(&view), "abc");
        assert_eq!(
            (view.place(0, 1), view.place(1, 1), view.place(2, 1), view.place(0, 3)),
            (Some((0, 1)), Some((1, 8)), Some((8, 9)), Some((0, 9)))
        );
        assert_eq!((view.place(1, 3), view.place(0, 0)), (None, None));
        let view = View::of("  68 69").bare().unwrap().decoded(2).next().unwrap();
        assert_eq!((text(&view).as_str(), view.place(1, 1)), ("hi", Some((5, 7))));
    }

    #[test]
    fn what_is_too_short_is_not_decoded() {
        assert_eq!(View::of("abc").decoded(3).count(), 0);
        assert!(View::of("abcd").decoded(3).next().is_some());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_wherever_it_begins(bytes in proptest::collection::vec(any::<u8>(), 8..40), before in "[a-z]{0,9}") {
            let base32 = IN_BASE32.encode(&bytes);
            let lower = base32.to_ascii_lowercase();
            for encoded in [HEXLOWER.encode(&bytes), HEXUPPER.encode(&bytes), base32, lower, IN_BASE64.encode(&bytes), BASE64URL_NOPAD.encode(&bytes)] {
                let view = View::of(&format!("{before}{encoded}"));
                let found = view.decoded(8).any(|decoded| decoded.bytes().windows(bytes.len()).any(|window| window == bytes));
                prop_assert!(found, "{}{}", before, encoded);
            }
        }

        #[test]
        fn no_text_panics_and_every_place_is_in_the_text(written in "\\PC{0,40}|[\\\\%&#;xu{}0-9a-f'\"]{0,40}") {
            let view = View::of(&written);
            for view in [view.unescaped(true).unwrap_or_else(|| View::of(&written))].into_iter().chain(view.bare()).chain(view.decoded(1)) {
                prop_assert!(view.bytes().len() <= written.len());
                for at in 0..view.bytes().len() {
                    let (from, to) = view.place(at, 1).unwrap();
                    prop_assert!(from < to && to <= written.len());
                }
            }
        }
    }
}
