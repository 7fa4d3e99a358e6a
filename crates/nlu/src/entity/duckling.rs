//! DucklingEntityExtractor (spec §2.5): a Duckling server reads dates, amounts
//! and the like. Asking it is for whoever drives the pipeline; here are the
//! question and what its answer means.

use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;
use sapa_sdk::Entity;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const NAME: &str = "DucklingEntityExtractor";

/// Options with a meaning.
pub(crate) const OPTIONS: &[&str] = &["url", "dimensions", "locale", "timezone", "timeout"];

/// What a pipeline wants a Duckling server to be asked about each message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DucklingQuery {
    /// Address of the server; `RASA_DUCKLING_HTTP_URL` comes before it.
    pub url: Option<String>,
    /// Dimensions that count; all when `None`.
    pub dimensions: Option<Vec<String>>,
    /// Such as `id_ID`.
    pub locale: Option<String>,
    /// Such as `Asia/Jakarta`.
    pub timezone: Option<String>,
    /// Seconds to wait for an answer.
    pub timeout: f64,
}

struct DucklingEntityExtractor {
    query: DucklingQuery,
}

pub(crate) fn train(config: &ComponentConfig, _: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    let text = |key: &str| options.text(key).map(|text| text.map(str::to_owned));
    let dimensions = match options.get("dimensions") {
        None => None,
        Some(value) => Some(names(value).ok_or_else(|| options.bad("dimensions", "a list of names"))?),
    };
    let timeout = options.number("timeout", 3.0)?;
    if !(timeout > 0.0 && timeout.is_finite()) {
        return Err(options.bad("timeout", "a number of seconds above 0"));
    }
    let query =
        DucklingQuery { url: text("url")?, dimensions, locale: text("locale")?, timezone: text("timezone")?, timeout };
    Ok(Box::new(DucklingEntityExtractor { query }))
}

fn names(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(DucklingEntityExtractor { query: reader.json("query")? }))
}

impl Component for DucklingEntityExtractor {
    fn process(&self, message: &mut Message) {
        let Some(Value::Array(found)) = message.answers.next() else { return };
        let counts = |dimension: &str| {
            self.query.dimensions.as_ref().is_none_or(|wanted| wanted.iter().any(|name| name == dimension))
        };
        for entity in found.iter().filter_map(entity).filter(|entity| counts(&entity.entity)) {
            message.entities.push(entity);
        }
    }

    fn query(&self) -> Option<&DucklingQuery> {
        Some(&self.query)
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("query", &self.query);
    }
}

/// One match of Duckling's as Rasa reports it. Duckling counts characters, as
/// Rasa does.
fn entity(found: &Value) -> Option<Entity> {
    let offset = |key: &str| found.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let details = found.get("value")?;
    let mut entity = Entity::bare(found.get("dim")?.as_str()?, value_of(details));
    (entity.start, entity.end) = (Some(offset("start")?), Some(offset("end")?));
    entity.extractor = Some(NAME.to_owned());
    let text = found.get("body").or_else(|| found.get("text")).cloned().unwrap_or_default();
    entity.rest.insert("text".to_owned(), text);
    entity.rest.insert("confidence".to_owned(), json!(1.0));
    entity.rest.insert("additional_info".to_owned(), details.clone());
    Some(entity)
}

/// An interval is its two ends, anything else its `value`.
fn value_of(details: &Value) -> Value {
    if details.get("type").and_then(Value::as_str) == Some("interval") {
        let end = |key: &str| details.get(key).and_then(|end| end.get("value")).cloned().unwrap_or_default();
        return json!({ "to": end("to"), "from": end("from") });
    }
    details.get("value").cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_becomes_an_entity_with_its_details() {
        let found = json!({ "body": "besok", "start": 4, "end": 9, "dim": "time", "latent": false,
            "value": { "type": "value", "value": "2024-05-02T00:00:00.000+07:00", "grain": "day" } });
        let entity = serde_json::to_value(entity(&found)).unwrap();
        assert_eq!(
            entity,
            json!({ "entity": "time", "start": 4, "end": 9, "value": "2024-05-02T00:00:00.000+07:00",
                "extractor": "DucklingEntityExtractor", "text": "besok", "confidence": 1.0,
                "additional_info": { "type": "value", "value": "2024-05-02T00:00:00.000+07:00", "grain": "day" } })
        );
    }

    #[test]
    fn an_interval_is_its_two_ends_also_when_one_is_open() {
        let details = json!({ "type": "interval", "from": { "value": "a", "grain": "hour" } });
        assert_eq!(value_of(&details), json!({ "to": null, "from": "a" }));
    }
}
