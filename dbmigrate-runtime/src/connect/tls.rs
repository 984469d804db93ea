//! TLS with rustls: what is checked of the server, and the channel that SCRAM binds to. Feature `tls`.

use std::error::Error;
use std::fmt;
use std::fs;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::error::ConnectError;
use super::settings::{Roots, Security, TlsMode, Version};

/// Makes TLS connections as a [`Security`] wants them.
#[derive(Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    /// Whether the host's name must be one that a certificate can have.
    named: bool,
}

/// Reads the files and the system's store. Done for every connection, because certificates are exchanged under running
/// programs.
pub(super) async fn load(security: &Security) -> Result<Option<Tls>, ConnectError> {
    let security = security.clone();
    match tokio::task::spawn_blocking(move || build(&security)).await {
        Ok(built) => built.map(Some),
        Err(_) => Err(file_error("the certificates could not be read", SEE_FILE)),
    }
}

const SEE_FILE: &str = "name a readable file in PEM format";

fn file_error(what: impl Into<String>, hint: &'static str) -> ConnectError {
    ConnectError::Tls { place: String::new(), what: what.into(), hint }
}

fn build(security: &Security) -> Result<Tls, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let named = security.mode == TlsMode::VerifyFull;
    let trusted = match (&security.roots, security.mode) {
        (Roots::File(path), _) => Some(Trusted::of_file(path)?),
        (Roots::System, _) | (Roots::Default, TlsMode::VerifyCa | TlsMode::VerifyFull) => {
            Some(Trusted::of_system()?)
        }
        (Roots::Default, _) => None,
    };
    let versions = [(Version::V1_3, &TLS13), (Version::V1_2, &TLS12)];
    let (oldest, newest) = security.versions;
    let versions: Vec<_> =
        versions.into_iter().filter(|(v, _)| (oldest..=newest).contains(v)).map(|(_, v)| v).collect();
    let unusable = |error: rustls::Error| {
        let hint = "check that the certificate of `sslcert` and the key of `sslkey` belong to each other";
        file_error(format!("TLS cannot be set up: {error}"), hint)
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { algorithms, trusted, named }));
    let mut config = match &security.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("sslcert", certificate)?;
            let read = read("sslkey", key)?;
            let key = PrivateKeyDer::from_pem_slice(&read).map_err(|_| {
                let what = format!("`sslkey`: `{}` holds no private key that can be read", key.display());
                file_error(what, "name a PEM file with an unencrypted key")
            })?;
            builder.with_client_auth_cert(chain, key).map_err(unusable)?
        }
    };
    config.enable_sni = security.sni;
    if security.direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(Tls { config: Arc::new(config), named })
}

fn read(parameter: &str, path: &Path) -> Result<Vec<u8>, ConnectError> {
    fs::read(path).map_err(|error| {
        file_error(format!("`{parameter}`: `{}` cannot be read: {error}", path.display()), SEE_FILE)
    })
}

fn certificates(parameter: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let read = read(parameter, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| {
        file_error(
            format!("`{parameter}`: `{}` holds no certificate that can be read", path.display()),
            SEE_FILE,
        )
    })
}

/// Whom to believe.
#[derive(Debug)]
struct Trusted {
    store: RootCertStore,
    /// Certificates that a server may show as its own: a self-signed one is its own authority.
    shown: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn of_file(path: &Path) -> Result<Self, ConnectError> {
        let shown = certificates("sslrootcert", path)?;
        let mut store = RootCertStore::empty();
        for certificate in &shown {
            store.add(certificate.clone()).map_err(|error| {
                let what =
                    format!("`sslrootcert`: a certificate in `{}` is unusable: {error}", path.display());
                file_error(what, SEE_FILE)
            })?;
        }
        Ok(Self { store, shown })
    }

    fn of_system() -> Result<Self, ConnectError> {
        let mut store = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            return Err(file_error(
                "this system has no certificates of authorities",
                "install them (often the package `ca-certificates`), or name a file with `sslrootcert`",
            ));
        }
        Ok(Self { store, shown: Vec::new() })
    }
}

/// What is checked of a server: nothing, its chain, or its chain and its name.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    trusted: Option<Trusted>,
    named: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(Trusted { store, shown }) = &self.trusted else {
            return Ok(ServerCertVerified::assertion());
        };
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let chain = verify_server_cert_signed_by_trust_anchor(
            &parsed,
            store,
            intermediates,
            now,
            self.algorithms.all,
        );
        match chain {
            Ok(()) => {}
            // rustls takes no authority for a server. OpenSSL does, when it is the very certificate that is trusted:
            // that is how self-signed certificates are used. Its dates were checked first.
            Err(error) if is_date(&error) || !shown.iter().any(|known| known == end_entity) => {
                return Err(error);
            }
            Err(_) => {}
        }
        if self.named {
            verify_server_name(&parsed, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.unreadable(cert) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => verify_tls12_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.unreadable(cert) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => verify_tls13_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    /// Whether the certificate is of a form that rustls does not read (version 1, as `openssl x509 -req` makes them) and
    /// need not be read, because nobody asked who the server is. Such a connection gets no channel binding.
    fn unreadable(&self, certificate: &CertificateDer<'_>) -> bool {
        self.trusted.is_none() && ParsedCertificate::try_from(certificate).is_err()
    }
}

fn is_date(error: &rustls::Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
        )
    )
}

