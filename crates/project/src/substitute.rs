//! What stands in for NLU components that cannot be served, when the caller asks
//! for it (`--substitute`): our own tokenizer, features and extractor.

use crate::components::{Role, find};
use crate::{ComponentConfig, Diagnostic, codes};
use sapa_sdk::JsonMap;
use serde_json::{Value, json};

/// Splits every Chinese character off, and what stands between them.
const CHINESE_CHARACTERS: &str = "[㐀-鿿]|[^㐀-鿿]+";
/// Options that mean the same in the substitute.
const KEPT_OPTIONS: [&str; 3] = ["alias", "intent_tokenization_flag", "intent_split_symbol"];

/// Our component for one that is refused; without a name it is left out.
struct Substitute {
    name: Option<&'static str>,
    options: Value,
}

/// The substitute of a component; `None` for what can only be refused.
fn substitute(name: &str) -> Option<Substitute> {
    let of = |name, options| Some(Substitute { name, options });
    match name {
        "JiebaTokenizer" => of(Some("WhitespaceTokenizer"), json!({"token_pattern": CHINESE_CHARACTERS})),
        "MitieTokenizer" | "SpacyTokenizer" => of(Some("WhitespaceTokenizer"), json!({})),
        "SpacyFeaturizer" | "MitieFeaturizer" | "ConveRTFeaturizer" | "LanguageModelFeaturizer" => {
            of(Some("CountVectorsFeaturizer"), json!({"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}))
        }
        "MitieIntentClassifier" => of(Some("LogisticRegressionClassifier"), json!({})),
        "SpacyEntityExtractor" | "MitieEntityExtractor" => of(Some("CRFEntityExtractor"), json!({})),
        "SpacyNLP" | "MitieNLP" => of(None, json!({})),
        _ => None,
    }
}

/// Whether a component has a substitute.
pub(crate) fn has_substitute(name: &str) -> bool {
    substitute(name).is_some()
}

/// Puts substitutes into a pipeline, each with a note at its place. One that is
/// in the pipeline already is not put there twice.
pub(crate) fn replace(pipeline: Vec<ComponentConfig>, out: &mut Vec<Diagnostic>) -> Vec<ComponentConfig> {
    let mut replaced: Vec<ComponentConfig> = Vec::with_capacity(pipeline.len());
    for (at, component) in pipeline.iter().enumerate() {
        let Some(Substitute { name, options }) = substitute(&component.name) else {
            replaced.push(component.clone());
            continue;
        };
        let Some(name) = name else {
            out.push(note(component, "left out"));
            continue;
        };
        let mut own = ComponentConfig { span: component.span, ..ComponentConfig::implied(name, as_map(options)) };
        let rest = pipeline.iter().skip(at + 1);
        if replaced.iter().chain(rest).any(|other| serves(other, &own)) {
            out.push(note(component, &format!("left out, as {name} is in the pipeline")));
            continue;
        }
        let kept = component.options.iter().filter(|(key, _)| KEPT_OPTIONS.contains(&key.as_str()));
        own.options.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
        out.push(note(component, &format!("replaced by {name}")));
        replaced.push(own);
    }
    replaced
}

fn as_map(options: Value) -> JsonMap {
    match options {
        Value::Object(map) => map,
        _ => JsonMap::new(),
    }
}

/// Whether a component of the pipeline does what a substitute would do.
fn serves(other: &ComponentConfig, own: &ComponentConfig) -> bool {
    let is_extractor = find(&own.name).is_some_and(|known| known.role == Role::Extractor);
    match other.name.as_str() {
        "DIETClassifier" => is_extractor,
        "CountVectorsFeaturizer" => {
            other.name == own.name && other.options.get("analyzer") == own.options.get("analyzer")
        }
        name => name == own.name,
    }
}

fn note(component: &ComponentConfig, what: &str) -> Diagnostic {
    let found_less = match component.name.as_str() {
        "SpacyEntityExtractor" => "; only entities that examples annotate are found",
        _ => "",
    };
    Diagnostic::note(codes::SUBSTITUTED, format!("`{}` is {what}{found_less}", component.name)).at(component.span, "")
}
