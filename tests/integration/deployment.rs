//! What the container and CI files name exists in the programs and in the
//! repository; the containers' start-up runs on this host.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize as _;
use serde_yaml::Value;

use crate::support::{
    Cluster, DEADLINE, HelpdeskActions, Killed, PASSWORD, Project, RUNTIME, USER, helpdesk_model, program, repository,
};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_sequence().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What a program's command says of its flags.
fn help(program_name: &str, command: &[&str]) -> String {
    let output = Command::new(program(program_name)).args(command).arg("--help").env_clear().output().expect("help");
    assert!(output.status.success(), "{program_name} {command:?} is no command");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A command line's subcommand and flags are the program's.
fn is_known(line: &[String]) {
    let name = Path::new(&line[0]).file_name().and_then(|n| n.to_str()).expect("a program");
    let words: Vec<&str> = line[1..].iter().map(String::as_str).collect();
    let depth = words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).count();
    let depth = if words.first() == Some(&"data") { depth } else { depth.min(1) };
    let help = help(name, &words[..depth]);
    for flag in words.iter().filter(|word| word.starts_with('-')) {
        let known = help.split(|c: char| c.is_whitespace() || c == ',').any(|word| word == *flag);
        assert!(known, "`{name}` has no flag `{flag}`: {line:?}");
    }
}

/// The variables that a program of the containers reads: those its flags name, those
/// that the files beside it refer to, and the log's level.
fn variables_of(program_name: &str) -> BTreeSet<String> {
    let help = help(program_name, &["run"]);
    let named = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
    let mut variables: BTreeSet<String> = named.map(str::to_owned).collect();
    if program_name == "sapa" {
        for file in ["deploy/endpoints.yml", "deploy/credentials.yml"] {
            let text = read(file);
            let named = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
            variables.extend(named.map(str::to_owned));
        }
        // Read by the log, by the client of the Bot API, and by the PostgreSQL store.
        let others = ["LOG_LEVEL", "HTTPS_PROXY", "SQL_POOL_SIZE", "SQL_MAX_OVERFLOW"];
        variables.extend(others.map(str::to_owned));
    } else {
        variables.insert("RUST_LOG".to_owned());
    }
    variables
}

