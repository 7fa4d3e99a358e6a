//! Excerpts of `endpoints.yml` and `credentials.yml` without the secrets that
//! somebody wrote into them: findings are printed and logged.

use crate::Sources;

/// Keys whose values tell nobody a secret, unless they hold user information.
const OPEN_KEYS: [&str; 21] = [
    "type",
    "store_type",
    "dialect",
    "db",
    "port",
    "url",
    "host",
    "path",
    "topic",
    "cafile",
    "verify",
    "api_url",
    "token_name",
    "webhook_url",
    "login_db",
    "edited_intent",
    "request_timeout",
    "attachment_intent",
    "max_event_history",
    "wait_time_between_pulls",
    "enable_selective_domain",
];

/// The same files, byte for byte as long, with `*` in the place of values. What a
/// file that cannot be read means is not known: a value is what stands behind the
/// first colon of a line, and a line without one is a value as a whole.
pub(crate) fn conceal(sources: &Sources) -> Sources {
    let mut concealed = Sources::default();
    for (_, source) in sources.iter() {
        let text: String = source.text.split_inclusive('\n').map(line).collect();
        concealed.add(source.path.clone(), text);
    }
    concealed
}

fn line(line: &str) -> String {
    let colon = line.match_indices(':').map(|(at, _)| at + 1).find(|at| {
        let behind = line.get(*at..).and_then(|rest| rest.chars().next());
        behind.is_none_or(char::is_whitespace)
    });
    let (key, value) = line.split_at(colon.unwrap_or(0));
    let name = key.trim_matches(|c: char| c.is_whitespace() || "-#:'\"".contains(c));
    let bare = value.trim().trim_matches(['\'', '"']);
    let is_variable = bare.starts_with("${") && bare.find('}') == Some(bare.len().saturating_sub(1));
    let is_open = OPEN_KEYS.contains(&name) && !value.contains(['@', '?', '{', ',']);
    if is_variable || is_open {
        return line.to_owned();
    }
    let mut shown = key.to_owned();
    for c in value.chars() {
        // What a value begins and ends with tells its kind.
        if c.is_whitespace() || "[]{}'\"|>-".contains(c) {
            shown.push(c)
        } else {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()))
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_and_what_helps_is_shown() {
        for (written, shown) in [
            ("  password: geheim\n", "  password: ******\n"),
            ("\tpassword: geheim: x", "\tpassword: ******* *"),
            ("  tokn: 'é'", "  tokn: '**'"),
            ("password: [geheim]", "password: [******]"),
            ("  geheim", "  ******"),
            ("- geheim: x", "- geheim: *"),
            ("store: {type: SQL, password: x}", "store: {***** **** ********* *}"),
            ("# password: geheim", "# password: ******"),
            ("  type: SLQ # here", "  type: SLQ # here"),
            ("  url: http://localhost:5055/webhook", "  url: http://localhost:5055/webhook"),
            ("  url: http://a:geheim@b", "  url: *****************"),
            ("  password: ${DB_PASSWORD}", "  password: ${DB_PASSWORD}"),
            ("  password: ${A}geheim", "  password: *{*}******"),
            ("tracker_store:\n", "tracker_store:\n"),
            ("", ""),
        ] {
            assert_eq!(line(written), shown);
            assert_eq!(line(written).len(), written.len());
        }
    }
}
