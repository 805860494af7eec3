//! Durations as users write them and as people read them.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest duration that an input takes: a GitHub-hosted job ends after six hours, a self-hosted one after five days.
const LONGEST: Duration = Duration::from_hours(5 * 24);

/// Why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationProblem {
    /// Not in a form that is understood.
    #[error("is not a duration")]
    Form,
    /// Longer than a job can run.
    #[error("is longer than a job can run (5 days)")]
    TooLong,
}

/// Reads `90s`, `30m`, `2h`, `1h30m`, or a bare number of seconds.
///
/// # Errors
/// When the text has another form, is negative, or is longer than five days.
pub fn parse(text: &str) -> Result<Duration, DurationProblem> {
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

/// `2 h 59 min`, `5 min`, `42 s`: at most two units, rounded down. What is shorter than a second is `0 s`.
#[must_use]
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) if seconds.is_multiple_of(60) || minutes >= 10 => format!("{minutes} min"),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        (_, 0) => format!("{hours} h"),
        _ => format!("{hours} h {minutes} min"),
    }
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

    #[test]
    fn people_read_at_most_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (299, "4 min 59 s"),
            (660, "11 min"),
            (671, "11 min"),
            (3600, "1 h"),
            (10_799, "2 h 59 min"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
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
