//! The body of an answer to the agent.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_util::future::LocalBoxFuture;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use memchr::memmem;
use tokio::time::Instant;

use super::events::EventCutter;
use super::record::{Event, Line, Outcome, Record, milliseconds};
use super::state::State;
use crate::redact::Scrubber;

/// What an answer of JSON holds if it is an error. In a text, the quotes would be escaped.
const ERRORS: [&[u8]; 4] = [b"\"isError\":true", b"\"isError\": true", b"\"error\":{", b"\"error\": {"];

/// One less than the length of the longest of them.
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
    /// What an event stream says if it breaks off. `None` if the agent can resume it.
    last_words: Option<Bytes>,
    /// Ends a stream that would go on for as long as the gateway.
    until: Option<LocalBoxFuture<'static, ()>>,
    size: SizeHint,
}

/// What is known of an exchange. Writes the second line of the record when it is dropped.
pub struct Note {
    record: Rc<Record>,
    id: u64,
    started: Instant,
    tail: Vec<u8>,
    /// How it ended so far.
    pub outcome: Outcome,
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
        Self { record, id, started: Instant::now(), tail: Vec::new(), outcome: Outcome::Left, status: None, bytes: 0, message: None }
    }

    /// Counts a piece of the answer, and notes whether it says that the call failed.
    pub fn see(&mut self, piece: &[u8]) {
        self.bytes += u64::try_from(piece.len()).unwrap_or_default();
        if self.outcome == Outcome::Error {
            return;
        }
        let head = piece.get(..OVERLAP).unwrap_or(piece);
        self.tail.extend_from_slice(head);
        if ERRORS.iter().any(|error| memmem::find(piece, error).is_some() || memmem::find(&self.tail, error).is_some()) {
            self.outcome = Outcome::Error;
        }
        self.tail.clear();
        self.tail.extend_from_slice(piece.get(piece.len().saturating_sub(OVERLAP)..).unwrap_or_default());
    }

    /// All of the answer went to the agent.
    pub fn end(&mut self) {
        if self.outcome == Outcome::Left {
            self.outcome = Outcome::Ok;
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let line = Line {
            event: Event::Answer,
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
            until: None,
        }
    }

    /// Passes on events, without what the agent may not use if `cuts` is set.
    #[must_use]
    pub fn events(mut self, cuts: bool, last_words: Option<Bytes>) -> Self {
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

    fn pass(&mut self, piece: Bytes) -> Result<Bytes, BrokenOff> {
        let cut = match &mut self.cutter {
            Some(cutter) => cutter.cut(&piece, |data| self.state.cut_event(data)).map_err(|_| BrokenOff)?.into(),
            None => piece,
        };
        // A stream with ids can be resumed, which an error would prevent.
        if self.last_words.is_some() && (cut.starts_with(b"id:") || memmem::find(&cut, b"\nid:").is_some()) {
            self.last_words = None;
        }
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

    fn break_off(&mut self) -> Result<Bytes, BrokenOff> {
        self.upstream = None;
        self.note.outcome = Outcome::Failed;
        self.note.message = Some(BrokenOff.to_string());
        self.last_words.take().ok_or(BrokenOff)
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
                Some(Err(_)) => return Poll::Ready(Some(self.break_off())),
                Some(Ok(frame)) => {
                    // Trailers stay here.
                    let Ok(piece) = frame.into_data() else {
                        continue;
                    };
                    match self.pass(piece) {
                        Ok(piece) if piece.is_empty() => {}
                        Ok(piece) => return Poll::Ready(Some(Ok(piece))),
                        Err(BrokenOff) => return Poll::Ready(Some(self.break_off())),
                    }
                }
            }
        }
    }
}

/// The server's answer broke off, so the agent's does too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's answer broke off")]
pub struct BrokenOff;

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
