//! Servers with certificates, and the certificates.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dbmigrate_tests::Cluster;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SignatureAlgorithm,
};
use tempfile::TempDir;

/// An authority, and the folder for what clients need: its certificate `ca.pem`, and what else is written there.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key.
pub(super) struct Identity {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// What a certificate is to be.
#[derive(Clone, Copy, Default)]
pub(super) struct Wanted {
    /// The host that it names in subjectAltName.
    pub(super) host: Option<&'static str>,
    /// Its common name.
    pub(super) name: Option<&'static str>,
    pub(super) expired: bool,
    /// Whether it says that it is an authority's, as the self-signed ones of `openssl req -x509` do.
    pub(super) authority: bool,
    pub(super) algorithm: Option<&'static SignatureAlgorithm>,
}

impl Wanted {
    pub(super) fn host(host: &'static str) -> Self {
        Self { host: Some(host), ..Self::default() }
    }

    fn params(self) -> CertificateParams {
        let mut params =
            CertificateParams::new(self.host.map(str::to_owned).into_iter().collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, self.name.unwrap_or("a test"));
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        if self.expired {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        if self.authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.extended_key_usages.clear();
        }
        params
    }

    fn key(self) -> KeyPair {
        KeyPair::generate_for(self.algorithm.unwrap_or(&rcgen::PKCS_ECDSA_P256_SHA256)).unwrap()
    }

    /// Signed by itself.
    pub(super) fn self_signed(self) -> Identity {
        let key = self.key();
        let certificate = self.params().self_signed(&key).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

impl Authority {
    /// A new one. Certificates are signed with its algorithm.
    pub(super) fn new(algorithm: &'static SignatureAlgorithm) -> Self {
        let wanted = Wanted { name: Some("an authority"), authority: true, ..Wanted::default() };
        let key = KeyPair::generate_for(algorithm).unwrap();
        let params = wanted.params();
        let folder = tempfile::Builder::new().prefix("dbmigrate-certificates").tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    pub(super) fn sign(&self, wanted: Wanted) -> Identity {
        let key = wanted.key();
        let certificate = wanted.params().signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// A file of the clients'.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the clients'.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.file(name), text).unwrap();
        self.file(name)
    }
}

/// Writes a file that only the server can read.
fn give(cluster: &Cluster, name: &str, text: &str) {
    let (data, path) = (cluster.data(), cluster.data().join(name));
    let owner = fs::metadata(&data).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
}

/// Shows the server's clients another certificate, or none.
pub(super) async fn show(cluster: &Cluster, identity: Option<&Identity>) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let sql = match identity {
        None => "ALTER SYSTEM SET ssl = off".to_owned(),
        Some(Identity { certificate, key }) => {
            let name = format!("server-{}", NEXT.fetch_add(1, Ordering::Relaxed));
            give(cluster, &format!("{name}.crt"), certificate);
            give(cluster, &format!("{name}.key"), key);
            format!(
                "ALTER SYSTEM SET ssl_cert_file = '{name}.crt'; ALTER SYSTEM SET ssl_key_file = '{name}.key'; \
                 ALTER SYSTEM SET ssl = on"
            )
        }
    };
    reload(cluster, &sql).await;
}

/// Lets the server ask for certificates that this authority signed.
pub(super) async fn trust(cluster: &Cluster, authority: &Path) {
    give(cluster, "clients.crt", &fs::read_to_string(authority).unwrap());
    reload(cluster, "ALTER SYSTEM SET ssl_ca_file = 'clients.crt'").await;
}

/// What `pg_hba.conf` says of connections over TCP.
pub(super) async fn admit(cluster: &Cluster, lines: &str) {
    give(cluster, "pg_hba.conf", &format!("local all all trust\n{lines}\n"));
    reload(cluster, "SELECT 1").await;
}

/// Changes settings, and waits until new sessions have them. A setting that nothing depends on tells.
pub(super) async fn reload(cluster: &Cluster, sql: &str) {
    static ROUND: AtomicU32 = AtomicU32::new(0);
    let round = format!("{}s", 3600 + ROUND.fetch_add(1, Ordering::Relaxed));
    let client = cluster.connect("postgres").await;
    for statement in sql.split("; ") {
        client.batch_execute(statement).await.unwrap();
    }
    client.batch_execute(&format!("ALTER SYSTEM SET idle_session_timeout = '{round}'")).await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let client = cluster.connect("postgres").await;
        let asked =
            "SELECT setting::bigint / 1000 || 's' FROM pg_settings WHERE name = 'idle_session_timeout'";
        let setting: String = client.query_one(asked, &[]).await.unwrap().get(0);
        if setting == round {
            return;
        }
        assert!(Instant::now() < patience, "the server does not reload: {}", cluster.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
