//! The environment.

use std::ffi::OsString;

/// How variables are read.
pub type Variable = fn(&str) -> Option<OsString>;
