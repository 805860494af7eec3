//! The end of a step that failed.

use std::panic::Location;

use zeroize::Zeroizing;

use super::code::Code;
use super::explanation::Explanation;
use super::summary::write_summary;
use super::{
    config as config_texts, gateway_container as container_texts, gateway_process, gateway_unready, inputs as inputs_texts, internal,
    mcp as mcp_texts, port as port_texts, runner as runner_texts,
};
use crate::gateway::{GatewayForm, Unready};
use crate::redact::Redactor;
use crate::runner::markdown::Markdown;
use crate::runner::{Console, Environment, OutputFile};
use crate::{config, docker, inputs, mcp, port, process, runner};

/// Every way in which the step can fail.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The inputs.
    #[error(transparent)]
    Inputs(#[from] inputs::Error),
    /// Port, or the way there.
    #[error(transparent)]
    Port(#[from] port::Error),
    /// The MCP server.
    #[error(transparent)]
    Mcp(#[from] mcp::Error),
    /// The gateway's container.
    #[error(transparent)]
    GatewayContainer(#[from] docker::Error),
    /// The gateway's process.
    #[error(transparent)]
    GatewayProcess(#[from] process::Error),
    /// The gateway, once it was started.
    #[error("the gateway's {0}: {1}")]
    Unready(GatewayForm, Unready),
    /// The config.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The runner's files.
    #[error(transparent)]
    Runner(#[from] runner::Error),
    /// The runner ended the step.
    #[error("cancelled by {0}")]
    Cancelled(Signal),
    /// A fault of this program.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// A signal that ends the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
pub enum Signal {
    /// The runner sends it first when it cancels a step.
    #[strum(serialize = "SIGINT")]
    Interrupt,
    /// The runner sends it 7.5 seconds later.
    #[strum(serialize = "SIGTERM")]
    Terminate,
    /// Outside of a workflow: the terminal is closed.
    #[strum(serialize = "SIGHUP")]
    HangUp,
    /// Outside of a workflow: Ctrl-\.
    #[strum(serialize = "SIGQUIT")]
    Quit,
}

impl Failure {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Cancelled(Signal::Interrupt) => 130,
            Self::Cancelled(Signal::Terminate) => 143,
            Self::Cancelled(Signal::HangUp) => 129,
            Self::Cancelled(Signal::Quit) => 131,
            _ => 1,
        }
    }

    /// What a person is told.
    #[must_use]
    pub fn explain(&self, redactor: &Redactor) -> Explanation {
        match self {
            Self::Inputs(error) => inputs_texts::explain(error, redactor),
            Self::Port(error) => port_texts::explain(error, redactor),
            Self::Mcp(error) => mcp_texts::explain(error, redactor),
            Self::GatewayContainer(error) => container_texts::explain(error, redactor),
            Self::GatewayProcess(error) => gateway_process::explain(error),
            Self::Unready(form, problem) => gateway_unready::explain(*form, problem),
            Self::Config(error) => config_texts::explain(error, redactor),
            Self::Runner(error) => runner_texts::explain(error, redactor),
            Self::Internal(error) => internal::explain(error, redactor),
            Self::Cancelled(signal) => Explanation::new(
                Code::Cancelled,
                "The step was cancelled",
                format!("The runner sent {signal}."),
                "Someone cancelled the run, a newer run replaced it (`concurrency`), or the job's time was up.",
                "Nothing was written. Run the job again if it is still wanted.",
            ),
        }
    }
}

/// Tells what failed: one annotation, the same in the summary if one is wanted, and the code for workflows that go on.
/// A cancelled step writes to no file: nobody uses its outputs.
pub fn report_failure(failure: &Failure, environment: &Environment, console: &Console, outputs: Option<&mut OutputFile>, summary: bool) {
    let explanation = console.with_redactor(|redactor| failure.explain(redactor));
    annotate(&explanation, console);
    if matches!(failure, Failure::Cancelled(_)) {
        return;
    }
    if let Some(outputs) = outputs {
        // If this fails, the annotation is there all the same, and the step fails anyway.
        drop(outputs.write(&[("error_code", Zeroizing::new(explanation.code.as_str().to_owned()))]));
    }
    if summary {
        let Explanation { title, what, why, fix, .. } = &explanation;
        let text = Markdown::default()
            .heading(&format!("❌ Port MCP: {title}"))
            .paragraph(what)
            .labelled("Why:", why)
            .labelled("Fix:", fix)
            .link(&format!("More on {}", explanation.code.as_str()), &explanation.code.help_url());
        write_summary(text, environment, console);
    }
}

/// Tells of a panic.
pub fn report_panic(location: Option<&Location<'_>>, console: &Console) {
    annotate(&internal::explain_panic(location), console);
}

fn annotate(explanation: &Explanation, console: &Console) {
    let Explanation { code, title, what, why, fix } = explanation;
    let text = format!("{what}\nWhy: {why}\nFix: {fix}\nMore: {}", code.help_url());
    console.error(&format!("{title} ({})", code.as_str()), &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 128 and the number of the signal, as shells say it.
    #[test]
    fn a_signal_is_told_by_the_exit_code() {
        for (signal, code) in [(Signal::HangUp, 129), (Signal::Interrupt, 130), (Signal::Quit, 131), (Signal::Terminate, 143)] {
            assert_eq!(Failure::Cancelled(signal).exit_code(), code, "{signal}");
        }
    }

    #[test]
    fn a_panic_is_an_annotation_with_its_place() {
        let mut said = tempfile::NamedTempFile::new().unwrap();
        let location = Location::caller();
        report_panic(Some(location), &Console::new(said.reopen().unwrap(), false));
        let mut text = String::new();
        std::io::Read::read_to_string(&mut said, &mut text).unwrap();
        assert!(text.starts_with("::error ") && text.contains("(internal)") && text.contains(&location.line().to_string()), "{text}");
    }
}