/// A handshake that failed.
#[derive(Debug)]
pub(super) struct Handshake(io::Error);

impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Handshake {}

/// One host to connect to.
pub(super) struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Connector;
    type Error = Handshake;

    fn make_tls_connect(&mut self, host: &str) -> Result<Connector, Handshake> {
        let name = match ServerName::try_from(host.to_owned()) {
            Ok(name) => name,
            // Nobody looks at it, and an address is not sent as SNI.
            Err(_) if !self.named => ServerName::from(std::net::IpAddr::from([0, 0, 0, 0])),
            Err(error) => return Err(Handshake(io::Error::new(io::ErrorKind::InvalidInput, error))),
        };
        Ok(Connector { config: Arc::clone(&self.config), name })
    }
}

impl TlsConnect<Socket> for Connector {
    type Stream = Stream;
    type Error = Handshake;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Handshake>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let connector = tokio_rustls::TlsConnector::from(self.config);
            connector.connect(self.name, socket).await.map(Stream).map_err(Handshake)
        })
    }
}

/// An encrypted connection.
pub(super) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.0.get_ref();
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        // Without a signature of the handshake that was checked, the certificate may be anybody's.
        certificate
            .filter(|certificate| ParsedCertificate::try_from(*certificate).is_ok())
            .and_then(|certificate| end_point(certificate))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// `tls-server-end-point` (RFC 5929): the certificate's hash, with the function of its signature, SHA-256 in place of
/// MD5 and SHA-1. `None` where the RFC leaves it open.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    // Certificate: a sequence of the signed part, the algorithm (a sequence that begins with its id) and the signature.
    let (_, body, _) = element(certificate)?;
    let (_, _, after) = element(body)?;
    let (_, algorithm, _) = element(after)?;
    let (_, id, _) = element(algorithm)?;
    if id == ECDSA_SHA1 {
        return Some(Sha256::digest(certificate).to_vec());
    }
    let (last, family) = id.split_last()?;
    match (family, last) {
        (RSA, 4 | 5 | 11) | (ECDSA, 2) => Some(Sha256::digest(certificate).to_vec()),
        (RSA, 12) | (ECDSA, 3) => Some(Sha384::digest(certificate).to_vec()),
        (RSA, 13) | (ECDSA, 4) => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

/// The first element of DER: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        long => {
            let (digits, rest) =
                rest.split_at_checked(long & 0x7f).filter(|(digits, _)| digits.len() <= 4)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    rest.split_at_checked(length).map(|(content, rest)| (*tag, content, rest))
}

/// What a failed handshake means and what to do; `None` for errors of another kind.
pub(super) fn explain(error: &tokio_postgres::Error) -> Option<(String, &'static str)> {
    let source = error.source()?;
    if let Some(Handshake(error)) = source.downcast_ref() {
        let hint = "check the server's TLS settings and its log";
        return Some(inner(error).map_or_else(|| (error.to_string(), hint), reason));
    }
    // A server that refuses the client's certificate says so after the handshake.
    source.downcast_ref().and_then(inner).map(reason)
}

fn inner(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

fn reason(error: &rustls::Error) -> (String, &'static str) {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext,
        UnknownIssuer,
    };
    const NAMES: &str = "connect with a name that the certificate has, have it issued for this one (subjectAltName), \
                         or use `sslmode=verify-ca`";
    const DATES: &str = "renew the server's certificate, and check the clocks";
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            UnknownIssuer => (
                "its certificate is signed by nobody that is trusted here".to_owned(),
                "name the authority's certificate with `sslrootcert`",
            ),
            Expired | ExpiredContext { .. } => ("its certificate has expired".to_owned(), DATES),
            NotValidYet | NotValidYetContext { .. } => ("its certificate is not valid yet".to_owned(), DATES),
            NotValidForName => ("its certificate is for another host".to_owned(), NAMES),
            NotValidForNameContext { expected, presented } if presented.is_empty() => {
                (format!("its certificate names no host, so not `{}` either", expected.to_str()), NAMES)
            }
            NotValidForNameContext { expected, presented } => {
                // webpki puts them as `DnsName("…")`.
                let name = |text: &String| text.split('"').nth(1).unwrap_or(text).to_owned();
                let names: Vec<_> = presented.iter().map(|text| format!("`{}`", name(text))).collect();
                (
                    format!("its certificate is for {}, not for `{}`", names.join(", "), expected.to_str()),
                    NAMES,
                )
            }
            error => (
                format!("its certificate is refused: {error}"),
                "have a certificate of version 3 issued for the server, with current algorithms",
            ),
        },
        rustls::Error::AlertReceived(_) => (
            format!("the server ended it: {error}"),
            "check the client's certificate (`sslcert`, `sslkey`), the versions of TLS, and the server's log",
        ),
        error => (error.to_string(), "check the server's TLS settings and its log"),
    }
}
