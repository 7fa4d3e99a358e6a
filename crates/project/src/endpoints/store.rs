//! The sections of stores and brokers: `tracker_store`, `lock_store`, `event_broker`.

use super::*;

/// Keys of stores and brokers (spec §6), for finding slips; Rasa knows more.
pub(super) const STORE_KEYS: [&str; 29] = [
    "type",
    "store_type",
    "dialect",
    "db",
    "url",
    "username",
    "password",
    "port",
    "query",
    "login_db",
    "key_prefix",
    "record_exp",
    "lock_lifetime",
    "socket_timeout",
    "use_ssl",
    "topic",
    "queues",
    "exchange_name",
    "partition_by_sender",
    "table_name",
    "client_id",
    "security_protocol",
    "sasl_username",
    "sasl_password",
    "sasl_mechanism",
    "ssl_cafile",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_check_hostname",
];

pub(super) fn store(map: &Map, name: &str, out: &mut Vec<Diagnostic>) -> Option<StoreEndpoint> {
    let (map, span) = section(map, name, out)?;
    shape::near_misses(map, &STORE_KEYS, &format!("`{name}`"), out);
    if name == "tracker_store" && map.get("type").or(map.get("store_type")).is_none() {
        // Rasa would keep conversations in memory, whatever else is written here.
        out.push(
            Diagnostic::error(codes::BAD_ENDPOINT, "`tracker_store` has no `type`")
                .at(span, "")
                .help("add `type: SQL` with `dialect: sqlite` or `dialect: postgresql`, or `type: in_memory`"),
        );
    }
    Some(StoreEndpoint {
        kind: kind(map, out),
        dialect: optional(map, "dialect", out),
        db: optional(map, "db", out),
        url: addresses(map, out),
        username: optional(map, "username", out),
        password: optional(map, "password", out).map(Secret),
        rest: rest(map, &["type", "store_type", "dialect", "db", "url", "username", "password"]),
        span,
    })
}

/// `url`: a text, or a list of them, which counts as one with commas (spec §6.3, kafka).
fn addresses(map: &Map, out: &mut Vec<Diagnostic>) -> Option<String> {
    match map.get("url").map(|node| &node.value) {
        Some(yaml::Yaml::Seq(nodes)) => {
            let texts: Vec<&str> = nodes.iter().filter_map(|node| shape::text(node, "`url`", out)).collect();
            Some(texts.join(",")).filter(|url| !url.is_empty())
        }
        _ => optional(map, "url", out),
    }
}
