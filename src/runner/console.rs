//! Standard output as the runner reads it: plain lines and workflow commands.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use zeroize::Zeroizing;

use super::error::Error;
use crate::redact::{Quote, Redactor, SHORTEST_MASK, Secret, forms_to_mask};

/// The only way to standard output. No text that is printed here can start a workflow command. Our own words are printed
/// unchanged: they contain text from outside only as a [`Quote`].
///
/// A copy writes to the same output and knows the same secrets.
#[derive(Clone)]
pub struct Console {
    out: Rc<RefCell<dyn Write>>,
    redactor: Rc<RefCell<Redactor>>,
    debug: bool,
}

impl Console {
    /// Writes to `out`, and debug messages only if `debug` is set.
    pub fn new(out: impl Write + 'static, debug: bool) -> Self {
        Self { out: Rc::new(RefCell::new(out)), redactor: Rc::default(), debug }
    }

    /// Tells the runner to mask a secret from now on, and the given parts of it, which would reveal something by themselves.
    ///
    /// # Errors
    /// If the runner can't be told: a secret that isn't masked must not be used.
    pub fn mask<'a>(&self, secret: &Secret, parts: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        self.redactor.borrow_mut().learn(secret);
        let parts = parts.into_iter().map(Secret::new);
        let mut commands = Zeroizing::new(String::new());
        for form in std::iter::once(secret.clone()).chain(forms_to_mask(secret)).chain(parts) {
            // The runner masks each line of a value, however short. Short lines are left out here.
            for line in form.reveal().lines().filter(|line| line.len() >= SHORTEST_MASK) {
                commands.extend(["::add-mask::", &escape_data(line), "\n"]);
            }
        }
        self.write(&commands).map_err(|error| Error::Unmasked(error.kind()))
    }

    /// Removes a password, such as a proxy's, from quotations. It isn't masked, since later steps don't use it and it may be a
    /// common word.
    pub fn learn_password(&self, password: &Secret) {
        self.redactor.borrow_mut().learn_password(password);
    }

    /// Gives access to the redactor.
    pub fn with_redactor<T>(&self, act: impl FnOnce(&Redactor) -> T) -> T {
        act(&self.redactor.borrow())
    }

    /// Cleans text from outside.
    #[must_use]
    pub fn quote(&self, text: &str) -> Quote {
        self.redactor.borrow().quote(text)
    }

    /// A plain line.
    pub fn info(&self, text: &str) {
        let line: String = text.split(char::is_control).collect::<Vec<_>>().join(" ");
        // The runner reads a command after leading white space too, and `##[` anywhere.
        let line = line.trim_start().replace("##[", "## [");
        let line = if line.starts_with("::") { format!(". {line}") } else { line };
        self.print(&line);
    }

    /// A message that the runner shows only if the run shows debug messages.
    pub fn debug(&self, text: &str) {
        if self.debug {
            self.print(&format!("::debug::{}", data(text)));
        }
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
        let title = escape_property(title).replace("##[", "## [");
        self.print(&format!("::{level} title={title}::{}", data(text)));
    }

    fn print(&self, line: &str) {
        // If this fails, masks are already in place, and there is no way to report it.
        drop(self.write(&format!("{line}\n")));
    }

    fn write(&self, lines: &str) -> io::Result<()> {
        let mut out = self.out.borrow_mut();
        out.write_all(lines.as_bytes())?;
        out.flush()
    }
}

/// A command's message. The old form of a command counts anywhere in a line.
fn data(text: &str) -> String {
    escape_data(text).replace("##[", "## [")
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

    #[derive(Clone, Default)]
    struct Output(Rc<RefCell<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(act: impl FnOnce(&Console)) -> String {
        let output = Output::default();
        act(&Console::new(output.clone(), true));
        String::from_utf8(output.0.take()).unwrap()
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
        assert_eq!(printed(|console| console.debug("##[add-mask]a\n::b")), "::debug::## [add-mask]a%0A::b\n");
    }

    #[test]
    fn debug_messages_come_only_when_the_run_shows_them() {
        let output = Output::default();
        Console::new(output.clone(), false).debug("a");
        assert!(output.0.take().is_empty());
    }

    #[test]
    fn a_secret_is_masked_once_and_then_in_no_quotation() {
        let log = printed(|console| {
            console.mask(&Secret::new("sesame-open-1234"), []).unwrap();
            console.info(&format!("It said {}.", console.quote("sesame-open-1234")));
            console.error("Refused", &console.quote("736573616d652d6f70656e2d31323334").to_string());
        });
        let (masks, rest): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.starts_with("::add-mask::"));
        assert_eq!(masks.first(), Some(&"::add-mask::sesame-open-1234"));
        assert_eq!(rest, ["It said `***`.", "::error title=Refused::`***`"]);
    }

    #[test]
    fn a_password_that_is_a_common_word_changes_nothing_of_ours() {
        let log = printed(|console| {
            console.learn_password(&Secret::new("proxy"));
            console.warning("The proxy failed", &format!("The proxy said {}.", console.quote("no proxy for you")));
        });
        assert_eq!(log, "::warning title=The proxy failed::The proxy said `no *** for you`.\n");
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
        let masked = Console::new(Closed, false).mask(&Secret::new("sesame"), []);
        assert!(matches!(masked, Err(Error::Unmasked(io::ErrorKind::BrokenPipe))));
    }
}
