//! A disk that is full: for conversations, for tickets, for a model.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{
    BotApi, Killed, Project, Server, helpdesk_model, program, repository, short_of_disk, texts, use_actions,
};
use crate::telegram::{WEBHOOK, hook};

#[test]
fn a_full_disk_is_said_and_nothing_that_was_answered_is_lost() {
    let (api, project) = (BotApi::start(), Project::tiny());
    api.serve(&project, WEBHOOK);
    let project = project.trained();
    let mut server = Server::start_short_of_disk(&project, &["--enable-api"], 400);
    api.wait_for_bot();
    let (secret, update) = (api.webhook().expect("a webhook").1, api.text(7, "hi"));
    let answer = |number: usize| {
        let body = json!({ "sender": format!("s{number}"), "message": "/greet" }).to_string();
        server.post("/webhooks/rest/webhook", body)
    };
    let mut answered = 0;
    let refused = loop {
        let reply = answer(answered);
        if reply.status != 200 {
            break reply;
        }
        answered += 1;
        assert!(answered < 5_000, "the disk never was full");
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(!refused.body.contains("conversations.db"), "{refused:?}");
    assert!(answered > 0);
    // The server goes on, and refuses until there is room.
    assert_eq!(answer(answered).status, 503);
    assert_eq!(server.get("/health").status, 503);
    assert_eq!(hook(&server, Some(&secret), update.to_string()), 503, "Telegram is to deliver it again");
    assert!(server.stop().contains("reading or writing the database failed"), "{}", server.log());
    let server = Server::with_api(&project);
    for number in 0..answered {
        let bots = server.events(&format!("s{number}")).iter().filter(|event| event["event"] == "bot").count();
        assert_eq!(bots, 1, "s{number}");
    }
    assert_eq!(server.texts(&format!("s{answered}"), "/greet"), ["Hello!"]);
    assert_eq!(texts(&api.deliver(&server, 7, update)), ["Hello!"]);
}

/// The action service as a program, on a database in that folder; where it listens.
fn action_service(folder: &Path, most_kib: Option<u32>) -> (Killed, String) {
    let mut command = Command::new(program("helpdesk-actions"));
    command.args(["run", "--port", "0", "--db", "helpdesk.db", "--people"]);
    command.arg(repository().join("actions/data_pengguna.json")).current_dir(folder).env_clear();
    if let Some(kib) = most_kib {
        command = short_of_disk(&command, kib);
    }
    let mut child = Killed(command.stderr(Stdio::piped()).spawn().expect("the action service"));
    let mut lines = BufReader::new(child.0.stderr.take().expect("its log")).lines().map_while(Result::ok);
    let ready = lines.find_map(|line| Some(line.split_once("address=")?.1.split(' ').next()?.to_owned()));
    let address = ready.expect("an address");
    // Nobody may have to wait because this is not read.
    std::thread::spawn(move || lines.for_each(drop));
    (child, format!("http://{address}/webhook"))
}

#[test]
fn a_ticket_that_cannot_be_kept_is_not_promised() {
    let (project, folder) = (Project::empty(), tempfile::tempdir().expect("a folder"));
    let (service, url) = action_service(folder.path(), Some(200));
    use_actions(&project, &url, 10.0);
    let server = Server::start(&project, &["--enable-api", "-m", helpdesk_model().to_str().expect("a path")]);
    let ask = |number: usize| texts(&server.say(&format!("s{number}"), "/hubungi_petugas")).join(" ");
    let number = |said: &str| said.find("HD-").and_then(|at| said.get(at..at + 14)).map(str::to_owned);
    let mut promised = Vec::new();
    let refused = loop {
        let said = ask(promised.len());
        match number(&said) {
            Some(ticket) => promised.push(ticket),
            None => break said,
        }
        assert!(promised.len() < 2_000, "the disk never was full");
    };
    assert!(!promised.is_empty() && refused.to_lowercase().contains("maaf"), "{refused}");
    // Other conversations go on.
    assert!(texts(&server.say("lain", "/jam_layanan"))[0].contains("Jam layanan"));
    drop(service);
    let (_service, url) = action_service(folder.path(), None);
    let output = Command::new(program("helpdesk-actions"))
        .args(["tiket", "--db", "helpdesk.db"])
        .current_dir(folder.path())
        .output()
        .expect("the tickets");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    for ticket in &promised {
        assert!(listed.contains(ticket.as_str()), "{ticket} was promised and is not there: {listed}");
    }
    // With room again, who was refused gets a ticket.
    use_actions(&project, &url, 10.0);
    drop(server);
    let server = Server::start(&project, &["--enable-api", "-m", helpdesk_model().to_str().expect("a path")]);
    let sender = format!("s{}", promised.len());
    assert!(number(&texts(&server.say(&sender, "/hubungi_petugas")).join(" ")).is_some());
}

#[test]
fn a_model_that_does_not_fit_is_said_and_the_old_one_stays() {
    let project = Project::tiny().trained();
    let before = project.files("models");
    let mut command = short_of_disk(&project.command(&["train", "--force"]), 4);
    let output = command.output().expect("the program");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error:") && said.contains("models"), "{said}");
    assert_eq!(project.files("models"), before, "no part of a model is left");
}
