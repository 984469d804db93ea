//! Stopping PostgreSQL servers: a child of ours, or what a killed run left behind.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a server gets for its immediate shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// Stops a child with PostgreSQL's immediate shutdown, and by force if that takes too long.
pub(super) fn stop_child(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    signal(child.id(), Signal::SIGQUIT);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Stops the PostgreSQL programs that were started on a directory, and says how many there were.
pub(super) fn stop_in(directory: &Path) -> usize {
    let found = running_in(directory);
    for pid in &found {
        signal(*pid, Signal::SIGQUIT);
    }
    let deadline = Instant::now() + GRACE;
    while !running_in(directory).is_empty() && Instant::now() < deadline {
        sleep(Duration::from_millis(5));
    }
    for pid in running_in(directory) {
        signal(pid, Signal::SIGKILL);
    }
    found.len()
}

fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// The processes whose program is PostgreSQL's and whose data directory is in `directory`. The command line is looked
/// at, not a remembered process id: ids are reused.
fn running_in(directory: &Path) -> Vec<u32> {
    let ours = |words: &[String]| {
        let program = words.first().map(Path::new).and_then(Path::file_name);
        program.is_some_and(|name| name == "postgres" || name == "initdb")
            && words.windows(2).any(|pair| pair[0] == "-D" && Path::new(&pair[1]).starts_with(directory))
    };
    command_lines().into_iter().filter(|(_, words)| ours(words)).map(|(pid, _)| pid).collect()
}

/// Every process with its command line.
fn command_lines() -> Vec<(u32, Vec<String>)> {
    if let Ok(entries) = fs::read_dir("/proc")
        && cfg!(target_os = "linux")
    {
        return entries
            .flatten()
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let line = fs::read(entry.path().join("cmdline")).ok()?;
                let words =
                    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
                Some((pid, words.collect()))
            })
            .collect();
    }
    let Ok(output) = Command::new("ps").args(["-A", "-ww", "-o", "pid=,command="]).output() else {
        return Vec::new();
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            Some((words.next()?.parse().ok()?, words.collect()))
        })
        .collect()
}
