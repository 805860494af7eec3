//! Secrets out of a stream of bytes, which may be long and must not wait.
//!
//! A quotation is searched in every way that is known; an answer of ten megabytes can't be. Here a secret is found as it is, as JSON
//! writes it, in base64 and in hexadecimal, whole, however the stream is cut into pieces. Each of its bytes becomes an asterisk, so that
//! lengths stay.

use std::iter::successors;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use zeroize::Zeroizing;

use super::{Secret, embedded};

/// How many bytes are compared first.
const WINDOW: usize = 8;

/// A shorter secret, or form of one, could be a part of a word.
const SHORTEST: usize = 12;

/// The forms of secrets, prepared for the search.
#[derive(Default)]
pub struct Needles {
    forms: Vec<Zeroizing<Vec<u8>>>,
    /// Every window at the start of each form, with the form and the window's place in it, sorted.
    windows: Vec<(u64, usize, usize)>,
    /// How far apart the places are that are looked at: so far that no form fits between two of them.
    stride: usize,
    longest: usize,
    /// Which bytes a form may begin with.
    firsts: Vec<u8>,
}

impl Needles {
    /// Prepares the search.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for secret in secrets {
            for form in forms_of(secret).filter(|form| form.len() >= SHORTEST) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
        }
        let (shortest, longest) = (forms.iter().map(|form| form.len()).min(), forms.iter().map(|form| form.len()).max());
        let stride = shortest.unwrap_or(WINDOW) + 1 - WINDOW;
        let mut windows = Vec::new();
        for (number, form) in forms.iter().enumerate() {
            windows.extend(form.windows(WINDOW).take(stride).enumerate().map(|(at, window)| (number_of(window), number, at)));
        }
        windows.sort_unstable();
        let mut firsts: Vec<_> = forms.iter().filter_map(|form| form.first().copied()).collect();
        firsts.sort_unstable();
        firsts.dedup();
        Self { forms, windows, stride, longest: longest.unwrap_or_default(), firsts }
    }

    /// Where secrets stand: the start and the end of each.
    fn search(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let places = (0..bytes.len()).step_by(self.stride);
        places.filter_map(|at| self.find(bytes, at, number_of(bytes.get(at..at + WINDOW)?))).collect()
    }

    /// The longest form of which this window is a part: where it begins and ends.
    fn find(&self, bytes: &[u8], at: usize, window: u64) -> Option<(usize, usize)> {
        let first = self.windows.partition_point(|(known, ..)| *known < window);
        let same = self.windows.get(first..)?.iter().take_while(|(known, ..)| *known == window);
        same.filter_map(|(_, number, place)| {
            let (start, form) = (at.checked_sub(*place)?, self.forms.get(*number)?);
            bytes.get(start..)?.starts_with(form).then_some((start, start + form.len()))
        })
        .max_by_key(|(start, end)| end - start)
    }

    /// How many bytes at the end may be the beginning of a secret.
    fn begun(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        let tail = bytes.get(from..).unwrap_or_default();
        let begins = |at: &usize| {
            let rest = tail.get(*at..).unwrap_or_default();
            rest.first().is_some_and(|first| self.firsts.contains(first)) && self.forms.iter().any(|form| form.starts_with(rest))
        };
        (0..tail.len()).find(begins).map_or(0, |at| tail.len() - at)
    }
}

/// Removes secrets from one stream.
#[derive(Default)]
pub struct Scrubber {
    /// The end of what was read, if a secret may have begun in it.
    held: Zeroizing<Vec<u8>>,
}

impl Scrubber {
    /// Takes the next piece, and returns what can go on: `None` if that is the piece itself, unchanged.
    pub fn scrub(&mut self, needles: &Needles, piece: &[u8]) -> Option<Vec<u8>> {
        if needles.forms.is_empty() && self.held.is_empty() {
            return None;
        }
        let mut bytes = std::mem::take(&mut *self.held);
        let was_empty = bytes.is_empty();
        bytes.extend_from_slice(piece);
        let found = needles.search(&bytes);
        let begun = bytes.len() - needles.begun(&bytes);
        // What overlaps with a beginning waits with it.
        let end = found.iter().filter(|(_, end)| *end > begun).map(|(start, _)| *start).fold(begun, usize::min);
        if was_empty && found.is_empty() && end == bytes.len() {
            return None;
        }
        cover(&mut bytes, found.iter().filter(|(_, of)| *of <= end));
        *self.held = bytes.split_off(end);
        Some(bytes)
    }

