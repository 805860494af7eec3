//! The body of an answer to the agent.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_util::future::LocalBoxFuture;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use memchr::{memchr_iter, memchr2_iter};
use tokio::time::Instant;

use super::events::{EventCutter, EventTooLong};
use super::record::{CallOutcome, Line, Record, RecordEvent, milliseconds};
use super::state::State;
use crate::redact::Scrubber;

/// One less than the length of what [`says_error`] looks for.
const OVERLAP: usize = 14;

/// A body.
pub enum AnswerBody {
    /// All of it is there.
    Whole(Option<Bytes>),
    /// It comes from the server, as fast as the agent takes it.
    Streamed(Box<Streamed>),
}

/// A body that comes from the server. If it is dropped, so is the connection that it comes over, and the server knows.
pub struct Streamed {
    upstream: Option<reqwest::Body>,
    state: Rc<State>,
    note: Note,
    scrubber: Scrubber,
    cutter: Option<EventCutter>,
    /// What an event stream says if it breaks off, by the reason.
    last_words: Option<LastWords>,
    /// Whether the agent can resume the stream. An error would prevent that.
    resumable: bool,
    /// Ends a stream that would go on for as long as the gateway.
    until: Option<LocalBoxFuture<'static, ()>>,
    size: SizeHint,
}

/// Makes the last event of a stream that breaks off.
pub type LastWords = Box<dyn FnOnce(BrokenOff) -> Bytes>;

/// What is known of an exchange. Writes the second line of the record when it is dropped.
pub struct Note {
    record: Rc<Record>,
    id: u64,
    started: Instant,
    tail: Vec<u8>,
    /// How it ended so far.
    pub outcome: CallOutcome,
    /// The status of the server's answer.
    pub status: Option<u16>,
    /// How many bytes the agent got.
    pub bytes: u64,
    /// What happened.
    pub message: Option<String>,
}

impl Note {
    /// Begins when the first line of the record is written.
    pub fn new(record: Rc<Record>, id: u64) -> Self {
        // An agent that leaves takes the note with it.
        Self { record, id, started: Instant::now(), tail: Vec::new(), outcome: CallOutcome::Left, status: None, bytes: 0, message: None }
    }

    /// Counts a piece of the answer, and notes whether it says that the call failed.
    pub fn see(&mut self, piece: &[u8]) {
        self.bytes += u64::try_from(piece.len()).unwrap_or_default();
        if self.outcome == CallOutcome::Error {
            return;
        }
        self.tail.extend_from_slice(piece.get(..OVERLAP).unwrap_or(piece));
        if says_error(piece) || says_error(&self.tail) {
            self.outcome = CallOutcome::Error;
        }
        if let Some(end) = piece.last_chunk::<OVERLAP>() {
            self.tail = end.to_vec();
        }
        self.tail.drain(..self.tail.len().saturating_sub(OVERLAP));
    }

    /// All of the answer went to the agent.
    pub fn end(&mut self) {
        if self.outcome == CallOutcome::Left {
            self.outcome = CallOutcome::Ok;
        }
    }
}

/// Whether an answer of JSON is an error. In a text, the quotes would be escaped.
fn says_error(json: &[u8]) -> bool {
    memchr2_iter(b'E', b'{', json).any(|at| {
        let (before, rest) = json.split_at(at);
        let is_result = before.ends_with(b"\"is") && [&b"Error\":true"[..], b"Error\": true"].iter().any(|end| rest.starts_with(end));
        is_result || (rest.starts_with(b"{") && [&b"\"error\":"[..], b"\"error\": "].iter().any(|start| before.ends_with(start)))
    })
}

/// Whether an event in this part of a stream has an id, by which the stream can be resumed.
fn has_id(events: &[u8]) -> bool {
    const FIELD: &[u8] = b"id:";
    events.starts_with(FIELD) || memchr_iter(b'\n', events).any(|at| events.get(at + 1..).is_some_and(|line| line.starts_with(FIELD)))
}

impl Drop for Note {
    fn drop(&mut self) {
        let line = Line {
            event: RecordEvent::Answer,
            id: Some(self.id),
            outcome: Some(self.outcome),
            status: self.status,
            ms: Some(milliseconds(self.started.elapsed())),
            bytes: Some(self.bytes),
            message: self.message.take(),
            ..Line::default()
        };
        // The next message meets the same problem, and does not go on.
        drop(self.record.write(line));
    }
}

impl Streamed {
    /// Passes on what the server sends.
    pub fn new(upstream: reqwest::Body, state: Rc<State>, note: Note) -> Self {
        Self {
            size: upstream.size_hint(),
            upstream: Some(upstream),
            state,
            note,
            scrubber: Scrubber::default(),
            cutter: None,
            last_words: None,
            resumable: false,
            until: None,
        }
    }

