//! Every way in which the step can fail: a code, what happened, why that is likely, and what to do.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::config_file::problem::FileProblem;
use crate::duration::human;
use crate::github::event::Trigger;
use crate::mcp::selection::Unresolved;
use crate::net::Distrust;
use crate::port::region::{Endpoint, TokenEndpoint};
use crate::redact::Quote;

/// Where each code has a heading of its own.
const TROUBLESHOOTING: &str = "https://github.com/org/port-mcp-auth/blob/v1/docs/troubleshooting.md";

/// The one error type of the run. Text from outside is in it only as [`Quote`].
#[derive(Debug, Clone, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(
    name(Code),
    derive(IntoStaticStr, VariantArray, Hash),
    strum(serialize_all = "snake_case"),
    allow(missing_docs, reason = "as for `Error`"),
    doc = "The code of an error: the output `error_code`, and the heading in `docs/troubleshooting.md`."
)]
#[allow(missing_docs, reason = "the table in docs/troubleshooting.md and `explain` say what each variant means")]
pub enum Error {
    InputMissing { problems: Vec<Problem>, trigger: Trigger },
    InputInvalid { problems: Vec<Problem> },
    CredentialsRejected { endpoint: Endpoint, answer: Answer },
    Forbidden { endpoint: Endpoint, answer: Answer },
    NotFound { endpoint: Endpoint, answer: Answer },
    RequestRejected { endpoint: Endpoint, answer: Answer },
    RateLimited { endpoint: Endpoint, answer: Answer, wait: Option<Duration>, attempts: u32 },
    PortUnavailable { endpoint: Endpoint, answer: Answer, attempts: u32 },
    Unreachable { host: String, detail: Quote, attempts: u32 },
    Proxy { host: String, detail: Quote, variable: &'static str, attempts: u32 },
    Tls { host: String, detail: Quote, distrust: Distrust },
    Redirected { endpoint: Endpoint, answer: Answer, location: Quote },
    BadResponse { endpoint: Endpoint, problem: String, said: Quote },
    TokenExpiring(Shortfall),
    McpRefused { url: Url, token_from: TokenEndpoint, answer: Answer },
    McpError { url: Url, problem: String },
    ToolUnknown(Unresolved),
    ConfigConflict { input: &'static str, at: String, server_name: String, url: String },
    FileWrite { path: String, problem: FileProblem },
    Timeout { budget: Duration, doing: &'static str, before: Option<Box<Error>> },
    Runner { problem: String },
    Cancelled { signal: Signal },
}

/// What is wrong with one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The input's name in `action.yml`.
    pub input: &'static str,
    /// Whether a value is missing, rather than wrong.
    pub missing: bool,
    /// What is wrong, as the rest of a sentence that begins with the input's name.
    pub what: String,
    /// What to write instead, as a sentence.
    pub mend: String,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The server's own words; empty when it had none.
    pub said: Quote,
    /// Port's `x-trace-id`, which its support asks for.
    pub trace_id: Option<Quote>,
}

/// Why a token does not live long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// What the token has left.
    pub left: Duration,
    /// What was asked for in `min_validity`.
    pub needed: Duration,
    /// What was allowed in `max_wait`.
    pub max_wait: Duration,
    /// How long a fresh token lives, where that is known to be less than what was asked for.
    pub lifetime: Option<Duration>,
}

/// The signal that ended the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum Signal {
    /// The runner's first word on cancel.
    #[strum(serialize = "SIGINT")]
    Interrupt,
    /// Its second, 7.5 seconds later.
    #[strum(serialize = "SIGTERM")]
    Terminate,
}

/// What a person is told of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The error's code.
    pub code: Code,
    /// A few words.
    pub title: &'static str,
    /// What happened.
    pub what: String,
    /// Why that is likely.
    pub why: String,
    /// What to do.
    pub mend: String,
}

impl Code {
    /// The code as the output `error_code` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The code's heading in the documentation.
    #[must_use]
    pub fn help_url(self) -> String {
        format!("{TROUBLESHOOTING}#{}", self.as_str())
    }
}

