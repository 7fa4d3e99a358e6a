//! `endpoints.yml` and `credentials.yml` (spec §1.8, §1.9).

mod store;

use crate::conceal::conceal;
use crate::python::python_str;
use crate::yaml::{self, Env, Map, Node};
use crate::{Diagnostic, FileId, Sources, Span, codes, shape};
use indexmap::IndexMap;
use sapa_sdk::JsonMap;
use std::fmt;

use store::{STORE_KEYS, store};

/// A secret: it never shows in debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Never print or log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// User name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
}

/// An HTTP endpoint: `action_endpoint`, `nlg`, `nlu` or `models`.
#[derive(Clone, Default, PartialEq)]
pub struct HttpEndpoint {
    /// URL, used as it is.
    pub url: Option<String>,
    /// `type` (or `store_type`).
    pub kind: Option<String>,
    /// Only actions that ask for it get the domain; default false.
    pub enable_selective_domain: bool,
    /// Sent as the query parameter `token_name`.
    pub token: Option<Secret>,
    /// Name of that parameter; default `token`.
    pub token_name: String,
    /// Extra query parameters.
    pub params: JsonMap,
    /// Extra headers.
    pub headers: IndexMap<String, Secret>,
    /// Basic authentication.
    pub basic_auth: Option<BasicAuth>,
    /// Path of a certificate authority's file.
    pub cafile: Option<String>,
    /// Seconds to wait for an answer; an extension of ours.
    pub request_timeout: Option<f64>,
    /// All other keys.
    pub rest: JsonMap,
}

impl fmt::Debug for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEndpoint")
            .field("url", &self.url.as_deref().map(without_credentials))
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A store or broker: `tracker_store`, `lock_store` or `event_broker`.
#[derive(Clone, Default, PartialEq)]
pub struct StoreEndpoint {
    /// `type` (or `store_type`), as written.
    pub kind: Option<String>,
    /// SQLAlchemy dialect: `sqlite`, `postgresql`, …
    pub dialect: Option<String>,
    /// Database name or path, as text.
    pub db: Option<String>,
    /// Host name or URL.
    pub url: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// All other keys.
    pub rest: JsonMap,
    /// Where the section stands, for later findings.
    pub span: Span,
}

impl fmt::Debug for StoreEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_deref().map(without_credentials);
        f.debug_struct("StoreEndpoint")
            .field("kind", &self.kind)
            .field("dialect", &self.dialect)
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

/// A URL without `user:password@`.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// `endpoints.yml`; a section that is absent or null is `None`.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// The custom action server.
    pub action_endpoint: Option<HttpEndpoint>,
    /// The NLG server; `kind` absent or `callback`: HTTP; `response`: templates.
    pub nlg: Option<HttpEndpoint>,
    /// A remote NLU server.
    pub nlu: Option<HttpEndpoint>,
    /// The model server.
    pub models: Option<HttpEndpoint>,
    /// Where conversations are kept.
    pub tracker_store: Option<StoreEndpoint>,
    /// Where locks are kept.
    pub lock_store: Option<StoreEndpoint>,
    /// Where events are published.
    pub event_broker: Option<StoreEndpoint>,
    /// The file's text for rendering findings, values that may be secret hidden.
    pub sources: Sources,
}

const SECTIONS: [&str; 7] = ["action_endpoint", "nlg", "nlu", "models", "tracker_store", "lock_store", "event_broker"];

impl Endpoints {
    /// Reads the bytes of `endpoints.yml`; an empty file is fine. Broken
    /// sections are reported and stay `None`.
    pub fn parse(bytes: &[u8], path: &str, env: Env<'_>) -> (Self, Vec<Diagnostic>) {
        let (mut endpoints, out) = Self::read(bytes, path, env);
        endpoints.sources = conceal(&endpoints.sources);
        (endpoints, out)
    }

