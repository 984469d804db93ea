//! A PostgreSQL container, on any engine that testcontainers finds. It carries the run's token as a label: that is how it
//! is removed, also when its owner was killed or cancelled before it knew the container's id.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use testcontainers::bollard::query_parameters::{ListContainersOptions, RemoveContainerOptions};
use testcontainers::bollard::{Docker, errors::Error as EngineError};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{IntoContainerPort, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio_postgres::{Client, Config};

use super::run::{Keeper, Made, Run};
use super::{Backing, Note, Ready, Request, cluster, database, in_own_thread};
use crate::problem::{Kind, Refusal};

/// The label that holds the run's token.
const LABEL: &str = "dbmigrate.run";

/// How long the engine may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long an image may take to come.
const PULL: Duration = Duration::from_secs(15 * 60);

/// How long the server in the container may take until it answers.
const READY: Duration = Duration::from_secs(90);

/// The containers of a run: one, or none yet. Dropping it removes them.
pub(super) struct Containers {
    token: String,
    keeper: Keeper,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A request to make one may still be on its way to the engine.
    Asked,
    /// The engine has answered.
    Answered,
    Removed,
}

/// Starts one.
pub(super) async fn start(request: &Request, run: &mut Run, note: Note<'_>) -> Result<Ready> {
    let engine = engine().await.map_err(|error| {
        Refusal::new(
            Kind::DockerUnavailable,
            format!("no Docker engine answers: {error:#}"),
            "start the engine, set `DOCKER_HOST`, or use `--server local` or `--server <postgres url>`",
        )
    })?;
    let image = &request.image;
    if !is_there(&engine, image).await? {
        if request.offline {
            return Err(
                unobtainable(image, "it is not on this machine, and `--offline` forbids to pull it").into()
            );
        }
        note(&format!("pulling the image `{image}`"));
    }

    let password = format!("{:016x}", RandomState::new().hash_one(run.token()));
    run.record(&Made::Container)?;
    let mut containers =
        Containers { token: run.token().to_owned(), keeper: run.keeper(), state: State::Asked };
    let Ok(launched) = tokio::time::timeout(PULL, launch(image, run.token(), &password)).await else {
        return Err(unobtainable(image, &format!("not there in {} s", PULL.as_secs())).into());
    };
    containers.state = State::Answered;
    let container = launched.map_err(|error| not_started(image, &error))?;

    let host = container.get_host().await?.to_string();
    let port = container.get_host_port_ipv4(5432).await?;
    let mut config = Config::new();
    config.host(&host).port(port).user("postgres").password(&password).dbname("postgres");
    config.connect_timeout(Duration::from_secs(2));
    let admin = ready(&container, &config, image).await?;
    config.connect_timeout(ANSWER);
    // From here on the label is what removes it; the destructor of testcontainers needs a runtime, which there may not be.
    std::mem::forget(container);
    Ok(Ready { backing: Backing::Container(containers), admin, config, place: format!("docker ({image})") })
}

async fn launch(
    image: &str,
    token: &str,
    password: &str,
) -> Result<ContainerAsync<GenericImage>, testcontainers::TestcontainersError> {
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    };
    let mut command = vec!["postgres".to_owned()];
    for setting in cluster::SETTINGS {
        command.extend(["-c".to_owned(), (*setting).to_owned()]);
    }
    GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_cmd(command)
        .with_env_var("POSTGRES_USER", "postgres")
        .with_env_var("POSTGRES_PASSWORD", password)
        .with_env_var("POSTGRES_INITDB_ARGS", "--no-sync")
        .with_env_var("PGDATA", "/dbmigrate/data")
        .with_mount(Mount::tmpfs_mount("/dbmigrate"))
        .with_label(LABEL, token)
        .with_startup_timeout(READY)
        .start()
        .await
}

