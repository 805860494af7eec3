//! What a failure means: would the agent meet it too, or is it only this container that can't judge the server?

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use super::error::{Error, ServerProblem};
use super::message::RpcError;
use super::message_error::MessageError;
use super::not_verified::{NotVerified, Obstacle, UnclearAnswer};
use super::quoted::Challenge;
use super::server::Server;
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
    pub fn on(failure: MessageError, server: &Server<'_>, redactor: &Redactor, now: Timestamp) -> Self {
        let unusable = |problem| Self::Failed(Error::Unusable { url: server.url.clone(), problem });
        let unclear = |answer| Self::not_verified(server, Obstacle::Answer(answer));
        match failure {
            MessageError::Request(error) => Self::on_request_error(error, server, redactor),
            MessageError::Status(response) => Self::on_status(&response, server, redactor, now),
            MessageError::Internal(error) => Self::Failed(error.into()),
            MessageError::NoAnswer => unusable(ServerProblem::NoAnswer),
            MessageError::OlderTransport => unclear(UnclearAnswer::OlderTransport),
            MessageError::TooManyRedirects => unusable(ServerProblem::TooManyRedirects),
            MessageError::NotMcp(response) => {
                let (status, kind) = (response.status().as_u16(), BodyKind::of(response.headers(), redactor));
                unusable(ServerProblem::NotMcp { status, kind })
            }
            MessageError::NotAMessage(response) => unusable(ServerProblem::NotAMessage(ErrorResponse::read(&response, redactor))),
            MessageError::StreamEnded => Self::passing(server, Obstacle::Answer(UnclearAnswer::StreamEnded)),
            MessageError::OtherId => unclear(UnclearAnswer::OtherId),
            MessageError::NotAResult(method) => unclear(UnclearAnswer::NotAResult(method)),
            MessageError::UnknownVersion(version) => unclear(UnclearAnswer::UnknownVersion(redactor.quote(&version))),
            MessageError::Endless => unclear(UnclearAnswer::Endless),
            MessageError::SessionEnded => Self::passing(server, Obstacle::Answer(UnclearAnswer::SessionEnded)),
            MessageError::Rpc(error) => unclear(UnclearAnswer::rpc(&error, redactor)),
        }
    }

    fn on_status(response: &HttpResponse, server: &Server<'_>, redactor: &Redactor, now: Timestamp) -> Self {
        let said = ErrorResponse::read(response, redactor);
        let (status, headers) = (response.head.status, &response.head.headers);
        let url = server.url.clone();
        if is_retryable(status) {
            let retry_after = retry_after(status, headers, now);
            return Self::NotVerified { not_verified: not_verified(server, Obstacle::Unavailable(said)), retryable: true, retry_after };
        }
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            // Only proxies answer it, and the agent may have another way to the server.
            return Self::not_verified(server, Obstacle::Unavailable(said));
        }
        if status.is_redirection() {
            let location = redactor.quote(&header(headers, "location").unwrap_or_default());
            return Self::Failed(Error::Unusable { url, problem: ServerProblem::Redirect { response: said, location } });
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let challenge = Challenge::read(headers, redactor);
            return Self::Failed(Error::Refused { url, token_from: server.token_from, response: said, challenge });
        }
        // A server that speaks JSON-RPC is there, whatever it dislikes here.
        match MessageError::rpc_error(response) {
            Some(error) => Self::not_verified(server, Obstacle::Answer(UnclearAnswer::rpc(&error, redactor))),
            None => Self::Failed(Error::Unusable { url, problem: ServerProblem::Status(said) }),
        }
    }

    fn on_request_error(error: RequestError, server: &Server<'_>, redactor: &Redactor) -> Self {
        let retryable = error.is_retryable();
        let obstacle = match error {
            RequestError::TooLarge => Obstacle::Answer(UnclearAnswer::TooLarge),
            RequestError::Undecodable(detail) => Obstacle::Answer(UnclearAnswer::Undecodable(redactor.quote(&detail))),
            RequestError::NotHttp(detail) => Obstacle::Answer(UnclearAnswer::NotHttp(redactor.quote(&detail))),
            RequestError::NoAnswer(_, detail) => Obstacle::Unreachable(redactor.quote(&detail)),
            RequestError::ProxyUnreachable(detail) | RequestError::ProxyRefused(detail) => Obstacle::Proxy(redactor.quote(&detail)),
            RequestError::Tls(problem, detail) => Obstacle::Tls(problem, redactor.quote(&detail)),
        };
        Self::NotVerified { not_verified: not_verified(server, obstacle), retryable, retry_after: None }
    }

    /// The next attempt would see the same.
    fn not_verified(server: &Server<'_>, obstacle: Obstacle) -> Self {
        Self::NotVerified { not_verified: not_verified(server, obstacle), retryable: false, retry_after: None }
    }

    /// The next attempt may see something else.
    fn passing(server: &Server<'_>, obstacle: Obstacle) -> Self {
        Self::NotVerified { not_verified: not_verified(server, obstacle), retryable: true, retry_after: None }
    }
}

impl UnclearAnswer {
    fn rpc(error: &RpcError, redactor: &Redactor) -> Self {
        Self::Rpc { code: error.code, message: redactor.quote(&error.message) }
    }
}

fn not_verified(server: &Server<'_>, obstacle: Obstacle) -> NotVerified {
    NotVerified { host: host_and_port(server.url), obstacle }
}
