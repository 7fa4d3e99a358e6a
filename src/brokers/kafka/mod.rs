//! The broker `kafka` (spec §6.3): one record an event, acknowledged by all replicas that
//! are in sync. As in Rasa, the server is looked for when there is something to publish;
//! what it does not take waits in the store.

mod settings;
mod tls;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rskafka::BackoffConfig;
use rskafka::chrono::Utc;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use sapa_project::StoreEndpoint;
use tokio::sync::Mutex;

use self::settings::Settings;
use super::Opened;
use crate::agent::{Broker, BrokerError, Message};

/// What Rasa writes where the variable `RASA_ENVIRONMENT` is not set.
const NO_ENVIRONMENT: &str = "RASA_ENVIRONMENT_NOT_SET";

/// How long the client tries again by itself; and what does not answer at all in so long
/// is not there.
const TRIES_FOR: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(4);

/// Bytes that go in one request at most: servers refuse more than about a million
/// (`message.max.bytes`). A single larger event goes alone.
const MOST_BYTES: usize = 500_000;

struct Kafka {
    settings: Settings,
    environment: String,
    connection: Mutex<Option<Connection>>,
}

/// The topic's partitions, by number; each keeps what it needs of the client.
struct Connection {
    partitions: BTreeMap<i32, PartitionClient>,
}

pub(super) fn open(section: StoreEndpoint) -> Opened {
    Box::pin(async move {
        let settings = Settings::read(&section)?;
        let environment = std::env::var("RASA_ENVIRONMENT").unwrap_or_else(|_| NO_ENVIRONMENT.to_owned());
        Ok(Arc::new(Kafka { settings, environment, connection: Mutex::default() }) as Arc<dyn Broker>)
    })
}

impl Kafka {
    async fn connected(&self) -> Result<Connection, String> {
        let Settings { servers, topic, client_id, tls, sasl, .. } = &self.settings;
        // It would try for ever: what waits is in the store, and the reason is to be told.
        let patience = BackoffConfig { deadline: Some(TRIES_FOR), ..BackoffConfig::default() };
        let mut builder = ClientBuilder::new(servers.clone()).backoff_config(patience);
        if let Some(id) = client_id {
            builder = builder.client_id(id.as_str());
        }
        if let Some(tls) = tls {
            builder = builder.tls_config(Arc::clone(tls));
        }
        if let Some(sasl) = sasl {
            builder = builder.sasl_config(sasl.clone());
        }
        let client = within(&format!("a server of {}", servers.join(", ")), builder.build()).await?;
        let mut numbers = partitions(&client, topic).await?;
        if numbers.is_empty() {
            // Asking for it makes it, where the server does that (`auto.create.topics.enable`).
            let what = format!("the topic `{topic}`, which has to be created");
            within(&what, client.partition_client(topic, 0, UnknownTopicHandling::Retry)).await?;
            numbers = partitions(&client, topic).await?;
        }
        let mut partitions = BTreeMap::new();
        for number in numbers {
            let partition = client.partition_client(topic, number, UnknownTopicHandling::Error);
            partitions.insert(number, within("a partition", partition).await?);
        }
        if partitions.is_empty() {
            return Err(format!("the topic `{topic}` has no partitions"));
        }
        Ok(Connection { partitions })
    }

    fn record(&self, message: &Message) -> Record {
        Record {
            key: self.settings.partition_by_sender.then(|| message.sender_id.clone().into_bytes()),
            value: Some(message.body.clone().into_bytes()),
            headers: [("RASA_ENVIRONMENT".to_owned(), self.environment.clone().into_bytes())].into(),
            timestamp: Utc::now(),
        }
    }

    /// Those of each partition in their order. A conversation is in one partition, also
    /// where it is not a record's key: only there its events keep their order.
    async fn send(&self, connection: &Connection, messages: &[Message]) -> Result<(), String> {
        let numbers: Vec<i32> = connection.partitions.keys().copied().collect();
        let mut batches: BTreeMap<i32, Vec<Record>> = BTreeMap::new();
        for message in messages {
            let number = numbers[partition(&message.sender_id, numbers.len())];
            batches.entry(number).or_default().push(self.record(message));
        }
        for (number, records) in batches {
            let Some(partition) = connection.partitions.get(&number) else { continue };
            for batch in by_size(records) {
                send(partition, batch).await?;
            }
        }
        Ok(())
    }
}

