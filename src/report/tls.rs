//! Texts for connections that are not trusted.

use crate::net::TlsProblem;

/// Why that is likely, and what to do.
pub fn because(problem: TlsProblem) -> (&'static str, &'static str) {
    match problem {
        TlsProblem::Signer => (
            "Nobody that this container trusts signed the certificate: most likely a proxy inspects TLS and signs with a root of its own.",
            "Give the proxy's root certificate in `ca_bundle` (PEM text, or a file in the workspace). Certificates of the runner's own system are not seen inside the container.",
        ),
        TlsProblem::Signature => (
            "A certificate names an authority of which this container has another key: the root was renewed under the same name, or `ca_bundle` holds an older one. The key can also be one that this step can't use, such as RSA with less than 2048 bits.",
            "Give the root that signs today in `ca_bundle`.",
        ),
        TlsProblem::Date => (
            "The certificate's time is over or has not come yet, or this runner's clock is wrong.",
            "On a self-hosted runner check the clock. Else whoever runs this server, or the proxy before it, has to renew the certificate: no input can make it good.",
        ),
        TlsProblem::Name => (
            "The certificate belongs to another host: the URL's host name is wrong, or something else answers in its place.",
            "Check the host's name in the URL, and what its name resolves to on this runner.",
        ),
        TlsProblem::Authority => (
            "The server shows a certificate that is made for a certificate authority, often a self-signed one. This step takes such a certificate as a root, but not as a server's own; other programs may be less strict.",
            "Whoever runs this server, or the proxy before it, has to give it a certificate of its own (CA:FALSE). Its authority's certificate belongs in `ca_bundle`.",
        ),
        TlsProblem::Purpose => (
            "The certificate is not made for this use: its own rules, or those of the authority that signed it, exclude it.",
            "Whoever runs this server, or the proxy before it, has to give it a certificate for a server of this name.",
        ),
        TlsProblem::Revoked => {
            ("The certificate's authority took it back.", "Whoever runs this server, or the proxy before it, has to renew the certificate.")
        }
        TlsProblem::Unsupported => (
            "This step can't check a signature of this kind. It takes RSA keys of 2048 to 8192 bits, keys on P-256, P-384, P-521 and Ed25519, and no SHA-1 or MD5. That says nothing about whether the server is the right one.",
            "Let the server, or the proxy before it, use a certificate with such a key, signed with SHA-256.",
        ),
        TlsProblem::Malformed => (
            "The server, or a proxy before it, shows a certificate that this step can't read, or that breaks a rule for certificates.",
            "Look at it with `openssl s_client -connect HOST:443 -showcerts`. Whoever made it has to make it anew.",
        ),
        TlsProblem::ClientCertificate => (
            "The server, or a proxy before it, ended the connection over certificates: it most likely wants one from its client (mutual TLS), which this step can't show.",
            "Use an address that takes clients without a certificate, or have the gateway let this runner through without one.",
        ),
        TlsProblem::NothingInCommon => (
            "Both sides have no version or no cipher of TLS in common. This step speaks 1.2 and 1.3, with ECDHE and AES-GCM or ChaCha20. Some servers end the connection in the same way if they want a client certificate.",
            "Let the server, or the proxy before it, speak TLS 1.2 with such a cipher, or 1.3.",
        ),
        TlsProblem::NameRefused => (
            "What answers at this address doesn't know this host's name: the name is wrong, or resolves to another server here.",
            "Check the host's name in the URL, and what its name resolves to on this runner.",
        ),
        TlsProblem::NotTls => (
            "What answers at this address speaks no TLS, at least not on this port: plain HTTP, or something else.",
            "Check the URL's scheme and port.",
        ),
        TlsProblem::Handshake => (
            "The server, or something before it, ended the connection while it was set up.",
            "Run the job again. If a proxy or gateway stands before the server, look at what it makes of TLS.",
        ),
    }
}