/// `["a", "b"]` behind a word of the Dockerfile.
fn json_words(line: &str) -> Vec<String> {
    serde_json::from_str(line.trim()).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The Dockerfile's instructions, continued lines joined.
fn instructions() -> Vec<String> {
    let text = read("Dockerfile").replace("\\\n", " ");
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn the_dockerfile_names_what_exists() {
    let mut stages = BTreeSet::new();
    let (mut entry, mut commands, mut ports) = (Vec::new(), 0, Vec::new());
    for line in instructions() {
        let (word, rest) = line.split_once(' ').expect("an instruction");
        match word {
            "FROM" => {
                let words: Vec<&str> = rest.split_whitespace().collect();
                let known = words[0] == "scratch" || words[0].starts_with("rust:") || stages.contains(words[0]);
                assert!(known && words[1] == "AS", "{line}");
                stages.insert(words[2].to_owned());
            }
            "COPY" if !rest.contains("--from") => {
                let words: Vec<&str> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
                for source in &words[..words.len() - 1] {
                    assert!(repository().join(source).exists(), "{line}");
                }
            }
            "COPY" => {
                let from = rest.split("--from=").nth(1).and_then(|r| r.split_whitespace().next()).expect("a stage");
                assert!(stages.contains(from), "{line}");
            }
            "ENTRYPOINT" => entry = json_words(rest),
            "CMD" => {
                is_known(&[entry.clone(), json_words(rest)].concat());
                commands += 1;
            }
            "HEALTHCHECK" => is_known(&json_words(&rest[rest.find('[').expect("a command")..])),
            "RUN" => {
                for command in rest.split("&&") {
                    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
                    if words.first().is_some_and(|word| word.ends_with("/sapa")) {
                        is_known(&words);
                    }
                }
            }
            "EXPOSE" => ports.push(rest.to_owned()),
            _ => {}
        }
    }
    assert!(stages.contains("sapa") && stages.contains("actions") && commands == 2, "{stages:?}");
    assert_eq!(ports, ["5005", "5055"]);
    assert!(help("sapa", &["run"]).contains("[default: 5005]"));
    assert!(help("helpdesk-actions", &["run"]).contains("[default: 5055]"));
    let built = instructions().into_iter().find(|line| line.contains("cargo build")).expect("a build");
    assert!(built.contains("--profile dist") && read("Cargo.toml").contains("[profile.dist]"));
}

#[test]
fn the_compose_file_names_what_exists_and_publishes_the_bot_alone() {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_mapping().expect("services");
    let names: BTreeSet<&str> = services.keys().filter_map(Value::as_str).collect();
    let volumes: BTreeSet<&str> =
        compose["volumes"].as_mapping().expect("volumes").keys().filter_map(Value::as_str).collect();
    assert_eq!(names, BTreeSet::from(["sapa", "sapa-worker", "balancer", "actions", "database"]));
    let example = read(".env.example");
    for (name, service) in services {
        let name = name.as_str().expect("a name");
        assert_eq!(!service["ports"].is_null(), ["sapa", "balancer"].contains(&name), "{name}: ports");
        // Who only starts the bot starts no more than that.
        let scales = texts(&service["profiles"]) == ["scale"];
        assert_eq!(scales, ["sapa-worker", "balancer"].contains(&name), "{name}: profiles");
        // What a container publishes passes by the host's firewall.
        assert!(texts(&service["ports"]).iter().all(|port| port.starts_with("127.0.0.1:")), "{name}: ports");
        assert!(!service["healthcheck"]["test"].is_null(), "{name}: health check");
        for needed in service["depends_on"].as_mapping().into_iter().flatten() {
            assert!(names.contains(needed.0.as_str().expect("a name")));
            assert_eq!(needed.1["condition"], "service_healthy");
        }
        for volume in texts(&service["volumes"]) {
            if let Some(file) = volume.strip_prefix("./") {
                let file = file.split(':').next().expect("a file");
                assert!(repository().join(file).is_file() && volume.ends_with(":ro"), "{volume}");
                continue;
            }
            assert!(volumes.contains(volume.split(':').next().expect("a volume")), "{volume}");
        }
        for (variable, value) in service["environment"].as_mapping().into_iter().flatten() {
            let value = value.as_str().expect("a text");
            let secret = ["PASSWORD", "TOKEN"].iter().any(|w| variable.as_str().is_some_and(|v| v.contains(w)));
            assert!(!secret || value.starts_with("${"), "{variable:?} is written down");
            for used in value.split("${").skip(1) {
                let used = used.split([':', '}']).next().expect("a variable");
                let line = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{used}="));
                assert!(example.lines().any(line), "{used} is not in .env.example");
            }
        }
        if let Some(target) = service["build"]["target"].as_str() {
            assert!(read("Dockerfile").contains(&format!(" AS {target}\n")));
            let binary = if target == "sapa" { "sapa" } else { "helpdesk-actions" };
            let command = texts(&service["command"]);
            is_known(&[vec![binary.to_owned()], command.clone()].concat());
            let same = |line: &String| line.strip_prefix("CMD ").is_some_and(|words| json_words(words) == command);
            assert!(instructions().iter().any(same), "the image of {name} starts otherwise");
            let read = variables_of(binary);
            for (variable, _) in service["environment"].as_mapping().into_iter().flatten() {
                let variable = variable.as_str().expect("a name");
                assert!(read.contains(variable), "{name}: nothing reads {variable}; these are read: {read:?}");
            }
            let asked = texts(&service["healthcheck"]["test"]);
            is_known(&asked[1..]);
            // Where the program listens, and what it serves.
            let address = if binary == "sapa" { "http://127.0.0.1:5005/health" } else { "127.0.0.1:5055" };
            assert_eq!(asked.last().map(String::as_str), Some(address));
            let same = instructions().iter().any(|line| line.contains("health") && line.contains(address));
            assert!(same, "the image of {name} asks elsewhere");
        }
    }
    // More of the same.
    let worker = &services["sapa-worker"];
    for key in ["image", "command", "environment", "healthcheck", "read_only"] {
        assert_eq!(worker[key], services["sapa"][key], "{key}");
    }
    let balancer = read("deploy/nginx.conf");
    assert!(balancer.contains("http://sapa-worker:5005;") && balancer.contains("listen 8080;"));
    // The action service is reached from the other container, its tickets are in a
    // volume, and its people in the image.
    let actions = &services["actions"];
    let command = texts(&actions["command"]);
    let value = |flag: &str| command.iter().skip_while(|word| *word != flag).nth(1).cloned().unwrap_or_default();
    assert_eq!(value("--host"), "0.0.0.0");
    let mounted = texts(&actions["volumes"])
        .iter()
        .any(|volume| volume.split(':').nth(1).is_some_and(|folder| value("--db").starts_with(&format!("{folder}/"))));
    assert!(mounted, "{command:?}");
    let copied = format!("COPY actions/data_pengguna.json {}", value("--people"));
    assert!(instructions().contains(&copied), "{copied}");
    // The host's start-up is that of the containers.
    let script = read("deploy/start-like-container.sh");
    for words in ["run --host 0.0.0.0", "--db ", "--people ", "run --enable-api"] {
        assert!(script.contains(words), "{words}");
    }
    // The addresses inside are those of the services.
    let endpoints = yaml("deploy/endpoints.yml");
    assert_eq!(endpoints["action_endpoint"]["url"], "http://actions:5055/webhook");
    assert!(names.contains(endpoints["tracker_store"]["url"].as_str().expect("a host")));
    let environment = &compose["services"]["sapa"]["environment"];
    for key in ["username", "password"] {
        let variable = endpoints["tracker_store"][key].as_str().expect("a variable");
        assert!(!environment[variable.trim_matches(['$', '{', '}'])].is_null(), "{variable}");
    }
    // A variable that is not set switches the channel off: only the token may.
    for variable in read("deploy/credentials.yml").split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
        assert!(!environment[variable].is_null(), "{variable}");
        let preset = instructions().iter().any(|line| line.starts_with(&format!("ENV {variable}=")));
        assert_eq!(preset, variable != "TELEGRAM_BOT_TOKEN", "{variable}");
    }
    assert_eq!(environment["DB_USER"], compose["services"]["database"]["environment"]["POSTGRES_USER"]);
    assert_eq!(endpoints["tracker_store"]["db"], compose["services"]["database"]["environment"]["POSTGRES_DB"]);
}

/// The documents of a file, or of files, of Kubernetes.
fn manifests() -> Vec<Value> {
    let folder = "deploy/kubernetes";
    let names = texts(&yaml(&format!("{folder}/kustomization.yaml"))["resources"]);
    let documents = names.iter().flat_map(|name| {
        let text = read(&format!("{folder}/{name}"));
        serde_yaml::Deserializer::from_str(&text).map(|d| Value::deserialize(d).expect("YAML")).collect::<Vec<_>>()
    });
    documents.collect()
}

#[test]
fn the_kubernetes_manifests_name_what_exists() {
    let manifests = manifests();
    let of = |kind: &str| manifests.iter().filter(move |document| document["kind"] == kind).collect::<Vec<_>>();
    let services: BTreeSet<&str> = of("Service").iter().filter_map(|s| s["metadata"]["name"].as_str()).collect();
    let endpoints = yaml("deploy/endpoints.yml");
    // The addresses of the image's `endpoints.yml`.
    assert_eq!(services, BTreeSet::from(["sapa", "actions", "database"]));
    assert!(services.contains(endpoints["tracker_store"]["url"].as_str().expect("a host")));
    let instructions = instructions();
    for deployment in of("Deployment") {
        let name = deployment["metadata"]["name"].as_str().expect("a name");
        let binary = if name == "sapa" { "sapa" } else { "helpdesk-actions" };
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["image"], binary, "the name that kustomization.yaml replaces");
        let args = texts(&container["args"]);
        is_known(&[vec![binary.to_owned()], args.clone()].concat());
        let same = |line: &String| line.strip_prefix("CMD ").is_some_and(|words| json_words(words) == args);
        assert!(instructions.iter().any(same), "the image of {name} starts otherwise");
        let port = container["ports"][0]["containerPort"].as_u64().expect("a port");
        assert!(instructions.contains(&format!("EXPOSE {port}")), "{port}");
        let service = of("Service").into_iter().find(|service| service["metadata"]["name"] == name).expect("a service");
        assert_eq!(service["spec"]["ports"][0]["port"].as_u64(), Some(port));
        assert_eq!(service["spec"]["selector"], deployment["spec"]["template"]["metadata"]["labels"]);
        let read = variables_of(binary);
        for variable in container["env"].as_sequence().into_iter().flatten() {
            let variable = variable["name"].as_str().expect("a name");
            assert!(read.contains(variable), "{name}: nothing reads {variable}");
            assert!(!["PASSWORD", "TOKEN", "SECRET"].iter().any(|word| variable.contains(word)), "{variable}");
        }
        for probe in ["readinessProbe", "livenessProbe"] {
            assert!(!container[probe]["httpGet"]["path"].is_null(), "{name}: {probe}");
        }
        // The image's user, who writes nowhere but where a volume is.
        assert_eq!(pod["securityContext"]["runAsUser"].as_u64(), Some(10001));
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    }
    let scaler = of("HorizontalPodAutoscaler")[0];
    assert_eq!(scaler["spec"]["scaleTargetRef"]["name"], "sapa");
    let rolling = &of("Deployment").into_iter().find(|d| d["metadata"]["name"] == "sapa").expect("sapa")["spec"];
    assert_eq!(rolling["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
}

#[test]
fn the_gitlab_pipeline_names_what_exists() {
    let pipeline = yaml(".gitlab-ci.yml");
    let stages = texts(&pipeline["stages"]);
    assert_eq!(stages, ["lint", "test", "build", "train", "deploy"]);
    let mut deployed_by_hand = false;
    for (name, job) in pipeline.as_mapping().expect("jobs") {
        let Some(stage) = job["stage"].as_str() else { continue };
        assert!(stages.contains(&stage.to_owned()), "{name:?}");
        for line in texts(&job["before_script"]).into_iter().chain(texts(&job["script"])) {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let file = words[0].trim_start_matches("./");
            match file {
                "target/dist/sapa" => is_known(&words),
                "cargo" | "rustup" | "apk" | "chmod" | "ssh" => {}
                _ => assert!(repository().join(file).exists(), "{line}"),
            }
            if let Some(profile) = line.split("--profile ").nth(1).and_then(|rest| rest.split(' ').next()) {
                assert!(read("Cargo.toml").contains(&format!("[profile.{profile}]")), "{line}");
            }
        }
        deployed_by_hand |= stage == "deploy" && job["rules"][0]["when"] == "manual";
    }
    assert!(deployed_by_hand);
    let head: String = read(".gitlab-ci.yml").lines().take_while(|line| line.starts_with('#')).collect();
    let text = read(".gitlab-ci.yml");
    let name = |rest: &str| rest.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).next().map(str::to_owned);
    let used: BTreeSet<String> =
        text.split("$DEPLOY_").skip(1).filter_map(name).map(|name| format!("DEPLOY_{name}")).collect();
    assert!(used.len() > 2);
    for variable in used {
        assert!(head.contains(&variable), "{variable} is not explained");
    }
}

#[test]
fn the_credentials_name_intents_of_the_bot() {
    let domain = yaml("domain.yml");
    let name = |intent: &Value| match intent {
        Value::Mapping(map) => map.keys().next().and_then(Value::as_str).map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    };
    let intents: BTreeSet<String> = domain["intents"].as_sequence().expect("intents").iter().filter_map(name).collect();
    for file in ["credentials.yml", "deploy/credentials.yml"] {
        let telegram = &yaml(file)["telegram"];
        let commands = telegram["commands"].as_mapping().expect("commands").values();
        let others = [&telegram["attachment_intent"], &telegram["edited_intent"]];
        for intent in commands.chain(others) {
            let named = intent.get("intent").unwrap_or(intent);
            let intent = named.as_str().unwrap_or_else(|| panic!("{file}: an intent"));
            assert!(intents.contains(intent), "{file}: `{intent}`");
        }
    }
}

#[test]
fn the_scripts_for_windows_use_flags_that_exist() {
    let mut lines = Vec::new();
    for script in ["run.ps1", "logtele.ps1"] {
        for line in read(script).lines().filter(|line| line.contains(".exe")) {
            let program = if line.contains("helpdesk-actions.exe") { "helpdesk-actions" } else { "sapa" };
            let rest = line.split(".exe").nth(1).expect("arguments").replace(['\'', '"', ',', '@', '(', ')'], " ");
            let words = rest.split_whitespace().filter(|word| !word.starts_with('$'));
            lines.push([program].into_iter().chain(words).map(str::to_owned).collect::<Vec<String>>());
        }
    }
    assert_eq!(lines.len(), 5, "{lines:?}");
    for line in lines {
        // The last word of a start names its log.
        let words = line.iter().filter(|word| !["actions", "server"].contains(&word.as_str()));
        is_known(&words.cloned().collect::<Vec<_>>());
    }
}

#[test]
fn what_the_containers_start_answers_with_a_ticket() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let output = Command::new(repository().join("deploy/start-like-container.sh"))
        .arg(program("sapa").parent().expect("a folder"))
        .arg(helpdesk_model())
        .env("ACTIONS_PORT", free().to_string())
        .env("SAPA_PORT", free().to_string())
        .env("DB_PORT", cluster.port.to_string())
        .env("DB_NAME", &database)
        .env("DB_USER", USER)
        .env("DB_PASSWORD", PASSWORD)
        .output()
        .expect("the script");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("answers with a ticket"), "{said}");
    let url = format!("postgresql://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", cluster.port);
    let kept: i64 = RUNTIME.block_on(async {
        let pool = sqlx::PgPool::connect(&url).await.expect("the database");
        sqlx::query_scalar("SELECT count(*) FROM events WHERE type_name = 'user'").fetch_one(&pool).await.expect("rows")
    });
    assert_eq!(kept, 1);
}

