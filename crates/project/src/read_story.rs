//! Reading `stories` and `rules` (spec §1.5) and test stories (spec §8.1).

use crate::annotation::{parse_annotations, payload_entities, payload_intent};
use crate::story::{SlotStep, StepEntity, UserStep};
use crate::yaml::{Map, Node, Yaml};
use crate::{Diagnostic, Span, Step, StepKind, Story, StoryKind, codes, shape, suggest};
use serde_json::Value;

const STEP_KEYS: [&str; 8] = ["intent", "user", "or", "action", "bot", "checkpoint", "slot_was_set", "active_loop"];
const RULE_KEYS: [&str; 6] = ["rule", "condition", "conversation_start", "wait_for_user_input", "steps", "metadata"];

/// Reads stories and rules.
pub(crate) struct StoryReader<'o> {
    /// Whether these are test stories, which keep full retrieval names.
    pub is_test: bool,
    /// Where findings go.
    pub out: &'o mut Vec<Diagnostic>,
}

impl StoryReader<'_> {
    /// Reads the value of the key `stories` (`"story"`) or `rules` (`"rule"`).
    pub fn read(&mut self, node: &Node, item_key: &str, stories: &mut Vec<Story>) {
        if node.is_null() {
            return;
        }
        let what = if item_key == "rule" { "`rules`" } else { "`stories`" };
        for item in shape::seq(node, what, self.out).unwrap_or_default() {
            stories.extend(self.item(item, item_key));
        }
    }

    fn item(&mut self, item: &Node, item_key: &str) -> Option<Story> {
        let map = shape::map(item, &format!("a {item_key}"), self.out)?;
        let Some(name_node) = map.get(item_key) else {
            self.out.push(
                Diagnostic::error(codes::MISSING_KEY, format!("an item here needs the key `{item_key}` with its name"))
                    .at(item.span, "")
                    .help(format!("write `- {item_key}: <name>`")),
            );
            return None;
        };
        let name = if name_node.is_null() {
            // Rasa reads it: nothing depends on the name.
            self.out.push(
                Diagnostic::warning(codes::EMPTY_NAME, format!("this {item_key} has no name")).at(name_node.span, ""),
            );
            ""
        } else {
            shape::text(name_node, &format!("the name of a {item_key}"), self.out)?
        };
        let known: &[&str] = if item_key == "rule" { &RULE_KEYS } else { &["story", "steps", "metadata"] };
        shape::unknown_keys(map, known, &format!("a {item_key}"), self.out);
        let is_empty = |steps: &Node| steps.is_null() || steps.as_seq().is_some_and(<[Node]>::is_empty);
        let Some(steps) = map.get("steps").filter(|steps| !is_empty(steps)) else {
            self.out.push(
                Diagnostic::warning(codes::NO_STEPS, format!("the {item_key} `{name}` has no steps and is skipped"))
                    .at(name_node.span, ""),
            );
            return None;
        };
        let kind = if item_key == "rule" { self.rule(map) } else { StoryKind::Story };
        let is_rule = matches!(kind, StoryKind::Rule { .. });
        let steps = self.steps(steps, is_rule);
        Some(Story { name: name.to_owned(), kind, steps, span: name_node.span })
    }

    fn rule(&mut self, map: &Map) -> StoryKind {
        let condition = match map.get("condition") {
            Some(node) if node.is_null() => {
                self.out.push(
                    shape::wrong_type(node, "`condition`", "a list of steps")
                        .help("list `- active_loop: …` and `- slot_was_set: …` below it, indented, or remove it"),
                );
                Vec::new()
            }
            Some(node) => self.condition(node),
            None => Vec::new(),
        };
        let mut flag = |key: &str, default| {
            let node = map.get(key)?;
            Some(shape::flag(node, &format!("`{key}`"), self.out).unwrap_or(default))
        };
        let conversation_start = flag("conversation_start", false).unwrap_or(false);
        let wait_for_user_input = flag("wait_for_user_input", true).unwrap_or(true);
        StoryKind::Rule { condition, conversation_start, wait_for_user_input }
    }

    fn condition(&mut self, node: &Node) -> Vec<Step> {
        let steps = self.steps(node, true);
        let (fitting, other): (Vec<Step>, Vec<Step>) =
            steps.into_iter().partition(|step| matches!(step.kind, StepKind::ActiveLoop(_) | StepKind::SlotWasSet(_)));
        for step in other {
            self.out.push(
                Diagnostic::error(codes::RULE_STEP, "a condition can only be `active_loop` or `slot_was_set`")
                    .at(step.span, "")
                    .help("move this step to `steps`"),
            );
        }
        fitting
    }

    fn steps(&mut self, node: &Node, is_rule: bool) -> Vec<Step> {
        let items = shape::seq(node, "a list of steps", self.out).unwrap_or_default();
        let mut steps = Vec::with_capacity(items.len());
        for item in items {
            let Some(step) = self.step(item) else { continue };
            if is_rule && matches!(step.kind, StepKind::Bot(_)) {
                self.out.push(
                    Diagnostic::error(codes::RULE_STEP, "a rule cannot have `bot` steps")
                        .at(step.span, "")
                        .help("write `- action: utter_…`, the response with that text"),
                );
                continue;
            }
            if is_rule && matches!(step.kind, StepKind::Checkpoint { .. }) {
                self.out.push(
                    Diagnostic::error(codes::RULE_STEP, "a rule cannot have checkpoints")
                        .at(step.span, "")
                        .help("use a story, or write the steps out"),
                );
                continue;
            }
            if let StepKind::Checkpoint { slots, .. } = &step.kind
                && !slots.is_empty()
                && !steps.is_empty()
            {
                self.out.push(
                    Diagnostic::warning(
                        codes::CHECKPOINT_CONDITION,
                        "slot conditions count only at a checkpoint that starts a story",
                    )
                    .at(step.span, "ignored here"),
                );
            }
            steps.push(step);
        }
        steps
    }

    /// One step; the first recognised key decides.
    fn step(&mut self, item: &Node) -> Option<Step> {
        let Some(map) = item.as_map() else {
            self.out.push(lost_step(item.span, item.as_str().map(key_is_missing)));
            return None;
        };
        let kind = match STEP_KEYS.iter().find_map(|key| map.entry(key).map(|entry| (*key, &entry.1))) {
            Some(("intent" | "user", _)) => StepKind::User(self.user(map, item.span)?),
            Some(("or", node)) => StepKind::Or(self.or(node)?),
            Some(("action", node)) => StepKind::Action(shape::text(node, "`action`", self.out)?.to_owned()),
            Some(("bot", node)) => StepKind::Bot(shape::text(node, "`bot`", self.out)?.to_owned()),
            Some(("checkpoint", node)) => StepKind::Checkpoint {
                name: shape::text(node, "`checkpoint`", self.out)?.to_owned(),
                slots: map.get("slot_was_set").map(|node| self.slots(node)).unwrap_or_default(),
            },
            Some(("slot_was_set", node)) => StepKind::SlotWasSet(self.slots(node)),
            Some((_, node)) if node.is_null() => StepKind::ActiveLoop(None),
            Some((_, node)) => StepKind::ActiveLoop(Some(shape::text(node, "`active_loop`", self.out)?.to_owned())),
            None if map.get("metadata").is_some() => return None,
            None => {
                let near = || map.iter().find_map(|(key, _)| suggest::nearest(&key.name, STEP_KEYS));
                let cure = old_form(map).or_else(|| near().map(|near| format!("did you mean `{near}`?")));
                self.out.push(lost_step(item.span, cure));
                return None;
            }
        };
        self.second_keys(map, &kind);
        Some(Step { kind, span: item.span })
    }

    /// A step is one thing: a second one in it would be lost.
    fn second_keys(&mut self, map: &Map, kind: &StepKind) {
        let own: &[&str] = match kind {
            StepKind::User(_) => &["intent", "user"],
            StepKind::Or(_) => &["or"],
            StepKind::Action(_) => &["action"],
            StepKind::Bot(_) => &["bot"],
            StepKind::Checkpoint { .. } => &["checkpoint", "slot_was_set"],
            StepKind::SlotWasSet(_) => &["slot_was_set"],
            StepKind::ActiveLoop(_) => &["active_loop"],
        };
        for key in STEP_KEYS.iter().filter(|key| !own.contains(key)) {
            if let Some((written, _)) = map.entry(key) {
                // The dash that is missing is that of the later one.
                let first = own.iter().filter_map(|own| map.entry(own)).map(|(own, _)| own).next();
                let (key, written) = match first {
                    Some(first) if first.span.start > written.span.start => (first.name.as_str(), first),
                    _ => (*key, written),
                };
                self.out.push(
                    Diagnostic::error(codes::LOST_STEP, format!("`{key}` does not belong in this step and is lost"))
                        .at(written.span, "")
                        .help(format!("make it a step of its own: `- {key}: …`")),
                );
            }
        }
        // Those of a user turn are looked at where it is read.
        if !matches!(kind, StepKind::User(_)) {
            self.unknown_keys(map, own);
        }
    }

    /// Keys that no step has: what they say would be lost.
    fn unknown_keys(&mut self, map: &Map, own: &[&str]) {
        let is_known = |key: &str| key == "metadata" || STEP_KEYS.contains(&key);
        for (key, _) in map.iter().filter(|(key, _)| !is_known(&key.name)) {
            let name = &key.name;
            let is_empty = |key: &&&str| map.get(key).is_some_and(Node::is_null);
            let message = format!("`{name}` does not belong in this step and is lost");
            let near = || suggest::nearest(name, own.iter().copied().chain(["metadata"]));
            let (finding, cure) = match (own.iter().find(is_empty), near()) {
                // `- active_loop:` with its value on the next line, too far left.
                (Some(key), _) => {
                    (Diagnostic::error(codes::MISSPELT_KEY, message), format!("write the value behind `{key}:`"))
                }
                (None, Some(near)) => {
                    (Diagnostic::error(codes::MISSPELT_KEY, message), format!("did you mean `{near}`?"))
                }
                (None, None) => {
                    (Diagnostic::warning(codes::UNKNOWN_KEY, message), "remove it; it has no effect".to_owned())
                }
            };
            self.out.push(finding.at(key.span, "").help(cure));
        }
    }

    fn user(&mut self, map: &Map, span: Span) -> Option<UserStep> {
        shape::slips(map, &["intent", "user", "entities", "metadata"], "a user step", self.out);
        let mut step = UserStep { intent: None, full_intent: None, text: None, entities: Vec::new() };
        if let Some(node) = map.get("intent").filter(|node| !node.is_null()) {
            let name = shape::text(node, "`intent`", self.out)?;
            self.intent(name, node.span, &mut step);
        } else if map.get("user").is_none() {
            self.out.push(
                Diagnostic::error(codes::WRONG_TYPE, "this step names no intent")
                    .at(span, "")
                    .help("write the intent's name after `intent:`"),
            );
            return None;
        }
        match map.get("user").filter(|node| !node.is_null()) {
            Some(node) => {
                let text = shape::text(node, "`user`", self.out)?;
                self.user_text(text.trim(), node.span, &mut step);
            }
            None => step.entities = map.get("entities").map(|node| self.entities(node)).unwrap_or_default(),
        }
        Some(step)
    }

    /// A leading `/` is dropped; a full retrieval name is reduced to its base.
    fn intent(&mut self, written: &str, span: Span, step: &mut UserStep) {
        let name = written.trim();
        let name = match name.strip_prefix('/') {
            Some(rest) => {
                self.out.push(
                    Diagnostic::warning(codes::INTENT_WITH_SLASH, format!("the intent `{name}` starts with `/`"))
                        .at(span, "")
                        .help(format!("write `intent: {rest}`")),
                );
                rest
            }
            None => name,
        };
        let Some((base, _)) = name.split_once('/') else {
            step.intent = Some(name.to_owned());
            return;
        };
        step.intent = Some(base.to_owned());
        step.full_intent = Some(name.to_owned());
        if !self.is_test {
            self.out.push(
                Diagnostic::warning(
                    codes::FULL_RETRIEVAL_INTENT,
                    format!("stories use the base name of the retrieval intent `{name}`"),
                )
                .at(span, "")
                .help(format!("write `intent: {base}`")),
            );
        }
    }

    fn user_text(&mut self, text: &str, span: Span, step: &mut UserStep) {
        if payload_intent(text).is_some() {
            step.entities = payload_entities(text)
                .into_iter()
                .map(|(entity, value)| StepEntity { entity, value, role: None, group: None, range: None, span })
                .collect();
            step.text = Some(text.to_owned());
            return;
        }
        let read = parse_annotations(text);
        for (_, problem) in read.problems {
            self.out.push(Diagnostic::error(codes::BAD_ANNOTATION, problem).at(span, ""));
        }
        let entity = |found: crate::nlu::EntityAnnotation| StepEntity {
            entity: found.entity,
            value: found.value,
            role: found.role,
            group: found.group,
            range: Some((found.start, found.end)),
            span,
        };
        step.entities = read.entities.into_iter().map(entity).collect();
        step.text = Some(read.text);
    }

    fn entities(&mut self, node: &Node) -> Vec<StepEntity> {
        if node.is_null() {
            return Vec::new();
        }
        let mut entities = Vec::new();
        for item in shape::seq(node, "`entities`", self.out).unwrap_or_default() {
            match &item.value {
                Yaml::Str(name) => {
                    entities.push(StepEntity {
                        entity: name.clone(),
                        value: Value::String(String::new()),
                        role: None,
                        group: None,
                        range: None,
                        span: item.span,
                    });
                }
                Yaml::Map(map) => entities.extend(self.entity(map)),
                _ => self.out.push(shape::wrong_type(item, "an entity", "a name, or `name: value`")),
            }
        }
        entities
    }

    /// `role` and `group` are reserved; any other key is the entity's name.
    fn entity(&mut self, map: &Map) -> Vec<StepEntity> {
        let mut label = |key: &str| {
            let node = map.get(key).filter(|node| !node.is_null())?;
            shape::text(node, &format!("`{key}` of an entity"), self.out).map(str::to_owned)
        };
        let (role, group) = (label("role"), label("group"));
        if !map.iter().any(|(key, _)| key.name != "role" && key.name != "group") {
            let first = map.iter().next().map(|(key, _)| key.span);
            self.out.extend(first.map(|span| empty(span, "this entity has no name and is lost")));
        }
        map.iter()
            .filter(|(key, _)| key.name != "role" && key.name != "group")
            .map(|(key, node)| StepEntity {
                entity: key.name.clone(),
                value: node.to_json(),
                role: role.clone(),
                group: group.clone(),
                range: None,
                span: key.span,
            })
            .collect()
    }

    fn slots(&mut self, node: &Node) -> Vec<SlotStep> {
        let mut slots = Vec::new();
        for item in shape::seq(node, "`slot_was_set`", self.out).unwrap_or_default() {
            match &item.value {
                Yaml::Map(map) if map.iter().next().is_none() => {
                    self.out.push(empty(item.span, "this item of `slot_was_set` names no slot"));
                }
                Yaml::Str(name) => slots.push(SlotStep { name: name.clone(), value: None, span: item.span }),
                Yaml::Map(map) => slots.extend(map.iter().map(|(key, node)| SlotStep {
                    name: key.name.clone(),
                    value: Some(node.to_json()),
                    span: key.span,
                })),
                _ => self.out.push(shape::wrong_type(
                    item,
                    "an item of `slot_was_set`",
                    "a slot's name, or `name: value`",
                )),
            }
        }
        if node.as_seq().is_some_and(<[Node]>::is_empty) {
            self.out.push(empty(node.span, "this `slot_was_set` names no slot"));
        }
        slots
    }

    /// Alternatives: user turns, or one step for every slot. Anything else
    /// drops the whole step (spec §1.5).
    fn or(&mut self, node: &Node) -> Option<Vec<Step>> {
        let items = shape::seq(node, "`or`", self.out)?;
        let mut alternatives = Vec::new();
        for item in items {
            match self.step(item).map(|step| step.kind) {
                Some(StepKind::User(user)) => alternatives.push(Step { kind: StepKind::User(user), span: item.span }),
                Some(StepKind::SlotWasSet(slots)) => alternatives.extend(
                    slots.into_iter().map(|slot| Step { span: slot.span, kind: StepKind::SlotWasSet(vec![slot]) }),
                ),
                _ => {
                    self.out.push(
                        Diagnostic::warning(
                            codes::BAD_OR,
                            "`or` takes only intents and `slot_was_set`; the whole step is skipped",
                        )
                        .at(node.span, "")
                        .at(item.span, "because of this"),
                    );
                    return None;
                }
            }
        }
        if alternatives.is_empty() {
            self.out.push(empty(node.span, "this `or` has no alternatives; the step is skipped"));
            return None;
        }
        Some(alternatives)
    }
}

/// The successor of Rasa 1's step `form: …`.
fn old_form(map: &Map) -> Option<String> {
    let form = map.get("form")?;
    let name = if form.is_null() { "null" } else { form.as_str()? };
    Some(format!("write `- active_loop: {name}`, as this step is called since Rasa 2"))
}

/// Something that says nothing where it should.
fn empty(span: Span, text: &str) -> Diagnostic {
    Diagnostic::warning(codes::UNKNOWN_STEP, text).at(span, "").help("name what is meant, or remove it")
}

/// A step that is text: most often the colon behind its key is missing.
fn key_is_missing(text: &str) -> String {
    shape::with_colon(text, &STEP_KEYS).unwrap_or_else(|| format!("write `- action: {text}` or `- intent: {text}`"))
}

/// Rasa's schema refuses it, too.
fn lost_step(span: Span, help: Option<String>) -> Diagnostic {
    let help = help.unwrap_or_else(|| {
        format!("a step has one of the keys {}", STEP_KEYS.map(|key| format!("`{key}`")).join(", "))
    });
    Diagnostic::error(codes::LOST_STEP, "this step is not recognised").at(span, "").help(help)
}
