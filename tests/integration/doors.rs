//! Rasa's flags around the listening socket: JSON Web Tokens, TLS, patience, and
//! where the log goes.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pkcs8::pkcs5::pbes2;
use reqwest::Method;
use ring::{hmac, rand, signature};
use serde_json::{Value, json};

use crate::support::{Answer, Authority, DEADLINE, FakeActions, Project, RUNTIME, Server};

const SECRET: &str = "thirty-two characters of a secret";

/// A token (RFC 7515, section 3.1) with that method's name and whatever signs it.
fn signed(method: &str, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({ "typ": "JWT", "alg": method }).to_string();
    let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", encode(&signature))
}

/// Signs with a shared secret.
fn with(algorithm: hmac::Algorithm, secret: &str) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

fn shared(claims: &Value) -> String {
    signed("HS256", claims, with(hmac::HMAC_SHA256, SECRET))
}

fn admin() -> Value {
    json!({ "user": { "username": "budi", "role": "admin" } })
}

fn status(server: &Server, path: &str, bearer: Option<&str>) -> (u16, String) {
    let request = server.request(Method::GET, path);
    let reply = server.send(match bearer {
        Some(token) => request.bearer_auth(token),
        None => request,
    });
    (reply.status, reply.json()["reason"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_token_opens_what_its_role_may_use() {
    let project = Project::tiny().trained();
    let server = Server::start(&project, &["--enable-api", "--jwt-secret", SECRET, "--jwt-method", "HS256"]);
    let not_authenticated = (401, "NotAuthenticated".to_owned());
    let not_authorized = (403, "NotAuthorized".to_owned());
    let get = |path: &str, claims: &Value| status(&server, path, Some(&shared(claims)));

    assert_eq!(status(&server, "/domain", None), not_authenticated);
    assert_eq!(get("/domain", &admin()).0, 200);
    assert_eq!(get("/conversations/siti/tracker", &admin()).0, 200);

    let siti = json!({ "user": { "username": "siti", "role": "user" } });
    assert_eq!(get("/conversations/siti/tracker", &siti).0, 200);
    assert_eq!(get("/conversations/budi/tracker", &siti), not_authorized);
    assert_eq!(get("/domain", &siti), not_authorized);
    let nested = json!({ "user": { "username": "a/b", "role": "user" } });
    assert_eq!(get("/conversations/a/b/tracker", &nested).0, 200);
    let nobody = json!({ "user": { "username": "siti", "role": "guest" } });
    assert_eq!(get("/conversations/siti/tracker", &nobody), not_authorized);
    assert_eq!(get("/domain", &json!({ "sub": "siti" })), not_authenticated);

    let expired = json!({ "user": { "username": "budi", "role": "admin" }, "exp": 1_000_000_000 });
    assert_eq!(get("/domain", &expired), not_authenticated);
    let later = json!({ "user": { "username": "budi", "role": "admin" }, "nbf": 9_000_000_000_u64 });
    assert_eq!(get("/domain", &later), not_authenticated);
    let forged = signed("HS256", &admin(), with(hmac::HMAC_SHA256, "another secret"));
    assert_eq!(status(&server, "/domain", Some(&forged)), not_authenticated);
    let other_method = signed("HS512", &admin(), with(hmac::HMAC_SHA512, SECRET));
    assert_eq!(status(&server, "/domain", Some(&other_method)), not_authenticated);
    // {"alg":"none"} and the payload of an admin, without a signature.
    let payload = shared(&admin()).split('.').nth(1).map(str::to_owned).expect("a payload");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
    assert_eq!(status(&server, "/domain", Some(&unsigned)), not_authenticated);
    assert_eq!(server.texts("a", "hi"), ["Hello!"], "channels ask for no token");
}

#[test]
fn either_token_suffices_and_public_keys_are_taken() {
    let project = Project::tiny().trained();
    let key = rcgen::KeyPair::generate().expect("a key");
    let pem = key.public_key_pem();
    project.write("public.pem", &pem);
    let random = rand::SystemRandom::new();
    let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let private = signature::EcdsaKeyPair::from_pkcs8(kind, &key.serialize_der(), &random).expect("the private half");
    let token = signed("ES256", &admin(), |message| private.sign(&random, message).expect("it").as_ref().to_vec());
    for secret in [pem.as_str(), "public.pem"] {
        let line = ["--enable-api", "-t", "plain", "--jwt-secret", secret, "--jwt-method", "ES256"];
        let server = Server::start(&project, &line);
        assert_eq!(status(&server, "/domain", Some(&token)).0, 200);
        assert_eq!(status(&server, "/domain?token=plain", None).0, 200);
        assert_eq!(status(&server, "/domain?token=other", None).0, 401);
        // Taken for a password, everybody could sign with it.
        let open = project.sapa_that_ends(&["run", "-p", "0", "--jwt-secret", &pem]);
        assert!(open.code == Some(1) && open.err.contains("give its method"), "{open:?}");
        // The public key as a shared secret: the oldest trick on such checks.
        let confused = signed("HS256", &admin(), with(hmac::HMAC_SHA256, &pem));
        assert_eq!(status(&server, "/domain", Some(&confused)).0, 401);
    }
}

#[test]
fn a_door_that_would_stay_open_or_shut_stops_the_start() {
    let project = Project::tiny().trained();
    let (certificate, key) = Authority::new().sign("localhost");
    let (_, other_key) = Authority::new().sign("localhost");
    project.write("cert.pem", &certificate);
    project.write("key.pem", key);
    project.write("other.pem", other_key);
    project.write("text.pem", "hello");
    for (line, told) in [
        ("--jwt-secret x --jwt-method XY", "`--jwt-method` is not one of"),
        ("--jwt-secret nowhere.pem --jwt-method RS256", "neither a public key in PEM nor the path of one"),
        ("--jwt-secret text.pem --jwt-method ES256", "holds no public key in PEM"),
        ("--jwt-private-key x", "`--jwt-secret` is missing"),
        ("--ssl-keyfile key.pem", "needs `--ssl-certificate`"),
        ("--ssl-certificate cert.pem", "holds no private key"),
        ("--ssl-certificate nowhere.pem", "cannot read `nowhere.pem`"),
        ("--ssl-certificate text.pem --ssl-keyfile key.pem", "holds no certificate"),
        ("--ssl-certificate cert.pem --ssl-keyfile other.pem", "do not belong together"),
        ("--log-file nowhere/x.log", "cannot write the log"),
    ] {
        let output = project.sapa_that_ends(&["run -p 0", line].join(" ").split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, Some(1), "{line}: {output:?}");
        assert!(output.err.contains(told), "{line}: {output:?}");
    }
}

/// The private key behind a password, as `openssl pkcs8 -topk8 -v2 aes256` does
/// it (PBES2, RFC 8018 §6.2).
fn encrypted(key: &str, password: &str) -> String {
    let (_, document) = pkcs8::SecretDocument::from_pem(key).expect("a key");
    let info = pkcs8::PrivateKeyInfo::try_from(document.as_bytes()).expect("a PKCS #8 key");
    let parameters = pbes2::Parameters::pbkdf2_sha256_aes256cbc(2_048, b"salt and", &[7; 16]).expect("parameters");
    let encrypted = info.encrypt_with_params(parameters, password).expect("an encrypted key");
    encrypted.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).expect("PEM").to_string()
}

#[test]
fn with_a_certificate_the_server_speaks_https_only() {
    let project = Project::tiny().trained();
    let authority = Authority::new();
    let (certificate, key) = authority.sign("localhost");
    project.write("cert.pem", certificate);
    project.write("key.pem", encrypted(&key, "open sesame"));
    let files = ["--ssl-certificate", "cert.pem", "--ssl-keyfile", "key.pem"];
    for (password, told) in [(None, "SSL_PASSWORD"), (Some("wrong"), "does not fit")] {
        let password = password.map_or(vec![], |password| vec!["--ssl-password", password]);
        let output = project.sapa_that_ends(&[&["run", "-p", "0"], &files[..], &password].concat());
        assert!(output.code == Some(1) && output.err.contains(told), "{output:?}");
    }
    let server = Server::start_with(&project, &files, &[("SSL_PASSWORD", "open sesame")]);
    let root = reqwest::Certificate::from_pem(authority.certificate.as_bytes()).expect("the authority");
    let client = reqwest::Client::builder().no_proxy().add_root_certificate(root).timeout(DEADLINE).build();
    let port = server.base().rsplit(':').next().expect("a port");
    let message = json!({ "sender": "a", "message": "hi" }).to_string();
    let url = format!("https://localhost:{port}/webhooks/rest/webhook");
    let request = client.expect("a client").post(url).body(message);
    let said = RUNTIME.block_on(async { request.send().await.expect("an answer").text().await.expect("a body") });
    assert_eq!(said, r#"[{"recipient_id":"a","text":"Hello!"}]"#);
    assert_eq!(server.raw(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"), None, "nothing is said without TLS");
}

#[test]
fn an_answer_may_take_as_long_as_the_flag_says() {
    let actions = FakeActions::start();
    actions.script("action_work", Answer::Silence);
    let project = Project::tiny().trained();
    actions.serve(&project, 300.0);
    let server = Server::start(&project, &["--response-timeout", "0.2"]);
    let reply = server.post("/webhooks/rest/webhook", json!({ "sender": "a", "message": "do the work" }).to_string());
    assert_eq!((reply.status, &reply.json()["message"]), (503, &json!("Response Timeout")));
}

#[test]
fn the_log_goes_to_a_file_and_to_a_syslog_server_too() {
    let project = Project::tiny().trained();
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    datagrams.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let port = datagrams.local_addr().expect("an address").port().to_string();
    project.write("sapa.log", "before\n");
    let syslog = |port: &str, protocol: &str| {
        format!("--use-syslog --syslog-address 127.0.0.1 --syslog-port {port} --syslog-protocol {protocol}")
    };
    let line = format!("--log-file sapa.log {}", syslog(&port, "UDP"));
    let mut server = Server::start(&project, &line.split(' ').collect::<Vec<_>>());
    let mut datagram = [0; 2_048];
    let taken = datagrams.recv(&mut datagram).expect("a line");
    let first = String::from_utf8_lossy(&datagram[..taken]).into_owned();
    // Facility 1 (user), and 6 for information or 4 for a warning: RFC 3164 §4.1.1.
    assert!(first.starts_with("<14>") || first.starts_with("<12>"), "{first}");
    assert!(first.contains("sapa[") && !first.contains('\u{1b}'), "{first}");
    let log = server.stop();
    let file = std::fs::read_to_string(project.path("sapa.log")).expect("the file");
    assert!(file.starts_with("before\n") && file.contains("Sapa is listening"), "{file}");
    assert!(file.lines().skip(1).all(|line| log.contains(line)), "{file}\n{log}");

    let stream = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = stream.local_addr().expect("an address").port().to_string();
    let _server = Server::start(&project, &syslog(&port, "tcp").split(' ').collect::<Vec<_>>());
    let (connection, _) = stream.accept().expect("a connection");
    connection.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let line = BufReader::new(connection).lines().map_while(Result::ok).find(|line| line.contains("listening"));
    assert!(line.is_some(), "every line has an end");
}