    /// Passes on events, without what the agent may not use if `cuts` is set.
    #[must_use]
    pub fn events(mut self, cuts: bool, last_words: Option<LastWords>) -> Self {
        self.cutter = cuts.then(EventCutter::default);
        self.last_words = last_words;
        self.size = SizeHint::default();
        self
    }

    /// Ends when this does.
    #[must_use]
    pub fn until(mut self, end: LocalBoxFuture<'static, ()>) -> Self {
        self.until = Some(end);
        self
    }

    fn pass(&mut self, piece: Bytes) -> Result<Bytes, EventTooLong> {
        let cut = match &mut self.cutter {
            Some(cutter) => cutter.cut(&piece, |data| self.state.cut_event(data))?.into(),
            None => piece,
        };
        self.resumable |= self.last_words.is_some() && has_id(&cut);
        let clean = self.scrubber.scrub(&self.state.tokens.needles(), &cut).map_or(cut, Bytes::from);
        self.note.see(&clean);
        // Of a body whose length is known, nobody asks for the end.
        if self.size.exact() == Some(self.note.bytes) {
            self.note.end();
        }
        Ok(clean)
    }

    fn end(&mut self) -> Option<Bytes> {
        self.upstream = None;
        let rest = self.cutter.as_mut().map(|cutter| cutter.rest(|data| self.state.cut_event(data))).unwrap_or_default();
        let needles = self.state.tokens.needles();
        let mut out = self.scrubber.scrub(&needles, &rest).unwrap_or(rest);
        out.extend(self.scrubber.rest(&needles));
        self.note.see(&out);
        self.note.end();
        (!out.is_empty()).then(|| out.into())
    }

    fn break_off(&mut self, why: BrokenOff) -> Result<Bytes, BrokenOff> {
        self.upstream = None;
        self.note.outcome = CallOutcome::Failed;
        self.note.message = Some(why.to_string());
        // What is too large once is too large again.
        let resumes = self.resumable && why == BrokenOff::Early;
        self.last_words.take().filter(|_| !resumes).map(|last_words| last_words(why)).ok_or(why)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        loop {
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(None);
            };
            if self.until.as_mut().is_some_and(|until| until.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(self.end().map(Ok));
            }
            match ready!(Pin::new(upstream).poll_frame(cx)) {
                None => return Poll::Ready(self.end().map(Ok)),
                Some(Err(_)) => return Poll::Ready(Some(self.break_off(BrokenOff::Early))),
                Some(Ok(frame)) => {
                    // Trailers stay here.
                    let Ok(piece) = frame.into_data() else {
                        continue;
                    };
                    match self.pass(piece) {
                        Ok(piece) if piece.is_empty() => {}
                        Ok(piece) => return Poll::Ready(Some(Ok(piece))),
                        Err(EventTooLong) => return Poll::Ready(Some(self.break_off(BrokenOff::TooLarge))),
                    }
                }
            }
        }
    }
}

/// Why the server's answer is not passed on to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenOff {
    /// It broke off, so the agent's does too.
    #[error("the server's answer broke off")]
    Early,
    /// An event is larger than can be held.
    #[error("the server's answer is larger than what the gateway reads (8 MiB)")]
    TooLarge,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Streamed(streamed) => streamed.poll_piece(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Streamed(streamed) => streamed.size,
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Streamed(streamed) => streamed.upstream.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn outcome(pieces: &[&str]) -> CallOutcome {
        let mut note = Note::new(Rc::new(Record::new(io::sink())), 1);
        for piece in pieces {
            note.see(piece.as_bytes());
        }
        note.end();
        note.outcome
    }

    #[test]
    fn an_error_is_found_however_the_answer_is_cut() {
        for error in [
            "{\"result\":{\"isError\":true}}",
            "{\"result\": {\"isError\": true}}",
            "{\"error\":{\"code\":1}}",
            "data: {\"error\": {}}\n\n",
        ] {
            assert_eq!(outcome(&[error]), CallOutcome::Error, "{error}");
            for at in 0..error.len() {
                let (one, other) = error.split_at(at);
                assert_eq!(outcome(&[one, other]), CallOutcome::Error, "{error} {at}");
            }
            let bytes: Vec<_> = error.chars().map(String::from).collect();
            assert_eq!(outcome(&bytes.iter().map(String::as_str).collect::<Vec<_>>()), CallOutcome::Error, "{error}");
        }
        for good in [
            "",
            "{\"result\":{\"isError\":false}}",
            "{\"text\":\"\\\"isError\\\":true \\\"error\\\":{\"}",
            "Error\":true",
            "{\"error\":null}",
        ] {
            assert_eq!(outcome(&[good]), CallOutcome::Ok, "{good}");
        }
    }

    #[test]
    fn an_id_is_found_at_the_start_of_a_line() {
        assert!(has_id(b"id: 1\n") && has_id(b"data: a\nid:1\n") && has_id(b": x\r\nid: 1"));
        assert!(!has_id(b"data: id: 1\n") && !has_id(b"") && !has_id(b"event: x\n\n"));
    }
}
