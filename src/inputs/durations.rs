//! Inputs that are durations.

use std::time::Duration;

use jiff::SignedDuration;

use super::problem::ValueError;

/// The longest duration that an input takes: a GitHub-hosted job ends after six hours, a self-hosted one after five days.
const LONGEST: Duration = Duration::from_hours(5 * 24);

/// Why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum DurationProblem {
    /// Not in a form that is understood.
    #[error("is not a duration")]
    Form,
    /// Longer than a job can run.
    #[error("is longer than a job can run (5 days)")]
    TooLong,
}

/// A duration.
///
/// # Errors
/// If the text has another form, is negative, or is longer than five days.
pub fn duration(text: &str) -> Result<Duration, ValueError> {
    parse(text).map_err(|problem| ValueError {
        value: Some(text.to_owned()),
        problem: problem.to_string(),
        fix: "Write a duration as `90s`, `30m`, `2h`, or as a number of seconds.".to_owned(),
    })
}

/// A duration that is not zero.
///
/// # Errors
/// As [`duration`], and for zero.
pub fn longer_than_zero(input: &str, text: &str) -> Result<Duration, ValueError> {
    let duration = duration(text)?;
    if duration.is_zero() {
        return Err(ValueError {
            value: None,
            problem: "is zero, which leaves no time for anything".to_owned(),
            fix: format!("Write a duration such as `60s`, or leave `{input}` out."),
        });
    }
    Ok(duration)
}

/// Reads `90s`, `30m`, `2h`, `1h30m`, or a bare number of seconds.
fn parse(text: &str) -> Result<Duration, DurationProblem> {
    let duration = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().map_err(|_| DurationProblem::TooLong)?)
    } else {
        let signed: SignedDuration = text.parse().map_err(|_| DurationProblem::Form)?;
        Duration::try_from(signed).map_err(|_| DurationProblem::Form)?
    };
    if duration > LONGEST {
        return Err(DurationProblem::TooLong);
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_the_contract_are_read() {
        for (text, seconds) in
            [("0", 0), ("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1h 30m", 5400), ("120h", 432_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", "soon", "-5m", "5m ago", "1d", "h", "1.5", "9e9", "٣", "+5", "5 parsecs"] {
            assert_eq!(parse(text), Err(DurationProblem::Form), "{text}");
        }
        for text in ["432001", "121h", "99999999999999999999999"] {
            assert_eq!(parse(text), Err(DurationProblem::TooLong), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_in_range(text in "\\PC{0,24}|[0-9hms. -]{0,12}") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(duration <= LONGEST);
            }
        }
    }
}
