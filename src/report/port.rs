//! Texts for problems with Port, and on the way there.

use std::time::Duration;

use super::code::Code;
use super::explanation::Explanation;
use super::words::human;
use super::{internal, runner, tls};
use crate::net::{NoAnswer, Phase, ProxyUrlProblem};
use crate::port::{
    EndFrom, Endpoint, Error, ErrorResponse, ExchangeError, ExchangeProblem, Region, ResponseProblem, Shortfall, TokenEndpoint,
};
use crate::redact::{Quote, Redactor};

/// Where Port says whether it is available.
const STATUS_PAGE: &str = "Look at https://status.port.io.";

/// At least what is added to a wait that Port asks for.
const LONGEST_JITTER: Duration = Duration::from_secs(10);

pub fn explain(error: &Error, redactor: &Redactor) -> Explanation {
    match error {
        Error::Exchange(error) => explain_exchange(error),
        Error::Expiring(shortfall) => explain_expiring(shortfall),
        Error::TimedOut { limit, phase, host, previous } => {
            let before = previous.as_ref().map(|error| format!(" Before that: {}", explain(error, redactor).what)).unwrap_or_default();
            let (awaited, why, fix) = still_awaited(*phase, host);
            let was_unavailable =
                matches!(previous.as_deref(), Some(Error::Exchange(error)) if matches!(error.problem, ExchangeProblem::Unavailable(_)));
            let fix = if was_unavailable { format!("{fix} {STATUS_PAGE}") } else { fix.to_owned() };
            Explanation::new(
                Code::Timeout,
                "The time is up",
                format!("The step's {} ended while {awaited}.{before}", human(limit.0)),
                why,
                fix,
            )
        }
        Error::Organization { expected, found } => {
            let what = match found {
                Some(found) => format!("The credentials belong to the organization {found}, and `organization` asks for `{expected}`."),
                None => format!("The token doesn't name its organization, and `organization` asks for `{expected}`."),
            };
            Explanation::new(
                Code::CredentialsRejected,
                "The credentials belong to another organization",
                what,
                "The two secrets were created in another organization of Port, or `organization` names the wrong one. The step would have worked on the wrong catalog.",
                "Copy the credentials anew from the right organization (the `…` menu, *Credentials*) into the repository's secrets, or correct `organization`.",
            )
        }
        Error::Runner(error) => runner::explain(error, redactor),
        Error::Internal(error) => internal::explain(error, redactor),
    }
}

/// What was awaited when the time was up: what happened, why that is likely, and what to do.
fn still_awaited(phase: Phase, host: &str) -> (String, &'static str, &'static str) {
    match phase {
        Phase::LookUp => (
            format!("DNS was asked for the address of `{host}`, or of the proxy on the way there"),
            "The name servers of this container's network don't answer, or only after several attempts. Nothing was sent to Port.",
            "Check the name servers of this runner and of its containers (`/etc/resolv.conf`, Docker's `dns` setting). If they are only slow, raise `timeout`.",
        ),
        Phase::Connection => (
            format!("a connection to `{host}` was opened"),
            "A firewall drops the packets, a proxy doesn't answer, or the server doesn't set up TLS. Nothing was sent to Port.",
            "Check that this runner may open connections to this host. If it needs a proxy, set `HTTPS_PROXY` in the step's or the job's `env`.",
        ),
        Phase::Answer => (
            "Port's answer was awaited".to_owned(),
            "A server or a proxy took the request and didn't answer.",
            "Run the job again. If it happens often, raise `timeout`, and look for a proxy or firewall that holds connections.",
        ),
        Phase::Body => (
            "the rest of Port's answer was awaited".to_owned(),
            "The answer began, and its body didn't arrive whole: the server, or a proxy or firewall on the way, holds it.",
            "Run the job again. If it happens often, raise `timeout`, and look for a proxy or firewall that inspects answers.",
        ),
    }
}

