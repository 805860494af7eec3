//! Inputs that are URLs.

use std::net::IpAddr;

use reqwest::Url;

use super::door::Flaw;

const LONGEST_URL: usize = 2048;

/// The MCP server's URL: the text as it was given, which the agent gets, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    text: String,
    url: Url,
}

impl ServerUrl {
    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// The base of Port's API. A bare origin gets `/v1`.
///
/// # Errors
/// When no secret should be sent there, or it is no plain URL.
pub fn api_base(text: &str) -> Result<Url, Flaw> {
    let mut url = parse(text)?;
    if url.path() == "/" {
        url.set_path("/v1");
    }
    Ok(url)
}

/// The MCP server.
///
/// # Errors
/// When no token should be sent there, or it is no plain URL.
pub fn server(text: &str) -> Result<ServerUrl, Flaw> {
    Ok(ServerUrl { text: text.to_owned(), url: parse(text)? })
}

/// The URL of `path` below `base`, whether or not `base` ends in a slash.
#[must_use]
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// Reads a URL strictly. No text shows the value: a wrong URL may well hold a password or a token.
fn parse(text: &str) -> Result<Url, Flaw> {
    let flaw = |what: &str| {
        Err(Flaw {
            value: None,
            what: what.to_owned(),
            mend: "Write an address such as `https://api.port.io/v1`, or leave the input out to use the region's.".to_owned(),
        })
    };
    if text.len() > LONGEST_URL {
        return flaw("is longer than 2048 characters");
    }
    // The parser would drop or convert what doesn't belong in a URL, and agents would expand a `$`.
    if !text.bytes().all(is_url_byte) {
        return flaw("holds a character that a URL can't have, or a `$` (write it as %24)");
    }
    // In the text, since the parser undoes escapes in a host name, and forgets an empty user name.
    let authority = authority(text);
    if authority.is_empty() || authority.contains('%') {
        return flaw("is not an https URL");
    }
    let Ok(url) = Url::parse(text) else {
        return flaw("is not a URL");
    };
    if authority.contains('@') {
        return flaw("holds a user name or a password, which don't belong in a URL");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return flaw("holds a query or a fragment (`?` or `#`)");
    }
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return flaw("is not an https URL");
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return flaw("is not https: over plain http the secret could be read on the way");
    }
    Ok(url)
}

/// The parser takes any number of slashes before a host. Here it is two, right after the scheme: others may come later.
fn authority(text: &str) -> &str {
    let rest = text.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//"));
    rest.and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

/// RFC 3986 section 2, without `$`.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!&'()*+,;=%".contains(&byte)
}

/// Plain http is fine where nobody can listen in (RFC 6761 section 6.3 for `localhost`).
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bare_origin_gets_the_version() {
        for (text, url) in [
            ("https://api.port.io", "https://api.port.io/v1/auth/access_token"),
            ("https://api.port.io/", "https://api.port.io/v1/auth/access_token"),
            ("https://api.port.io/v1/", "https://api.port.io/v1/auth/access_token"),
            ("https://gate.example/port/v1", "https://gate.example/port/v1/auth/access_token"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/auth/access_token"),
            ("http://[::1]:8080", "http://[::1]:8080/v1/auth/access_token"),
            ("http://localhost:8080", "http://localhost:8080/v1/auth/access_token"),
            ("http://port.localhost", "http://port.localhost/v1/auth/access_token"),
            // A name outside of ASCII is given as DNS knows it (RFC 5890).
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example/v1/auth/access_token"),
        ] {
            assert_eq!(below(&api_base(text).unwrap(), "auth/access_token").as_str(), url);
        }
    }

    #[test]
    fn every_wrong_kind_is_refused() {
        for text in [
            "api.port.io",
            "ftp://api.port.io",
            "http://api.port.io",
            "http://10.0.0.1",
            "https://",
            "https:///v1",
            "https:api.port.io",
            "https://user@api.port.io",
            "https://user:pass@api.port.io",
            "https://@api.port.io",
            "https:user@api.port.io",
            "https:////user:pass@api.port.io",
            "https:/user@api.port.io://a",
            "https://api%2eport.io",
            "https://FF%ff.port.io",
            "https:/FF%ff.port.io",
            "https:user:pass@api.port.io/https://a",
            "https://api.port.io?x=1",
            "https://api.port.io/#a",
            "https://api.port.io/ v1",
            "https://api.port.io\\v1",
            "https://api.port.io/${X}",
            "https://api.port.io/\u{7}",
            "javascript:alert(1)",
            "https://ex\u{e4}mple.com",
            "https://127.0.0.1:99999",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_safe_to_send_a_secret_to(text in "(https?|ftp):/{0,3}[ -~]{0,40}(://[ -~]{0,9})?|\\PC{0,60}") {
            if let Ok(url) = parse(&text) {
                prop_assert!(url.scheme() == "https" || is_loopback(&url));
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none());
                let unfit = ['$', '\\', ' ', '"', '{', '`'];
                prop_assert!(!text.contains(unfit));
            }
        }
    }
}
