//! Entities by linear-chain taggers over token features: one for the entity,
//! and, if the training data have any, one each for roles and groups, which also
//! see the entity (spec §2.5). Probabilities are calibrated on held-out messages.

use super::attribute::{Attribute, AttributeTagger, Confident, Opinions, TrainingSet, spans};
use super::gazetteer::Gazetteer;
use super::tags::SplitByComma;
use super::token_features::{Featurized, TokenFeatures};
use super::words::Words;
use crate::LoadError;
use crate::message::{Message, Token};
use crate::sections::{SectionReader, SectionWriter};
use crate::train::TrainContext;
use sapa_project::Diagnostic;
use sapa_project::nlu::{EntityAnnotation, Example};
use sapa_sdk::Entity;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// How an extractor tags.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaggingOptions {
    /// Labels that tell neighbouring entities apart, or plain ones.
    pub bilou: bool,
    /// `split_entities_by_comma`.
    pub split_by_comma: SplitByComma,
    /// Feature names, the token's own in the middle.
    pub windows: Vec<Vec<String>>,
    /// Whether our own features and a network come to those of the windows.
    pub own_features: bool,
    /// Whether entities are looked for. A tagger that looks for none has its
    /// network alone, which tells intents.
    pub entities: bool,
}

impl TaggingOptions {
    fn features(&self, pattern_names: &[String], entity_names: &[String]) -> TokenFeatures {
        match self.entities {
            true => TokenFeatures::new(&self.windows, self.own_features, pattern_names, entity_names),
            false => TokenFeatures::of_bag_alone(pattern_names),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    extractor: String,
    options: TaggingOptions,
    pattern_names: Vec<String>,
    /// Words of the longest known value.
    longest_value: usize,
    has_roles: bool,
    has_groups: bool,
}

/// Trained taggers of one extractor.
pub(crate) struct EntityTagger {
    stored: Stored,
    features: TokenFeatures,
    gazetteer: Gazetteer,
    entities: AttributeTagger,
    roles: Option<AttributeTagger>,
    groups: Option<AttributeTagger>,
}

/// Why a token of an entity bears its label.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenReasons {
    /// The token as written.
    pub token: String,
    /// What speaks for the entity, or with a value below zero against it,
    /// strongest first. The values add up to `score`.
    pub reasons: Vec<(String, f32)>,
    /// The score of the entity's label less that of "no entity", before the
    /// neighbouring labels are taken into account.
    pub score: f32,
}

/// Why an entity was found.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityReasons {
    /// Name of the entity.
    pub entity: String,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The extractor that found it.
    pub extractor: String,
    /// One for each of its tokens.
    pub tokens: Vec<TokenReasons>,
}

impl EntityTagger {
    /// Trains on all examples; `None` if nothing is to be learnt: no example has
    /// an entity, or none is looked for, and nobody asks for intents, or the
    /// examples are few. `held_out` names the messages whose intents a network
    /// that did not learn them is to tell.
    pub fn train(
        extractor: &str,
        mut options: TaggingOptions,
        held_out: Option<&[bool]>,
        context: &mut TrainContext,
    ) -> Option<(Self, Opinions)> {
        let examples = &context.data.examples;
        options.entities &= examples.iter().any(|example| !example.entities.is_empty());
        let looks_for = options.entities;
        let misaligned: Vec<Diagnostic> = match looks_for {
            true => examples.iter().zip(&context.messages).filter_map(|(e, m)| misaligned(e, m)).collect(),
            false => Vec::new(),
        };
        let annotations = examples.iter().filter(|_| looks_for).flat_map(|example| &example.entities);
        let names: BTreeSet<&str> = annotations.map(|annotation| annotation.entity.as_str()).collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let words: Vec<Words> = context.messages.iter().map(Words::new).collect();
        let spans: Vec<Vec<(usize, usize)>> = context.messages.iter().map(spans).collect();
        let gazetteer = match options.own_features {
            true => Gazetteer::train(context.data, &names, &words, &spans),
            false => Gazetteer::default(),
        };
        let features = options.features(&context.pattern_names, &names);
        let set = TrainingSet {
            context,
            features: &features,
            gazetteer: &gazetteer,
            names: &names,
            words: &words,
            spans: &spans,
            deep: options.own_features,
            held_out,
        };
        let (entities, opinions) =
            AttributeTagger::train(&set, options.bilou, false, &|a| looks_for.then_some(&a.entity))?;
        let further = |attribute: &Attribute| {
            let trained = if looks_for { AttributeTagger::train(&set, false, true, attribute) } else { None };
            trained.map(|(tagger, _)| tagger)
        };
        let roles = further(&|a| a.role.as_deref());
        let groups = further(&|a| a.group.as_deref());
        let pattern_names = context.pattern_names.clone();
        context.diagnostics.extend(misaligned);
        let stored = Stored {
            extractor: extractor.to_owned(),
            options,
            pattern_names,
            longest_value: gazetteer.longest,
            has_roles: roles.is_some(),
            has_groups: groups.is_some(),
        };
        Some((Self { stored, features, gazetteer, entities, roles, groups }, opinions))
    }

