//! Slots, mappings, forms and intents of the domain against each other.

use super::{unknown_action, unknown_entity, unknown_intent, unknown_slot};
use crate::domain::{EntityType, Form, MappingKind, Slot, SlotMapping};
use crate::{Diagnostic, Domain, MappingPlace, Project, Span, codes, suggest};

pub(super) fn check(project: &Project, out: &mut Vec<Diagnostic>) {
    for (name, slot) in &project.domain.slots {
        let places = project.domain_spans.mappings.get(name).map(Vec::as_slice).unwrap_or_default();
        for (mapping, place) in slot.mappings.iter().zip(places) {
            check_mapping(name, mapping, place, &project.domain, out);
        }
        greedy_from_text(name, slot, places, out);
    }
    forms(project, out);
    for place in &project.domain_spans.intent_entities {
        if !project.domain.entities.contains_key(&place.name) {
            let what = format!("the intent `{}`", place.owner);
            out.push(unknown_entity(codes::UNKNOWN_DOMAIN_ENTITY, &place.name, &what, place.span, &project.domain));
        }
    }
}

fn check_mapping(slot: &str, mapping: &SlotMapping, place: &MappingPlace, domain: &Domain, out: &mut Vec<Diagnostic>) {
    let what = format!("a mapping of the slot `{slot}`");
    match &mapping.kind {
        MappingKind::FromEntity { entity, role, group } => match domain.entities.get(entity) {
            None => {
                let span = place.of_name("entity", entity);
                out.push(unknown_entity(codes::UNKNOWN_DOMAIN_ENTITY, entity, &what, span, domain));
            }
            Some(known) => {
                let label = role.as_deref().map(|role| ("role", role)).or(group.as_deref().map(|name| ("group", name)));
                let span = label.map_or(place.span, |(key, name)| place.of_name(key, name));
                out.extend(unknown_label(entity, known, role.as_deref(), group.as_deref(), span));
            }
        },
        MappingKind::Custom { action: Some(action) } if !domain.has_action(action) => {
            out.push(unknown_action(action, &what, place.of_name("action", action), domain));
        }
        _ => {}
    }
    for (key, intents) in [("intent", &mapping.intent), ("not_intent", &mapping.not_intent)] {
        for intent in intents.iter().filter(|intent| !domain.intents.contains_key(*intent)) {
            let span = place.of_name(key, intent);
            out.push(unknown_intent(codes::UNKNOWN_DOMAIN_INTENT, intent, &what, span, domain));
        }
    }
    conditions(slot, mapping, place, domain, out);
}

pub(super) fn unknown_label(
    entity: &str,
    known: &EntityType,
    role: Option<&str>,
    group: Option<&str>,
    span: Span,
) -> Vec<Diagnostic> {
    let finding = |kind: &str, label: &str, labels: &[String]| {
        Diagnostic::warning(codes::UNKNOWN_DOMAIN_ENTITY, format!("the entity `{entity}` has no {kind} `{label}`"))
            .at(span, "")
            .help(suggest::cure(
                label,
                labels.iter().map(String::as_str),
                &format!("add it to the `{kind}s` of the entity"),
            ))
    };
    let role = role
        .filter(|role| !known.roles.iter().any(|known| known == role))
        .map(|role| finding("role", role, &known.roles));
    let group = group
        .filter(|group| !known.groups.iter().any(|known| known == group))
        .map(|group| finding("group", group, &known.groups));
    role.into_iter().chain(group).collect()
}

