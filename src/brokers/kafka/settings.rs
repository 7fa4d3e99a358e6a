//! The section `event_broker` of type `kafka` (spec §6.3).

use std::sync::Arc;

use rskafka::client::{Credentials, SaslConfig};
use rustls::ClientConfig;
use sapa_project::{StoreEndpoint, suggest};
use serde_json::Value;

use super::super::OpenError;
use super::tls::{self, Files};

/// Rasa's names.
const TOPIC: &str = "rasa_core_events";
const PROTOCOL: &str = "SASL_PLAINTEXT";
const MECHANISM: &str = "PLAIN";

/// Kafka's port, where an address has none.
const PORT: &str = "9092";

const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// What to connect to, and how. Never printed: it holds secrets.
pub(super) struct Settings {
    /// `host:port` of the servers that are asked first.
    pub(super) servers: Vec<String>,
    pub(super) topic: String,
    pub(super) client_id: Option<String>,
    /// Whether a record's key is its conversation.
    pub(super) partition_by_sender: bool,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) sasl: Option<SaslConfig>,
}

impl Settings {
    pub(super) fn read(section: &StoreEndpoint) -> Result<Self, OpenError> {
        let keys = Keys(section);
        let protocol = keys.text("security_protocol")?.unwrap_or(PROTOCOL).to_uppercase();
        if !PROTOCOLS.contains(&protocol.as_str()) {
            let near = suggest::nearest(&protocol, PROTOCOLS).unwrap_or("PLAINTEXT");
            return Err(OpenError(format!("`security_protocol` `{protocol}` is unknown; did you mean `{near}`?")));
        }
        let files = Files {
            authorities: keys.text("ssl_cafile")?,
            certificate: keys.text("ssl_certfile")?,
            key: keys.text("ssl_keyfile")?,
            // Rasa checks no name unless told to. Here one is checked unless told not to.
            checks_name: keys.flag("ssl_check_hostname", true)?,
        };
        Ok(Self {
            servers: servers(section.url.as_deref())?,
            topic: keys.text("topic")?.unwrap_or(TOPIC).to_owned(),
            client_id: keys.text("client_id")?.map(str::to_owned),
            partition_by_sender: keys.flag("partition_by_sender", false)?,
            tls: protocol.ends_with("SSL").then(|| tls::config(&files)).transpose()?,
            sasl: protocol.starts_with("SASL").then(|| sasl(&keys)).transpose()?,
        })
    }
}

/// `host:port`, several with commas between them.
fn servers(url: Option<&str>) -> Result<Vec<String>, OpenError> {
    let wrong = || OpenError("`url` must be `host:port`, or a list of them".to_owned());
    let server = |address: &str| {
        // An IPv6 address has colons of its own.
        let has_port = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
        let is_address = !address.contains(['/', '@', ' ']) && (has_port || !address.contains(':'));
        match (is_address, has_port) {
            (false, _) => Err(wrong()),
            (true, true) => Ok(address.to_owned()),
            (true, false) => Ok(format!("{address}:{PORT}")),
        }
    };
    let servers: Result<Vec<_>, _> =
        url.unwrap_or_default().split(',').map(str::trim).filter(|address| !address.is_empty()).map(server).collect();
    servers.and_then(|servers| if servers.is_empty() { Err(wrong()) } else { Ok(servers) })
}

fn sasl(keys: &Keys<'_>) -> Result<SaslConfig, OpenError> {
    let (Some(username), Some(password)) = (keys.text("sasl_username")?, keys.text("sasl_password")?) else {
        return Err(OpenError(
            "`sasl_username` and `sasl_password` are missing; add them, or `security_protocol: PLAINTEXT` where the \
             server asks for none"
                .to_owned(),
        ));
    };
    let credentials = Credentials::new(username.to_owned(), password.to_owned());
    let mechanism = keys.text("sasl_mechanism")?.unwrap_or(MECHANISM);
    match mechanism {
        "PLAIN" => Ok(SaslConfig::Plain(credentials)),
        "SCRAM-SHA-256" => Ok(SaslConfig::ScramSha256(credentials)),
        "SCRAM-SHA-512" => Ok(SaslConfig::ScramSha512(credentials)),
        other => Err(OpenError(format!(
            "`sasl_mechanism` `{other}` is not served; `PLAIN`, `SCRAM-SHA-256` and `SCRAM-SHA-512` are"
        ))),
    }
}

/// The section's further keys.
struct Keys<'a>(&'a StoreEndpoint);

impl<'a> Keys<'a> {
    /// `null` and an empty text, which is what an empty variable gives, count as absent.
    fn text(&self, key: &str) -> Result<Option<&'a str>, OpenError> {
        match self.0.rest.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(OpenError(format!("`{key}` must be a text"))),
        }
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, OpenError> {
        match self.0.rest.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(OpenError(format!("`{key}` must be `true` or `false`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(mut value: Value) -> Result<Settings, String> {
        value["type"] = json!("kafka");
        let text = serde_yaml::to_string(&json!({ "event_broker": value })).unwrap();
        let section = sapa_project::Endpoints::parse(text.as_bytes(), "endpoints.yml", &|_| None).0.event_broker;
        Settings::read(&section.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_rasas() {
        let settings = read(json!({ "url": "kafka", "sasl_username": "u", "sasl_password": "p" })).unwrap();
        assert_eq!((settings.topic.as_str(), settings.servers), ("rasa_core_events", vec!["kafka:9092".to_owned()]));
        assert!(!settings.partition_by_sender && settings.tls.is_none());
        assert!(matches!(settings.sasl, Some(SaslConfig::Plain(_))));
    }

    #[test]
    fn addresses_are_one_or_several() {
        let servers = |url: Value| read(json!({ "url": url, "security_protocol": "plaintext" })).map(|s| s.servers);
        assert_eq!(servers(json!("a:1, b,[::1]:2")).unwrap(), ["a:1", "b:9092", "[::1]:2"]);
        assert_eq!(servers(json!(["a:1", "b:2"])).unwrap(), ["a:1", "b:2"]);
        for wrong in ["kafka://a:1", "a:port", "u:p@a:1", ""] {
            assert!(servers(json!(wrong)).unwrap_err().contains("`url` must be"), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_or_not_served_is_named_and_no_secret_is() {
        for (key, value, said) in [
            ("security_protocol", json!("SASLSSL"), "did you mean `SASL_SSL`?"),
            ("sasl_mechanism", json!("GSSAPI"), "`GSSAPI` is not served"),
            ("sasl_username", json!(null), "`sasl_username` and `sasl_password` are missing"),
            ("partition_by_sender", json!("ya"), "`partition_by_sender` must be `true` or `false`"),
            ("topic", json!(5), "`topic` must be a text"),
        ] {
            let mut section = json!({ "url": "a", "sasl_username": "u", "sasl_password": "rahasia" });
            section[key] = value;
            let error = read(section).err().unwrap();
            assert!(error.contains(said) && !error.contains("rahasia"), "{error}");
        }
        let tls = json!({ "url": "a", "security_protocol": "SSL", "ssl_cafile": "/nowhere" });
        assert!(read(tls).err().unwrap().contains("`/nowhere`"));
    }
}
