//! The exchange: client credentials in, a token out, asked for again while that makes sense.

use jiff::Timestamp;
use reqwest::Request;
use serde::Serialize;

use super::answer::{self, Setback};
use super::region::{Endpoint, TokenEndpoint};
use super::retry::{self, MAX_ATTEMPTS};
use super::token::Token;
use crate::budget::Budget;
use crate::error::Error;
use crate::github::console::Console;
use crate::inputs::Credentials;
use crate::net::{Fault, Http};

/// All that one exchange needs.
pub struct Exchange<'a, 'out> {
    /// Where the token is issued.
    pub endpoint: &'a Endpoint,
    /// What it is issued for.
    pub credentials: &'a Credentials,
    /// The way there.
    pub http: &'a Http,
    /// Where each retry is told.
    pub console: &'a Console<'out>,
}

/// The body of `POST /auth/access_token`. <https://docs.port.io/api-reference/create-an-access-token>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiRequest<'a> {
    client_id: &'a str,
    client_secret: &'a str,
}

/// RFC 6749 section 4.4.2, with the credentials in the body as section 2.3.1 allows: no secret in a header that proxies log.
#[derive(Serialize)]
struct OauthRequest<'a> {
    grant_type: &'static str,
    client_id: &'a str,
    client_secret: &'a str,
}

impl Exchange<'_, '_> {
    /// Asks for a token, up to [`MAX_ATTEMPTS`] times within the budget.
    ///
    /// # Errors
    /// The last attempt's error; [`Error::RateLimited`] at once when the server asks for a longer wait than is left.
    pub async fn token(&self, budget: &Budget) -> Result<Token, Error> {
        let mut attempt = 1;
        let mut before = None;
        loop {
            let asked = budget.spend("while Port's answer was awaited", self.ask(attempt)).await;
            let setback = match asked.map_err(|timeout| timeout.after(before))? {
                Ok(token) => return Ok(token),
                Err(setback) => setback,
            };
            if !setback.passing || attempt == MAX_ATTEMPTS {
                return Err(setback.error);
            }
            let pause = retry::pause(attempt, setback.wait, retry::chance());
            if pause >= budget.left() {
                return Err(too_long(setback));
            }
            attempt += 1;
            self.console.info(&format!(
                "{} Trying again in {:.1} s (attempt {attempt} of {MAX_ATTEMPTS}).",
                setback.error,
                pause.as_secs_f64()
            ));
            tokio::time::sleep(pause).await;
            before = Some(setback.error);
        }
    }

    async fn ask(&self, attempt: u32) -> Result<Token, Setback> {
        let request = self.request().map_err(Setback::final_)?;
        let answered = self.http.send(request).await.map_err(|fault| self.setback(fault, attempt))?;
        self.console.with_redactor(|redactor| answer::read(self.endpoint, &answered, redactor, attempt, Timestamp::now()))
    }

    fn request(&self) -> Result<Request, Error> {
        let (client_id, client_secret) = (self.credentials.client_id.as_str(), self.credentials.client_secret.reveal());
        let request = self.http.client().post(self.endpoint.url.clone()).header("accept", "application/json");
        let request = match self.endpoint.kind {
            TokenEndpoint::Api => request.json(&ApiRequest { client_id, client_secret }),
            TokenEndpoint::Mcp => request.form(&OauthRequest { grant_type: "client_credentials", client_id, client_secret }),
        };
        request
            .build()
            .map_err(|error| Error::Runner { problem: format!("The request can't be made: {}.", self.console.quote(&error.to_string())) })
    }

    fn setback(&self, fault: Fault, attempts: u32) -> Setback {
        let host = self.endpoint.host();
        let variable = self.http.proxy_variable(&self.endpoint.url).unwrap_or("HTTPS_PROXY");
        let quote = |detail: String| self.console.quote(&detail);
        let bad = |problem: String| Error::BadResponse { endpoint: self.endpoint.clone(), problem, said: quote(String::new()) };
        match fault {
            Fault::Unreachable(detail) => Setback::passing(Error::Unreachable { host, detail: quote(detail), attempts }),
            Fault::ProxyUnreachable(detail) => Setback::passing(Error::Proxy { host, detail: quote(detail), variable, attempts }),
            Fault::ProxyRefused(detail) => Setback::final_(Error::Proxy { host, detail: quote(detail), variable, attempts }),
            Fault::Tls(distrust, detail) => Setback::final_(Error::Tls { host, detail: quote(detail), distrust }),
            Fault::TooLarge => Setback::final_(bad("its body is larger than 1 MiB".to_owned())),
            Fault::NotHttp(detail) => Setback::final_(bad(format!("it is not HTTP: {}", quote(detail)))),
        }
    }
}

/// The server asks for more time than there is: that is said instead of what it was asked for.
fn too_long(setback: Setback) -> Error {
    let Some(wait) = setback.wait else {
        return setback.error;
    };
    match setback.error {
        Error::RateLimited { endpoint, answer, attempts, .. } | Error::PortUnavailable { endpoint, answer, attempts } => {
            Error::RateLimited { endpoint, answer, wait: Some(wait), attempts }
        }
        other => other,
    }
}
