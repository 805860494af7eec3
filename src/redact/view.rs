//! What a text says once escapes and encodings are undone, byte by byte, with the place in the text that each byte came from.

use zeroize::{Zeroize, Zeroizing};

/// How often escapes may be escaped themselves.
const MOST_ESCAPED: usize = 8;

/// A code point has no more digits.
const MOST_DIGITS: usize = 7;

/// The entities that every HTML and XML writer uses. Others come as numbers.
const ENTITIES: [(&[u8], char); 5] = [(b"&amp;", '&'), (b"&lt;", '<'), (b"&gt;", '>'), (b"&quot;", '"'), (b"&apos;", '\'')];

/// A byte that a text says, and where in the text that is written.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    from: usize,
    to: usize,
}

/// The place tells nothing.
impl Zeroize for Unit {
    fn zeroize(&mut self) {
        self.byte.zeroize();
    }
}

/// A text as bytes, or what it says in another way of reading it. Wiped when dropped, since it may be a secret.
pub struct View(Zeroizing<Vec<Unit>>);

/// A way of writing bytes in fewer kinds of characters.
struct Alphabet {
    /// How many bits each character carries.
    bits: usize,
    /// How many characters carry whole bytes: what stands before the encoded bytes may shift them by fewer.
    group: usize,
    digit: fn(u8) -> Option<u8>,
}

const ALPHABETS: [Alphabet; 3] = [
    Alphabet { bits: 4, group: 2, digit: hexadecimal },
    Alphabet { bits: 5, group: 8, digit: base32 },
    Alphabet { bits: 6, group: 4, digit: base64 },
];

impl View {
    /// The text as it is.
    pub fn of(text: &str) -> Self {
        Self(Zeroizing::new(text.bytes().enumerate().map(|(at, byte)| Unit { byte, from: at, to: at + 1 }).collect()))
    }

    /// The bytes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.iter().map(|unit| unit.byte)
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Where the `size` bytes from the one at `at` are written.
    pub fn place(&self, at: usize, size: usize) -> Option<(usize, usize)> {
        let last = at + size.checked_sub(1)?;
        Some((self.0.get(at)?.from, self.0.get(last)?.to))
    }

    /// With every escape undone once: those of JSON, JavaScript, C, URLs and HTML, and quotes that are doubled.
    fn unescaped(&self, pairs: bool) -> Self {
        let bytes = Zeroizing::new(self.bytes().collect::<Vec<_>>());
        let mut units = Zeroizing::new(Vec::with_capacity(self.len()));
        let mut at = 0;
        while let (Some(unit), Some(rest)) = (self.0.get(at), bytes.get(at..)) {
            let found = escape(rest).filter(|_| pairs || !rest.starts_with(b"\\\\"));
            let Some((length, said)) = found else {
                units.push(*unit);
                at += 1;
                continue;
            };
            let to = self.place(at, length).map_or(unit.to, |(_, to)| to);
            let mut buffer = [0; 4];
            units.extend(said.bytes(&mut buffer).iter().map(|byte| Unit { byte: *byte, from: unit.from, to }));
            at += length;
        }
        Self(units)
    }

    /// With escapes undone once, twice, and so on, as long as there are any.
    ///
    /// Two backslashes may be one that was escaped, or one before the escape of a writer that forgot it: both are tried, and the
    /// last view is of the first kind.
    pub fn unescapings(&self) -> Vec<Self> {
        let mut views = self.unescaped_while(false);
        views.extend(self.unescaped_while(true));
        views
    }

    fn unescaped_while(&self, pairs: bool) -> Vec<Self> {
        let mut views: Vec<Self> = Vec::new();
        for _ in 0..MOST_ESCAPED {
            let last = views.last().unwrap_or(self);
            let next = last.unescaped(pairs);
            // What an escape stands for is shorter.
            if next.len() == last.len() {
                break;
            }
            views.push(next);
        }
        views
    }

    /// Without what wraps lines, fills UTF-16, or is left where escapes of two kinds were mixed.
    pub fn bare(&self) -> Self {
        let mut units = Zeroizing::new(Vec::with_capacity(self.len()));
        units.extend(self.0.iter().filter(|unit| !unit.byte.is_ascii_whitespace() && !b"\0\\".contains(&unit.byte)));
        Self(units)
    }

