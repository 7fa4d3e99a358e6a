//! How the server starts: the port, and what `.env` says.

use reqwest::Method;

use crate::support::{Project, Server, ended};

#[test]
fn a_taken_port_is_one_line_with_a_cure() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let project = Project::tiny().trained();
    let output = project.sapa_that_ends(&["run", "-i", "127.0.0.1", "-p", &address.port().to_string()]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let lines: Vec<&str> = output.err.lines().collect();
    let [line] = lines[..] else { panic!("one line: {output:?}") };
    for words in ["error: cannot listen on", &address.to_string(), "--port"] {
        assert!(line.contains(words), "`{words}` is not said: {line}");
    }
}

/// The status of a request to the API with this token.
fn status(server: &Server, token: &str) -> u16 {
    server.send(server.request(Method::GET, &format!("/status?token={token}"))).status
}

/// What a server that is started with these variables does with three tokens.
fn start(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> [u16; 3] {
    let server = Server::start_with(project, &[&["--enable-api"], arguments].concat(), variables);
    ["of-the-file", "of-the-environment", "of-the-flag"].map(|token| status(&server, token))
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let project = Project::tiny().trained();
    let of_environment = [("AUTH_TOKEN", "of-the-environment")];
    assert_eq!(start(&project, &[], &[]), [200, 200, 200], "no token is asked for");
    project.write(".env", "AUTH_TOKEN=of-the-file\n");
    assert_eq!(start(&project, &[], &[]), [200, 401, 401]);
    assert_eq!(start(&project, &[], &of_environment), [401, 200, 401]);
    assert_eq!(start(&project, &["--auth-token", "of-the-flag"], &of_environment), [401, 401, 200]);
    assert_eq!(start(&project, &["--auth-token", "of-the-flag"], &[]), [401, 401, 200]);
    project.write(".env", "AUTH_TOKEN=\n");
    assert_eq!(start(&project, &[], &[]), [200, 200, 200], "an empty line of a template is no token");
    assert_eq!(start(&project, &["--auth-token", ""], &[]), [200, 200, 200], "an empty flag is none either");
    assert_eq!(start(&project, &[], &[("AUTH_TOKEN", " ")]), [200, 200, 200], "nor an empty variable");
}

#[test]
fn the_log_level_of_the_file_counts_unless_the_environment_names_one() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let project = Project::tiny().trained();
    project.write("credentials.yml", "rest:\nslack: {slack_token: x}\n");
    let warns = |variables: &[(&str, &str)]| {
        let mut command = project.command(&["run", "-i", "127.0.0.1", "-p", &port]);
        ended(command.envs(variables.iter().copied()), &project.path("")).err.contains("slack")
    };
    assert!(warns(&[]), "a channel that is not served is a warning");
    project.write(".env", "LOG_LEVEL=error\n");
    assert!(!warns(&[]));
    assert!(warns(&[("LOG_LEVEL", "warn")]));
}

#[test]
fn a_channel_that_nobody_knows_and_a_model_that_is_not_there_stop_the_start() {
    let project = Project::tiny().trained();
    let refused = |arguments: &[&str], word: &str| {
        let output = project.sapa_that_ends(&[&["run", "-i", "127.0.0.1", "-p", "0"], arguments].concat());
        assert!(output.code == Some(1) && output.err.contains(word), "{output:?}");
    };
    project.write("credentials.yml", "telegram:\nrests:\n");
    refused(&[], "did you mean `rest`?");
    refused(&[], "credentials.yml:2:1");
    project.write("credentials.yml", "pigeon:\n");
    refused(&[], "`pigeon` is no channel; `rest` and `telegram` are served");
    project.write("credentials.yml", "rest:\n");
    refused(&["-m", "nothere"], "`nothere` does not exist");
    refused(&["--enable-api", "-m", "models/nothere.sapa"], "`models/nothere.sapa` does not exist");
}

#[test]
fn a_log_with_everything_says_what_was_understood_and_why_actions_ran_but_no_text() {
    let project = Project::tiny().trained();
    let server = Server::start_logging(&project, &["--debug"], "debug");
    server.texts("u", "hello");
    let log = server.log();
    assert!(log.contains("understood") && log.contains("greet"), "{log}");
    assert!(log.contains("utter_greet") && log.contains("rule `greet`"), "{log}");
    assert!(!log.contains("hello"), "{log}");
}

#[test]
fn the_token_of_the_file_is_not_shown_by_the_help() {
    let project = Project::tiny();
    project.write(".env", "AUTH_TOKEN=geheim\n");
    let output = project.sapa(&["run", "--help"]);
    assert!(output.code == Some(0) && output.out.contains("AUTH_TOKEN"), "{output:?}");
    assert!(!output.out.contains("geheim"), "{}", output.out);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let project = Project::tiny().trained();
    for (command, flag) in [("run", "--endpoints"), ("run", "--credentials"), ("shell", "--endpoints")] {
        let output = project.sapa(&[command, flag, "none.yml"]);
        assert_eq!(output.code, Some(1), "{command} {flag}: {output:?}");
        assert!(output.err.contains(flag) && output.err.contains("none.yml"), "{}", output.err);
    }
}
