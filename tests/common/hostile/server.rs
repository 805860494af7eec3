//! The server: raw sockets, a thread a connection, and a record of what it gave.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use serde_json::Value;

use super::dice::Dice;
use super::mcp::{self, Asked, Listed, Said, Traits};
use super::token::{self, Issued};
use super::wire::{Answer, Breach, Delivery, End, Verdict};
use super::{PROXY_PASSWORD, Play, Stage, words};

/// What the server gave.
#[derive(Debug, Default)]
pub struct Record {
    /// To each request for a token.
    pub exchanges: Vec<Verdict>,
    /// Every token that it named, in order.
    pub tokens: Vec<String>,
    /// What the messages of the last MCP conversation may come to.
    pub conversation: Vec<Verdict>,
    /// What the other way to begin got, if the conversation began anew with this one.
    refused: Vec<Verdict>,
    /// The tools that were listed in it.
    pub offered: Vec<Listed>,
    /// How many messages came in all.
    pub messages: usize,
    /// Where answers of the token endpoint broke off.
    pub cuts: Vec<usize>,
    /// What came that should never come.
    pub trespasses: Vec<String>,
    /// Whether a proxy was asked.
    pub tunnels: usize,
    answers: usize,
    /// How many redirects came just before.
    hops: usize,
    /// Whether the MCP server sent the client to another path.
    moved: bool,
    /// Whether bytes came behind an answer.
    leftover: bool,
    /// What the last stream should have brought.
    pending: Option<Said>,
}

pub struct Server<'a> {
    play: &'a Play,
    traits: Traits,
    listener: TcpListener,
    record: Mutex<Record>,
    over: AtomicBool,
}

/// One request. The last byte of its body is still unread, so that the connection can be reset: TCP does that when it is
/// closed with something unread.
struct Request {
    method: String,
    path: String,
    head: String,
    body: Vec<u8>,
    has_unread: bool,
}

/// What only the check of the MCP server ends with.
const OF_MCP: &[&str] = &["mcp_refused", "mcp_error"];

impl Record {
    /// What the last request for a token got.
    pub fn exchange(&self) -> Verdict {
        self.exchanges.last().cloned().unwrap_or_default()
    }

    pub fn breaches(&self) -> impl Iterator<Item = Breach> {
        self.conversation.iter().filter_map(|verdict| verdict.breach)
    }

    /// Whether the agent throws an answer away.
    pub fn is_rejected(&self, strict: bool) -> bool {
        strict && self.breaches().any(|breach| breach != Breach::Older)
    }

    /// Whether the agent can use every answer.
    pub fn is_usable(&self, strict: bool) -> bool {
        self.exchange().is_usable() && self.conversation.iter().all(Verdict::is_usable) && !self.is_rejected(strict)
    }

    /// Whether a run with that check of the MCP server, or without it, may end with this error because of the answers.
    pub fn explains(&self, play: &Play, verify: bool, code: &str) -> bool {
        let last = self.exchange();
        match play.stage {
            Stage::Tls => ["tls", "unreachable"].contains(&code),
            Stage::Tunnel => ["proxy", "tls"].contains(&code),
            _ if OF_MCP.contains(&code) => {
                let decides = self.conversation.last().is_some_and(|decisive| decisive.codes.contains(&code));
                verify && last.good && (decides || self.is_rejected(play.strict) && code == "mcp_error")
            }
            _ => last.codes.contains(&code),
        }
    }

    /// A conversation begins, or begins anew in the other way. Claude Code begins with `server/discover`, the others with `initialize`.
    fn begin(&mut self, method: &str, strict: bool, newest_alone: bool) {
        match (method, strict) {
            ("server/discover", true) | ("initialize", false) => self.conversation.clear(),
            // This is refused, so what the first way got counts as well.
            ("initialize", true) if newest_alone => self.refused.clone_from(&self.conversation),
            ("server/discover", false) | ("initialize", true) => self.refused = std::mem::take(&mut self.conversation),
            _ => return,
        }
        self.offered.clear();
    }
}

