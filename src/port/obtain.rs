//! A token that lives long enough, waited for where the user allows it.

use std::time::Duration;

use super::exchange::Exchange;
use super::token::Token;
use crate::budget::Budget;
use crate::duration::human;
use crate::error::{Error, Shortfall};

/// Added to a token's end before a fresh one is asked for: clocks differ.
const GRACE: Duration = Duration::from_secs(1);

/// The pause before asking again when the token should have been replaced already.
const NEXT_LOOK: Duration = Duration::from_secs(5);

/// A token with less left than this is worth a warning: agents work for longer.
const SHORT: Duration = Duration::from_mins(10);

/// How long the token must live, and what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// What must be left of the token.
    pub min: Duration,
    /// How long to wait for a fresh one.
    pub max_wait: Duration,
}

/// Gets a token, masks it, and makes sure that it lives as long as asked.
///
/// Port hands out one token for each credential until it expires. One that ends too soon can only be waited out.
///
/// # Errors
/// Whatever [`Exchange::token`] gives; [`Error::TokenExpiring`] when waiting isn't allowed for long enough, or wouldn't help.
pub async fn obtain(exchange: &Exchange<'_, '_>, validity: Validity, budget: &mut Budget) -> Result<Token, Error> {
    let mut waited = Duration::ZERO;
    loop {
        let token = exchange.token(budget).await?;
        exchange.console.mask_token(&token)?;
        let left = token.left_on_arrival();
        if left >= validity.min && !left.is_zero() {
            warn_if_short(exchange, left);
            return Ok(token);
        }
        let shortfall = Shortfall {
            left,
            needed: validity.min,
            max_wait: validity.max_wait,
            lifetime: token.lifetime().filter(|lifetime| *lifetime < validity.min),
        };
        let wait = if left.is_zero() { NEXT_LOOK } else { left + GRACE };
        if shortfall.lifetime.is_some() || waited + wait > validity.max_wait {
            return Err(Error::TokenExpiring(shortfall));
        }
        exchange.console.info(&format!(
            "Port's token lives only {} more, less than asked for. Waiting {} for a fresh one.",
            human(left),
            human(wait)
        ));
        tokio::time::sleep(wait).await;
        budget.extend(wait);
        waited += wait;
    }
}

fn warn_if_short(exchange: &Exchange<'_, '_>, left: Duration) {
    if left < SHORT {
        exchange.console.warning(
            "The token ends soon",
            &format!(
                "Port's token lives only {} more, since Port hands out the same one to all jobs until it expires. For longer work set `min_validity`, and `max_wait` to wait for a fresh one.",
                human(left)
            ),
        );
    }
}