fn explain_exchange(error: &ExchangeError) -> Explanation {
    let ExchangeError { endpoint, attempts, problem } = error;
    let answered = |response: &ErrorResponse| format!("`POST {}` answered {response}.", endpoint.url);
    let answered_repeatedly = |response: &ErrorResponse| format!("`POST {}` answered {response}, {}.", endpoint.url, after(*attempts));
    match problem {
        ExchangeProblem::CredentialsRejected(response) => Explanation::new(
            Code::CredentialsRejected,
            "Port rejected the credentials",
            answered(response),
            "Port in this region doesn't know this pair of client id and secret: the region is another one, the secret was rotated, or the two are not of one pair.",
            format!(
                "{} Otherwise copy both values anew from Port (the `…` menu, *Credentials*) into the repository's secrets.",
                region_hint(endpoint)
            ),
        ),
        ExchangeProblem::Forbidden(response) => {
            let (why, fix) = forbidden_because(response, &endpoint.host());
            Explanation::new(Code::Forbidden, "Port refused this runner", answered(response), why, fix)
        }
        ExchangeProblem::NotFound(response) => {
            let (why, fix) = not_found_because(response, endpoint);
            Explanation::new(Code::NotFound, "Port has no such address or user", answered(response), why, fix)
        }
        ExchangeProblem::RequestRejected(response) => request_rejected(endpoint, response),
        ExchangeProblem::RateLimited { response, wait } => Explanation::new(
            Code::RateLimited,
            "Port asks to come back later",
            answered_repeatedly(response),
            rate_limited_because(endpoint.kind, *wait),
            rate_limited_fix(*wait),
        ),
        ExchangeProblem::Unavailable(response) => Explanation::new(
            Code::PortUnavailable,
            "Port is not available",
            answered_repeatedly(response),
            "The failure is on Port's side, or on that of a gateway before it.",
            "Look at https://status.port.io, then run the job again.",
        ),
        ExchangeProblem::UnavailableFor { response, wait } => Explanation::new(
            Code::RateLimited,
            "Port asks to come back later",
            answered_repeatedly(response),
            format!("Port is not available, and asks to wait {} more, which doesn't fit into what is left of `timeout`.", human(*wait)),
            "Look at https://status.port.io, and run the job again after that time, or raise `timeout`.",
        ),
        ExchangeProblem::ProxyCredentials { response, variable, proxied } => Explanation::new(
            Code::Proxy,
            "The proxy wants credentials",
            answered(response),
            "Only proxies answer 407: the request got no further than to one.",
            if *proxied {
                format!("Check the user name and the password in the variable `{variable}`, with special characters percent-encoded.")
            } else {
                "No proxy variable applies to this address, so this proxy takes connections by itself. Set `HTTPS_PROXY` to it, with a user name and a password, or ask for this runner to be let through.".to_owned()
            },
        ),
        ExchangeProblem::NetworkSignIn(response) => Explanation::new(
            Code::Proxy,
            "The network wants a sign-in",
            answered(response),
            "The network that this runner is in answers in Port's place until someone signs in (a captive portal). Nothing reached Port.",
            "Sign this machine in to its network, or ask whoever runs it to let the runner through.",
        ),
        ExchangeProblem::Redirected { response, location } => Explanation::new(
            Code::Redirected,
            "Port's address redirects elsewhere",
            format!("`POST {}` answered {response} and points to {location}.", endpoint.url),
            "The URL is not that of Port's API but of something before it: a login page, or an old host name. Credentials are never sent on to another address.",
            format!("Set `{}` to the final address if you trust it, or leave it out and set `region`.", url_input(endpoint)),
        ),
        ExchangeProblem::BadResponse { problem, message } => bad_response(endpoint, problem, message),
        ExchangeProblem::Unreachable { detail, cause } => unreachable_host(&endpoint.host(), detail, *cause, *attempts),
        ExchangeProblem::Proxy { detail, variable } => proxy_failed(&endpoint.host(), detail, variable, *attempts),
        ExchangeProblem::Tls { detail, problem } => {
            let (why, fix) = tls::because(*problem);
            let what = format!("No trusted TLS connection to `{}`: {detail}.", endpoint.host());
            Explanation::new(Code::Tls, "No trusted TLS connection", what, why, fix)
        }
    }
}

