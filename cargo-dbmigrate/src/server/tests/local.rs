//! Private clusters.

use std::os::unix::fs::PermissionsExt;

use super::*;

const OFFLINE: (&str, &str) = ("DBMIGRATE_TEST_OFFLINE", "yes");

#[tokio::test(flavor = "multi_thread")]
async fn databases_are_made_copied_and_dropped_and_nothing_stays() {
    let cache = cache();
    let server = start(&local(&cache), quiet()).await.unwrap();
    assert!(server.describe().starts_with("PostgreSQL "), "{}", server.describe());
    assert!(server.describe().contains(", local (/"), "{}", server.describe());
    assert!(server.version_num() >= 130_000);

    let first = server.create_database().await.unwrap();
    assert!(first.name().starts_with("dbmigrate_tmp_"));
    run_sql(&server, first.name(), "CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)").await;
    let second = server.copy_database(&first).await.unwrap();
    assert_eq!(count(&server, second.name(), "SELECT count(*) FROM t").await, 2);
    run_sql(&server, second.name(), "DROP TABLE t").await;
    assert_eq!(count(&server, first.name(), "SELECT count(*) FROM t").await, 2);

    // Connections that are still open do not hinder the drop.
    let open = database::connect(&server.config(second.name())).await.unwrap();
    server.drop_database(second).await.unwrap();
    assert!(open.batch_execute("SELECT 1").await.is_err());
    assert_eq!(names(&server).await, ["postgres", first.name()]);

    let directory = directory(&server);
    assert!(directory.exists());
    server.stop().await.unwrap();
    assert!(!directory.exists());
    assert_eq!(runs(&cache), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_and_cancelling_leave_nothing() {
    let cache = cache();
    let server = start(&local(&cache), quiet()).await.unwrap();
    let directory = directory(&server);
    drop(server);
    assert!(!directory.exists());

    for wait in [0, 5, 20, 60, 100, 140] {
        let request = local(&cache);
        let limit = Duration::from_millis(wait);
        let _ = tokio::time::timeout(limit, async { start(&request, quiet()).await.map(drop) }).await;
        assert_eq!(runs(&cache), 0, "after {wait} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_may_race_for_the_template() {
    let cache = cache();
    let request = local(&cache);
    let (one, two) = tokio::join!(async { start(&request, quiet()).await.unwrap() }, async {
        start(&request, quiet()).await.unwrap()
    });
    one.create_database().await.unwrap();
    two.create_database().await.unwrap();
    one.stop().await.unwrap();
    two.stop().await.unwrap();
    assert_eq!(fs::read_dir(cache.path().join("templates")).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_template_is_made_again() {
    let cache = cache();
    start(&local(&cache), quiet()).await.unwrap().stop().await.unwrap();
    let template = fs::read_dir(cache.path().join("templates")).unwrap().next().unwrap().unwrap().path();
    let control = template.join("data/global/pg_control");

    fs::remove_file(&control).unwrap();
    start(&local(&cache), quiet()).await.unwrap().stop().await.unwrap();
    assert!(control.exists(), "a lost file is noticed");

    fs::write(&control, vec![0; 8192]).unwrap();
    start(&local(&cache), quiet()).await.unwrap().stop().await.unwrap();
    assert_ne!(fs::read(&control).unwrap(), vec![0; 8192], "a damaged file is noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_cleans_up_after_a_killed_one() {
    let cache = cache();
    let name = killed("local", cache.path());
    let token = name.split('_').nth(2).unwrap();
    let directory = directories_of(token).pop().unwrap();
    let pid = fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap().to_owned();
    assert!(Path::new("/proc").join(&pid).exists(), "the server outlives its owner");

    let notes = std::sync::Mutex::new(Vec::new());
    let note = |text: &str| notes.lock().unwrap().push(text.to_owned());
    let living = start(&local(&cache), &note).await.unwrap();
    assert_eq!(*notes.lock().unwrap(), ["removed what 1 killed run left behind"]);
    assert!(!directory.exists());
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&line).contains(token), "the server is gone");

    // What lives is not swept.
    assert_eq!(sweep(cache.path()).await.unwrap(), Report::default());
    living.create_database().await.unwrap();
    living.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_sql_is_in_every_database() {
    let cache = cache();
    let mut request = local(&cache);
    request.setup = vec![
        Setup { label: "roles.sql".into(), sql: "CREATE ROLE app;".into() },
        Setup { label: "setup".into(), sql: "CREATE TABLE everywhere (id int);".into() },
    ];
    let server = start(&request, quiet()).await.unwrap();
    for _ in 0..2 {
        let database = server.create_database().await.unwrap();
        assert_eq!(count(&server, database.name(), "SELECT count(*) FROM everywhere").await, 0);
    }
    server.stop().await.unwrap();

    request.setup[1].sql = "SELECT 1;\nCREATE TABLE ä (id intt);".into();
    let refused = refusal(start(&request, quiet()).await.map(drop));
    let excerpt = refused.excerpt.unwrap();
    assert_eq!(excerpt.place, Some((2, 20)));
    assert_eq!(excerpt.line, "CREATE TABLE ä (id intt);");
    assert_eq!(excerpt.sqlstate.as_deref(), Some("42704"));
    assert_eq!(runs(&cache), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_cannot_be_used_is_refused() {
    let cache = cache();
    let file = cache.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = refusal(start(&Request::new(Way::Local, &file), quiet()).await.map(drop));
    assert_eq!(refused.kind, Kind::ServerDirectory);
    assert!(refused.message.contains(file.to_str().unwrap()), "{refused}");
}

#[test]
fn runs_may_be_killed_at_any_moment() {
    let (cache, place) = (cache(), tempfile::Builder::new().prefix("dbm-").tempdir().unwrap());
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let templates = cache.path().join("templates");
    let run = |ready: &dyn Fn() -> bool| {
        let mut child = helper("local", cache.path(), &[("TMPDIR", place.path().to_str().unwrap())]);
        let begin = Instant::now();
        while !ready() {
            assert!(begin.elapsed() < Duration::from_secs(60), "no template was made");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    };
    let after = |wait| {
        let begin = Instant::now();
        run(&|| begin.elapsed() >= Duration::from_millis(wait));
    };
    // The first ones in the middle of `initdb`, the later ones on their way to a database.
    [40, 150, 400].into_iter().for_each(after);
    // A template that is whole has a hash for its name.
    let whole =
        |path: &Path| path.file_name().unwrap().to_str().unwrap().chars().all(|c| c.is_ascii_hexdigit());
    run(&|| fs::read_dir(&templates).is_ok_and(|mut made| made.any(|entry| whole(&entry.unwrap().path()))));
    [20, 60, 100, 140, 180, 220].into_iter().for_each(after);
    tokio::runtime::Runtime::new().unwrap().block_on(sweep(cache.path())).unwrap();
    // On a busy machine every child may be killed before it has made these directories.
    let left = |path: &Path| match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(left(place.path()), Vec::<PathBuf>::new());
    assert_eq!(left(&cache.path().join("runs")), Vec::<PathBuf>::new());
    assert_eq!(left(&templates).len(), 1);
    let output = Command::new("ps").args(["-A", "-ww", "-o", "args="]).output().unwrap();
    let place = place.path().to_str().unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains(place), "no process is left");
}

#[test]
fn when_nothing_works_the_refusal_says_why() {
    let cache = cache();
    let nowhere = [("DOCKER_HOST", "unix:///nowhere/docker.sock"), ("DBMIGRATE_PG_BIN", "/nowhere"), OFFLINE];
    let refused = refused_with("auto", cache.path(), &nowhere);
    assert!(refused.starts_with("server-unavailable "), "{refused}");
    for part in ["`docker`: no Docker engine answers", "`local`: no `initdb`", "`embedded`: ", "`--offline`"]
    {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = refused_with("docker", cache.path(), &nowhere);
    assert!(refused.starts_with("docker-unavailable "), "{refused}");
    let refused = refused_with("local", cache.path(), &nowhere);
    assert!(refused.starts_with("server-programs "), "{refused}");
    assert_eq!(runs(&cache), 0);
}

#[test]
fn a_temporary_directory_whose_path_is_too_long_is_avoided() {
    let cache = cache();
    let long = cache.path().join("x".repeat(90));
    fs::create_dir(&long).unwrap();
    let name = killed_with("local", cache.path(), &[("TMPDIR", long.to_str().unwrap())]);
    let directory = directories_of(name.split('_').nth(2).unwrap()).pop().unwrap();
    assert!(directory.starts_with("/tmp"), "{directory:?}");
    // A killed run with its server in `/tmp` is found as well.
    let report = tokio::runtime::Runtime::new().unwrap().block_on(sweep(cache.path())).unwrap();
    assert_eq!((report.runs, report.processes, report.directories), (1, 1, 1));
    assert!(!directory.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_although_a_connection_is_just_closing() {
    let cache = cache();
    let server = start(&local(&cache), quiet()).await.unwrap();
    let mut from = server.create_database().await.unwrap();
    for _ in 0..5 {
        let closing = database::connect(&server.config(from.name())).await.unwrap();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(closing);
        });
        let next = server.copy_database(&from).await.unwrap();
        server.drop_database(std::mem::replace(&mut from, next)).await.unwrap();
    }
    server.stop().await.unwrap();
}

#[test]
fn wrapper_scripts_do_not_count_as_programs() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["initdb", "postgres"] {
        fs::write(folder.path().join(name), "#!/bin/sh\n").unwrap();
    }
    assert_eq!(programs::usable(folder.path()), None);
    let real = programs::find().unwrap();
    let links = tempfile::tempdir().unwrap();
    for name in ["initdb", "postgres"] {
        std::os::unix::fs::symlink(real.join(name), links.path().join(name)).unwrap();
    }
    assert_eq!(programs::usable(links.path()), Some(real));
}
