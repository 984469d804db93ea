//! PgBouncer between a program and its database.

use super::*;
use dbmigrate_runtime::{Error, Migrator, Target};
use dbmigrate_tests::{PgBouncer, directory, set};
use tokio_postgres::NoTls;

#[tokio::test]
async fn sessions_that_are_shared_are_refused() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let client = cluster.connect("a").await;
    client.batch_execute("ALTER DATABASE a SET statement_timeout = '59s'").await.unwrap();
    let set = directory(&[LOG, USERS, INDEX]);
    let before = picture(&cluster, "a").await;
    for size in [1, 5] {
        let pooler = PgBouncer::start(cluster.port(), "transaction", size).await;
        let url = pooler.url("a");
        // One alone, and several that get each other's sessions.
        for count in [1, 6] {
            let replica = replica(&url, set.path());
            let started: Vec<_> = (0..count).map(|_| replica.start("upgrade")).collect();
            for one in started {
                one.end().await.failed("pooled");
            }
        }
        assert_eq!(picture(&cluster, "a").await, before);
        // No session of the pool keeps the lock, or what was set.
        assert_eq!(locks(&client).await, 0);
        let (other, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(column(&other, "SHOW statement_timeout").await, ["59s"]);
    }
    // The way out that the hint names.
    replica(&cluster.url("a"), set.path()).upgrade().await.fine();
    assert_eq!(log(&client).await, LOGGED);
}

#[tokio::test]
async fn nothing_pending_is_fine_through_any_pooler() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let set = directory(&[LOG, USERS]);
    replica(&url, set.path()).upgrade().await.fine();
    let pooler = PgBouncer::start(cluster.port(), "transaction", 1).await;
    assert_eq!(replica(&pooler.url("a"), set.path()).upgrade().await.fine().lines, [""; 0]);
}

#[tokio::test]
async fn a_pooler_in_session_mode_will_do() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let client = cluster.connect("a").await;
    let pooler = PgBouncer::start(cluster.port(), "session", 20).await;
    let set = directory(&[LOG, USERS, INDEX]);
    let replica = replica(&pooler.url("a"), set.path());
    let started: Vec<_> = (0..4).map(|_| replica.start("upgrade")).collect();
    let mut ran = 0;
    for one in started {
        ran += one.end().await.fine().ran().len();
    }
    assert_eq!(ran, 3);
    assert_eq!(log(&client).await, LOGGED);
    assert_eq!(locks(&client).await, 0);
}

#[tokio::test]
async fn a_pool_with_room_for_one_session_is_enough() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    // The second connection, which looks, never gets a session.
    let pooler = PgBouncer::start(cluster.port(), "session", 1).await;
    let set = directory(&[LOG, USERS, INDEX]);
    assert_eq!(replica(&pooler.url("a"), set.path()).upgrade().await.fine().ran().len(), 3);
}

#[tokio::test]
async fn a_client_of_the_callers_that_is_shared_is_told_when_it_shows() {
    let cluster = Cluster::start().await;
    cluster.database("a").await;
    let pooler = PgBouncer::start(cluster.port(), "transaction", 2).await;
    let connect = async || {
        let (client, connection) = tokio_postgres::connect(&pooler.url("a"), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    // Another migrator's mark is in the only session that is free.
    let marked = connect().await;
    marked.batch_execute("SET dbmigrate.session = 'another'").await.unwrap();
    let mut client = connect().await;
    let migrator = Migrator::new(set(&[LOG])).unwrap();
    let error = migrator.upgrade(&mut client, Target::Head).await.unwrap_err();
    assert!(matches!(error, Error::Pooled), "{error}");
}
