//! Texts for faults of this program.

use std::panic::Location;

use super::code::Code;
use super::explanation::Explanation;
use crate::redact::Redactor;

/// A fault that was noticed.
pub fn explain(error: &anyhow::Error, redactor: &Redactor) -> Explanation {
    fault(format!("The step can't go on: {}.", redactor.quote(&format!("{error:#}"))))
}

/// A panic. Its message is left out, since it could quote a secret.
pub fn explain_panic(location: Option<&Location<'_>>) -> Explanation {
    let at = location.map(|location| format!(" at `{}:{}`", location.file(), location.line())).unwrap_or_default();
    fault(format!("The program stopped{at}."))
}

fn fault(what: String) -> Explanation {
    Explanation::new(
        Code::Internal,
        "A fault of port-mcp-auth",
        what,
        "This is a fault of port-mcp-auth, or of the system that it runs on. Neither the inputs nor Port cause it.",
        "Run the job again. If it happens again, report it at https://github.com/org/port-mcp-auth/issues with this message, and say which runner it is.",
    )
}