impl Error {
    /// The error's code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.into()
    }

    /// A timeout with what had gone wrong before it; any other error as it is.
    #[must_use]
    pub fn after(self, setback: Option<Self>) -> Self {
        match self {
            Self::Timeout { budget, doing, .. } => Self::Timeout { budget, doing, before: setback.map(Box::new) },
            other => other,
        }
    }

    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Cancelled { signal: Signal::Interrupt } => 130,
            Self::Cancelled { signal: Signal::Terminate } => 143,
            _ => 1,
        }
    }

    /// What a person is told.
    #[must_use]
    pub fn report(&self) -> Report {
        let (title, what, why, mend) = self.explain();
        Report { code: self.code(), title, what, why, mend }
    }

    #[allow(clippy::too_many_lines, reason = "one arm an error: the texts belong side by side")]
    fn explain(&self) -> (&'static str, String, String, String) {
        match self {
            Self::InputMissing { problems, trigger } => {
                let (why, mend) = missing_because(*trigger);
                ("An input is missing", list(problems), why, format!("{}{mend}", mends(problems)))
            }
            Self::InputInvalid { problems } => (
                "An input is not valid",
                list(problems),
                "The step checks all of its inputs before it sends anything.".to_owned(),
                mends(problems).trim_end().to_owned(),
            ),
            Self::CredentialsRejected { endpoint, answer } => (
                "Port rejected the credentials",
                format!("{} {answer}.", asked(endpoint)),
                "Port in this region doesn't know this pair of client id and secret: the region is another one, the secret was rotated, or the two are not of one pair.".to_owned(),
                format!(
                    "{} Otherwise copy both values anew from Port (the `…` menu, *Credentials*) into the repository's secrets.",
                    endpoint.region_hint()
                ),
            ),
            Self::Forbidden { endpoint, answer } => (
                "Port refused this runner",
                format!("{} {answer}.", asked(endpoint)),
                "The organisation has an IP allow-list that this runner's address is not on, or the credentials have no right to a token.".to_owned(),
                "Use a runner with a fixed address that is on the allow-list (a self-hosted or larger runner), or ask a Port admin to add this one. GitHub-hosted runners change their addresses.".to_owned(),
            ),
            Self::NotFound { endpoint, answer } => (
                "Port has no such address or user",
                format!("{} {answer}.", asked(endpoint)),
                "Either these credentials belong to another region, or the URL is not Port's.".to_owned(),
                format!("{} Then check the URL: `{}`.", endpoint.region_hint(), endpoint.url),
            ),
            Self::RequestRejected { endpoint, answer } => (
                "Port rejected the request",
                format!("{} {answer}.", asked(endpoint)),
                "The server at this URL didn't accept the request's form: it is not Port's token endpoint, or the credentials hold something that Port doesn't take.".to_owned(),
                format!(
                    "Check `{}` and the two credentials for stray characters; if they are right, send Port's support the trace id.",
                    url_input(endpoint)
                ),
            ),
            Self::RateLimited { endpoint, answer, wait, attempts } => (
                "Port asks to come back later",
                format!("{} {answer}, {}.", asked(endpoint), tried(*attempts)),
                match wait {
                    Some(wait) => format!("Port asks to wait {} more, which doesn't fit into what is left of `timeout`.", human(*wait)),
                    None => "More jobs ask for tokens at the same time than Port allows from one address (100 requests in 5 minutes).".to_owned(),
                },
                "Raise `timeout`, start fewer jobs at once (`strategy.max-parallel`), or let the jobs start at different times. Runners behind one address share its limit.".to_owned(),
            ),
            Self::PortUnavailable { endpoint, answer, attempts } => (
                "Port is not available",
                format!("{} {answer}, {}.", asked(endpoint), tried(*attempts)),
                "The failure is on Port's side, or on that of a gateway before it.".to_owned(),
                "Look at https://status.port.io, then run the job again.".to_owned(),
            ),
            Self::Unreachable { host, detail, attempts } => (
                "Port can't be reached",
                format!("No answer from `{host}`: {detail}, {}.", tried(*attempts)),
                "The name doesn't resolve here, a firewall drops the connection, or the server closed it. Runners in a private network often have no way out but a proxy.".to_owned(),
                format!("Check the host's name, and that this runner may open connections to `{host}`. If it needs a proxy, set `HTTPS_PROXY` in the step's or the job's `env`."),
            ),
            Self::Proxy { host, detail, variable, attempts } => (
                "The proxy failed",
                format!("The proxy on the way to `{host}` failed: {detail}, {}.", tried(*attempts)),
                "The proxy is not there, wants other credentials, or doesn't let this host through.".to_owned(),
                format!("Check the variable `{variable}`: `http://user:password@host:port`, with special characters percent-encoded. A self-hosted runner sets it from its own settings. Ask for `{host}` to be allowed, or add it to `NO_PROXY` if it is reached without the proxy."),
            ),
            Self::Tls { host, detail, distrust } => {
                let (why, mend) = untrusted_because(*distrust);
                ("No trusted TLS connection", format!("No trusted TLS connection to `{host}`: {detail}."), why.to_owned(), mend.to_owned())
            }
            Self::Redirected { endpoint, answer, location } => (
                "Port's address redirects elsewhere",
                format!("{} {answer} and points to {location}.", asked(endpoint)),
                "The URL is not that of Port's API but of something before it: a login page, or an old host name. Credentials are never sent on to another address.".to_owned(),
                format!("Set `{}` to the final address if you trust it, or leave it out and set `region`.", url_input(endpoint)),
            ),
            Self::BadResponse { endpoint, problem, said } => (
                "Port's answer can't be used",
                if said.is_empty() {
                    format!("{} an answer that can't be used: {problem}.", asked_for(endpoint))
                } else {
                    format!("{} an answer that can't be used: {problem} ({said}).", asked_for(endpoint))
                },
                "What answered is not Port's token endpoint: a proxy's or a login page, another service, or a change on Port's side.".to_owned(),
                format!("Check `{}`. If it is right, run the job again, and report it if it stays.", url_input(endpoint)),
            ),
            Self::TokenExpiring(shortfall) => shortfall.explain(),
            Self::McpRefused { url, token_from, answer } => (
                "The MCP server refuses the token",
                format!("`POST {url}` answered {answer}."),
                match answer.status {
                    403 => "The organisation has an IP allow-list that this runner's address is not on, the credentials have no right to use the MCP server, or a proxy answered instead of Port.",
                    _ => "Port issued the token, but this MCP server doesn't take it: it takes those of Port's other token endpoint, or belongs to another region.",
                }
                .to_owned(),
                format!(
                    "{}Set `token_endpoint: {}`, and check that `region` or `mcp_url` names the MCP server of the organisation that the credentials belong to.",
                    if answer.status == 403 { "Use a runner whose address is on the allow-list, or give the credentials the right. If it is neither: " } else { "" },
                    token_from.other()
                ),
            ),
            Self::McpError { url, problem } => (
                "The MCP server gives no tools",
                format!("`POST {url}` gave an answer that an agent can't use either: {problem}."),
                "What answered is not Port's MCP server: a mistake in the URL, a proxy's or a login page, or a change on Port's side.".to_owned(),
                "Check `mcp_url` (EU: `https://mcp.port.io/v1`, US: `https://mcp.us.port.io/v1`). If it is right, run the job again, and report it if it stays. `verify: false` turns this check off.".to_owned(),
            ),
            Self::ToolUnknown(unresolved) => unresolved.explain(),
            Self::ConfigConflict { input, at, server_name, url } => (
                "The config has another server of this name",
                format!("`{input}` has a server at {at} already, and it is not `{url}`."),
                "One name can't stand for two servers, and the one that is there is yours: it is not replaced unseen. It may be Port in another region, or started in another way.".to_owned(),
                format!("Choose another name in `server_name` than `{server_name}`, or remove that server from the config."),
            ),
            Self::FileWrite { path, problem } => (
                "The config file can't be written",
                format!("`config_file` (`{path}`) {problem}."),
                problem.why().to_owned(),
                problem.mend().to_owned(),
            ),
            Self::Timeout { budget, doing, before } => (
                "The time is up",
                match before {
                    Some(before) => format!("The step's {} ended {doing}. Before that: {before}", human(*budget)),
                    None => format!("The step's {} ended {doing}.", human(*budget)),
                },
                "A server or a proxy took the request and didn't answer.".to_owned(),
                "Run the job again. If it happens often, raise `timeout`, and look for a proxy or firewall that holds connections.".to_owned(),
            ),
            Self::Runner { problem } => (
                "The runner's files can't be used",
                problem.clone(),
                "The runner hands each step files to write to. They are missing when the image is run by hand without them, and can't be written when the disk is full.".to_owned(),
                "Run this as a step (`uses: org/port-mcp-auth@v1`), or, by hand, mount a file and name it in `GITHUB_OUTPUT`. Check the runner's free disk space.".to_owned(),
            ),
            Self::Cancelled { signal } => (
                "The step was cancelled",
                format!("The runner sent {signal}."),
                "Someone cancelled the run, a newer run replaced it (`concurrency`), or the job's time was up.".to_owned(),
                "Nothing was written. Run the job again if it is still wanted.".to_owned(),
            ),
        }
    }
}

