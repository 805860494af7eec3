//! What is known of the tools, and which of them the agent may use.

use super::error::Error;
use super::not_verified::NotVerified;
use super::selection::{Policy, Selection, Unresolved};
use super::tools::{Offer, Tool, ToolName};

/// What came of the question for the tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// These are offered.
    Offered(Offer),
    /// The server was asked, but can't be judged from here.
    NotVerified(NotVerified),
    /// The server was not asked.
    NotAsked,
}

/// The tools that the agent may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolset {
    /// What the server offers, in its order; `None` if that is not known.
    pub offered: Option<Vec<Tool>>,
    /// What the agent may use without asking.
    pub allowed: Vec<ToolName>,
    /// Tools that run actions, and are withheld because the agent is only to read.
    pub withheld: Vec<ToolName>,
    /// Why the server could not be judged, if it was asked.
    pub not_verified: Option<NotVerified>,
}

impl Listing {
    /// Picks the tools that the agent may use. Without a list, names are taken as they are, and globs can't be matched.
    ///
    /// # Errors
    /// If a tool was asked for that the agent would not get.
    pub fn choose(self, selection: &Selection, policy: Policy) -> Result<Toolset, Error> {
        let not_verified = match self {
            Self::Offered(offer) => {
                let allowed = selection.resolve(&offer, policy).map_err(Error::ToolUnknown)?;
                return Ok(Toolset { offered: Some(offer.tools), allowed: allowed.names, withheld: allowed.withheld, not_verified: None });
            }
            Self::NotVerified(not_verified) => Some(not_verified),
            Self::NotAsked => None,
        };
        match selection.names_only() {
            Ok(allowed) => Ok(Toolset { allowed, not_verified, ..Toolset::default() }),
            Err(globs) => Err(Error::ToolUnknown(Unresolved::unlisted(globs, not_verified))),
        }
    }
}
