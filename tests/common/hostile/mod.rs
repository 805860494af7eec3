//! A server that does its worst, and knows what it did. The test files that use it name this module themselves.
#![allow(dead_code, reason = "test support, which each test uses in part")]

pub mod dice;
mod envelope;
pub mod mcp;
mod results;
pub mod server;
pub mod tally;
pub mod token;
pub mod wire;
pub mod words;

/// What the server plays.
#[derive(Debug)]
pub struct Play {
    pub seed: u64,
    pub stage: Stage,
    pub kind: token::Kind,
    pub client_secret: String,
    /// The validity that is asked for, in seconds.
    pub needed: i64,
    /// Whether the agent throws an answer away that breaks MCP's schema.
    pub strict: bool,
    /// The server's own name for itself, which comes before the port.
    pub host: &'static str,
}

/// Where the server is hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nowhere.
    Nowhere,
    /// The token endpoint.
    Token,
    /// The MCP server.
    Mcp,
    /// Both.
    Both,
    /// The first answer breaks off after this byte; nothing else is wrong.
    Sweep(usize),
    /// The TLS handshake.
    Tls,
    /// A proxy that answers in the server's place.
    Proxy,
    /// A proxy that is to open a tunnel.
    Tunnel,
}

/// What stands in the address of the proxy.
pub const PROXY_PASSWORD: &str = "proxy-pass-word-0123456789";

/// The characters of a client secret that is only letters and digits, and of one that has everything in it.
pub const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub const GRAPHIC: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// Whether a character turns a line, ends it, or drives a terminal. The end of a line is none of them.
pub fn is_active(c: char) -> bool {
    c != '\n' && (c.is_control() || "\u{2028}\u{2029}\u{202a}\u{202b}\u{202d}\u{202e}\u{2066}\u{2067}\u{feff}\u{200b}".contains(c))
}

/// A client secret.
pub fn client_secret(dice: &dice::Dice) -> String {
    match dice.number(0..10) {
        0..5 => dice.text(LETTERS, 64..65),
        // It must not be a value in quotes, one that nobody filled in, or an expression.
        5..8 => format!("s{}", dice.text(GRAPHIC, 16..80)).replace("${{", "$-{"),
        8 => dice.text(LETTERS, 1_000..4_000),
        _ => format!("s{}%41&amp;\\u0041\\\\''", dice.text(GRAPHIC, 16..40)),
    }
}

/// The proxy's address, with a password in it.
pub fn proxy(port: u16) -> String {
    format!("http://me:{PROXY_PASSWORD}@127.0.0.1:{port}")
}
