//! Counting failed tries of a form; the third one ends it.

use sapa_sdk::{
    JsonMap,
    form::{FormContext, REQUESTED_SLOT},
};
use serde_json::Value;

use crate::conversation::{intent, is_cancel, is_of_this_form, is_unwilling, outcome};

/// Tries before a person takes over.
pub(super) const MAX_TRIES: u32 = 3;

/// One more failed try on that counter: its ordinal (from 1) and the slots that
/// record it, with `refused` emptied. The third leaves the form.
pub(super) fn failed(context: &FormContext<'_>, counter: &str, refused: &[&str]) -> (u32, JsonMap) {
    let before = if context.is_activation() { 0.0 } else { counted(context, counter) };
    let count = before.clamp(0.0, f64::from(MAX_TRIES)) as u32 + 1;
    let mut values: JsonMap = refused.iter().map(|slot| ((*slot).to_owned(), Value::Null)).collect();
    values.insert(counter.to_owned(), Value::from(f64::from(count)));
    if count >= MAX_TRIES {
        values.extend(leave(outcome::GAVE_UP));
    }
    (count, values)
}

/// What the counter says, if it was counted since the form began: what an
/// earlier, abandoned form counted is not this form's.
fn counted(context: &FormContext<'_>, counter: &str) -> f64 {
    if !is_of_this_form(context.request.tracker.events(), counter) {
        return 0.0;
    }
    context.slot(counter).as_f64().unwrap_or(0.0)
}

/// If the user calls the form off: the slots that end it. Values extracted from
/// that very message are emptied. `is_yes_or_no`: a no answers what was asked.
pub(super) fn cancelled(context: &FormContext<'_>, is_yes_or_no: bool) -> Option<JsonMap> {
    let text = context.text();
    let may_refuse = ["tidak", "batal", "nlu_fallback"].contains(&intent(context.request));
    let calls_off = is_cancel(text) || may_refuse && is_unwilling(text, !is_yes_or_no);
    if context.is_activation() || !calls_off {
        return None;
    }
    let mut values: JsonMap = context.candidates.keys().map(|slot| (slot.clone(), Value::Null)).collect();
    values.extend(leave(outcome::CANCELLED));
    Some(values)
}

/// Slots that end a form with that outcome.
pub(super) fn leave(how: &str) -> JsonMap {
    [(REQUESTED_SLOT, Value::Null), (outcome::SLOT, Value::from(how))]
        .into_iter()
        .map(|(slot, value)| (slot.to_owned(), value))
        .collect()
}
