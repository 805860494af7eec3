//! Quoting for a shell.

use zeroize::Zeroizing;

/// One word, always in single quotes: shells and `shell-quote`, with which `claude-code-action` parses `claude_args`, expand
/// nothing in them.
pub fn quoted(text: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("'{}'", text.replace('\'', r"'\''")))
}

/// The same flag before each value.
pub fn repeated(flag: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Zeroizing<String> {
    let mut words = Zeroizing::new(String::new());
    for value in values {
        if !words.is_empty() {
            words.push(' ');
        }
        *words += flag;
        words.push(' ');
        *words += &quoted(value.as_ref());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_shell_reads_back_what_was_quoted(values in proptest::collection::vec("[^\0]{0,20}", 0..4)) {
            let expected: Vec<_> = values.iter().flat_map(|value| ["--f".to_owned(), value.clone()]).collect();
            prop_assert_eq!(shlex::split(&repeated("--f", &values)), Some(expected));
        }
    }
}
