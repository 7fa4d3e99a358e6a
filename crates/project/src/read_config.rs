//! Reading `config.yml` (spec §1.7). Files are never written: where Rasa would
//! fill a key in, the value is filled in memory and a note says so.

use crate::components::{COMPONENTS, Component, Role, Status, default_priority, find};
use crate::imports::{self, Importers};
use crate::yaml::{Map, Node};
use crate::{ComponentConfig, Config, Diagnostic, LoadOptions, Span, codes, removed, shape, substitute, suggest};
use sapa_sdk::JsonMap;
use serde_json::{Value, json};

const CONFIG_KEYS: [&str; 9] =
    ["recipe", "assistant_id", "language", "pipeline", "policies", "importers", "imports", "spaces", "version"];

/// What an option has to be.
#[derive(Clone, Copy)]
enum Wanted {
    Switch,
    /// A whole number from 0 on, or null.
    Count,
    /// Between 0 and 1.
    Share,
    Text,
    Anything,
}

/// Options of policies (spec §3.4), for finding slips; Rasa knows more of them.
const POLICY_OPTIONS: [(&str, Wanted); 12] = [
    ("name", Wanted::Text),
    ("priority", Wanted::Count),
    ("max_history", Wanted::Count),
    ("use_nlu_confidence_as_score", Wanted::Switch),
    ("enable_feature_string_compression", Wanted::Switch),
    ("core_fallback_threshold", Wanted::Share),
    ("core_fallback_action_name", Wanted::Text),
    ("enable_fallback_prediction", Wanted::Switch),
    ("restrict_rules", Wanted::Switch),
    ("check_for_contradictions", Wanted::Switch),
    ("epochs", Wanted::Anything),
    ("constrain_similarities", Wanted::Anything),
];

/// Reads the file's mapping; `file_span` is where findings about missing keys
/// point.
pub(crate) fn read_config(map: &Map, file_span: Span, options: LoadOptions, out: &mut Vec<Diagnostic>) -> Config {
    shape::ignored_keys(map, &CONFIG_KEYS, "config.yml", out);
    let config = Config {
        recipe: recipe(map, file_span, out),
        assistant_id: assistant_id(map, file_span, out),
        language: language(map, file_span, out),
        ..Config::default()
    };
    let asked = Asked { importers: imports::read(map, out), options };
    let mut config = with_defaults(config);
    if let Some(pipeline) = section(map, "pipeline", &asked, file_span, out) {
        let is_complete = map.get("pipeline").and_then(Node::as_seq).is_some_and(|items| items.len() == pipeline.len());
        config.pipeline = if options.substitute { substitute::replace(pipeline, out) } else { pipeline };
        config.pipeline_is_default = false;
        config.has_unknown_components = !is_complete;
        check_pipeline(&config, is_complete, out);
    }
    if let Some(policies) = section(map, "policies", &asked, file_span, out) {
        config.policies = policies;
        config.policies_is_default = false;
        check_priorities(&config.policies, out);
    }
    config
}

/// What decides how sections are read.
struct Asked {
    importers: Importers,
    options: LoadOptions,
}

impl Asked {
    /// The component of that name: Rasa's or our own.
    fn find(&self, name: &str) -> Option<&'static Component> {
        find(name).or_else(|| self.options.own.iter().find(|component| component.name == name))
    }
}

