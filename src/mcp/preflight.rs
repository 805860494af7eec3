//! The preflight: opens the connection as the agent will, and asks for the tools.

use anyhow::Context;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::error::Error;
use super::not_verified::{NotVerified, Obstacle};
use super::server::Server;
use super::session::{Failure, Session};
use super::tools::{ListedTool, Offer};
use super::toolset::Listing;
use super::verdict::Verdict;
use crate::net::retry::{AttemptError, GaveUp, Pause, retry};
use crate::net::{Budget, Http, host_and_port};
use crate::redact::Secret;
use crate::runner::Console;

/// The most tools that are read. Agents have trouble with a hundredth of it.
const MOST_TOOLS: usize = 10_000;

/// The most pages of a list that are read.
const MOST_PAGES: usize = 100;

/// All that the preflight needs.
pub struct Preflight<'a> {
    /// The server.
    pub server: Server<'a>,
    /// The token that the agent will send.
    pub token: &'a Secret,
    /// The other headers that the agent will send.
    pub headers: &'a [(&'static str, String)],
    /// The HTTP client.
    pub http: &'a Http,
    /// The time that is left.
    pub budget: &'a Budget,
    /// What cleans the server's words.
    pub console: &'a Console,
    /// What is told of each retry.
    pub on_retry: &'a dyn Fn(&NotVerified, Pause),
}

/// Why an attempt listed no tools.
enum Outcome {
    Failed(Error),
    NotVerified(NotVerified),
}

impl Preflight<'_> {
    /// Lists the tools that the agent will see, or says why they can't be seen from here.
    ///
    /// # Errors
    /// If the server's answer is one that the agent would get too.
    pub async fn list_tools(&self) -> Result<Listing, Error> {
        let headers = self.headers()?;
        let attempt = async |_| self.attempt(&headers).await;
        let on_retry = |outcome: &Outcome, pause| {
            if let Outcome::NotVerified(not_verified) = outcome {
                (self.on_retry)(not_verified, pause);
            }
        };
        let outcome = match retry(self.budget, attempt, on_retry).await {
            Ok(offer) => return Ok(Listing::Offered(offer)),
            Err(GaveUp::Failed(outcome) | GaveUp::WaitTooLong(outcome, _) | GaveUp::TimedOut(_, Some(outcome))) => outcome,
            Err(GaveUp::TimedOut(_, None)) => {
                Outcome::NotVerified(NotVerified { host: host_and_port(self.server.url), obstacle: Obstacle::NoTime })
            }
        };
        match outcome {
            Outcome::Failed(error) => Err(error),
            Outcome::NotVerified(not_verified) => Ok(Listing::NotVerified(not_verified)),
        }
    }

    async fn attempt(&self, headers: &HeaderMap) -> Result<Offer, AttemptError<Outcome>> {
        match list(self.http, self.server.url, headers).await {
            Ok(listed) => Ok(self.console.with_redactor(|redactor| Offer::of(&listed, redactor))),
            Err(failure) => {
                let verdict = self.console.with_redactor(|redactor| Verdict::on(failure, &self.server, redactor, Timestamp::now()));
                Err(match verdict {
                    Verdict::Failed(error) => AttemptError::permanent(Outcome::Failed(error)),
                    Verdict::NotVerified { not_verified, retryable, retry_after } => {
                        AttemptError { error: Outcome::NotVerified(not_verified), retryable, retry_after }
                    }
                })
            }
        }
    }

    /// What the agent will send.
    fn headers(&self) -> anyhow::Result<HeaderMap> {
        let bearer = Zeroizing::new(format!("Bearer {}", self.token.reveal()));
        let mut authorization = HeaderValue::from_str(&bearer).context("The header Authorization can't be sent")?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, authorization)]);
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(value).with_context(|| format!("The header {name} can't be sent"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }
}

/// One conversation, from its first message to the end of the session.
async fn list(http: &Http, url: &Url, headers: &HeaderMap) -> Result<Vec<ListedTool>, Failure> {
    let mut session = Session::open(http, url, headers).await?;
    let listed = pages(&mut session).await;
    session.close().await;
    listed
}

async fn pages(session: &mut Session<'_>) -> Result<Vec<ListedTool>, Failure> {
    let mut listed = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let params = cursor.take().map(|cursor| json!({ "cursor": cursor }));
        let page = session.request("tools/list", params).await?;
        let tools = page.get("tools").and_then(Value::as_array).ok_or(Failure::NotAResult("tools/list"))?;
        for tool in tools {
            listed.push(ListedTool::read(tool).ok_or(Failure::NotAResult("tools/list"))?);
        }
        if listed.len() > MOST_TOOLS {
            break;
        }
        cursor = page.get("nextCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        if cursor.is_none() {
            return Ok(listed);
        }
    }
    Err(Failure::Endless)
}
