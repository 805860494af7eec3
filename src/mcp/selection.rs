//! Which tools the agent may use: names and globs, resolved against what the server offers.

use std::collections::HashSet;

use strsim::normalized_damerau_levenshtein;
use wildmatch::WildMatch;

use super::not_verified::NotVerified;
use super::tools::{Offer, Tool, ToolName};
use crate::port::{Access, AllowedActions, ToolKind};

/// The least similarity of a name that is suggested, from 0 to 1.
const ALIKE: f64 = 0.5;

/// `delete_entity` is similar to `get_entity`: a tool that deletes is never suggested for one that doesn't.
const DELETING: &str = "delete_";

/// The tools that a user asked for, in the user's order; all of them if the list is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection(pub Vec<Wanted>);

/// One entry of the input `allowed_tools`.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Exactly this tool.
    Name(ToolName),
    /// Every tool whose name matches.
    Glob(Glob),
}

/// A pattern with `*` and `?`.
#[derive(Debug, Clone, PartialEq)]
pub struct Glob {
    text: String,
    pattern: WildMatch,
}

impl Glob {
    /// Takes a pattern.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), pattern: WildMatch::new(text) }
    }
}

/// Which kinds of tools the agent may use if `allowed_tools` doesn't name them one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Tools that write are left out.
    pub read_only: bool,
    /// Tools that run actions are included.
    pub execute: bool,
}

impl Policy {
    /// With `read_only` on, actions run only if `allowed_actions` names some.
    #[must_use]
    pub fn of(access: &Access) -> Self {
        let execute = match &access.actions {
            AllowedActions::Any => !access.read_only,
            AllowedActions::Only(names) => !names.is_empty(),
        };
        Self { read_only: access.read_only, execute }
    }

    /// Whether tools of this kind may.
    #[must_use]
    pub fn admits(self, kind: ToolKind) -> bool {
        match kind {
            ToolKind::Read => true,
            ToolKind::Execute => self.execute,
            ToolKind::Write => !self.read_only,
        }
    }
}

/// What the agent may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// The tools, in the order in which they were asked for, each once.
    pub names: Vec<ToolName>,
    /// Tools that run actions, and would be among them if the agent were not only to read.
    pub withheld: Vec<ToolName>,
}

impl Selection {
    /// Enumerates the tools.
    ///
    /// # Errors
    /// With every entry that the offer doesn't meet.
    pub fn resolve(&self, offer: &Offer, policy: Policy) -> Result<Allowed, Unresolved> {
        let every = [Wanted::Glob(Glob::new("*"))];
        let wanted = if self.0.is_empty() { every.as_slice() } else { self.0.as_slice() };
        // That nothing is offered is no fault of a user who asked for nothing.
        let may_be_nothing = self.0.is_empty();
        let (mut picked, mut doubts) = (Vec::new(), Vec::new());
        let mut withheld = Vec::new();
        for entry in wanted {
            match entry {
                Wanted::Name(name) => match offer.tools.iter().find(|tool| tool.name == *name) {
                    Some(tool) => picked.push(&tool.name),
                    None => doubts.push(Doubt::of(name, offer, policy)),
                },
                Wanted::Glob(glob) => {
                    let matching: Vec<_> = offer.tools.iter().filter(|tool| glob.pattern.matches(tool.name.as_str())).collect();
                    let (fit, unfit): (Vec<_>, Vec<_>) = matching.into_iter().partition(|tool| policy.admits(tool.kind));
                    if fit.is_empty() && !may_be_nothing {
                        doubts.push(Doubt::NoMatch { glob: glob.text.clone(), unfit: names(&unfit) });
                    }
                    picked.extend(fit.iter().map(|tool| &tool.name));
                    withheld.extend(unfit.into_iter().filter(|tool| tool.kind == ToolKind::Execute).map(|tool| &tool.name));
                }
            }
        }
        if !doubts.is_empty() {
            let (admitted, others): (Vec<_>, Vec<_>) = offer.tools.iter().partition(|tool| policy.admits(tool.kind));
            return Err(Unresolved { doubts, offered: names(&admitted), by_name_only: names(&others), not_verified: None });
        }
        let picked = each_once(picked);
        let mut withheld = each_once(withheld);
        withheld.retain(|name| !picked.contains(name));
        Ok(Allowed { names: picked, withheld })
    }

