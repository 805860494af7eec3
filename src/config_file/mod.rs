//! The agent's config as a file, and as an addition to one that is there: the inputs `config_file` and `base_config`.

pub mod cleanup;
mod directory;
mod git;
pub mod merge;
pub mod place;
pub mod problem;
pub mod text;
mod written;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::clients::format::Format;
use crate::environment::Environment;
use crate::error::{Error, Problem};
use crate::github::console::Console;
use crate::github::state::StateFile;
use crate::inputs::Inputs;
use crate::secret::Secret;
use merge::{Clash, Server, merge};
use place::{Place, Root};
use written::{Target, Written};

/// A config that is ready to be handed on.
pub struct Composed {
    /// The whole of it, as the output `mcp_config` has it.
    pub output: Zeroizing<String>,
    /// The same as a file has it, and where that is to be.
    file: Option<(Target, Zeroizing<String>)>,
}

/// Adds the server to the config that is there, if there is one. Nothing is written yet.
///
/// # Errors
/// When the config that is there can't take the server, or the file can't be written.
pub fn compose(ours: &Value, inputs: &Inputs, environment: &Environment) -> Result<Composed, Error> {
    let format = inputs.client.format();
    let failed = |place: &Place| {
        let path = place.to_string();
        move |problem| Error::FileWrite { path, problem }
    };
    let target = inputs.config_file.as_ref().map(|place| Target::find(place, environment).map_err(failed(place))).transpose()?;
    let old = target.as_ref().and_then(|target| target.old.as_ref());
    let base = match (&inputs.base_config, old) {
        (Some(text), _) => Some(Base { input: "base_config", text: text.clone() }),
        (None, Some(old)) => Some(Base::from_file(&old.content)?),
        (None, None) => None,
    };
    let (output, file) = if let Some(base) = base {
        let (output, file) = base.with(ours, format, Server { name: &inputs.server_name, url: inputs.mcp_url.as_str() })?;
        (output, Some(file))
    } else {
        let output = format.write(ours);
        let file = target.is_some().then(|| laid_out(ours, format, &output));
        (output, file)
    };
    Ok(Composed { output, file: target.zip(file) })
}

impl Composed {
    /// Writes the file, if one is wanted.
    ///
    /// # Errors
    /// When it can't be written; then everything is as it was.
    pub fn write(self, state: Option<&mut StateFile>) -> Result<Option<Written>, Error> {
        self.file.map(|(target, content)| target.write(&content, state)).transpose()
    }

    /// Whether the file will hold a secret as it is.
    #[must_use]
    pub fn reveals(&self, secret: &Secret) -> bool {
        self.file.as_ref().is_some_and(|(_, content)| content.contains(secret.reveal()))
    }
}

/// Tells where the file is, and of the danger that it is committed.
pub fn tell(place: &Place, holds_token: bool, environment: &Environment, console: &Console<'_>) {
    let (path, root) = match place.root {
        Root::Workspace => (place.to_string(), "in the workspace"),
        Root::Temp => (place.to_string(), "in the runner's temporary directory"),
    };
    console.info(&format!("Config file: {path}, {root}."));
    let workspace = Root::Workspace.path(environment).filter(|_| place.root == Root::Workspace);
    if holds_token && workspace.is_some_and(|workspace| git::would_commit(&workspace, place)) {
        console.warning(
            "Git would commit the token",
            &format!("`{path}` holds the token, and git doesn't ignore it. Until the job ends, when it is taken away, `git add` would take it into a commit, and an agent with the right to push would publish it.\nFix: Add `/{path}` to `.gitignore`, write to `temp:{}` instead, or set `token_env` so that the file holds no token.", place.name),
        );
    }
}

/// A config that is there already.
struct Base {
    /// The input that it comes from.
    input: &'static str,
    text: Zeroizing<String>,
}

impl Base {
    fn from_file(content: &[u8]) -> Result<Self, Error> {
        let text = str::from_utf8(content).map_err(|_| invalid("config_file", "names a file that is not text in UTF-8"))?;
        Ok(Self { input: "config_file", text: Zeroizing::new(text.to_owned()) })
    }

    /// The two forms of the base with `ours` in it.
    fn with(&self, ours: &Value, format: Format, server: Server<'_>) -> Result<(Zeroizing<String>, Zeroizing<String>), Error> {
        let what = if self.input == "config_file" { "names a file that " } else { "" };
        let flawed = |flaw: text::Flaw| invalid(self.input, &format!("{what}{flaw}"));
        let current = text::parse(format, &self.text).map_err(flawed)?;
        let merged = merge(&current, ours, server).map_err(|clash| self.clash(clash, server))?;
        let edited = text::rewrite(format, &self.text, &merged).map_err(flawed)?;
        let output = match format {
            // On one line, comments would take the rest with them.
            Format::Json => format.write(&merged),
            Format::Toml | Format::Yaml => edited.clone(),
        };
        Ok((output, edited))
    }

    fn clash(&self, clash: Clash, server: Server<'_>) -> Error {
        match clash {
            Clash::Taken { at } => {
                Error::ConfigConflict { input: self.input, at, server_name: server.name.to_owned(), url: server.url.to_owned() }
            }
            Clash::Shape { at, found, needed } => {
                invalid(self.input, &format!("has {found} at {at}, where the agent's config has {needed}"))
            }
        }
    }
}

/// A config of our own as a file has it, where `output` is the form that the output has.
fn laid_out(ours: &Value, format: Format, output: &str) -> Zeroizing<String> {
    let file = match format {
        Format::Json => text::rewrite(format, "", ours).ok(),
        Format::Toml | Format::Yaml => None,
    };
    file.unwrap_or_else(|| Zeroizing::new(format!("{}\n", output.trim_end())))
}

fn invalid(input: &'static str, what: &str) -> Error {
    let mend = format!("Give `{input}` a config of the agent that `client` names, in that agent's own format.");
    Error::InputInvalid { problems: vec![Problem { input, missing: false, what: what.to_owned(), mend }] }
}
