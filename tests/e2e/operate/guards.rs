//! A protected database: shown, confirmed, and without drafts.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use dbmigrate_tests::{Project, program};

use super::{PASSWORD, Shop};
use crate::sets::{NICK, ORDERS, USERS};

async fn protected(project: Project) -> Shop {
    let shop = Shop::new(project).await;
    shop.project.edit("Cargo.toml", |text| {
        let table = "[package.metadata.dbmigrate.env.production]\nurl = { env = \"DATABASE_URL\" }\nprotected = true\n";
        format!("{text}\n[package.metadata.dbmigrate.env.dev]\nurl = {{ env = \"DATABASE_URL\" }}\n{table}")
    });
    shop
}

#[tokio::test]
async fn a_change_wants_the_name_of_the_database() {
    let shop = protected(Project::finalized(&[USERS, ORDERS])).await;
    shop.run(["status", "--env", "production"]).success();
    shop.run(["plan", "--env", "production"]).success();
    let ran = shop.run(["upgrade", "--env", "production"]).refused("unconfirmed");
    assert!(ran.stderr.starts_with("database shop on 127.0.0.1:"), "{ran}");
    assert!(ran.stderr.contains(" (environment production, protected)\n"), "{ran}");
    assert!(ran.stderr.contains("apply  V20200101000002__create_orders"), "{ran}");
    assert!(ran.stderr.contains("--confirm shop"), "{ran}");
    shop.run(["stamp", "head", "--env", "production"]).refused("unconfirmed");
    shop.run(["upgrade", "--env", "production", "--confirm", "shops"]).refused("unconfirmed");
    // A wrong name is wrong everywhere.
    shop.run(["upgrade", "--env", "dev", "--confirm", "shops"]).refused("unconfirmed");
    assert_eq!(shop.history("shop").await, None);
    shop.run(["upgrade", "--env", "production", "--confirm", "shop"]).success();
    // What changes nothing needs no name.
    shop.run(["upgrade", "--env", "production"]).success();
    for arguments in [["downgrade", "-1"], ["stamp", "base"], ["redo", "--quiet"]] {
        let command = shop.command(arguments).args(["--env", "production"]);
        super::discreet(command.run()).refused("unconfirmed");
        assert_eq!(shop.applied().await.len(), 2, "{arguments:?}");
    }
    shop.run(["redo", "--env", "production", "--confirm", "shop"]).success();
    shop.run(["downgrade", "base", "--env", "production", "--confirm", "shop"]).success();
    assert_eq!(shop.applied().await, [""; 0]);
}

#[tokio::test]
async fn drafts_are_refused() {
    let shop = protected(Project::finalized(&[USERS]).drafts(&[ORDERS, NICK])).await;
    let run = |arguments: &[&str]| {
        let command = shop.command([]).args(arguments).args(["--env", "production"]);
        super::discreet(command.run())
    };
    for arguments in [["upgrade", "add_nick"], ["upgrade", "+2"], ["stamp", "create_orders"], ["plan", "+2"]]
    {
        let mut arguments = arguments.to_vec();
        if arguments[0] != "plan" {
            arguments.extend(["--confirm", "shop"]);
        }
        run(&arguments).refused("draft-on-protected");
        assert_eq!(shop.history("shop").await, None);
    }
    run(&["upgrade", "--confirm", "shop"]).success();
    assert_eq!(shop.applied().await, ["create_users"]);
    run(&["status", "--exit-code"]).success();
    // Applied before it was protected: they can leave.
    shop.run(["upgrade", "--env", "dev"]).success();
    run(&["redo", "--confirm", "shop"]).refused("draft-on-protected");
    run(&["downgrade", "create_users", "--confirm", "shop"]).success();
    assert_eq!(shop.applied().await, ["create_users"]);
}

/// Runs the program on a pseudo-terminal, and types once it asks. Gives the exit status and what was seen.
fn on_a_terminal(shop: &Shop, arguments: &[&str], typed: &str) -> (i32, String) {
    let pty = nix::pty::openpty(None, None).unwrap();
    let end = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut child = std::process::Command::new(program())
        .arg("dbmigrate")
        .args(arguments)
        .current_dir(shop.project.root())
        .env("DATABASE_URL", shop.url("shop"))
        .env("CARGO_NET_OFFLINE", "true")
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .unwrap();
    drop(pty.slave);
    let mut terminal = std::fs::File::from(pty.master);
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    let mut typed = Some(typed);
    // Reading fails once nobody has the other end.
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..read]);
        if String::from_utf8_lossy(&seen).contains("to go on: ")
            && let Some(typed) = typed.take()
        {
            terminal.write_all(typed.as_bytes()).unwrap();
        }
    }
    let status = child.wait().unwrap();
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(!seen.contains(PASSWORD) && !seen.contains("s3cr"), "{seen}");
    (status.code().unwrap(), seen)
}

#[tokio::test]
async fn somebody_at_a_terminal_is_asked() {
    let shop = protected(Project::finalized(&[USERS, ORDERS])).await;
    let upgrade = ["upgrade", "--env", "production", "--color", "never"];
    let (code, seen) = on_a_terminal(&shop, &upgrade, "yes\n");
    assert!(code == 2 && seen.contains("error[unconfirmed]: the database is `shop`, not `yes`"), "{seen}");
    assert!(seen.contains("apply  V20200101000001__create_users"), "{seen}");
    assert_eq!(shop.history("shop").await, None);
    // Ctrl-D.
    let (code, seen) = on_a_terminal(&shop, &upgrade, "\u{4}");
    assert!(code == 2 && seen.contains("unconfirmed"), "{seen}");
    assert_eq!(shop.history("shop").await, None);
    let (code, seen) = on_a_terminal(&shop, &upgrade, "shop\n");
    assert_eq!(code, 0, "{seen}");
    assert_eq!(shop.applied().await, ["create_users", "create_orders"]);
}
