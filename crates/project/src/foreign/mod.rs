//! NLU data in formats other than Rasa's YAML (spec §1.1): which format a file
//! is, and the reading of each. JSON is YAML, so values come with places.

mod dialogflow;
mod json;
mod luis;
mod rasa_json;
mod wit;

use crate::load::DATA_KEYS;
use crate::read_nlu::NluReader;
use crate::yaml::{Map, Node};
use crate::{Diagnostic, Span, codes};

/// What a data file is, by its content and, for Dialogflow's lists, its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Rasa's own: NLU data, stories, rules, domain keys.
    Rasa,
    /// `rasa_nlu_data`.
    RasaJson,
    /// LUIS, `luis_schema_version`.
    Luis,
    /// wit.ai, `utterances`.
    Wit,
    /// An intent of Dialogflow; its examples stand in a file beside it.
    DialogflowIntent,
    /// An entity of Dialogflow; its entries stand in a file beside it.
    DialogflowEntity,
    /// Files of a Dialogflow export that are read by way of another, or not at
    /// all.
    DialogflowPart,
    /// JSON that is nothing of the above, or another program's mapping.
    OtherJson,
}

/// The format of a file, tried in Rasa's order (spec §1.1). Only files that end
/// in `.json` can be Dialogflow's, whose keys are common words.
pub(crate) fn format(path: &str, root: &Node) -> Format {
    let is_json = path.to_lowercase().ends_with(".json");
    let map = root.as_map();
    let has = |key: &str| map.is_some_and(|map| map.get(key).is_some());
    let list = |key: &str| map.and_then(|map| map.get(key)).is_some_and(|node| node.as_seq().is_some());
    if has("luis_schema_version") {
        Format::Luis
    } else if has("utterances") {
        Format::Wit
    } else if has("rasa_nlu_data") {
        Format::RasaJson
    } else if !is_json {
        Format::Rasa
    } else if has("supportedLanguages") || map.is_some_and(|map| map.entries.len() == 1 && has("version")) {
        Format::DialogflowPart
    } else if list("responses") {
        Format::DialogflowIntent
    } else if has("isEnum") {
        Format::DialogflowEntity
    } else if root.as_seq().is_some() {
        let is_part = path.contains("_usersays_") || path.contains("_entries_");
        if is_part { Format::DialogflowPart } else { Format::OtherJson }
    } else {
        Format::Rasa
    }
}

/// The format of a file that was found rather than named: JSON with none of the
/// keys of training data is another program's, whatever its keys are called.
pub(crate) fn unless_json(format: Format, path: &str, root: &Node) -> Format {
    let is_json = path.to_lowercase().ends_with(".json");
    let has_data = root.as_map().is_some_and(|map| DATA_KEYS.iter().any(|key| map.get(key).is_some()));
    if format == Format::Rasa && is_json && !has_data { Format::OtherJson } else { format }
}

/// A file among the others, for formats that spread over several.
pub(crate) struct Sibling<'n> {
    /// Its path.
    pub path: &'n str,
    /// Its content.
    pub root: &'n Node,
}

/// Reads a file of a foreign format. `language` chooses among the files of a
/// Dialogflow export.
pub(crate) fn read(
    format: Format,
    file: &Sibling<'_>,
    others: &[Sibling<'_>],
    language: &str,
    nlu: &mut NluReader<'_>,
    out: &mut Vec<Diagnostic>,
) {
    match (format, file.root.as_map()) {
        (Format::RasaJson, Some(map)) => rasa_json::read(map, nlu, out),
        (Format::Luis, Some(map)) => luis::read(map, file.root.span, nlu, out),
        (Format::Wit, Some(map)) => wit::read(map, nlu, out),
        (Format::DialogflowIntent, Some(map)) => {
            let says = dialogflow::part(file, others, "usersays", language, out);
            dialogflow::read_intent(map, file.root.span, says, nlu, out);
        }
        (Format::DialogflowEntity, Some(map)) => {
            let entries = dialogflow::part(file, others, "entries", language, out);
            dialogflow::read_entity(map, file.root.span, entries, nlu, out);
        }
        (Format::OtherJson, _) => out.push(holds_nothing(file.path, file.root.span)),
        _ => {}
    }
}

/// A note that a data file holds no training data.
pub(crate) fn holds_nothing(path: &str, root: Span) -> Diagnostic {
    Diagnostic::note(codes::NOTHING_IN_FILE, format!("{path} holds no training data"))
        .at(Span { end: root.start, ..root }, "")
        .help("training data stands under `nlu:`, `stories:`, `rules:` or `responses:`")
}

/// The value of a key that is no text but should be.
fn text_under<'n>(map: &'n Map, key: &str) -> Option<&'n str> {
    map.get(key)?.as_str()
}
