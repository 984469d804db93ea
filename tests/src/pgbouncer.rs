//! A real PgBouncer in front of a server, on a port of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cluster::{free_port, unprivileged};

/// A pooler. Stopped on drop.
pub struct PgBouncer {
    port: u16,
    process: Child,
    _directory: TempDir,
}

impl PgBouncer {
    /// Starts one in front of a port, with a `pool_mode` (`session`, `transaction`) and the size of its pools.
    pub async fn start(server: u16, mode: &str, size: usize) -> Self {
        let port = free_port();
        let directory = tempfile::Builder::new().prefix("dbmigrate-pooler").tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let file = directory.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\n\
             ignore_startup_parameters = extra_float_digits\n"
        );
        fs::write(&file, text).unwrap();
        let mut command = Command::new("pgbouncer");
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin")).arg("--quiet").arg(&file);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = unprivileged() {
            command.uid(uid).gid(gid);
        }
        let process = command.spawn().unwrap_or_else(|error| panic!("this test needs `pgbouncer`: {error}"));
        let pooler = Self { port, process, _directory: directory };
        let patience = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "PgBouncer does not listen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        pooler
    }

    /// The URL of a database through it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
