//! Entities by linear-chain taggers over token features: one for the entity,
//! and, if the training data have any, one each for roles and groups, which also
//! see the entity (spec §2.5). An averaged perceptron is trained; probabilities
//! are calibrated on held-out messages.

use super::tags::{SplitByComma, TagScheme};
use super::token_features::TokenFeatures;
use crate::LoadError;
use crate::message::Message;
use crate::sections::{SectionReader, SectionWriter};
use crate::train::TrainContext;
use sapa_learn::tagger::TaggedSequence;
use sapa_learn::{Tagger, TaggerModel, TaggerOptions, Vocabulary};
use sapa_project::Diagnostic;
use sapa_project::nlu::{EntityAnnotation, Example};
use sapa_sdk::Entity;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Every so many messages one is held out for calibration.
const HOLD_OUT: usize = 5;
/// Fewer messages are not worth calibrating.
const CALIBRATE_FROM: usize = 25;
/// More messages are not needed to find a temperature.
const CALIBRATE_WITH: usize = 1500;
/// From so many messages on fewer passes do.
const MANY: usize = 2000;

/// How an extractor tags.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaggingOptions {
    /// BILOU or plain tags.
    pub bilou: bool,
    /// `split_entities_by_comma`.
    pub split_by_comma: SplitByComma,
    /// Feature names, the token's own in the middle.
    pub windows: Vec<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    extractor: String,
    options: TaggingOptions,
    pattern_names: Vec<String>,
    has_roles: bool,
    has_groups: bool,
}

/// Trained taggers of one extractor.
pub(crate) struct EntityTagger {
    stored: Stored,
    features: TokenFeatures,
    entities: AttributeTagger,
    roles: Option<AttributeTagger>,
    groups: Option<AttributeTagger>,
}

impl EntityTagger {
    /// Trains on all examples; `None` if none has an entity.
    pub fn train(extractor: &str, options: TaggingOptions, context: &mut TrainContext) -> Option<Self> {
        if context.data.examples.iter().all(|example| example.entities.is_empty()) {
            return None;
        }
        let features = TokenFeatures::new(&options.windows, &context.pattern_names);
        let examples = &context.data.examples;
        let misaligned =
            examples.iter().zip(&context.messages).filter_map(|(e, m)| misaligned(e, m)).collect::<Vec<_>>();
        let train = |bilou: bool, with_tags: bool, attribute: &Attribute| {
            AttributeTagger::train(bilou, with_tags, attribute, &features, context)
        };
        let entities = train(options.bilou, false, &|a| Some(&a.entity))?;
        let roles = train(false, true, &|a| a.role.as_deref());
        let groups = train(false, true, &|a| a.group.as_deref());
        let pattern_names = context.pattern_names.clone();
        context.diagnostics.extend(misaligned);
        let stored = Stored {
            extractor: extractor.to_owned(),
            options,
            pattern_names,
            has_roles: roles.is_some(),
            has_groups: groups.is_some(),
        };
        Some(Self { stored, features, entities, roles, groups })
    }

    /// The entities of a message.
    pub fn entities(&self, message: &Message) -> Vec<Entity> {
        let tokens = message.tokens();
        let (labels, confidences) = self.entities.tag(&self.features, message, None);
        let scheme = &self.entities.scheme;
        let spans = scheme.spans(&labels, tokens, |name, gap| self.stored.options.split_by_comma.joins(name, gap));
        if spans.is_empty() {
            return Vec::new();
        }
        let tags: Vec<&str> = labels.iter().map(|&label| scheme.name(label as usize).unwrap_or("O")).collect();
        let tag = |tagger: &AttributeTagger| tagger.tag(&self.features, message, Some(&tags));
        let roles = self.roles.as_ref().map(|roles| (roles, tag(roles)));
        let groups = self.groups.as_ref().map(|groups| (groups, tag(groups)));
        let mut entities = Vec::with_capacity(spans.len());
        for (first, end) in spans {
            let (from, to) = (tokens[first], tokens[end - 1]);
            let lowest = confidences[first..end].iter().copied().fold(1.0, f64::min);
            let mut entity = Entity {
                start: Some(from.start),
                end: Some(to.end),
                confidence_entity: Some(lowest),
                extractor: Some(self.stored.extractor.clone()),
                ..Entity::bare(tags[first], json!(message.text.get(from.from..to.to).unwrap_or_default()))
            };
            if let Some((name, confidence)) = roles.as_ref().and_then(|(tagger, found)| tagger.vote(found, first, end))
            {
                entity.role = Some(name);
                entity.rest.insert("confidence_role".to_owned(), json!(confidence));
            }
            if let Some((name, confidence)) = groups.as_ref().and_then(|(tagger, found)| tagger.vote(found, first, end))
            {
                entity.group = Some(name);
                entity.rest.insert("confidence_group".to_owned(), json!(confidence));
            }
            entities.push(entity);
        }
        entities
    }

