//! Where a PostgreSQL tracker store is, from `endpoints.yml` and the environment
//! as Rasa reads them (spec §6.1).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use regex::{Captures, Regex};
use sapa_project::{Secret, StoreEndpoint};
use serde_json::Value;

use crate::store::PostgresSettings;

/// Connections without `SQL_POOL_SIZE` and `SQL_MAX_OVERFLOW`. Rasa allows 150,
/// more than a server takes by default, and hardly ever uses two.
const POOL_SIZE: u32 = 10;
const MAX_OVERFLOW: u32 = 10;

/// Rasa's database name when there is none.
const DATABASE: &str = "rasa.db";

/// SQLAlchemy's form of a database URL: any character but `@` may stand in a
/// password.
const URL: &str = r"(?x)^[\w+]+://
    (?: (?P<username>[^:/]*) (?: : (?P<password>[^@]*) )? @ )?
    (?: \[(?P<ipv6>[^/?\]]+)\] | (?P<host>[^/:?]+) )?
    (?: : (?P<port>[^/?]*) )?
    (?: / (?P<database>[^?]*) )?
    (?: \? (?P<query>.*) )?$";

/// The section's dialect without its driver: `postgresql+psycopg2` is
/// `postgresql`. A full URL names it too, and wins.
pub(super) fn dialect(section: &StoreEndpoint) -> String {
    let scheme = section.url.as_deref().and_then(|url| url.split_once("://")).map(|(scheme, _)| scheme);
    let written = scheme.or(section.dialect.as_deref()).unwrap_or("sqlite").to_lowercase();
    written.split('+').next().unwrap_or_default().to_owned()
}

/// The settings of the section, with those of the environment.
///
/// # Errors
/// A value is none of its kind; no error shows the URL or the password.
pub(super) fn settings(section: &StoreEndpoint, env: &dyn Fn(&str) -> Option<String>) -> Result<PostgresSettings> {
    let mut settings = match &section.url {
        Some(url) if url.contains("://") => of_url(url)?,
        host => of_keys(section, host.as_deref())?,
    };
    settings.query.extend(query(section.rest.get("query"))?);
    no_slips(&settings.query)?;
    settings.login_database = text(section, "login_db")?;
    settings.schema = env("POSTGRESQL_SCHEMA").filter(|schema| !schema.is_empty());
    settings.pool_size = count(env, "SQL_POOL_SIZE", 1, POOL_SIZE)?;
    settings.max_overflow = count(env, "SQL_MAX_OVERFLOW", 0, MAX_OVERFLOW)?;
    Ok(settings)
}

/// A parameter that is nearly one that is understood was meant to be it: a misspelt
/// `sslmode` would leave the connection open to others.
fn no_slips(query: &BTreeMap<String, String>) -> Result<()> {
    for key in query.keys().filter(|key| !PostgresSettings::PARAMETERS.contains(&key.as_str())) {
        if let Some(near) = sapa_project::suggest::nearest(key, PostgresSettings::PARAMETERS) {
            bail!("tracker_store: there is no query parameter `{key}`; did you mean `{near}`?");
        }
    }
    Ok(())
}

/// From keys of their own; the host may have a port, which wins over `port`.
fn of_keys(section: &StoreEndpoint, host: Option<&str>) -> Result<PostgresSettings> {
    let (host, port) = match host.filter(|host| !host.is_empty()) {
        Some(socket) if socket.starts_with('/') => (Some(socket.to_owned()), None),
        Some(host) => {
            let parts = of_url(&format!("host://{host}"))?;
            (parts.host, parts.port)
        }
        None => (None, None),
    };
    let own_port = text(section, "port")?.filter(|port| !port.is_empty());
    Ok(PostgresSettings {
        host,
        port: port.map_or_else(|| own_port.map(|port| port_of(&port)).transpose(), |port| Ok(Some(port)))?,
        database: Some(section.db.clone().unwrap_or_else(|| DATABASE.to_owned())),
        username: section.username.clone(),
        password: section.password.as_ref().map(Secret::expose).map(str::to_owned),
        ..PostgresSettings::default()
    })
}

fn of_url(url: &str) -> Result<PostgresSettings> {
    let form = Regex::new(URL)?;
    // The URL may hold a password: it is not repeated.
    let parts = form.captures(url).context("tracker_store: `url` is no URL of a database")?;
    let part = |name: &str| decoded_part(&parts, name);
    let port = part("port")?.filter(|port| !port.is_empty()).map(|port| port_of(&port)).transpose()?;
    let mut query = BTreeMap::new();
    for pair in parts.name("query").map_or("", |query| query.as_str()).split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        query.insert(decoded(key)?, decoded(&value.replace('+', " "))?);
    }
    Ok(PostgresSettings {
        host: part("ipv6")?.or(part("host")?),
        port,
        database: part("database")?.filter(|database| !database.is_empty()),
        username: part("username")?.filter(|username| !username.is_empty()),
        password: part("password")?,
        query,
        ..PostgresSettings::default()
    })
}

fn decoded_part(parts: &Captures<'_>, name: &str) -> Result<Option<String>> {
    parts.name(name).map(|part| decoded(part.as_str())).transpose()
}

/// A text with its `%41`s replaced; a `%` without two digits stands for itself.
fn decoded(text: &str) -> Result<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok().context("tracker_store: `url` has a part that is not UTF-8")
}

fn port_of(text: &str) -> Result<u16> {
    text.trim().parse().ok().context("tracker_store: the port must be a number from 1 to 65535")
}