    /// Whether it looks for entities, not for intents alone.
    pub fn finds_entities(&self) -> bool {
        self.stored.options.entities
    }

    fn featurize<'m, 'a>(&self, message: &'m Message<'a>) -> Featurized<'m, 'a> {
        let words = Words::new(message);
        let mentions = self.gazetteer.mentions(&words, None);
        Featurized { message, words, mentions }
    }

    /// Groups labels into entities: first token, and one past the last.
    fn spans(&self, labels: &[u32], message: &Message) -> Vec<(usize, usize)> {
        let split = &self.stored.options.split_by_comma;
        self.entities.scheme.spans(labels, message.text, message.tokens(), split)
    }

    /// The entities of a message, and the probabilities of its intents; none
    /// without a network.
    pub fn read(&self, message: &Message) -> (Vec<Entity>, Vec<f32>) {
        let featurized = self.featurize(message);
        let (confident, intents) = self.entities.tag(&self.features, &featurized, None);
        (self.entities_of(message, &featurized, confident), intents)
    }

    fn entities_of(&self, message: &Message, featurized: &Featurized, confident: Confident) -> Vec<Entity> {
        let (labels, confidences) = confident;
        let spans = self.spans(&labels, message);
        if spans.is_empty() {
            return Vec::new();
        }
        let tokens = message.tokens();
        let scheme = &self.entities.scheme;
        let tags: Vec<&str> = labels.iter().map(|&label| scheme.name(label as usize).unwrap_or("O")).collect();
        let tag = |tagger: &AttributeTagger| tagger.tag(&self.features, featurized, Some(&tags)).0;
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

    /// Why each entity of a message was found.
    pub fn explain(&self, message: &Message) -> Vec<EntityReasons> {
        let featurized = self.featurize(message);
        let ((labels, _), _) = self.entities.tag(&self.features, &featurized, None);
        let tokens = message.tokens();
        let of_token = |at: usize| {
            let (reasons, score) = self.entities.explain(&self.features, &featurized, at, labels[at]);
            TokenReasons { token: message.token_text(&tokens[at]).to_owned(), reasons, score }
        };
        let of_span = |(first, end): (usize, usize)| EntityReasons {
            entity: self.entities.scheme.name(labels[first] as usize).unwrap_or_default().to_owned(),
            start: tokens[first].start,
            end: tokens[end - 1].end,
            extractor: self.stored.extractor.clone(),
            tokens: (first..end).map(of_token).collect(),
        };
        self.spans(&labels, message).into_iter().map(of_span).collect()
    }

    /// What each word, in its place among the others, adds to the logarithm of how
    /// much likelier the first intent is than the second, and what is there
    /// without any word. `None` without a network.
    pub fn explain_intent(&self, message: &Message, pair: [usize; 2]) -> Option<(Vec<(String, f32)>, f32)> {
        let tokens = self.entities.tokens(&self.features, &self.featurize(message), None);
        let (shares, constant) = self.entities.model.class_shares(&tokens, pair)?;
        let name = |(token, share): (&Token, f32)| (format!("in its place: {}", message.token_text(token)), share);
        Some((message.tokens().iter().zip(shares).map(name).collect(), constant))
    }

    /// Writes everything.
    pub fn save(&self, writer: &mut SectionWriter) {
        writer.json("tagging", &self.stored);
        writer.numbers("values.keys", &self.gazetteer.keys, u64::to_le_bytes);
        writer.numbers("values.entities", &self.gazetteer.entities, u16::to_le_bytes);
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
        let entities = AttributeTagger::load("entities", reader)?;
        let keys = reader.numbers("values.keys", u64::from_le_bytes)?;
        let values = reader.numbers("values.entities", u16::from_le_bytes)?;
        let gazetteer = Gazetteer::from_parts(keys, values, stored.longest_value);
        Ok(Self {
            features: stored.options.features(&stored.pattern_names, &entities.scheme.names),
            gazetteer: gazetteer.ok_or_else(|| reader.malformed("values"))?,
            entities,
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
