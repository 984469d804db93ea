//! Stands between a client and a server, reads the queries that pass, and breaks connections at chosen moments.

use std::io::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::task::JoinHandle;

/// What becomes of a query.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It goes on to the server.
    Pass,
    /// It does not reach the server, and both connections are closed.
    CutBefore,
    /// The server runs it; both connections are closed in the place of its answer.
    CutAfter,
    /// Neither it nor what follows reaches the server, and the client waits until it goes away.
    Hold,
    /// The client's connection is closed at once; the server gets the query when told, and runs it.
    Late(Arc<Notify>),
}

type Rule = Arc<dyn Fn(&str) -> Verdict + Send + Sync>;

/// A proxy on a port of its own. Ends with all its connections on drop.
pub struct Proxy {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts one in front of a port. Every query is shown to the rule first.
    pub async fn start(server: u16, rule: impl Fn(&str) -> Verdict + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (rule, queries): (Rule, _) = (Arc::new(rule), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let mut links = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)).await else { continue };
                let (rule, queries) = (Arc::clone(&rule), Arc::clone(&queries));
                // A broken connection is what this is for.
                links.spawn(async move { _ = link(client, upstream, rule, queries).await });
            }
        });
        Self { port, seen, task }
    }

    /// The URL of a database through it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The queries so far, of all connections.
    pub fn queries(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What both directions of a connection know.
struct Shared {
    /// Where answers go; nowhere once the client's connection was closed.
    client: AsyncMutex<Option<OwnedWriteHalf>>,
    /// Answers that the client waits for; the first is the greeting.
    open: AtomicUsize,
    /// Answers are dropped, and the connection with the last of them.
    swallow: AtomicBool,
}

async fn link(client: TcpStream, server: TcpStream, rule: Rule, seen: Arc<Mutex<Vec<String>>>) -> Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let shared = Arc::new(Shared {
        client: AsyncMutex::new(Some(to_client)),
        open: AtomicUsize::new(1),
        swallow: AtomicBool::new(false),
    });
    let up = upwards(from_client, to_server, rule, seen, Arc::clone(&shared));
    let down = downwards(from_server, shared);
    // The answers end when the server closes, and whatever ends first ends the other.
    tokio::select! {
        result = up => result,
        result = down => result,
    }
}

/// Passes answers on, until the server closes or a cut is due.
async fn downwards(mut server: OwnedReadHalf, shared: Arc<Shared>) -> Result<()> {
    loop {
        let (kind, message) = frame(&mut server).await?;
        let swallow = shared.swallow.load(Ordering::SeqCst);
        if let Some(client) = shared.client.lock().await.as_mut().filter(|_| !swallow) {
            client.write_all(&message).await?;
        }
        if kind == b'Z' && shared.open.fetch_sub(1, Ordering::SeqCst) == 1 && swallow {
            return Ok(());
        }
    }
}

/// Passes queries on as the rule says, until the client closes or a cut is due.
async fn upwards(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    rule: Rule,
    seen: Arc<Mutex<Vec<String>>>,
    shared: Arc<Shared>,
) -> Result<()> {
    let mut greeting = vec![0; 4];
    client.read_exact(&mut greeting).await?;
    let length = u32::from_be_bytes([greeting[0], greeting[1], greeting[2], greeting[3]]) as usize;
    greeting.resize(length, 0);
    client.read_exact(&mut greeting[4..]).await?;
    server.write_all(&greeting).await?;
    loop {
        let (kind, message) = frame(&mut client).await?;
        if kind != b'Q' {
            server.write_all(&message).await?;
            continue;
        }
        let text = String::from_utf8_lossy(&message[5..message.len() - 1]).into_owned();
        let verdict = rule(&text);
        seen.lock().unwrap().push(text);
        shared.open.fetch_add(1, Ordering::SeqCst);
        match verdict {
            Verdict::Pass => {}
            Verdict::CutBefore => return Ok(()),
            Verdict::CutAfter => {
                shared.swallow.store(true, Ordering::SeqCst);
                server.write_all(&message).await?;
                std::future::pending::<()>().await;
            }
            Verdict::Hold => loop {
                frame(&mut client).await?;
            },
            Verdict::Late(go) => {
                shared.swallow.store(true, Ordering::SeqCst);
                *shared.client.lock().await = None;
                go.notified().await;
                server.write_all(&message).await?;
                return std::future::pending().await;
            }
        }
        server.write_all(&message).await?;
    }
}

/// One message of the protocol, with its kind.
async fn frame(from: &mut OwnedReadHalf) -> Result<(u8, Vec<u8>)> {
    let mut message = vec![0; 5];
    from.read_exact(&mut message).await?;
    let length = u32::from_be_bytes([message[1], message[2], message[3], message[4]]) as usize;
    if length < 4 {
        return Err(Error::new(ErrorKind::InvalidData, "no message of PostgreSQL's protocol"));
    }
    message.resize(length + 1, 0);
    from.read_exact(&mut message[5..]).await?;
    Ok((message[0], message))
}