    /// Writes everything.
    pub fn save(&self, writer: &mut SectionWriter) {
        writer.json("tagging", &self.stored);
        self.entities.save("entities", writer);
        if let Some(roles) = &self.roles {
            roles.save("roles", writer);
        }
        if let Some(groups) = &self.groups {
            groups.save("groups", writer);
        }
    }

    /// Reads what [`EntityTagger::save`] wrote.
    pub fn load(reader: &SectionReader) -> Result<Self, LoadError> {
        let stored: Stored = reader.json("tagging")?;
        let optional = |present: bool, name| present.then(|| AttributeTagger::load(name, reader)).transpose();
        Ok(Self {
            features: TokenFeatures::new(&stored.options.windows, &stored.pattern_names),
            entities: AttributeTagger::load("entities", reader)?,
            roles: optional(stored.has_roles, "roles")?,
            groups: optional(stored.has_groups, "groups")?,
            stored,
        })
    }
}

/// A finding if an annotation's ends are not ends of tokens: the tagger cannot
/// learn it as it stands.
fn misaligned(example: &Example, message: &Message) -> Option<Diagnostic> {
    let tokens = message.tokens();
    let fits = |annotation: &&EntityAnnotation| {
        tokens.iter().any(|token| token.start == annotation.start)
            && tokens.iter().any(|token| token.end == annotation.end)
    };
    let wrong = example.entities.iter().find(|annotation| !fits(annotation))?;
    let message = format!("the annotation of entity `{}` does not begin and end with whole tokens", wrong.entity);
    let help = "annotate whole words, without the punctuation around them";
    Some(Diagnostic::warning(sapa_project::codes::MISALIGNED_ENTITY, message).at(example.span, "").help(help))
}

/// The part of an annotation a tagger predicts.
type Attribute<'a> = dyn Fn(&EntityAnnotation) -> Option<&str> + 'a;

/// Labels of the tokens, and each token's confidence in its label.
type Tagged = (Vec<u32>, Vec<f64>);

struct AttributeTagger {
    scheme: TagScheme,
    vocabulary: Vocabulary,
    tagger: Tagger,
}

impl AttributeTagger {
    fn train(
        bilou: bool,
        with_tags: bool,
        attribute: &Attribute,
        features: &TokenFeatures,
        context: &TrainContext,
    ) -> Option<Self> {
        let annotations = context.data.examples.iter().flat_map(|example| &example.entities);
        let names: BTreeSet<&str> = annotations.filter_map(attribute).collect();
        if names.is_empty() {
            return None;
        }
        let scheme = TagScheme { bilou, names: names.into_iter().map(str::to_owned).collect() };
        let mut ids: BTreeMap<String, u32> = BTreeMap::new();
        let mut sequences = Vec::with_capacity(context.messages.len());
        for (example, message) in context.data.examples.iter().zip(&context.messages) {
            let covers: Vec<Option<(usize, &EntityAnnotation)>> =
                message.tokens().iter().map(|token| covering(example, token.start, token.end)).collect();
            let tags: Vec<&str> = covers.iter().map(|cover| cover.map_or("O", |(_, a)| a.entity.as_str())).collect();
            let mut sequence = TaggedSequence { features: vec![Vec::new(); tags.len()], labels: Vec::new() };
            features.for_each(message, with_tags.then_some(&tags), |token, feature| {
                let next = ids.len() as u32;
                let id = match ids.get(feature) {
                    Some(id) => *id,
                    None => *ids.entry(feature.to_owned()).or_insert(next),
                };
                sequence.features[token].push(id);
            });
            let named: Vec<Option<(usize, &str)>> =
                covers.iter().map(|cover| cover.and_then(|(number, a)| Some((number, attribute(a)?)))).collect();
            sequence.labels = scheme.encode(&named);
            sequences.push(sequence);
        }
        let mut terms = vec![""; ids.len()];
        ids.iter().for_each(|(term, id)| terms[*id as usize] = term);
        let mut model = train_calibrated(&sequences, ids.len(), &scheme);
        let mut kept = Vec::new();
        model.retain_features(|id, weights| {
            let keep = weights.iter().any(|weight| *weight != 0.0);
            kept.extend(keep.then_some(terms[id]));
            keep
        });
        Some(Self { scheme, vocabulary: Vocabulary::new(kept), tagger: Tagger::new(model) })
    }

