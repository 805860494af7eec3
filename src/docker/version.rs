//! The version of the API that both sides speak.

use serde::Deserialize;

/// Docker 20.10 and Podman 4 speak this one. All that is asked for here exists in it and in every later one.
const WANTED: Version = Version(1, 41);

/// A version, such as 1.41.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// The answer to `/version`.
#[derive(Deserialize)]
pub struct Spoken {
    #[serde(rename = "ApiVersion")]
    newest: String,
    #[serde(rename = "MinAPIVersion", default)]
    oldest: String,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        // Podman's own API has three numbers; the compatible one has two.
        Some(Self(major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
    }
}

impl Spoken {
    /// The wanted version if the engine speaks it, else the nearest that it does; `None` if it doesn't say.
    pub fn choose(&self) -> Option<String> {
        let newest = Version::parse(&self.newest)?;
        let oldest = Version::parse(&self.oldest).unwrap_or(WANTED);
        let Version(major, minor) = WANTED.max(oldest).min(newest);
        Some(format!("{major}.{minor}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_version_is_kept_within_what_the_engine_speaks() {
        for (oldest, newest, chosen) in [
            ("1.12", "1.41", Some("1.41")),
            ("1.24", "1.47", Some("1.41")),
            ("1.44", "1.52", Some("1.44")),
            ("1.12", "1.40", Some("1.40")),
            ("", "1.43", Some("1.41")),
            ("", "1.9", Some("1.9")),
            ("1.24", "", None),
            ("1.24", "new", None),
        ] {
            let spoken = Spoken { newest: newest.to_owned(), oldest: oldest.to_owned() };
            assert_eq!(spoken.choose().as_deref(), chosen, "{oldest} to {newest}");
        }
    }
}
