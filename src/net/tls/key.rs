//! The public key of a certificate.

use std::fmt;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use spki::der::asn1::{ObjectIdentifier, UintRef};
use spki::der::{Decode, Reader, SliceReader};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ED448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.113");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The sizes of RSA keys that `ring` takes, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Of which kind a public key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with so many bits.
    Rsa(usize),
    /// One of the curves P-256, P-384, P-521.
    NistCurve,
    /// Another curve.
    OtherCurve(Option<ObjectIdentifier>),
    /// Ed25519
    Ed25519,
    /// Another algorithm.
    Other(ObjectIdentifier),
}

impl KeyKind {
    /// That of a certificate; `None` if the certificate can't be read.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        // The one reads certificates of version 3 only, the other knows old roots too.
        if let Ok(parsed) = ParsedCertificate::try_from(certificate) {
            return Self::read(&SubjectPublicKeyInfoRef::from_der(&parsed.subject_public_key_info()).ok()?);
        }
        let mut root = RootCertStore::empty();
        root.add_parsable_certificates([certificate.clone().into_owned()]);
        // Here the key lacks its outermost tag.
        let mut reader = SliceReader::new(&root.roots.first()?.subject_public_key_info).ok()?;
        let (algorithm, subject_public_key) = (reader.decode().ok()?, reader.decode().ok()?);
        Self::read(&SubjectPublicKeyInfoRef { algorithm, subject_public_key })
    }

    fn read(key: &SubjectPublicKeyInfoRef<'_>) -> Option<Self> {
        let AlgorithmIdentifierRef { oid, parameters } = key.algorithm;
        Some(match oid {
            RSA | RSA_PSS => Self::Rsa(modulus_bits(key.subject_public_key.raw_bytes())?),
            EC => match parameters.and_then(|curve| curve.decode_as().ok()) {
                Some(P256 | P384 | P521) => Self::NistCurve,
                curve => Self::OtherCurve(curve),
            },
            ED25519 => Self::Ed25519,
            _ => Self::Other(oid),
        })
    }

    /// Whether signatures with such a key can be checked here.
    #[must_use]
    pub fn is_supported(self) -> bool {
        match self {
            Self::Rsa(bits) => RSA_BITS.contains(&bits),
            Self::NistCurve | Self::Ed25519 => true,
            Self::OtherCurve(_) | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "an RSA key of {bits} bits"),
            Self::NistCurve => f.write_str("a key on a NIST curve"),
            Self::OtherCurve(Some(curve)) => write!(f, "a key on the elliptic curve {curve}"),
            Self::OtherCurve(None) => f.write_str("a key on an elliptic curve without a name"),
            Self::Ed25519 => f.write_str("an Ed25519 key"),
            Self::Other(DSA) => f.write_str("a DSA key"),
            Self::Other(ED448) => f.write_str("an Ed448 key"),
            Self::Other(algorithm) => write!(f, "a key of the algorithm {algorithm}"),
        }
    }
}

/// The size of an RSA key (RFC 8017 appendix A.1.1).
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let modulus_length = |reader: &mut SliceReader<'_>| {
        let modulus = UintRef::decode(reader)?;
        UintRef::decode(reader)?;
        let bytes = modulus.as_bytes();
        Ok::<_, spki::der::Error>(8 * bytes.len() - bytes.first().map_or(0, |byte| byte.leading_zeros() as usize))
    };
    SliceReader::new(key).ok()?.sequence(modulus_length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};

    #[test]
    fn a_modulus_has_as_many_bits_as_it_needs() {
        for (modulus, bits) in [(&[0x7f][..], 7), (&[0x01, 0x00], 9), (&[0x00, 0xff], 8)] {
            let size = u8::try_from(modulus.len()).unwrap();
            let key = [&[0x30, 5 + size, 0x02, size], modulus, &[0x02, 0x01, 0x03]].concat();
            assert_eq!(modulus_bits(&key), Some(bits), "{modulus:?}");
        }
    }

    #[test]
    fn a_key_on_ed25519_is_supported() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let kind = KeyKind::of(certificate.der()).unwrap();
        assert_eq!((kind, kind.is_supported(), kind.to_string().as_str()), (KeyKind::Ed25519, true, "an Ed25519 key"));
    }
}
