//! What the tests of the formats report: one of everything.

use std::time::Duration;

use super::Done;
use crate::problem::{Excerpt, Finding, Kind, Refusal};
use crate::snapshot::{Change, Diff, Fact};
use crate::verify::outcome::{Outcome, Proof, Step, Stretch};

pub(super) fn outcome() -> Outcome {
    let users = "V20260301120000__create_users";
    let orders = "V20260302083000__create_orders";
    let split = "V20260304101500__split_names";
    let index = "V20260305090000__index_orders";
    let nick = "V20260306090000__drop_nick";
    let sql = "-- Orders.\nCREATE TABLE orders (\n    id bigint PRIMARY KEY,\n    user_id bigint REFERENCES user (id)\n);\n";
    let mut syntax = Excerpt::at_offset(
        format!("migrations/{orders}.down.sql"),
        sql,
        sql.find("user (").unwrap_or(0),
        "syntax error at or near \"user\"",
    );
    syntax.sqlstate = Some("42601".into());
    syntax.hint = Some("Quote the word: \"user\".".into());
    Outcome {
        server: Some("PostgreSQL 15.18, local (/usr/lib/postgresql/15/bin)".into()),
        steps: vec![
            step(users, Proof::Failed, 61),
            step(orders, Proof::Failed, 48),
            step(split, Proof::Irreversible("the | old names are gone".into()), 20),
            step(index, Proof::Reversible, 112),
            step(nick, Proof::Reversible, 44),
        ],
        stretches: vec![
            Stretch { first: users.into(), last: orders.into(), length: 2, proved: false },
            Stretch { first: index.into(), last: nick.into(), length: 2, proved: true },
        ],
        findings: vec![
            Finding::error(Kind::FileAdded, "`V20260307__x.sql` is not in the lock file")
                .file("migrations/V20260307__x.sql"),
            Finding::error(Kind::DownDiffers, "the down leaves 2 objects behind, and 1 is missing")
                .migration(users)
                .file(format!("migrations/{users}.down.sql"))
                .diff(difference()),
            Finding::error(Kind::DownFails, "the down fails: syntax error at or near \"user\"")
                .migration(orders)
                .file(format!("migrations/{orders}.down.sql"))
                .excerpt(syntax),
            Finding::note(Kind::ColumnOrder, "`public.users`: `nick` is now the last column")
                .migration(nick)
                .file(format!("migrations/{nick}.down.sql")),
        ],
        elapsed: Duration::from_millis(1_234),
    }
}

/// The one place that makes a difference.
fn difference() -> Diff {
    let fact = |kind, id: &str, of: &str, text: &str| Fact {
        kind,
        id: id.into(),
        of: of.into(),
        position: None,
        properties: [("type".to_owned(), text.into())].into_iter().collect(),
    };
    let column =
        |name: &str, text: &str| fact("column", &format!("public.users.{name}"), "table public.users", text);
    Diff {
        changes: vec![
            Change::Added(fact("domain", "public.status", "domain public.status", "text")),
            Change::Added(column("nick", "text")),
            Change::Changed {
                before: column("email", "text"),
                after: column("email", "character varying(200)"),
            },
            Change::Removed(fact("index", "public.users_email_key", "table public.users", "btree")),
        ],
        order: Vec::new(),
    }
}

pub(super) fn fine() -> Outcome {
    let mut outcome = outcome();
    outcome.findings.clear();
    outcome.steps.drain(..2);
    outcome.stretches.remove(0);
    outcome
}

pub(super) fn done() -> Done {
    Done {
        server: Some("PostgreSQL 17.2, docker (postgres:17-alpine)".into()),
        ..Done::new("consolidate", "consolidated 2 drafts into `V20260308100000__profile`")
            .item("created", "migrations/V20260308100000__profile.sql")
            .item("removed", "drafts/20260307083000__profile.sql")
            .note("commit `migrations/dbmigrate.lock` together with it")
    }
}

pub(super) fn refused() -> anyhow::Error {
    let refusal = Refusal::new(
        Kind::SqlSyntax,
        "`migrations/V20260301120000__create_users.sql` cannot be split into statements",
        "close the quote that is open",
    )
    .at(Excerpt::at_offset(
        "migrations/V20260301120000__create_users.sql",
        "SELECT 'a;\n",
        7,
        "unterminated string",
    ))
    .caused_by(anyhow::anyhow!("the parser gave up\nin line 1"));
    anyhow::Error::from(refusal).context("could not read the migrations")
}

fn step(migration: &str, proof: Proof, millis: u64) -> Step {
    Step { migration: migration.into(), proof, duration: Duration::from_millis(millis) }
}