    fn read(bytes: &[u8], path: &str, env: Env<'_>) -> (Self, Vec<Diagnostic>) {
        let (mut endpoints, mut out) = (Self::default(), Vec::new());
        let Some(root) = read_root(bytes, path, env, &mut endpoints.sources, &mut out) else { return (endpoints, out) };
        let Some(map) = top_level(&root, path, &mut out) else { return (endpoints, out) };
        for (key, _) in map.iter().filter(|(key, _)| !SECTIONS.contains(&key.name.as_str())) {
            out.push(
                Diagnostic::warning(
                    codes::UNKNOWN_SECTION,
                    format!("`{}` is not a section of endpoints.yml", key.name),
                )
                .at(key.span, "")
                .help(crate::suggest::cure(&key.name, SECTIONS, "remove it; it has no effect")),
            );
        }
        endpoints.action_endpoint = http(map, "action_endpoint", true, &mut out);
        endpoints.nlg = http(map, "nlg", false, &mut out);
        endpoints.nlu = http(map, "nlu", true, &mut out);
        endpoints.models = http(map, "models", true, &mut out);
        endpoints.tracker_store = store(map, "tracker_store", &mut out);
        endpoints.lock_store = store(map, "lock_store", &mut out);
        endpoints.event_broker = store(map, "event_broker", &mut out);
        (endpoints, out)
    }
}

/// `credentials.yml`: channel name -> options, in file order.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Options of each channel; empty for `rest:` and nothing behind it.
    pub channels: IndexMap<String, JsonMap>,
    /// Channels that are off because a variable of theirs is not set, and which.
    pub off: IndexMap<String, String>,
    /// Where each channel's name stands.
    pub spans: IndexMap<String, Span>,
    /// The file's text for rendering findings, values that may be secret hidden.
    pub sources: Sources,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.channels.keys()).finish()
    }
}

impl Credentials {
    /// Reads the bytes of `credentials.yml`; an empty file is fine.
    pub fn parse(bytes: &[u8], path: &str, env: Env<'_>) -> (Self, Vec<Diagnostic>) {
        let (mut credentials, out) = Self::read(bytes, path, env);
        credentials.sources = conceal(&credentials.sources);
        (credentials, out)
    }

    fn read(bytes: &[u8], path: &str, env: Env<'_>) -> (Self, Vec<Diagnostic>) {
        let (mut credentials, mut out) = (Self::default(), Vec::new());
        let Some(root) = read_root(bytes, path, env, &mut credentials.sources, &mut out) else {
            return (credentials, out);
        };
        let Some(map) = top_level(&root, path, &mut out) else { return (credentials, out) };
        for (key, node) in map.iter() {
            out.extend(unknown_channel(&key.name, key.span));
            if let Some(variable) = take_unset(node.span, &mut out) {
                credentials.off.insert(key.name.clone(), variable);
                continue;
            }
            let options = if node.is_null() {
                Some(JsonMap::new())
            } else {
                shape::map(node, &format!("the options of `{}`", key.name), &mut out).map(shape::json_map)
            };
            if let Some(options) = options {
                credentials.channels.insert(key.name.clone(), options);
                credentials.spans.insert(key.name.clone(), key.span);
            }
        }
        (credentials, out)
    }
}

/// Rasa's channels (spec §5.4), served here or not.
pub const CHANNELS: [&str; 15] = [
    "cmdline",
    "facebook",
    "slack",
    "telegram",
    "mattermost",
    "twilio",
    "twilio_voice",
    "rasa",
    "botframework",
    "rocketchat",
    "callback",
    "rest",
    "socketio",
    "webexteams",
    "hangouts",
];

/// An unknown name is an error (spec §1.9): a server that no message reaches looks
/// like one that works. Paths of Python classes and channels of the program that
/// reads this are its own business.
fn unknown_channel(name: &str, span: Span) -> Option<Diagnostic> {
    let near = crate::suggest::nearest(name, CHANNELS).filter(|near| *near != name)?;
    let finding = Diagnostic::error(codes::NO_SUCH_CHANNEL, format!("`{name}` is no channel"));
    Some(finding.at(span, "").help(format!("did you mean `{near}`?")))
}

/// Takes the findings of unset variables within a span out; the first one's
/// variable.
fn take_unset(within: Span, out: &mut Vec<Diagnostic>) -> Option<String> {
    let is_here = |finding: &Diagnostic| {
        let place = finding.annotations.first().map(|annotation| annotation.span);
        finding.code == codes::UNSET_VARIABLE
            && place.is_some_and(|place| within.start <= place.start && place.end <= within.end)
    };
    let variable = out.iter().find(|finding| is_here(finding))?.message.split('`').nth(1).map(str::to_owned);
    out.retain(|finding| !is_here(finding));
    variable
}

