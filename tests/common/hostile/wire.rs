//! How an answer goes over the wire: byte by byte, and seldom as HTTP wants it.

use std::fmt;
use std::io::Write;
use std::thread;
use std::time::Duration;

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

use super::dice::Dice;

/// What a run may make of an answer. If there is only one way, the answer is usable, definite or unclear; else it is doubtful.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Whether the answer may be taken as what was asked for. If nothing else is right, the official SDKs take it so.
    pub good: bool,
    /// Whether it may be said that nothing follows from it. Only the check of the MCP server says so.
    pub unclear: bool,
    /// The error codes to which it may lead.
    pub codes: Vec<&'static str>,
    /// Who throws it away, good as it is, because it breaks MCP's schema.
    pub breach: Option<Breach>,
}

/// Which of the official TypeScript SDKs throw an answer away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// The older one only.
    Older,
    /// The newer one, which Claude Code is built on.
    Newer,
    /// Claude Code alone, and only where it reads that far: an event without JSON.
    Event,
}

impl Verdict {
    pub fn good() -> Self {
        Self { good: true, ..Self::default() }
    }

    /// It must fail, with one of these codes.
    pub fn bad(codes: &[&'static str]) -> Self {
        Self { codes: codes.to_vec(), ..Self::default() }
    }

    /// No tools, and a warning.
    pub fn unclear() -> Self {
        Self { unclear: true, ..Self::default() }
    }

    pub fn breach(breach: Breach) -> Self {
        Self { breach: Some(breach), ..Self::good() }
    }

    pub fn or(mut self, codes: &[&'static str]) -> Self {
        self.codes.extend(codes);
        self
    }

    pub fn or_unclear(self) -> Self {
        Self { unclear: true, ..self }
    }

    pub fn or_good(self) -> Self {
        Self { good: true, ..self }
    }

    /// Whether the official SDK takes it, whatever the agent that is built on it makes of it.
    pub fn is_usable(&self) -> bool {
        self.good && !self.unclear && self.codes.is_empty()
    }

    /// Whether it can only fail.
    pub fn is_definite(&self) -> bool {
        !self.good && !self.unclear
    }
}

/// A head of that size may not be read: the HTTP library takes 408 KiB.
const LARGE_HEAD: usize = 400_000;

/// An answer before it is put on the wire.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub verdict: Verdict,
    /// Whether what counts is there before the body ends, as in a stream of events.
    pub streamed: bool,
    /// The largest body that the step reads, in bytes.
    pub limit: usize,
}

/// What is sent, and how.
#[derive(Debug)]
pub struct Delivery {
    pub bytes: Vec<u8>,
    /// A wait before the first byte.
    pub before: Duration,
    /// So many bytes at once, with a wait between them.
    pub drip: Option<(usize, Duration)>,
    pub end: End,
    pub verdict: Verdict,
    /// After which byte it breaks off, if it does.
    pub cut: Option<usize>,
    /// Whether there are bytes behind it, which may be taken for the next answer.
    pub leftover: bool,
    streamed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The connection stays open.
    Stay,
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// More of the same, until the other side leaves.
    Endless,
}

/// The ways of the wire. Those from `Extra` on are not what a proper server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Length,
    Chunked,
    UntilClose,
    OldUntilClose,
    Cut,
    Extra,
    Compressed,
    Garbage,
    Mislabelled,
    Unlabelled,
    OddLabel,
    LateLength,
    ShortLength,
    NoLastChunk,
    BadChunk,
    TwoLengths,
    LengthAndChunks,
    GiantHeader,
    ManyHeaders,
    Interim,
    BadHead,
    TooLarge,
    Endless,
    NotHttp,
    Nothing,
}

const WAYS: &[(usize, Way)] = &[
    (90, Way::Length),
    (25, Way::Chunked),
    (8, Way::UntilClose),
    (6, Way::OldUntilClose),
    (24, Way::Cut),
    (4, Way::Extra),
    (12, Way::Compressed),
    (4, Way::Garbage),
    (3, Way::Mislabelled),
    (2, Way::Unlabelled),
    (3, Way::OddLabel),
    (3, Way::LateLength),
    (3, Way::ShortLength),
    (4, Way::NoLastChunk),
    (4, Way::BadChunk),
    (4, Way::TwoLengths),
    (3, Way::LengthAndChunks),
    (3, Way::GiantHeader),
    (3, Way::ManyHeaders),
    (4, Way::Interim),
    (8, Way::BadHead),
    (3, Way::TooLarge),
    (2, Way::Endless),
    (4, Way::NotHttp),
    (4, Way::Nothing),
];

