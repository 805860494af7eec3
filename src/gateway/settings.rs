//! What the gateway is told at its start: one line of JSON on standard input, which the step writes.
//!
//! It holds secrets, so it goes over no argument, variable or file. [`Settings::to_line`] and [`Settings::from_line`] are the two ends.

use std::net::SocketAddr;

use data_encoding::BASE64;
use reqwest::Url;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::VariantArray;
use zeroize::Zeroizing;

use crate::mcp::ToolName;
use crate::net::{Network, ProxyUrl, UrlProblem, parse_url};
use crate::port::{AllowedActions, Credentials, Endpoint, TokenEndpoint, ToolKind as Kind};
use crate::redact::Secret;

/// The variables that can name a proxy. Errors name the one that was used.
const PROXY_VARIABLES: [&str; 8] =
    ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// The shortest key, in characters: 128 bits in base64url. The step makes keys of 256 bits.
const SHORTEST_KEY: usize = 22;

/// The longest lifetime, in seconds: 30 days. A runner's own limit is five.
const LONGEST_LIFETIME: u64 = 30 * 24 * 60 * 60;

/// Everything that the gateway needs to know. Nothing of it changes while it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Port's client id.
    pub client_id: String,
    /// Its secret.
    #[serde(with = "secret")]
    pub client_secret: Secret,
    /// What issues tokens.
    pub token_endpoint: TokenAddress,
    /// A token that the step has already. Without one, the gateway asks for one before it is ready.
    #[serde(default)]
    pub token: Option<TokenInHand>,
    /// The MCP server.
    pub mcp_url: String,
    /// The headers for Port beside `Authorization`, such as `x-read-only-mode`.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// What the agent may do.
    pub rules: Rules,
    /// What the agent shows instead of a token: letters, digits and `-._~+/=`.
    #[serde(with = "secret")]
    pub key: Secret,
    /// Where to listen. Port 0 takes a free one, which the line `ready` names.
    pub listen: SocketAddr,
    /// The hosts that the header `Host` may name. One without a port stands for the port that the gateway listens on.
    pub hosts: Vec<String>,
    /// When the gateway ends by itself, in seconds from its start.
    pub lifetime: u64,
    /// Certificate authorities to trust beside the built-in ones, as DER in base64.
    #[serde(default, with = "certificates")]
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// The proxies.
    #[serde(default)]
    pub proxies: ProxySettings,
}

/// A token endpoint: its kind and its whole URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenAddress {
    /// `api` or `mcp`.
    #[serde(with = "endpoint_kind")]
    pub kind: TokenEndpoint,
    /// Where the credentials are sent.
    pub url: String,
}

/// A token, and how long it lives from now on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenInHand {
    /// The token.
    #[serde(with = "secret")]
    pub token: Secret,
    /// What is left of it, in seconds.
    pub seconds_left: u64,
}

/// What the agent may do. The default of nothing named is nothing allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The tools, by exact name. `None` stands for every tool that the other two rules admit: no tools were named, and there is no
    /// list of what the server offers.
    pub tools: Option<Vec<AllowedTool>>,
    /// The self-service actions and workflows, by exact identifier; `None` for any.
    pub actions: Option<Vec<String>>,
    /// Whether tools that write are refused.
    pub read_only: bool,
}

/// A tool that the agent may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedTool {
    /// Its name.
    pub name: String,
    /// What it does: `read`, `execute` or `write`.
    #[serde(with = "kind")]
    pub kind: Kind,
}

/// How to reach other hosts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxySettings {
    /// The proxy for `https` URLs.
    pub https: Option<ProxyAddress>,
    /// The proxy for `http` URLs.
    pub http: Option<ProxyAddress>,
    /// Hosts that are reached without a proxy, separated by commas, as in [`Network::no_proxy`].
    pub exceptions: String,
}

/// A proxy, which may have a password in its address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyAddress {
    /// The environment variable that named it.
    pub variable: String,
    /// Its address.
    #[serde(with = "secret")]
    pub url: Secret,
}

/// Why the settings can't be used. It never quotes them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsProblem {
    /// Nothing came.
    #[error("standard input holds no settings")]
    Missing,
    /// No JSON, or not this JSON: what, and where.
    #[error("the settings can't be read at column {column}")]
    Malformed {
        /// Where in the line.
        column: usize,
    },
    /// A URL.
    #[error("`{name}` {problem}")]
    Url {
        /// Which one.
        name: &'static str,
        /// What is wrong with it.
        problem: UrlProblem,
    },
    /// A value that can't be meant.
    #[error("`{0}` has a value that can't be used")]
    Value(&'static str),
}

