//! Promise: a step that ends has wiped the client secret and the token from the heap, and from all other memory but the stack.
//!
//! Nothing is promised for the stack of the main thread. The kernel puts the environment there, which holds the client secret,
//! and functions leave copies of what they worked on.
//!
//! A debugger stops the process as it asks the kernel to end it, and saves its image: `tools/ci/memory` runs this, since it needs gdb.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fmt;
use std::ops::Range;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use common::scenarios::{self, Ended, Scenario};
use common::{Outcome, Step};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use port_sandbox::{Fault, Route, Sandbox, SecretForm};

/// A piece of a secret of this many characters counts as the secret. Chance doesn't make one, and an allocator that keeps its
/// notes in freed memory can't hide a whole secret from so short a piece.
const TELLING: usize = 8;

/// Stops where the process asks to end, and at no signal; the exit code is the process's own.
const GDB: &str = r#"
set pagination off
set confirm off
set dump-excluded-mappings on
handle all nostop noprint pass
catch syscall exit_group
run >gdb-stdout 2>gdb-stderr
python
import shutil
shutil.copyfile(f"/proc/{gdb.selected_inferior().pid}/maps", "maps")
end
generate-core-file core
continue
"#;

/// A process as it was when it ended.
struct Image {
    core: Vec<u8>,
    /// Where in the file the memory from an address on is.
    segments: Vec<(Range<usize>, u64)>,
    maps: String,
}

/// A place that holds a piece of a secret.
struct Find {
    address: u64,
    place: String,
    form: String,
    piece: String,
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, place, form, piece } = self;
        write!(f, "{address:#x} {place}: {} bytes of {form}: {}", piece.len(), piece.escape_debug())
    }
}

impl Image {
    /// Runs a step under the debugger. The program is the test's own build, or the one that is named.
    fn at_the_end_of(step: &Step) -> (Outcome, Self) {
        let program = std::env::var("MEMORY_TEST_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_port-mcp-auth").to_owned());
        std::fs::write(step.path("gdb"), GDB).unwrap();
        let mut gdb = Command::new("gdb");
        gdb.args(["-nx", "-batch", "-return-child-result", "-command", "gdb", "--args", &program]);
        step.prepare(&mut gdb);
        let said = gdb.output().expect("gdb is installed");
        let read = |name: &str| {
            let text = std::fs::read_to_string(step.path(name));
            text.unwrap_or_else(|error| panic!("{name}: {error}: {}", String::from_utf8_lossy(&said.stderr)))
        };
        let outcome = step.outcome(said.status.code(), read("gdb-stdout"), read("gdb-stderr"));
        let core = std::fs::read(step.path("core")).unwrap();
        (outcome, Self { segments: segments(&core), core, maps: read("maps") })
    }

    /// Every place that holds a piece of the secret.
    ///
    /// Registers are not looked at. They hold some bytes of whatever was copied last, and end with the process.
    fn search(&self, secret: &str) -> Vec<Find> {
        let forms = forms(secret);
        let mut by_start: Vec<Vec<(Vec<u8>, &str)>> = vec![Vec::new(); 1 << 16];
        for form in &forms {
            // Each character of the secret has become so many of the form.
            let size = (TELLING * form.len() / secret.len()).min(form.len());
            for piece in form.to_ascii_lowercase().as_bytes().windows(size) {
                by_start[start_of(piece)].push((piece.to_owned(), form));
            }
        }
        let mut finds = Vec::<Find>::new();
        for (range, start) in &self.segments {
            let (memory, mut covered) = (self.core[range.clone()].to_ascii_lowercase(), 0);
            for at in 0..memory.len().saturating_sub(1) {
                let Some((piece, form)) = by_start[start_of(&memory[at..])].iter().find(|(piece, _)| memory[at..].starts_with(piece))
                else {
                    continue;
                };
                let address = start + u64::try_from(at).unwrap();
                let end = at + piece.len();
                let new = String::from_utf8_lossy(&memory[at.max(covered)..end]).into_owned();
                match finds.last_mut() {
                    Some(last) if at < covered => last.piece.push_str(&new),
                    _ => finds.push(Find { address, place: self.place(address), form: (*form).to_owned(), piece: new }),
                }
                covered = end;
            }
        }
        finds
    }

    /// What the kernel calls the memory around an address.
    fn place(&self, address: u64) -> String {
        let holds = |line: &&str| {
            let (start, end) = line.split_whitespace().next()?.split_once('-')?;
            let parse = |text| u64::from_str_radix(text, 16).ok();
            Some((parse(start)?..parse(end)?).contains(&address))
        };
        let line = self.maps.lines().find(|line| holds(line) == Some(true));
        line.and_then(|line| line.split_whitespace().nth(5)).unwrap_or("anonymous memory").to_owned()
    }
}