/// A condition's form must exist and require the slot; `from_trigger_intent`
/// is free of the latter (spec §7).
fn conditions(slot: &str, mapping: &SlotMapping, place: &MappingPlace, domain: &Domain, out: &mut Vec<Diagnostic>) {
    for condition in &mapping.conditions {
        if let Some(requested) =
            condition.requested_slot.as_deref().filter(|requested| !domain.slots.contains_key(*requested))
        {
            let span = place.of_name("requested_slot", requested);
            out.push(unknown_slot(requested, &format!("a mapping of the slot `{slot}`"), span, domain));
        }
        let Some(name) = condition.active_loop.as_deref() else { continue };
        let span = place.of_name("active_loop", name);
        let Some(form) = domain.forms.get(name) else {
            let known = domain.forms.keys().map(String::as_str);
            out.push(
                Diagnostic::error(
                    codes::CONDITION_FORM,
                    format!("a mapping of the slot `{slot}` names the form `{name}`, which is not in the domain"),
                )
                .at(span, "")
                .help(suggest::cure(name, known, &format!("add `{name}:` to `forms:` of the domain"))),
            );
            continue;
        };
        let is_trigger = matches!(mapping.kind, MappingKind::FromTriggerIntent { .. });
        if !is_trigger && !form.required_slots.iter().any(|required| required == slot) {
            out.push(not_required(slot, name, form, condition.requested_slot.as_deref(), span, domain));
        }
    }
}

/// A condition's form that does not require the slot. Where the form's slots may
/// be chosen while it runs (it lists none, or `validate_<form>` may add some) the
/// mapping may be meant so: Rasa trains it with `--skip-validation`.
fn not_required(
    slot: &str,
    name: &str,
    form: &Form,
    requested: Option<&str>,
    span: Span,
    domain: &Domain,
) -> Diagnostic {
    let text = format!("the form `{name}` does not require the slot `{slot}`");
    if form.required_slots.is_empty() || domain.is_custom_action(&format!("validate_{name}")) {
        return Diagnostic::warning(codes::CONDITION_FORM_OPEN, text)
            .at(
                span,
                format!("applies only if `validate_{name}` adds the slot while the form runs, or to fill it early"),
            )
            .help(format!("add `{slot}` to `required_slots` of `{name}`, if the form asks for it"));
    }
    let is_never_asked = requested.is_some_and(|requested| !form.required_slots.iter().any(|slot| slot == requested));
    let label = match requested.filter(|_| is_never_asked) {
        Some(requested) => format!("`{name}` never asks for `{requested}`: this condition can never hold"),
        None => format!("`{name}` never asks for `{slot}`"),
    };
    Diagnostic::error(codes::CONDITION_FORM, text)
        .at(span, label)
        .help(format!("add `{slot}` to `required_slots` of `{name}`, or remove the condition"))
}

/// A `from_text` mapping without a condition fills the slot from every message
/// (spec §3.7, end): nearly always a surprise.
fn greedy_from_text(name: &str, slot: &Slot, places: &[MappingPlace], out: &mut Vec<Diagnostic>) {
    for (mapping, place) in slot.mappings.iter().zip(places) {
        let is_free = mapping.conditions.is_empty() && mapping.intent.is_empty() && mapping.not_intent.is_empty();
        if is_free && mapping.kind == crate::domain::MappingKind::FromText {
            out.push(
                Diagnostic::note(codes::GREEDY_FROM_TEXT, format!("every message overwrites the slot `{name}`"))
                    .at(place.span, "this mapping has no condition")
                    .help("add `conditions: [{active_loop: <form>, requested_slot: <slot>}]`"),
            );
        }
    }
}

