//! The exchange: client credentials for a token.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use reqwest::Request;
use serde::Serialize;

use super::error::{Error, ExchangeError, ExchangeProblem, ResponseProblem};
use super::progress::Progress;
use super::region::{Endpoint, TokenEndpoint};
use super::response::read_token_response;
use super::token::Token;
use crate::net::retry::{AttemptError, GaveUp, retry};
use crate::net::{Budget, Http, RequestError};
use crate::redact::Secret;
use crate::runner::Console;

/// A client id and its secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Not a secret, though it is never shown: users easily swap the two.
    pub client_id: String,
    /// The secret.
    pub client_secret: Secret,
}

/// All that one exchange needs.
pub struct Exchange<'a> {
    /// Where the token is issued.
    pub endpoint: &'a Endpoint,
    /// What it is issued for.
    pub credentials: &'a Credentials,
    /// The HTTP client.
    pub http: &'a Http,
    /// Where secrets are masked.
    pub console: &'a Console,
    /// What is told while there is no token yet.
    pub progress: &'a dyn Fn(Progress<'_>),
}

/// The body of `POST /auth/access_token`. <https://docs.port.io/api-reference/create-an-access-token>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiRequest<'a> {
    client_id: &'a str,
    client_secret: &'a str,
}

/// RFC 6749 section 4.4.2, with the credentials in the body as section 2.3.1 allows: proxies log headers.
#[derive(Serialize)]
struct OauthRequest<'a> {
    grant_type: &'static str,
    client_id: &'a str,
    client_secret: &'a str,
}

impl Exchange<'_> {
    /// Asks for a token, again if the failure may pass, within the budget.
    ///
    /// # Errors
    /// The last attempt's error; [`ExchangeProblem::RateLimited`] at once if the server asks for a longer wait than is left.
    pub async fn token(&self, budget: &Budget) -> Result<Token, Error> {
        let attempt = async |number| self.attempt(number).await;
        let on_retry = |error: &Error, pause| (self.progress)(Progress::Retrying(error, pause));
        retry(budget, attempt, on_retry).await.map_err(|gave_up| match gave_up {
            GaveUp::Failed(error) => error,
            GaveUp::WaitTooLong(error, wait) => too_long(error, wait),
            GaveUp::TimedOut(limit, previous) => {
                Error::TimedOut { limit, phase: self.http.phase(), host: self.endpoint.host(), previous: previous.map(Box::new) }
            }
        })
    }

    async fn attempt(&self, number: u32) -> Result<Token, AttemptError<Error>> {
        let failed = |failed: AttemptError<ExchangeProblem>| AttemptError {
            error: ExchangeError { endpoint: self.endpoint.clone(), attempts: number, problem: failed.error }.into(),
            retryable: failed.retryable,
            retry_after: failed.retry_after,
        };
        let request = self.request().map_err(|error| AttemptError::permanent(error.into()))?;
        let response = self.http.send(request).await.map_err(|error| failed(self.no_response(error)))?;
        let read = |redactor: &_| read_token_response(self.endpoint.kind, &response, redactor, Timestamp::now());
        self.console.with_redactor(read).map_err(|error| failed(self.of_proxy(error)))
    }

    /// A 407 comes from a proxy, whatever its address.
    fn of_proxy(&self, failed: AttemptError<ExchangeProblem>) -> AttemptError<ExchangeProblem> {
        let AttemptError { error, retryable, retry_after } = failed;
        let error = match error {
            ExchangeProblem::RequestRejected(response) if response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let proxied = self.http.is_proxied(&self.endpoint.url);
                ExchangeProblem::ProxyCredentials { response, variable: self.proxy_variable(), proxied }
            }
            other => other,
        };
        AttemptError { error, retryable, retry_after }
    }

    fn proxy_variable(&self) -> &'static str {
        self.http.proxy_variable(&self.endpoint.url).unwrap_or("HTTPS_PROXY")
    }

    fn request(&self) -> anyhow::Result<Request> {
        let (client_id, client_secret) = (self.credentials.client_id.as_str(), self.credentials.client_secret.reveal());
        let request = self.http.client().post(self.endpoint.url.clone()).header("accept", "application/json");
        let request = match self.endpoint.kind {
            TokenEndpoint::Api => request.json(&ApiRequest { client_id, client_secret }),
            TokenEndpoint::Mcp => request.form(&OauthRequest { grant_type: "client_credentials", client_id, client_secret }),
        };
        Ok(request.build()?)
    }

    fn no_response(&self, error: RequestError) -> AttemptError<ExchangeProblem> {
        let retryable = error.is_retryable();
        let quote = |detail: String| self.console.quote(&detail);
        let variable = self.proxy_variable();
        let bad = |problem| ExchangeProblem::BadResponse { problem, message: quote(String::new()) };
        let problem = match error {
            RequestError::NoAnswer(cause, detail) => ExchangeProblem::Unreachable { detail: quote(detail), cause },
            RequestError::ProxyUnreachable(detail) | RequestError::ProxyRefused(detail) => {
                ExchangeProblem::Proxy { detail: quote(detail), variable }
            }
            RequestError::Tls(problem, detail) => ExchangeProblem::Tls { detail: quote(detail), problem },
            RequestError::TooLarge => bad(ResponseProblem::TooLarge),
            RequestError::Undecodable(detail) => bad(ResponseProblem::Undecodable(quote(detail))),
            RequestError::NotHttp(detail) => bad(ResponseProblem::NotHttp(quote(detail))),
        };
        AttemptError { error: problem, retryable, retry_after: None }
    }
}

/// The server asks for a longer wait than is left: that is reported instead of what the wait is for.
fn too_long(error: Error, wait: Duration) -> Error {
    match error {
        Error::Exchange(ExchangeError { endpoint, attempts, problem }) => {
            let problem = match problem {
                ExchangeProblem::RateLimited { response, .. } => ExchangeProblem::RateLimited { response, wait: Some(wait) },
                ExchangeProblem::Unavailable(response) => ExchangeProblem::UnavailableFor { response, wait },
                other => other,
            };
            ExchangeError { endpoint, attempts, problem }.into()
        }
        other => other,
    }
}