impl Shortfall {
    fn explain(&self) -> (&'static str, String, String, String) {
        let left = human(self.left);
        let needed = human(self.needed);
        let what = if self.left.is_zero() {
            "Port's token has already expired.".to_owned()
        } else {
            format!("Port's token lives only {left} more; `min_validity` asks for {needed}.")
        };
        let (why, mend) = match self.lifetime {
            Some(lifetime) => (
                format!("A fresh token lives {}: none can meet `min_validity`.", human(lifetime)),
                format!("Set `min_validity` below {}, and get another token in a later step for longer work.", human(lifetime)),
            ),
            None if self.left.is_zero() && self.max_wait.is_zero() => (
                "The answer holds a token whose end lies in the past: it is about to be replaced, or this runner's clock is wrong."
                    .to_owned(),
                "Run the job again, or set `max_wait: 2m`. On a self-hosted runner check the clock.".to_owned(),
            ),
            None => (
                "Port hands out the same token to all jobs until it expires, so one near its end can't be replaced early.".to_owned(),
                format!(
                    "Set `max_wait` to at least {} so that the step can wait for a fresh token, or lower `min_validity`.",
                    human(self.left + Duration::from_mins(1))
                ),
            ),
        };
        ("The token ends too soon", what, why, mend)
    }
}