fn forms(project: &Project, out: &mut Vec<Diagnostic>) {
    let domain = &project.domain;
    for (name, form) in &domain.forms {
        let places = |map: &std::collections::BTreeMap<String, Vec<Span>>, at: usize| {
            map.get(name).and_then(|spans| spans.get(at)).copied().unwrap_or_default()
        };
        for (at, slot) in form.required_slots.iter().enumerate() {
            let span = places(&project.domain_spans.required_slots, at);
            if !domain.slots.contains_key(slot) {
                out.push(unknown_required_slot(name, slot, span, domain));
            } else if asker_names(name, slot).iter().any(|asker| domain.has_action(asker)) {
                continue;
            } else if let Some((written, meant)) = misspelt_asker(name, slot, domain) {
                out.push(
                    Diagnostic::warning(
                        codes::ASK_MISSPELT,
                        format!("`{written}` asks for no slot, and nothing asks for `{slot}`"),
                    )
                    .at(span, format!("`{name}` asks for this slot"))
                    .at(named_span(written, project), "")
                    .help(format!("rename `{written}` to `{meant}`")),
                );
            } else if !domain.has_action(&format!("validate_{name}")) {
                out.push(
                    Diagnostic::note(
                        codes::ASK_RESPONSE_MISSING,
                        format!("the form `{name}` cannot ask for the slot `{slot}`"),
                    )
                    .at(span, "nothing is said when this slot is requested")
                    .help(format!("add the response `utter_ask_{name}_{slot}` or `utter_ask_{slot}`")),
                );
            }
        }
        for (at, intent) in form.ignored_intents.iter().enumerate() {
            if !domain.intents.contains_key(intent) {
                let span = places(&project.domain_spans.ignored_intents, at);
                out.push(unknown_intent(
                    codes::UNKNOWN_DOMAIN_INTENT,
                    intent,
                    &format!("the form `{name}`"),
                    span,
                    domain,
                ));
            }
        }
    }
    rule_policy(project, out);
}

fn unknown_required_slot(form: &str, slot: &str, span: Span, domain: &Domain) -> Diagnostic {
    let known = domain.slots.keys().map(String::as_str);
    Diagnostic::error(
        codes::FORM_SLOT_UNKNOWN,
        format!("the form `{form}` requires the slot `{slot}`, which is not in the domain"),
    )
    .at(span, "")
    .help(suggest::cure(slot, known, &format!("add `{slot}:` with its type and mappings to `slots:`")))
}

/// Names under which a form asks for a slot, Rasa's order (spec §3.6).
fn asker_names(form: &str, slot: &str) -> [String; 4] {
    [
        format!("action_ask_{form}_{slot}"),
        format!("utter_ask_{form}_{slot}"),
        format!("action_ask_{slot}"),
        format!("utter_ask_{slot}"),
    ]
}

/// The response or action that is nearly named as one that asks for this slot,
/// and asks for no other; and the name it is near to.
fn misspelt_asker<'d>(form: &str, slot: &str, domain: &'d Domain) -> Option<(&'d str, String)> {
    let required = || domain.forms.iter().flat_map(|(form, f)| f.required_slots.iter().map(move |slot| (form, slot)));
    let asks = |name: &str| {
        let subject = ["utter_ask_", "action_ask_"].iter().find_map(|prefix| name.strip_prefix(prefix));
        subject.is_some_and(|subject| domain.slots.contains_key(subject))
            || required().any(|(form, slot)| asker_names(form, slot).iter().any(|asker| asker == name))
    };
    // Short names are near each other without being slips.
    let allowed = if slot.chars().count() < 4 { 1 } else { 2 };
    let names = domain.responses.keys().chain(domain.actions.iter().map(|action| &action.name)).map(String::as_str);
    let wanted = asker_names(form, slot);
    names.filter(|name| !asks(name)).find_map(|name| {
        let meant = wanted.iter().find(|wanted| strsim::damerau_levenshtein(wanted, name) <= allowed)?;
        Some((name, meant.clone()))
    })
}

/// Where a response or an action stands.
fn named_span(name: &str, project: &Project) -> Span {
    let spans = &project.domain_spans;
    spans.responses.get(name).or_else(|| spans.actions.get(name)).copied().unwrap_or_default()
}

fn rule_policy(project: &Project, out: &mut Vec<Diagnostic>) {
    let Some((name, span)) = project.domain_spans.forms.iter().next() else { return };
    if !project.config.policies.iter().any(|policy| policy.name == "RulePolicy") {
        out.push(
            Diagnostic::error(
                codes::FORM_WITHOUT_RULE_POLICY,
                format!("the form `{name}` needs the RulePolicy, which config.yml does not list"),
            )
            .at(*span, "")
            .help("add `- name: RulePolicy` under `policies:`"),
        );
    }
}
