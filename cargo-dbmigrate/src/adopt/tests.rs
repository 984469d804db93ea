#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;

use super::*;
use dbmigrate_runtime::migration::Direction;

fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = temporary.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    temporary
}

fn adopt(tool: Tool, files: &[(&str, &[u8])]) -> Result<(Vec<Adopted>, Vec<String>), Refusal> {
    let temporary = directory(files);
    let source = read(tool, temporary.path(), Path::new("src"))?;
    Ok((map(tool, &source.migrations)?, source.left_alone))
}

fn ids(adopted: &[Adopted]) -> Vec<String> {
    adopted.iter().map(|one| one.migration.id.to_string()).collect()
}

#[track_caller]
fn refused(tool: Tool, files: &[(&str, &[u8])], part: &str) {
    let refusal = adopt(tool, files).unwrap_err();
    assert_eq!(refusal.kind, Kind::AdoptSource);
    assert!(refusal.message.contains(part), "{}", refusal.message);
}

#[test]
fn diesel_directories_are_ordered_without_their_dashes() {
    let (adopted, left_alone) = adopt(
        Tool::Diesel,
        &[
            ("20180101000001_b/up.sql", b"SELECT 2;"),
            ("20180101000001_b/down.sql", b"SELECT -2;"),
            ("2018-01-01-000000_make-A-unique/up.sql", b"\xef\xbb\xbfSELECT 1;\r\n"),
            ("2018-01-01-000000_make-A-unique/down.sql", b"-- no way\n\n/* back */\n"),
            ("2026-07-30-140000-0000_c/up.sql", b"CREATE INDEX CONCURRENTLY c ON c (c);"),
            ("2026-07-30-140000-0000_c/down.sql", b"DROP INDEX CONCURRENTLY c;"),
            ("2026-07-30-140000-0000_c/metadata.toml", b"run_in_transaction = false\n"),
            ("2026-07-30-140000-0001_d/up.sql", b"SELECT 4;"),
            ("2026-07-30-140000-0001_d/metadata.toml", b"run_in_transaction = true\n"),
            ("2026-07-30-140000-0001_d/notes.txt", b""),
            ("README.md", b""),
            (".hidden/x/up.sql", b""),
        ],
    )
    .unwrap();
    assert_eq!(
        ids(&adopted),
        ["V20180101000000__make_a_unique", "V20180101000001__b", "V20260730140000__c", "V20260730140001__d"]
    );
    assert_eq!(
        adopted[0].migration.up.text,
        "-- dbmigrate: irreversible adopted from diesel: its down.sql holds no statement\n-- Its down was:\n-- no way\n-- /* back */\n\nSELECT 1;\n"
    );
    assert!(adopted[0].migration.down.is_none());
    assert_eq!(adopted[0].replaces, ["diesel:2018-01-01-000000_make-A-unique"]);
    for direction in [Direction::Up, Direction::Down] {
        assert!(adopted[2].migration.script(direction).unwrap().directives.no_transaction);
        assert!(!adopted[1].migration.script(direction).unwrap().directives.no_transaction);
    }
    assert!(!adopted[3].migration.up.directives.no_transaction);
    let reason = adopted[3].migration.up.directives.irreversible.as_deref();
    assert_eq!(reason, Some("adopted from diesel: there is no down.sql"));
    assert_eq!(left_alone, ["src/2026-07-30-140000-0001_d/notes.txt", "src/README.md", "src/.hidden"]);
}

#[test]
fn what_diesel_would_not_run_alike_is_refused() {
    refused(Tool::Diesel, &[("1_a/up.sql", b""), ("2_b/down.sql", b"")], "`src/2_b` has no `up.sql`");
    refused(Tool::Diesel, &[("1-1_a/up.sql", b""), ("11_b/up.sql", b"")], "the same version");
    refused(Tool::Diesel, &[("1_a/up.sql", b"SELECT '\xff'")], "`src/1_a/up.sql` is no SQL text");
    refused(Tool::Diesel, &[("1_a/up.sql", b""), ("1_a/metadata.toml", b"=")], "not valid TOML");
    refused(Tool::Diesel, &[("1_a/up.sql", b"-- dbmigrate: no-transaction\n")], "begins with `dbmigrate:`");
    let repeats = b"DELETE FROM a;\n-- dbmigrate: repeat\nDELETE FROM b;\n";
    let alone = b"run_in_transaction = false";
    let files: [(&str, &[u8]); 2] = [("1_a/up.sql", repeats), ("1_a/metadata.toml", alone)];
    refused(Tool::Diesel, &files, "begins with `dbmigrate:`");
    refused(
        Tool::Diesel,
        &[("1_a/up.sql", b"S;"), ("1_a/down.sql", b"-- dbmigrate: allow x y\n")],
        "begins with",
    );
    let (adopted, _) = adopt(Tool::Diesel, &[("1_a/up.sql", b"S;"), ("1_a/metadata.toml", b"")]).unwrap();
    assert!(adopted[0].migration.up.directives.no_transaction, "a metadata.toml without the key means false");
}