    /// The names as they were asked for, where there is no list to compare them with.
    ///
    /// # Errors
    /// With the globs, if there are any: there is nothing to match them against.
    pub fn names_only(&self) -> Result<Vec<ToolName>, Vec<String>> {
        let globs: Vec<_> = self.globs().map(str::to_owned).collect();
        if !globs.is_empty() {
            return Err(globs);
        }
        Ok(each_once(self.0.iter().filter_map(|entry| match entry {
            Wanted::Name(name) => Some(name),
            Wanted::Glob(_) => None,
        })))
    }

    /// The globs, as they were written.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|entry| match entry {
            Wanted::Name(_) => None,
            Wanted::Glob(glob) => Some(glob.text.as_str()),
        })
    }
}

fn names(tools: &[&Tool]) -> Vec<ToolName> {
    tools.iter().map(|tool| tool.name.clone()).collect()
}

fn each_once<'a>(names: impl IntoIterator<Item = &'a ToolName>) -> Vec<ToolName> {
    let mut seen = HashSet::new();
    names.into_iter().filter(|name| seen.insert(*name)).cloned().collect()
}

/// Entries that can't be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The entries.
    pub doubts: Vec<Doubt>,
    /// What the server offers instead, as far as the inputs admit it unnamed.
    pub offered: Vec<ToolName>,
    /// What else it offers: only an entry that is its exact name allows it.
    pub by_name_only: Vec<ToolName>,
    /// Why there is no list of tools, if the server was asked for one.
    pub not_verified: Option<NotVerified>,
}

/// One entry that can't be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The server has no tool of this name.
    NotOffered {
        /// The name.
        name: ToolName,
        /// The most similar name that is offered.
        nearest: Option<ToolName>,
        /// Its kind, if the inputs keep the server from offering tools of this kind.
        hidden: Option<ToolKind>,
    },
    /// No offered tool matches, or only some that are not admitted.
    NoMatch {
        /// The pattern.
        glob: String,
        /// The tools that match and are not admitted.
        unfit: Vec<ToolName>,
    },
    /// There is no list to match it against.
    Unlisted {
        /// The pattern.
        glob: String,
    },
}

impl Doubt {
    fn of(name: &ToolName, offer: &Offer, policy: Policy) -> Self {
        let deletes = |name: &ToolName| name.as_str().starts_with(DELETING);
        let likeness = |tool: &Tool| normalized_damerau_levenshtein(tool.name.as_str(), name.as_str());
        let nearest = offer
            .tools
            .iter()
            .filter(|tool| deletes(&tool.name) == deletes(name))
            .map(|tool| (likeness(tool), tool))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, tool)| tool);
        // If a similar tool of this kind is offered, the inputs don't hide the kind: the name is wrong.
        let hidden = ToolKind::by_name(name.as_str())
            .filter(|kind| !policy.admits(*kind))
            .filter(|kind| nearest.is_none_or(|nearest| nearest.kind != *kind));
        Self::NotOffered { name: name.clone(), nearest: nearest.map(|tool| tool.name.clone()), hidden }
    }

    /// Whether the inputs keep the tool away.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        match self {
            Self::NotOffered { hidden, .. } => hidden.is_some(),
            Self::NoMatch { unfit, .. } => !unfit.is_empty(),
            Self::Unlisted { .. } => false,
        }
    }
}