impl<'a> Server<'a> {
    pub fn open(play: &'a Play) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let other = if play.host == "localhost" { "127.0.0.1" } else { "localhost" };
        let (here, elsewhere) = (format!("http://{}:{port}", play.host), format!("http://{other}:{port}"));
        let traits = Traits::of(&Dice::of(play.seed, "server", 0), hostility(play.stage), &here, &elsewhere);
        Ok(Self { play, traits, listener, record: Mutex::default(), over: AtomicBool::new(false) })
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().map_or(0, |address| address.port())
    }

    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves until [`Server::close`].
    pub fn serve<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.over.load(Ordering::Acquire) {
                return;
            }
            // That the other side leaves early is what the run is about.
            scope.spawn(move || self.talk(stream).ok());
        }
    }

    pub fn close(&self) {
        self.over.store(true, Ordering::Release);
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())));
    }

    fn talk(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if self.play.stage == Stage::Tls {
            return self.shake_hands(&mut stream);
        }
        while let Some(request) = Request::read(&mut stream)? {
            if request.method == "TLS" && self.play.stage == Stage::Tunnel {
                // The tunnel leads nowhere.
                return Ok(());
            }
            let delivery = self.answer(&request);
            if delivery.end != End::Reset && request.has_unread {
                stream.read_exact(&mut [0])?;
            }
            delivery.send(&mut stream)?;
            match delivery.end {
                End::Stay if delivery.cut.is_some() => {
                    // Nothing more comes: the other side has to lose its patience.
                    drop(stream.read(&mut [0]));
                    return Ok(());
                }
                End::Stay => {}
                End::Close | End::Reset | End::Endless => return Ok(()),
            }
        }
        Ok(())
    }

    /// Answers a TLS greeting with what is none.
    fn shake_hands(&self, stream: &mut TcpStream) -> io::Result<()> {
        let dice = self.dice("tls");
        let mut greeting = [0; 2048];
        let read = stream.read(&mut greeting)?;
        match dice.number(0..7) {
            0 => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            1 => stream.write_all(b"\x15\x03\x03\x00\x02\x02\x28"),
            2 => stream.write_all(&[0x16, 3, 3, 0xff, 0xff, 2, 0, 0, 0]),
            3 => stream.write_all(greeting.get(..read).unwrap_or_default()),
            4 => stream.write_all(&vec![0; 20_000]),
            5 => Ok(()),
            _ => stream.write_all(words::hostile(&dice, &["nobody-knows-this"]).as_bytes()),
        }
    }

    /// Dice for the next thing of a kind.
    fn dice(&self, what: &str) -> Dice {
        let mut record = self.record();
        record.answers += 1;
        Dice::of(self.play.seed, what, record.answers)
    }

    fn answer(&self, request: &Request) -> Delivery {
        if request.method == "CONNECT" {
            return self.tunnel();
        }
        let token_path = match self.play.kind {
            token::Kind::Api => "/v1/auth/access_token",
            token::Kind::Mcp => "/mcp/token",
        };
        if request.path == token_path {
            return self.exchange(request);
        }
        let is_mcp = request.path == "/mcp" || self.record().moved && !request.path.contains("stolen");
        let host = format!("\r\nhost: {}", self.traits.here.trim_start_matches("http:").trim_start_matches('/'));
        if is_mcp && request.head.to_ascii_lowercase().contains(&format!("{host}\r\n")) {
            return self.message(request);
        }
        self.record().trespasses.push(format!("{} {}: {}", request.method, request.path, request.head));
        self.proper_token(&self.dice("stolen")).answer.properly()
    }

    fn proper_token(&self, dice: &Dice) -> Issued {
        token::proper(dice, self.play.kind)
    }

    fn exchange(&self, request: &Request) -> Delivery {
        let number = self.record().exchanges.len();
        let dice = Dice::of(self.play.seed, "exchange", number);
        let secret = self.play.client_secret.as_str();
        let sent = String::from_utf8_lossy(&request.body);
        let holds_secret = serde_json::from_str::<Value>(&sent).is_ok_and(|body| body["clientSecret"] == secret)
            || sent.split('&').any(|pair| pair.starts_with("client_secret="));
        if !holds_secret || request.head.to_ascii_lowercase().contains("\r\nauthorization:") {
            self.record().trespasses.push(format!("a request for a token of another form: {sent}"));
        }
        let is_hostile = match self.play.stage {
            Stage::Token | Stage::Proxy => dice.percent(80),
            Stage::Both => dice.percent(30),
            _ => false,
        };
        let elsewhere = format!("http://127.0.0.1:{}/v1/stolen", self.port());
        let issued =
            if is_hostile { token::odd(&dice, self.play.kind, self.play.needed, secret, &elsewhere) } else { self.proper_token(&dice) };
        let delivery = match self.play.stage {
            Stage::Sweep(byte) if number == 0 => {
                let end = dice.any(&[End::Reset, End::Close]);
                issued.answer.cut_after(byte, end)
            }
            _ if is_hostile && dice.percent(50) => issued.answer.somehow(&dice),
            _ => issued.answer.properly(),
        };
        let mut record = self.record();
        let delivery = if record.leftover { delivery.behind_leftovers() } else { delivery };
        record.leftover |= delivery.leftover;
        record.exchanges.push(delivery.verdict.clone());
        record.tokens.extend(issued.tokens);
        record.cuts.extend(delivery.cut);
        delivery
    }

    fn message(&self, request: &Request) -> Delivery {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let method = body["method"].as_str().unwrap_or_default().to_owned();
        let (number, token) = {
            let mut record = self.record();
            record.messages += 1;
            (record.messages, record.tokens.last().cloned().unwrap_or_default())
        };
        let dice = Dice::of(self.play.seed, "message", number);
        if !request.head.contains(&format!("\r\nauthorization: Bearer {token}\r\n")) {
            self.record().trespasses.push("a message without the last token".to_owned());
        }
        if request.method == "DELETE" {
            // The end of a session: whatever is said to that, nobody listens.
            return mcp::plain(200, Vec::new(), Verdict::good()).properly();
        }
        let head = request.head.to_ascii_lowercase();
        if request.method == "GET" && !head.contains("\r\nlast-event-id:") {
            // Whether it speaks the transport of 2024-11-05: it does not.
            return mcp::plain(405, Vec::new(), Verdict::good()).properly();
        }
        let (hops, pending) = {
            let record = self.record();
            (record.hops, record.pending.clone().filter(|_| request.method == "GET" && head.contains("\r\nlast-event-id:")))
        };
        let is_request = body.get("id").is_some() && !method.is_empty();
        let hostility = hostility(self.play.stage);
        let asked = Asked {
            method: &method,
            id: &body["id"],
            in_newest: head.contains("\r\nmcp-protocol-version: 2026-07-28\r\n"),
            in_session: head.contains("\r\nmcp-session-id:") && method != "notifications/initialized",
            hops,
            pending: pending.as_ref(),
            secrets: &[&token, &self.play.client_secret],
            hostility,
            server: &self.traits,
        };
        let said = if request.method == "GET" && pending.is_none() {
            Said::only(mcp::plain(405, Vec::new(), Verdict::bad(&["mcp_error"])))
        } else {
            mcp::answer(&dice, &asked)
        };
        let good = said.answer.verdict.good;
        let mut delivery =
            if !said.moves && dice.percent(hostility) { said.answer.clone().somehow(&dice) } else { said.answer.clone().properly() };
        if !is_request && request.method == "POST" {
            // Only the status counts, and not even that for a client's answer to the server's ping.
            delivery.verdict.good = good;
            if method.is_empty() {
                delivery.verdict = Verdict::good();
            }
            // A reset can overtake the status, and what is left over can come before the next request is sent.
            delivery.verdict.unclear |= delivery.end == End::Reset || delivery.leftover;
        }
        let mut record = self.record();
        let mut delivery = if record.leftover { delivery.behind_leftovers() } else { delivery };
        record.leftover |= delivery.leftover;
        if record.hops == 0 {
            record.begin(&method, self.play.strict, self.traits.newest.is_some());
        }
        if method == (if self.play.strict { "initialize" } else { "server/discover" }) && !delivery.verdict.good {
            // What the other way got counts only if this gets nothing either.
            let codes: Vec<_> = record.refused.iter().flat_map(|verdict| verdict.codes.iter().copied()).collect();
            delivery.verdict.unclear |= record.refused.iter().any(|verdict| verdict.unclear);
            delivery.verdict = delivery.verdict.or(&codes);
        }
        record.hops = if said.moves { record.hops + 1 } else { 0 };
        record.moved |= said.moves;
        // As a refusal should be: what the first way got is what counts.
        let is_refusal = method == "initialize" && self.play.strict && self.traits.newest.is_some() && delivery.verdict.good;
        if !is_refusal {
            record.conversation.push(delivery.verdict.clone());
        } else if let Some(first) = record.conversation.last_mut().filter(|_| delivery.verdict.unclear) {
            // Unless it can't be read.
            *first = first.clone().or(&delivery.verdict.codes).or_unclear();
        }
        if delivery.verdict.good {
            record.offered.extend(said.tools.iter().cloned());
        }
        if is_request && !said.moves {
            record.pending = Some(said);
        }
        delivery
    }

    /// A proxy's answer to `CONNECT`.
    fn tunnel(&self) -> Delivery {
        self.record().tunnels += 1;
        let dice = self.dice("tunnel");
        let status = dice.any(&[200, 301, 400, 403, 407, 407, 500, 502, 503]);
        let said = words::hostile(&dice, &[PROXY_PASSWORD, &self.play.client_secret]);
        let headers = vec![("proxy-authenticate".to_owned(), said.clone()), ("x-trace-id".to_owned(), said.clone())];
        let answer =
            Answer { status, headers, body: said.into_bytes(), verdict: Verdict::bad(&["proxy", "tls"]), streamed: false, limit: 0 };
        if dice.percent(50) { answer.somehow(&dice) } else { answer.properly() }
    }
}

/// How often the MCP server is hostile, in percent.
fn hostility(stage: Stage) -> u32 {
    match stage {
        Stage::Mcp => 25,
        Stage::Both => 15,
        _ => 0,
    }
}

impl Request {
    /// `None` when the other side has left.
    fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte)? == 0 {
                return Ok(None);
            }
            if head.is_empty() && !byte[0].is_ascii_uppercase() {
                // No HTTP: a TLS greeting, where none was asked for.
                return Ok(Some(Self {
                    method: "TLS".to_owned(),
                    path: String::new(),
                    head: String::new(),
                    body: Vec::new(),
                    has_unread: false,
                }));
            }
            head.extend_from_slice(&byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut first = head.lines().next().unwrap_or_default().split(' ');
        let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
        // A proxy is asked for the whole address.
        let path = target.split_once("://").map_or(target, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        if let Some((last, rest)) = body.split_last_mut() {
            stream.read_exact(rest)?;
            let mut peeked = [0];
            if stream.peek(&mut peeked)? == 0 {
                return Ok(None);
            }
            *last = peeked[0];
        }
        Ok(Some(Self { method: method.to_owned(), path: path.to_owned(), head, body, has_unread: length > 0 }))
    }
}