/// Adds the bytes to the sources and reads them as YAML.
pub(crate) fn read_root(
    bytes: &[u8],
    path: &str,
    env: Env<'_>,
    sources: &mut Sources,
    out: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let (file, text) = crate::load::add_source(bytes, path, sources, out)?;
    yaml::parse(file, &text, env, out)
}

fn top_level<'n>(root: &'n Node, path: &str, out: &mut Vec<Diagnostic>) -> Option<&'n Map> {
    static EMPTY: Map = Map { entries: Vec::new() };
    if root.is_null() {
        return Some(&EMPTY);
    }
    let map = root.as_map();
    if map.is_none() {
        let start = Span { file: FileId(0), start: root.span.start, end: root.span.end };
        out.push(
            Diagnostic::error(codes::NOT_A_MAPPING, format!("{path} must be a mapping"))
                .at(start, format!("this is {}", root.kind())),
        );
    }
    map
}

fn section<'n>(map: &'n Map, name: &str, out: &mut Vec<Diagnostic>) -> Option<(&'n Map, Span)> {
    let (key, node) = map.entry(name)?;
    if node.is_null() {
        let is_key = |key: &str| HTTP_KEYS.contains(&key) || STORE_KEYS.contains(&key);
        if let Some((shallow, _)) = map.iter().find(|(key, _)| is_key(&key.name)) {
            let finding = Diagnostic::error(codes::MISPLACED_KEY, format!("`{name}` says nothing"));
            out.push(finding.at(key.span, "").help(format!("indent `{}` and what follows below it", shallow.name)));
        }
        return None;
    }
    shape::map(node, &format!("`{name}`"), out).map(|section| (section, key.span))
}

/// Text of an optional key; numbers are taken as they stand.
fn optional(map: &Map, key: &str, out: &mut Vec<Diagnostic>) -> Option<String> {
    let node = map.get(key).filter(|node| !node.is_null())?;
    match node.value {
        yaml::Yaml::Int(number) => Some(number.to_string()),
        _ => shape::text(node, &format!("`{key}`"), out).map(str::to_owned),
    }
}

fn kind(map: &Map, out: &mut Vec<Diagnostic>) -> Option<String> {
    optional(map, "type", out).or_else(|| optional(map, "store_type", out))
}

fn rest(map: &Map, read: &[&str]) -> JsonMap {
    map.iter()
        .filter(|(key, _)| !read.contains(&key.name.as_str()))
        .map(|(key, node)| (key.name.clone(), node.to_json()))
        .collect()
}

const HTTP_KEYS: [&str; 11] = [
    "url",
    "type",
    "store_type",
    "enable_selective_domain",
    "token",
    "token_name",
    "params",
    "headers",
    "basic_auth",
    "cafile",
    "request_timeout",
];

fn http(map: &Map, name: &str, needs_url: bool, out: &mut Vec<Diagnostic>) -> Option<HttpEndpoint> {
    let (map, span) = section(map, name, out)?;
    shape::near_misses(map, &HTTP_KEYS, &format!("`{name}`"), out);
    let url = optional(map, "url", out);
    if url.is_none() && needs_url {
        out.push(
            Diagnostic::error(codes::BAD_ENDPOINT, format!("`{name}` has no `url`"))
                .at(span, "")
                .help("add `url: http://…`"),
        );
        return None;
    }
    let is_http = url.as_deref().is_none_or(|url| url.starts_with("http://") || url.starts_with("https://"));
    if !is_http && let Some(node) = map.get("url") {
        out.push(
            Diagnostic::error(
                codes::BAD_ENDPOINT,
                format!("the `url` of `{name}` must start with http:// or https://"),
            )
            .at(node.span, ""),
        );
    }
    let submap = |key: &str, out: &mut Vec<Diagnostic>| {
        map.get(key).filter(|node| !node.is_null()).and_then(|node| shape::map(node, &format!("`{key}`"), out))
    };
    let headers = submap("headers", out).map(|section| headers(section, name, out));
    let basic_auth = submap("basic_auth", out).and_then(|auth| {
        let at = map.get("basic_auth").map_or(span, |node| node.span);
        basic_auth(auth, at, name, out)
    });
    Some(HttpEndpoint {
        url,
        kind: kind(map, out),
        enable_selective_domain: map
            .get("enable_selective_domain")
            .and_then(|node| shape::flag(node, "`enable_selective_domain`", out))
            .unwrap_or(false),
        token: optional(map, "token", out).map(Secret),
        token_name: optional(map, "token_name", out).unwrap_or_else(|| "token".to_owned()),
        params: submap("params", out).map(shape::json_map).unwrap_or_default(),
        headers: headers.unwrap_or_default(),
        basic_auth,
        cafile: optional(map, "cafile", out),
        request_timeout: timeout(map, out),
        rest: rest(map, &HTTP_KEYS),
    })
}

