//! Exchanges Port client credentials for a short-lived token, and hands an AI agent a ready MCP config.
//!
//! The story of the step is [`run`].

pub mod budget;
pub mod clients;
pub mod config_file;
pub mod duration;
pub mod environment;
pub mod error;
pub mod github;
pub mod handover;
pub mod inputs;
pub mod mcp;
pub mod net;
pub mod port;
pub mod random;
pub mod redact;
pub mod report;
pub mod secret;
pub mod stack;
pub mod workspace;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use budget::Budget;
pub use environment::{Environment, INPUTS};
pub use error::Code;
use error::{Error, Signal};
use github::console::Console;
use github::outputs::OutputFile;
use github::state::{self, StateFile};
use inputs::Inputs;
use mcp::Toolset;
use mcp::preflight::Preflight;
use mcp::selection::Policy;
use mcp::verdict::Server;
use net::{Http, early};
use port::exchange::Exchange;
use port::obtain::obtain;
use port::token::Token;
use secret::Secret;

/// The whole step, as the runner starts it: reads the environment, writes to `out` and to the runner's files.
///
/// The runner starts it once more at the end of the job, to take back what it wrote.
pub fn run(environment: &Environment, out: impl Write) -> ExitCode {
    let console = Console::new(out);
    if state::is_clean_up(environment) {
        config_file::cleanup::run(environment, &console);
        return ExitCode::SUCCESS;
    }
    let mut outputs = OutputFile::open(environment);
    let done = outputs.as_mut().map_err(|error| error.clone()).and_then(|outputs| {
        let mut state = StateFile::open(environment)?;
        let connected = in_runtime(until_cancelled(Box::pin(connect(environment, &console))))?;
        // From here on nothing waits, so a signal can't leave half of it behind.
        report::success(&connected, environment, &console, outputs, state.as_mut())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failure(&error, environment, &console, outputs.ok().as_mut());
            ExitCode::from(error.exit_code())
        }
    }
}

/// What the step hands on.
pub struct Connected {
    /// What was asked for.
    pub inputs: Inputs,
    /// What Port issued.
    pub token: Token,
    /// The way to both servers.
    pub http: Arc<Http>,
    /// What is known of the tools.
    pub toolset: Toolset,
}

async fn connect(environment: &Environment, console: &Console<'_>) -> Result<Connected, Error> {
    mask_client_secret(environment, console)?;
    let inputs = console.with_redactor(|redactor| Inputs::parse(environment, redactor))?;
    handover::rehearse(&inputs, environment)?;
    let mut budget = Budget::start(inputs.timeout);
    inputs.network.passwords().for_each(|password| console.learn(&password));
    let http = Http::new(&inputs.network).map(Arc::new).map_err(|problem| Error::Runner { problem: format!("No TLS: {problem}.") })?;
    let exchange = Exchange { endpoint: &inputs.endpoint, credentials: &inputs.credentials, http: &http, console };
    let early = open_early(&inputs, &http);
    let token = obtain(&exchange, inputs.validity, &mut budget).await?;
    let headers = clients::port_headers(&inputs);
    let server = Server { url: inputs.mcp_url.url(), token_from: inputs.endpoint.kind };
    let preflight = Preflight { server, token: token.secret(), headers: &headers, http: &http, early, budget: &budget, console };
    let policy = Policy::new(inputs.read_only, &inputs.allowed_actions);
    let toolset = mcp::choose_tools(inputs.verify.then_some(preflight), &inputs.allowed_tools, policy, console).await?;
    Ok(Connected { inputs, token, http, toolset })
}

/// Connects to the MCP server while the token is fetched. Nothing is sent: there is nothing to send yet. Where both servers are
/// one, the connection that the exchange opens serves both.
fn open_early(inputs: &Inputs, http: &Arc<Http>) -> Option<JoinHandle<()>> {
    let url = inputs.mcp_url.url().clone();
    if !inputs.verify || url.origin() == inputs.endpoint.url.origin() {
        return None;
    }
    let http = Arc::clone(http);
    Some(tokio::spawn(async move { early::open(http.client(), &url).await }))
}

/// Comes before everything else: from here on the runner hides the secret, also where a user put it into another input.
fn mask_client_secret(environment: &Environment, console: &Console<'_>) -> Result<(), Error> {
    match environment.input("client_secret") {
        Ok(Some(text)) => console.mask(&Secret::new(text)),
        _ => Ok(()),
    }
}

/// Room for what happens at once: two connections, two signals, and what the event loop tells itself.
const EVENTS: usize = 16;

/// One thread is enough, and starting more costs more than the exchange's own work.
fn in_runtime<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_io_events_per_tick(EVENTS)
        .build()
        .map_err(|error| Error::Runner { problem: format!("The system gives no event loop: {error}.") })?;
    let result = runtime.block_on(work);
    // A name look-up that is still under way must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Process 1 of a container ignores every signal that it has no handler for.
async fn until_cancelled<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let handler = |kind| signal(kind).map_err(|error| Error::Runner { problem: format!("The system takes no signal handler: {error}.") });
    let mut interrupt = handler(SignalKind::interrupt())?;
    let mut terminate = handler(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = interrupt.recv() => Err(Error::Cancelled { signal: Signal::Interrupt }),
        _ = terminate.recv() => Err(Error::Cancelled { signal: Signal::Terminate }),
        result = work => result,
    }
}
