//! The inputs: environment variables become typed values, once, at the start. Later code never sees an invalid value.

mod agent;
mod allowed_tools;
mod check;
mod command_line;
mod config_file;
mod durations;
mod error;
mod form;
mod given;
mod names;
mod network;
mod problem;
mod roots;

use std::ffi::OsString;
use std::time::Duration;

use crate::clients::{ClaudeCode, Client, Transport};
use crate::config::{Document, Place};
use crate::mcp::{Selection, ServerUrl};
use crate::net::{Network, UrlProblem, join};
use crate::port::{Access, AllowedActions, Credentials, Endpoint, Region, TokenEndpoint, TokenSource, Validity, api_base};
use crate::redact::{Redactor, SHORTEST_MASK, Secret};
use crate::runner::{Environment, Trigger};
use anyhow::Context;
use check::{Check, Content, Field, choice};
use network::Proxies;
use problem::ValueError;

pub use command_line::{CommandLine, Request, SETTINGS, UsageError, Verb, credential_variables, nearest};
#[cfg(feature = "testing")]
pub use command_line::{LEFT_OUT, Setting};
pub use config_file::fix_of_config;
pub use error::Error;
pub use given::Given;
pub use names::{allowed_actions, server_name};
pub use problem::InputError;

/// The inputs and the proxy settings, as they are given.
pub struct RawInputs {
    given: Given,
    unreadable: Vec<InputError>,
    proxies: Proxies,
}

/// A job on GitHub's runners ends after this long.
const GATEWAY_LIFETIME: Duration = Duration::from_hours(6);

/// All inputs, valid.
#[derive(Debug)]
pub struct Inputs {
    /// What is exchanged for a token.
    pub credentials: Credentials,
    /// Where it is exchanged.
    pub endpoint: Endpoint,
    /// Where it is exchanged if Port's MCP server refuses the token of `endpoint`.
    pub fallback: Option<Endpoint>,
    /// The organization that the credentials must belong to.
    pub organization: Option<String>,
    /// The region; `None` if both URLs were given instead.
    pub region: Option<Region>,
    /// The MCP server.
    pub mcp_url: ServerUrl,
    /// Its name in the config.
    pub server_name: String,
    /// The agent.
    pub client: &'static dyn Client,
    /// The environment variable that the config refers to instead of holding the token.
    pub token_env: Option<String>,
    /// How the agent reaches the server.
    pub transport: Transport,
    /// What the agent may do.
    pub access: Access,
    /// The tools that the agent may use.
    pub allowed_tools: Selection,
    /// Whether to check the MCP connection before it is handed to the agent.
    pub verify: bool,
    /// How long the gateway lives, if there is to be one.
    pub gateway: Option<Duration>,
    /// Where the config is written to, besides the outputs.
    pub config_file: Option<Place>,
    /// The config that the server is added to; by default the one at `config_file`.
    pub base_config: Option<Document>,
    /// How long the token must live.
    pub validity: Validity,
    /// Proxies and certificate authorities.
    pub network: Network,
    /// The time limit of the whole step.
    pub timeout: Duration,
    /// Whether to write a job summary.
    pub summary: bool,
}

/// A field of [`Given`] with its own name.
macro_rules! field {
    ($given:ident.$name:ident) => {
        Field { name: stringify!($name), text: $given.$name, content: Content::Value }
    };
}

impl RawInputs {
    /// Takes each input and each proxy setting from `variable`.
    ///
    /// # Errors
    /// If the list of inputs can't be filled from text, which is a fault of this program.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<Self> {
        let (given, unreadable) = Given::read(&variable).context("The inputs can't be read")?;
        Ok(Self { given, unreadable, proxies: Proxies::read(variable) })
    }

    /// The client secret, which is masked before anything else is read; without quotes too, if there are any around it.
    pub fn client_secrets(&self) -> impl Iterator<Item = Secret> {
        let given = self.given.client_secret.as_deref().filter(|text| !form::is_placeholder(text));
        let bare = given.and_then(form::in_quotes).filter(|text| text.len() >= SHORTEST_MASK);
        given.into_iter().chain(bare).map(Secret::new)
    }

    /// Takes the client secret from elsewhere than its variable.
    pub fn set_client_secret(&mut self, secret: Result<&str, InputError>) {
        match secret {
            Ok(secret) => self.given.client_secret = Some(secret.to_owned()),
            Err(problem) => {
                self.given.client_secret = None;
                self.unreadable.push(problem);
            }
        }
    }

    /// Whether to write a job summary. Also known if other inputs are not valid.
    #[must_use]
    pub fn wants_summary(&self) -> bool {
        self.given.summary.as_deref().and_then(|text| names::boolean(text).ok()).unwrap_or(true)
    }
}