/// What comes of an answer that doesn't arrive whole, or isn't HTTP.
const BROKEN: &[&str] = &["unreachable", "bad_response", "mcp_error"];

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body, .. } = self;
        write!(f, "{status} {headers:?} {:.4000?}", String::from_utf8_lossy(body))
    }
}

impl Answer {
    /// Puts the answer on the wire as it should be.
    pub fn properly(self) -> Delivery {
        let head = self.head("HTTP/1.1", &[("content-length", self.body.len().to_string())]);
        self.deliver(head, End::Stay)
    }

    /// Puts the answer on the wire, breaking off after this byte.
    pub fn cut_after(self, byte: usize, end: End) -> Delivery {
        let mut delivery = self.properly();
        let at = byte % delivery.bytes.len();
        delivery.bytes.truncate(at);
        Delivery { end, cut: Some(at), ..delivery }.broken()
    }

    /// Puts the answer on the wire in some way.
    pub fn somehow(mut self, dice: &Dice) -> Delivery {
        let (length, status) = (self.body.len(), self.status);
        let plain = ("content-length", length.to_string());
        let chunked = ("transfer-encoding", "chunked".to_owned());
        let way = dice.weighted(WAYS);
        let mut delivery = match way {
            Way::Length => self.properly(),
            Way::Chunked => {
                let head = self.head("HTTP/1.1", &[chunked]);
                self.body = chunks(dice, &self.body, true);
                self.deliver(head, End::Stay)
            }
            Way::UntilClose => {
                let head = self.head("HTTP/1.1", &[]);
                self.deliver(head, End::Close)
            }
            Way::OldUntilClose => {
                let head = self.head("HTTP/1.0", &[]);
                self.deliver(head, End::Close)
            }
            Way::Cut => {
                let at = dice.number(0..1_000_000);
                self.cut_after(at, dice.any(&[End::Close, End::Reset, End::Reset, End::Stay]))
            }
            Way::Extra => {
                let mut delivery = self.properly();
                delivery.bytes.extend_from_slice(dice.any(&[
                    &b"\r\n\r\n"[..],
                    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
                    b"\0\xff::error::forged\n",
                ]));
                delivery.doubtful()
            }
            Way::Compressed => {
                let (coding, body) = compressed(dice, &self.body);
                self.headers.push(("content-encoding".to_owned(), coding.to_owned()));
                self.body = body;
                self.properly()
            }
            Way::Garbage => {
                self.headers.push(("content-encoding".to_owned(), dice.pick(&["gzip", "GZIP", "deflate", "br", "zstd"]).to_owned()));
                self.body = garbage(dice);
                Delivery { streamed: false, ..self.properly() }.broken()
            }
            Way::Mislabelled => {
                self.headers.push(("content-encoding".to_owned(), dice.pick(&["gzip", "deflate"]).to_owned()));
                Delivery { streamed: false, ..self.properly() }.broken()
            }
            Way::Unlabelled => {
                self.body = compressed(dice, &self.body).1;
                Delivery { streamed: false, ..self.properly() }.broken()
            }
            Way::OddLabel => {
                self.headers.push(("content-encoding".to_owned(), dice.pick(&["identity", "odd", "::error::forged"]).to_owned()));
                self.properly()
            }
            Way::LateLength => {
                // Longer than what comes.
                let head = self.head("HTTP/1.1", &[("content-length", (length + dice.number(1..100)).to_string())]);
                self.deliver(head, dice.any(&[End::Close, End::Reset, End::Stay])).broken()
            }
            Way::ShortLength => {
                let head = self.head("HTTP/1.1", &[("content-length", length.saturating_sub(dice.number(1..20)).to_string())]);
                self.deliver(head, End::Close).broken()
            }
            Way::NoLastChunk => {
                let head = self.head("HTTP/1.1", &[chunked]);
                self.body = chunks(dice, &self.body, false);
                self.deliver(head, dice.any(&[End::Close, End::Reset, End::Stay])).broken()
            }
            Way::BadChunk => {
                let head = self.head("HTTP/1.1", &[chunked]);
                self.body = chunks(dice, &self.body, false);
                let bad = dice.any(&[
                    &b"zz\r\n"[..],
                    b"-1\r\n",
                    b"fffffffffffffffff\r\n",
                    b"7fffffffffffffff\r\nabc",
                    b"0x5\r\nabcde\r\n",
                    b"\r\n\r\n",
                    b"5 5\r\nabcde\r\n",
                ]);
                self.body.extend_from_slice(bad);
                self.deliver(head, End::Close).broken()
            }
            Way::TwoLengths => {
                let other = if dice.percent(50) { length } else { length + 1 };
                let head = self.head("HTTP/1.1", &[plain, ("content-length", other.to_string())]);
                self.deliver(head, End::Close).doubtful()
            }
            Way::LengthAndChunks => {
                let head = self.head("HTTP/1.1", &[plain, chunked]);
                self.body = chunks(dice, &self.body, true);
                self.deliver(head, End::Close).doubtful()
            }
            Way::GiantHeader => {
                let size = dice.any(&[8_000, 64_000, 300_000, 1_500_000]);
                self.headers.push(("x-trace-id".to_owned(), "t".repeat(size)));
                self.properly().doubtful()
            }
            Way::ManyHeaders => {
                for number in 0..dice.any(&[90, 150, 5_000]) {
                    self.headers.push((format!("x-{number}"), "::error::forged".to_owned()));
                }
                self.properly().doubtful()
            }
            Way::Interim => {
                let mut delivery = self.properly();
                let interim = dice.any(&[
                    &b"HTTP/1.1 100 Continue\r\n\r\n"[..],
                    b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n",
                    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
                    b"\r\n",
                ]);
                let interim = interim.repeat(dice.any(&[1, 1, 3, 200]));
                delivery.bytes.splice(0..0, interim);
                delivery.doubtful()
            }
            Way::BadHead => self.with_a_bad_head(dice),
            Way::TooLarge => {
                self.body.extend(vec![b' '; dice.any(&[1_100_000, 1_100_000, 9_000_000])]);
                let fits = self.body.len() <= self.limit;
                let delivery = self.properly();
                if fits { delivery } else { delivery.broken() }
            }
            Way::Endless => {
                let head = self.head("HTTP/1.1", &[]);
                self.deliver(head, End::Endless).broken()
            }
            Way::NotHttp => {
                let bytes = match dice.number(0..5) {
                    0 => self.body.clone(),
                    1 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
                    2 => b"SSH-2.0-::error::forged\r\n".to_vec(),
                    3 => b"\x15\x03\x01\x00\x02\x02\x28".to_vec(),
                    _ => garbage(dice),
                };
                self.deliver(bytes, End::Close).broken()
            }
            Way::Nothing => self.deliver(Vec::new(), dice.any(&[End::Close, End::Reset, End::Reset, End::Stay])).broken(),
        };
        // An answer with the status 204 has no body, so the end of its chunks is left over (RFC 9112, section 6.3).
        let chunks_are_over = status == 204 && matches!(way, Way::Chunked);
        delivery.leftover = chunks_are_over || matches!(way, Way::Extra | Way::ShortLength | Way::TwoLengths | Way::LengthAndChunks);
        if dice.percent(15) {
            delivery.before = Duration::from_millis(dice.any(&[1, 5, 20, 120, 700]));
        }
        if dice.percent(15) {
            delivery.drip = Some((dice.any(&[1, 7, 64, 1000]), Duration::from_millis(dice.any(&[0, 1, 3, 25]))));
        }
        delivery
    }

