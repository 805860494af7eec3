//! Flags: as words for a program, and as text for a shell.

use zeroize::Zeroizing;

/// A flag of an agent, with its value.
pub struct Flag {
    name: &'static str,
    value: Zeroizing<String>,
}

impl Flag {
    /// A flag with this value.
    pub(super) fn new(name: &'static str, value: impl AsRef<str>) -> Self {
        Self { name, value: Zeroizing::new(value.as_ref().to_owned()) }
    }

    /// Whether this is its value.
    #[must_use]
    pub fn holds(&self, value: &str) -> bool {
        *self.value == value
    }

    /// The words for a program. A long flag and its value are one word: some agents take every word after such a flag as one more value
    /// of it, until the next flag.
    #[must_use]
    pub fn words(&self) -> Vec<Zeroizing<String>> {
        if self.name.starts_with("--") {
            return vec![Zeroizing::new(format!("{}={}", self.name, *self.value))];
        }
        vec![Zeroizing::new(self.name.to_owned()), self.value.clone()]
    }
}

/// The same flag with each value.
pub fn repeated(name: &'static str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<Flag> {
    values.into_iter().map(|value| Flag::new(name, value)).collect()
}

/// Flags as text for a shell.
pub fn for_shell(flags: &[Flag]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for flag in flags {
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend([flag.name, " ", &quoted(&flag.value)]);
    }
    text
}

/// One word, always in single quotes: shells and `shell-quote`, with which `claude-code-action` parses `claude_args`, expand
/// nothing in them.
fn quoted(text: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_shell_reads_back_what_was_quoted(values in proptest::collection::vec("[^\0]{0,20}", 0..4)) {
            let expected: Vec<_> = values.iter().flat_map(|value| ["--f".to_owned(), value.clone()]).collect();
            prop_assert_eq!(shlex::split(&for_shell(&repeated("--f", &values))), Some(expected));
        }
    }

    #[test]
    fn a_long_flag_and_its_value_are_one_word() {
        let words = |name| Flag::new(name, "a b").words().iter().map(|word| word.to_string()).collect::<Vec<_>>();
        assert_eq!(words("--flag"), ["--flag=a b"]);
        assert_eq!(words("-c"), ["-c", "a b"]);
    }
}
