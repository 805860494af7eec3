//! What people read: plain lines and workflow commands where a runner reads them, and plain text elsewhere.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use zeroize::Zeroizing;

use super::error::Error;
use crate::redact::{Quote, Redactor, SHORTEST_MASK, Secret, forms_to_mask};

/// The only way to standard output, or for other commands than the step to standard error. No text that is printed here can start a
/// workflow command. Our own words are printed unchanged: they contain text from outside only as a [`Quote`].
///
/// A copy writes to the same output and knows the same secrets.
#[derive(Clone)]
pub struct Console {
    out: Rc<RefCell<dyn Write>>,
    redactor: Rc<RefCell<Redactor>>,
    level: Level,
    face: Face,
}

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Warnings and errors.
    Quiet,
    /// Also how things go.
    Normal,
    /// Also what helps to find the cause of a problem.
    Debug,
}

/// Who reads.
#[derive(Clone, Copy)]
enum Face {
    /// A runner, which hides what it is told to mask.
    Runner { is_told_of_secrets: bool },
    /// A person.
    Person(Reader),
}

/// A person who reads without a runner between.
#[derive(Clone, Copy)]
pub struct Reader {
    /// Whether to use colours.
    pub colours: bool,
    /// Puts a text of the action into words that fit outside of it.
    pub words: fn(&str) -> String,
}

/// How each line for a person begins, so that it can be told from the lines of other programs.
const NAME: &str = "port-mcp-auth: ";

impl Console {
    /// Writes to `out` for a runner, and debug messages only if `debug` is set.
    pub fn new(out: impl Write + 'static, debug: bool) -> Self {
        let level = if debug { Level::Debug } else { Level::Normal };
        Self { out: Rc::new(RefCell::new(out)), redactor: Rc::default(), level, face: Face::Runner { is_told_of_secrets: true } }
    }

    /// Writes to `out` for a person.
    pub fn for_person(out: impl Write + 'static, reader: Reader, level: Level) -> Self {
        Self { out: Rc::new(RefCell::new(out)), redactor: Rc::default(), level, face: Face::Person(reader) }
    }

    /// The same for a runner that is not told of secrets, since another program may read along.
    pub fn for_runner(out: impl Write + 'static, level: Level) -> Self {
        let face = Face::Runner { is_told_of_secrets: false };
        Self { out: Rc::new(RefCell::new(out)), redactor: Rc::default(), level, face }
    }

    /// The same, for a secret that is handed out: the runner is told of it.
    #[must_use]
    pub fn handing_out(&self) -> Self {
        let face = match self.face {
            Face::Runner { .. } => Face::Runner { is_told_of_secrets: true },
            Face::Person(reader) => Face::Person(reader),
        };
        Self { face, ..self.clone() }
    }

    /// Tells the runner to mask a secret from now on, and the given parts of it, which would reveal something by themselves.
    ///
    /// # Errors
    /// If the runner can't be told: a secret that isn't masked must not be used.
    pub fn mask<'a>(&self, secret: &Secret, parts: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        self.redactor.borrow_mut().learn(secret);
        if !matches!(self.face, Face::Runner { is_told_of_secrets: true }) {
            return Ok(());
        }
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
        if self.level < Level::Normal {
            return;
        }
        let line = one_line(text);
        if let Face::Person(reader) = self.face {
            return self.print(&format!("{NAME}{}", (reader.words)(&line)));
        }
        // The runner reads a command after leading white space too, and `##[` anywhere.
        let line = line.trim_start().replace("##[", "## [");
        let line = if line.starts_with("::") { format!(". {line}") } else { line };
        self.print(&line);
    }

    /// A message that the runner shows only if the run shows debug messages.
    pub fn debug(&self, text: &str) {
        if self.level < Level::Debug {
            return;
        }
        match self.face {
            Face::Runner { .. } => self.print(&format!("::debug::{}", data(text))),
            Face::Person(reader) => self.print(&format!("{NAME}{}", (reader.words)(&one_line(text)))),
        }
    }

    /// A warning annotation.
    pub fn warning(&self, title: &str, text: &str) {
        self.annotate("warning", YELLOW, title, text);
    }

    /// An error annotation.
    pub fn error(&self, title: &str, text: &str) {
        self.annotate("error", RED, title, text);
    }

    fn annotate(&self, level: &str, colour: &str, title: &str, text: &str) {
        if let Face::Person(reader) = self.face {
            let (on, off) = if reader.colours { (colour, RESET) } else { ("", "") };
            let title = (reader.words)(&one_line(title));
            let lines = text.lines().map(|line| format!("\n  {}", (reader.words)(&one_line(line))));
            return self.print(&format!("{NAME}{on}{level}:{off} {title}{}", lines.collect::<String>()));
        }
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

/// Bold and red, and bold and yellow (ECMA-48 section 8.3.117).
const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const RESET: &str = "\x1b[0m";

/// A text without anything that a terminal or a runner would act on.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
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

    fn shown(colours: bool, level: Level, act: impl FnOnce(&Console)) -> String {
        let output = Output::default();
        let words = |text: &str| text.replace("the step", "this program");
        act(&Console::for_person(output.clone(), Reader { colours, words }, level));
        String::from_utf8(output.0.take()).unwrap()
    }

    #[test]
    fn a_person_reads_plain_text() {
        let all = |console: &Console| {
            console.mask(&Secret::new("sesame-open-1234"), []).unwrap();
            console.info("a: the step\x1b[2J");
            console.debug("b");
            console.warning("c", "d\ne");
            console.error("f", &console.quote("sesame-open-1234").to_string());
        };
        let problems = "port-mcp-auth: warning: c\n  d\n  e\nport-mcp-auth: error: f\n  `***`\n";
        assert_eq!(shown(false, Level::Quiet, all), problems);
        assert_eq!(shown(false, Level::Normal, all), format!("port-mcp-auth: a: this program [2J\n{problems}"));
        assert_eq!(shown(false, Level::Debug, all), format!("port-mcp-auth: a: this program [2J\nport-mcp-auth: b\n{problems}"));
        let coloured = shown(true, Level::Quiet, |console| console.error("a", "b"));
        assert_eq!(coloured, "port-mcp-auth: \x1b[1;31merror:\x1b[0m a\n  b\n");
    }

    #[test]
    fn a_runner_is_told_only_of_secrets_that_are_handed_out() {
        let output = Output::default();
        let console = Console::for_runner(output.clone(), Level::Normal);
        console.mask(&Secret::new("sesame-open-1234"), []).unwrap();
        console.handing_out().mask(&Secret::new("0123-4567-89ab"), []).unwrap();
        console.error("Refused", &console.quote("sesame-open-1234 0123-4567-89ab").to_string());
        let log = String::from_utf8(output.0.take()).unwrap();
        assert!(!log.contains("sesame") && log.starts_with("::add-mask::0123-4567-89ab\n"), "{log}");
        assert!(log.ends_with("::error title=Refused::`*** ***`\n"), "{log}");
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
