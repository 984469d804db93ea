//! In place of `tls.rs` when the feature is off: there is no TLS.

use tokio_postgres::NoTls;

use super::error::ConnectError;
use super::settings::Security;

pub(super) type Tls = NoTls;

#[allow(clippy::unused_async, reason = "as the other one, which reads files")]
pub(super) async fn load(_: &Security) -> Result<Option<Tls>, ConnectError> {
    Ok(None)
}

pub(super) fn explain(_: &tokio_postgres::Error) -> Option<(String, &'static str)> {
    None
}
