//! What `hooks/pre-commit` lets through.

use std::process::{Command, Output};

use crate::support::{Project, repository};

fn git(project: &Project, arguments: &[&str]) {
    let output = Command::new("git").args(arguments).current_dir(project.path("")).output().expect("git");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with a formatted crate, staged.
fn staged() -> Project {
    let project = Project::empty();
    project.write("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    project.write("src/lib.rs", "//! Nothing.\n");
    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "--all"]);
    project
}

fn hook(project: &Project) -> (Output, String) {
    let output =
        Command::new(repository().join("hooks/pre-commit")).current_dir(project.path("")).output().expect("the hook");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn what_is_in_order_is_let_through() {
    let project = staged();
    project.write(".env.example", "TELEGRAM_BOT_TOKEN=\n");
    git(&project, &["add", ".env.example"]);
    let (output, said) = hook(&project);
    assert!(output.status.success(), "{said}");
}

#[test]
fn secrets_and_databases_are_refused() {
    let refused = [".env", "deploy/.env", ".env.produksi", "sapa.db", "tickets.db-wal", "a.sqlite", "logs/server.log"];
    for path in refused.into_iter().chain(["models/a.sapa"]) {
        let project = staged();
        project.write(path, "x");
        git(&project, &["add", "--force", path]);
        let (output, said) = hook(&project);
        assert!(!output.status.success() && said.contains(path), "{path}: {said}");
    }
}

#[test]
fn a_bot_token_is_refused_and_not_shown() {
    let project = staged();
    let token = format!("{}:{}", "1234567890", "A".repeat(35));
    project.write("notes.txt", format!("the bot's {token}\n"));
    git(&project, &["add", "notes.txt"]);
    // What is staged counts, not what stands in the folder.
    project.write("notes.txt", "nothing\n");
    let (output, said) = hook(&project);
    assert!(!output.status.success() && said.contains("notes.txt") && !said.contains(&token), "{said}");
    let shorter = format!("{}:{}", "1234567", "A".repeat(35));
    project.write("notes.txt", shorter);
    git(&project, &["add", "notes.txt"]);
    assert!(hook(&project).0.status.success());
}

#[test]
fn code_that_is_not_formatted_is_refused() {
    let project = staged();
    project.write("src/lib.rs", "//! Nothing.\npub   fn a( ) { }\n");
    let (output, said) = hook(&project);
    // Where rustfmt is missing the hook says so; `test.sh` decides whether it may be.
    let told = said.contains("rustfmt is not installed");
    assert!(told || (!output.status.success() && said.contains("cargo fmt --all")), "{said}");
}
