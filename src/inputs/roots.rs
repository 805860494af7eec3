//! The input `ca_bundle`: more certificate authorities to trust.

mod pem;

use data_encoding::{BASE64, Specification};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::problem::ValueError;
use crate::net::KeyKind;
use crate::runner::{Environment, Workspace};
use pem::{BEGIN, Block, BlockError};

/// What a certificate in DER begins with: a sequence whose length takes two bytes.
const DER: &[u8] = &[0x30, 0x82];

/// A path is shorter than a certificate in base64.
const LONGEST_PATH: usize = 300;

/// Reads PEM text, or a file in the workspace that holds it.
pub fn read(text: &str, environment: &Environment) -> Result<Vec<CertificateDer<'static>>, ValueError> {
    if text.contains(BEGIN) {
        return certificates(text);
    }
    if text.len() > LONGEST_PATH {
        return Err(not_pem(text.as_bytes()));
    }
    let file = Workspace::of(environment).read(text).map_err(|problem| general(format!("names a file that {problem}")))?;
    match std::str::from_utf8(&file) {
        Ok(text) if text.contains(BEGIN) => certificates(text),
        _ => Err(not_pem(&file)),
    }
}

/// Every certificate in the text. What lies between the blocks is for people.
fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, ValueError> {
    let blocks: Vec<_> = pem::blocks(text).collect::<Result<_, _>>().map_err(unreadable)?;
    let roots: Vec<_> = blocks.into_iter().enumerate().map(|(index, block)| certificate(index + 1, block)).collect::<Result<_, _>>()?;
    let keys: Vec<_> = roots.iter().map(KeyKind::of).collect();
    // A bundle may hold some that nobody needs here.
    match keys.first() {
        Some(Some(key)) if keys.iter().flatten().all(|key| !key.is_supported()) => Err(ValueError {
            value: None,
            problem: format!("holds {key} in its certificate 1, and this step can't check signatures of such a key"),
            fix: "Give a root in `ca_bundle` with an RSA key of 2048 to 8192 bits, or a key on P-256, P-384, P-521 or Ed25519, and let the proxy sign with it.".to_owned(),
        }),
        _ => Ok(roots),
    }
}

fn certificate(number: usize, block: Block) -> Result<CertificateDer<'static>, ValueError> {
    let certificate = match block.label {
        "CERTIFICATE" | "X509 CERTIFICATE" => CertificateDer::from(block.der),
        label if label.ends_with("PRIVATE KEY") => {
            return Err(ValueError {
                value: None,
                problem: format!("holds a private key, as block {number}"),
                fix: "Take the private key out of `ca_bundle`, and treat it as exposed if others can read it: only certificates belong there."
                    .to_owned(),
            });
        }
        "TRUSTED CERTIFICATE" => {
            return Err(ValueError {
                value: None,
                problem: format!("holds a certificate in OpenSSL's own form (`TRUSTED CERTIFICATE`), as block {number}"),
                fix: "Convert it with `openssl x509 -in FILE -out root.pem`, and give the result in `ca_bundle`.".to_owned(),
            });
        }
        "PKCS7" | "CMS" => {
            return Err(ValueError {
                value: None,
                problem: format!("holds a PKCS #7 container, as block {number}"),
                fix: "Convert it with `openssl pkcs7 -print_certs -in FILE -out roots.pem`, and give the result in `ca_bundle`.".to_owned(),
            });
        }
        _ => return Err(general(format!("holds something else than a certificate, as block {number}"))),
    };
    match RootCertStore::empty().add_parsable_certificates([certificate.clone()]) {
        (1, _) => Ok(certificate),
        _ => Err(general(format!("holds a certificate that can't be read, as block {number}"))),
    }
}

fn unreadable(error: BlockError) -> ValueError {
    match error {
        BlockError::EscapedLineEnds => ValueError {
            value: None,
            problem: "holds `\\n` as two characters where a line should end".to_owned(),
            fix: "Store the PEM text with real line ends, or give the path of a file in `ca_bundle`.".to_owned(),
        },
        BlockError::NoEnd(number) => general(format!("is cut off: block {number} has no `-----END` line of its kind")),
        BlockError::NotBase64(number) => general(format!("holds something else than base64 in block {number}")),
    }
}

/// What is not PEM is often a certificate all the same.
fn not_pem(bytes: &[u8]) -> ValueError {
    let hint = |problem: &str, fix: &str| ValueError { value: None, problem: problem.to_owned(), fix: fix.to_owned() };
    if bytes.starts_with(DER) {
        return hint(
            "is a certificate in DER, not in PEM",
            "Convert it with `openssl x509 -inform der -in FILE -out root.pem`, and give the result in `ca_bundle`.",
        );
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return hint("is in UTF-16", "Save the file of `ca_bundle` as UTF-8.");
    }
    match decoded(bytes) {
        Some(inner) if inner.starts_with(DER) => hint(
            "is a certificate in bare base64, without the lines of PEM around it",
            "Put a line `-----BEGIN CERTIFICATE-----` before the value of `ca_bundle`, and `-----END CERTIFICATE-----` after it.",
        ),
        Some(inner) if inner.windows(BEGIN.len()).any(|part| part == BEGIN.as_bytes()) => {
            hint("is PEM in base64", "Give the PEM text itself in `ca_bundle`: decode the value with `base64 --decode` first.")
        }
        _ => general("holds no certificate".to_owned()),
    }
}

fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut specification: Specification = BASE64.specification();
    specification.ignore.push_str(" \t\r\n");
    specification.encoding().ok()?.decode(bytes).ok()
}

fn general(problem: String) -> ValueError {
    ValueError {
        value: None,
        problem,
        fix:
            "Give PEM text (`-----BEGIN CERTIFICATE-----` …) in `ca_bundle`, or the path of a PEM file in the workspace, after a checkout."
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_pem_is_named() {
        let der = [DER, &[1, 2, 3]].concat();
        let base64 = |bytes: &[u8]| BASE64.encode(bytes).into_bytes();
        for (bytes, problem) in [
            (der.clone(), "in DER"),
            (base64(&der), "in bare base64"),
            (base64(b"# root\n-----BEGIN CERTIFICATE-----\n"), "PEM in base64"),
            (vec![0xff, 0xfe, b'-', 0], "UTF-16"),
            (b"root".to_vec(), "holds no certificate"),
            (Vec::new(), "holds no certificate"),
        ] {
            assert!(not_pem(&bytes).problem.contains(problem), "{problem}: {}", not_pem(&bytes).problem);
        }
    }
}