fn untrusted_because(distrust: Distrust) -> (&'static str, &'static str) {
    match distrust {
        Distrust::Signer => (
            "Nobody that this container trusts signed the certificate: most likely a proxy inspects TLS and signs with a root of its own.",
            "Give the proxy's root certificate in `ca_bundle` (PEM text, or a file in the workspace). Certificates of the runner's own system are not seen inside the container.",
        ),
        Distrust::Date => (
            "The certificate's time is over or has not come yet, or this runner's clock is wrong.",
            "On a self-hosted runner check the clock. Else whoever runs this server, or the proxy before it, has to renew the certificate: no input can make it good.",
        ),
        Distrust::Name => (
            "The certificate belongs to another host: the URL's host name is wrong, or something else answers in its place.",
            "Check the host's name in the URL, and what its name resolves to on this runner.",
        ),
        Distrust::Handshake => (
            "What answers at this address speaks no TLS that this step takes (1.2 or 1.3), or its certificate breaks the rules.",
            "Check the URL's scheme and port. If a proxy or gateway stands before Port, look at what it makes of TLS.",
        ),
    }
}

fn missing_because(trigger: Trigger) -> (String, String) {
    let (why, mend) = match trigger {
        Trigger::Fork => (
            "This run is of a pull request from a fork: GitHub gives such runs no secrets.",
            "Skip the job there (`if: github.event.pull_request.head.repo.full_name == github.repository`), or run it after the merge.",
        ),
        Trigger::Dependabot => (
            "Dependabot started this run: it sees no Actions secrets, only Dependabot's own.",
            "Add the secrets under Settings › Secrets and variables › Dependabot, or skip the job (`if: github.actor != 'dependabot[bot]'`).",
        ),
        Trigger::Other => (
            "A secret that doesn't exist is empty: its name is misspelt, it is in another environment, or the caller of a reusable workflow didn't pass it.",
            "Compare the names under Settings › Secrets and variables › Actions; name the job's `environment` if the secret is in one; pass secrets to reusable workflows with `secrets: inherit`.",
        ),
    };
    (why.to_owned(), mend.to_owned())
}

fn list(problems: &[Problem]) -> String {
    let sentences: Vec<_> = problems.iter().map(|problem| format!("`{}` {}.", problem.input, problem.what)).collect();
    sentences.join(" ")
}

fn mends(problems: &[Problem]) -> String {
    problems.iter().filter(|problem| !problem.mend.is_empty()).fold(String::new(), |text, problem| text + &problem.mend + " ")
}

fn asked(endpoint: &Endpoint) -> String {
    format!("`POST {}` answered", endpoint.url)
}

fn asked_for(endpoint: &Endpoint) -> String {
    format!("`POST {}` gave", endpoint.url)
}

fn url_input(endpoint: &Endpoint) -> &'static str {
    match endpoint.kind {
        TokenEndpoint::Api => "auth_base_url",
        TokenEndpoint::Mcp => "mcp_url",
    }
}

fn tried(attempts: u32) -> String {
    match attempts {
        0 => "before anything was sent".to_owned(),
        1 => "after 1 attempt".to_owned(),
        _ => format!("after {attempts} attempts"),
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.said.is_empty() {
            write!(f, ", {}", self.said)?;
        }
        if let Some(trace_id) = &self.trace_id {
            write!(f, " (trace id {trace_id})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report().what)
    }
}

impl std::error::Error for Error {}
