//! The broker `pika` (spec §6.3): RabbitMQ, by AMQP 0-9-1. As in Rasa, a fanout
//! exchange with durable queues bound to it, and persistent messages; every one is
//! confirmed by the server (publisher confirms).

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind};
use sapa_project::StoreEndpoint;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{OpenError, Opened};
use crate::agent::{Broker, BrokerError, Message};

/// Rasa's names.
const EXCHANGE: &str = "rasa-exchange";
const QUEUE: &str = "rasa_core_events";

const ATTEMPTS: u64 = 20;
const RETRY_SECONDS: f64 = 5.0;

/// A connection that is not made in so many seconds is no better than none.
const PATIENCE: Duration = Duration::from_secs(8);

/// Delivery mode of messages that outlast the server (AMQP 0-9-1, basic class).
const PERSISTENT: u8 = 2;

struct Pika {
    uri: AMQPUri,
    exchange: String,
    queues: Vec<String>,
    app_id: Option<String>,
    /// The connection goes with its last channel.
    channel: Mutex<Option<(Connection, Channel)>>,
}

pub(super) fn open(section: StoreEndpoint) -> Opened {
    Box::pin(async move {
        let broker = Pika::read(&section, std::env::var("RASA_ENVIRONMENT").ok())?;
        let number = |key: &str, default: f64| section.rest.get(key).and_then(Value::as_f64).unwrap_or(default);
        let attempts = (number("connection_attempts", ATTEMPTS as f64).max(1.0)) as u64;
        let pause = Duration::from_secs_f64(number("retry_delay_in_seconds", RETRY_SECONDS).clamp(0.0, 3_600.0));
        let mut attempt = 1;
        loop {
            match broker.connected().await {
                Ok(connection) => {
                    *broker.channel.lock().await = Some(connection);
                    return Ok(Arc::new(broker) as Arc<dyn Broker>);
                }
                // Trying again would not help.
                Err(error) if error.contains("ACCESS_REFUSED") || error.contains("NOT_ALLOWED") => {
                    return Err(OpenError(format!(
                        "{} refuses the user, the password or the virtual host; correct them",
                        broker.shown()
                    )));
                }
                Err(error) if attempt == attempts => {
                    return Err(OpenError(format!(
                        "{}: {error}; start RabbitMQ, or correct the section",
                        broker.shown()
                    )));
                }
                Err(error) => {
                    tracing::warn!(server = broker.shown(), %error, attempt, attempts, "RabbitMQ is not there yet; trying again");
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
            }
        }
    })
}

impl Pika {
    fn read(section: &StoreEndpoint, app_id: Option<String>) -> Result<Self, OpenError> {
        let text = |key: &str| section.rest.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            uri: uri(section)?,
            exchange: text("exchange_name").unwrap_or_else(|| EXCHANGE.to_owned()),
            queues: queues(section.rest.get("queues"))?,
            app_id,
            channel: Mutex::new(None),
        })
    }

    /// Host and port: what an error may say.
    fn shown(&self) -> String {
        format!("{}:{}", self.uri.authority.host, self.uri.authority.port)
    }

    /// A new connection with exchange and queues declared.
    async fn connected(&self) -> Result<(Connection, Channel), String> {
        let told = |error: lapin::Error| error.to_string();
        let work = async {
            let connection = Connection::connect_uri(self.uri.clone(), ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            let exchange = self.exchange.as_str();
            // Neither is durable in Rasa but the queues: another kind would be refused by
            // a server where Rasa has declared it.
            channel
                .exchange_declare(
                    exchange.into(),
                    ExchangeKind::Fanout,
                    ExchangeDeclareOptions::default(),
                    FieldTable::default(),
                )
                .await?;
            for queue in &self.queues {
                let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
                channel.queue_declare(queue.as_str().into(), durable, FieldTable::default()).await?;
                channel
                    .queue_bind(
                        queue.as_str().into(),
                        exchange.into(),
                        "".into(),
                        QueueBindOptions::default(),
                        FieldTable::default(),
                    )
                    .await?;
            }
            Ok((connection, channel))
        };
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(done) => done.map_err(told),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }

    /// Publishes all, then waits for their confirmations.
    async fn send(&self, channel: &Channel, messages: &[Message]) -> Result<(), String> {
        let told = |error: lapin::Error| error.to_string();
        let mut properties =
            BasicProperties::default().with_delivery_mode(PERSISTENT).with_content_type("application/json".into());
        if let Some(app_id) = &self.app_id {
            properties = properties.with_app_id(app_id.as_str().into());
        }
        let mut waiting = Vec::with_capacity(messages.len());
        for message in messages {
            let options = BasicPublishOptions::default();
            let sent = channel
                .basic_publish(
                    self.exchange.as_str().into(),
                    "".into(),
                    options,
                    message.body.as_bytes(),
                    properties.clone(),
                )
                .await;
            waiting.push(sent.map_err(told)?);
        }
        for confirmation in waiting {
            if let Confirmation::Nack(_) = confirmation.await.map_err(told)? {
                return Err("RabbitMQ did not take a message".to_owned());
            }
        }
        Ok(())
    }
}

