//! A token that lives long enough, waited for if the user allows it.

use std::time::Duration;

use super::error::{Error, Shortfall};
use super::exchange::Exchange;
use super::progress::Progress;
use super::token::Token;
use crate::net::Budget;

/// Added to a token's end before the next one is asked for: clocks differ.
const GRACE: Duration = Duration::from_secs(1);

/// The pause before the next request if the token should have been replaced already.
const NEXT_LOOK: Duration = Duration::from_secs(5);

/// How long the token must live, and how long to wait for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// What must be left of the token.
    pub min: Duration,
    /// How long to wait for a new one.
    pub max_wait: Duration,
}

/// Gets a token, masks it, and makes sure that it lives as long as needed.
///
/// Port issues one token for each credential until it expires. If it ends too soon, all that helps is to wait for its end.
///
/// # Errors
/// As [`Exchange::token`]; [`Error::Expiring`] if the wait is not allowed for long enough, or wouldn't help.
pub async fn obtain(exchange: &Exchange<'_>, validity: Validity, budget: &mut Budget) -> Result<Token, Error> {
    let mut waited = Duration::ZERO;
    loop {
        let token = exchange.token(budget).await?;
        exchange.console.mask(token.secret(), token.jwt_parts())?;
        let left = token.left_on_arrival();
        if left >= validity.min && !left.is_zero() {
            return Ok(token);
        }
        let shortfall = Shortfall {
            left,
            end_from: token.end_from(),
            needed: validity.min,
            max_wait: validity.max_wait,
            lifetime: token.lifetime().filter(|lifetime| *lifetime < validity.min),
        };
        let wait = if left.is_zero() { NEXT_LOOK } else { left + GRACE };
        if shortfall.lifetime.is_some() || waited + wait > validity.max_wait {
            return Err(Error::Expiring(shortfall));
        }
        (exchange.progress)(Progress::Waiting { left, wait });
        tokio::time::sleep(wait).await;
        budget.extend(wait);
        waited += wait;
    }
}
