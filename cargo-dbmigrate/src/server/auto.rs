//! The way for those who name none: the first that works.

use std::path::Path;

use anyhow::Result;

use super::run::Run;
use super::{Note, Ready, Request, docker, embedded, local};
use crate::problem::{Kind, Refusal};

/// Starts a server in the first way that works. When none does, the refusal says why each did not.
pub(super) async fn start(request: &Request, run: &mut Run, note: Note<'_>) -> Result<Ready> {
    let cache: &Path = &request.cache;
    let mut tried = Vec::new();
    match docker::start(request, run, note).await {
        Ok(ready) => return Ok(ready),
        Err(error) => tried.push(("docker", error)),
    }
    match local::start(cache, run).await {
        Ok(ready) => return Ok(ready),
        Err(error) => tried.push(("local", error)),
    }
    match embedded::start(request, run, note).await {
        Ok(ready) => return Ok(ready),
        Err(error) => tried.push(("embedded", error)),
    }
    let reasons: Vec<_> = tried.iter().map(|(way, error)| format!("\n  `{way}`: {error:#}")).collect();
    Err(Refusal::new(
        Kind::ServerUnavailable,
        format!("no throwaway PostgreSQL server can be had; tried{}", reasons.concat()),
        "start Docker, install the PostgreSQL server's programs, allow the download, \
         or name a server with `--server <postgres url>`",
    )
    .into())
}
