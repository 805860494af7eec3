//! What a failure means: would the agent get it too, or is it only this container that can't see the server?

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use super::transport::Failure;
use crate::error::{Answer, Error};
use crate::github::console::Console;
use crate::net::{Distrust, Fault};
use crate::port::answer;
use crate::port::region::{TokenEndpoint, host_of};
use crate::port::retry::{asked_wait, is_passing};
use crate::redact::Redactor;

/// The server that is asked, as texts need it.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// Its address.
    pub url: &'a reqwest::Url,
    /// What issued the token that it is shown.
    pub token_from: TokenEndpoint,
}

/// What a failure comes to.
#[derive(Debug)]
pub enum Verdict {
    /// The agent would get the same answer.
    Definite(Error),
    /// The agent may see something else.
    Unseen {
        /// What was seen from here.
        unseen: Unseen,
        /// Whether asking again makes sense.
        passing: bool,
        /// How long the server asks to wait first.
        wait: Option<Duration>,
    },
}

/// Why the server can't be judged from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    host: String,
    what: String,
    mend: &'static str,
}

impl Verdict {
    /// Judges a failure.
    #[must_use]
    pub fn on(failure: Failure, server: &Server<'_>, redactor: &Redactor, now: Timestamp) -> Self {
        let wrong = |problem: String| Self::Definite(Error::McpError { url: server.url.clone(), problem });
        let kind_of = |answered| answer::kind_of_body(answered, redactor);
        match failure {
            Failure::Status(answered) => {
                let answer = answer::describe(&answered, redactor);
                let (status, headers) = (answered.head.status, &answered.head.headers);
                if is_passing(status) {
                    let wait = asked_wait(status, headers, now);
                    return Self::Unseen { unseen: Unseen::unavailable(server, &answer), passing: true, wait };
                }
                if status.is_redirection() {
                    let location = answer::header(headers, "location").unwrap_or_default();
                    return wrong(format!(
                        "it redirects ({answer}) to {}, and the token is never sent on to another address",
                        redactor.quote(&location)
                    ));
                }
                match status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                        Self::Definite(Error::McpRefused { url: server.url.clone(), token_from: server.token_from, answer })
                    }
                    _ => wrong(answer.to_string()),
                }
            }
            Failure::NotMcp(answered) => wrong(format!("{}, {}", answered.head.status.as_u16(), kind_of(&answered.head.headers))),
            Failure::NotAMessage(answered) => wrong(format!("it is no JSON-RPC message but {}", answer::describe(&answered, redactor))),
            Failure::Nonsense(problem, None) => wrong(problem.to_owned()),
            Failure::Nonsense(problem, Some(said)) => wrong(format!("{problem}: {}", redactor.quote(&said))),
            Failure::Rpc(code, message) => wrong(format!("the JSON-RPC error {code}, {}", redactor.quote(&message))),
            Failure::Fault(Fault::TooLarge) => wrong("it is larger than 1 MiB".to_owned()),
            Failure::Fault(Fault::NotHttp(detail)) => wrong(format!("it is not HTTP: {}", redactor.quote(&detail))),
            Failure::Fault(Fault::Unreachable(detail)) => {
                Self::out_of_reach(server, format!("no answer: {}", redactor.quote(&detail)), true, FROM_ELSEWHERE)
            }
            Failure::Fault(Fault::ProxyUnreachable(detail)) => Self::out_of_reach(server, proxy(redactor, &detail), true, BY_PROXY),
            Failure::Fault(Fault::ProxyRefused(detail)) => Self::out_of_reach(server, proxy(redactor, &detail), false, BY_PROXY),
            Failure::Fault(Fault::Tls(distrust, detail)) => {
                let mend = if distrust == Distrust::Signer { BY_SIGNER } else { BY_CERTIFICATE };
                Self::out_of_reach(server, format!("no trusted TLS connection: {}", redactor.quote(&detail)), false, mend)
            }
        }
    }

    fn out_of_reach(server: &Server<'_>, what: String, passing: bool, mend: &'static str) -> Self {
        Self::Unseen { unseen: Unseen::new(server, what, mend), passing, wait: None }
    }
}

const FROM_ELSEWHERE: &str = "Check `mcp_url`, and that the machine on which the agent runs may open connections to it.";
const BY_PROXY: &str = "Check the proxy's settings: the agent uses those of the step that it runs in.";
const BY_SIGNER: &str =
    "An agent on the runner trusts the runner's certificates, this container only those in `ca_bundle` and the public ones.";
const BY_CERTIFICATE: &str = "An agent is likely to see the same certificate and to refuse it too: check `mcp_url`.";
const LATER: &str = "This may be over by the time the agent asks; look at https://status.port.io if it stays.";
const TOO_SLOW: &str = "Raise `timeout` if the server needs longer; an agent waits for it with a limit of its own.";

fn proxy(redactor: &Redactor, detail: &str) -> String {
    format!("the proxy on the way failed: {}", redactor.quote(detail))
}

impl Unseen {
    fn new(server: &Server<'_>, what: String, mend: &'static str) -> Self {
        Self { host: host_of(server.url), what, mend }
    }

    fn unavailable(server: &Server<'_>, answer: &Answer) -> Self {
        Self::new(server, format!("it is not available and answered {answer}"), LATER)
    }

    /// The step's time ended before there was an answer.
    #[must_use]
    pub fn silent(server: &Server<'_>) -> Self {
        Self::new(server, "no answer before the step's time was up".to_owned(), TOO_SLOW)
    }

    /// Says that the connection was not verified, and what may come of it.
    pub fn warn(&self, console: &Console<'_>) {
        console.warning(
            "The MCP connection is not verified",
            &format!(
                "{self} The token was issued and the step goes on, since the agent may run elsewhere. If it can't reach the server either, it starts without Port's tools, often without a word. {} `verify: false` turns this check off.",
                self.mend
            ),
        );
    }
}

/// A sentence.
impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The MCP server at `{}` can't be checked from this container: {}.", self.host, self.what)
    }
}
