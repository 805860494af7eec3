//! All inputs at once: what is taken is in the form that the rest relies on, and no text of an error shows a secret.
#![no_main]

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use port_mcp_auth::testing::inputs::{Given, Inputs, RawInputs};
use port_mcp_auth::testing::redact::{Redactor, Secret};
use port_mcp_auth::testing::report::Failure;
use port_mcp_auth::testing::runner::Environment;

const SECRET: &str = "s3cr3t-Value-0123456789";
const LONGEST: Duration = Duration::from_hours(5 * 24);

fuzz_target!(|values: Vec<(u8, &str)>| {
    let variable = |name: &str| format!("INPUT_{}", name.to_ascii_uppercase());
    let defaults = [("client_id", "id-0123456789"), ("client_secret", SECRET)].map(|(name, value)| (variable(name), OsString::from(value)));
    let names = Given::names();
    let given = values.iter().map(|(at, value)| (variable(names[usize::from(*at) % names.len()]), OsString::from(value)));
    let variables: HashMap<_, _> = defaults.into_iter().chain(given).collect();
    let environment = Environment::read(|name| variables.get(name).cloned());
    let raw = RawInputs::read(|name| variables.get(name).cloned()).unwrap();
    let mut redactor = Redactor::default();
    redactor.learn(&Secret::new(SECRET));
    match Inputs::parse(raw, &environment, &redactor) {
        Ok(inputs) => {
            for url in [&inputs.endpoint.url, inputs.mcp_url.url()] {
                let host = url.host_str().unwrap();
                let is_local = host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host.starts_with("127.");
                assert!(url.scheme() == "https" || is_local, "{url}");
                assert!(
                    url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none(),
                    "{url}"
                );
            }
            assert!(!inputs.mcp_url.as_str().contains(|c: char| c.is_control() || c.is_whitespace() || "'\"\\$`".contains(c) && c != '\''));
            assert!(inputs.timeout > Duration::ZERO);
            assert!([inputs.timeout, inputs.validity.min, inputs.validity.max_wait].iter().all(|time| *time <= LONGEST));
            assert!(inputs.server_name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
            assert!(inputs.credentials.client_secret.reveal().bytes().all(|byte| byte.is_ascii_graphic()));
            if let Some(name) = &inputs.token_env {
                assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
            }
        }
        Err(error) => {
            let explanation = Failure::from(error).explain(&redactor);
            for text in [explanation.what, explanation.why, explanation.fix] {
                assert!(!text.contains(SECRET) && !text.contains("##["), "{text}");
                assert!(!text.starts_with("::"), "{text}");
            }
        }
    }
});
