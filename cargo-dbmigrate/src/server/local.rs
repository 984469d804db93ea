//! A private cluster made with the machine's own PostgreSQL.

use std::path::Path;

use anyhow::Result;

use super::cluster::Cluster;
use super::run::Run;
use super::{Ready, programs};

/// Starts one.
pub(super) async fn start(cache: &Path, run: &mut Run) -> Result<Ready> {
    let bin = programs::find()?;
    let cluster = Cluster::start(&bin, None, cache, run).await?;
    Ready::cluster(cluster, format!("local ({})", bin.display())).await
}
