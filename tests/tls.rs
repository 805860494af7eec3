//! Promise: TLS is refused only where it must be, and the text names what is wrong with the certificate, not the port.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use common::Step;
use data_encoding::BASE64;
use port_sandbox::{CLIENT_ID, CLIENT_SECRET, Sandbox};
use rcgen::{
    BasicConstraints, CertificateParams, GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints, PublicKeyData, SignatureAlgorithm,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};

const ANSWER: &str = r#"{"ok":true,"accessToken":"opaque-token-0123456789","expiresIn":10800,"tokenType":"Bearer"}"#;

/// A certificate in `tests/tls`.
fn stored(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)).unwrap()
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// An authority, its key, and its certificate.
fn authority(change: impl FnOnce(&mut CertificateParams)) -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

fn server_params() -> CertificateParams {
    CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap()
}

/// A server that shows these certificates and answers with a token. Returns its base URL.
fn serve(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'static>) -> String {
    let key = rustls::crypto::ring::sign::any_supported_type(key).unwrap();
    // rustls would refuse to show a certificate that it can't read.
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    serve_with(|builder| builder.with_no_client_auth().with_cert_resolver(Arc::new(shown)))
}

type Builder = rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>;

fn serve_with(config: impl FnOnce(Builder) -> ServerConfig) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = Arc::new(config(ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()));
    raw(move |client| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = Stream::new(&mut connection, client);
        let mut request = [0; 4096];
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}", ANSWER.len());
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            drop(stream.write_all(answer.as_bytes()));
        }
        stream.conn.send_close_notify();
        drop(stream.flush());
        drop(std::io::copy(client, &mut std::io::sink()));
    })
}

/// A server on a bare socket.
fn raw(serve: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            serve(&mut client);
        }
    });
    format!("https://{address}/v1")
}

fn step(url: String, ca_bundle: &str) -> Step {
    let step = Step::bare().input("client_id", CLIENT_ID).input("client_secret", CLIENT_SECRET).input("verify", "false");
    step.input("auth_base_url", url).input("ca_bundle", ca_bundle)
}

/// The text of the `tls` error, which must not send anyone to the port.
fn refused(url: String, ca_bundle: &str) -> String {
    let text = step(url, ca_bundle).run().failed("tls").error_text();
    assert!(!text.contains("port.\n") && !text.contains("speaks no TLS"), "{text}");
    text
}

fn stored_key() -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(stored("server-key.pem").as_bytes()).unwrap()
}

fn key_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// Of a key, only its public part: nobody signs with it.
struct WeakRsa(Vec<u8>);

impl WeakRsa {
    fn new() -> Self {
        // RSAPublicKey of RFC 8017: a modulus of 1024 bits, and 65537.
        let modulus = [vec![0x02, 0x81, 0x81, 0x00, 0xc1], vec![0x5b; 127]].concat();
        Self([vec![0x30, 0x81, 0x89], modulus, vec![0x02, 0x03, 0x01, 0x00, 0x01]].concat())
    }
}

impl PublicKeyData for WeakRsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

#[test]
fn a_root_with_a_key_on_p521_is_trusted() {
    for digest in ["sha256", "sha384", "sha512"] {
        let url = serve(vec![der(&stored(&format!("p521-{digest}.pem")))], &stored_key());
        step(url, &stored("p521-root.pem")).run().succeeded();
    }
}

#[test]
fn a_wrong_signature_with_p521_is_refused() {
    let mut leaf = der(&stored("p521-sha512.pem")).to_vec();
    *leaf.last_mut().unwrap() ^= 1;
    let text = refused(serve(vec![leaf.into()], &stored_key()), &stored("p521-root.pem"));
    assert!(text.contains("BadSignature"), "{text}");
}

#[test]
fn a_self_signed_certificate_of_an_authority_is_named() {
    let key = KeyPair::generate().unwrap();
    let mut params = server_params();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let text = refused(serve(vec![certificate.der().clone()], &key_of(&key)), &certificate.pem());
    assert!(text.contains("CA:TRUE") && text.contains("CA:FALSE"), "{text}");
}

#[test]
fn a_self_signed_certificate_of_a_server_is_trusted() {
    let key = KeyPair::generate().unwrap();
    let certificate = server_params().self_signed(&key).unwrap();
    step(serve(vec![certificate.der().clone()], &key_of(&key)), &certificate.pem()).run().succeeded();
}

#[test]
fn a_weak_key_in_the_chain_is_named() {
    let (issuer, root) = authority(|_| ());
    let mut middle = CertificateParams::default();
    middle.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    middle.distinguished_name.push(rcgen::DnType::CommonName, "weak root");
    let middle = middle.signed_by(&WeakRsa::new(), &issuer).unwrap();
    let url = serve(vec![der(&stored("weak-sha256.pem")), middle.der().clone()], &stored_key());
    let text = refused(url, &root);
    assert!(text.contains("an RSA key of 1024 bits") && text.contains("This step can't check"), "{text}");
}

