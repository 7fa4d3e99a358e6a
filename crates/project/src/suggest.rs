//! "Did you mean …?": the nearest known name.

/// The known name nearest to `name`, if it is near enough to be a slip:
/// at most a third of its letters differ, letter case not counting.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let allowed = (lower.chars().count() / 3).max(1);
    // `session` for `session_config` is no slip of letters, and
    // `policy` for `policies` neither.
    let plural = lower.strip_suffix('y').map(|stem| format!("{stem}ies"));
    let begins =
        |candidate: &str| lower.len() >= 4 && candidate.strip_prefix(&lower).is_some_and(|rest| rest.starts_with('_'));
    let distance = |candidate: &str| match plural.as_deref() == Some(candidate) || begins(candidate) {
        true => 0,
        false => strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
    };
    known
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The cure for an unknown name: the nearest known one, else `otherwise`.
pub fn cure<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match nearest(name, known) {
        Some(candidate) if candidate == visible(name) => {
            format!("remove the characters that do not show: it is written `{candidate}`")
        }
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => otherwise.to_owned(),
    }
}

/// A name without characters of no width (Unicode's zero-width spaces, joiners and
/// marks, and the byte order mark), which come along when text is copied.
fn visible(name: &str) -> String {
    let is_hidden = |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    name.chars().filter(|c| !is_hidden(c)).collect()
}

/// Both cures for an unknown name that may as well be a new one.
pub fn cure_or<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match nearest(name, known) {
        Some(candidate) => format!("did you mean `{candidate}`? If not, {otherwise}"),
        None => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_letters_or_case_finds_the_name() {
        assert_eq!(nearest("utter_gret", ["utter_bye", "utter_greet"]), Some("utter_greet"));
        assert_eq!(nearest("dietclassifier", ["DIETClassifier"]), Some("DIETClassifier"));
        assert_eq!(nearest("completely_other", ["utter_greet"]), None);
        assert_eq!(nearest("policy", ["pipeline", "policies"]), Some("policies"));
    }

    #[test]
    fn the_cure_falls_back_when_nothing_is_near() {
        assert_eq!(cure("zzz", ["greet"], "add it"), "add it");
    }
}
