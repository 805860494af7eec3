//! Changes the messages in an event stream, and nothing else of it.

/// The longest event that is held, in bytes. Lists of tools have a hundredth of it.
const LONGEST_EVENT: usize = 8 * 1024 * 1024;

/// Room for the other fields of an event, in bytes.
const ROOM: usize = 256;

/// Reads a stream event by event.
#[derive(Debug, Default)]
pub struct EventCutter {
    /// The event that is not complete yet.
    held: Vec<u8>,
    /// Where its last line begins.
    line: usize,
    /// Whether the last byte was a CR, which an LF may belong to.
    after_cr: bool,
}

/// An event is larger than can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLong;

impl EventCutter {
    /// Takes the next piece, and returns what is complete. `change` is given each event's data, and returns what stands in its place.
    ///
    /// # Errors
    /// If an event is larger than can be held.
    pub fn cut(&mut self, piece: &[u8], change: impl Fn(&str) -> Option<String>) -> Result<Vec<u8>, EventTooLong> {
        let mut out = Vec::new();
        for byte in piece {
            let ends_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r') && *byte == b'\n';
            if ends_cr && self.held.is_empty() {
                // The line that the CR ended is out already.
                out.push(b'\n');
                continue;
            }
            self.held.push(*byte);
            if ends_cr {
                self.line = self.held.len();
                continue;
            }
            if matches!(byte, b'\r' | b'\n') {
                self.end_line(&mut out, &change);
            }
            if self.held.len() > LONGEST_EVENT {
                return Err(EventTooLong);
            }
        }
        Ok(out)
    }

    /// What is left at the end of the stream. An event that is not complete counts for nothing, but some agents read it.
    pub fn rest(&mut self, change: impl Fn(&str) -> Option<String>) -> Vec<u8> {
        self.line = 0;
        let event = std::mem::take(&mut self.held);
        changed(&event, change).unwrap_or(event)
    }

    fn end_line(&mut self, out: &mut Vec<u8>, change: impl Fn(&str) -> Option<String>) {
        let line = self.held.get(self.line..).unwrap_or_default();
        let is_empty = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        // A comment keeps the connection alive, so it does not wait.
        let is_comment = self.line == 0 && line.first() == Some(&b':');
        self.line = self.held.len();
        if is_empty || is_comment {
            self.line = 0;
            let event = std::mem::take(&mut self.held);
            out.extend(changed(&event, change).unwrap_or(event));
        }
    }
}

/// The event with other data; `None` if it stays as it is.
fn changed(event: &[u8], change: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(event);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<_> = text.split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
    let data: Vec<_> = lines.iter().filter_map(|line| data_of(line)).collect();
    // A large message is on one line, and is not copied.
    let new = match data.as_slice() {
        [] => return None,
        [data] => change(data)?,
        lines => change(&lines.join("\n"))?,
    };
    let others = lines.iter().filter(|line| data_of(line).is_none());
    let mut out = String::with_capacity(new.len() + ROOM);
    for line in others {
        out.extend([line, "\n"]);
    }
    // JSON on one line needs one field.
    out.extend(["data: ", &new, "\n\n"]);
    Some(out.into_bytes())
}

/// What a field `data` holds.
fn data_of(line: &str) -> Option<&str> {
    let (field, value) = line.split_once(':').unwrap_or((line, ""));
    (field == "data").then(|| value.strip_prefix(' ').unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::EventReader;
    use proptest::prelude::*;

    fn change(data: &str) -> Option<String> {
        data.contains("old").then(|| data.replace("old", "new").replace('\n', " "))
    }

    fn cut(pieces: &[&str]) -> String {
        let mut cutter = EventCutter::default();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(cutter.cut(piece.as_bytes(), change).unwrap());
        }
        out.extend(cutter.rest(|_| None));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_data_is_changed() {
        assert_eq!(cut(&["event: message\nid: 7\ndata: o", "ld\n", "\ndata: x\n\n"]), "event: message\nid: 7\ndata: new\n\ndata: x\n\n");
        assert_eq!(cut(&["data: old\ndata: old\n\n"]), "data: new new\n\n");
        assert_eq!(cut(&["data: old\r", "\n\r", "\nid: 1\r\n\r\n"]).replace('\r', ""), "data: new\n\n\nid: 1\n\n");
        assert_eq!(cut(&["id: old\nretry: 5\n\n"]), "id: old\nretry: 5\n\n");
        let mut cutter = EventCutter::default();
        assert_eq!(cutter.cut(b"data: old", change).unwrap(), b"");
        assert_eq!(cutter.rest(change), b"data: new\n\n");
    }

    #[test]
    fn a_comment_does_not_wait() {
        let mut cutter = EventCutter::default();
        assert_eq!(cutter.cut(b": ping\n", change).unwrap(), b": ping\n");
        assert_eq!(cutter.cut(b"data: a\n: ping\n", change).unwrap(), b"");
        assert_eq!(cutter.cut(b"\n", change).unwrap(), b"data: a\n: ping\n\n");
    }

    #[test]
    fn an_event_that_is_too_long_ends_the_stream() {
        assert_eq!(EventCutter::default().cut(&vec![b'a'; 8 * 1024 * 1024], change), Ok(Vec::new()));
        assert_eq!(EventCutter::default().cut(&vec![b'a'; 8 * 1024 * 1024 + 1], change), Err(EventTooLong));
    }

    proptest! {
        #[test]
        fn agents_read_the_same_events_but_for_the_changes(
            text in "(data|event|id|retry|x)?[: a-z\r\n]{0,80}(data:old\r?\n\r?\n)?[data:\n\r]{0,20}",
            at in proptest::collection::vec(0usize..120, 0..6),
        ) {
            let mut cuts: Vec<_> = at.into_iter().map(|at| at.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| text.get(pair[0]..pair[1]).unwrap()).collect();
            let mut expected = EventReader::default().read(text.as_bytes());
            for event in &mut expected {
                if let Some(new) = change(&event.data) {
                    event.data = new;
                }
            }
            prop_assert_eq!(EventReader::default().read(cut(&pieces).as_bytes()), expected);
        }
    }
}
