//! Standard output as the runner reads it: plain lines and workflow commands.

use std::cell::RefCell;
use std::io::{self, Write};

use zeroize::Zeroizing;

use crate::error::Error;
use crate::port::token::Token;
use crate::redact::{Quote, Redactor, forms_to_mask};
use crate::secret::Secret;

/// The shortest text that is masked. A shorter one would black out half of the log.
pub const SHORTEST_MASK: usize = 4;

/// The one way to standard output. What passes here can't show a secret that it knows, nor start a command of its own.
pub struct Console<'a> {
    out: RefCell<Box<dyn Write + 'a>>,
    redactor: RefCell<Redactor>,
}

impl<'a> Console<'a> {
    /// Writes to `out`.
    pub fn new(out: impl Write + 'a) -> Self {
        Self { out: RefCell::new(Box::new(out)), redactor: RefCell::default() }
    }

    /// Tells the runner to hide the client secret from now on.
    ///
    /// # Errors
    /// When the runner can't be told: a secret that isn't masked must not be used.
    pub fn mask(&self, secret: &Secret) -> Result<(), Error> {
        self.mask_with(secret, std::iter::empty())
    }

    /// Tells the runner to hide a token, also in its parts: the payload and the signature of a JWT are telling alone.
    /// The header isn't: it is the same for all tokens of a kind.
    ///
    /// # Errors
    /// When the runner can't be told.
    pub fn mask_token(&self, token: &Token) -> Result<(), Error> {
        self.mask_with(token.secret(), token.jwt_parts().map(Secret::new))
    }

    /// Knows a secret that the step doesn't hand on, such as a proxy's password, without masking it in later steps.
    pub fn learn(&self, secret: &Secret) {
        self.redactor.borrow_mut().learn(secret);
    }

    /// Lends out what cleans outside text.
    pub fn with_redactor<T>(&self, act: impl FnOnce(&Redactor) -> T) -> T {
        act(&self.redactor.borrow())
    }

    /// Cleans outside text for showing.
    pub fn quote(&self, text: &str) -> Quote {
        self.redactor.borrow().quote(text)
    }

    /// A text of our own without any secret that it may have taken in.
    pub fn guard(&self, text: &str) -> String {
        self.redactor.borrow().guard(text)
    }

    /// A plain line.
    pub fn info(&self, text: &str) {
        let line: String = self.guard(text).split(char::is_control).collect::<Vec<_>>().join(" ");
        // The runner reads a command after leading white space too, and `##[` anywhere.
        let line = line.trim_start().replace("##[", "## [");
        let line = if line.starts_with("::") { format!(". {line}") } else { line };
        self.print(&line);
    }

    /// A warning annotation.
    pub fn warning(&self, title: &str, text: &str) {
        self.annotate("warning", title, text);
    }

    /// An error annotation.
    pub fn error(&self, title: &str, text: &str) {
        self.annotate("error", title, text);
    }

    fn annotate(&self, level: &str, title: &str, text: &str) {
        // The old form of a command counts anywhere in a line.
        let title = escape_property(&self.guard(title)).replace("##[", "## [");
        let text = escape_data(&self.guard(text)).replace("##[", "## [");
        self.print(&format!("::{level} title={title}::{text}"));
    }

    /// Masks a secret and its parts in one piece. The runner masks a value of several lines line by line, and each of any length.
    /// Here a short line is left out.
    fn mask_with(&self, secret: &Secret, parts: impl Iterator<Item = Secret>) -> Result<(), Error> {
        self.redactor.borrow_mut().learn(secret);
        let mut commands = Zeroizing::new(String::new());
        for form in std::iter::once(secret.clone()).chain(forms_to_mask(secret)).chain(parts) {
            for line in form.reveal().lines().filter(|line| line.len() >= SHORTEST_MASK) {
                commands.extend(["::add-mask::", &escape_data(line), "\n"]);
            }
        }
        self.write(&commands).map_err(|error| Error::Runner {
            problem: format!("Standard output can't be written ({}), so the secret can't be masked.", error.kind()),
        })
    }

    fn print(&self, line: &str) {
        // Masks are already in place when this fails, and nobody is left to be told.
        drop(self.write(&format!("{line}\n")));
    }

    fn write(&self, lines: &str) -> io::Result<()> {
        let mut out = self.out.borrow_mut();
        out.write_all(lines.as_bytes())?;
        out.flush()
    }
}

/// Escapes a command's message as the runner's toolkit does.
fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a command's property, whose end is a comma or two colons.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(act: impl FnOnce(&Console<'_>)) -> String {
        let mut bytes = Vec::new();
        act(&Console::new(&mut bytes));
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn a_plain_line_is_never_a_command(text in "[ :#\\[\\]a-z\r\n\t=,%]{0,40}|\\PC{0,40}") {
            let log = printed(|console| console.info(&text));
            prop_assert_eq!(log.matches('\n').count(), 1);
            prop_assert!(!log.contains('\r'));
            prop_assert!(!log.trim_start().starts_with("::"));
            prop_assert!(!log.contains("##["));
        }

        #[test]
        fn an_annotation_is_one_command_that_reads_back(title in "[ -~]{0,30}", text in "[ -~\r\n]{0,60}") {
            let log = printed(|console| console.error(&title, &text));
            prop_assert_eq!(log.matches('\n').count(), 1);
            let rest = log.strip_prefix("::error title=").unwrap();
            let (read_title, read_text) = rest.trim_end_matches('\n').split_once("::").unwrap();
            let decode = |text: &str| text.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%");
            prop_assert_eq!(decode(read_title), title.replace("##[", "## ["));
            prop_assert_eq!(read_text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"), text.replace("##[", "## ["));
        }
    }

    #[test]
    fn no_part_of_an_annotation_is_a_command_of_the_old_form() {
        let log = printed(|console| console.error("##[add-mask]a", "##[error]b"));
        assert_eq!(log, "::error title=## [add-mask]a::## [error]b\n");
    }

    #[test]
    fn a_secret_is_masked_once_and_then_never_shown() {
        let log = printed(|console| {
            console.mask(&Secret::new("sesame-open-1234")).unwrap();
            console.info("it is sesame-open-1234");
            console.error("sesame-open-1234", "736573616d652d6f70656e2d31323334");
        });
        let (masks, rest): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.starts_with("::add-mask::"));
        assert_eq!(masks.first(), Some(&"::add-mask::sesame-open-1234"));
        assert_eq!(rest, ["it is ***", "::error title=***::***"]);
    }

    #[test]
    fn a_secret_that_cannot_be_masked_ends_the_run() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(matches!(Console::new(Closed).mask(&Secret::new("sesame")), Err(Error::Runner { .. })));
    }
}
