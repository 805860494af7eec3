//! Before anything is sent: the inputs, and what the config is added to.

use crate::config::Draft;
use crate::connect::check_fit;
use crate::inputs::{Inputs, RawInputs};
use crate::report::Failure;
use crate::runner::{Console, Environment};

/// All that is known before anything is sent.
pub struct Prepared {
    /// The inputs.
    pub inputs: Inputs,
    /// What the config is added to, and where it goes.
    pub draft: Draft,
}

/// Reads the inputs, opens the place of the config file, and parses the config that exists.
pub fn prepare(raw: RawInputs, environment: &Environment, console: &Console) -> Result<Prepared, Failure> {
    // First of all: users put the secret into other inputs too, and errors quote values.
    for secret in raw.client_secrets() {
        console.mask(&secret, [])?;
    }
    let mut inputs = console.with_redactor(|redactor| Inputs::parse(raw, environment, redactor))?;
    inputs.network.passwords().for_each(|password| console.learn_password(&password));
    let draft = Draft::open(inputs.client.format(), inputs.base_config.take(), inputs.config_file.as_ref(), environment)?;
    if draft.base().is_some() {
        check_fit(&draft, &inputs)?;
    }
    Ok(Prepared { inputs, draft })
}
