//! Why a TLS connection is not trusted.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible};
use spki::der::asn1::ObjectIdentifier;
use spki::der::{Reader, SliceReader};

use super::verifier::UnsupportedKey;

/// Why a TLS connection is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsProblem {
    /// No known authority signed the certificate.
    Signer,
    /// A certificate of the chain was signed with another key than that of the authority that it names.
    Signature,
    /// The certificate has expired, or is not valid yet.
    Date,
    /// The certificate is for another host.
    Name,
    /// The certificate is that of an authority, and is used as a server's.
    Authority,
    /// The certificate is not for servers, or its authority may not sign for this host.
    Purpose,
    /// The certificate was revoked.
    Revoked,
    /// A key or an algorithm that this program doesn't have.
    Unsupported,
    /// The certificate can't be read, or breaks a rule.
    Malformed,
    /// The server wants a certificate of the client.
    ClientCertificate,
    /// Both sides have no version of TLS in common, or no cipher.
    NothingInCommon,
    /// The server doesn't know the host's name.
    NameRefused,
    /// What answers speaks no TLS.
    NotTls,
    /// The handshake failed in another way.
    Handshake,
}

impl TlsProblem {
    /// Of which kind an error is.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(problem) => Self::of_certificate(problem),
            Error::NoCertificatesPresented => Self::Malformed,
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            Error::PeerIncompatible(PeerIncompatible::ExtendedMasterSecretExtensionRequired) => Self::Handshake,
            Error::PeerIncompatible(_) => Self::NothingInCommon,
            // The first bytes are no record of TLS.
            Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => Self::NotTls,
            _ => Self::Handshake,
        }
    }

    fn of_certificate(problem: &CertificateError) -> Self {
        use CertificateError::{
            BadEncoding, BadSignature, Expired, ExpiredContext, InvalidPurpose, InvalidPurposeContext, NotValidForName,
            NotValidForNameContext, NotValidYet, NotValidYetContext, Other, Revoked, UnhandledCriticalExtension, UnknownIssuer,
            UnsupportedSignatureAlgorithmContext, UnsupportedSignatureAlgorithmForPublicKeyContext,
        };
        match problem {
            UnknownIssuer => Self::Signer,
            BadSignature => Self::Signature,
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => Self::Date,
            NotValidForName | NotValidForNameContext { .. } => Self::Name,
            InvalidPurpose | InvalidPurposeContext { .. } => Self::Purpose,
            Revoked => Self::Revoked,
            UnsupportedSignatureAlgorithmContext { .. } | UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::Unsupported,
            BadEncoding | UnhandledCriticalExtension => Self::Malformed,
            Other(OtherError(error)) if error.is::<UnsupportedKey>() => Self::Unsupported,
            Other(OtherError(error)) => error.downcast_ref().map_or(Self::Handshake, Self::of_webpki),
            _ => Self::Handshake,
        }
    }

    fn of_webpki(error: &webpki::Error) -> Self {
        use webpki::Error::{CaUsedAsEndEntity, EndEntityUsedAsCa, NameConstraintViolation, PathLenConstraintViolated};
        match error {
            CaUsedAsEndEntity => Self::Authority,
            EndEntityUsedAsCa | NameConstraintViolation | PathLenConstraintViolated => Self::Purpose,
            _ => Self::Malformed,
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::InappropriateFallback => Self::NothingInCommon,
            // This program shows no certificate, so the server can only mean that.
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::NoCertificate => Self::ClientCertificate,
            AlertDescription::UnrecognisedName => Self::NameRefused,
            _ => Self::Handshake,
        }
    }
}

/// What an error says, without the program's own structures.
pub fn detail(error: &Error) -> Option<String> {
    use CertificateError::{
        InvalidPurpose, InvalidPurposeContext, Other, UnsupportedSignatureAlgorithmContext,
        UnsupportedSignatureAlgorithmForPublicKeyContext,
    };
    let Error::InvalidCertificate(problem) = error else {
        return None;
    };
    Some(match problem {
        UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
            format!("the certificate is signed with {}", signature_name(signature_algorithm_id))
        }
        UnsupportedSignatureAlgorithmForPublicKeyContext { signature_algorithm_id, public_key_algorithm_id } => format!(
            "the certificate is signed with {} and a key of the kind {}",
            signature_name(signature_algorithm_id),
            key_name(public_key_algorithm_id)
        ),
        InvalidPurpose | InvalidPurposeContext { .. } => {
            "the certificate is not for servers (its extended key usage lacks serverAuth)".to_owned()
        }
        Other(OtherError(error)) => error.downcast_ref().map_or_else(|| error.to_string(), |error| webpki_words(error).to_owned()),
        _ => return None,
    })
}