/// Headers that HTTP can carry (RFC 9110, sections 5.1 and 5.5); a finding for
/// each of the others. No value is shown: it may be a secret.
fn headers(map: &Map, section: &str, out: &mut Vec<Diagnostic>) -> IndexMap<String, Secret> {
    let mut headers = IndexMap::new();
    for (key, node) in map.iter() {
        let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
        if key.name.is_empty() || !key.name.bytes().all(is_token) {
            let message = format!("`{}` in the `headers` of `{section}` is no name of an HTTP header", key.name);
            let help = "a name has letters, digits and `-`, and no blanks";
            out.push(Diagnostic::error(codes::BAD_ENDPOINT, message).at(key.span, "").help(help));
            continue;
        }
        let value = node.to_json();
        if value.is_null() || value.is_array() || value.is_object() {
            out.push(shape::wrong_type(node, &format!("the header `{}` of `{section}`", key.name), "text"));
            continue;
        }
        let value = python_str(&value);
        if !value.bytes().all(|c| c == b'\t' || (b' '..0x7f).contains(&c)) {
            let message = format!("the header `{}` of `{section}` has characters that HTTP does not carry", key.name);
            let help = "write printable ASCII characters on one line";
            out.push(Diagnostic::error(codes::BAD_ENDPOINT, message).at(node.span, "").help(help));
            continue;
        }
        headers.insert(key.name.clone(), Secret(value));
    }
    headers
}

/// User name and password, both of which must be there.
fn basic_auth(map: &Map, at: Span, section: &str, out: &mut Vec<Diagnostic>) -> Option<BasicAuth> {
    const KEYS: [&str; 2] = ["username", "password"];
    shape::near_misses(map, &KEYS, &format!("`basic_auth` of `{section}`"), out);
    let mut value = |key: &str| match map.get(key) {
        Some(node) if node.is_null() => {
            out.push(shape::wrong_type(node, &format!("`{key}` in `basic_auth` of `{section}`"), "text"));
            None
        }
        Some(_) => optional(map, key, out),
        None => {
            let message = format!("`basic_auth` of `{section}` has no `{key}`");
            out.push(Diagnostic::error(codes::BAD_ENDPOINT, message).at(at, "").help(format!("add `{key}: …`")));
            None
        }
    };
    let (username, password) = (value("username"), value("password"));
    Some(BasicAuth { username: username?, password: Secret(password?) })
}