    /// What was held back, at the end of the stream.
    pub fn rest(&mut self, needles: &Needles) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut *self.held);
        let found = needles.search(&bytes);
        cover(&mut bytes, &found);
        bytes
    }
}

fn cover<'a>(bytes: &mut [u8], found: impl IntoIterator<Item = &'a (usize, usize)>) {
    for (start, end) in found {
        bytes.iter_mut().take(*end).skip(*start).for_each(|byte| *byte = b'*');
    }
}

fn number_of(window: &[u8]) -> u64 {
    window.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A secret as it is, and in the encodings in which programs show headers.
fn forms_of(secret: &str) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    let bytes = secret.as_bytes();
    let encoded = [BASE64_NOPAD, BASE64URL_NOPAD].into_iter().flat_map(|encoding| embedded(&encoding, bytes).collect::<Vec<_>>());
    // The text of a tool's result is often JSON itself.
    let written = successors(Some(secret.to_owned()), |text| Some(in_json(text))).take(3);
    let forms = written.chain([HEXLOWER.encode(bytes), HEXUPPER.encode(bytes)]).chain(encoded);
    forms.map(|form| Zeroizing::new(form.into_bytes())).collect::<Vec<_>>().into_iter()
}

/// As JSON writes it between quotes, with an escape for each quote and backslash.
fn in_json(secret: &str) -> String {
    let written = serde_json::Value::from(secret).to_string();
    written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(secret).to_owned()
}

