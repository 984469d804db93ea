//! Finds and removes what killed runs left behind on this machine.

use std::path::Path;

use anyhow::Result;

use super::run::{Made, dead};
use super::{process, template};

/// What a sweep removed, and what it could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Runs that had not tidied up.
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
        let left = report.left.len();
        let mut made = run.made.clone();
        made.dedup();
        for thing in &made {
            match thing {
                // Only what this tool names is removed, whatever the entry says.
                Made::Directory(path) if path.ends_with(format!("dbmigrate-{}", run.token)) => {
                    report.processes += process::stop_in(path);
                    report.directories += usize::from(path.exists());
                    if let Err(error) = template::remove(path) {
                        report.left.push(format!("`{}`: {error}", path.display()));
                    }
                }
                Made::Directory(_) | Made::Container => {}
            }
        }
        if report.left.len() == left {
            report.runs += 1;
            run.forget();
        }
    }
    Ok(report)
}
