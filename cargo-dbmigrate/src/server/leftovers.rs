//! Finds and removes what killed runs left behind on this machine.

use std::path::Path;

use anyhow::Result;

use super::run::{Made, dead};
use super::{docker, process, template};

/// What a sweep removed, and what it could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Runs that ended without striking themselves from the register.
    pub runs: usize,
    /// Servers that were still running.
    pub processes: usize,
    /// Directories.
    pub directories: usize,
    /// Containers.
    pub containers: usize,
    /// What is still there, and why.
    pub left: Vec<String>,
}

/// Stops and removes what runs that were killed left on this machine. Cheap when there are none.
pub async fn sweep(cache: &Path) -> Result<Report> {
    let mut report = Report::default();
    for run in dead(cache) {
        let mut whole = true;
        let mut made = run.made.clone();
        made.dedup();
        for thing in &made {
            match thing {
                // Only what this tool names is removed, whatever the entry says.
                Made::Directory(path) if is_ours(path, &run.token) => {
                    report.processes += process::stop_in(path);
                    report.directories += usize::from(path.exists());
                    if let Err(error) = template::remove(path) {
                        report.left.push(format!("`{}`: {error}", path.display()));
                        whole = false;
                    }
                }
                Made::Directory(_) => {}
                // Without an engine there is nothing to see: the entry stays until there is one.
                Made::Container => match docker::remove(&run.token).await {
                    Ok(removed) => report.containers += removed,
                    Err(_) => whole = false,
                },
            }
        }
        if whole {
            report.runs += 1;
            run.forget();
        }
    }
    Ok(report)
}

fn is_ours(path: &Path, token: &str) -> bool {
    let ours = format!("dbmigrate-{token}");
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&ours))
}
