//! The config before the token is known: the base that the server is added to, and the file that is written.

use serde_json::Value;
use zeroize::Zeroizing;

use super::error::Error;
use super::format::Format;
use super::merge::{ServerEntry, merge};
use super::place::Place;
use super::seal::Seal;
use super::text::{Document, laid_out, rewrite, write};
use super::written::{Target, Written};
use crate::redact::Secret;
use crate::runner::{Environment, StateFile};

/// The base that the server is added to, parsed once, and the opened target of the file.
pub struct Draft {
    format: Format,
    base: Option<Base>,
    target: Option<Target>,
}

/// A config that exists.
struct Base {
    /// The input that it comes from.
    input: &'static str,
    document: Document,
}

/// A config with the server in it.
pub struct Rendered {
    /// As the output `mcp_config` has it.
    pub output: Zeroizing<String>,
    /// As a file has it.
    pub(super) file: Zeroizing<String>,
}

impl Rendered {
    /// Whether a file would hold this secret.
    #[must_use]
    pub fn reveals(&self, secret: &Secret) -> bool {
        self.file.contains(secret.reveal())
    }
}

impl Draft {
    /// Opens the target of the file, if one is wanted, and reads the existing config: `base_config`, or the file's content.
    /// Changes nothing.
    ///
    /// # Errors
    /// If the file can't be written, or what it holds can't be read.
    pub fn open(format: Format, base_config: Option<Document>, place: Option<&Place>, environment: &Environment) -> Result<Self, Error> {
        let find = |place: &Place| Target::find(place, environment).map_err(|problem| Error::File { path: place.to_string(), problem });
        let target = place.map(find).transpose()?;
        let old = target.as_ref().and_then(|target| target.old.as_ref());
        let base = match (base_config, old) {
            (Some(document), _) => Some(Base { input: "base_config", document }),
            (None, Some(old)) => {
                let text = str::from_utf8(&old.content).map_err(|_| Error::NotText)?;
                let input = "config_file";
                let document = Document::parse(format, text).map_err(|problem| Error::Text { input, problem })?;
                Some(Base { input, document })
            }
            (None, None) => None,
        };
        Ok(Self { format, base, target })
    }

    /// Adds the server to the existing config, or makes a new config.
    ///
    /// # Errors
    /// If it can't be added to the existing config.
    pub fn render(&self, ours: &Value, server: ServerEntry<'_>) -> Result<Rendered, Error> {
        let Some(Base { input, document }) = &self.base else {
            let output = write(self.format, ours);
            let file = if self.target.is_some() { laid_out(self.format, ours, &output) } else { Zeroizing::default() };
            return Ok(Rendered { output, file });
        };
        let merged = merge(&document.value, ours, server).map_err(|clash| Error::Clash { input, clash })?;
        let file = rewrite(self.format, &document.text, &merged).map_err(|problem| Error::Text { input, problem })?;
        let output = match self.format {
            // The output is one line, in which a comment would swallow the rest.
            Format::Json => write(self.format, &merged),
            Format::Toml | Format::Yaml => file.clone(),
        };
        Ok(Rendered { output, file })
    }

    /// The config that the server is added to, if there is one, and the input that it comes from.
    #[must_use]
    pub fn base(&self) -> Option<(&'static str, &Value)> {
        self.base.as_ref().map(|base| (base.input, &base.document.value))
    }

    /// Writes the file, if one is wanted.
    ///
    /// # Errors
    /// If it can't be written. Then nothing has changed.
    pub fn write(self, rendered: &Rendered, state: Option<&mut StateFile>, seal: &Seal) -> Result<Option<Written>, Error> {
        self.target.map(|target| target.write(&rendered.file, state, seal)).transpose()
    }
}
