//! Texts about a gateway that was started, and is of no use.

use super::code::Code;
use super::explanation::Explanation;
use super::gateway_container::{TITLE, WITHOUT};
use crate::gateway::{GatewayForm, Unready};
use crate::redact::Quote;

pub fn explain(form: GatewayForm, problem: &Unready) -> Explanation {
    let is_container = form == GatewayForm::Container;
    let by_form = |container, process| if is_container { container } else { process };
    let (what, why, fix) = match problem {
        Unready::Ended(last) => (
            format!("The gateway's {form} ended before it was ready{}.", said(last)),
            by_form("The engine killed it, or can't run this image.", "The system killed it, or another program of the same user."),
            by_form(
                "Run the job again, and look into the engine's log on the runner.",
                "Run the job again, and look into the system's log on the runner.",
            ),
        ),
        Unready::GaveUp { code, message } => (
            format!("The gateway gave up before it was ready: {message} ({code})."),
            by_form("It runs in a container of its own, beside this step's.", "It runs in a process of its own, beside this step."),
            "Check what it names.",
        ),
        Unready::NotWorking { url, detail } => (
            format!("The gateway at `{url}` doesn't work: {detail}."),
            by_form(
                "The MCP server gave its tools to this step directly, and not through the gateway. A firewall between containers of one network (`--icc=false`) may be in the way.",
                "The MCP server gave its tools to this step directly, and not through the gateway. A firewall on the runner may be in the way.",
            ),
            by_form("Let the runner's containers reach each other.", "Let programs on the runner connect to `127.0.0.1`."),
        ),
        Unready::TimedOut => (
            "The gateway was not ready before the step's time was up.".to_owned(),
            by_form(
                "The container engine needs long to start a container: the runner is busy, or its disk is slow.",
                "The runner is busy.",
            ),
            "Raise `timeout`.",
        ),
    };
    Explanation::new(Code::Gateway, TITLE, what, why, format!("{fix} {WITHOUT}"))
}

fn said(last: &Quote) -> String {
    if last.is_empty() { String::new() } else { format!(": {last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_no_fault_of_a_container_engine() {
        for (form, is_container) in [(GatewayForm::Container, true), (GatewayForm::Process, false)] {
            let explanation = explain(form, &Unready::TimedOut);
            assert_eq!(explanation.why.contains("container engine"), is_container, "{}", explanation.why);
        }
    }
}