    /// Every run of characters that may be encoded bytes, decoded, where that gives `least` bytes or more.
    pub fn decoded(&self, least: usize) -> impl Iterator<Item = Self> {
        ALPHABETS.iter().flat_map(move |alphabet| {
            let runs = self.0.split(|unit| (alphabet.digit)(unit.byte).is_none());
            let long = runs.filter(move |run| run.len() * alphabet.bits / 8 >= least.max(1));
            long.flat_map(|run| (0..alphabet.group).filter_map(|shift| run.get(shift..)).map(|run| alphabet.decode(run)))
        })
    }
}

impl Alphabet {
    fn decode(&self, run: &[Unit]) -> View {
        let mut units = Zeroizing::new(Vec::with_capacity(run.len() * self.bits / 8));
        let (mut held, mut bits, mut from) = (0_u32, 0, 0);
        for unit in run {
            if bits == 0 {
                from = unit.from;
            }
            held = (held << self.bits) | u32::from((self.digit)(unit.byte).unwrap_or_default());
            bits += self.bits;
            if bits >= 8 {
                bits -= 8;
                let [.., byte] = (held >> bits).to_be_bytes();
                units.push(Unit { byte, from, to: unit.to });
                held &= (1 << bits) - 1;
                from = unit.from;
            }
        }
        View(units)
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

/// Both alphabets: that for URLs has two other characters.
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

/// Digits up to a sign that closes them.
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
    use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
    use proptest::prelude::*;

    fn text(view: &View) -> String {
        String::from_utf8_lossy(&view.bytes().collect::<Vec<_>>()).into_owned()
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
            assert_eq!(text(&View::of(written).unescaped(true)), said, "{written}");
        }
    }

    #[test]
    fn a_byte_knows_where_it_is_written() {
        let view = View::of("a\\\\u0062c").unescaped(true).unescaped(true);
        assert_eq!(text(&view), "abc");
        assert_eq!(
            (view.place(0, 1), view.place(1, 1), view.place(2, 1), view.place(0, 3)),
            (Some((0, 1)), Some((1, 8)), Some((8, 9)), Some((0, 9)))
        );
        assert_eq!((view.place(1, 3), view.place(0, 0)), (None, None));
        let view = View::of("  68 69").bare().decoded(2).next().unwrap();
        assert_eq!((text(&view).as_str(), view.place(1, 1)), ("hi", Some((5, 7))));
    }

    #[test]
    fn what_is_too_short_is_not_decoded() {
        assert_eq!(View::of("abc").decoded(3).count(), 0);
        assert!(View::of("abcd").decoded(3).next().is_some());
    }

    #[test]
    fn a_byte_can_be_wiped() {
        let mut unit = Unit { byte: b's', from: 0, to: 1 };
        unit.zeroize();
        assert_eq!(unit.byte, 0);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_wherever_it_begins(bytes in proptest::collection::vec(any::<u8>(), 8..40), before in "[a-z]{0,9}") {
            let base32 = BASE32.encode(&bytes);
            let lower = base32.to_ascii_lowercase();
            for encoded in [HEXLOWER.encode(&bytes), HEXUPPER.encode(&bytes), base32, lower, BASE64.encode(&bytes), BASE64URL_NOPAD.encode(&bytes)] {
                let view = View::of(&format!("{before}{encoded}"));
                let found = view.decoded(8).any(|decoded| {
                    let decoded: Vec<_> = decoded.bytes().collect();
                    decoded.windows(bytes.len()).any(|window| window == bytes)
                });
                prop_assert!(found, "{}{}", before, encoded);
            }
        }

        #[test]
        fn no_text_panics_and_every_place_is_in_the_text(written in "\\PC{0,40}|[\\\\%&#;xu{}0-9a-f'\"]{0,40}") {
            let view = View::of(&written);
            for view in [view.unescaped(true), view.bare()].into_iter().chain(view.decoded(1)) {
                prop_assert!(view.len() <= written.len());
                for at in 0..view.len() {
                    let (from, to) = view.place(at, 1).unwrap();
                    prop_assert!(from < to && to <= written.len());
                }
            }
        }
    }
}
