//! Port: where it is, how it issues a token, what a token says of itself, and what narrows the access that a token gives.

mod access;
mod body_kind;
mod error;
mod exchange;
mod obtain;
mod progress;
mod region;
mod response;
mod token;
mod tools;

pub use access::{Access, AllowedActions};
pub use body_kind::{BodyKind, header};
pub use error::{Error, ErrorResponse, ExchangeError, ExchangeProblem, ResponseProblem, Shortfall};
pub use exchange::{Credentials, Exchange};
pub use obtain::{Validity, obtain};
pub use progress::Progress;
pub use region::{Endpoint, Region, TokenEndpoint, TokenSource, api_base};
#[cfg(feature = "testing")]
pub use response::read_token_response;
#[cfg(feature = "testing")]
pub use token::seconds_from_json;
pub use token::{EndFrom, Token};
pub use tools::ToolKind;
