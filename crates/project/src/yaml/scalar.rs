//! What a plain scalar means (spec §1.2): YAML 1.2 as ruamel reads it, and
//! environment variables.

use super::{Env, Yaml};

/// A variable that is not set: its name as written, with `$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unset(pub String);

impl Unset {
    /// The variable's name, without `$`, braces and what stands behind it.
    pub fn name(&self) -> &str {
        let after = self.0.strip_prefix('$').unwrap_or(&self.0);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split('}').next());
        let plain = || after.split(|ch: char| !ch.is_ascii_alphanumeric() && ch != '_').next().unwrap_or(after);
        braced.unwrap_or_else(plain)
    }
}

/// The value of a plain (unquoted) scalar.
///
/// `yes`, `no`, `on`, `off`, `12:30` and dates are text; `010` is 10, `0o10`
/// is 8, `1_000` is 1000, `1e3` is 1000.0. An integer that does not fit 64
/// bits stays text, so that no digit of it is lost.
pub fn resolve_scalar(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Yaml::Null,
        "true" | "True" | "TRUE" => return Yaml::Bool(true),
        "false" | "False" | "FALSE" => return Yaml::Bool(false),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Yaml::Str(text.to_owned());
    }
    integer(text).or_else(|| float(text)).unwrap_or_else(|| Yaml::Str(text.to_owned()))
}

fn integer(text: &str) -> Option<Yaml> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, radix) = if let Some(digits) = unsigned.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = unsigned.strip_prefix("0o") {
        (digits, 8)
    } else if let Some(digits) = unsigned.strip_prefix("0x") {
        (digits, 16)
    } else {
        (unsigned, 10)
    };
    let plain: String = digits.chars().filter(|ch| *ch != '_').collect();
    if plain.is_empty() || !plain.chars().all(|ch| ch.is_digit(radix)) {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let number = i64::from_str_radix(&format!("{sign}{plain}"), radix).ok();
    Some(number.map_or_else(|| Yaml::Str(text.to_owned()), Yaml::Int))
}

fn float(text: &str) -> Option<Yaml> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Yaml::Float(sign * f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(Yaml::Float(f64::NAN)),
        _ => {}
    }
    let plain: String = unsigned.chars().filter(|ch| *ch != '_').collect();
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (plain.as_str(), None),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digit = !whole.is_empty() || !fraction.is_empty();
    let good_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    if !has_digit || !is_digits(whole) || !is_digits(fraction) || !good_exponent {
        return None;
    }
    plain.parse::<f64>().ok().map(|number| Yaml::Float(sign * number))
}

/// Environment variables in a plain scalar (spec §1.2): `None` when the scalar
/// is not touched, i.e. has no `${…}` on its one line. Both `${VAR}` and
/// `$VAR` are replaced; the result is always text.
///
/// # Errors
/// The first word that starts with `$` and could not be replaced. Quirk: a
/// variable behind a prefix, `x${UNSET}`, stays as it is without an error.
pub fn interpolate(text: &str, env: Env<'_>) -> Option<Result<String, Unset>> {
    let open = text.find("${")?;
    if text.contains('\n') || !text.get(open..)?.contains('}') {
        return None;
    }
    let expanded = expand(text, env);
    match expanded.split_whitespace().find(|word| word.starts_with('$') && text.contains(*word)) {
        Some(word) => Some(Err(Unset(word.to_owned()))),
        None => Some(Ok(expanded)),
    }
}

fn expand(text: &str, env: Env<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or(""));
        rest = rest.get(at..).unwrap_or("");
        let (name, length) = variable(rest);
        match name.and_then(env) {
            Some(value) => out.push_str(&value),
            None => out.push_str(rest.get(..length).unwrap_or(rest)),
        }
        rest = rest.get(length..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// The name of the variable at the start of `rest` (a `$`) and how many bytes
/// the reference takes; no name when the `$` is none.
fn variable(rest: &str) -> (Option<&str>, usize) {
    let after = rest.get(1..).unwrap_or("");
    if let Some(braced) = after.strip_prefix('{') {
        return match braced.find('}') {
            Some(end) => (braced.get(..end), end + 3),
            None => (None, 1),
        };
    }
    let length = after.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    (after.get(..length).filter(|name| !name.is_empty()), length + 1)
}