fn timeout(map: &Map, out: &mut Vec<Diagnostic>) -> Option<f64> {
    let node = map.get("request_timeout").filter(|node| !node.is_null())?;
    let parsed = node.as_str().and_then(|text| text.trim().parse::<f64>().ok()).filter(|seconds| seconds.is_finite());
    let seconds = match parsed {
        Some(seconds) => seconds,
        None => shape::number(node, "`request_timeout` (seconds)", out)?,
    };
    if seconds <= 0.0 {
        out.push(
            Diagnostic::error(codes::BAD_VALUE, "`request_timeout` must be more than 0 seconds")
                .at(node.span, "")
                .help("write how long an answer may take, such as `request_timeout: 3`; without the key it is 300"),
        );
        return None;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "DB_PASSWORD" => Some("s3cret".to_owned()),
            "TIMEOUT" => Some("2.5".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn every_section_is_typed_and_other_keys_are_kept() {
        let text = "action_endpoint:\n  url: http://localhost:5055/webhook\n  token: t\n  request_timeout: ${TIMEOUT}\n  headers: {X-A: 1}\n  basic_auth: {username: u, password: p}\ntracker_store:\n  type: SQL\n  dialect: postgresql\n  url: h\n  db: rasa\n  password: ${DB_PASSWORD}\n  port: 5432\nlock_store:\n  type: redis\n  db: 1\nevent_broker:\n";
        let (endpoints, out) = Endpoints::parse(text.as_bytes(), "endpoints.yml", &env);
        assert!(out.is_empty(), "{out:?}");
        let action = endpoints.action_endpoint.expect("action endpoint");
        assert_eq!(
            (action.request_timeout, action.token_name.as_str(), action.enable_selective_domain),
            (Some(2.5), "token", false)
        );
        assert_eq!(action.headers["X-A"].expose(), "1");
        let store = endpoints.tracker_store.expect("tracker store");
        assert_eq!(store.password.as_ref().map(Secret::expose), Some("s3cret"));
        assert_eq!(store.rest["port"], 5432);
        assert_eq!(endpoints.lock_store.and_then(|lock| lock.db).as_deref(), Some("1"));
        assert!(endpoints.event_broker.is_none());
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let text = "tracker_store: {type: SQL, url: 'postgresql://u:hunter2@h/db', password: hunter2, sasl: hunter2}\naction_endpoint: {url: 'http://u:hunter2@h', token: hunter2}\n";
        let (endpoints, _) = Endpoints::parse(text.as_bytes(), "e.yml", &env);
        let shown = format!("{:?} {:?}", endpoints.tracker_store, endpoints.action_endpoint);
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn broken_endpoints_are_reported() {
        let text = "action_endpoint: {enable_selective_domain: yes, url: localhost}\nnlu: {}\ntracker_stor: {}\nmodels: text\n";
        let (_, out) = Endpoints::parse(text.as_bytes(), "e.yml", &env);
        let mut found: Vec<&str> = out.iter().map(|diagnostic| diagnostic.code).collect();
        found.sort_unstable();
        assert_eq!(found, ["E0202", "E0202", "E0701", "E0701", "W0701"]);
        assert!(Endpoints::parse(b"", "e.yml", &env).1.is_empty());
        assert_eq!(Endpoints::parse(b"- a", "e.yml", &env).1[0].code, codes::NOT_A_MAPPING);
        assert_eq!(Endpoints::parse(b"\xff", "e.yml", &env).1[0].code, codes::NOT_UTF8);
    }

    #[test]
    fn headers_and_authentication_that_cannot_be_sent_are_reported_with_their_place() {
        let text = "action_endpoint:\n  url: http://a\n  basic_auth: {usernamex: u}\n  headers:\n    X-A:\n    \"X B\": v\n    X-C: \"hunter2\\n\"\n    X-D: ok\n";
        let (endpoints, out) = Endpoints::parse(text.as_bytes(), "e.yml", &env);
        let mut places: Vec<(&str, String)> =
            out.iter().map(|d| (d.code, endpoints.sources.place(d.annotations[0].span))).collect();
        places.sort();
        let place = |code, line: usize| (code, format!("e.yml:{line}"));
        assert_eq!(
            places,
            [
                place("E0202", 5),
                place("E0701", 3),
                place("E0701", 3),
                place("E0701", 6),
                place("E0701", 7),
                place("W0204", 3)
            ]
        );
        assert!(out.iter().all(|d| !d.message.contains("hunter2")));
        let headers = endpoints.action_endpoint.expect("action endpoint").headers;
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["X-D"]);
    }

    #[test]
    fn credentials_are_channels_with_options() {
        let (credentials, out) = Credentials::parse(b"rest:\ntelegram:\n  access_token: x\n", "c.yml", &env);
        assert!(out.is_empty());
        assert_eq!(credentials.channels["rest"], JsonMap::new());
        assert_eq!(credentials.channels["telegram"]["access_token"], "x");
        assert_eq!(format!("{credentials:?}"), r#"{"rest", "telegram"}"#);
        assert_eq!(Credentials::parse(b"rest: 5", "c.yml", &env).1[0].code, codes::WRONG_TYPE);
    }
}