    fn with_a_bad_head(self, dice: &Dice) -> Delivery {
        let proper = self.properly();
        let text = String::from_utf8_lossy(&proper.bytes).into_owned();
        let (first, rest) = text.split_once("\r\n").unwrap_or_default();
        let status = first.get(9..12).unwrap_or_default();
        let (head, body) = rest.split_once("\r\n\r\n").unwrap_or_default();
        let first = match dice.number(0..12) {
            0 => format!("HTTP/1.1 {status}"),
            1 => format!("HTTP/9.9 {status} OK"),
            2 => format!("ICY {status} OK"),
            3 => format!("HTTP/1.1 0{status} OK"),
            4 => dice.pick(&["HTTP/1.1 99 ::error::forged", "HTTP/1.1 999 ##[error]forged", "HTTP/1.1 600 x", "HTTP/1.1 000 x"]).to_owned(),
            5 => format!("HTTP/1.1 {status} ::error::forged\u{7f}"),
            _ => first.to_owned(),
        };
        let mut lines: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
        lines.insert(
            dice.number(0..lines.len() + 1),
            dice.pick(&[
                "x: a\r\n b",
                "x y: z",
                ": z",
                "::error::forged",
                "x: a\0b",
                "x: \u{80}\u{2028}",
                "x-trace-id: ::error::forged\u{85}",
                "retry-after: -1",
                "x",
                "x:",
            ])
            .to_owned(),
        );
        let end = dice.pick(&["\r\n", "\r\n", "\n", "\r"]);
        let bytes = format!("{first}{end}{}{end}{end}{body}", lines.join(end)).into_bytes();
        Delivery { bytes, end: End::Close, ..proper }.doubtful()
    }

