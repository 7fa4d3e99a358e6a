//! Sections of the domain that are not read: a slip in the section's name, its
//! name of old, or something in it that is no list or mapping. What else would
//! be said of the names in it has one cause, and is held back.

use crate::read_domain::LostSection;
use crate::{Diagnostic, Project, Severity, codes};

/// Findings that a section leads to when it is not read.
fn follow_ups(section: &str) -> &'static [&'static str] {
    match section {
        "intents" => &[
            codes::UNKNOWN_STORY_INTENT,
            codes::NLU_INTENT_NOT_IN_DOMAIN,
            codes::UNKNOWN_DOMAIN_INTENT,
            codes::BUTTON_INTENT,
        ],
        "entities" => &[
            codes::UNKNOWN_STORY_ENTITY,
            codes::NLU_ENTITY_NOT_IN_DOMAIN,
            codes::UNKNOWN_DOMAIN_ENTITY,
            codes::BUTTON_ENTITY,
        ],
        "slots" => &[codes::UNKNOWN_SLOT, codes::FORM_SLOT_UNKNOWN, codes::CONDITION_SLOT, codes::PLACEHOLDER],
        "responses" => &[
            codes::UNKNOWN_ACTION,
            codes::RESPONSE_NOT_DEFINED,
            codes::RETRIEVAL_RESPONSE,
            codes::ASK_RESPONSE_MISSING,
            codes::UNUSED_SLOT,
        ],
        "actions" => &[codes::UNKNOWN_ACTION, codes::ASK_RESPONSE_MISSING, codes::FORM_SLOT_UNFILLED],
        "forms" => &[
            codes::UNKNOWN_ACTION,
            codes::UNKNOWN_FORM,
            codes::CONDITION_FORM,
            codes::NO_SUCH_FORM,
            codes::UNUSED_SLOT,
            codes::UNUSED_ACTION,
        ],
        _ => &[],
    }
}

/// Says of each section why it is not read, in place of what follows from that.
pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    for section in &project.domain_spans.lost {
        let (held, kept): (Vec<_>, Vec<_>) =
            out.drain(..).partition(|finding| follow_ups(section.name).contains(&finding.code));
        *out = kept;
        let is_fatal = held.iter().any(|finding| finding.severity == Severity::Error);
        out.extend(cause(section, is_fatal));
    }
}

/// Nothing where a finding of the domain's reader has told it. Rasa passes over
/// keys that it does not know: an error only in the place of others.
fn cause(section: &LostSection, is_fatal: bool) -> Option<Diagnostic> {
    let (written, span) = section.written.as_ref()?;
    let name = section.name;
    let is_old = crate::read_domain::OLD_KEYS.iter().any(|(old, _)| old == written);
    let message = match is_old {
        true => format!("`{written}` is what `{name}` was called before Rasa 3, and is not read"),
        false => format!("`{written}` is not a key of a domain"),
    };
    let finding = match is_fatal {
        true => Diagnostic::error(codes::LOST_SECTION, message),
        false => Diagnostic::warning(codes::UNKNOWN_KEY, message),
    };
    let cure = if is_old { format!("rename it to `{name}:`") } else { format!("did you mean `{name}`?") };
    let label = if is_fatal { format!("what the project uses of its `{name}` is missing") } else { String::new() };
    Some(finding.at(*span, label).help(cure))
}