/// What the commoner rules are that a certificate can break.
fn webpki_words(error: &webpki::Error) -> &'static str {
    use webpki::Error::{
        CaUsedAsEndEntity, EndEntityUsedAsCa, ExtensionValueInvalid, MalformedExtensions, NameConstraintViolation,
        PathLenConstraintViolated, SignatureAlgorithmMismatch, UnsupportedCertVersion, UnsupportedCriticalExtension,
    };
    match error {
        CaUsedAsEndEntity => "the server's certificate is that of a certificate authority (CA:TRUE)",
        EndEntityUsedAsCa => "the certificate was signed by one that is not of a certificate authority (CA:FALSE)",
        NameConstraintViolation => "the certificate's authority may not sign for this name (name constraints)",
        PathLenConstraintViolated => "the certificate's chain is longer than one of its authorities allows (path length)",
        UnsupportedCertVersion => "the certificate is not of version 3",
        UnsupportedCriticalExtension => "the certificate has a critical extension that this step doesn't know",
        ExtensionValueInvalid | MalformedExtensions => "an extension of the certificate can't be read",
        SignatureAlgorithmMismatch => "the certificate names two different signature algorithms",
        _ => "the certificate breaks a rule",
    }
}

/// The algorithm of a signature, from its identifier without the outermost tag.
fn signature_name(identifier: &[u8]) -> String {
    named(first_oid(identifier))
}

/// The algorithm of a key, or its curve.
fn key_name(identifier: &[u8]) -> String {
    let curve = || {
        let mut reader = SliceReader::new(identifier).ok()?;
        let _algorithm: ObjectIdentifier = reader.decode().ok()?;
        reader.decode().ok()
    };
    named(curve().or_else(|| first_oid(identifier)))
}

fn first_oid(identifier: &[u8]) -> Option<ObjectIdentifier> {
    SliceReader::new(identifier).ok()?.decode().ok()
}

