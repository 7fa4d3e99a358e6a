//! Locks in Redis, under the names that Rasa gives them: `[<prefix>:]lock:<conversation>`
//! (spec §6.2). The value is the mark of whoever has it.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};
use sapa_project::StoreEndpoint;
use serde_json::Value;

use super::{OpenError, Opened};
use crate::agent::{LockAnswer, LockError, SharedLocks};
use crate::store::Store;

const DEFAULT_PORT: u16 = 6379;
/// Rasa's own: its tracker store has database 0.
const DEFAULT_DB: i64 = 1;
/// `socket_timeout`, seconds.
const DEFAULT_TIMEOUT: f64 = 10.0;

/// Takes the lock if nobody has it, and keeps it if we have. A key without an end is a
/// lock that Rasa left behind: ours all have one. Atomic, as scripts are.
const TAKE: &str = "
    if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
    if redis.call('GET', KEYS[1]) == ARGV[1] or redis.call('PTTL', KEYS[1]) == -1 then
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
    end
    return 0";

/// Lets go of the lock if it is ours.
const LEAVE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Locks in a Redis server.
struct RedisLocks {
    connection: ConnectionManager,
    prefix: String,
}

/// Opens the lock store of a section. A server that is away is an error: whoever names
/// one wants it.
pub(super) fn open(section: StoreEndpoint, _: Arc<dyn Store>) -> Opened {
    Box::pin(async move {
        let timeout = number(&section, "socket_timeout")?.unwrap_or(DEFAULT_TIMEOUT);
        let timeout = Duration::try_from_secs_f64(timeout).map_err(|_| wrong("socket_timeout"))?;
        let prefix = prefix(&section)?;
        let (client, server) = client(&section)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        let connection = ConnectionManager::new_with_config(client, config).await;
        let connection = connection.map_err(|error| {
            OpenError(format!("Redis at {server}: {}; start Redis, or correct the section", told(&error)))
        })?;
        let locks: Arc<dyn SharedLocks> = Arc::new(RedisLocks { connection, prefix });
        Ok(Some(locks))
    })
}

fn client(section: &StoreEndpoint) -> Result<(Client, String), OpenError> {
    let is_on = |key: &str| matches!(section.rest.get(key), Some(Value::Bool(true)));
    if is_on("use_ssl") {
        return Err(OpenError(
            "`use_ssl` is not served for Redis; put a tunnel with TLS before it, or use `type: SQL`".to_owned(),
        ));
    }
    let host = section.url.clone().unwrap_or_else(|| "localhost".to_owned());
    if host.contains(['/', '@', ' ']) {
        // It is not shown: a password may be in it.
        return Err(OpenError(
            "`url` is a host's name only; write the rest as `port`, `db`, `username` and `password`".to_owned(),
        ));
    }
    let port = match number(section, "port")? {
        None => DEFAULT_PORT,
        Some(port) if (1.0..=65535.0).contains(&port) && port.fract() == 0.0 => port as u16,
        Some(_) => return Err(wrong("port")),
    };
    let db = section.db.as_deref().map_or(Ok(DEFAULT_DB), |db| db.trim().parse().map_err(|_| wrong("db")))?;
    let server = format!("{host}:{port}");
    let mut login = RedisConnectionInfo::default().set_db(db);
    if let Some(name) = &section.username {
        login = login.set_username(name);
    }
    if let Some(password) = &section.password {
        login = login.set_password(password.expose());
    }
    let info = ConnectionAddr::Tcp(host, port).into_connection_info().map(|info| info.set_redis_settings(login));
    let client = info.and_then(Client::open);
    Ok((client.map_err(|error| OpenError(format!("Redis at {server}: {}", told(&error))))?, server))
}

/// Rasa takes letters and digits only, and passes over anything else; a prefix that is
/// passed over would mix two bots' locks.
fn prefix(section: &StoreEndpoint) -> Result<String, OpenError> {
    match section.rest.get("key_prefix") {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(prefix)) if prefix.chars().all(char::is_alphanumeric) => Ok(format!("{prefix}:")),
        Some(_) => Err(OpenError("`key_prefix` has letters and digits only".to_owned())),
    }
}

/// A number, also as the text of a variable.
fn number(section: &StoreEndpoint, key: &'static str) -> Result<Option<f64>, OpenError> {
    match section.rest.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| wrong(key)),
        Some(_) => Err(wrong(key)),
    }
}

fn wrong(key: &str) -> OpenError {
    OpenError(format!("`{key}` is no number that fits"))
}

/// What went wrong, without what was sent.
fn told(error: &redis::RedisError) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.category()),
        None => error.category().to_owned(),
    }
}

impl RedisLocks {
    async fn run(&self, script: &'static str, sender_id: &str, arguments: &[&str]) -> Result<i64, LockError> {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(format!("{}lock:{sender_id}", self.prefix)).arg(arguments);
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.map_err(|error| LockError(format!("Redis: {}", told(&error))))
    }
}

impl SharedLocks for RedisLocks {
    fn take<'a>(&'a self, sender_id: &'a str, mark: &'a str, time: Duration) -> LockAnswer<'a, bool> {
        Box::pin(async move {
            let milliseconds = time.as_millis().max(1).to_string();
            Ok(self.run(TAKE, sender_id, &[mark, &milliseconds]).await? == 1)
        })
    }

    fn leave<'a>(&'a self, sender_id: &'a str, mark: &'a str) -> LockAnswer<'a, ()> {
        Box::pin(async move { self.run(LEAVE, sender_id, &[mark]).await.map(drop) })
    }
}
