//! What a failure means: would the agent meet it too, or is it only this container that can't judge the server?

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use super::error::{Error, ServerProblem};
use super::not_verified::{NotVerified, Obstacle};
use super::server::Server;
use super::session::Failure;
use crate::net::retry::{is_retryable, retry_after};
use crate::net::{HttpResponse, RequestError, host_and_port};
use crate::port::{BodyKind, ErrorResponse, header};
use crate::redact::Redactor;

/// What a failure comes to.
#[derive(Debug)]
pub enum Verdict {
    /// The agent would meet it too.
    Failed(Error),
    /// The agent may see something else.
    NotVerified {
        /// What was seen from here.
        not_verified: NotVerified,
        /// Whether the next attempt may see something else.
        retryable: bool,
        /// How long the server asks to wait before it.
        retry_after: Option<Duration>,
    },
}

impl Verdict {
    /// Judges a failure.
    pub fn on(failure: Failure, server: &Server<'_>, redactor: &Redactor, now: Timestamp) -> Self {
        let problem = match failure {
            Failure::Request(error) => return Self::on_request_error(error, server, redactor),
            Failure::Status(response) => return Self::on_status(&response, server, redactor, now),
            Failure::Internal(error) => return Self::Failed(error.into()),
            Failure::NotMcp(response) => {
                ServerProblem::NotMcp { status: response.head.status.as_u16(), kind: BodyKind::of(&response.head.headers, redactor) }
            }
            Failure::NotAMessage(response) => ServerProblem::NotAMessage(ErrorResponse::read(&response, redactor)),
            Failure::NotAMessageEvent => ServerProblem::NotAMessageEvent,
            Failure::NotEvents => ServerProblem::NotEvents,
            Failure::OtherId => ServerProblem::OtherId,
            Failure::NotAResult(method) => ServerProblem::NotAResult(method),
            Failure::UnknownVersion(version) => ServerProblem::UnknownVersion(redactor.quote(&version)),
            Failure::Endless => ServerProblem::Endless,
            Failure::Rpc(error) => ServerProblem::Rpc { code: error.code, message: redactor.quote(&error.message) },
        };
        Self::unusable(server, problem)
    }

    fn on_status(response: &HttpResponse, server: &Server<'_>, redactor: &Redactor, now: Timestamp) -> Self {
        let said = ErrorResponse::read(response, redactor);
        let (status, headers) = (response.head.status, &response.head.headers);
        if is_retryable(status) {
            let retry_after = retry_after(status, headers, now);
            return Self::NotVerified { not_verified: not_verified(server, Obstacle::Unavailable(said)), retryable: true, retry_after };
        }
        if status.is_redirection() {
            let location = redactor.quote(&header(headers, "location").unwrap_or_default());
            return Self::unusable(server, ServerProblem::Redirect { response: said, location });
        }
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Self::Failed(Error::Refused { url: server.url.clone(), token_from: server.token_from, response: said })
            }
            _ => Self::unusable(server, ServerProblem::Status(said)),
        }
    }

    fn on_request_error(error: RequestError, server: &Server<'_>, redactor: &Redactor) -> Self {
        let retryable = error.is_retryable();
        let obstacle = match error {
            RequestError::TooLarge => return Self::unusable(server, ServerProblem::TooLarge),
            RequestError::NotHttp(detail) => return Self::unusable(server, ServerProblem::NotHttp(redactor.quote(&detail))),
            RequestError::Unreachable(detail) | RequestError::NoAnswer(_, detail) => Obstacle::Unreachable(redactor.quote(&detail)),
            RequestError::ProxyUnreachable(detail) | RequestError::ProxyRefused(detail) => Obstacle::Proxy(redactor.quote(&detail)),
            RequestError::Tls(problem, detail) => Obstacle::Tls(problem, redactor.quote(&detail)),
        };
        Self::NotVerified { not_verified: not_verified(server, obstacle), retryable, retry_after: None }
    }

    fn unusable(server: &Server<'_>, problem: ServerProblem) -> Self {
        Self::Failed(Error::Unusable { url: server.url.clone(), problem })
    }
}

fn not_verified(server: &Server<'_>, obstacle: Obstacle) -> NotVerified {
    NotVerified { host: host_and_port(server.url), obstacle }
}
