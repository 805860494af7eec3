//! The headers of an agent's request: what MCP defines, checked, and written anew for the server.

use data_encoding::BASE64;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::json::Json;
use super::message::AgentMessage;
use super::refusal::Refusal;

/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management>
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#protocol-version-header>
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery>
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The message's method, from revision 2026-07-28 on.
const METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// The tool that a message calls, from revision 2026-07-28 on.
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What headers begin with that repeat an argument.
const PARAMETER: &str = "mcp-param-";

/// The first revision in which a conversation begins with `server/discover`.
const FIRST_WITH_DISCOVER: &str = "2026-07-28";

/// Where a message of that era names its revision again.
const VERSION_IN_META: &str = "io.modelcontextprotocol/protocolVersion";

/// The longest value of a header, in bytes.
const LONGEST: usize = 4096;

/// What an agent accepts, as MCP wants it of every agent.
const ANSWERS: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// What an agent accepts when it asks for a stream.
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Which era of the protocol a request is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolEra {
    /// No header says it. Only the first message of a conversation has none.
    Unsaid,
    /// That of `initialize`.
    Initialize,
    /// That of `server/discover`.
    Discover,
}

/// What of an agent's headers may go on.
#[derive(Debug, Clone)]
pub struct AgentHeaders {
    /// Its era.
    pub era: ProtocolEra,
    /// The session.
    pub session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    last_event_id: Option<HeaderValue>,
}

impl AgentHeaders {
    /// Reads the headers.
    ///
    /// # Errors
    /// If one of them stands twice, or has a value that it can't have.
    pub fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let version = single(headers, &PROTOCOL_VERSION, "MCP-Protocol-Version")?;
        let era = match version.as_ref().and_then(|version| version.to_str().ok()) {
            // A value that is no text has been refused already.
            None => ProtocolEra::Unsaid,
            Some(version) if !is_date(version) => return Err(Refusal::Header("MCP-Protocol-Version")),
            Some(version) if version >= FIRST_WITH_DISCOVER => ProtocolEra::Discover,
            Some(_) => ProtocolEra::Initialize,
        };
        single(headers, &METHOD, "Mcp-Method")?;
        single(headers, &NAME, "Mcp-Name")?;
        let session = single(headers, &SESSION_ID, "Mcp-Session-Id")?;
        Ok(Self { era, session, version, last_event_id: single(headers, &LAST_EVENT_ID, "Last-Event-ID")? })
    }

    /// Checks that a body is plain JSON.
    ///
    /// # Errors
    /// If it is said to be something else.
    pub fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
        let kind = single(headers, &CONTENT_TYPE, "Content-Type")?;
        let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        let mut parts = kind.split(';').map(str::trim);
        let is_json = parts.next() == Some("application/json");
        let is_utf8 = parts.all(|part| part.is_empty() || part.replace('"', "") == "charset=utf-8");
        if is_json && is_utf8 && !headers.contains_key(CONTENT_ENCODING) { Ok(()) } else { Err(Refusal::MediaType) }
    }

    /// Whether the headers that repeat the message say what it says.
    ///
    /// # Errors
    /// With the one that doesn't.
    pub fn agree(&self, message: &AgentMessage, headers: &HeaderMap) -> Result<(), Refusal> {
        let mismatch = |name: &str| Err(Refusal::Mismatch(name.to_owned()));
        if headers.get(METHOD).is_some_and(|method| Some(method.as_bytes()) != message.method().map(str::as_bytes)) {
            return mismatch("Mcp-Method");
        }
        if headers.get(NAME).is_some_and(|name| decoded(name).is_none_or(|name| tool(message) != Some(name))) {
            return mismatch("Mcp-Name");
        }
        let in_meta = message.params().and_then(|params| params.get("_meta")?.object()?.get(VERSION_IN_META)?.text());
        match (&self.version, in_meta) {
            (Some(version), Some(in_meta)) if version.as_bytes() != in_meta.as_bytes() => mismatch("MCP-Protocol-Version"),
            // A server that reads the body, and one that reads the header, would be of two minds.
            (None, Some(in_meta)) if in_meta.as_str() >= FIRST_WITH_DISCOVER => mismatch("MCP-Protocol-Version"),
            _ => Ok(()),
        }
    }

    /// Whether each header `Mcp-Param-…` stands once, and repeats what an argument says. `agrees` is given the rest of its name, and
    /// what it says.
    ///
    /// # Errors
    /// With the one that doesn't.
    pub fn parameters_agree(headers: &HeaderMap, agrees: impl Fn(&str, &str) -> bool) -> Result<(), Refusal> {
        for name in headers.keys() {
            let Some(parameter) = name.as_str().strip_prefix(PARAMETER) else {
                continue;
            };
            let values: Vec<_> = headers.get_all(name).iter().collect();
            let is_good = matches!(values.as_slice(), [value] if decoded(value).is_some_and(|value| agrees(parameter, &value)));
            if !is_good {
                return Err(Refusal::Mismatch(name.as_str().chars().take(100).collect()));
            }
        }
        Ok(())
    }

    /// The headers of a message for the server.
    pub fn for_message(&self, message: &AgentMessage, headers: &HeaderMap) -> HeaderMap {
        let mut out = self.common(ANSWERS);
        out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.era == ProtocolEra::Discover {
            if let Some(method) = message.method().and_then(|method| HeaderValue::from_str(method).ok()) {
                out.insert(METHOD, method);
            }
            if let Some(name) = tool(message).and_then(|name| HeaderValue::from_str(&name).ok()) {
                out.insert(NAME, name);
            }
            let parameters = headers.iter().filter(|(name, _)| name.as_str().starts_with(PARAMETER));
            out.extend(parameters.map(|(name, value)| (name.clone(), value.clone())));
        }
        out
    }

    /// The headers of a request without a message: for a stream, or the end of a session.
    pub fn for_stream(&self) -> HeaderMap {
        let mut out = self.common(STREAM);
        if let Some(id) = &self.last_event_id {
            out.insert(LAST_EVENT_ID, id.clone());
        }
        out
    }

    fn common(&self, accept: HeaderValue) -> HeaderMap {
        let mut out = HeaderMap::from_iter([(ACCEPT, accept)]);
        let optional = [(SESSION_ID, &self.session), (PROTOCOL_VERSION, &self.version)];
        out.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        out
    }
}