#[test]
fn a_directory_above_is_fine_too_and_empty_ups_are_marked() {
    let (adopted, _) = adopt(
        Tool::Diesel,
        &[("migrations/1_/up.sql", b"-- nothing"), ("src/main.rs", b""), ("Cargo.toml", b"")],
    )
    .unwrap();
    assert_eq!(ids(&adopted), ["V00000000000001__migration"]);
    assert!(adopted[0].migration.up.directives.allows("empty-migration").is_some());
}

#[test]
fn versions_keep_the_order_of_the_tool() {
    // diesel compares text: "10" comes before "9".
    let files: Vec<_> =
        ["10_a/up.sql", "9_b/up.sql", "99999999999998000_c/up.sql", "99999999999998001_d/up.sql"]
            .into_iter()
            .map(|name| (name, &b"S;"[..]))
            .collect();
    let (adopted, _) = adopt(Tool::Diesel, &files).unwrap();
    assert_eq!(
        ids(&adopted),
        ["V00000000000010__a", "V00000000000011__b", "V99999999999998__c", "V99999999999999__d"]
    );
    let full = [files, vec![("99999999999999_e/up.sql", &b"S;"[..])]].concat();
    refused(Tool::Diesel, &full, "the last version");
}

#[test]
fn sqlx_files_are_ordered_by_number() {
    let (adopted, left_alone) = adopt(
        Tool::Sqlx,
        &[
            ("10_ten.up.sql", b"-- no-transaction\nSELECT 10;"),
            ("10_ten.down.sql", b"SELECT -10;"),
            ("9_nine.v2.sql", b" -- no-transaction\nSELECT 9;"),
            ("20240221104457_drop it.up.sql", b"S;"),
            ("20240221104457_drop it.down.sql", b"-- Add down migration script here\n"),
            ("seed.sql", b""),
            ("sub/11_x.sql", b""),
        ],
    )
    .unwrap();
    assert_eq!(
        ids(&adopted),
        ["V00000000000009__nine_v2", "V00000000000010__ten", "V20240221104457__drop_it"]
    );
    let ten = &adopted[1].migration;
    assert!(ten.up.directives.no_transaction && !ten.down.as_ref().unwrap().directives.no_transaction);
    assert!(!adopted[0].migration.up.directives.no_transaction);
    assert!(adopted[2].migration.up.text.contains("\n-- Add down migration script here\n"));
    assert_eq!(adopted[2].replaces, ["sqlx:20240221104457_drop it.up.sql"]);
    assert_eq!(left_alone, ["src/seed.sql", "src/sub/11_x.sql"]);
    refused(Tool::Sqlx, &[("1_a.sql", b""), ("data_x.sql", b"")], "`src/data_x.sql` has no number");
    refused(Tool::Sqlx, &[("1_a.sql", b""), ("01_b.sql", b"")], "the same version");
    refused(Tool::Sqlx, &[("1_a.down.sql", b"")], "`src/1_a.down.sql` has no up");
}

#[test]
fn refinery_files_are_found_anywhere_and_have_no_downs() {
    let (adopted, left_alone) = adopt(
        Tool::Refinery,
        &[
            ("V10__Ten.sql", b"SELECT 10;"),
            ("sub/deep/V2__two.sql", b"SELECT 2;"),
            ("U3__three.sql", b"SELECT 3;"),
            ("V4__add-col.sql", b""),
            ("mod.rs", b""),
        ],
    )
    .unwrap();
    assert_eq!(ids(&adopted), ["V00000000000002__two", "V00000000000003__three", "V00000000000010__ten"]);
    assert!(adopted.iter().all(|one| one.migration.down.is_none()));
    assert_eq!(left_alone, ["src/V4__add-col.sql", "src/mod.rs"]);
    refused(Tool::Refinery, &[("V1__a.rs", b"")], "written in Rust");
    refused(Tool::Refinery, &[("V1.1__a.sql", b"")], "no whole number");
    refused(Tool::Refinery, &[("V1__a.sql", b""), ("x/V01__b.sql", b"")], "the same version");
}