fn start_of(piece: &[u8]) -> usize {
    usize::from(piece[0]) << 8 | usize::from(piece[1])
}

/// The encodings in which a secret is sent, printed or learnt. In base64 it looks different at each offset, and the
/// neighbours change a character at each end.
fn forms(secret: &str) -> Vec<String> {
    let each = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
    let mut forms = vec![
        secret.to_owned(),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        HEXLOWER.encode(secret.as_bytes()),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("\\x{byte:02x}")),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("&#{byte};")),
    ];
    for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
        forms.extend(["", "x", "xx"].map(|lead| encoding.encode(format!("{lead}{secret}").as_bytes()).split_off(lead.len() * 2)));
    }
    forms
}

/// The memory in a core file: its program headers of the type `PT_LOAD`. elf(5), for 64 bits and little endian.
fn segments(core: &[u8]) -> Vec<(Range<usize>, u64)> {
    let number = |at: usize, size: usize| core[at..at + size].iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    let index = |at, size| usize::try_from(number(at, size)).unwrap();
    assert_eq!(&core[..6], b"\x7fELF\x02\x01");
    let (table, size, count) = (index(0x20, 8), index(0x36, 2), index(0x38, 2));
    let headers = (0..count).map(|header| table + header * size).filter(|at| number(*at, 4) == 1);
    headers.map(|at| (index(at + 8, 8)..index(at + 8, 8) + index(at + 32, 8), number(at + 16, 8))).collect()
}

/// What differs between ways of talking to the servers: TLS, both endpoints, with and without the preflight.
fn over_tls() -> Vec<Scenario> {
    let mut all = Vec::new();
    for (endpoint, route) in [("api", Route::AccessToken), ("mcp", Route::OAuthToken)] {
        let with = |name, code, prepare: &dyn Fn(&Sandbox, Step) -> Step| {
            Scenario::over_tls(name, code, |sandbox, step| prepare(sandbox, step.input("token_endpoint", endpoint)))
        };
        all.extend([
            with("tls_success", None, &|_, step| step),
            with("tls_success_unverified", None, &|_, step| step.input("verify", "false")),
            with("tls_credentials_rejected", Some("credentials_rejected"), &|_, step| step.input("client_id", "someone-else")),
            with("tls_request_rejected_with_an_echo", Some("request_rejected"), &|sandbox, step| {
                sandbox.set_fault_forever(route, Fault::EchoSecret { status: 422, forms: SecretForm::ALL.to_vec() });
                step
            }),
        ]);
    }
    all
}

/// Runs them as many at a time as there are processors: more would use up the time limits that some are about.
fn each(scenarios: Vec<Scenario>, check: impl Fn(&Ended, &Image) + Sync) {
    let waiting = Mutex::new(scenarios);
    let next = || waiting.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some(scenario) = next() {
                    let mut image = None;
                    let ended = scenario.run_by(|step| {
                        let (outcome, taken) = Image::at_the_end_of(step);
                        image = Some(taken);
                        outcome
                    });
                    check(&ended, &image.unwrap());
                }
            });
        }
    });
}

#[test]
#[ignore = "needs gdb: run tools/ci/memory"]
fn a_step_that_ends_has_wiped_both_secrets_from_the_heap() {
    let left = Mutex::new(Vec::new());
    each(scenarios::all().into_iter().chain(over_tls()).collect(), |ended, image| {
        assert_eq!(ended.outcome.exit_code, Some(i32::from(ended.code.is_some())), "{}: {}", ended.name, ended.outcome.stdout);
        let finds: Vec<_> = [&ended.client_secret].into_iter().chain(&ended.tokens).flat_map(|secret| image.search(secret)).collect();
        let (on_stack, elsewhere): (Vec<_>, Vec<_>) = finds.into_iter().partition(|find| find.place == "[stack]");
        let in_environment = on_stack.iter().any(|find| find.piece.len() == ended.client_secret.len());
        assert!(in_environment, "{}: the search doesn't find the secret in the environment", ended.name);
        left.lock().unwrap().extend(elsewhere.into_iter().map(|find| format!("{}: {find}", ended.name)));
    });
    let left = left.into_inner().unwrap();
    assert!(left.is_empty(), "{}", left.join("\n"));
}