#[cfg(unix)]
#[test]
fn static_programs_are_told_from_dynamic_ones_by_either_ldd() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let script = repository().join("deploy/check-static.sh");
    let check = |said: &str| {
        let ldd = folder.path().join("ldd");
        std::fs::write(&ldd, format!("#!/bin/sh\necho '{said}'\nexit 1\n")).expect("a file");
        std::fs::set_permissions(&ldd, std::fs::Permissions::from_mode(0o755)).expect("its rights");
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
        Command::new(&script).arg(&ldd).env("PATH", path).output().expect("the script").status.success()
    };
    for said in [
        "\tnot a dynamic executable",
        "\tstatically linked",
        "/lib/ld-musl-x86_64.so.1: x: Not a valid dynamic program",
        "\t/lib/ld-musl-x86_64.so.1 (0x7f5912345000)",
    ] {
        assert!(check(said), "{said}");
    }
    let musl = "\t/lib/ld-musl-x86_64.so.1 (0x7f)\n\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f)";
    for said in ["\tlibc.so.6 => /lib/libc.so.6 (0x7f)", musl, "", "sh: ldd: not found"] {
        assert!(!check(said), "{said}");
    }
}

#[test]
fn health_tells_a_server_from_nothing() {
    let project = Project::empty();
    let server = crate::support::Server::tiny();
    let url = format!("{}/health", server.base());
    assert_eq!(project.sapa(&["health", &url]).code, Some(0));
    let output = project.sapa(&["health", &format!("{}/none", server.base())]);
    assert!(output.code == Some(1) && output.err.contains("404"), "{output:?}");
    let output = project.sapa(&["health", "http://127.0.0.1:1/health"]);
    assert!(output.code == Some(1) && output.err.contains("does not answer: start the server"), "{output:?}");
    let output = project.sapa(&["health", "http://[::"]);
    assert!(output.code == Some(1) && output.err.contains("is no address"), "{output:?}");
    // The action service's own takes what people write, too.
    let actions = HelpdeskActions::start();
    for address in [actions.address().to_owned(), format!("http://{}/health", actions.address())] {
        let output = Command::new(program("helpdesk-actions")).args(["health", &address]).output().expect("a command");
        assert!(output.status.success(), "{address}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn logs_show_a_channels_lines_with_personal_data_masked() {
    let project = Project::empty();
    let lines = "2026-01-02T03:04:05Z INFO one channel=\"telegram\" nip=198609262015051001\n\
        2026-01-02T03:04:06Z INFO two warga@contoh.go.id\n";
    project.write("logs/server.log", lines);
    let all = project.sapa(&["logs"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert!(all.out.contains("one") && all.out.contains("two") && all.out.contains("2026-01-02T03:04:05Z"));
    assert!(!all.out.contains("19860926") && !all.out.contains("contoh.go.id"), "{}", all.out);
    let telegram = project.sapa(&["logs", "--channel", "telegram"]);
    assert!(telegram.out.contains("one") && !telegram.out.contains("two"), "{}", telegram.out);
    let slip = project.sapa(&["logs", "--channel", "telegrm"]);
    assert!(slip.code == Some(1) && slip.err.contains("did you mean `telegram`?"), "{slip:?}");
    let folder = project.sapa(&["logs", "logs"]);
    assert!(folder.code == Some(1) && folder.err.contains("is a folder"), "{folder:?}");
    let missing = project.sapa(&["logs", "none.log"]);
    assert!(missing.code == Some(1) && missing.err.contains("none.log"), "{missing:?}");
    // A start of the bot begins the file anew: whoever follows it goes on with that.
    let mut follower = project.command(&["logs", "--follow"]);
    let mut follower = Killed(follower.stdout(Stdio::piped()).spawn().expect("a follower"));
    let shown = BufReader::new(follower.0.stdout.take().expect("its lines"));
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || shown.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    let next = || told.recv_timeout(DEADLINE).expect("a line");
    assert!(next().contains("one") && next().contains("two"));
    project.write("logs/server.log", "2026-01-02T03:04:07Z INFO three\n");
    assert!(next().contains("three"));
}
