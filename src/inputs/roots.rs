//! The input `ca_bundle`: more certificate authorities to trust.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::problem::ValueError;
use crate::runner::{Environment, Workspace};

/// Reads PEM text, or a file in the workspace that holds it.
pub fn read(text: &str, environment: &Environment) -> Result<Vec<CertificateDer<'static>>, ValueError> {
    let error = |problem: String| ValueError {
        value: None,
        problem,
        fix:
            "Give PEM text (`-----BEGIN CERTIFICATE-----` …) in `ca_bundle`, or the path of a PEM file in the workspace, after a checkout."
                .to_owned(),
    };
    let pem = if text.contains("-----BEGIN") {
        text.as_bytes().to_vec()
    } else {
        Workspace::of(environment).read(text).map_err(|problem| error(format!("names a file that {problem}")))?
    };
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| error("is not valid PEM".to_owned()))?;
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(roots.iter().cloned());
    if usable == 0 {
        return Err(error("holds no certificate that can be used".to_owned()));
    }
    Ok(roots)
}
