//! The public items of the runtime as a page, so that no change of what applications build on goes unseen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use public_api::Builder;

/// The page, from the repository's root.
const PAGE: &str = "docs/api/dbmigrate-runtime.txt";

/// All features that are a promise.
const FEATURES: &str = "build,cli,testing,tls";

/// Writes the page, or only compares it.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let text = listed()?;
    let path = root().join(PAGE);
    if !check {
        fs::create_dir_all(path.parent().context("no folder")?)?;
        return fs::write(&path, text).with_context(|| format!("could not write `{PAGE}`"));
    }
    let there = fs::read_to_string(&path).with_context(|| format!("could not read `{PAGE}`"))?;
    let lost = there.lines().filter(|line| !text.lines().any(|other| other == *line));
    let new = text.lines().filter(|line| !there.lines().any(|other| other == *line));
    let lines: Vec<String> =
        lost.map(|line| format!("- {line}")).chain(new.map(|line| format!("+ {line}"))).collect();
    if there != text {
        println!("{}", lines.join("\n"));
        bail!("the public items are not those of `{PAGE}`: if that is meant, run `cargo xtask api`");
    }
    Ok(())
}

/// One item a line. What the compiler derives or gives to everything is left out.
fn listed() -> anyhow::Result<String> {
    let api = Builder::from_rustdoc_json(documented()?)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .context("this compiler's rustdoc writes another format: bring `public-api` in xtask/Cargo.toml in line with it")?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// What rustdoc knows, as JSON. Stable compilers write that only with unstable options allowed; the folder is one of its own, as
/// some dependencies are built anew when those are.
fn documented() -> anyhow::Result<PathBuf> {
    let target = root().join("target/api");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([
        "rustdoc",
        "--quiet",
        "--locked",
        "--package",
        "dbmigrate-runtime",
        "--lib",
        "--features",
        FEATURES,
    ]);
    command.arg("--manifest-path").arg(root().join("Cargo.toml")).arg("--target-dir").arg(&target);
    command.args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"]);
    command.env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTDOCFLAGS");
    ensure!(command.status()?.success(), "rustdoc failed");
    Ok(target.join("doc/dbmigrate_runtime.json"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