impl Settings {
    /// The line for standard input, with its end.
    ///
    /// # Errors
    /// None that any value can cause.
    pub fn to_line(&self) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(serde_json::to_vec(self)?);
        line.push(b'\n');
        Ok(line)
    }

    /// Reads the line, and checks every value.
    ///
    /// # Errors
    /// The first problem.
    pub fn from_line(line: &[u8]) -> Result<Self, SettingsProblem> {
        if line.trim_ascii().is_empty() {
            return Err(SettingsProblem::Missing);
        }
        // The library's message could quote a value.
        let settings: Self = serde_json::from_slice(line).map_err(|error| SettingsProblem::Malformed { column: error.column() })?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsProblem> {
        let (key, proxies) = (self.key.reveal(), [&self.proxies.https, &self.proxies.http]);
        let is_key_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        let known_tool = |tool: &AllowedTool| ToolName::parse(&tool.name).is_some();
        for (name, is_good) in [
            ("client_id", !self.client_id.is_empty()),
            ("client_secret", !self.client_secret.reveal().is_empty()),
            ("key", key.len() >= SHORTEST_KEY && key.bytes().all(is_key_byte)),
            ("hosts", !self.hosts.is_empty()),
            ("lifetime", (1..=LONGEST_LIFETIME).contains(&self.lifetime)),
            ("tools", self.rules.tools.iter().flatten().all(known_tool)),
            ("proxies", proxies.iter().all(|proxy| proxy.as_ref().is_none_or(|proxy| proxy.parse().is_some()))),
        ] {
            if !is_good {
                return Err(SettingsProblem::Value(name));
            }
        }
        self.mcp_url()?;
        self.endpoint()?;
        Ok(())
    }

    /// Port's credentials.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials { client_id: self.client_id.clone(), client_secret: self.client_secret.clone() }
    }

    /// What issues tokens.
    ///
    /// # Errors
    /// If no secret should be sent there.
    pub fn endpoint(&self) -> Result<Endpoint, SettingsProblem> {
        let TokenAddress { kind, url } = &self.token_endpoint;
        Ok(Endpoint { kind: *kind, url: url_of("token_endpoint", url)?, region: None })
    }

    /// The MCP server.
    ///
    /// # Errors
    /// If no token should be sent there.
    pub fn mcp_url(&self) -> Result<Url, SettingsProblem> {
        url_of("mcp_url", &self.mcp_url)
    }

    /// How to connect.
    #[must_use]
    pub fn network(&self) -> Network {
        let proxy = |proxy: &Option<ProxyAddress>| proxy.as_ref().and_then(ProxyAddress::parse);
        Network {
            https_proxy: proxy(&self.proxies.https),
            http_proxy: proxy(&self.proxies.http),
            no_proxy: self.proxies.exceptions.clone(),
            extra_roots: self.extra_roots.clone(),
        }
    }
}

impl Rules {
    /// The actions of the input `allowed_actions`.
    #[must_use]
    pub fn actions_of(actions: &AllowedActions) -> Option<Vec<String>> {
        match actions {
            AllowedActions::Any => None,
            AllowedActions::Only(names) => Some(names.clone()),
        }
    }
}

impl ProxySettings {
    /// The proxies of the step's own connections.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let address = |proxy: &Option<ProxyUrl>| {
            let (variable, url) = proxy.as_ref()?.address();
            Some(ProxyAddress { variable: variable.to_owned(), url: url.clone() })
        };
        Self { https: address(&network.https_proxy), http: address(&network.http_proxy), exceptions: network.no_proxy.clone() }
    }
}

impl ProxyAddress {
    fn parse(&self) -> Option<ProxyUrl> {
        let variable = PROXY_VARIABLES.iter().find(|variable| **variable == self.variable)?;
        ProxyUrl::parse(variable, self.url.reveal()).ok()
    }
}

fn url_of(name: &'static str, text: &str) -> Result<Url, SettingsProblem> {
    parse_url(text).map_err(|problem| SettingsProblem::Url { name, problem })
}

/// Secrets as text.
mod secret {
    use super::{Deserialize, Deserializer, Secret, Serializer, Zeroizing};

    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.reveal())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        Ok(Secret::new(&Zeroizing::new(String::deserialize(deserializer)?)))
    }
}

/// Kinds of tools, by name.
mod kind {
    use super::{D_ERROR, Deserialize, Deserializer, Kind, Serializer, VariantArray};
    use serde::de::Error as _;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
    pub fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(kind)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(deserializer)?;
        Kind::VARIANTS.iter().find(|kind| kind.to_string() == name).copied().ok_or_else(|| D::Error::custom(D_ERROR))
    }
}

/// Kinds of token endpoints, by name.
mod endpoint_kind {
    use super::{D_ERROR, Deserialize, Deserializer, Serializer, TokenEndpoint};
    use serde::de::Error as _;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
    pub fn serialize<S: Serializer>(kind: &TokenEndpoint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(kind)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TokenEndpoint, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|_| D::Error::custom(D_ERROR))
    }
}