/// `amqp://user:password@host:port/vhost`. A host's name alone is one with the
/// virtual host `/`; name and password of the section fill in what the URL lacks.
fn uri(section: &StoreEndpoint) -> Result<AMQPUri, OpenError> {
    let host = section.url.as_deref().unwrap_or("localhost");
    let has_scheme = host.starts_with("amqp://") || host.starts_with("amqps://");
    let url = if has_scheme { host.to_owned() } else { format!("amqp://{host}") };
    let mut uri: AMQPUri =
        url.parse().map_err(|_| OpenError("`url` is neither a host's name nor `amqp://host:port/vhost`".to_owned()))?;
    let port = section.rest.get("port").and_then(|port| port.as_u64().or_else(|| port.as_str()?.parse().ok()));
    let names_port = url.rsplit('@').next().is_some_and(|rest| rest.trim_start_matches("amqp://").contains(':'));
    if let Some(port) = port.filter(|_| !names_port) {
        uri.authority.port = u16::try_from(port).map_err(|_| OpenError("`port` is no port".to_owned()))?;
    }
    if let Some(name) = &section.username {
        uri.authority.userinfo.username.clone_from(name);
    }
    if let Some(password) = &section.password {
        password.expose().clone_into(&mut uri.authority.userinfo.password);
    }
    Ok(uri)
}

fn queues(value: Option<&Value>) -> Result<Vec<String>, OpenError> {
    let wrong = || OpenError("`queues` must be a name or a list of names".to_owned());
    match value {
        None | Some(Value::Null) => {
            tracing::warn!(queue = QUEUE, "event_broker: no `queues` are named; Rasa's default is used");
            Ok(vec![QUEUE.to_owned()])
        }
        Some(Value::String(name)) => Ok(vec![name.clone()]),
        Some(Value::Array(names)) if !names.is_empty() => {
            names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

impl Broker for Pika {
    fn name(&self) -> &'static str {
        "pika"
    }

    fn publish<'a>(
        &'a self,
        messages: &'a [Message],
    ) -> Pin<Box<dyn Future<Output = Result<(), BrokerError>> + Send + 'a>> {
        Box::pin(async move {
            let mut kept = self.channel.lock().await;
            // Taken out: a call that is given up leaves no half-used channel behind.
            let (connection, channel) = match kept.take() {
                Some((connection, channel)) if channel.status().connected() => (connection, channel),
                _ => self.connected().await.map_err(BrokerError)?,
            };
            self.send(&channel, messages).await.map_err(BrokerError)?;
            *kept = Some((connection, channel));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn endpoint(value: Value) -> StoreEndpoint {
        let text = serde_yaml::to_string(&json!({ "event_broker": value })).unwrap();
        sapa_project::Endpoints::parse(text.as_bytes(), "endpoints.yml", &|_| None).0.event_broker.unwrap()
    }

    fn address(value: Value) -> String {
        let uri = uri(&endpoint(value)).unwrap();
        let (user, authority) = (&uri.authority.userinfo, &uri.authority);
        format!("{}:{}@{}:{}{}", user.username, user.password, authority.host, authority.port, uri.vhost)
    }

    #[test]
    fn the_address_is_put_together_from_what_the_section_says() {
        let login = json!({ "type": "pika", "url": "rabbit", "username": "u", "password": "p@:/" });
        assert_eq!(address(login), "u:p@:/@rabbit:5672/");
        assert_eq!(address(json!({ "type": "pika", "url": "rabbit", "port": 5673 })), "guest:guest@rabbit:5673/");
        let whole = json!({ "type": "pika", "url": "amqp://a:b@rabbit:1234/bots", "port": 5672 });
        assert_eq!(address(whole), "a:b@rabbit:1234bots");
        assert!(uri(&endpoint(json!({ "type": "pika", "url": "amqp://rabbit:port" }))).is_err());
    }

    #[test]
    fn queues_are_one_name_or_several() {
        assert_eq!(queues(Some(&json!("a"))).unwrap(), ["a"]);
        assert_eq!(queues(Some(&json!(["a", "b"]))).unwrap(), ["a", "b"]);
        assert_eq!(queues(None).unwrap(), [QUEUE]);
        assert!(queues(Some(&json!([1]))).is_err());
    }
}
