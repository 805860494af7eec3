//! How far a request has come.

use std::sync::{Arc, Mutex, PoisonError};

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// The address of a name.
    LookUp,
    /// A connection.
    Connection,
    /// The head of the response.
    #[default]
    Answer,
    /// The rest of the response.
    Body,
}

/// The phase of a client's last request.
#[derive(Clone, Default)]
pub struct Phases(Arc<Mutex<Phase>>);

impl Phases {
    pub fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    pub fn get(&self) -> Phase {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