/// An optional key; numbers are taken as they stand.
fn text(section: &StoreEndpoint, key: &str) -> Result<Option<String>> {
    match section.rest.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => bail!("tracker_store: `{key}` must be a text"),
    }
}

fn query(value: Option<&Value>) -> Result<BTreeMap<String, String>> {
    let map = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map,
        Some(_) => bail!("tracker_store: `query` must be a mapping, such as {{sslmode: require}}"),
    };
    map.iter()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Ok((key.clone(), value.to_string())),
            _ => bail!("tracker_store: `query`: `{key}` must be a text"),
        })
        .collect()
}

fn count(env: &dyn Fn(&str) -> Option<String>, name: &str, least: u32, default: u32) -> Result<u32> {
    match env(name).filter(|value| !value.is_empty()) {
        None => Ok(default),
        Some(value) => value
            .trim()
            .parse()
            .ok()
            .filter(|count| *count >= least)
            .with_context(|| format!("the variable {name} must be a whole number from {least}")),
    }
}

#[cfg(test)]
mod tests {
    use sapa_project::Endpoints;

    use super::*;

    fn section(keys: &str) -> StoreEndpoint {
        let text = format!("tracker_store: {{type: SQL, {keys}}}");
        let (endpoints, findings) = Endpoints::parse(text.as_bytes(), "endpoints.yml", &|_| None);
        assert!(findings.is_empty(), "{findings:?}");
        endpoints.tracker_store.unwrap()
    }

    fn read(keys: &str) -> Result<PostgresSettings> {
        settings(&section(keys), &|_| None)
    }

    fn brief(settings: &PostgresSettings) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        let port = settings.port.map_or("-".into(), |port| port.to_string());
        let (host, database) = (text(&settings.host), text(&settings.database));
        format!("{host} {port} {database} {} {}", text(&settings.username), text(&settings.password))
    }

    #[test]
    fn the_dialect_is_read_without_its_driver() {
        for keys in ["dialect: postgresql", "dialect: PostgreSQL+psycopg2", "url: 'postgresql+asyncpg://h/d'"] {
            assert_eq!(dialect(&section(keys)), "postgresql", "{keys}");
        }
        assert_eq!(dialect(&section("dialect: postgres")), "postgres");
        assert_eq!(dialect(&section("url: h")), "sqlite");
        assert_eq!(dialect(&section("url: 'mysql://h/d', dialect: postgresql")), "mysql");
    }

    #[test]
    fn keys_are_read_as_rasa_reads_them() {
        for (keys, expected) in [
            ("url: h, port: 1, db: d, username: u, password: p", "h 1 d u p"),
            ("url: h, port: '1', db: d", "h 1 d - -"),
            ("url: 'h:2', port: 1, db: d", "h 2 d - -"),
            ("url: '[::1]:2', db: d", "::1 2 d - -"),
            ("url: /var/run/postgresql, db: d", "/var/run/postgresql - d - -"),
            ("username: u, password: 'p@/:?#'", "- - rasa.db u p@/:?#"),
            ("url: 'postgresql://u:p%40%zz@h:5/d%20e', db: x, username: x", "h 5 d e u p@%zz"),
            ("url: 'postgres://u:a/b#c?d:e@h/d'", "h - d u a/b#c?d:e"),
            ("url: 'postgresql+psycopg2://h'", "h - - - -"),
            ("url: 'postgresql:///d'", "- - d - -"),
        ] {
            assert_eq!(brief(&read(keys).unwrap()), expected, "{keys}");
        }
    }

    #[test]
    fn query_and_login_database_are_read() {
        let url = "url: 'postgresql://h/d?sslmode=require&application_name=a+b&host=%2Frun', login_db: postgres";
        let settings = read(&format!("{url}, query: {{connect_timeout: 5}}")).unwrap();
        let query: Vec<_> = settings.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(query, ["application_name=a b", "connect_timeout=5", "host=/run", "sslmode=require"]);
        assert_eq!(settings.login_database.as_deref(), Some("postgres"));
    }

    #[test]
    fn the_environment_sets_schema_and_pool() {
        let read = |name: &'static str, value: &'static str| {
            settings(&section("url: h"), &move |asked| (asked == name).then(|| value.to_owned()))
        };
        let plain = read("OTHER", "").unwrap();
        assert_eq!((plain.schema, plain.pool_size, plain.max_overflow), (None, POOL_SIZE, MAX_OVERFLOW));
        assert_eq!(read("POSTGRESQL_SCHEMA", "bot").unwrap().schema.as_deref(), Some("bot"));
        assert_eq!(read("SQL_POOL_SIZE", "3").unwrap().pool_size, 3);
        assert_eq!(read("SQL_MAX_OVERFLOW", "0").unwrap().max_overflow, 0);
        for (name, value) in [("SQL_POOL_SIZE", "0"), ("SQL_POOL_SIZE", "many"), ("SQL_MAX_OVERFLOW", "-1")] {
            assert!(read(name, value).is_err_and(|error| error.to_string().contains(name)));
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_showing_it() {
        for keys in [
            "url: 'postgresql://u:rahasia@h:p/d'",
            "url: 'postgresql://u:rahasia@h:99999/d'",
            "url: 'postgresql://u:rahasia%ff@h/d'",
            "url: 'a b://u:rahasia@h/d'",
            "url: 'h:rahasia'",
            "url: h, port: rahasia",
            "url: h, query: rahasia",
            "url: h, query: {sslmode: [rahasia]}",
            "url: h, login_db: [rahasia]",
        ] {
            let error = read(keys).err().unwrap_or_else(|| panic!("{keys}"));
            assert!(!format!("{error:?}").contains("rahasia"), "{keys}: {error:?}");
        }
    }
}
