//! The door: the environment becomes typed inputs, once. Nothing later can hold an invalid value.

mod agent;
mod allowed_tools;
mod config;
mod door;
pub mod names;
mod roots;
pub mod urls;

use std::time::Duration;

use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};
use zeroize::Zeroizing;

use crate::clients::{ClaudeCode, Client};
use crate::config_file::place::Place;
use crate::duration;
use crate::environment::Environment;
use crate::error::Error;
use crate::github::event::Trigger;
use crate::mcp::selection::Selection;
use crate::net::{Network, ProxyUrl};
use crate::port::obtain::Validity;
use crate::port::region::{Endpoint, Region, TokenEndpoint};
use crate::redact::Redactor;
use crate::secret::Secret;
use door::{Door, Flaw, read_choice};
pub use names::AllowedActions;
use urls::ServerUrl;

/// A client id and its secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Not a secret, though it is never shown: the two are easily swapped.
    pub client_id: String,
    /// The secret.
    pub client_secret: Secret,
}

/// How the agent reaches the MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, VariantNames, strum::Display)]
#[strum(serialize_all = "kebab-case", ascii_case_insensitive)]
pub enum Transport {
    /// The agent speaks streamable HTTP itself.
    Http,
    /// A bridge that the agent starts and speaks stdio with.
    McpRemote,
}

/// All of the step's inputs, valid.
pub struct Inputs {
    /// What is exchanged.
    pub credentials: Credentials,
    /// Where it is exchanged.
    pub endpoint: Endpoint,
    /// The region; `None` when both URLs were given instead.
    pub region: Option<Region>,
    /// The MCP server.
    pub mcp_url: ServerUrl,
    /// Its name in the config.
    pub server_name: String,
    /// The agent.
    pub client: &'static dyn Client,
    /// The environment variable that the config names in place of the token.
    pub token_env: Option<String>,
    /// How the agent reaches it.
    pub transport: Transport,
    /// Whether write tools are to be hidden.
    pub read_only: bool,
    /// The self-service actions that the agent may run.
    pub allowed_actions: AllowedActions,
    /// The tools that the agent may use.
    pub allowed_tools: Selection,
    /// Whether to open the MCP connection before it is handed on.
    pub verify: bool,
    /// Where the config is written to, beside the outputs.
    pub config_file: Option<Place>,
    /// The text of the config that the server is added to; by default the one at `config_file`.
    pub base_config: Option<Zeroizing<String>>,
    /// How long the token must live.
    pub validity: Validity,
    /// Proxies and roots.
    pub network: Network,
    /// Budget of the whole step.
    pub timeout: Duration,
    /// Whether to write a job summary.
    pub summary: bool,
}

