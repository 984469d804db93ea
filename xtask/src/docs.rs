//! Writes the pages that are made from the code, or checks that they are up to date.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Writes the pages, or only compares them.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = "docs/troubleshooting.md";
    let path = root.join(page);
    let text = cargo_dbmigrate::report::troubleshooting();
    if check {
        let there = fs::read_to_string(&path).with_context(|| format!("could not read `{page}`"))?;
        if there != text {
            bail!("`{page}` is stale: run `cargo xtask docs`");
        }
        return Ok(());
    }
    fs::write(&path, text).with_context(|| format!("could not write `{page}`"))
}
