//! Ctrl-C, SIGTERM and SIGKILL in the middle of a run: nothing stays. And an edit in the middle of one: nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dbmigrate_tests::{Project, Ran, Running, processes};

use crate::sets::USERS;

/// A project with a migration that takes forever, and a register of runs of its own.
struct Slow {
    project: Project,
    cache: PathBuf,
}

impl Slow {
    fn new() -> Self {
        let project = Project::finalized(&[USERS, ("sleep", "SELECT pg_sleep(600);\n", "SELECT 1;\n")]);
        let cache = project.path("target/cache");
        Self { project, cache }
    }

    /// A run that is in the middle of it, and the directory of its server.
    fn start(&self) -> (Running, PathBuf) {
        let mut running = self.project.command(["verify"]).env("DBMIGRATE_CACHE", &self.cache).start();
        let mut place = None;
        running.until("its server", || {
            place = self.asleep();
            place.is_some()
        });
        (running, place.unwrap())
    }

    /// The directory of the server that runs the statement that takes forever.
    fn asleep(&self) -> Option<PathBuf> {
        let sleeps = |place: &PathBuf| processes(place).iter().any(|(_, title)| title.contains(" SELECT"));
        self.servers().into_iter().find(sleeps)
    }

    /// The directories in the register of runs.
    fn servers(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache.join("runs")).into_iter().flatten().flatten();
        let texts = entries.filter_map(|entry| fs::read_to_string(entry.path()).ok());
        texts
            .flat_map(|text| {
                text.lines()
                    .filter_map(|line| line.strip_prefix("directory "))
                    .map(PathBuf::from)
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn nothing_left(&self, place: &Path) {
        assert_eq!(self.servers(), Vec::<PathBuf>::new());
        assert!(!place.exists(), "{} is still there", place.display());
        assert_eq!(processes(place), []);
    }
}

fn ended(running: Running) -> Ran {
    let from = Instant::now();
    let ran = running.wait();
    assert!(from.elapsed() < Duration::from_secs(10), "took {:?}\n{ran}", from.elapsed());
    ran
}

#[test]
fn ctrl_c_leaves_nothing() {
    let slow = Slow::new();
    let (running, place) = slow.start();
    running.signal_group("INT");
    let ran = ended(running).unchanged();
    assert_eq!(ran.ids("error"), ["interrupted"], "{ran}");
    assert!([2, 130].contains(&ran.code()), "{ran}");
    slow.nothing_left(&place);
}

#[test]
fn sigterm_leaves_nothing() {
    let slow = Slow::new();
    let (running, place) = slow.start();
    running.signal("TERM");
    let ran = ended(running).unchanged();
    assert!([2, 143].contains(&ran.code()), "{ran}");
    slow.nothing_left(&place);
}

/// The next run finds and removes what a killed one could not.
#[test]
fn the_next_run_cleans_up_after_a_kill() {
    let slow = Slow::new();
    let (running, place) = slow.start();
    running.signal("KILL");
    assert_eq!(ended(running).unchanged().code(), 137);
    assert!(place.exists());
    assert!(slow.servers().contains(&place));

    let other = Project::finalized(&[USERS]);
    let ran = other.command(["verify"]).env("DBMIGRATE_CACHE", &slow.cache).run().success();
    assert!(ran.stderr.contains("killed"), "{ran}");
    slow.nothing_left(&place);
}

/// Ctrl-C while drafts are consolidated changes no file.
#[test]
fn ctrl_c_while_consolidating() {
    let project = Project::finalized(&[USERS]).drafts(&[("sleep", "SELECT pg_sleep(600);\n", "SELECT 1;\n")]);
    let slow = Slow { cache: project.path("target/cache"), project };
    let mut running = slow.project.command(["consolidate"]).env("DBMIGRATE_CACHE", &slow.cache).start();
    let mut place = None;
    running.until("its server", || {
        place = slow.asleep();
        place.is_some()
    });
    let place = place.unwrap();
    running.signal_group("INT");
    let ran = ended(running).unchanged();
    assert_ne!(ran.code(), 0, "{ran}");
    slow.nothing_left(&place);
}

/// What is written into a draft while it is proved was not proved, and must not be removed with the draft.
#[test]
fn an_edit_while_consolidating_is_not_lost() {
    let draft = ("sleep", "SELECT pg_sleep(1);\nCREATE TABLE a ();\n", "DROP TABLE a;\n");
    let project = Project::finalized(&[USERS]).drafts(&[draft]);
    let tree = project.tree();
    let file = tree.paths().into_iter().find(|path| path.ends_with("__sleep.sql")).unwrap().to_owned();
    let slow = Slow { cache: project.path("target/cache"), project };
    let mut running = slow.project.command(["consolidate"]).env("DBMIGRATE_CACHE", &slow.cache).start();
    running.until("its server", || slow.asleep().is_some());
    slow.project.edit(&file, |text| text + "CREATE TABLE late ();\n");
    let edited = slow.project.tree();
    let ran = running.wait();
    assert_eq!((ran.code(), ran.ids("error")), (2, vec!["changed-meanwhile".to_owned()]), "{ran}");
    assert_eq!(edited.changes(&slow.project.tree()), "", "{ran}");
}