fn request_rejected(endpoint: &Endpoint, response: &ErrorResponse) -> Explanation {
    let why = if response.status == 413 {
        "The server, or a proxy before it, says that the request is too large. Besides the two credentials there is next to nothing in it."
    } else {
        "The server at this URL didn't accept the request's form: it is not Port's token endpoint, or the credentials hold something that Port doesn't take."
    };
    Explanation::new(
        Code::RequestRejected,
        "Port rejected the request",
        format!("`POST {}` answered {response}.", endpoint.url),
        why,
        format!(
            "Check `{}` and the two credentials for stray characters; if they are right, send Port's support the trace id.",
            url_input(endpoint)
        ),
    )
}

fn bad_response(endpoint: &Endpoint, problem: &ResponseProblem, message: &Quote) -> Explanation {
    let said = if message.is_empty() { String::new() } else { format!(" ({message})") };
    let (why, check) = match problem {
        ResponseProblem::NotOk => (
            "The endpoint refused the request: `ok: false` is how Port's API marks an error, here with the status of a success.",
            "Look at the server's words, then check the two credentials and",
        ),
        ResponseProblem::NotJson(_) | ResponseProblem::NotHttp(_) | ResponseProblem::Undecodable(_) | ResponseProblem::TooLarge => (
            "What answered is not Port's token endpoint: it is a proxy's page, a login page or another service, or Port has changed its answers.",
            "Check",
        ),
        _ => ("The answer is JSON, but not a token of Port's: another service answered, or Port has changed its answers.", "Check"),
    };
    Explanation::new(
        Code::BadResponse,
        "Port's answer can't be used",
        format!("`POST {}` gave an answer that can't be used: {problem}{said}.", endpoint.url),
        why,
        format!("{check} `{}`. If that is right, run the job again, and report it if it stays.", url_input(endpoint)),
    )
}

fn not_found_because(response: &ErrorResponse, endpoint: &Endpoint) -> (&'static str, String) {
    let hint = region_hint(endpoint);
    if response.names_user() {
        return ("The server at this URL doesn't know whom these credentials belong to: they are most likely of another region.", hint);
    }
    if endpoint.region.is_some() {
        return ("Either these credentials belong to another region, or Port has moved this address.", hint);
    }
    (
        "The server has nothing at this path: the URL is wrong, or the server has moved it.",
        format!("{hint} The whole URL was `{}`.", endpoint.url),
    )
}

fn forbidden_because(response: &ErrorResponse, host: &str) -> (&'static str, String) {
    if response.names_allow_list() {
        return (
            "The organization has an IP allow-list, and the address that Port saw is not on it. The allow-list is a feature of Port's Enterprise plan, and Port's support edits it.",
            "Use a runner with a fixed address that is on the allow-list (a self-hosted or larger runner), or ask a Port admin to have Port's support add the address. GitHub-hosted runners change their addresses.".to_owned(),
        );
    }
    if response.is_ports_form {
        return (
            "The organization has an IP allow-list that this runner's address is not on, or the credentials have no right to a token.",
            "Use a runner with a fixed address that is on the allow-list (a self-hosted or larger runner), or ask a Port admin to add this one. GitHub-hosted runners change their addresses.".to_owned(),
        );
    }
    (
        "The answer doesn't look like one of Port's API: most likely a proxy, a web filter or a firewall before Port refused the request. If it was Port, the organization's IP allow-list lacks this runner's address, or the credentials have no right to a token.",
        format!(
            "Ask whoever runs this network to let requests to `{host}` through. Then check the organization's IP allow-list with a Port admin."
        ),
    )
}

fn unreachable_host(host: &str, detail: &Quote, cause: NoAnswer, attempts: u32) -> Explanation {
    let (why, fix) = unreachable_because(cause);
    Explanation::new(
        Code::Unreachable,
        "Port can't be reached",
        format!("No answer from `{host}`: {detail}, {}.", after(attempts)),
        why,
        format!("{fix} If this runner needs a proxy, set `HTTPS_PROXY` in the step's or the job's `env`."),
    )
}

