//! Signatures with the curve P-521, which `ring` doesn't have. Proxies that inspect TLS use it: Cloudflare's client signs with it.

use ecdsa::signature::hazmat::PrehashVerifier;
use ecdsa::{VerifyingKey, der};
use p521::NistP521;
use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

/// The size of a number of the curve, in bytes.
const FIELD: usize = 66;

/// ECDSA with P-521 and one hash.
#[derive(Debug)]
struct EcdsaP521 {
    hash: &'static Algorithm,
    signature: AlgorithmIdentifier,
}

static P521_SHA256: &dyn SignatureVerificationAlgorithm = &EcdsaP521 { hash: &SHA256, signature: alg_id::ECDSA_SHA256 };
static P521_SHA384: &dyn SignatureVerificationAlgorithm = &EcdsaP521 { hash: &SHA384, signature: alg_id::ECDSA_SHA384 };
static P521_SHA512: &dyn SignatureVerificationAlgorithm = &EcdsaP521 { hash: &SHA512, signature: alg_id::ECDSA_SHA512 };

/// In a handshake, the hash goes with the curve (RFC 8446 section 4.2.3).
static HANDSHAKE: &[(SignatureScheme, &[&dyn SignatureVerificationAlgorithm])] =
    &[(SignatureScheme::ECDSA_NISTP521_SHA512, &[P521_SHA512])];

/// Those algorithms, and these.
pub fn added_to(others: WebPkiSupportedAlgorithms) -> WebPkiSupportedAlgorithms {
    let all = [others.all, &[P521_SHA256, P521_SHA384, P521_SHA512]].concat();
    let mapping = [others.mapping, HANDSHAKE].concat();
    // They are asked for once or twice in the life of the process, and the type wants them for all of it.
    WebPkiSupportedAlgorithms { all: all.leak(), mapping: mapping.leak() }
}

impl SignatureVerificationAlgorithm for EcdsaP521 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::<NistP521>::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = der::Signature::<NistP521>::try_from(signature).map_err(|_| InvalidSignature)?;
        let hash = digest(self.hash, message);
        key.verify_prehash(&as_number(hash.as_ref()), &signature).map_err(|_| InvalidSignature)
    }
}

/// A hash as a number of the curve's size (FIPS 186-5 section 6.4.2). The library takes none that is shorter than half of it.
fn as_number(hash: &[u8]) -> Vec<u8> {
    let mut number = vec![0; FIELD.saturating_sub(hash.len())];
    number.extend_from_slice(hash);
    number
}
