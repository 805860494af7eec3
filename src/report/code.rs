//! The codes of errors.

use strum::{IntoStaticStr, VariantArray};

/// Where each code has a heading of its own.
const TROUBLESHOOTING: &str = "https://github.com/org/port-mcp-auth/blob/v1/docs/troubleshooting.md";

/// The code of an error: the output `error_code`, and a heading in `docs/troubleshooting.md`, which says what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "docs/troubleshooting.md says what each one means")]
pub enum Code {
    InputMissing,
    InputInvalid,
    CredentialsRejected,
    Forbidden,
    NotFound,
    RequestRejected,
    RateLimited,
    PortUnavailable,
    Unreachable,
    Proxy,
    Tls,
    Redirected,
    BadResponse,
    TokenExpiring,
    McpRefused,
    McpError,
    ToolUnknown,
    ConfigConflict,
    FileWrite,
    Timeout,
    Runner,
    Gateway,
    Cancelled,
    Internal,
}

impl Code {
    /// The code as the output `error_code` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The code's heading in the documentation.
    #[must_use]
    pub fn help_url(self) -> String {
        format!("{TROUBLESHOOTING}#{}", self.as_str())
    }
}