#[test]
fn dbmate_files_are_split_at_their_marks() {
    let (adopted, left_alone) = adopt(
        Tool::Dbmate,
        &[
            (
                "20240101000000_a.sql",
                b"-- About a.\n-- migrate:up transaction:false\nSELECT 1;\n\n--migrate:down\nSELECT -1;\n",
            ),
            ("20240102000000_b.sql", b"-- migrate:up\nSELECT 2;\n-- migrate:down transaction:false\n"),
            ("schema.sql", b""),
        ],
    )
    .unwrap();
    let a = &adopted[0].migration;
    assert_eq!(
        a.up.text,
        "-- dbmigrate: no-transaction\n-- About a.\n-- migrate:up transaction:false\nSELECT 1;\n\n"
    );
    assert_eq!(a.down.as_ref().unwrap().text, "--migrate:down\nSELECT -1;\n");
    assert!(adopted[1].migration.down.is_none() && !adopted[1].migration.up.directives.no_transaction);
    assert_eq!(left_alone, ["src/schema.sql"]);
    let good: (&str, &[u8]) = ("1_a.sql", b"-- migrate:up\n-- migrate:down\n");
    let bad = |text: &'static [u8], part: &str| refused(Tool::Dbmate, &[good, ("2_b.sql", text)], part);
    bad(b"-- migrate:down\n", "no `-- migrate:up`");
    bad(b"-- migrate:up\n-- migrate:downward\n", "no `-- migrate:down`");
    bad(b"-- migrate:down\n-- migrate:up\n", "first");
    bad(b"SELECT 1;\n-- migrate:up\n-- migrate:down\n", "above");
    bad(b"-- migrate:up\n-- migrate:down\n-- migrate:up\n-- migrate:down\n", "several");
    refused(Tool::Dbmate, &[good, ("1_b.sql", good.1)], "the same version");
}

#[test]
fn another_tools_layout_is_recognised() {
    let layouts: [(Tool, (&str, &[u8])); 4] = [
        (Tool::Diesel, ("1_a/up.sql", b"")),
        (Tool::Sqlx, ("1_a.sql", b"")),
        (Tool::Refinery, ("V1__a.sql", b"")),
        (Tool::Dbmate, ("1_a.sql", b"-- migrate:up\n-- migrate:down")),
    ];
    for (tool, file) in layouts {
        assert_eq!(detect(directory(&[file]).path()), Some(tool));
        for (other, _) in layouts.iter().filter(|(other, _)| *other != tool) {
            let refusal = adopt(*other, &[file]).unwrap_err();
            assert_eq!(refusal.message, format!("`src` holds no migrations of {other}"));
            assert!(refusal.hint.contains(&format!("`--from {tool}`")), "{}", refusal.hint);
        }
    }
    assert_eq!(detect(directory(&[("README.md", b"")]).path()), None);
    let nowhere = read(Tool::Diesel, Path::new("/nowhere/at/all"), Path::new("nowhere")).unwrap_err();
    assert_eq!(nowhere.kind, Kind::Unreadable);
}

#[test]
fn our_own_files_come_in_without_a_lock() {
    let files: &[(&str, &[u8])] = &[
        ("V20260101000002__b.sql", b"-- dbmigrate: irreversible gone\nSELECT 2;"),
        ("V20260101000001__a.sql", b"-- dbmigrate: no-transaction\nSELECT 1;"),
        ("V20260101000001__a.down.sql", b"SELECT -1;"),
        ("V20260101000003__c.sql", b"SELECT 3;"),
        ("notes.txt", b""),
    ];
    let (adopted, left_alone) = adopt(Tool::Dbmigrate, files).unwrap();
    assert_eq!(ids(&adopted), ["V20260101000001__a", "V20260101000002__b", "V20260101000003__c"]);
    assert_eq!(left_alone, ["src/notes.txt"]);
    let text = |at: usize| adopted[at].migration.up.text.as_str();
    assert_eq!(
        (text(0), text(1)),
        ("-- dbmigrate: no-transaction\nSELECT 1;", "-- dbmigrate: irreversible gone\nSELECT 2;")
    );
    assert!(adopted[0].migration.up.directives.no_transaction);
    assert!(adopted[0].migration.down.is_some() && adopted[1].migration.down.is_none());
    let reason = "adopted from dbmigrate: there is no down";
    assert_eq!(adopted[2].migration.up.directives.irreversible.as_deref(), Some(reason));
    refused(
        Tool::Dbmigrate,
        &[("V20260101000001__a.sql", b""), ("V20260101000002__b.down.sql", b"")],
        "without an up",
    );
}