fn named(oid: Option<ObjectIdentifier>) -> String {
    let Some(oid) = oid else {
        return "an unknown algorithm".to_owned();
    };
    let oid = oid.to_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.4" => "MD5 with RSA".to_owned(),
        "1.2.840.113549.1.1.5" => "SHA-1 with RSA".to_owned(),
        "1.2.840.10045.4.1" => "SHA-1 with ECDSA".to_owned(),
        "1.2.840.10045.4.3.4" => "SHA-512 with ECDSA".to_owned(),
        "1.2.840.113549.1.1.1" => "RSA".to_owned(),
        "1.2.840.10045.3.1.7" => "P-256".to_owned(),
        "1.3.132.0.34" => "P-384".to_owned(),
        "1.3.132.0.35" => "P-521".to_owned(),
        "1.3.132.0.10" => "secp256k1".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        _ => oid,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn rule(error: webpki::Error) -> CertificateError {
        CertificateError::Other(OtherError(Arc::new(error)))
    }

    /// The encoded contents of `AlgorithmIdentifier` (RFC 5280 section 4.1.1.2).
    fn identifier(oids: &[&str]) -> Vec<u8> {
        let encoded = |oid: ObjectIdentifier| [&[0x06, u8::try_from(oid.as_bytes().len()).unwrap()], oid.as_bytes()].concat();
        oids.iter().flat_map(|oid| encoded(ObjectIdentifier::new(oid).unwrap())).collect()
    }

    #[test]
    fn each_error_has_its_problem() {
        use CertificateError::{BadEncoding, BadSignature, Expired, InvalidPurpose, NotValidForName, NotValidYet, Revoked};
        for (error, problem) in [
            (CertificateError::UnknownIssuer, TlsProblem::Signer),
            (BadSignature, TlsProblem::Signature),
            (Expired, TlsProblem::Date),
            (NotValidYet, TlsProblem::Date),
            (NotValidForName, TlsProblem::Name),
            (InvalidPurpose, TlsProblem::Purpose),
            (Revoked, TlsProblem::Revoked),
            (BadEncoding, TlsProblem::Malformed),
            (CertificateError::UnhandledCriticalExtension, TlsProblem::Malformed),
            (CertificateError::ApplicationVerificationFailure, TlsProblem::Handshake),
            (rule(webpki::Error::CaUsedAsEndEntity), TlsProblem::Authority),
            (rule(webpki::Error::EndEntityUsedAsCa), TlsProblem::Purpose),
            (rule(webpki::Error::NameConstraintViolation), TlsProblem::Purpose),
            (rule(webpki::Error::PathLenConstraintViolated), TlsProblem::Purpose),
            (rule(webpki::Error::BadDer), TlsProblem::Malformed),
        ] {
            assert_eq!(TlsProblem::of(&Error::InvalidCertificate(error.clone())), problem, "{error:?}");
        }
        for (error, problem) in [
            (Error::NoCertificatesPresented, TlsProblem::Malformed),
            (Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), TlsProblem::NothingInCommon),
            (Error::PeerIncompatible(PeerIncompatible::ExtendedMasterSecretExtensionRequired), TlsProblem::Handshake),
            (Error::DecryptError, TlsProblem::Handshake),
        ] {
            assert_eq!(TlsProblem::of(&error), problem, "{error:?}");
        }
    }

    #[test]
    fn the_rule_that_a_certificate_breaks_is_named() {
        for (error, word) in [
            (webpki::Error::CaUsedAsEndEntity, "CA:TRUE"),
            (webpki::Error::EndEntityUsedAsCa, "CA:FALSE"),
            (webpki::Error::NameConstraintViolation, "name constraints"),
            (webpki::Error::PathLenConstraintViolated, "path length"),
            (webpki::Error::UnsupportedCertVersion, "version 3"),
            (webpki::Error::UnsupportedCriticalExtension, "critical extension"),
            (webpki::Error::ExtensionValueInvalid, "can't be read"),
            (webpki::Error::MalformedExtensions, "can't be read"),
            (webpki::Error::SignatureAlgorithmMismatch, "two different signature algorithms"),
            (webpki::Error::BadDer, "breaks a rule"),
        ] {
            let said = detail(&Error::InvalidCertificate(rule(error.clone()))).unwrap();
            assert!(said.contains(word), "{error:?}: {said}");
        }
    }

    #[test]
    fn the_algorithm_that_is_not_supported_is_named() {
        let of_key = |signature: &str, key: &[&str]| {
            let (signature_algorithm_id, public_key_algorithm_id) = (identifier(&[signature]), identifier(key));
            let error =
                CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { signature_algorithm_id, public_key_algorithm_id };
            detail(&Error::InvalidCertificate(error)).unwrap()
        };
        for (signature, key, said) in [
            ("1.2.840.113549.1.1.4", &["1.2.840.113549.1.1.1"][..], "MD5 with RSA and a key of the kind RSA"),
            ("1.2.840.113549.1.1.5", &["1.2.840.10045.2.1", "1.2.840.10045.3.1.7"], "SHA-1 with RSA and a key of the kind P-256"),
            ("1.2.840.10045.4.1", &["1.2.840.10045.2.1", "1.3.132.0.34"], "SHA-1 with ECDSA and a key of the kind P-384"),
            ("1.2.840.10045.4.3.4", &["1.2.840.10045.2.1", "1.3.132.0.35"], "SHA-512 with ECDSA and a key of the kind P-521"),
            ("1.3.101.113", &["1.2.840.10045.2.1", "1.3.132.0.10"], "Ed448 and a key of the kind secp256k1"),
            ("1.2.3.4", &["1.3.101.113"], "1.2.3.4 and a key of the kind Ed448"),
        ] {
            assert_eq!(of_key(signature, key), format!("the certificate is signed with {said}"));
        }
    }
}