#[test]
fn a_key_that_this_step_lacks_is_named_at_the_input() {
    for (root, key) in [("weak-root.pem", "an RSA key of 1024 bits"), ("secp256k1-root.pem", "1.3.132.0.10")] {
        let text = step("https://127.0.0.1:1".to_owned(), &stored(root)).run().failed("input_invalid").error_text();
        assert!(text.contains(key) && text.contains("this step can't check signatures of such a key"), "{text}");
    }
    // With others beside it, it need not be the one that counts.
    let url = serve(vec![der(&stored("p521-sha512.pem"))], &stored_key());
    step(url, &(stored("weak-root.pem") + &stored("p521-root.pem"))).run().succeeded();
}

#[test]
fn an_algorithm_that_this_step_lacks_is_named() {
    let others = stored("p521-root.pem");
    for (root, leaf, name) in
        [("rsa-root.pem", "rsa-sha1.pem", "SHA-1 with RSA"), ("secp256k1-root.pem", "secp256k1-sha256.pem", "secp256k1")]
    {
        let text = refused(serve(vec![der(&stored(leaf))], &stored_key()), &(stored(root) + &others));
        assert!(text.contains(name) && text.contains("This step can't check"), "{text}");
    }
}

#[test]
fn a_root_of_the_same_name_with_another_key_is_explained() {
    let (issuer, _) = authority(|_| ());
    let (_, other) = authority(|_| ());
    let key = KeyPair::generate().unwrap();
    let leaf = server_params().signed_by(&key, &issuer).unwrap();
    let text = refused(serve(vec![leaf.der().clone()], &key_of(&key)), &other);
    assert!(text.contains("Give the root that signs today in `ca_bundle`"), "{text}");
}