impl Inputs {
    /// Reads and checks everything, and reports all problems together.
    ///
    /// # Errors
    /// [`Error::InputMissing`] or [`Error::InputInvalid`] with every problem; [`Error::Proxy`] for a proxy variable that
    /// can't be used.
    pub fn parse(environment: &Environment, redactor: &Redactor) -> Result<Self, Error> {
        let mut door = Door::new(environment, redactor);
        let credentials = Credentials {
            client_id: door.required("client_id", names::credential).unwrap_or_default(),
            client_secret: Secret::new(&door.required("client_secret", names::credential).unwrap_or_default()),
        };
        let region = door.choice("region", Region::Eu);
        let auth_base_url = door.optional("auth_base_url", urls::api_base);
        let mcp_url = door.optional("mcp_url", urls::server);
        let kind = door.choice("token_endpoint", TokenEndpoint::Api);
        let server_name = door.or("server_name", "port-prod".to_owned(), names::server_name);
        let client = door.or("client", &ClaudeCode as &dyn Client, agent::client);
        let transport = door.or("transport", Transport::Http, |text| agent::transport(read_choice("transport", text)?, client));
        let token_env = door.optional("token_env", |text| agent::token_env(text, client, transport));
        let read_only = door.or("read_only", true, names::boolean);
        let allowed_actions =
            door.or("allowed_actions", AllowedActions::Any, |text| agent::allowed_actions(names::allowed_actions(text)?, client));
        let verify = door.or("verify", true, |text| agent::verify(names::boolean(text)?, client, read_only));
        let allowed_tools = door.or("allowed_tools", Selection::default(), |text| allowed_tools::read(text, &server_name, verify));
        let validity = Validity {
            min: door.or("min_validity", Duration::ZERO, read_duration),
            max_wait: door.or("max_wait", Duration::ZERO, read_duration),
        };
        let config_file = door.optional("config_file", |text| config::place(text, environment));
        let base_config = door.optional("base_config", |text| config::base(text, client.format(), environment));
        let extra_roots = door.or("ca_bundle", Vec::new(), |text| roots::read(text, environment));
        let timeout = door.or("timeout", Duration::from_mins(1), timeout);
        let summary = door.or("summary", true, names::boolean);
        door.finish(|| Trigger::read(environment))?;

        let region_counts = auth_base_url.is_none() || mcp_url.is_none();
        let (endpoint, mcp_url) = endpoints(kind, region, auth_base_url, mcp_url)?;
        let network = network(environment, extra_roots, &endpoint)?;
        Ok(Self {
            credentials,
            endpoint,
            region: region_counts.then_some(region),
            mcp_url,
            server_name,
            client,
            token_env,
            transport,
            read_only,
            allowed_actions,
            allowed_tools,
            verify,
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
fn endpoints(
    kind: TokenEndpoint,
    region: Region,
    auth_base_url: Option<reqwest::Url>,
    mcp_url: Option<ServerUrl>,
) -> Result<(Endpoint, ServerUrl), Error> {
    let of_region = |flaw: Flaw| Error::Runner { problem: format!("A built-in address {}.", flaw.what) };
    let given = match kind {
        TokenEndpoint::Api => auth_base_url.is_some(),
        TokenEndpoint::Mcp => mcp_url.is_some(),
    };
    let auth_base_url = match auth_base_url {
        Some(url) => url,
        None => urls::api_base(region.auth_base_url()).map_err(of_region)?,
    };
    let mcp_url = match mcp_url {
        Some(url) => url,
        None => urls::server(region.mcp_url()).map_err(of_region)?,
    };
    let url = match kind {
        TokenEndpoint::Api => urls::below(&auth_base_url, "auth/access_token"),
        TokenEndpoint::Mcp => urls::below(mcp_url.url(), "token"),
    };
    Ok((Endpoint { kind, url, region: (!given).then_some(region) }, mcp_url))
}

fn network(
    environment: &Environment,
    extra_roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    endpoint: &Endpoint,
) -> Result<Network, Error> {
    let first = |names: &[&'static str]| names.iter().find_map(|name| environment.variable(name).map(|value| (*name, value)));
    let proxy = |names: &[&'static str]| {
        let Some((name, value)) = first(names) else {
            return Ok(None);
        };
        ProxyUrl::parse(name, value).map(Some).map_err(|problem| Error::Proxy {
            host: endpoint.host(),
            detail: Redactor::default().quote(&format!("the variable {name} can't be used: {problem}")),
            variable: name,
            attempts: 0,
        })
    };
    let no_proxy = first(&["no_proxy", "NO_PROXY"]).map_or("", |(_, value)| value);
    Ok(Network {
        https_proxy: proxy(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
        http_proxy: proxy(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])?,
        // Many tools write `*.example.com` for what the matcher calls `.example.com`.
        no_proxy: no_proxy.replace("*.", "."),
        extra_roots,
    })
}

fn read_duration(text: &str) -> Result<Duration, Flaw> {
    duration::parse(text).map_err(|problem| Flaw {
        value: Some(text.to_owned()),
        what: problem.to_string(),
        mend: "Write a duration as `90s`, `30m`, `2h`, or as a number of seconds.".to_owned(),
    })
}

fn timeout(text: &str) -> Result<Duration, Flaw> {
    let duration = read_duration(text)?;
    if duration.is_zero() {
        return Err(Flaw {
            value: None,
            what: "is zero, which leaves no time for anything".to_owned(),
            mend: "Write a duration such as `60s`, or leave `timeout` out.".to_owned(),
        });
    }
    Ok(duration)
}
