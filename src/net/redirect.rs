//! Redirects that keep the method, the body and the origin.

use http::StatusCode;
use http::header::LOCATION;
use reqwest::{Response, Url};

/// How often such a redirect is followed in a row.
pub const MOST_REDIRECTS: usize = 5;

/// Where a redirect leads that keeps the method, the body and the origin of `url`. A token is sent nowhere else.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-15.4>
#[must_use]
pub fn redirected(response: &Response, url: &Url) -> Option<Url> {
    if !matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    url.join(location).ok().filter(|target| target.origin() == url.origin())
}
