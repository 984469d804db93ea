//! Where a database is. (Placeholder of this branch: replaced by its own room.)

use std::error::Error;
use std::fmt;

use tokio_postgres::{Client, Config, NoTls};

/// How to connect.
#[derive(Clone, Debug)]
pub struct Database(Config);

/// A connection of our own.
pub(crate) struct Connected {
    pub(crate) client: Client,
}

/// No connection.
#[derive(Clone, Debug)]
pub struct ConnectError(String);

impl Database {
    /// From a URL.
    pub fn from_url(url: &str) -> Result<Self, ConnectError> {
        url.parse().map(Self).map_err(|error: tokio_postgres::Error| ConnectError(error.to_string()))
    }

    pub(crate) async fn connect(&self) -> Result<Connected, ConnectError> {
        let (client, connection) =
            self.0.connect(NoTls).await.map_err(|error| ConnectError(error.to_string()))?;
        tokio::spawn(async move { _ = connection.await });
        Ok(Connected { client })
    }
}

impl ConnectError {
    pub(crate) fn hint(&self) -> &'static str {
        ""
    }
    pub(crate) fn is_transient(&self) -> bool {
        true
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ConnectError {}
