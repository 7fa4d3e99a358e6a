//! What people type never shows in a log or in an error text.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use clap::Parser as _;
use serde_json::json;

use crate::support::{DEADLINE, Project, RUNTIME, Server, helpdesk_model, repository};

const DATABASE: &str = "HELPDESK_TEST_DATABASE";

/// Not a test of its own: the process below runs this to be the action service,
/// so that its standard error can be read.
#[test]
fn the_action_service_as_a_process_of_its_own() {
    let Some(database) = std::env::var_os(DATABASE) else { return };
    let people = repository().join("actions/data_pengguna.json");
    let mut line = vec![
        "helpdesk-actions".into(),
        "--port".into(),
        "0".into(),
        "--db".into(),
        database,
        "--people".into(),
        people.into(),
    ];
    line.extend(["--today", "2026-11-23"].map(Into::into));
    RUNTIME.block_on(helpdesk_actions::cli::Cli::parse_from(line).run()).expect("the service runs");
}

/// The action service, killed when this value goes.
struct Service {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
}

impl Service {
    fn start(project: &Project) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "privacy::the_action_service_as_a_process_of_its_own", "--nocapture"])
            .env_clear()
            .env(DATABASE, project.path("helpdesk.db"))
            .env("RUST_LOG", "trace")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let (kept, stderr) = (Arc::clone(&log), child.stderr.take().expect("its log"));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, after)) = line.split_once("is ready address=") {
                    let _ = found.send(after.split(' ').next().unwrap_or_default().to_owned());
                }
                let mut log = kept.lock().expect("the log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut service = Self { child, url: String::new(), log };
        let address = address.recv_timeout(DEADLINE).expect("the service's address");
        service.url = format!("http://{address}/webhook");
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What people say, and what of it must not show anywhere.
const SAID: [(&str, &str); 10] = [
    ("daftar tte nip 198503152010011999", "198503152010011999"),
    ("/beri_nip{\"nip\":\"199007012015032999\"}", "199007012015032999"),
    ("19781010 200501 1 999", "19781010 200501 1 999"),
    ("cek status tte nik 3603124107909999", "3603124107909999"),
    ("nomor wa saya 081234567890", "081234567890"),
    ("hubungi +62 812-3456-7891 saja", "812-3456-7891"),
    ("email saya budi.santoso@contoh.go.id", "budi.santoso"),
    ("password: rahasia123", "rahasia123"),
    ("kode OTP saya 739182", "739182"),
    ("hubungi petugas, sandi saya adalah kucingku77", "kucingku77"),
];

#[test]
fn no_log_of_the_server_or_of_the_action_service_shows_what_was_typed() {
    let project = Project::empty();
    let service = Service::start(&project);
    project.write(
        "endpoints.yml",
        format!(
            "action_endpoint: {{url: '{}'}}\ntracker_store: {{type: SQL, dialect: sqlite, db: c.db}}\n",
            service.url
        ),
    );
    let model = helpdesk_model().to_str().expect("a path");
    let mut server = Server::start_logging(&project, &["--enable-api", "-m", model, "-vv"], "trace");
    for sender in ["warga", "6281200000999"] {
        for (text, _) in SAID {
            assert!(!server.say(sender, text).is_empty(), "{text}");
            server.say(sender, "ya");
            server.post("/model/parse", json!({ "text": text }).to_string());
            server.post("/webhooks/rest/webhook", format!("{{\"sender\":\"{sender}\",\"message\":\"{text}"));
        }
    }
    let service_log = service.log.lock().expect("the log").clone();
    // Failures are logged too: what was typed is not in their reasons either.
    drop(service);
    for (text, _) in SAID {
        server.say("sesudah", text);
    }
    let server_log = server.stop();
    assert!(
        server_log.contains("WARN") && server_log.contains("TRACE"),
        "the failures and details are logged:\n{server_log}"
    );
    assert!(service_log.contains("TRACE") || service_log.contains("DEBUG"), "{service_log}");
    for (text, secret) in SAID.into_iter().chain([("a sender's number", "6281200000999")]) {
        for (whose, log) in [("server", &server_log), ("service", &service_log)] {
            let shown = log.lines().find(|line| line.contains(secret));
            assert_eq!(shown, None, "the {whose}'s log shows `{secret}` of `{text}`");
        }
    }
}

#[test]
fn no_error_text_repeats_what_was_sent() {
    let server = Server::tiny();
    let nip = "198503152010011999";
    let mut repeated = Vec::new();
    for body in [
        json!({ "event": nip }),
        json!({ "event": "slot", "name": { "x": nip }, "value": 1 }),
        json!({ "event": "user", "text": "x", "parse_data": nip }),
        json!({ "event": "action", "name": "x", "confidence": nip }),
        json!({ "event": "pause", "timestamp": nip }),
    ] {
        let reply = server.post("/conversations/a/tracker/events", body.to_string());
        assert_eq!(reply.status, 400, "{body}");
        if reply.body.contains(nip) {
            repeated.push(format!("{body} -> {}", reply.json()["message"]));
        }
    }
    assert!(repeated.is_empty(), "{}", repeated.join("\n"));
    for path in ["/webhooks/rest/webhook", "/model/parse"] {
        let reply = server.post(path, format!("{{\"text\": {nip}x"));
        assert!(reply.status == 400 && !reply.body.contains(nip), "{reply:?}");
    }
}

#[test]
fn a_secret_in_a_configuration_file_is_in_no_finding() {
    for (file, text) in [
        ("endpoints.yml", "tracker_store:\n  type: SQL\n  password: hunter2: x\n"),
        ("endpoints.yml", "tracker_store:\n\tpassword: hunter2\n"),
        ("endpoints.yml", "tracker_store: {type: SQL, password: [hunter2]}\n"),
        ("endpoints.yml", "tracker_store:\n  type: SQL\n  password: [hunter2]\n"),
        ("endpoints.yml", "tracker_store:\n  password: hunter2\n  password: hunter2\n"),
        ("endpoints.yml", "action_endpoint:\n  url: 5\n  tokn: hunter2\n"),
        ("endpoints.yml", "hunter2"),
        ("credentials.yml", "telegram:\n  access_token: hunter2:AAE: x\n"),
        ("credentials.yml", "telegram:\n\taccess_token: hunter2\n"),
        ("credentials.yml", "telegram:\n  access_token: hunter2\n  access_token: hunter2\n"),
    ] {
        let project = Project::tiny();
        project.sapa(&["train", "--quiet"]);
        project.write(file, text);
        let said = project.sapa(&["run", "-p", "0"]);
        assert_eq!(said.code, Some(1), "{text}: {said:?}");
        let said = format!("{}{}", said.out, said.err);
        assert!(said.contains(file) && !said.contains("hunter2"), "{text}: {said}");
    }
}
