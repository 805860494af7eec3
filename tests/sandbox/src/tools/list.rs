//! The list of the tools, and what each does. The names and roles are Port's:
//! <https://docs.port.io/ai-interfaces/port-mcp-server/available-tools/>. What is a guess is marked as one.

mod reading;
mod running;
mod writing;

use super::spec::Spec;

/// Every tool, in the order in which they are listed.
pub(super) fn specs() -> impl Iterator<Item = &'static Spec> {
    reading::SPECS.iter().chain(running::SPECS).chain(writing::SPECS)
}
