//! The directive `repeat`: a statement of a `no-transaction` file runs until it changes no row.

use dbmigrate_tests::{Project, shot};

use crate::sets::{LOCK, USERS};

/// Five rows, and a table that gets one row for every run that changes some, with its transaction.
const ROWS: (&str, &str, &str) = (
    "rows",
    "CREATE TABLE rows (id int PRIMARY KEY, done boolean);
INSERT INTO rows SELECT generate_series(1, 5);
CREATE TABLE runs (txid bigint, changed bigint);
CREATE FUNCTION log_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO runs SELECT txid_current(), count(*) FROM now_done; RETURN NULL; END $$;
CREATE TRIGGER log AFTER UPDATE ON rows REFERENCING NEW TABLE AS now_done
    FOR EACH STATEMENT EXECUTE FUNCTION log_run();
",
    "DROP TABLE rows, runs;\nDROP FUNCTION log_run;\n",
);

const FILL: &str = "-- dbmigrate: no-transaction

-- dbmigrate: repeat
-- Two at a time.
UPDATE rows SET done = true WHERE id IN (SELECT id FROM rows WHERE done IS NULL ORDER BY id LIMIT 2);

DO $$ BEGIN
    ASSERT (SELECT array_agg(changed ORDER BY txid) FROM runs) = ARRAY[2, 2, 1, 0]::bigint[],
        (SELECT string_agg(changed::text, ' ' ORDER BY txid) FROM runs);
    ASSERT (SELECT count(DISTINCT txid) FROM runs) = 4, 'transactions';
END $$;
";

const EMPTY: &str = "-- dbmigrate: no-transaction
-- dbmigrate: repeat
DELETE FROM runs WHERE txid IN (SELECT txid FROM runs LIMIT 1);
ALTER TABLE rows DISABLE TRIGGER log;
UPDATE rows SET done = NULL;
ALTER TABLE rows ENABLE TRIGGER log;
";

/// Two, two, one and none: four runs, four transactions, then the next statement; the same after a down.
#[test]
fn a_backfill_in_batches() {
    let project = Project::new().drafts(&[ROWS, ("fill", FILL, EMPTY)]);
    project.run(["verify"]).success();
    // Run once, it leaves rows behind.
    let once = FILL.replace("-- dbmigrate: repeat\n", "");
    project.write("drafts/20200601000002__fill.sql", once);
    let ran = project.run(["verify"]).found(["up-fails"]);
    assert!(ran.stdout.contains("the up fails: 2\n"), "{ran}");
}

#[test]
fn consolidation_keeps_it_and_the_lock_names_it() {
    let more = "-- dbmigrate: no-transaction\n-- dbmigrate: repeat\nDELETE FROM users WHERE id IN (SELECT id FROM users LIMIT 2);\n";
    let drafts = [USERS, ROWS, ("fill", FILL, EMPTY), ("more", more, more)];
    let project = Project::new().drafts(&drafts);
    project.run(["consolidate", "filled"]).success();
    let tree = project.tree();
    let up = tree.paths().into_iter().find(|path| path.ends_with("__filled_2.sql")).unwrap().to_owned();
    let text = project.read(&up);
    let lock = project.read(LOCK);
    let starts = ["UPDATE rows", "DO $$", "DELETE FROM users"].map(|statement| text.find(statement).unwrap());
    let [update, check, delete] = starts;
    let words = format!(" up-no-transaction={update}*,{check},{delete}* ");
    assert!(lock.contains(&words), "{words}\n{lock}\n{text}");
    project.run(["verify", "--frozen", "--strict"]).success().unchanged();
    project.edit(LOCK, |lock| lock.replacen(&format!("={update}*"), &format!("={update}"), 1));
    project.run(["verify"]).found(["chain-broken", "lock-stale"]);
}

#[test]
fn repeats_that_are_none() {
    let project = Project::new().drafts(&[
        USERS,
        ("transaction", "SELECT 1;\n-- dbmigrate: repeat\nDELETE FROM users;\n", "SELECT 1;\n"),
        ("nothing", "-- dbmigrate: no-transaction\nSELECT 1;\n-- dbmigrate: repeat\n", "SELECT 1;\n"),
        (
            "twice",
            "-- dbmigrate: no-transaction\n-- dbmigrate: repeat\n-- dbmigrate: repeat\nDELETE FROM users;\n",
            "SELECT 1;\n",
        ),
        (
            "times",
            "-- dbmigrate: no-transaction\n-- dbmigrate: repeat 5\nDELETE FROM users;\n",
            "SELECT 1;\n",
        ),
        ("behind", "-- dbmigrate: no-transaction\nDELETE FROM users; -- dbmigrate: repeat\n", "SELECT 1;\n"),
        ("rowless", "-- dbmigrate: no-transaction\n-- dbmigrate: repeat\nVACUUM users;\n", "SELECT 1;\n"),
        (
            "endless",
            "-- dbmigrate: no-transaction\n-- dbmigrate: repeat\nUPDATE users SET email = '';\n",
            "SELECT 1;\n",
        ),
    ]);
    let ran = project.run(["verify"]).found([
        "unrepeatable-statement",
        "unrepeatable-statement",
        "misplaced-directive",
        "misplaced-directive",
        "bad-directive",
        "bad-directive",
        "misplaced-directive",
    ]);
    shot!(ran);
    project.run(["consolidate"]).refused("misplaced-directive");
}

/// The condition never comes to leave out all rows, which no text shows.
#[test]
fn one_that_never_ends() {
    let endless =
        "-- dbmigrate: no-transaction\n-- dbmigrate: repeat\nUPDATE rows SET done = true WHERE id < 3;\n";
    let project = Project::new().drafts(&[ROWS, ("endless", endless, "SELECT 1;\n")]);
    let ran = project.run(["verify", "--timeout", "1s"]).found(["timeout"]);
    assert!(ran.stdout.contains("a statement that repeats ran "), "{ran}");
    assert!(ran.stdout.contains("times, and still changed rows"), "{ran}");
    assert!(ran.stdout.contains("20200601000002__endless.sql:3:1"), "{ran}");
}
