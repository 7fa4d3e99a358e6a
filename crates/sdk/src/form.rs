//! Validation of what a form extracted: the semantics of rasa-sdk's
//! `FormValidationAction` (spec §4.4).

use serde_json::Value;

use crate::{ActionRequest, Dispatcher, Event, EventBody, JsonMap, dispatcher::set_slot};

/// The slot that a form asks for next.
pub const REQUESTED_SLOT: &str = "requested_slot";

/// What a validator sees and may do.
#[derive(Debug)]
pub struct FormContext<'a> {
    /// The request, as posted.
    pub request: &'a ActionRequest,
    /// Values this turn extracted, by slot, before any validation.
    pub candidates: JsonMap,
    /// Slots of the conversation with the values validated so far.
    pub slots: JsonMap,
    /// Takes messages to the user.
    pub dispatcher: &'a mut Dispatcher,
}

impl FormContext<'_> {
    /// Value of a slot; `Null` when unset.
    pub fn slot(&self, name: &str) -> &Value {
        self.slots.get(name).unwrap_or(&Value::Null)
    }

    /// Text of the user's last message; empty when there is none.
    pub fn text(&self) -> &str {
        self.request.tracker.latest_message.text.as_deref().unwrap_or_default()
    }

    /// Whether the form is being activated by this very message: nothing was
    /// asked yet, or a loop began since the user spoke (what another form asked
    /// may still stand in the slot then).
    pub fn is_activation(&self) -> bool {
        let tracker = &self.request.tracker;
        let since_user = tracker.events().iter().rev().take_while(|e| !matches!(e.body, EventBody::User { .. }));
        tracker.slot(REQUESTED_SLOT).is_null()
            || since_user.into_iter().any(|e| matches!(e.body, EventBody::ActiveLoop { name: Some(_) }))
    }
}

/// The validation of one form; its action is called `validate_<form>`.
pub trait FormValidator {
    /// Name of the form.
    fn form(&self) -> &str;

    /// The form's slots, used when the request carries no domain.
    fn default_slots(&self) -> &[&str];

    /// Slots to fill, given those of the domain. A list that differs from the
    /// domain's makes the answer name the next `requested_slot`.
    fn required_slots(&self, domain_slots: Vec<String>, _context: &mut FormContext<'_>) -> Vec<String> {
        domain_slots
    }

    /// Looks at the turn as a whole before the single slots. `Some` ends the
    /// validation with these values (such as `requested_slot: null` to leave
    /// the form).
    fn before(&self, _context: &mut FormContext<'_>) -> Option<JsonMap> {
        None
    }

