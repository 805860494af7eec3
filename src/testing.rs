//! What tests, fuzz targets and the tools of this repository use of the program: the layers, with what each one shows to those
//! above it. It is no API.
#![allow(missing_docs, reason = "the layers themselves are documented")]

pub mod clients {
    pub use crate::clients::*;
}

pub mod config {
    pub use crate::config::*;
}

pub mod docker {
    pub use crate::docker::*;
}

pub mod exec {
    pub use crate::exec::with_flags;
}

pub mod gateway {
    pub use crate::gateway::*;
}

pub mod inputs {
    pub use crate::inputs::*;
}

pub mod mcp {
    pub use crate::mcp::*;
}

pub mod net {
    pub use crate::net::*;
}

pub mod port {
    pub use crate::port::*;
}

pub mod redact {
    pub use crate::redact::*;
}

pub mod report {
    pub use crate::report::*;
}

pub mod runner {
    pub use crate::runner::*;
}
