//! The preflight: opens the connection as the agent will, and asks for the tools.

use std::collections::HashSet;

use anyhow::Context;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::error::Error;
use super::message_error::MessageError;
use super::not_verified::{NotVerified, Obstacle};
use super::quoted::QuotedViolation;
use super::schema::{self, AnswerReader, Violation};
use super::server::Server;
use super::session::Session;
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
    /// What the agent reads the answers with.
    pub reader: AnswerReader,
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
enum ListError {
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
        let on_retry = |outcome: &ListError, pause| {
            if let ListError::NotVerified(not_verified) = outcome {
                (self.on_retry)(not_verified, pause);
            }
        };
        let outcome = match retry(self.budget, attempt, on_retry).await {
            Ok(offer) => return Ok(Listing::Offered(offer)),
            Err(GaveUp::Failed(outcome) | GaveUp::WaitTooLong(outcome, _) | GaveUp::TimedOut(_, Some(outcome))) => outcome,
            Err(GaveUp::TimedOut(_, None)) => {
                ListError::NotVerified(NotVerified { host: host_and_port(self.server.url), obstacle: Obstacle::NoTime })
            }
        };
        match outcome {
            ListError::Failed(error) => Err(error),
            ListError::NotVerified(not_verified) => Ok(Listing::NotVerified(not_verified)),
        }
    }

    async fn attempt(&self, headers: &HeaderMap) -> Result<Offer, AttemptError<ListError>> {
        match list(self.http, self.server.url, headers, self.reader).await {
            Ok(list) => self.judge(&list),
            Err(failure) => {
                let verdict = self.console.with_redactor(|redactor| Verdict::on(failure, &self.server, redactor, Timestamp::now()));
                Err(match verdict {
                    Verdict::Failed(error) => AttemptError::permanent(ListError::Failed(error)),
                    Verdict::NotVerified { not_verified, retryable, retry_after } => {
                        AttemptError { error: ListError::NotVerified(not_verified), retryable, retry_after }
                    }
                })
            }
        }
    }

    /// A list is good unless the agent would throw it away.
    fn judge(&self, list: &List) -> Result<Offer, AttemptError<ListError>> {
        self.console.with_redactor(|redactor| {
            let fatal = list.violations.iter().find(|violation| violation.is_fatal_for(self.reader) == Some(true));
            if let Some(violation) = fatal {
                let error = Error::Rejected { url: self.server.url.clone(), violation: QuotedViolation::of(violation, redactor) };
                return Err(AttemptError::permanent(ListError::Failed(error)));
            }
            let unclear = list.violations.iter().find(|violation| violation.is_fatal_for(self.reader).is_none());
            let violation = unclear.map(|violation| QuotedViolation::of(violation, redactor));
            Ok(Offer { violation, ..Offer::of(&list.tools, redactor) })
        })
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

/// The tools of a server, and what its answers have that MCP's schema doesn't allow.
#[derive(Default)]
struct List {
    tools: Vec<ListedTool>,
    violations: Vec<Violation>,
}

/// One conversation, from its first message to the end of the session. A session that the server has ended is replaced once, as the
/// specification demands (2025-11-25, Session Management, point 4).
async fn list(http: &Http, url: &Url, headers: &HeaderMap, reader: AnswerReader) -> Result<List, MessageError> {
    match list_in_one_session(http, url, headers, reader).await {
        Err(MessageError::SessionEnded) => list_in_one_session(http, url, headers, reader).await,
        listed => listed,
    }
}

async fn list_in_one_session(http: &Http, url: &Url, headers: &HeaderMap, reader: AnswerReader) -> Result<List, MessageError> {
    let mut session = Session::open(http, url, headers, reader).await?;
    let listed = pages(&mut session).await;
    if let Err(MessageError::Status(response)) = &listed
        && response.head.status == StatusCode::NOT_FOUND
        && session.has_id()
    {
        return Err(MessageError::SessionEnded);
    }
    let violations = std::mem::take(&mut session.violations);
    session.close().await;
    let mut list = listed?;
    list.violations.splice(..0, violations);
    Ok(list)
}

async fn pages(session: &mut Session<'_>) -> Result<List, MessageError> {
    let mut list = List::default();
    let mut cursor: Option<String> = None;
    let mut cursors = HashSet::new();
    for _ in 0..MOST_PAGES {
        let params = cursor.take().map(|cursor| json!({ "cursor": cursor }));
        let page = session.request("tools/list", params).await?;
        let tools = page.get("tools").and_then(Value::as_array).ok_or(MessageError::NotAResult("tools/list"))?;
        list.violations.extend(page.as_object().and_then(|page| schema::of_page(page, session.revision())));
        for tool in tools {
            list.violations.extend(schema::of_tool(tool, session.revision()));
            list.tools.extend(ListedTool::read(tool));
        }
        if list.tools.len() > MOST_TOOLS {
            break;
        }
        cursor = page.get("nextCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        // Agents stop at a cursor that they know.
        if cursor.as_ref().is_none_or(|cursor| !cursors.insert(cursor.clone())) {
            return Ok(list);
        }
    }
    Err(MessageError::Endless)
}