#[test]
fn a_certificate_for_another_purpose_is_named() {
    let (issuer, root) = authority(|_| ());
    let key = KeyPair::generate().unwrap();
    let mut leaf = server_params();
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let text = refused(serve(vec![leaf.der().clone()], &key_of(&key)), &root);
    assert!(text.contains("serverAuth"), "{text}");

    let constraints =
        NameConstraints { permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".to_owned())], excluded_subtrees: vec![] };
    let (issuer, root) = authority(|params| params.name_constraints = Some(constraints));
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    leaf.distinguished_name = rcgen::DistinguishedName::new();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let url = serve(vec![leaf.der().clone()], &key_of(&key)).replace("127.0.0.1", "localhost");
    let text = refused(url, &root);
    assert!(text.contains("name constraints"), "{text}");
}

#[test]
fn a_critical_extension_that_is_not_known_is_named() {
    let (issuer, root) = authority(|_| ());
    let key = KeyPair::generate().unwrap();
    let mut leaf = server_params();
    let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    leaf.custom_extensions = vec![extension];
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let text = refused(serve(vec![leaf.der().clone()], &key_of(&key)), &root);
    assert!(text.contains("a critical extension that this step doesn't know"), "{text}");
}

#[test]
fn a_server_that_wants_a_certificate_of_its_client_is_explained() {
    let (issuer, root) = authority(|_| ());
    let key = KeyPair::generate().unwrap();
    let leaf = server_params().signed_by(&key, &issuer).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(der(&root)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let url =
        serve_with(|builder| builder.with_client_cert_verifier(verifier).with_single_cert(vec![leaf.der().clone()], key_of(&key)).unwrap());
    let text = refused(url, &root);
    assert!(text.contains("mutual TLS"), "{text}");
}

/// A server that answers the first message with a fatal alert (RFC 8446 section 6).
#[test]
fn an_alert_is_explained_by_what_it_means() {
    let root = authority(|_| ()).1;
    for (alert, says) in [
        (40, "no version or no cipher of TLS in common"),
        (70, "no version or no cipher of TLS in common"),
        (112, "doesn't know this host's name"),
        (80, "ended the connection while it was set up"),
    ] {
        let url = raw(move |client| {
            drop(client.read(&mut [0; 4096]));
            drop(client.write_all(&[21, 3, 3, 0, 2, 2, alert]));
        });
        let text = step(url, &root).run().failed("tls").error_text();
        assert!(text.contains(says), "{alert}: {text}");
    }
}

#[test]
fn what_speaks_no_tls_is_said_to() {
    let root = authority(|_| ()).1;
    let url = raw(|client| {
        drop(client.read(&mut [0; 4096]));
        drop(client.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
    });
    let text = step(url, &root).run().failed("tls").error_text();
    assert!(text.contains("speaks no TLS") && text.contains("Check the URL's scheme and port"), "{text}");
}

#[test]
fn every_certificate_of_a_bundle_is_read() {
    let sandbox = Sandbox::default();
    let (root, other) = (sandbox.ca_pem().to_owned(), stored("p521-root.pem"));
    let joined = format!("{}{}", other.trim_end(), root.trim_end());
    for bundle in [
        format!("\u{feff}{root}"),
        format!("\u{feff}{root}{other}"),
        joined.clone(),
        format!("{}{}{}", root.trim_end(), other.trim_end(), other),
        joined.replace('\n', "\r\n"),
        joined.replace('\n', " "),
        format!("subject=CN = our root\n{root}issuer=-\n{other}"),
        root.replace("CERTIFICATE", "X509 CERTIFICATE"),
    ] {
        Step::against_tls(&sandbox).input("verify", "false").input("ca_bundle", bundle.clone()).run().succeeded();
        let step = Step::against_tls(&sandbox).input("verify", "false").input("ca_bundle", "root.pem");
        std::fs::write(step.path("workspace/root.pem"), bundle).unwrap();
        step.run().succeeded();
    }
}

#[test]
fn what_is_no_certificate_is_refused_and_named() {
    let root = stored("p521-root.pem");
    let bare: String = root.lines().filter(|line| !line.starts_with("---")).collect();
    let key = stored("server-key.pem");
    for (bundle, says) in [
        (format!("{root}{key}"), "holds a private key, as block 2"),
        (format!("{root}{}", root.replace("MII", "M!I")), "something else than base64 in block 2"),
        (format!("{root}{}", root.replace("-----END", "")), "block 2 has no `-----END` line"),
        (format!("{root}{root}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), "can't be read, as block 3"),
        (root.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), "TRUSTED CERTIFICATE"),
        (root.replace("CERTIFICATE", "PKCS7"), "PKCS #7"),
        (root.replace("CERTIFICATE", "CERTIFICATE REQUEST"), "something else than a certificate, as block 1"),
        (root.replace('\n', "\\n"), "`\\n` as two characters"),
        (BASE64.encode(root.as_bytes()), "is PEM in base64"),
        (bare, "in bare base64"),
        (BASE64.encode("no certificate ".repeat(30).as_bytes()), "holds no certificate"),
    ] {
        let text = step("https://127.0.0.1:1".to_owned(), &bundle).run().failed("input_invalid").error_text();
        assert!(text.contains(says), "{says}: {text}");
        let secret = key.lines().nth(1).unwrap();
        assert!(!text.contains(secret), "{text}");
    }
    for (file, says) in
        [(der(&root).to_vec(), "in DER, not in PEM"), (b"\xff\xfe-\0-\0".to_vec(), "in UTF-16"), (Vec::new(), "no certificate")]
    {
        let step = step("https://127.0.0.1:1".to_owned(), "root.crt");
        std::fs::write(step.path("workspace/root.crt"), file).unwrap();
        let text = step.run().failed("input_invalid").error_text();
        assert!(text.contains(says), "{says}: {text}");
    }
}

/// A tunnel through a proxy that is asked over TLS, to where it is asked for.
fn tunnel(client: &mut std::net::TcpStream, config: &Arc<ServerConfig>, heads: &mpsc::Sender<String>) -> std::io::Result<()> {
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut client = Stream::new(&mut connection, client);
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let mut server = std::net::TcpStream::connect(head.split(' ').nth(1).unwrap())?;
    heads.send(head).unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    // One thread serves both ways, since a connection of rustls has one owner.
    for socket in [&*client.sock, &server] {
        socket.set_read_timeout(Some(Duration::from_millis(2)))?;
    }
    while moved(&mut client, &mut server)? && moved(&mut server, &mut client)? {}
    Ok(())
}

/// Moves what is there, and says whether more can come.
fn moved(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    match from.read(&mut buffer) {
        Ok(length) => to.write_all(buffer.get(..length).unwrap_or_default()).and_then(|()| to.flush()).map(|()| length > 0),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The proxy's password goes only to a proxy whose certificate is right, and so does the name of the host.
#[test]
fn a_proxy_may_speak_tls() {
    let (issuer, root) = authority(|_| {});
    let key = KeyPair::generate().unwrap();
    let certificate = server_params().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap());
    let (sender, heads) = mpsc::channel();
    let address = raw(move |client| drop(tunnel(client, &config, &sender)));
    let proxy = address.trim_end_matches("/v1").replace("https://", "https://me:p4ssw0rd-of-the-proxy@");

    let sandbox = Sandbox::default();
    let step = || Step::against_tls(&sandbox).input("verify", "false").env("HTTPS_PROXY", &proxy);
    step().run().failed("proxy");
    assert!(heads.try_recv().is_err(), "nothing is told to a proxy that nobody trusts");
    step().input("ca_bundle", format!("{}{root}", sandbox.ca_pem())).run().succeeded();
    let head = heads.try_recv().unwrap();
    assert!(head.starts_with("CONNECT 127.0.0.1:"), "{head}");
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic "), "{head}");
}
