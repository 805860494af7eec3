//! Event streams, by the rules of the WHATWG: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.
//!
//! The crates for this either reject what the rules ignore (an unknown field, a bare `id`, `retry: 1s`), or read an unfinished event
//! at the end of the stream, or take a time that grows with the square of a line's length.

use std::time::Duration;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type: `message`, unless the stream says otherwise.
    pub kind: String,
    /// Its data.
    pub data: String,
}

/// Reads events from the pieces of a stream.
#[derive(Debug, Default)]
pub struct EventReader {
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// Whether the last byte was a CR. It ends its line when the next byte comes, which may be an LF that belongs to it: so do the
    /// parsers of agents.
    after_cr: bool,
    /// Whether a line was read: only the first one can begin with a byte order mark.
    begun: bool,
    kind: String,
    data: String,
    /// The id of the event that is not complete yet, or of the last one.
    id: String,
    last_event_id: String,
    retry: Option<Duration>,
}

impl EventReader {
    /// Takes the next piece, and returns the events that it completes.
    pub fn read(&mut self, piece: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in piece {
            if std::mem::replace(&mut self.after_cr, *byte == b'\r') {
                events.extend(self.end_line());
                if *byte == b'\n' {
                    continue;
                }
            }
            match byte {
                b'\r' => {}
                b'\n' => events.extend(self.end_line()),
                byte => self.line.push(*byte),
            }
        }
        events
    }

    /// The id of the last event that had data, with which a stream is resumed; empty if there was none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// How long the server asks to wait before a stream is resumed.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let first = !std::mem::replace(&mut self.begun, true);
        let line = if first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => self.data.extend([value, "\n"]),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry);
            }
            // A comment, which begins with a colon, or a field that is not known.
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Event> {
        let kind = std::mem::take(&mut self.kind);
        let mut data = std::mem::take(&mut self.data);
        // Without data there is no event. The last line's end is not part of it.
        data.pop()?;
        self.id.clone_into(&mut self.last_event_id);
        Some(Event { kind: if kind.is_empty() { "message".to_owned() } else { kind }, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(text: &str) -> Vec<(String, String)> {
        EventReader::default().read(text.as_bytes()).into_iter().map(|event| (event.kind, event.data)).collect()
    }

    fn event(kind: &str, data: &str) -> (String, String) {
        (kind.to_owned(), data.to_owned())
    }

    #[test]
    fn the_examples_of_the_specification_are_read_as_it_says() {
        assert_eq!(events("data: YHOO\ndata: +2\ndata: 10\n\n"), [event("message", "YHOO\n+2\n10")]);
        let four = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n";
        assert_eq!(events(four), [event("message", "first event"), event("message", "second event")]);
        assert_eq!(events("data\n\ndata\ndata\n\ndata:"), [event("message", ""), event("message", "\n")]);
        assert_eq!(events("data:test\n\ndata: test\n\n"), [event("message", "test"), event("message", "test")]);
    }

    #[test]
    fn what_the_rules_ignore_is_ignored() {
        let text = "\u{feff}priority: 1\nretry: 1s\nunknown\nevent: a\nevent: b\n: comment\ndata: x\n\nevent:\ndata: y\n\nevent: c\n\n";
        assert_eq!(events(text), [event("b", "x"), event("message", "y")]);
        let twice_marked = "\u{feff}data: x\n\u{feff}data: y\n\n";
        assert_eq!(events(twice_marked), [event("message", "x")]);
    }

    #[test]
    fn the_place_to_resume_is_kept() {
        let mut reader = EventReader::default();
        reader.read(b"id: 7\nretry: 250\n\n");
        assert_eq!(reader.last_event_id(), "", "an event without data is none");
        reader.read(b"id: a\0b\nretry: 99999999999999999999\ndata: x\n\n");
        assert_eq!((reader.last_event_id(), reader.retry()), ("7", Some(Duration::from_millis(250))));
        reader.read(b"retry: +9\nid\ndata\n\n");
        assert_eq!(reader.retry(), Some(Duration::from_millis(250)));
        assert_eq!(reader.last_event_id(), "");
    }

    proptest! {
        #[test]
        fn a_stream_reads_the_same_in_every_kind_of_pieces(text in "(data|event|id|retry|x)?[: a-z0-9\r\n\u{e9}\u{feff}]{0,80}", at in proptest::collection::vec(0usize..90, 0..6)) {
            let mut cuts: Vec<_> = at.into_iter().map(|at| at.min(text.len())).collect();
            cuts.sort_unstable();
            let (mut reader, mut start, mut pieces) = (EventReader::default(), 0, Vec::new());
            for cut in cuts.into_iter().chain([text.len()]) {
                pieces.extend(reader.read(&text.as_bytes()[start..cut]));
                start = cut;
            }
            prop_assert_eq!(pieces, EventReader::default().read(text.as_bytes()));
        }

        #[test]
        fn each_line_end_means_the_same(lines in proptest::collection::vec("(data|event|id)?:? ?[a-z]{0,4}", 0..8)) {
            let read = |end: &str| events(&(lines.iter().fold(String::new(), |text, line| text + line + end) + ":"));
            prop_assert_eq!(read("\n"), read("\r\n"));
            prop_assert_eq!(read("\n"), read("\r"));
        }
    }
}