/// Sends records together; where they are too much for the server, one by one. A single
/// one that is too large never goes through: it is left out, so that it does not keep
/// all others.
async fn send(partition: &PartitionClient, records: Vec<Record>) -> Result<(), String> {
    match produce(partition, records.clone()).await? {
        Produced::Taken => return Ok(()),
        Produced::TooLarge => {}
    }
    for record in records {
        match produce(partition, vec![record.clone()]).await? {
            Produced::TooLarge => {
                let bytes = record.approximate_size();
                tracing::error!(
                    broker = "kafka",
                    bytes,
                    "an event is larger than the server takes (`message.max.bytes`); it stays in the tracker store only"
                );
            }
            Produced::Taken => {}
        }
    }
    Ok(())
}

/// What a server says to records.
enum Produced {
    Taken,
    TooLarge,
}

async fn produce(partition: &PartitionClient, records: Vec<Record>) -> Result<Produced, String> {
    let too_large = [ProtocolError::MessageTooLarge, ProtocolError::RecordListTooLarge];
    let asking = partition.produce(records, Compression::NoCompression);
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(_)) => Ok(Produced::Taken),
        Ok(Err(Error::ServerError { protocol_error, .. })) if too_large.contains(&protocol_error) => {
            Ok(Produced::TooLarge)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the server did not take them within {} s", PATIENCE.as_secs())),
    }
}

/// Cuts records into batches that a server takes.
fn by_size(records: Vec<Record>) -> Vec<Vec<Record>> {
    let (mut batches, mut bytes): (Vec<Vec<Record>>, usize) = (Vec::new(), 0);
    for record in records {
        bytes += record.approximate_size();
        match batches.last_mut() {
            Some(batch) if bytes <= MOST_BYTES => batch.push(record),
            _ => {
                bytes = record.approximate_size();
                batches.push(vec![record]);
            }
        }
    }
    batches
}

/// Numbers of the topic's partitions; none when there is no such topic.
async fn partitions(client: &Client, name: &str) -> Result<Vec<i32>, String> {
    let topics = within("the list of topics", client.list_topics()).await?;
    Ok(topics
        .into_iter()
        .find(|topic| topic.name == name)
        .map_or_else(Vec::new, |topic| topic.partitions.into_iter().collect()))
}

/// What the client is asked, which has its time.
async fn within<T>(what: &str, asking: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{what} was not there within {} s", PATIENCE.as_secs())),
    }
}

/// As librdkafka's `consistent` partitioner, which Rasa's client has for records with a
/// key: the CRC-32 of the key, modulo.
fn partition(key: &str, partitions: usize) -> usize {
    crc32fast::hash(key.as_bytes()) as usize % partitions.max(1)
}

impl Broker for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn publish<'a>(
        &'a self,
        messages: &'a [Message],
    ) -> Pin<Box<dyn Future<Output = Result<(), BrokerError>> + Send + 'a>> {
        Box::pin(async move {
            let mut kept = self.connection.lock().await;
            // Taken out: after an error, or a call that is given up, all is looked up anew.
            let connection = match kept.take() {
                Some(connection) => connection,
                None => self.connected().await.map_err(BrokerError)?,
            };
            self.send(&connection, messages).await.map_err(BrokerError)?;
            *kept = Some(connection);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> Record {
        Record { key: None, value: Some(vec![b'x'; bytes]), headers: BTreeMap::new(), timestamp: Utc::now() }
    }

    #[test]
    fn batches_are_what_a_server_takes() {
        let sizes = |bytes: &[usize]| {
            let batches = by_size(bytes.iter().map(|bytes| record(*bytes)).collect());
            batches.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[10, 20, 30]), [3]);
        assert_eq!(sizes(&[300_000, 200_000, 1, 2_000_000, 5]), [2, 1, 1, 1]);
        assert!(sizes(&[]).is_empty());
    }

    /// CRC-32 of "123456789" is 0xCBF43926 (the check value of the algorithm).
    #[test]
    fn a_conversation_is_in_the_partition_that_librdkafka_gives_it() {
        assert_eq!(partition("123456789", 1_000), 0xCBF4_3926 % 1_000);
        assert_eq!(partition("123456789", 1), 0);
    }
}