/// The tool that a message calls.
fn tool(message: &AgentMessage) -> Option<String> {
    let is_call = message.method() == Some("tools/call");
    message.params().filter(|_| is_call)?.get("name").and_then(Json::text)
}

/// A header's only value.
///
/// # Errors
/// If it stands twice, is empty or too long, or has other characters than visible ASCII.
pub fn single(headers: &HeaderMap, name: &HeaderName, shown: &'static str) -> Result<Option<HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), rest) = (values.next(), values.next()) else {
        return Ok(None);
    };
    let is_plain = |byte: &u8| (b' '..=b'~').contains(byte);
    let fits = (1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(is_plain);
    if fits && rest.is_none() { Ok(Some(value.clone())) } else { Err(Refusal::Header(shown)) }
}

/// What a header of SEP-2243 says: plain, or base64 for what headers can't hold.
fn decoded(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    match text.strip_prefix("=?base64?").and_then(|text| text.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok(),
        None => Some(text.to_owned()),
    }
}

/// `2026-07-28`, which can be compared as text.
fn is_date(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn message(text: &str) -> AgentMessage {
        AgentMessage::read(text.as_bytes()).unwrap()
    }

    const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{}}}"#;

    #[test]
    fn the_era_is_that_of_the_revision() {
        let era = |version| AgentHeaders::read(&map(&[("mcp-protocol-version", version)])).map(|headers| headers.era);
        assert_eq!(AgentHeaders::read(&map(&[])).unwrap().era, ProtocolEra::Unsaid);
        assert_eq!(era("2025-11-25"), Ok(ProtocolEra::Initialize));
        assert_eq!(era("2026-07-28"), Ok(ProtocolEra::Discover));
        for version in ["2026-7-28", "20260728", "2026/07/28", "2026-07-2", "2026-07-281", "latest", "2026-07-28, 2025-11-25"] {
            assert_eq!(era(version), Err(Refusal::Header("MCP-Protocol-Version")), "{version}");
        }
        let mut other = HeaderMap::new();
        other.insert(PROTOCOL_VERSION, HeaderValue::from_bytes(b"2026-07-28\xff").unwrap());
        assert_eq!(AgentHeaders::read(&other).map(|headers| headers.era), Err(Refusal::Header("MCP-Protocol-Version")));
    }

    #[test]
    fn what_stands_twice_is_refused() {
        for name in ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "last-event-id"] {
            assert!(AgentHeaders::read(&map(&[(name, "2025-11-25"), (name, "2025-11-25")])).is_err(), "{name}");
        }
    }

    #[test]
    fn headers_must_say_what_the_message_says() {
        let agree = |pairs: &[(&'static str, &'static str)]| {
            let headers = map(pairs);
            AgentHeaders::read(&headers).unwrap().agree(&message(CALL), &headers)
        };
        assert_eq!(agree(&[("mcp-method", "tools/call"), ("mcp-name", "a")]), Ok(()));
        assert_eq!(agree(&[("mcp-name", "=?base64?YQ==?=")]), Ok(()));
        for pairs in [("mcp-method", "tools/list"), ("mcp-name", "b"), ("mcp-name", "=?base64?!?="), ("mcp-name", "A")] {
            assert!(matches!(agree(&[pairs]), Err(Refusal::Mismatch(_))), "{pairs:?}");
        }
    }

    #[test]
    fn the_revision_in_the_message_is_that_of_the_header() {
        let agrees = |header: &[(&'static str, &'static str)], in_meta: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"{VERSION_IN_META}":"{in_meta}"}}}}}}"#);
            AgentHeaders::read(&map(header)).unwrap().agree(&message(&text), &map(header)).is_ok()
        };
        let (older, newer) = ([("mcp-protocol-version", "2025-11-25")], [("mcp-protocol-version", "2026-07-28")]);
        assert!(agrees(&newer, "2026-07-28") && agrees(&older, "2025-11-25") && agrees(&[], "2025-11-25"));
        assert!(!agrees(&newer, "2025-11-25") && !agrees(&older, "2026-07-28") && !agrees(&[], "2026-07-28"));
    }

    #[test]
    fn only_what_mcp_defines_goes_on() {
        let headers = map(&[
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-param-x", "1"),
            ("authorization", "Bearer key"),
            ("cookie", "a"),
            ("x-read-only-mode", "0"),
            ("x-allowed-actions-to-run", "all"),
            ("x-forwarded-for", "1.2.3.4"),
        ]);
        let out = AgentHeaders::read(&headers).unwrap().for_message(&message(CALL), &headers);
        let mut names: Vec<_> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "content-type", "mcp-method", "mcp-name", "mcp-param-x", "mcp-protocol-version"]);
    }

    #[test]
    fn a_body_is_plain_json() {
        for kind in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""] {
            assert_eq!(AgentHeaders::check_body(&map(&[("content-type", kind)])), Ok(()), "{kind}");
        }
        for kind in ["text/plain", "application/json; charset=utf-16", "application/json-seq", "application/json; boundary=x"] {
            assert_eq!(AgentHeaders::check_body(&map(&[("content-type", kind)])), Err(Refusal::MediaType), "{kind}");
        }
        assert!(AgentHeaders::check_body(&map(&[])).is_err());
        let encoded = map(&[("content-type", "application/json"), ("content-encoding", "identity")]);
        assert_eq!(AgentHeaders::check_body(&encoded), Err(Refusal::MediaType));
    }
}
