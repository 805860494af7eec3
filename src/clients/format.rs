//! The formats of configs.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::config_file::text;

/// How a config is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// JSON, also where the agent reads comments in it.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

impl Format {
    /// Writes a config down, ready to paste.
    ///
    /// JSON is one line and has no single quote, so it survives `'${{ … }}'` in a shell and in `claude_args`.
    #[must_use]
    pub fn write(self, config: &Value) -> Zeroizing<String> {
        match self {
            Self::Json => Zeroizing::new(config.to_string().replace('\'', "\\u0027")),
            // Our own configs can be written in each format: they have no null and no keys twice.
            Self::Toml | Self::Yaml => {
                let text = text::rewrite(self, "", config).unwrap_or_default();
                // The output ends the last line itself.
                Zeroizing::new(text.trim_end().to_owned())
            }
        }
    }
}
