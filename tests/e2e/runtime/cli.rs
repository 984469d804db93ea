//! The `migrate` subcommand on databases of which not all is well. The service of the examples shows the rest.

use clap::Parser;
use dbmigrate_runtime::cli::{Answer, Exit, Migrate, Outcome, Severity, error_json, error_text};
use dbmigrate_runtime::connect::Database;
use dbmigrate_runtime::{Error, Migrator, Target};
use dbmigrate_tests::{Cluster, set};
use serde_json::Value;

const A: (&str, &str, &str) = ("a", "CREATE TABLE a ();", "DROP TABLE a;");
const B: (&str, &str, &str) = ("V20260102120000__b", "CREATE TABLE b ();", "DROP TABLE b;");
const C: (&str, &str, &str) = ("c", "CREATE TABLE c ();", "DROP TABLE c;");
const LATE: (&str, &str, &str) = ("V20260101130000__late", "CREATE TABLE late ();", "DROP TABLE late;");

#[derive(Parser)]
enum App {
    #[command(flatten)]
    Migrate(Migrate),
}

async fn ran(parts: &[(&str, &str, &str)], url: &str, line: &str) -> Result<Outcome, Error> {
    let App::Migrate(migrate) = App::try_parse_from(["app"].into_iter().chain(line.split(' '))).unwrap();
    let database: Database = url.parse().unwrap();
    migrate.execute(&Migrator::new(set(parts)).unwrap(), &database).await
}

fn found(outcome: &Outcome) -> Vec<(&'static str, Severity)> {
    let Answer::Status(_, findings) = &outcome.answer else { panic!("{outcome:?}") };
    findings.iter().map(|finding| (finding.id, finding.severity)).collect()
}

#[tokio::test]
async fn findings_make_the_status_one() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let fresh = ran(&[A, B], &url, "status").await.unwrap();
    assert_eq!((fresh.exit, found(&fresh)), (Exit::Fine, vec![]));
    assert_eq!(ran(&[A, B], &url, "status --exit-code").await.unwrap().exit, Exit::Findings);
    assert_eq!(ran(&[A, B], &url, "plan --exit-code").await.unwrap().exit, Exit::Findings);
    assert_eq!(ran(&[A, B], &url, "plan").await.unwrap().exit, Exit::Fine);
    assert_eq!(ran(&[A, B], &url, "upgrade").await.unwrap().exit, Exit::Fine);
    assert_eq!(ran(&[A, B], &url, "status --exit-code").await.unwrap().exit, Exit::Fine);
    assert_eq!(ran(&[A, B], &url, "plan --exit-code").await.unwrap().exit, Exit::Fine);

    let edited = ran(&[("a", "CREATE TABLE a (x int);", "DROP TABLE a;"), B], &url, "status").await.unwrap();
    assert_eq!((edited.exit, found(&edited)), (Exit::Findings, vec![("divergent", Severity::Error)]));
    assert!(edited.human(false).contains("\nerror[divergent]: "), "{}", edited.human(false));
    let json: Value = serde_json::from_str(&edited.json()).unwrap();
    assert_eq!((&json["ok"], &json["findings"][0]["id"]), (&false.into(), &"divergent".into()));
    let error = ran(&[("a", "CREATE TABLE a (x int);", "DROP TABLE a;"), B, C], &url, "upgrade").await;
    assert_eq!(error.unwrap_err().id(), "divergent");
}

#[tokio::test]
async fn policies_come_from_the_command_line() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    ran(&[A, B], &url, "upgrade").await.unwrap();

    let old = ran(&[A], &url, "status").await.unwrap();
    assert_eq!((old.exit, found(&old)), (Exit::Findings, vec![("database-ahead", Severity::Error)]));
    let allowed = ran(&[A], &url, "status --database-ahead allow").await.unwrap();
    assert_eq!((allowed.exit, found(&allowed)), (Exit::Fine, vec![("database-ahead", Severity::Note)]));
    let error = ran(&[A], &url, "upgrade").await.unwrap_err();
    assert!(error_text(&error).contains("give `--database-ahead allow`"), "{}", error_text(&error));
    ran(&[A], &url, "upgrade --database-ahead allow").await.unwrap();

    let late = ran(&[A, LATE, B], &url, "status").await;
    let late = late.unwrap();
    assert_eq!((late.exit, found(&late)), (Exit::Findings, vec![("late", Severity::Error)]));
    assert!(late.human(false).contains("late V20260101130000__late\n"), "{}", late.human(false));
    assert_eq!(ran(&[A, LATE, B], &url, "upgrade").await.unwrap_err().id(), "late");
    let applied = ran(&[A, LATE, B], &url, "upgrade --out-of-order apply").await.unwrap();
    assert!(
        applied.human(false).starts_with("applied `V20260101130000__late`, in "),
        "{}",
        applied.human(false)
    );
}

#[tokio::test]
async fn a_broken_statement_is_shown_with_its_place() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    let broken = ("broken", "CREATE TABLE a ();\n\tINSERT INTO nothing VALUES (1);\n", "");
    let error = ran(&[broken], &url, "upgrade").await.unwrap_err();
    assert_eq!(
        error_text(&error),
        "error[sql]: `V20260101120000__broken.sql`, line 3, column 14: relation \"nothing\" does not exist (42P01)
  --> V20260101120000__broken.sql:3:14
   |
 3 |     INSERT INTO nothing VALUES (1);
   |                 ^ relation \"nothing\" does not exist
   |

hint: mend the migration if it was never applied anywhere, else the data that it meets
"
    );
    let json: Value = serde_json::from_str(&error_json(&error)).unwrap();
    let excerpt = &json["error"]["excerpts"][0];
    assert_eq!((&excerpt["line"], &excerpt["column"]), (&3.into(), &14.into()));
}

#[tokio::test]
async fn limits_come_from_the_command_line() {
    let cluster = Cluster::start().await;
    let url = cluster.database("a").await;
    ran(&[A], &url, "upgrade").await.unwrap();
    let reader = cluster.connect("a").await;
    reader.batch_execute("BEGIN; SELECT * FROM a").await.unwrap();
    let change = ("change", "ALTER TABLE a ADD x int;", "ALTER TABLE a DROP x;");
    let line = "upgrade --lock-timeout 50ms --attempts 2";
    let error = ran(&[A, change], &url, line).await.unwrap_err();
    assert!(matches!(error, Error::LockTimeout { attempts: 2, .. }), "{error}");
    assert!(
        error_text(&error).contains("\nhint: end the sessions that are in the way"),
        "{}",
        error_text(&error)
    );
    let slow = ("slow", "SELECT pg_sleep(600);", "SELECT 1;");
    let error = ran(&[A, slow], &url, "upgrade --statement-timeout 50ms").await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("57014"));
    drop(reader);
    let migrator = Migrator::new(set(&[A, change])).unwrap();
    assert_eq!(migrator.upgrade(&url, Target::Head).await.unwrap().ran.len(), 1);
}
