//! URLs that a secret may be sent to.

use std::net::IpAddr;

use reqwest::Url;

const LONGEST_URL: usize = 2048;

/// Why a text is not a URL that a secret may be sent to, as the rest of a sentence. It never quotes the text: a wrong URL may well
/// hold a password or a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    /// Over the limit.
    #[error("is longer than 2048 characters")]
    TooLong,
    /// RFC 3986 section 2 knows no such character, or it is a `$`, which agents would expand.
    #[error("holds a character that a URL can't have, or a `$` (write it as %24)")]
    Character,
    /// No `https://host`.
    #[error("is not an https URL")]
    NotHttps,
    /// The parser refuses it.
    #[error("is not a URL")]
    Malformed,
    /// `https://user:password@host`
    #[error("holds a user name or a password, which don't belong in a URL")]
    UserInfo,
    /// `?` or `#`
    #[error("holds a query or a fragment (`?` or `#`)")]
    QueryOrFragment,
    /// `http://` to another machine.
    #[error("is not https: over plain http the secret could be read on the way")]
    PlainHttp,
}

/// Reads a URL strictly: `https` to any host, or `http` to this machine, without user name, password, query or fragment.
///
/// # Errors
/// What is wrong with it.
pub fn parse_url(text: &str) -> Result<Url, UrlProblem> {
    if text.len() > LONGEST_URL {
        return Err(UrlProblem::TooLong);
    }
    // The parser would drop or convert what doesn't belong in a URL, and agents would expand a `$`.
    if !text.bytes().all(is_url_byte) {
        return Err(UrlProblem::Character);
    }
    // The text is checked, since the parser decodes escapes in a host name and forgets an empty user name.
    let authority = authority(text);
    if authority.is_empty() || authority.contains('%') {
        return Err(UrlProblem::NotHttps);
    }
    let url = Url::parse(text).map_err(|_| UrlProblem::Malformed)?;
    if authority.contains('@') {
        return Err(UrlProblem::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(UrlProblem::QueryOrFragment);
    }
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err(UrlProblem::NotHttps);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(UrlProblem::PlainHttp);
    }
    Ok(url)
}

/// The URL of `path` below `base`, whether or not `base` ends with a slash.
#[must_use]
pub fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// A URL's host, with its port if that is not the scheme's default.
#[must_use]
pub fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The parser takes any number of slashes before a host. Here there must be two, directly after the scheme.
fn authority(text: &str) -> &str {
    let rest = text.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//"));
    rest.and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

/// RFC 3986 section 2, without `$`.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!&'()*+,;=%".contains(&byte)
}

/// Plain http is safe where nobody can listen in (RFC 6761 section 6.3 for `localhost`).
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
            assert!(parse_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_may_be_plain_http() {
        for text in ["http://127.0.0.1:8080/v1", "http://[::1]:8080", "http://localhost:8080", "http://port.localhost"] {
            assert!(parse_url(text).is_ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_url_is_safe_to_send_a_secret_to(text in "(https?|ftp):/{0,3}[ -~]{0,40}(://[ -~]{0,9})?|\\PC{0,60}") {
            if let Ok(url) = parse_url(&text) {
                prop_assert!(url.scheme() == "https" || is_loopback(&url));
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none());
                let unfit = ['$', '\\', ' ', '"', '{', '`'];
                prop_assert!(!text.contains(unfit));
            }
        }
    }
}
