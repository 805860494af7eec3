//! What the headers of a request allow it to see and to do.

use axum::http::HeaderMap;

use super::spec::{Effect, Spec};
use crate::{
    catalog::Catalog,
    options::{Options, Role},
};

/// The limits that a caller set for itself.
#[derive(Debug)]
pub(crate) struct Access {
    read_only: bool,
    role: Role,
    /// `None` allows all.
    actions: Option<Vec<String>>,
}

impl Access {
    pub(crate) fn of(headers: &HeaderMap, options: &Options) -> Self {
        let text = |name| Some(headers.get(name)?.to_str().unwrap_or_default());
        let names = |list: &str| {
            let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        Self {
            read_only: text("x-read-only-mode") == Some("1") && !options.ignore_read_only,
            role: options.role,
            actions: text("x-allowed-actions-to-run").map(names),
        }
    }

    pub(super) fn may_run(&self, action: &str) -> bool {
        let allowed = |names: &Vec<String>| names.iter().any(|name| name == action);
        self.actions.as_ref().is_none_or(allowed)
    }

    /// The actions that the caller may run.
    pub(super) fn runnable<'a>(&self, catalog: &'a Catalog) -> Vec<&'a str> {
        let actions = catalog.actions.iter();
        let names = actions.filter_map(|action| action["identifier"].as_str());
        names.filter(|name| self.may_run(name)).collect()
    }

    /// Whether the caller sees this tool.
    pub(super) fn sees(&self, spec: &Spec, catalog: &Catalog) -> bool {
        if self.role == Role::Member && spec.role == Role::Admin {
            return false;
        }
        match spec.effect {
            Effect::Reads => true,
            Effect::Executes => !spec.is_limited_to_actions() || !self.runnable(catalog).is_empty(),
            Effect::Writes | Effect::Deletes => !self.read_only,
        }
    }
}