fn unreachable_because(cause: NoAnswer) -> (&'static str, &'static str) {
    match cause {
        NoAnswer::UnknownName => {
            ("DNS has no address for this name: the name is wrong, or this network resolves only its own names.", "Check the host's name.")
        }
        NoAnswer::NameServer => (
            "The name servers of this container's network gave no answer, or answered that they failed.",
            "Check the name servers of this runner and of its containers (`/etc/resolv.conf`, Docker's `dns` setting).",
        ),
        NoAnswer::Refused => (
            "Nothing takes connections at this address and port, or a firewall refuses them.",
            "Check the URL's host and port, and that this runner may open connections to it.",
        ),
        NoAnswer::ConnectTimeout => (
            "No connection came about in time: a firewall drops the packets, or the server is down.",
            "Check that this runner may open connections to this host.",
        ),
        NoAnswer::NoRoute => (
            "This container's network has no way to this address, such as no IPv6 for a host that has only that.",
            "Check the network of this runner and of its containers.",
        ),
        NoAnswer::Closed => (
            "The connection was closed before there was an answer: by the server, or by a firewall or proxy on the way.",
            "Run the job again. If it stays, ask whoever runs this network whether something cuts connections to this host.",
        ),
        NoAnswer::CutOff => (
            "The answer began, and the connection ended within it: the server, or a firewall or proxy on the way, cut it off.",
            "Run the job again. If it stays, ask whoever runs this network whether something inspects or cuts answers of this host.",
        ),
        NoAnswer::Other => ("The connection failed on the way.", "Check the host's name, and that this runner may open connections to it."),
    }
}

/// How a proxy's address is written.
const PROXY_FORM: &str = "`http://user:password@host:port`, with special characters percent-encoded";

/// The address of a proxy that can't be used.
pub fn proxy_address(host: &str, variable: &str, problem: ProxyUrlProblem) -> Explanation {
    let why = match problem {
        ProxyUrlProblem::Scheme => "This step knows no other kinds of proxies.",
        ProxyUrlProblem::Form => {
            "The address has a typing error, or its password holds a character that has a meaning in URLs, such as `@`, `/` or `#`."
        }
    };
    Explanation::new(
        Code::Proxy,
        "The proxy's address can't be used",
        format!("The variable `{variable}`, which names the proxy on the way to `{host}`, can't be used: {problem}. Nothing was sent."),
        why,
        format!(
            "Write it as {PROXY_FORM} (`@` is `%40`); `https`, `socks4`, `socks4a`, `socks5` and `socks5h` are taken too. A self-hosted runner sets the variable from its own settings."
        ),
    )
}

fn proxy_failed(host: &str, detail: &Quote, variable: &str, attempts: u32) -> Explanation {
    Explanation::new(
        Code::Proxy,
        "The proxy failed",
        format!("The proxy on the way to `{host}` failed: {detail}, {}.", after(attempts)),
        "The proxy is not there, wants other credentials, or doesn't let this host through.",
        format!(
            "Check the variable `{variable}`: {PROXY_FORM}. A self-hosted runner sets it from its own settings. Ask for `{host}` to be allowed, or add it to `NO_PROXY` if it is reached without the proxy."
        ),
    )
}

fn rate_limited_because(endpoint: TokenEndpoint, wait: Option<Duration>) -> String {
    let limit = match endpoint {
        TokenEndpoint::Api => "100 requests in 5 minutes",
        TokenEndpoint::Mcp => "50 requests in 15 minutes",
    };
    let limited = format!("All jobs behind one address share Port's limit of {limit}.");
    match wait {
        Some(wait) => format!("Port asks to wait {} more, which doesn't fit into what is left of `timeout`. {limited}", human(wait)),
        None => limited,
    }
}

/// Without a wait that is too long, all attempts are made: more time adds none.
fn rate_limited_fix(wait: Option<Duration>) -> String {
    let first = match wait {
        Some(wait) => format!("Raise `timeout` by {}", human(whole_minutes(wait + LONGEST_JITTER))),
        None => "Run the job again later".to_owned(),
    };
    format!(
        "{first}, start fewer jobs at once (`strategy.max-parallel`), let the jobs start at different times, or use runners behind several addresses."
    )
}

/// Rounded up.
fn whole_minutes(time: Duration) -> Duration {
    Duration::from_mins(time.as_secs().div_ceil(60))
}

