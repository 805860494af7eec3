//! TLS: which servers are trusted, and why one is not.

mod key;
mod p521;
mod problem;
mod verifier;

use std::sync::Arc;

use anyhow::Context;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use verifier::Verifier;

pub use key::KeyKind;
pub use problem::{TlsProblem, detail};

/// The settings of TLS. `extra_roots` are trusted beside the public certificate authorities.
pub fn config(extra_roots: &[CertificateDer<'static>]) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(extra_roots.iter().cloned());
    let provider = Arc::new(provider());
    let webpki =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().context("TLS can't be set up")?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS can't be set up")?
        // It judges as rustls itself does, and only says more of what is wrong.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(webpki)))
        .with_no_client_auth();
    // A step opens one connection to each server: a session ticket would be one more secret to keep.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn provider() -> CryptoProvider {
    let provider = rustls::crypto::ring::default_provider();
    let signature_verification_algorithms = p521::added_to(provider.signature_verification_algorithms);
    CryptoProvider { signature_verification_algorithms, ..provider }
}