/// A configuration with Rasa's default pipeline and policies (spec §1.7).
pub(crate) fn with_defaults(mut config: Config) -> Config {
    let components = |list: &[(&str, Value)]| -> Vec<ComponentConfig> {
        list.iter()
            .map(|(name, options)| ComponentConfig::implied(name, options.as_object().cloned().unwrap_or_default()))
            .collect()
    };
    config.pipeline = components(&[
        ("WhitespaceTokenizer", json!({})),
        ("RegexFeaturizer", json!({})),
        ("LexicalSyntacticFeaturizer", json!({})),
        ("CountVectorsFeaturizer", json!({})),
        ("CountVectorsFeaturizer", json!({"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4})),
        ("DIETClassifier", json!({"epochs": 100, "constrain_similarities": true})),
        ("EntitySynonymMapper", json!({})),
        ("ResponseSelector", json!({"epochs": 100, "constrain_similarities": true})),
        ("FallbackClassifier", json!({"threshold": 0.3, "ambiguity_threshold": 0.1})),
    ]);
    config.policies = components(&[
        ("MemoizationPolicy", json!({})),
        ("RulePolicy", json!({})),
        ("UnexpecTEDIntentPolicy", json!({"max_history": 5, "epochs": 100})),
        ("TEDPolicy", json!({"max_history": 5, "epochs": 100, "constrain_similarities": true})),
    ]);
    (config.pipeline_is_default, config.policies_is_default) = (true, true);
    config
}

fn recipe(map: &Map, file: Span, out: &mut Vec<Diagnostic>) -> Option<String> {
    let Some(node) = map.get("recipe").filter(|node| !node.is_null()) else {
        out.push(
            Diagnostic::warning(codes::NO_RECIPE, "config.yml names no `recipe`; `default.v1` is used")
                .at(file, "")
                .help("add `recipe: default.v1`"),
        );
        return None;
    };
    let recipe = shape::text(node, "`recipe`", out)?;
    if recipe != "default.v1" {
        out.push(
            Diagnostic::error(codes::UNSUPPORTED_RECIPE, format!("the recipe `{recipe}` is not supported"))
                .at(node.span, "")
                .help("write `recipe: default.v1` with `pipeline` and `policies`"),
        );
    }
    Some(recipe.to_owned())
}

fn assistant_id(map: &Map, file: Span, out: &mut Vec<Diagnostic>) -> Option<String> {
    let missing = |span, text: &str| {
        Diagnostic::note(codes::NO_ASSISTANT_ID, text)
            .at(span, "")
            .help("choose a name that is unique among your assistants, e.g. `assistant_id: helpdesk`")
    };
    let Some(node) = map.get("assistant_id").filter(|node| !node.is_null()) else {
        out.push(missing(file, "config.yml has no `assistant_id`; events will not carry one"));
        return None;
    };
    let id = shape::text(node, "`assistant_id`", out)?;
    if id == "placeholder_default" {
        out.push(missing(node.span, "`assistant_id` is still the placeholder"));
    }
    Some(id.to_owned())
}

fn language(map: &Map, file: Span, out: &mut Vec<Diagnostic>) -> Option<String> {
    let Some(node) = map.get("language").filter(|node| !node.is_null()) else {
        out.push(
            Diagnostic::error(codes::MISSING_LANGUAGE, "config.yml has no `language`")
                .at(file, "")
                .help("add the language's ISO code, e.g. `language: id`"),
        );
        return None;
    };
    shape::text(node, "`language`", out).map(str::to_owned)
}

/// `pipeline` or `policies`; `None` when the file gives none.
fn section(map: &Map, key: &str, asked: &Asked, file: Span, out: &mut Vec<Diagnostic>) -> Option<Vec<ComponentConfig>> {
    let entry = map.entry(key);
    let Some((_, node)) = entry.filter(|(_, node)| !node.is_null()) else {
        let span = entry.map_or(file, |(key, _)| key.span);
        if !asked.importers.fill_in_defaults() {
            out.push(
                Diagnostic::error(codes::NO_DEFAULTS, format!("`{key}` is empty, and several projects are read"))
                    .at(span, "")
                    .help(format!("list the components under `{key}:`; the defaults are used for one project only")),
            );
            return None;
        }
        let is = if key == "policies" { "are" } else { "is" };
        out.push(
            Diagnostic::note(codes::DEFAULTS_USED, format!("`{key}` is empty; Rasa's default {key} {is} used"))
                .at(span, "")
                .help(format!(
                    "list the components under `{key}:` to choose them yourself; {}",
                    default_stand_ins(key)
                )),
        );
        return None;
    };
    let items = shape::seq(node, &format!("`{key}`"), out)?;
    Some(items.iter().filter_map(|item| component(item, key, asked, out)).collect())
}

fn default_stand_ins(key: &str) -> String {
    let defaults = with_defaults(Config::default());
    let list = if key == "pipeline" { defaults.pipeline } else { defaults.policies };
    let named: Vec<String> = list
        .iter()
        .filter_map(|component| match find(&component.name)?.status {
            Status::StandIn(by) => Some(format!("{} is served by {by}", component.name)),
            _ => None,
        })
        .collect();
    named.join("; ")
}

fn component(item: &Node, section: &str, asked: &Asked, out: &mut Vec<Diagnostic>) -> Option<ComponentConfig> {
    if let Some(name) = item.as_str() {
        out.push(
            shape::wrong_type(item, &format!("an item of `{section}`"), "a mapping with the key `name`")
                .help(shape::with_colon(name, &["name"]).unwrap_or_else(|| format!("write `- name: {name}`"))),
        );
        return None;
    }
    let map = shape::map(item, &format!("an item of `{section}`"), out)?;
    let node = shape::required(map, "name", &format!("an item of `{section}`"), item.span, out)?;
    let name = shape::text(node, "the name of a component", out)?;
    let Some(known) = asked.find(name) else {
        out.push(unknown_component(name, section, asked, node.span));
        return None;
    };
    if (known.role == Role::Policy) != (section == "policies") {
        let right = if known.role == Role::Policy { "policies" } else { "pipeline" };
        out.push(
            Diagnostic::error(codes::WRONG_SECTION, format!("`{name}` belongs under `{right}`"))
                .at(node.span, "")
                .help(format!("move it to `{right}:`")),
        );
        return None;
    }
    if !(asked.options.substitute && substitute::has_substitute(known.name)) {
        report_status(known, node.span, out);
    }
    if known.role == Role::Policy {
        shape::near_misses(map, &POLICY_OPTIONS.map(|(key, _)| key), known.name, out);
        check_policy_options(map, known.name, out);
    }
    let options = map
        .iter()
        .filter(|(key, _)| key.name != "name")
        .map(|(key, node)| (key.name.clone(), node.to_json()))
        .collect::<JsonMap>();
    let option_spans =
        map.iter().filter(|(key, _)| key.name != "name").map(|(key, node)| (key.name.clone(), node.span)).collect();
    Some(ComponentConfig { name: known.name.to_owned(), options, span: node.span, option_spans })
}

/// Values that are not what the policy's option has to be.
fn check_policy_options(map: &Map, policy: &str, out: &mut Vec<Diagnostic>) {
    for (key, wanted) in POLICY_OPTIONS {
        let Some(node) = map.get(key).filter(|node| !node.is_null()) else { continue };
        let value = node.to_json();
        let (is_right, expected) = match wanted {
            Wanted::Switch => (value.is_boolean(), "true or false"),
            Wanted::Count => (value.is_u64(), "a whole number from 0 on"),
            Wanted::Share => (value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)), "a number from 0 to 1"),
            Wanted::Text => (value.is_string(), "a text"),
            Wanted::Anything => (true, ""),
        };
        if matches!(wanted, Wanted::Share) && value.is_number() && !is_right {
            out.push(odd_threshold(key, policy, node.span));
        } else if !is_right {
            out.push(
                Diagnostic::error(codes::BAD_OPTION, format!("option `{key}` of {policy} must be {expected}"))
                    .at(node.span, "")
                    .help("correct the option or remove it to use the default"),
            );
        }
    }
}

/// A threshold that confidences, which are between 0 and 1, never cross.
pub fn odd_threshold(key: &str, component: &str, span: Span) -> Diagnostic {
    let message = format!("`{key}` of {component} is not between 0 and 1, as all confidences are");
    Diagnostic::warning(codes::ODD_THRESHOLD, message)
        .at(span, "")
        .help("write a share such as 0.3; at 0 nothing is doubted, at 1 nearly everything")
}

fn unknown_component(name: &str, section: &str, asked: &Asked, span: Span) -> Diagnostic {
    if let Some(successor) = removed::successor(name) {
        return Diagnostic::error(codes::UNKNOWN_COMPONENT, format!("`{name}` was removed from Rasa before version 3"))
            .at(span, "")
            .help(successor);
    }
    if is_of_rasa_pro(name) {
        return Diagnostic::error(codes::REFUSED_COMPONENT, format!("`{name}` is a component of Rasa Pro (CALM)"))
            .at(span, "")
            .help("flows and their language models are not served; of intents, rules and stories this component is no part: remove it");
    }
    if name.contains('.') {
        return Diagnostic::error(
            codes::REFUSED_COMPONENT,
            format!("`{name}` is a Python class, which cannot be loaded"),
        )
        .at(span, "")
        .help("use a built-in component, or move the logic to a custom action");
    }
    let is_policy = section == "policies";
    let fitting = COMPONENTS
        .iter()
        .chain(asked.options.own)
        .filter(|component| (component.role == Role::Policy) == is_policy)
        .map(|component| component.name);
    Diagnostic::error(codes::UNKNOWN_COMPONENT, format!("`{name}` is not a component of Rasa 3.6"))
        .at(span, "")
        .help(suggest::cure(name, fitting, "see Rasa's list of components; those of older versions were removed"))
}

/// Components that Rasa's open source edition never had.
fn is_of_rasa_pro(name: &str) -> bool {
    let parts = ["CommandGenerator", "CommandAdapter", "FlowPolicy", "EnterpriseSearchPolicy", "IntentlessPolicy"];
    parts.iter().any(|part| name.ends_with(part)) || name.starts_with("LLM")
}

fn report_status(component: &Component, span: Span, out: &mut Vec<Diagnostic>) {
    match component.status {
        Status::Native => {}
        Status::StandIn(by) => {
            out.push(
                Diagnostic::note(codes::STAND_IN, format!("`{}` is served by a stand-in: {by}", component.name))
                    .at(span, ""),
            );
        }
        Status::Refused(cure) => {
            let more = if substitute::has_substitute(component.name) { "; or train with `--substitute`" } else { "" };
            out.push(
                Diagnostic::error(codes::REFUSED_COMPONENT, format!("`{}` cannot be served", component.name))
                    .at(span, "")
                    .help(format!("{cure}{more}")),
            );
        }
    }
}

/// Tokenizers, and the order of components; the order only where every
/// component is known (`is_complete`).
fn check_pipeline(config: &Config, is_complete: bool, out: &mut Vec<Diagnostic>) {
    let mut tokenizer: Option<&ComponentConfig> = None;
    let mut has = (false, false);
    for component in &config.pipeline {
        let Some(role) = find(&component.name).map(|known| known.role) else { continue };
        if role == Role::Tokenizer {
            match tokenizer {
                Some(first) => out.push(
                    Diagnostic::error(codes::SEVERAL_TOKENIZERS, "a pipeline can have only one tokenizer")
                        .at(component.span, "the second one")
                        .at(first.span, "the first one")
                        .help("remove one of them"),
                ),
                None => tokenizer = Some(component),
            }
        }
        let needs = match (component.name.as_str(), role) {
            (_, Role::Featurizer) if tokenizer.is_none() => Some("a tokenizer"),
            ("LogisticRegressionClassifier" | "SklearnIntentClassifier" | "DIETClassifier" | "ResponseSelector", _)
                if !has.0 =>
            {
                Some("a featurizer")
            }
            ("CRFEntityExtractor", _) if tokenizer.is_none() => Some("a tokenizer"),
            ("FallbackClassifier", _) if !has.1 => Some("an intent classifier"),
            _ => None,
        };
        if let Some(needs) = needs.filter(|_| is_complete) {
            out.push(
                Diagnostic::error(codes::COMPONENT_ORDER, format!("`{}` needs {needs} before it", component.name))
                    .at(component.span, "")
                    .help(format!("put {needs} above it in the pipeline")),
            );
        }
        has = (has.0 || role == Role::Featurizer, has.1 || role == Role::Classifier);
    }
    // A pattern may split what blanks do not.
    let tokenizer = tokenizer.filter(|tokenizer| !tokenizer.options.contains_key("token_pattern"));
    if let (Some(tokenizer), Some(language @ ("zh" | "ja" | "th"))) = (tokenizer, config.language.as_deref()) {
        out.push(
            Diagnostic::error(
                codes::REFUSED_COMPONENT,
                format!("`{}` cannot split the language `{language}`", tokenizer.name),
            )
            .at(tokenizer.span, "")
            .help("this language is written without spaces; a `token_pattern` may say what a token is, e.g. '[㐀-鿿]|[^㐀-鿿]+'"),
        );
    }
}

fn check_priorities(policies: &[ComponentConfig], out: &mut Vec<Diagnostic>) {
    let priority = |policy: &ComponentConfig| {
        policy.options.get("priority").and_then(Value::as_i64).unwrap_or_else(|| default_priority(&policy.name))
    };
    for (at, policy) in policies.iter().enumerate() {
        if let Some(first) = policies.iter().take(at).find(|first| priority(first) == priority(policy)) {
            out.push(
                Diagnostic::warning(
                    codes::SAME_PRIORITY,
                    format!("`{}` and `{}` have the same priority {}", first.name, policy.name, priority(policy)),
                )
                .at(policy.span, "")
                .at(first.span, "")
                .help("give one of them another `priority`, or remove one"),
            );
        }
    }
}
