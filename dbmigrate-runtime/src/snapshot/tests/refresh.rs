//! What a refresh reads equals what a full reading reads, whatever happened in between.

use super::super::{Reader, Tallies, Within};
use super::{Cluster, bindirs};

const SCRIPTS: [&str; 2] = [include_str!("everything.sql"), include_str!("changes.sql")];

#[tokio::test]
async fn refresh_equals_full_after_every_statement() {
    compare(Tallies::Ignored).await;
}

#[tokio::test]
async fn refresh_by_tallies_equals_full_after_every_statement() {
    compare(Tallies::Trusted).await;
}

async fn compare(tallies: Tallies) {
    for programs in bindirs() {
        let cluster = Cluster::start(&programs);
        let client = cluster.create("scripts").await;
        let mut reader = Reader::new(&client, &[], tallies).await.unwrap().checked();
        let empty = reader.full(&client, Within::OwnTransaction).await.unwrap();
        let mut before = empty.clone();
        for line in SCRIPTS.iter().flat_map(|script| script.lines()).filter(|line| !line.starts_with("--")) {
            let outside =
                ["concurrently", "subscription", "create database"].iter().any(|word| line.contains(word));
            if !outside {
                client
                    .batch_execute(&format!("begin; {line}"))
                    .await
                    .unwrap_or_else(|error| panic!("{line}: {error:?}"));
                let within = reader.refresh(&client, &before, Within::CallersTransaction).await;
                within.unwrap_or_else(|error| panic!("in a transaction, after {line}: {error:?}"));
                client.batch_execute("rollback").await.unwrap();
                let back = reader.refresh(&client, &before, Within::OwnTransaction).await.unwrap();
                assert!(back.diff(&before).is_empty(), "rolled back: {line}");
            }
            for statement in line.split("; ").filter(|_| outside).chain((!outside).then_some(line)) {
                client
                    .batch_execute(statement)
                    .await
                    .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
            }
            let after = reader.refresh(&client, &before, Within::OwnTransaction).await;
            before = after.unwrap_or_else(|error| panic!("after {line}: {error:?}"));
        }
        assert_ne!(before.facts().count(), 0);
        assert_eq!(before.unmodelled(), []);
    }
}