    /// Labels and confidences of a message's tokens.
    fn tag(&self, features: &TokenFeatures, message: &Message, tags: Option<&[&str]>) -> Tagged {
        let mut ids = vec![Vec::new(); message.tokens().len()];
        features.for_each(message, tags, |token, feature| ids[token].extend(self.vocabulary.id(feature)));
        let (labels, marginals) = self.tagger.tag(&ids);
        let rows = marginals.chunks(self.scheme.labels());
        // Without marginals nothing was found, and nobody asks.
        let confidences = match marginals.is_empty() {
            true => vec![0.0; labels.len()],
            false => labels.iter().zip(rows).map(|(&label, row)| self.scheme.confidence(label as usize, row)).collect(),
        };
        (labels, confidences)
    }

    /// The name most tokens of a span bear (ties: the first token's), with the
    /// lowest confidence among those that bear it.
    fn vote(&self, (labels, confidences): &Tagged, first: usize, end: usize) -> Option<(String, f64)> {
        let labels = labels.get(first..end)?;
        let votes = |label: u32| labels.iter().filter(|other| **other == label).count();
        let winner = labels.iter().copied().rev().max_by_key(|label| votes(*label))?;
        let name = self.scheme.name(winner as usize)?.to_owned();
        let bearing = labels.iter().zip(&confidences[first..end]).filter(|(label, _)| **label == winner);
        Some((name, bearing.map(|(_, confidence)| *confidence).fold(1.0, f64::min)))
    }

    fn save(&self, name: &str, writer: &mut SectionWriter) {
        let model = self.tagger.model();
        writer.json(&format!("{name}.scheme"), &(&self.scheme, model.temperature));
        writer.json(&format!("{name}.vocabulary"), &self.vocabulary.iter().collect::<Vec<_>>());
        writer.floats(&format!("{name}.emissions"), &model.emissions);
        writer.floats(&format!("{name}.transitions"), &model.transitions);
    }

    fn load(name: &str, reader: &SectionReader) -> Result<Self, LoadError> {
        let (scheme, temperature): (TagScheme, f32) = reader.json(&format!("{name}.scheme"))?;
        let terms: Vec<std::borrow::Cow<str>> = reader.json(&format!("{name}.vocabulary"))?;
        let vocabulary = Vocabulary::new(terms);
        let labels = scheme.labels();
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(reader.malformed(&format!("{name}.scheme")));
        }
        let model = TaggerModel {
            labels,
            emissions: reader.floats(&format!("{name}.emissions"), vocabulary.len().saturating_mul(labels))?,
            transitions: reader.floats(&format!("{name}.transitions"), (labels + 2).saturating_mul(labels))?,
            temperature,
        };
        Ok(Self { scheme, vocabulary, tagger: Tagger::new(model) })
    }
}

/// The first annotation that covers a token, with its number.
fn covering(example: &Example, start: usize, end: usize) -> Option<(usize, &EntityAnnotation)> {
    example.entities.iter().enumerate().find(|(_, annotation)| annotation.start <= start && end <= annotation.end)
}

/// Trains on all messages; the temperature is found by training on four fifths
/// of (at most so many of) them and judging the rest.
fn train_calibrated(sequences: &[TaggedSequence], features: usize, scheme: &TagScheme) -> TaggerModel {
    let transitions = scheme.transitions();
    let passes = if sequences.len() < MANY { 10 } else { 6 };
    let options = TaggerOptions { passes, ..TaggerOptions::default() };
    let mut model = TaggerModel::train(sequences, features, &transitions, &options);
    if sequences.len() >= CALIBRATE_FROM {
        let step = sequences.len().div_ceil(CALIBRATE_WITH);
        let sample: Vec<&TaggedSequence> = sequences.iter().step_by(step).collect();
        let part = |held_out: bool| -> Vec<TaggedSequence> {
            let is_held_out = |at: usize| at % HOLD_OUT == HOLD_OUT - 1;
            let chosen = sample.iter().enumerate().filter(|(at, _)| is_held_out(*at) == held_out);
            chosen.map(|(_, sequence)| (*sequence).clone()).collect()
        };
        let mut probe = TaggerModel::train(&part(false), features, &transitions, &options);
        probe.calibrate(&part(true));
        model.temperature = probe.temperature;
    }
    model
}
