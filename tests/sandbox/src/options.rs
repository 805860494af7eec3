//! What a test can ask of a sandbox before it starts.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use jiff::SignedDuration;
use serde_json::Value;

/// The client id that a sandbox knows unless told otherwise.
pub const CLIENT_ID: &str = "sandbox-client-id";

/// The client secret that a sandbox knows unless told otherwise. As long as Port's, and as mixed.
pub const CLIENT_SECRET: &str = "sBx7Qm2Vd9Kp4Tz8Wn3Hc6Rj1Lf5Yg0aUeXoIbNqMvZtPwSkDhGrCy7J4E9uA2iW";

/// How a [`Sandbox`](crate::Sandbox) behaves. Take the default and change what a test is about.
#[derive(Clone, Debug)]
pub struct Options {
    /// The credentials it knows.
    pub credentials: Vec<Credential>,
    /// The address it listens on. With an unspecified address its URLs name loopback.
    pub bind: IpAddr,
    /// The port for plain HTTP; 0 takes a free one.
    pub port: u16,
    /// The port for TLS; 0 takes a free one.
    pub tls_port: u16,
    /// Names and addresses that the certificate holds besides `localhost`, `127.0.0.1` and `::1`.
    pub names: Vec<String>,
    /// Which certificate it shows.
    pub certificate: Certificate,
    /// What its tokens look like.
    pub token_kind: TokenKind,
    /// How long a new token lives, in whole seconds.
    pub token_lifetime: Duration,
    /// What is left of the token that is already active when a credential asks for the first time, in
    /// whole seconds. The token after it has the full lifetime.
    pub leftover: Option<Duration>,
    /// What answers state as the token's life.
    pub expires_in: Stated,
    /// What a JWT states as its `exp`.
    pub jwt_exp: Stated,
    /// The limit of the auth API; Port's is [`RateLimit::PORT`].
    pub rate_limit: Option<RateLimit>,
    /// The limit of the OAuth endpoint; Port's is [`RateLimit::PORT_OAUTH`].
    pub oauth_rate_limit: Option<RateLimit>,
    /// A reason to refuse every credential.
    pub refusal: Option<Refusal>,
    /// Whose tokens the MCP server takes.
    pub mcp_accepts: Accepts,
    /// How the MCP server speaks.
    pub mcp_mode: McpMode,
    /// How many tools one page of `tools/list` holds; `None` lists all on one.
    pub tools_page_size: Option<usize>,
    /// Further read tools, by name, in any number and with any characters.
    pub extra_tools: Vec<String>,
    /// How many more read tools to list after those, each of about 1 kB, as a real tool is.
    pub large_tools: usize,
    /// The role of the credentials in Port, which decides about the tools for builders.
    pub role: Role,
    /// Offer and run write tools even in read-only mode, as a broken server would.
    pub ignore_read_only: bool,
    /// Where to write one JSON line per request, as soon as it is dealt with. One that hangs has none.
    pub log: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            credentials: vec![Credential::new(CLIENT_ID, CLIENT_SECRET)],
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            tls_port: 0,
            names: Vec::new(),
            certificate: Certificate::Valid,
            token_kind: TokenKind::Jwt,
            token_lifetime: Duration::from_hours(3),
            leftover: None,
            expires_in: Stated::Truth,
            jwt_exp: Stated::Truth,
            rate_limit: None,
            oauth_rate_limit: None,
            refusal: None,
            mcp_accepts: Accepts::Both,
            mcp_mode: McpMode::Stateful,
            tools_page_size: None,
            extra_tools: Vec::new(),
            large_tools: 0,
            role: Role::Admin,
            ignore_read_only: false,
            log: None,
        }
    }
}

/// A client id and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

impl Credential {
    /// A pair of the two.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), client_secret: client_secret.into() }
    }
}

/// What a token looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A JWT with the header of HS256 and a random signature.
    Jwt,
    /// Random characters that say nothing.
    Opaque,
}

/// What a sandbox says of a token's end, which need not be what it does.
#[derive(Clone, Debug, PartialEq)]
pub enum Stated {
    /// The truth.
    Truth,
    /// Nothing: the field is missing.
    Absent,
    /// This, whatever its type.
    As(Value),
}

impl Stated {
    /// What to write in place of `truth`, if anything.
    pub(crate) fn value(&self, truth: u64) -> Option<Value> {
        match self {
            Self::Truth => Some(truth.into()),
            Self::Absent => None,
            Self::As(value) => Some(value.clone()),
        }
    }
}

/// How many requests a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests per window.
    pub requests: u32,
    /// Requests per window beyond that.
    pub burst: u32,
    /// The length of a window. It starts with the first request in it.
    pub window: Duration,
}

impl RateLimit {
    /// What Port documents for routes without authentication.
    pub const PORT: Self = Self { requests: 100, burst: 10, window: Duration::from_mins(5) };

    /// What Port documents for the OAuth endpoint.
    pub const PORT_OAUTH: Self = Self { requests: 50, burst: 0, window: Duration::from_mins(15) };
}

impl FromStr for RateLimit {
    type Err = &'static str;

    /// Reads `100/5m`, or `100+10/5m` with a burst.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a limit is written as 100/5m, or as 100+10/5m with a burst";
        let (count, window) = text.split_once('/').ok_or(wrong)?;
        let (requests, burst) = count.split_once('+').unwrap_or((count, "0"));
        let window: SignedDuration = window.parse().map_err(|_| wrong)?;
        Ok(Self {
            requests: requests.parse().map_err(|_| wrong)?,
            burst: burst.parse().map_err(|_| wrong)?,
            window: window.try_into().map_err(|_| wrong)?,
        })
    }
}

/// Why Port refuses a right credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 403: the organization's allow-list lacks the caller's address.
    IpNotAllowed,
    /// 404: the organization lives in the other region.
    WrongRegion,
}

/// Whose tokens the MCP server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Those of the auth API.
    Api,
    /// Those of the OAuth endpoint.
    OAuth,
    /// Those of either.
    Both,
}

/// A role in Port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees the tools for builders too: those that write, and those about integrations.
    Admin,
    /// Uses what builders have made: reads, and runs actions and workflows.
    Member,
}

/// How the MCP server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum McpMode {
    /// Sessions, and answers as event streams, like Port. That Port doesn't know `server/discover` is a guess.
    Stateful,
    /// No sessions, and answers as plain JSON.
    Stateless,
    /// Like [`McpMode::Stateful`], and `server/discover` as well, with which a conversation begins from revision 2026-07-28 on.
    Newest,
}

/// Which certificate the TLS side shows. The CA that [`Sandbox::ca_pem`](crate::Sandbox::ca_pem) hands out
/// signed all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// A right one.
    Valid,
    /// One that ended years ago.
    Expired,
    /// One for another host.
    WrongName,
}
