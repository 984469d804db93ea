//! A PostgreSQL container.

use anyhow::Result;

use super::run::Run;
use super::{Note, Ready, Request};
use crate::problem::{Kind, Refusal};

/// Starts one.
pub(super) async fn start(_request: &Request, _run: &mut Run, _note: Note<'_>) -> Result<Ready> {
    Err(Refusal::new(Kind::ServerUnavailable, "docker: not built yet", "use `--server local`").into())
}
