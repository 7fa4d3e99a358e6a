//! Where the database is and how to log in, as the endpoints file says it.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::store::StoreError;

/// How long a start waits for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a statement waits for what another transaction holds, and how long
/// it may take: the server ends it then, and nothing is written.
const LOCK_TIMEOUT: &str = "5s";
const STATEMENT_TIMEOUT: &str = "8s";

/// Where the database is. What is `None` is taken from libpq's variables
/// (`PGHOST`, `PGPASSWORD`, ...) and defaults.
///
/// There is no debug output, as it would show the password.
#[derive(Clone, Default)]
pub struct PostgresSettings {
    /// Host name or address; with a leading `/` the folder of the socket.
    pub host: Option<String>,
    /// Port.
    pub port: Option<u16>,
    /// Name of the database.
    pub database: Option<String>,
    /// Role to log in as.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// Database to log in to for making `database` when there is none.
    pub login_database: Option<String>,
    /// Schema of the tables; it must exist.
    pub schema: Option<String>,
    /// libpq's parameters: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`,
    /// `application_name`, `host`, `port`, `connect_timeout` (seconds that a start
    /// waits for the server). Others have no effect; a warning names them.
    pub query: BTreeMap<String, String>,
    /// Connections that stay open.
    pub pool_size: u32,
    /// Connections beyond them, opened when all are in use.
    pub max_overflow: u32,
}

/// The settings, understood.
pub(super) struct Target {
    /// How to connect for everything but migrations.
    pub(super) options: PgConnectOptions,
    /// The server and the database, for people.
    pub(super) name: String,
    pub(super) patience: Duration,
}

impl PostgresSettings {
    /// Query parameters that are understood.
    pub const PARAMETERS: [&str; 8] =
        ["sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "host", "port", "connect_timeout"];
}

impl Target {
    /// # Errors
    /// A value is none that PostgreSQL knows.
    pub(super) fn of(settings: &PostgresSettings) -> Result<Self, StoreError> {
        let mut target =
            Self { options: plain(settings).disable_statement_logging(), name: String::new(), patience: PATIENCE };
        for (key, value) in &settings.query {
            target.apply(key, value)?;
        }
        target.options = session(target.options, settings.schema.as_deref());
        let options = &target.options;
        let host = options.get_socket().map_or(options.get_host().into(), |socket| socket.to_string_lossy());
        let database = options.get_database().unwrap_or(options.get_username());
        target.name = format!("PostgreSQL at {host}:{} (database `{database}`)", options.get_port());
        Ok(target)
    }

    fn apply(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let wrong = |what: &str| StoreError::Invalid(format!("the query parameter `{key}` must be {what}"));
        let options = self.options.clone();
        self.options = match key {
            "sslmode" => {
                let mode: PgSslMode = value
                    .parse()
                    .map_err(|_| wrong("one of `disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`"))?;
                options.ssl_mode(mode)
            }
            "sslrootcert" | "sslcert" | "sslkey" if std::fs::File::open(value).is_err() => {
                return Err(wrong(&format!("a file that can be read, and `{value}` is none")));
            }
            "sslrootcert" => options.ssl_root_cert(value),
            "sslcert" => options.ssl_client_cert(value),
            "sslkey" => options.ssl_client_key(value),
            "application_name" => options.application_name(value),
            "host" => options.host(value),
            "port" => options.port(value.parse().map_err(|_| wrong("a number from 1 to 65535"))?),
            "connect_timeout" => {
                let seconds: u32 = value.parse().map_err(|_| wrong("a whole number of seconds"))?;
                self.patience = Duration::from_secs(seconds.into());
                options
            }
            _ => {
                tracing::warn!(parameter = key, "tracker_store: this query parameter has no effect");
                options
            }
        };
        Ok(())
    }
}

/// Host, port, names and password.
fn plain(settings: &PostgresSettings) -> PgConnectOptions {
    let mut options = PgConnectOptions::new().application_name("sapa");
    if let Some(host) = &settings.host {
        options = options.host(host);
    }
    if let Some(port) = settings.port {
        options = options.port(port);
    }
    if let Some(database) = &settings.database {
        options = options.database(database);
    }
    if let Some(username) = &settings.username {
        options = options.username(username);
    }
    match &settings.password {
        Some(password) => options.password(password),
        None => options,
    }
}

/// What each session is set to, whatever the server's or the role's defaults.
fn session(options: PgConnectOptions, schema: Option<&str>) -> PgConnectOptions {
    let options = options.options([
        ("lock_timeout", LOCK_TIMEOUT),
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("default_transaction_isolation", "read committed"),
    ]);
    match schema {
        Some(schema) => options.options([("search_path", quoted(schema))]),
        None => options,
    }
}

/// A name as SQL writes it, whatever characters it has.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(key: &str, value: &str) -> Result<Target, StoreError> {
        let query = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        Target::of(&PostgresSettings { host: Some("h".into()), query, ..PostgresSettings::default() })
    }

    #[test]
    fn query_parameters_are_understood_or_refused() {
        assert_eq!(with("connect_timeout", "3").map(|target| target.patience).unwrap(), Duration::from_secs(3));
        assert!(matches!(with("sslmode", "require").unwrap().options.get_ssl_mode(), PgSslMode::Require));
        assert_eq!(with("application_name", "bot").unwrap().options.get_application_name(), Some("bot"));
        assert!(with("keepalives", "1").is_ok(), "libpq has more of them");
        for (key, value) in [("sslmode", "perhaps"), ("connect_timeout", "soon"), ("sslrootcert", "/tak/ada")] {
            assert!(matches!(with(key, value), Err(StoreError::Invalid(text)) if text.contains(key)));
        }
    }

    #[test]
    fn the_name_says_where_and_never_shows_the_password() {
        let settings = PostgresSettings {
            host: Some("db.example".into()),
            port: Some(5433),
            database: Some("bot".into()),
            username: Some("sapa".into()),
            password: Some("rahasia".into()),
            schema: Some("Skema \"x\"".into()),
            ..PostgresSettings::default()
        };
        let target = Target::of(&settings).unwrap();
        assert_eq!(target.name, "PostgreSQL at db.example:5433 (database `bot`)");
        let options = target.options.get_options().unwrap();
        assert!(options.contains(r#"search_path="Skema\ ""x""""#), "{options}");
    }
}
