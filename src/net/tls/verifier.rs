//! Says more of what is wrong with a certificate than rustls does.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::key::KeyKind;

/// A key that signatures can't be checked with. rustls only says that a signature is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate has {0}")]
pub struct UnsupportedKey(pub KeyKind);

/// Judges as rustls does.
#[derive(Debug)]
pub struct Verifier(Arc<WebPkiServerVerifier>);

impl Verifier {
    pub fn new(webpki: Arc<WebPkiServerVerifier>) -> Self {
        Self(webpki)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| with_key(error, std::iter::once(end_entity).chain(intermediates)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature).map_err(|error| with_key(error, [certificate]))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature).map_err(|error| with_key(error, [certificate]))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// If a signature couldn't be checked, the key is named that is the cause.
fn with_key<'a>(error: Error, certificates: impl IntoIterator<Item = &'a CertificateDer<'a>>) -> Error {
    if !is_of_signature(&error) {
        return error;
    }
    match certificates.into_iter().filter_map(KeyKind::of).find(|key| !key.is_supported()) {
        Some(key) => CertificateError::Other(OtherError(Arc::new(UnsupportedKey(key)))).into(),
        None => error,
    }
}

fn is_of_signature(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::BadSignature
                | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn a_key_is_blamed_for_a_signature_alone() {
        let weak = include_bytes!("../../../tests/tls/weak-root.pem");
        let certificates = [CertificateDer::from_pem_slice(weak).unwrap()];
        let expired = Error::InvalidCertificate(CertificateError::Expired);
        assert_eq!(with_key(expired.clone(), &certificates), expired);
        let said = with_key(Error::InvalidCertificate(CertificateError::BadSignature), &certificates).to_string();
        assert!(said.contains("UnsupportedKey(Rsa(1024))"), "{said}");
    }
}