/// Waits until the server takes connections. While the container sets itself up, its server does not listen.
async fn ready(container: &ContainerAsync<GenericImage>, config: &Config, image: &str) -> Result<Client> {
    let deadline = Instant::now() + READY;
    let mut rounds = 0_u32;
    loop {
        let error = match database::connect(config).await {
            Ok(client) => match client.batch_execute("SELECT 1").await {
                Ok(()) => return Ok(client),
                Err(error) => error,
            },
            Err(error) => error,
        };
        rounds += 1;
        let ended = rounds.is_multiple_of(10) && !bounded(container.is_running()).await.unwrap_or(false);
        if ended || Instant::now() > deadline {
            let log = bounded(container.stderr_to_vec()).await.unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let last: Vec<_> = log.trim().lines().rev().take(5).collect();
            let last: Vec<_> = last.into_iter().rev().collect();
            let what = if ended { "the container ended".to_owned() } else { database::said(&error) };
            return Err(Refusal::new(
                Kind::ServerStart,
                format!("the server in the image `{image}` does not answer: {what}\n{}", last.join("\n")),
                "the image must keep the contract of the official `postgres` image; see what it said",
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// The engine, if one answers.
async fn engine() -> Result<Docker> {
    let engine = docker_client_instance().await.map_err(|error| anyhow!("{}", chain(&error)))?;
    bounded(engine.ping()).await?;
    Ok(engine)
}

async fn is_there(engine: &Docker, image: &str) -> Result<bool> {
    match tokio::time::timeout(ANSWER, engine.inspect_image(image)).await {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(EngineError::DockerResponseServerError { status_code: 404, .. })) => Ok(false),
        Ok(Err(error)) => Err(unobtainable(image, &chain(&error)).into()),
        Err(_) => Err(unobtainable(image, "the engine does not answer").into()),
    }
}

fn unobtainable(image: &str, why: &str) -> Refusal {
    Refusal::new(
        Kind::DockerImage,
        format!("the image `{image}` cannot be had: {why}"),
        "check its name and the network, or pull it by hand, or use another image or another `--server`",
    )
}

fn not_started(image: &str, error: &testcontainers::TestcontainersError) -> Refusal {
    use testcontainers::TestcontainersError::Client;
    use testcontainers::core::error::ClientError::PullImage;
    match error {
        Client(PullImage { err, .. }) => unobtainable(image, &chain(err)),
        other => Refusal::new(
            Kind::ServerStart,
            format!("a container of the image `{image}` cannot be started: {}", chain(other)),
            "see the engine's message, or use another way with `--server`",
        ),
    }
}

/// An error with what caused it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

async fn bounded<T, E: Error>(task: impl Future<Output = Result<T, E>>) -> Result<T> {
    match tokio::time::timeout(ANSWER, task).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(anyhow!("{}", chain(&error))),
        Err(_) => Err(anyhow!("no answer in {} s", ANSWER.as_secs())),
    }
}

/// Removes the containers of a run, and says how many there were.
pub(super) async fn remove(token: &str) -> Result<usize> {
    let engine = engine().await?;
    let filters = HashMap::from([("label".to_owned(), vec![format!("{LABEL}={token}")])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    let found = bounded(engine.list_containers(Some(options))).await?;
    for container in &found {
        let options = RemoveContainerOptions { force: true, v: true, ..Default::default() };
        let removal = engine.remove_container(container.id.as_deref().unwrap_or_default(), Some(options));
        match tokio::time::timeout(ANSWER, removal).await {
            // Already gone, or somebody is removing it.
            Ok(Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 404 | 409, .. })) => {}
            Ok(Err(error)) => return Err(anyhow!("{}", chain(&error))),
            Err(_) => return Err(anyhow!("the engine does not answer")),
        }
    }
    Ok(found.len())
}

impl Containers {
    /// Removes them.
    pub(super) async fn stop(mut self) -> Result<()> {
        remove(&self.token).await?;
        self.state = State::Removed;
        Ok(())
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        if self.state == State::Removed {
            return;
        }
        let token = self.token.clone();
        let removed = in_own_thread(ANSWER * 2, async move { remove(&token).await.map(drop) });
        if !removed || self.state == State::Asked {
            // The engine may not have got to the request yet: the next run looks again.
            self.keeper.keep();
        }
    }
}