/// The needles of a token: the whole, and of a JWT the parts that reveal something by themselves.
pub fn needles<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Needles {
    let parts = |secret: &'a Secret| {
        let text = secret.reveal();
        let is_jwt = text.matches('.').count() == 2;
        let parts = if is_jwt { text.split('.').skip(1).map(str::to_owned).collect() } else { Vec::new() };
        std::iter::once(text.to_owned()).chain(parts).collect::<Vec<_>>()
    };
    let all: Vec<_> = secrets.into_iter().flat_map(parts).map(Zeroizing::new).collect();
    Needles::of(all.iter().map(|text| text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;
    use proptest::prelude::*;
    use serde_json::json;

    const SECRET: &str = "s3cr3t/Value+With-64~Chars?&=<>and_more";
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJvcmdJZCI6Im9yZ19zYW5kYm94In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";

    /// Its end is how it begins.
    const ROUND: &str = "repeats-itself-and-repeats";

    fn scrubbed(pieces: &[&[u8]]) -> (String, Vec<usize>) {
        let needles = needles([&Secret::new(SECRET), &Secret::new(TOKEN), &Secret::new(ROUND)]);
        let mut scrubber = Scrubber::default();
        let mut out = Vec::new();
        let mut lengths = Vec::new();
        for piece in pieces {
            match scrubber.scrub(&needles, piece) {
                Some(bytes) => out.extend(bytes),
                None => out.extend_from_slice(piece),
            }
            lengths.push(out.len());
        }
        out.extend(scrubber.rest(&needles));
        (String::from_utf8_lossy(&out).into_owned(), lengths)
    }

    fn is_covered_at_every_place(secret: &str, needles: &Needles) {
        for text in (0..40).map(|before| format!("{}{secret} ", "-".repeat(before))) {
            let out = Scrubber::default().scrub(needles, text.as_bytes());
            assert_eq!(out, Some(text.replace(secret, &"*".repeat(secret.len())).into_bytes()), "{text}");
        }
    }

    #[test]
    fn a_secret_is_found_as_json_writes_it() {
        let secret = r#"s3cr3t\with "quotes" and \ more"#;
        let needles = needles([&Secret::new(secret)]);
        let text = format!("before {secret} after");
        for message in [json!({ "text": text }), json!({ "text": json!({ "text": text }).to_string() })] {
            let mut scrubber = Scrubber::default();
            let mut out = scrubber.scrub(&needles, message.to_string().as_bytes()).unwrap();
            out.extend(scrubber.rest(&needles));
            assert!(!String::from_utf8(out).unwrap().contains("quotes"), "{message}");
        }
    }

    #[test]
    fn every_form_is_covered() {
        let payload = TOKEN.split('.').nth(1).unwrap();
        for form in [
            SECRET.to_owned(),
            TOKEN.to_owned(),
            payload.to_owned(),
            HEXLOWER.encode(SECRET.as_bytes()),
            HEXUPPER.encode(TOKEN.as_bytes()),
            BASE64.encode(format!("a{SECRET}b").as_bytes()),
            BASE64URL_NOPAD.encode(format!("ab{SECRET}").as_bytes()),
        ] {
            let text = format!("{{\"said\":\"Bearer {form}\"}}");
            let (out, _) = scrubbed(&[text.as_bytes()]);
            assert_eq!(out.len(), text.len());
            assert!(out.matches('*').count() + 8 >= form.len() && out.starts_with("{\"said\":\"Bearer "), "{out}");
        }
    }

    #[test]
    fn what_holds_no_secret_does_not_wait() {
        let (out, lengths) = scrubbed(&[b"data: {}\n", b"\n", b": ping\n\n"]);
        assert_eq!((out.as_str(), lengths), ("data: {}\n\n: ping\n\n", vec![9, 10, 18]));
        let (out, _) = scrubbed(&[b"s3cr3t/Value+With-64~Chars?&=<>and_m"]);
        assert_eq!(out, "s3cr3t/Value+With-64~Chars?&=<>and_m");
    }

    #[test]
    fn only_what_may_begin_a_secret_waits() {
        let (out, lengths) = scrubbed(&[format!("{SECRET} {SECRET}s3cr3t").as_bytes(), b"."]);
        let stars = "*".repeat(SECRET.len());
        assert_eq!(out, format!("{stars} {stars}s3cr3t."));
        assert_eq!(lengths, [2 * SECRET.len() + 1, out.len()]);
    }

    #[test]
    fn the_end_of_a_secret_that_may_begin_another_waits_with_all_of_it() {
        let (out, lengths) = scrubbed(&[b"a ", ROUND.as_bytes(), b" b"]);
        assert_eq!(out, format!("a {} b", "*".repeat(ROUND.len())));
        assert_eq!(lengths, [2, 2, out.len()]);
    }

    #[test]
    fn a_secret_is_found_at_every_place() {
        let all = "0123456789abcdefghijklmnopqrstuvwxyz";
        for secret in (SHORTEST..=all.len()).filter_map(|length| all.get(..length)) {
            is_covered_at_every_place(secret, &needles([&Secret::new(secret)]));
        }
    }

    #[test]
    fn of_several_secrets_at_one_place_the_longest_is_covered() {
        let (long, end, middle) = ("0123456789abcdefghijklm", "23456789abcdefghijklm", "23456789abcdefghij");
        let needles = needles([&Secret::new(middle), &Secret::new(end), &Secret::new(long)]);
        is_covered_at_every_place(long, &needles);
    }

    proptest! {
        #[test]
        fn no_cut_hides_a_secret(before in "[a-z ]{0,40}", after in "[ -~]{0,40}", which in 0usize..3, cuts in proptest::collection::vec(0usize..200, 0..6)) {
            let secret = [SECRET, TOKEN, ROUND][which];
            let text = format!("{before}{secret}{after}");
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let (out, _) = scrubbed(&pieces);
            prop_assert_eq!(out, format!("{before}{}{after}", "*".repeat(secret.len())));
        }

        #[test]
        fn other_bytes_stay(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..6)) {
            let needles = needles([&Secret::new(SECRET)]);
            let mut scrubber = Scrubber::default();
            let mut out = Vec::new();
            for piece in &pieces {
                match scrubber.scrub(&needles, piece) {
                    Some(bytes) => out.extend(bytes),
                    None => out.extend_from_slice(piece),
                }
            }
            out.extend(scrubber.rest(&needles));
            prop_assert_eq!(out, pieces.concat());
        }
    }
}
