//! The output file, read back by the runner's rules: every value is what was written, whatever was in the file before.
#![no_main]

#[allow(dead_code, reason = "shared with the tests, of which this needs a part")]
#[path = "../../common/runner.rs"]
mod runner;

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::runner::{Environment, OutputFile};
use zeroize::Zeroizing;

const NAMES: [&str; 4] = ["access_token", "mcp_config", "client_args", "tools"];

fuzz_target!(|input: (bool, Vec<&str>)| {
    let (has_line, values) = input;
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").or_else(|_| tempfile::NamedTempFile::new()).unwrap();
    if has_line {
        file.write_all(b"earlier=1").unwrap();
    }
    let environment = Environment { output: Some(file.path().to_owned()), ..Environment::default() };
    let entries: Vec<_> = NAMES.into_iter().zip(&values).map(|(name, value)| (name, Zeroizing::new((*value).to_owned()))).collect();
    OutputFile::open(&environment).unwrap().write(&entries).unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    if text.is_empty() || text == "earlier=1\n" {
        assert!(entries.is_empty());
        return;
    }
    let read = runner::read_outputs(&text);
    assert_eq!(read.len(), entries.len() + usize::from(has_line));
    for (name, value) in entries {
        assert_eq!(read.get(name), Some(&*value));
    }
});
