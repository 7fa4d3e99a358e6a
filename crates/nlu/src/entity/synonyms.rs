//! EntitySynonymMapper (spec §2.5).

use crate::message::Message;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;
use sapa_project::nlu::{Example, Synonym};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

const NAME: &str = "EntitySynonymMapper";

/// Lower-cased text to canonical value.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct EntitySynonymMapper(BTreeMap<String, String>);

pub(crate) fn train(_: &ComponentConfig, context: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    Ok(Box::new(EntitySynonymMapper::new(&context.data.synonyms, &context.data.examples)))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(reader.json::<EntitySynonymMapper>("synonyms")?))
}

impl EntitySynonymMapper {
    /// A later definition wins. Values, annotated ones too, map from their own
    /// lower-case form, the first spelling winning, unless something else is said of it
    /// (spec §2.5; `EntitySynonymMapper._add_entities_if_synonyms`).
    fn new(synonyms: &[Synonym], examples: &[Example]) -> Self {
        let mut map: BTreeMap<String, String> = BTreeMap::new();
        for Synonym { text, value, .. } in synonyms {
            if text != value {
                map.insert(text.to_lowercase(), value.clone());
            }
            map.entry(value.to_lowercase()).or_insert_with(|| value.clone());
        }
        for entity in examples.iter().flat_map(|example| &example.entities) {
            if let Value::String(value) = &entity.value {
                map.entry(value.to_lowercase()).or_insert_with(|| value.clone());
            }
        }
        Self(map)
    }
}

/// A value as text, lower-cased.
fn key(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        other => other.to_string().to_lowercase(),
    }
}

impl Component for EntitySynonymMapper {
    fn process(&self, message: &mut Message) {
        for entity in &mut message.entities {
            if let Some(canonical) = self.0.get(&key(&entity.value)) {
                entity.value = Value::String(canonical.clone());
                entity.processors.push(NAME.to_owned());
            }
        }
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("synonyms", self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapa_sdk::Entity;
    use serde_json::json;

    fn mapped(value: Value) -> (Value, Vec<String>) {
        let synonym =
            |text: &str, value: &str| Synonym { text: text.into(), value: value.into(), span: Default::default() };
        let mapper = EntitySynonymMapper::new(
            &[
                synonym("NYC", "Boston"),
                synonym("nyc", "New York City"),
                synonym("5", "lima"),
                synonym("kota abadi", "Rome"),
            ],
            &[],
        );
        let mut message = Message::new("x");
        message.entities.push(Entity::bare("city", value));
        mapper.process(&mut message);
        let entity = message.entities.remove(0);
        (entity.value, entity.processors)
    }

    #[test]
    fn the_last_definition_wins_whatever_the_case() {
        assert_eq!(mapped(json!("Nyc")), (json!("New York City"), vec!["EntitySynonymMapper".to_owned()]));
    }

    #[test]
    fn canonical_values_map_from_their_lower_case_form() {
        assert_eq!(mapped(json!("rome")).0, json!("Rome"));
    }

    #[test]
    fn numbers_map_by_their_text_and_unknown_values_stay() {
        assert_eq!(mapped(json!(5)).0, json!("lima"));
        assert_eq!(mapped(json!("paris")), (json!("paris"), vec![]));
        assert_eq!(mapped(json!({"from": 1})).0, json!({"from": 1}));
    }
}