impl Unresolved {
    /// Globs that can't be matched, since there is no list.
    #[must_use]
    pub fn unlisted(globs: Vec<String>, not_verified: Option<NotVerified>) -> Self {
        Self {
            doubts: globs.into_iter().map(|glob| Doubt::Unlisted { glob }).collect(),
            offered: Vec::new(),
            by_name_only: Vec::new(),
            not_verified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const READ_ONLY: Policy = Policy { read_only: true, execute: false };

    fn offer(names: &[&str]) -> Offer {
        let hint = |name: &str| ["list_", "get_", "search"].iter().any(|start| name.starts_with(start)).then_some(true);
        let tools = names.iter().map(|name| Tool { name: ToolName::parse(name).unwrap(), kind: ToolKind::of(name, hint(name)) });
        Offer { tools: tools.collect(), unusable: 0, violation: None }
    }

    fn select(entries: &[&str]) -> Selection {
        let entry = |text: &&str| match ToolName::parse(text) {
            Some(name) => Wanted::Name(name),
            None => Wanted::Glob(Glob::new(text)),
        };
        Selection(entries.iter().map(entry).collect())
    }

    fn resolved(entries: &[&str], offered: &[&str], policy: Policy) -> Vec<String> {
        let allowed = select(entries).resolve(&offer(offered), policy).unwrap();
        allowed.names.iter().map(ToString::to_string).collect()
    }

    fn refused(entries: &[&str], offered: &[&str], policy: Policy) -> Vec<Doubt> {
        select(entries).resolve(&offer(offered), policy).unwrap_err().doubts
    }

    fn name(text: &str) -> ToolName {
        ToolName::parse(text).unwrap()
    }

    #[test]
    fn the_order_is_the_users_and_within_a_glob_the_servers() {
        let offered = ["list_b", "get_a", "list_a", "search"];
        assert_eq!(resolved(&["get_a", "list_*", "list_b", "get_?"], &offered, READ_ONLY), ["get_a", "list_b", "list_a"]);
        assert_eq!(resolved(&[], &["list_b", "get_a"], READ_ONLY), ["list_b", "get_a"]);
        assert_eq!(resolved(&[], &[], READ_ONLY), [""; 0]);
    }

    #[test]
    fn what_changes_things_is_only_handed_on_when_asked_for() {
        let offered = ["list_a", "upsert_a", "run_action"];
        assert_eq!(resolved(&["*"], &offered, READ_ONLY), ["list_a"]);
        assert_eq!(resolved(&["*", "upsert_a"], &offered, READ_ONLY), ["list_a", "upsert_a"]);
        assert_eq!(resolved(&["run_action"], &offered, READ_ONLY), ["run_action"]);
        assert_eq!(resolved(&[], &offered, Policy { read_only: true, execute: true }), ["list_a", "run_action"]);
        assert_eq!(resolved(&[], &offered, Policy { read_only: false, execute: true }), offered);
        let doubts = refused(&["up*"], &offered, READ_ONLY);
        assert_eq!(doubts, [Doubt::NoMatch { glob: "up*".to_owned(), unfit: vec![name("upsert_a")] }]);
    }

    #[test]
    fn the_nearest_name_is_suggested_unless_it_would_delete() {
        let offered = ["list_blueprints", "list_entities", "get_sidebar", "upsert_entity", "delete_entity"];
        let all = Policy { read_only: false, execute: true };
        for (wanted, nearest) in [
            ("get_entities", "list_entities"),
            ("get_blueprints", "list_blueprints"),
            ("get_blueprint", "list_blueprints"),
            ("lsit_entities", "list_entities"),
            ("create_entity", "upsert_entity"),
            ("delete_entities", "delete_entity"),
        ] {
            let doubt = Doubt::NotOffered { name: name(wanted), nearest: Some(name(nearest)), hidden: None };
            assert_eq!(refused(&[wanted], &offered, all), [doubt]);
        }
        assert_eq!(refused(&["Bash"], &offered, all), [Doubt::NotOffered { name: name("Bash"), nearest: None, hidden: None }]);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let doubts = refused(&["get_entities", "x*", "upsert_entity", "run_action"], &["list_entities"], READ_ONLY);
        let hidden: Vec<_> = doubts.iter().map(Doubt::is_hidden).collect();
        assert_eq!(hidden, [false, false, true, true]);
    }

    proptest! {
        #[test]
        fn what_is_allowed_is_offered_and_comes_once(
            entries in proptest::collection::vec("[a-c*?_]{1,4}", 0..6),
            offered in proptest::collection::hash_set("(list|run|upsert)_[a-c]{0,2}", 0..8),
            read_only: bool,
        ) {
            let entries: Vec<_> = entries.iter().map(String::as_str).collect();
            let offered: Vec<_> = offered.iter().map(String::as_str).collect();
            let policy = Policy { read_only, execute: !read_only };
            if let Ok(allowed) = select(&entries).resolve(&offer(&offered), policy) {
                let unique: HashSet<_> = allowed.names.iter().collect();
                prop_assert_eq!(unique.len(), allowed.names.len());
                prop_assert!(allowed.names.iter().all(|name| offered.contains(&name.as_str())));
            }
        }
    }
}
