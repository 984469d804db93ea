#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;

struct Project {
    temporary: tempfile::TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { temporary: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(name, text)| project.write(name, text.as_bytes()));
        project
    }

    /// Two migrations and their lock; the second one runs without a transaction.
    fn sound() -> Self {
        let project = Self::new(&[
            ("V20260301120000__a.sql", "CREATE TABLE a ();\n"),
            ("V20260301120000__a.down.sql", "DROP TABLE a;\n"),
            ("V20260302120000__b.sql", "-- dbmigrate: no-transaction\nSELECT 1;\nSELECT 2;\n"),
            ("V20260302120000__b.down.sql", "SELECT 3;\n"),
        ]);
        project.lock();
        project
    }

    fn lock(&self) {
        let mut lock = Lock::default();
        for migration in &self.read().migrations {
            append(&mut lock, migration, vec![]).unwrap();
        }
        self.write(lock::FILE_NAME, lock.render().as_bytes());
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.temporary.path().join(name), bytes).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.temporary.path().join(name)).unwrap();
    }

    fn directory(&self) -> Directory {
        Directory::new(self.temporary.path(), "migrations")
    }

    fn read(&self) -> Contents {
        self.directory().read(Stage::Finalized).unwrap()
    }

    fn kinds(&self) -> Vec<(Kind, String)> {
        let shown = |finding: Finding| {
            (
                finding.kind,
                finding.file.unwrap_or_default().file_name().unwrap_or_default().display().to_string(),
            )
        };
        self.read().problems.into_iter().map(shown).collect()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.temporary.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn kinds(found: &[(Kind, String)]) -> Vec<(Kind, &str)> {
    found.iter().map(|(kind, file)| (*kind, file.as_str())).collect()
}

#[test]
fn a_sound_directory_has_no_problems() {
    let project = Project::sound();
    let contents = project.read();
    assert!(contents.problems.is_empty(), "{:?}", contents.problems);
    assert!(contents.refuse().is_ok());
    assert_eq!(contents.newest().unwrap().name, "b");
    let lock = contents.lock.unwrap();
    let statements = lock.entries()[1].up.statements.iter().flatten();
    assert_eq!(statements.map(|statement| statement.offset).collect::<Vec<_>>(), [29, 39]);
}

#[test]
fn checkout_settings_are_no_problem() {
    let project = Project::sound();
    project.write("V20260301120000__a.sql", b"\xef\xbb\xbfCREATE TABLE a ();\r\n");
    let text = fs::read_to_string(project.directory().lock_path()).unwrap();
    project.write(lock::FILE_NAME, text.replace('\n', "\r\n").as_bytes());
    assert_eq!(project.kinds(), []);
}

#[test]
fn every_problem_is_reported_in_one_run() {
    let project = Project::sound();
    project.write("V20260301120000__a.sql", b"CREATE TABLE other ();\n");
    project.remove("V20260302120000__b.down.sql");
    project.write("README.md", b"");
    project.write("20260303120000__c.sql", b"");
    project.write("V20260304120000__d.down.sql", b"");
    project.write("V20260305120000__e.sql", b"-- dbmigrate: no-transacton\n");
    project.write("V20260306120000__f.sql", b"SELECT '\xff';");
    project.write("V20260307120000__g.sql", b"SELECT 1;");
    project.write("V20260307120000__h.sql", b"-- dbmigrate: irreversible why\n");
    project.write("V20260307120000__h.down.sql", b"");
    fs::create_dir(project.temporary.path().join("sub")).unwrap();
    let found = project.kinds();
    for expected in [
        (Kind::UnknownFile, "sub"),
        (Kind::BadName, "20260303120000__c.sql"),
        (Kind::UnknownFile, "README.md"),
        (Kind::UnknownDirective, "V20260305120000__e.sql"),
        (Kind::NotUtf8, "V20260306120000__f.sql"),
        (Kind::DuplicateVersion, "V20260307120000__h.sql"),
        (Kind::DownWithoutUp, "V20260304120000__d.down.sql"),
        (Kind::DownMissing, "V20260307120000__g.sql"),
        (Kind::IrreversibleWithDown, "V20260307120000__h.down.sql"),
        (Kind::FileEdited, "V20260301120000__a.sql"),
        (Kind::FileRemoved, "V20260302120000__b.down.sql"),
        (Kind::FileAdded, "V20260307120000__g.sql"),
        (Kind::FileAdded, "V20260307120000__h.sql"),
    ] {
        assert!(kinds(&found).contains(&expected), "{expected:?} is not among {found:#?}");
    }
    assert_eq!(found.len(), 13, "{found:#?}");
    let refusal = project.read().refuse().unwrap_err();
    assert!(refusal.message.ends_with("(and 12 more problems)"), "{}", refusal.message);
}

#[test]
fn a_problem_in_a_file_has_its_place() {
    let project = Project::sound();
    project.write("V20260303120000__c.sql", "-- é\n  -- dbmigrate: irreversable x\n".as_bytes());
    let problem = project.read().problems.remove(0);
    assert!(problem.message.contains("did you mean `irreversible`?"), "{}", problem.message);
    assert_eq!(problem.excerpt.unwrap().place, Some((2, 3)));
    project.write("V20260303120000__c.sql", b"SELECT 1;\nSELECT '\0';");
    let problem = project.read().problems.remove(0);
    assert_eq!((problem.kind, problem.excerpt.unwrap().place), (Kind::NotUtf8, Some((2, 9))));
}

#[test]
fn directives_that_do_not_fit_are_named() {
    for (up, down, kind) in [
        ("SELECT 1;", "-- dbmigrate: irreversible x\n", Kind::MisplacedDirective),
        ("SELECT 1;\n-- dbmigrate: no-transaction\n", "SELECT 1;", Kind::MisplacedDirective),
        ("-- dbmigrate: irreversible\n", "SELECT 1;", Kind::BadDirective),
    ] {
        let project = Project::new(&[("20260301120000__a.sql", up), ("20260301120000__a.down.sql", down)]);
        let contents = project.directory().read(Stage::Draft).unwrap();
        assert_eq!(contents.problems.iter().map(|p| p.kind).collect::<Vec<_>>(), [kind], "{up}");
    }
}

#[test]
fn an_unusable_lock_is_named() {
    let project = Project::sound();
    let text = fs::read_to_string(project.directory().lock_path()).unwrap();
    let kind = |text: String| {
        project.write(lock::FILE_NAME, text.as_bytes());
        project.kinds().into_iter().map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    assert_eq!(kind(text.replacen("\nV", "\n<<<<<<< ours\nV", 1)), [Kind::LockConflict]);
    assert_eq!(kind(text.replacen(" up=", " up=0", 1)), [Kind::LockMalformed]);
    assert_eq!(kind(String::new()), [Kind::LockMalformed]);
    assert_eq!(kind(text.replacen("=29,39", "=29", 1)), [Kind::ChainBroken, Kind::LockStale]);
    project.remove(lock::FILE_NAME);
    assert_eq!(project.kinds(), [(Kind::LockMissing, "migrations".to_owned())]);
}

#[test]
fn drafts_have_their_own_names_and_need_no_directory() {
    let project = Project::new(&[
        (".gitkeep", ""),
        ("20260301120000__a.sql", "SELECT 1;"),
        ("20260301120000__a.down.sql", "SELECT 1;"),
        ("V20260302120000__b.sql", "SELECT 1;"),
        (lock::FILE_NAME, ""),
    ]);
    let contents = project.directory().read(Stage::Draft).unwrap();
    assert_eq!(contents.migrations.len(), 1);
    assert_eq!(
        contents.problems.iter().map(|p| p.kind).collect::<Vec<_>>(),
        [Kind::BadName, Kind::UnknownFile]
    );
    assert!(contents.problems[0].message.ends_with("does not begin with `V`"));
    let nowhere = Directory::new(project.temporary.path().join("nowhere"), "nowhere");
    assert!(nowhere.read(Stage::Draft).unwrap().migrations.is_empty());
    assert_eq!(nowhere.read(Stage::Finalized).unwrap_err().kind, Kind::NoMigrationsDirectory);
}

#[cfg(unix)]
#[test]
fn links_to_files_are_fine_and_dangling_ones_are_not() {
    let project = Project::sound();
    let root = project.temporary.path();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(root.join("V20260301120000__a.sql"), elsewhere.path().join("a")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("a"), root.join("V20260301120000__a.sql")).unwrap();
    assert_eq!(project.kinds(), []);
    fs::remove_file(elsewhere.path().join("a")).unwrap();
    assert_eq!(project.directory().read(Stage::Finalized).unwrap_err().kind, Kind::Unreadable);
}

#[test]
fn a_change_happens_as_a_whole() {
    let project = Project::new(&[("lock", "old"), ("draft", "x")]);
    let root = project.temporary.path();
    let change = Change {
        create: vec![(root.join("new/a"), "a".into())],
        replace: vec![(root.join("lock"), "new".into())],
        remove: vec![root.join("draft")],
    };
    change.apply().unwrap();
    assert_eq!(project.names(), ["lock", "new"]);
    assert_eq!(fs::read_to_string(root.join("lock")).unwrap(), "new");
    assert_eq!(fs::read_to_string(root.join("new/a")).unwrap(), "a");
}

#[test]
fn a_change_that_fails_leaves_nothing() {
    let project = Project::new(&[("lock", "old"), ("draft", "x")]);
    let root = project.temporary.path();
    fs::create_dir(root.join("full")).unwrap();
    fs::write(root.join("full/file"), "").unwrap();
    let sound = Change {
        create: vec![(root.join("new/a"), "a".into()), (root.join("b"), "b".into())],
        replace: vec![(root.join("lock"), "new".into())],
        remove: vec![root.join("draft")],
    };
    let with = |change: &mut dyn FnMut(&mut Change)| {
        let mut broken = sound.clone();
        change(&mut broken);
        broken.apply().unwrap_err().kind
    };
    assert_eq!(with(&mut |c| c.remove.push(root.join("missing"))), Kind::ReadOnly);
    assert_eq!(with(&mut |c| c.remove.push(root.join("full"))), Kind::ReadOnly);
    assert_eq!(with(&mut |c| c.replace.push((root.join("full"), "x".into()))), Kind::ReadOnly);
    assert_eq!(with(&mut |c| c.create.push((root.join("draft/below"), "x".into()))), Kind::ReadOnly);
    assert_eq!(with(&mut |c| c.create.push((root.join("draft"), "x".into()))), Kind::NameTaken);
    assert_eq!(project.names(), ["draft", "full", "lock"]);
    assert_eq!(fs::read_to_string(root.join("lock")).unwrap(), "old");
    assert_eq!(fs::read_to_string(root.join("draft")).unwrap(), "x");
}