fn explain_expiring(shortfall: &Shortfall) -> Explanation {
    let (left, needed) = (human(shortfall.left), human(shortfall.needed));
    let what = if shortfall.left.is_zero() {
        "Port's token has already expired.".to_owned()
    } else {
        format!("Port's token lives only {left} more; `min_validity` asks for {needed}.")
    };
    let (why, fix) = match shortfall.lifetime {
        Some(lifetime) => (
            format!("A fresh token lives {}: none can meet `min_validity`.", human(lifetime)),
            format!("Set `min_validity` below {}, and get another token in a later step for longer work.", human(lifetime)),
        ),
        None if shortfall.left.is_zero() && shortfall.end_from == EndFrom::Response => {
            let times =
                if shortfall.max_wait.is_zero() { String::new() } else { format!(", for the {} of `max_wait`", human(shortfall.max_wait)) };
            (
                format!("Port's answer itself says that the token has no time left{times}. Port gives all jobs the same token until it replaces it, and a cache before Port may hold an old answer."),
                "Run the job again, or raise `max_wait`. If it stays, look for a proxy that caches answers, and report it to Port's support.".to_owned(),
            )
        }
        None if shortfall.left.is_zero() && shortfall.max_wait.is_zero() => (
            "The answer holds a token whose end lies in the past: it is about to be replaced, or this runner's clock is wrong.".to_owned(),
            "Run the job again, or set `max_wait: 2m`. On a self-hosted runner check the clock.".to_owned(),
        ),
        None if shortfall.left.is_zero() => (
            format!(
                "Port went on giving a token whose end lies in the past for the {} of `max_wait`. By this runner's clock, that is: it may be ahead.",
                human(shortfall.max_wait)
            ),
            "On a self-hosted runner check the clock. If it is right, run the job again.".to_owned(),
        ),
        None => (
            "Port hands out the same token to all jobs until it expires, so one near its end can't be replaced early.".to_owned(),
            format!(
                "Set `max_wait` to at least {} so that the step can wait for a fresh token, or lower `min_validity`.",
                human(shortfall.left + Duration::from_mins(1))
            ),
        ),
    };
    Explanation::new(Code::TokenExpiring, "The token ends too soon", what, why, fix)
}

/// What to check first if Port doesn't know the credentials.
fn region_hint(endpoint: &Endpoint) -> String {
    match (endpoint.region, endpoint.kind) {
        (Some(region), _) => format!(
            "The step asked region `{region}`. If your organization is in the other one (you log in at {}), set `region: {}`.",
            region.other().app_host(),
            region.other()
        ),
        (None, _) if let Some(region) = Region::of_url(&endpoint.url) => format!(
            "The step asked `{}`, which belongs to region `{region}`. If your organization is in the other one (you log in at {}), leave `{}` out and set `region: {}`.",
            endpoint.host(),
            region.other().app_host(),
            url_input(endpoint),
            region.other()
        ),
        (None, TokenEndpoint::Api) => format!(
            "The step asked the URL in `auth_base_url`. Check that it is the API of your organization's region ({}).",
            by_region(Region::auth_base_url)
        ),
        (None, TokenEndpoint::Mcp) => format!(
            "The step asked the URL in `mcp_url`. Check that it is the MCP server of your organization's region ({}).",
            by_region(Region::mcp_url)
        ),
    }
}

/// The URL in each region.
pub fn by_region(url: impl Fn(Region) -> &'static str) -> String {
    format!("EU: `{}`, US: `{}`", url(Region::Eu), url(Region::Us))
}

fn url_input(endpoint: &Endpoint) -> &'static str {
    match endpoint.kind {
        TokenEndpoint::Api => "auth_base_url",
        TokenEndpoint::Mcp => "mcp_url",
    }
}

fn after(attempts: u32) -> String {
    match attempts {
        0 | 1 => "after 1 attempt".to_owned(),
        _ => format!("after {attempts} attempts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_leads_to_the_other_region() {
        let hint = |region: Region| {
            let url = region.auth_base_url().parse().unwrap();
            region_hint(&Endpoint { kind: TokenEndpoint::Api, url, region: Some(region) })
        };
        assert_eq!(
            hint(Region::Eu),
            "The step asked region `eu`. If your organization is in the other one (you log in at app.us.port.io), set `region: us`."
        );
        assert_eq!(
            hint(Region::Us),
            "The step asked region `us`. If your organization is in the other one (you log in at app.port.io), set `region: eu`."
        );
    }
}
