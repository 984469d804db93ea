//! The image that the Docker tests start, where none can be pulled.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// What it is called.
pub(crate) const TAG: &str = "dbmigrate-test-postgres:15";

/// Makes it.
pub(crate) fn run(force: bool) -> anyhow::Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("image/make.sh");
    let mut command = Command::new("sh");
    command.arg(script).args(force.then_some("--force")).arg(TAG);
    let status = command.status().context("could not run `sh`")?;
    ensure!(status.success(), "the image was not made: {status}");
    Ok(())
}

/// Whether an engine answers and has it.
pub(crate) fn is_there() -> bool {
    let mut command = Command::new("docker");
    command.args(["image", "inspect", TAG]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
