//! Numbers and lists in sentences.

use std::time::Duration;

use crate::mcp::ToolName;

/// The most names in a sentence; the rest is counted.
const MOST_LISTED: usize = 40;

/// `2 h 59 min`, `5 min`, `42 s`: at most two units, rounded down. Less than a second is `0 s`.
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

/// A number of tools.
pub fn count(tools: usize) -> String {
    if tools == 1 { "1 tool".to_owned() } else { format!("{tools} tools") }
}

/// Names of tools.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a ToolName>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<_> = names.by_ref().take(MOST_LISTED).map(|name| format!("`{name}`")).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
