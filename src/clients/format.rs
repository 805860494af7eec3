//! The formats of configs.

use serde_json::Value;
use zeroize::Zeroizing;

/// How a config is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, also where the agent reads comments in it.
    Json,
}

impl Format {
    /// Writes a config down, ready to paste.
    ///
    /// JSON is one line and has no single quote, so it survives `'${{ … }}'` in a shell and in `claude_args`.
    #[must_use]
    pub fn write(self, config: &Value) -> Zeroizing<String> {
        match self {
            Self::Json => Zeroizing::new(config.to_string().replace('\'', "\\u0027")),
        }
    }
}