    fn head(&self, version: &str, framing: &[(&str, String)]) -> Vec<u8> {
        let mut head = format!("{version} {} Whatever\r\n", self.status);
        let framing = framing.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        for (name, value) in self.headers.iter().cloned().chain(framing) {
            head += &format!("{name}: {}\r\n", value.replace(|c: char| c.is_ascii_control(), " "));
        }
        format!("{head}\r\n").into_bytes()
    }

    fn deliver(self, head: Vec<u8>, end: End) -> Delivery {
        let is_large = head.len() > LARGE_HEAD;
        let delivery = Delivery {
            bytes: [head, self.body].concat(),
            before: Duration::ZERO,
            drip: None,
            end,
            verdict: self.verdict,
            cut: None,
            leftover: false,
            streamed: self.streamed,
        };
        if is_large { delivery.doubtful() } else { delivery }
    }
}

impl Delivery {
    /// It may be taken as it is meant, or not.
    fn doubtful(mut self) -> Self {
        self.verdict = self.verdict.or(BROKEN).or(&["request_rejected", "port_unavailable", "redirected", "proxy"]).or_unclear();
        self
    }

    /// What came behind an earlier answer on the same connection may be taken for this one.
    pub fn behind_leftovers(mut self) -> Self {
        self.verdict = self.verdict.or(&["bad_response", "mcp_error"]).or_unclear();
        self
    }

    /// It must not be taken as a success, unless what counts had come before it broke.
    fn broken(mut self) -> Self {
        self.verdict = Verdict { good: self.verdict.good && self.streamed, ..self.verdict.or(BROKEN).or_unclear() };
        self
    }

    /// Sends it. That the other side has left is no concern of a hostile server.
    pub fn send(&self, stream: &mut impl Write) -> std::io::Result<()> {
        thread::sleep(self.before);
        match self.drip {
            None => stream.write_all(&self.bytes)?,
            Some((size, pause)) => {
                // The largest answers come in fewer pieces, which last long enough.
                for piece in self.bytes.chunks(size.max(self.bytes.len() / 500)) {
                    stream.write_all(piece)?;
                    thread::sleep(pause);
                }
            }
        }
        if self.end != End::Endless {
            return Ok(());
        }
        loop {
            stream.write_all(&[b' '; 16_384])?;
        }
    }
}

fn chunks(dice: &Dice, body: &[u8], ended: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let size = dice.any(&[1, 3, 16, 100, 100_000]);
    for piece in body.chunks(size) {
        out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    if ended {
        out.extend_from_slice(b"0\r\n\r\n");
    }
    out
}

/// A content coding, and the body in it.
fn compressed(dice: &Dice, body: &[u8]) -> (&'static str, Vec<u8>) {
    match dice.number(0..3) {
        0 => ("deflate", compress_to_vec_zlib(body, 6)),
        1 if dice.unfixed(100) => (dice.pick(&["x-gzip", "GZIP"]), gzip(body)),
        _ => ("gzip", gzip(body)),
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let crc = body.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1))));
    let length = u32::try_from(body.len()).unwrap_or_default();
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head[..], &compress_to_vec(body, 6), &(!crc).to_le_bytes(), &length.to_le_bytes()].concat()
}

fn garbage(dice: &Dice) -> Vec<u8> {
    (0..dice.number(1..400)).map(|_| u8::try_from(dice.number(0..256)).unwrap_or_default()).collect()
}