/// Certificates as DER in base64.
mod certificates {
    use super::{BASE64, CertificateDer, D_ERROR, Deserialize, Deserializer, Serializer};
    use serde::de::Error as _;

    pub fn serialize<S: Serializer>(certificates: &[CertificateDer<'static>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(certificates.iter().map(|certificate| BASE64.encode(certificate)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CertificateDer<'static>>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let decode = |text: &String| BASE64.decode(text.as_bytes()).map(CertificateDer::from);
        texts.iter().map(decode).collect::<Result<_, _>>().map_err(|_| D::Error::custom(D_ERROR))
    }
}

/// The library's messages are never shown: see [`Settings::from_line`].
const D_ERROR: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            client_id: "id".to_owned(),
            client_secret: Secret::new("client-secret-0123456789"),
            token_endpoint: TokenAddress { kind: TokenEndpoint::Api, url: "https://api.port.io/v1/auth/access_token".to_owned() },
            token: Some(TokenInHand { token: Secret::new("token-0123456789"), seconds_left: 60 }),
            mcp_url: "https://mcp.port.io/v1".to_owned(),
            headers: vec![("x-read-only-mode".to_owned(), "1".to_owned())],
            rules: Rules {
                tools: Some(vec![AllowedTool { name: "run_action".to_owned(), kind: Kind::Execute }]),
                actions: Some(vec!["restart".to_owned()]),
                read_only: true,
            },
            key: Secret::new("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"),
            listen: "127.0.0.1:0".parse().unwrap(),
            hosts: vec!["127.0.0.1".to_owned()],
            lifetime: 60,
            extra_roots: vec![CertificateDer::from(vec![1, 2, 3])],
            proxies: ProxySettings {
                https: Some(ProxyAddress { variable: "HTTPS_PROXY".to_owned(), url: Secret::new("http://u:p@proxy:1") }),
                ..ProxySettings::default()
            },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let line = settings().to_line().unwrap();
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        let read = Settings::from_line(&line).unwrap();
        assert_eq!(*read.to_line().unwrap(), *line);
        assert_eq!(ProxySettings::of(&read.network()).https.unwrap().url.reveal(), "http://u:p@proxy:1");
    }

    #[test]
    fn the_shortest_key_and_the_longest_lifetime_are_taken() {
        let limits = Settings { key: Secret::new("-._~+/=789abcdefghijkl"), lifetime: 2_592_000, ..settings() };
        assert!(Settings::from_line(&limits.to_line().unwrap()).is_ok());
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = format!("{:?}", settings());
        assert!(!["client-secret", "token-0123456789", "0123456789abc", "u:p"].iter().any(|secret| shown.contains(secret)), "{shown}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        type Change = fn(&mut Settings);
        let with = |change: Change| {
            let mut settings = settings();
            change(&mut settings);
            Settings::from_line(&settings.to_line().unwrap()).map(|_| ()).unwrap_err()
        };
        let values: [(Change, &str); 10] = [
            (|settings| settings.client_id.clear(), "client_id"),
            (|settings| settings.client_secret = Secret::new(""), "client_secret"),
            (|settings| settings.key = Secret::new("0123456789abcdefghijk"), "key"),
            (|settings| settings.key = Secret::new("0123456789abcdefghijklmnopqrstuvwxyz\n"), "key"),
            (|settings| settings.hosts.clear(), "hosts"),
            (|settings| settings.lifetime = 0, "lifetime"),
            (|settings| settings.lifetime = 2_592_001, "lifetime"),
            (|settings| settings.rules.tools = Some(vec![AllowedTool { name: "a b".to_owned(), kind: Kind::Read }]), "tools"),
            (
                |settings| settings.proxies.https = Some(ProxyAddress { variable: "PROXY".to_owned(), url: Secret::new("http://proxy:1") }),
                "proxies",
            ),
            (|settings| settings.proxies.http = Some(ProxyAddress { variable: "HTTP_PROXY".to_owned(), url: Secret::new("") }), "proxies"),
        ];
        for (change, name) in values {
            assert_eq!(with(change), SettingsProblem::Value(name));
        }
        let url = SettingsProblem::Url { name: "mcp_url", problem: UrlProblem::PlainHttp };
        assert_eq!(with(|settings| settings.mcp_url = "http://mcp.example".to_owned()), url);
        assert_eq!(Settings::from_line(b" \n").unwrap_err(), SettingsProblem::Missing);
        assert!(matches!(Settings::from_line(b"{\"a\":1}"), Err(SettingsProblem::Malformed { .. })));
    }
}
