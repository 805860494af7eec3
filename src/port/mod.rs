//! Port's side: where it is, how it issues a token, and what a token says of itself.

pub mod answer;
pub mod exchange;
pub mod obtain;
pub mod region;
pub mod retry;
pub mod token;