impl Inputs {
    /// Reads and checks everything, and reports all problems together.
    ///
    /// # Errors
    /// Every problem of the inputs; or that of a proxy setting.
    pub fn parse(raw: RawInputs, environment: &Environment, redactor: &Redactor) -> Result<Self, Error> {
        let RawInputs { given, unreadable, proxies } = raw;
        let mut check = Check::new(redactor, unreadable);
        let secret = field!(given.client_secret).of(Content::Secret);
        let credentials = Credentials {
            client_id: check.required(field!(given.client_id), names::client_id).unwrap_or_default(),
            client_secret: Secret::new(&check.required(secret, names::client_secret).unwrap_or_default()),
        };
        let region = check.choice(field!(given.region), Region::Eu);
        let auth_base_url = check
            .optional(field!(given.auth_base_url), |text| api_base(text).map_err(|problem| url_error(problem, Region::Eu.auth_base_url())));
        let mcp_url = check
            .optional(field!(given.mcp_url), |text| ServerUrl::parse(text).map_err(|problem| url_error(problem, Region::Eu.mcp_url())));
        let source = check.choice(field!(given.token_endpoint), TokenSource::Auto);
        let client = check.or(field!(given.client), &ClaudeCode as &dyn Client, agent::client);
        let name = |text: &str| agent::server_name(server_name(text)?, client);
        let server_name = check.or(field!(given.server_name), "port-prod".to_owned(), name);
        let transport = check.or(field!(given.transport), Transport::Http, |text| agent::transport(choice("transport", text)?, client));
        let token_env = field!(given.token_env).of(Content::Variable);
        let token_env = check.optional(token_env, |text| agent::token_env(text, client, transport));
        let read_only = check.or(field!(given.read_only), true, names::boolean);
        let actions = |text: &str| agent::allowed_actions(allowed_actions(text)?, client);
        let actions = check.or(field!(given.allowed_actions), AllowedActions::Any, actions);
        let verify = check.or(field!(given.verify), true, |text| agent::verify(names::boolean(text)?, client, read_only));
        let gateway = check.or(field!(given.gateway), false, |text| agent::gateway(names::boolean(text)?, client));
        let lifetime = |text: &str| durations::longer_than_zero("gateway_lifetime", text);
        let lifetime = check.or(field!(given.gateway_lifetime), GATEWAY_LIFETIME, lifetime);
        let tools = |text: &str| allowed_tools::read(text, &server_name, client, verify);
        let allowed_tools = check.or(field!(given.allowed_tools), Selection::default(), tools);
        let organization = check.optional(field!(given.organization), names::organization);
        let validity = Validity {
            min: check.or(field!(given.min_validity), Duration::ZERO, durations::duration),
            max_wait: check.or(field!(given.max_wait), Duration::ZERO, durations::duration),
        };
        let config_file = check.optional(field!(given.config_file), |text| config_file::place(text, environment));
        let base = |text: &str| config_file::base(text, client.format(), environment);
        let base_config = check.optional(field!(given.base_config).of(Content::Document), base);
        let ca_bundle = field!(given.ca_bundle).of(Content::Document);
        let extra_roots = check.or(ca_bundle, Vec::new(), |text| roots::read(text, environment));
        let timeout = check.or(field!(given.timeout), Duration::from_mins(1), |text| durations::longer_than_zero("timeout", text));
        let summary = check.or(field!(given.summary), true, names::boolean);
        check.finish(|| Trigger::read(environment))?;

        let region_counts = auth_base_url.is_none() || mcp_url.is_none();
        let addresses = Addresses::of(region, auth_base_url, mcp_url)?;
        let endpoint = addresses.endpoint(if source == TokenSource::Mcp { TokenEndpoint::Mcp } else { TokenEndpoint::Api });
        let fallback =
            (source == TokenSource::Auto && verify && addresses.is_ports_server()).then(|| addresses.endpoint(TokenEndpoint::Mcp));
        let mcp_url = addresses.mcp_url;
        let used: Vec<_> = std::iter::once(&endpoint.url).chain(verify.then_some(mcp_url.url())).collect();
        let network = proxies.network(extra_roots, &used)?;
        Ok(Self {
            credentials,
            endpoint,
            fallback,
            organization,
            region: region_counts.then_some(region),
            mcp_url,
            server_name,
            client,
            token_env,
            transport,
            access: Access { read_only, actions },
            allowed_tools,
            verify,
            gateway: gateway.then_some(lifetime),
            config_file,
            base_config,
            validity,
            network,
            timeout,
            summary,
        })
    }
}

/// The two addresses: as given, or those of the region.
struct Addresses {
    auth_base_url: reqwest::Url,
    mcp_url: ServerUrl,
    /// The region that the first is taken from, if it was not given.
    auth_region: Option<Region>,
    /// The region that the second is taken from, if it was not given.
    mcp_region: Option<Region>,
}

impl Addresses {
    fn of(region: Region, auth_base_url: Option<reqwest::Url>, mcp_url: Option<ServerUrl>) -> anyhow::Result<Self> {
        let built_in = "A built-in address is not valid";
        Ok(Self {
            auth_region: auth_base_url.is_none().then_some(region),
            mcp_region: mcp_url.is_none().then_some(region),
            auth_base_url: auth_base_url.map_or_else(|| api_base(region.auth_base_url()), Ok).context(built_in)?,
            mcp_url: mcp_url.map_or_else(|| ServerUrl::parse(region.mcp_url()), Ok).context(built_in)?,
        })
    }

    fn endpoint(&self, kind: TokenEndpoint) -> Endpoint {
        match kind {
            TokenEndpoint::Api => Endpoint { kind, url: join(&self.auth_base_url, "auth/access_token"), region: self.auth_region },
            TokenEndpoint::Mcp => Endpoint { kind, url: join(self.mcp_url.url(), "token"), region: self.mcp_region },
        }
    }

    /// Whether the MCP server is Port's own. Credentials are sent to no other without being told.
    fn is_ports_server(&self) -> bool {
        let url = self.mcp_url.url();
        url.scheme() == "https" && Region::of_url(url).is_some()
    }
}

fn url_error(problem: UrlProblem, example: &str) -> ValueError {
    ValueError {
        value: None,
        problem: problem.to_string(),
        fix: format!("Write an address such as `{example}`, or leave the input out to use the region's."),
    }
}
