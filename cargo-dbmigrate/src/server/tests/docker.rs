//! Containers. `DBMIGRATE_TEST_DOCKER_IMAGE` names the image; `xtask/image/make.sh` makes one where none can be pulled.

use super::*;

fn docker(cache: &TempDir) -> Request {
    let mut request = Request::new(Way::Docker, cache.path());
    request.image =
        env::var("DBMIGRATE_TEST_DOCKER_IMAGE").unwrap_or_else(|_| "dbmigrate-test-postgres:15".to_owned());
    request
}

/// The ids of the containers that carry a run's label.
fn containers(token: &str) -> String {
    let filter = format!("label=dbmigrate.run={token}");
    let output = Command::new("docker").args(["ps", "-aq", "--filter", &filter]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_container_serves_databases_and_is_removed() {
    let cache = cache();
    let begin = Instant::now();
    let server = start(&docker(&cache), quiet()).await.unwrap();
    let ready = begin.elapsed();
    assert!(server.describe().contains(", docker ("), "{}", server.describe());
    let first = server.create_database().await.unwrap();
    run_sql(&server, first.name(), "CREATE TABLE t ()").await;
    let second = server.copy_database(&first).await.unwrap();
    assert_eq!(count(&server, second.name(), "SELECT count(*) FROM pg_class WHERE relname = 't'").await, 1);
    let token = server.run.token().to_owned();
    assert_ne!(containers(&token), "");
    let begin = Instant::now();
    server.stop().await.unwrap();
    #[allow(clippy::print_stderr, reason = "the measurement is a result")]
    {
        eprintln!("docker: ready in {ready:?}, stopped in {:?}", begin.elapsed());
    }
    assert_eq!(containers(&token), "");
    assert_eq!(runs(&cache), 0);

    let server = start(&docker(&cache), quiet()).await.unwrap();
    let token = server.run.token().to_owned();
    drop(server);
    assert_eq!(containers(&token), "", "dropping removes it too");
    assert_eq!(runs(&cache), 0);
}

#[tokio::test]
#[ignore = "needs a Docker engine"]
async fn a_panic_leaves_no_container_even_without_other_threads() {
    let cache = cache();
    let server = start(&docker(&cache), quiet()).await.unwrap();
    let token = server.run.token().to_owned();
    let begin = Instant::now();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _server = server;
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!(containers(&token), "");
    assert_eq!(runs(&cache), 0);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn a_killed_runs_container_is_removed_by_the_next() {
    let cache = cache();
    let name = {
        // The helper reads the image from the environment that it inherits; the default is made by the script.
        let image = docker(&cache).image;
        killed_with("docker", cache.path(), &[("DBMIGRATE_TEST_DOCKER_IMAGE", &image)])
    };
    let token = name.split('_').nth(2).unwrap();
    assert_ne!(containers(token), "");
    let report = sweep(cache.path()).await.unwrap();
    assert_eq!((report.runs, report.containers), (1, 1));
    assert_eq!(containers(token), "");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn cancelling_leaves_no_container() {
    let cache = cache();
    let mut tokens = Vec::new();
    for wait in [30, 100, 200, 300, 500, 900] {
        let request = docker(&cache);
        let task = tokio::spawn(async move { start(&request, quiet()).await });
        tokio::time::sleep(Duration::from_millis(wait)).await;
        for entry in fs::read_dir(cache.path().join("runs")).unwrap() {
            tokens.push(entry.unwrap().file_name().into_string().unwrap());
        }
        task.abort();
        drop(task.await);
    }
    assert!(tokens.len() >= 6, "{tokens:?}");
    // What the engine had not got to yet is the next run's to remove.
    tokio::time::sleep(Duration::from_secs(1)).await;
    sweep(cache.path()).await.unwrap();
    assert_eq!(runs(&cache), 0);
    for token in tokens {
        assert_eq!(containers(&token), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn an_image_that_cannot_be_had_is_refused() {
    let cache = cache();
    let mut request = docker(&cache);
    request.image = "127.0.0.1:1/no-such-image:1".into();
    let refused = refusal(start(&request, quiet()).await.map(drop));
    assert_eq!(refused.kind, Kind::DockerImage, "{refused}");
    assert!(refused.message.contains("`127.0.0.1:1/no-such-image:1`"), "{refused}");
    assert!(refused.message.contains("refused"), "the engine's own words: {refused}");
    assert_eq!(runs(&cache), 0);
    request.offline = true;
    let refused = refusal(start(&request, quiet()).await.map(drop));
    assert!(refused.message.contains("`--offline`"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine"]
async fn auto_prefers_docker() {
    let cache = cache();
    let mut request = docker(&cache);
    request.way = Way::Auto;
    let server = start(&request, quiet()).await.unwrap();
    assert!(server.describe().contains(", docker ("), "{}", server.describe());
    server.stop().await.unwrap();

    request.image = "127.0.0.1:1/no-such-image:1".into();
    let server = start(&request, quiet()).await.unwrap();
    assert!(server.describe().contains(", local ("), "{}", server.describe());
    server.stop().await.unwrap();
}