    /// Validates one extracted value. The answer's values become slots: the
    /// slot's own (`null` refuses it, the form asks again) and any other.
    /// `None` lets the value pass as it is.
    fn validate(&self, slot: &str, value: &Value, context: &mut FormContext<'_>) -> Option<JsonMap>;
}

/// Runs a validator on a request: one `slot` event for each value to keep, then
/// `requested_slot` if the required slots are not the domain's.
pub fn validate_form(
    validator: &(impl FormValidator + ?Sized),
    request: &ActionRequest,
    dispatcher: &mut Dispatcher,
) -> Vec<Event> {
    let domain_slots = domain_slots(validator, request);
    let candidates = slots_to_validate(request.tracker.events());
    let mut context = FormContext { request, candidates, slots: request.tracker.slots.clone(), dispatcher };
    if let Some(values) = validator.before(&mut context) {
        return slot_events(values);
    }
    let required = validator.required_slots(domain_slots.clone(), &mut context);
    let mut values: JsonMap = context
        .candidates
        .iter()
        .filter(|(slot, _)| required.contains(slot))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    // The values as extracted, even if an earlier validator changes some.
    for (slot, value) in values.clone() {
        if let Some(validated) = validator.validate(&slot, &value, &mut context) {
            // Later validators see what earlier ones decided.
            context.slots.extend(validated.clone());
            values.extend(validated);
        }
    }
    context.slots.extend(values.clone());
    if required != domain_slots && !values.contains_key(REQUESTED_SLOT) {
        values.insert(REQUESTED_SLOT.to_owned(), first_missing(&required, &context.slots));
    }
    slot_events(values)
}

fn slot_events(values: JsonMap) -> Vec<Event> {
    values.into_iter().map(|(slot, value)| set_slot(slot, value)).collect()
}

/// The candidates: the run of `slot` events at the very end of the conversation
/// (spec §4.4). A slot set twice keeps its first place and its last value.
pub fn slots_to_validate(events: &[Event]) -> JsonMap {
    let run = events.iter().rev().take_while(|event| matches!(event.body, EventBody::Slot { .. })).count();
    let mut slots = JsonMap::new();
    for event in events.iter().skip(events.len() - run) {
        if let EventBody::Slot { name, value } = &event.body {
            slots.insert(name.clone(), value.clone());
        }
    }
    slots
}

/// The form's required slots by the domain in the request.
fn domain_slots(validator: &(impl FormValidator + ?Sized), request: &ActionRequest) -> Vec<String> {
    request
        .domain
        .as_ref()
        .and_then(|domain| domain.pointer(&format!("/forms/{}/required_slots", validator.form())))
        .and_then(Value::as_array)
        .map(|slots| slots.iter().filter_map(|slot| slot.as_str().map(str::to_owned)).collect())
        .unwrap_or_else(|| validator.default_slots().iter().map(|slot| (*slot).to_owned()).collect())
}

/// The first required slot without a value, or `Null`: the form is complete.
fn first_missing(required: &[String], slots: &JsonMap) -> Value {
    let missing = |slot: &&String| slots.get(slot.as_str()).is_none_or(Value::is_null);
    required.iter().find(missing).map_or(Value::Null, |slot| Value::String(slot.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Refuses `x`, turns `both` into two slots, requires `c` once `a` is set.
    struct Sample {
        dynamic: bool,
    }

    impl FormValidator for Sample {
        fn form(&self) -> &str {
            "sample_form"
        }

        fn default_slots(&self) -> &[&str] {
            &["a", "b"]
        }

        fn required_slots(&self, mut slots: Vec<String>, _context: &mut FormContext<'_>) -> Vec<String> {
            if self.dynamic {
                slots.push("c".to_owned());
            }
            slots
        }

        fn validate(&self, slot: &str, value: &Value, context: &mut FormContext<'_>) -> Option<JsonMap> {
            let map = |value: Value| value.as_object().cloned();
            match value.as_str() {
                Some("x") => {
                    context.dispatcher.utter("bukan x");
                    map(json!({ slot: null }))
                }
                Some("both") => map(json!({"a": 1, "b": 2})),
                _ => None,
            }
        }
    }

    fn run(dynamic: bool, events: Value) -> Vec<(String, Value)> {
        let request: ActionRequest = serde_json::from_value(json!({
            "next_action": "validate_sample_form", "sender_id": "u",
            "tracker": {"sender_id": "u", "slots": {"a": null, "b": null, "c": null}, "events": events},
            "domain": {"forms": {"sample_form": {"required_slots": ["a", "b"]}}},
        }))
        .unwrap();
        validate_form(&Sample { dynamic }, &request, &mut Dispatcher::new())
            .into_iter()
            .map(|event| match event.body {
                EventBody::Slot { name, value } => (name, value),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn slot(name: &str, value: Value) -> Value {
        json!({"event": "slot", "timestamp": 1.0, "name": name, "value": value})
    }

    #[test]
    fn only_the_run_of_slot_events_at_the_end_is_validated() {
        let events =
            json!([slot("a", json!("old")), {"event": "action", "name": "sample_form"}, slot("b", json!("new"))]);
        assert_eq!(run(false, events), [("b".to_owned(), json!("new"))]);
    }

    #[test]
    fn a_slot_that_the_form_does_not_require_is_left_out() {
        assert_eq!(run(false, json!([slot("z", json!(1)), slot("a", json!(2))])), [("a".to_owned(), json!(2))]);
    }

    #[test]
    fn a_refused_value_becomes_null_and_another_slot_may_be_set() {
        assert_eq!(run(false, json!([slot("a", json!("x"))])), [("a".to_owned(), Value::Null)]);
        assert_eq!(
            run(false, json!([slot("b", json!("both"))])),
            [("b".to_owned(), json!(2)), ("a".to_owned(), json!(1))]
        );
    }

    #[test]
    fn the_last_value_of_a_slot_set_twice_counts() {
        assert_eq!(run(false, json!([slot("a", json!("x")), slot("a", json!("ok"))])), [("a".to_owned(), json!("ok"))]);
    }

    #[test]
    fn a_changed_list_of_slots_names_the_next_one() {
        let ask = |slot: Value| ("requested_slot".to_owned(), slot);
        assert_eq!(run(true, json!([slot("a", json!("v"))])).last(), Some(&ask(json!("b"))));
        let all = json!([slot("a", json!(1)), slot("b", json!(2)), slot("c", json!(3))]);
        assert_eq!(run(true, all).last(), Some(&ask(Value::Null)));
    }

    #[test]
    fn without_candidates_nothing_is_returned() {
        assert_eq!(run(false, json!([{"event": "action", "name": "sample_form"}])), []);
    }
}
