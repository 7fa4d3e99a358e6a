//! The tagger of one attribute of the annotations: the entity's name, its role,
//! or its group.

use super::gazetteer::{Gazetteer, Own, annotated};
use super::held_out::Task;
use super::tags::TagScheme;
use super::token_features::{Featurized, Sink, TokenFeatures, name_key};
use super::words::Words;
use crate::LoadError;
use crate::message::Message;
use crate::sections::{SectionReader, SectionWriter};
use crate::train::TrainContext;
use sapa_learn::tagger::{
    ByteRows, DeepOptions, Network, Reason, Shape, TaggedSequence, TaggedToken, TaggerOptions, Wide,
};
use sapa_learn::{KeyTable, TaggerModel};
use sapa_project::nlu::{EntityAnnotation, Example};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// From so many messages on a network is trained with the linear part; below,
/// it brings little, and training should take no noticeable time.
const DEEP_FROM: usize = 500;
/// Features of the linear part that occur in fewer tokens are left out when
/// there is a network: it knows better what to make of the rare.
const RARE: u32 = 2;
/// Tokens seen in training, all passes together.
const DEEP_TOKENS: usize = 700_000;
/// Passes at most.
const PASSES: usize = 10;
/// Few messages are learnt in long steps, against a pull to zero.
const SMALL_RATE: f32 = 0.3;
const SMALL_DECAY: f32 = 0.003;

/// The part of an annotation a tagger predicts.
pub(super) type Attribute<'a> = dyn Fn(&EntityAnnotation) -> Option<&str> + Sync + 'a;

/// Everything the training of a tagger needs to know of the messages.
pub(super) struct TrainingSet<'c, 'a> {
    pub context: &'c TrainContext<'a>,
    pub features: &'c TokenFeatures,
    pub gazetteer: &'c Gazetteer,
    pub names: &'c [String],
    pub words: &'c [Words],
    /// Characters of each message's tokens.
    pub spans: &'c [Vec<(usize, usize)>],
    /// Whether a network may be trained.
    pub deep: bool,
    /// Messages that the network's opinion of their intents is asked about, by
    /// one that did not learn them.
    pub held_out: Option<&'c [bool]>,
}

/// What a network says of the intents of messages that it did not learn:
/// probabilities in the order of the intents' names, for each message; empty for
/// those nobody asked about.
pub(crate) type Opinions = Vec<Vec<f32>>;

/// A trained tagger of one attribute.
pub(super) struct AttributeTagger {
    pub scheme: TagScheme,
    wide: KeyTable,
    bag: KeyTable,
    pub model: TaggerModel,
    /// Names of the classes of messages.
    pub classes: Vec<String>,
}

/// Labels of the tokens, and each token's confidence in its label.
pub(super) type Confident = (Vec<u32>, Vec<f64>);

#[derive(Serialize, Deserialize)]
struct Stored {
    scheme: TagScheme,
    temperature: f32,
    beam: usize,
    classes: Vec<String>,
    /// Width and units of the network.
    network: Option<(usize, usize)>,
}

/// Collects the numbers of a token's features, of known ones only.
struct Lookup<'t> {
    wide: &'t KeyTable,
    bag: Option<&'t KeyTable>,
    token: TaggedToken,
}

impl Sink for Lookup<'_> {
    fn wide(&mut self, key: u64, _: &dyn Fn() -> String) {
        self.token.wide.extend(self.wide.id(key));
    }
    fn bag(&mut self, key: u64, _: &dyn Fn() -> String) {
        self.token.bag.extend(self.bag.and_then(|bag| bag.id(key)));
    }
}

/// Collects the numbers of a token's features and gives new ones the next.
struct Growing<'t> {
    wide: &'t mut KeyTable,
    bag: Option<&'t mut KeyTable>,
    token: TaggedToken,
}

impl Sink for Growing<'_> {
    fn wide(&mut self, key: u64, _: &dyn Fn() -> String) {
        let id = self.wide.insert(key);
        self.token.wide.push(id);
    }
    fn bag(&mut self, key: u64, _: &dyn Fn() -> String) {
        if let Some(bag) = &mut self.bag {
            let id = bag.insert(key);
            self.token.bag.push(id);
        }
    }
}

/// Names of a token's features, by number.
struct Naming<'t> {
    tagger: &'t AttributeTagger,
    wide: Vec<(u32, String)>,
    bag: Vec<(u32, String)>,
}

impl Sink for Naming<'_> {
    fn wide(&mut self, key: u64, name: &dyn Fn() -> String) {
        self.wide.extend(self.tagger.wide.id(key).map(|id| (id, name())));
    }
    fn bag(&mut self, key: u64, name: &dyn Fn() -> String) {
        self.bag.extend(self.tagger.bag.id(key).map(|id| (id, name())));
    }
}

impl AttributeTagger {
    /// Trains on all messages; `None` if no annotation has the attribute. With
    /// tags, the tagger sees the entities.
    pub fn train(set: &TrainingSet, bilou: bool, with_tags: bool, attribute: &Attribute) -> Option<(Self, Opinions)> {
        let examples = &set.context.data.examples;
        let names: BTreeSet<&str> =
            examples.iter().flat_map(|example| &example.entities).filter_map(attribute).collect();
        let is_deep = set.deep && !with_tags && examples.len() >= DEEP_FROM;
        // Without a name there are still the intents to be learnt, if somebody asks.
        if names.is_empty() && !(is_deep && set.held_out.is_some()) {
            return None;
        }
        let scheme = TagScheme { bilou, names: names.into_iter().map(str::to_owned).collect() };
        let mut tagger = Self {
            scheme,
            wide: KeyTable::default(),
            bag: KeyTable::default(),
            model: TaggerModel::default(),
            classes: if is_deep { intents(examples) } else { Vec::new() },
        };
        // Number 0 of the bag is an unknown name.
        tagger.bag.insert(0);
        let mut sequences = tagger.sequences(set, with_tags, is_deep, attribute);
        if is_deep {
            tagger.leave_out_rare(&mut sequences);
        }
        let options = tagger.options(&sequences, is_deep);
        let held_out = set.held_out.filter(|_| is_deep);
        let task = Task { sequences: &sequences, wide: tagger.wide.len(), scheme: &tagger.scheme, options: &options };
        let (model, opinions) = task.train(held_out, set.context.threads);
        tagger.model = model;
        tagger.leave_out_unused();
        Some((tagger, opinions))
    }

    /// Features and labels of all messages.
    fn sequences(
        &mut self,
        set: &TrainingSet,
        with_tags: bool,
        is_deep: bool,
        attribute: &Attribute,
    ) -> Vec<TaggedSequence> {
        let mut sequences = Vec::with_capacity(set.words.len());
        for (number, (example, message)) in set.context.data.examples.iter().zip(&set.context.messages).enumerate() {
            let (words, spans) = (&set.words[number], &set.spans[number]);
            let covers = covering(example, spans);
            let tags: Vec<&str> = covers.iter().map(|cover| cover.map_or("O", |(_, a)| a.entity.as_str())).collect();
            let featurized = Featurized {
                message,
                words: words.clone(),
                mentions: set.gazetteer.mentions(words, Some(Own { example, names: set.names, spans })),
            };
            let tokens = (0..words.len()).map(|at| {
                let name = if is_deep { self.bag.insert(name_key(words, at)) } else { 0 };
                let token = TaggedToken { name, ..TaggedToken::default() };
                let bag = is_deep.then_some(&mut self.bag);
                let mut growing = Growing { wide: &mut self.wide, bag, token };
                set.features.of_token(&featurized, at, with_tags.then_some(&tags), &mut growing);
                growing.token
            });
            let tokens = tokens.collect();
            let named: Vec<Option<(usize, &str)>> =
                covers.iter().map(|cover| cover.and_then(|(number, a)| Some((number, attribute(a)?)))).collect();
            let class = self.classes.binary_search_by(|class| class.as_str().cmp(example.base_intent())).ok();
            let class = class.map(|class| class as u32);
            sequences.push(TaggedSequence { tokens, labels: self.scheme.encode(&named), class });
        }
        sequences
    }

    /// Forgets features of the linear part that hardly occur.
    fn leave_out_rare(&mut self, sequences: &mut [TaggedSequence]) {
        let mut counts = vec![0_u32; self.wide.len()];
        for token in sequences.iter().flat_map(|sequence| &sequence.tokens) {
            token.wide.iter().for_each(|&feature| counts[feature as usize] += 1);
        }
        let mut kept = KeyTable::default();
        let numbers: Vec<Option<u32>> = self
            .wide
            .keys()
            .iter()
            .zip(&counts)
            .map(|(&key, &count)| (count >= RARE).then(|| kept.insert(key)))
            .collect();
        for token in sequences.iter_mut().flat_map(|sequence| &mut sequence.tokens) {
            token.wide = token.wide.iter().filter_map(|&feature| numbers[feature as usize]).collect();
        }
        self.wide = kept;
    }

    fn options(&self, sequences: &[TaggedSequence], is_deep: bool) -> TaggerOptions {
        let tokens: usize = sequences.iter().map(|sequence| sequence.tokens.len()).sum();
        let deep = is_deep.then(|| DeepOptions::new(self.bag.len(), self.classes.len(), self.scheme.columns()));
        let passes = (DEEP_TOKENS / tokens.max(1)).clamp(2, PASSES);
        match deep {
            None if sequences.len() < DEEP_FROM => {
                let (passes, rate, decay) = (2 * PASSES, SMALL_RATE, SMALL_DECAY);
                TaggerOptions { passes, rate, decay, ..TaggerOptions::default() }
            }
            deep => TaggerOptions { passes, deep, ..TaggerOptions::default() },
        }
    }

    /// Forgets features without weights.
    fn leave_out_unused(&mut self) {
        let mut kept = Vec::new();
        let keys = self.wide.keys();
        self.model.wide.retain(|feature, has_weights| {
            kept.extend(has_weights.then_some(keys[feature]));
            has_weights
        });
        self.wide = KeyTable::new(&kept);
    }

    /// The tokens' known features.
    pub fn tokens(&self, features: &TokenFeatures, featurized: &Featurized, tags: Option<&[&str]>) -> Vec<TaggedToken> {
        let is_deep = self.model.network.is_some();
        let token = |at: usize| {
            let name = if is_deep { self.bag.id(name_key(&featurized.words, at)).unwrap_or(0) } else { 0 };
            let token = TaggedToken { name, wide: Vec::with_capacity(48), bag: Vec::with_capacity(32) };
            let mut lookup = Lookup { wide: &self.wide, bag: is_deep.then_some(&self.bag), token };
            features.of_token(featurized, at, tags, &mut lookup);
            lookup.token
        };
        (0..featurized.words.len()).map(token).collect()
    }

    /// Labels and confidences of a message's tokens, and probabilities of its
    /// intents; none without a network.
    pub fn tag(
        &self,
        features: &TokenFeatures,
        featurized: &Featurized,
        tags: Option<&[&str]>,
    ) -> (Confident, Vec<f32>) {
        let tagged = self.model.tag(&self.tokens(features, featurized, tags));
        // Without marginals nothing was found, and nobody asks.
        let confidences = match tagged.marginals.is_empty() {
            true => vec![0.0; tagged.labels.len()],
            false => {
                let rows = tagged.labels.iter().zip(&tagged.marginals);
                rows.map(|(&label, row)| self.scheme.confidence(label as usize, row)).collect()
            }
        };
        ((tagged.labels, confidences), tagged.classes)
    }

    /// What speaks for a label of a token, named, strongest first.
    pub fn explain(
        &self,
        features: &TokenFeatures,
        featurized: &Featurized,
        at: usize,
        label: u32,
    ) -> (Vec<(String, f32)>, f32) {
        let tokens = self.tokens(features, featurized, None);
        let mut naming = Naming { tagger: self, wide: Vec::new(), bag: Vec::new() };
        features.of_token(featurized, at, None, &mut naming);
        let find =
            |names: &[(u32, String)], id: u32| names.iter().find(|(other, _)| *other == id).map(|(_, n)| n.clone());
        let text = |at: usize| featurized.words.text(at);
        let name = |reason: Reason| match reason {
            Reason::Wide(id) => find(&naming.wide, id).unwrap_or_default(),
            Reason::Bag(0) => "unknown word".to_owned(),
            Reason::Bag(id) => find(&naming.bag, id).unwrap_or_else(|| format!("0:name:{}", text(at))),
            Reason::Token(other) => format!("context:{}", text(other)),
            Reason::Class(class) => {
                format!("intent:{}", self.classes.get(class as usize).map_or("", String::as_str))
            }
            Reason::Bias => "network:bias".to_owned(),
        };
        let mut reasons: Vec<(String, f32)> =
            self.model.explain(&tokens, at, label).into_iter().map(|(reason, share)| (name(reason), share)).collect();
        reasons.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        (reasons, self.model.margin(&tokens, at, label))
    }

    /// The name most tokens of a span bear (ties: the first token's), with the
    /// lowest confidence among those that bear it.
    pub fn vote(&self, (labels, confidences): &Confident, first: usize, end: usize) -> Option<(String, f64)> {
        let labels = labels.get(first..end)?;
        let votes = |label: u32| labels.iter().filter(|other| **other == label).count();
        let winner = labels.iter().copied().rev().max_by_key(|label| votes(*label))?;
        let name = self.scheme.name(winner as usize)?.to_owned();
        let bearing = labels.iter().zip(&confidences[first..end]).filter(|(label, _)| **label == winner);
        Some((name, bearing.map(|(_, confidence)| *confidence).fold(1.0, f64::min)))
    }

    /// Writes everything.
    pub fn save(&self, name: &str, writer: &mut SectionWriter) {
        let model = &self.model;
        let network = model.network.as_ref().map(|network| (network.shape().width, network.shape().units));
        let stored = Stored {
            scheme: self.scheme.clone(),
            temperature: model.temperature,
            beam: model.beam,
            classes: self.classes.clone(),
            network,
        };
        writer.json(name, &stored);
        writer.floats(&format!("{name}.transitions"), &model.transitions);
        writer.numbers(&format!("{name}.wide.keys"), self.wide.keys(), u64::to_le_bytes);
        writer.numbers(&format!("{name}.wide.starts"), &model.wide.starts, u32::to_le_bytes);
        writer.numbers(&format!("{name}.wide.labels"), &model.wide.labels, u16::to_le_bytes);
        writer.floats(&format!("{name}.wide.weights"), &model.wide.weights);
        if let Some(network) = &model.network {
            writer.numbers(&format!("{name}.bag.keys"), self.bag.keys(), u64::to_le_bytes);
            writer.floats(&format!("{name}.bag.scales"), &network.embeddings().scales);
            writer.numbers(&format!("{name}.bag.values"), &network.embeddings().values, i8::to_le_bytes);
            writer.floats(&format!("{name}.network"), &network.weights());
        }
    }

    /// Reads what [`AttributeTagger::save`] wrote.
    pub fn load(name: &str, reader: &SectionReader) -> Result<Self, LoadError> {
        let stored: Stored = reader.json(name)?;
        let labels = stored.scheme.labels();
        if !(stored.temperature > 0.0 && stored.temperature.is_finite()) || labels > usize::from(u16::MAX) {
            return Err(reader.malformed(name));
        }
        let keys = reader.numbers(&format!("{name}.wide.keys"), u64::from_le_bytes)?;
        let starts = reader.numbers(&format!("{name}.wide.starts"), u32::from_le_bytes)?;
        let wide_labels = reader.numbers(&format!("{name}.wide.labels"), u16::from_le_bytes)?;
        let weights = reader.floats(&format!("{name}.wide.weights"), wide_labels.len())?;
        let wide = Wide { starts, labels: wide_labels, weights };
        if !wide.is_sound() || wide.features() != keys.len() {
            return Err(reader.malformed(&format!("{name}.wide")));
        }
        let (network, bag) = match stored.network {
            None => (None, KeyTable::default()),
            Some((width, units)) => {
                let columns = stored.scheme.columns();
                let shape = Shape { width, units, classes: stored.classes.len(), columns };
                let bag = reader.numbers(&format!("{name}.bag.keys"), u64::from_le_bytes)?;
                let scales = reader.floats(&format!("{name}.bag.scales"), bag.len())?;
                let values = reader.numbers(&format!("{name}.bag.values"), i8::from_le_bytes)?;
                let part = format!("{name}.network");
                let count = Network::weight_count(&shape).ok_or_else(|| reader.malformed(&part))?;
                let weights = reader.floats(&part, count)?;
                let network = Network::from_parts(shape, &weights, ByteRows { scales, values });
                (Some(network.ok_or_else(|| reader.malformed(&part))?), KeyTable::new(&bag))
            }
        };
        let model = TaggerModel {
            labels,
            wide,
            transitions: reader.floats(&format!("{name}.transitions"), (labels + 2).saturating_mul(labels))?,
            network,
            beam: stored.beam,
            temperature: stored.temperature,
        };
        Ok(Self { scheme: stored.scheme, wide: KeyTable::new(&keys), bag, model, classes: stored.classes })
    }
}

/// Names of the intents, sorted; of retrieval intents the base.
fn intents(examples: &[Example]) -> Vec<String> {
    let names: BTreeSet<&str> = examples.iter().map(Example::base_intent).filter(|name| !name.is_empty()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// For each token the first annotation that covers it, with its number.
fn covering<'e>(example: &'e Example, spans: &[(usize, usize)]) -> Vec<Option<(usize, &'e EntityAnnotation)>> {
    let mut covers = vec![None; spans.len()];
    for (number, annotation) in example.entities.iter().enumerate() {
        let Some((first, end)) = annotated(spans, annotation.start, annotation.end) else { continue };
        for cover in covers[first..end].iter_mut().filter(|cover| cover.is_none()) {
            *cover = Some((number, annotation));
        }
    }
    covers
}

/// Characters of a message's tokens, as far as they are looked at.
pub(super) fn spans(message: &Message) -> Vec<(usize, usize)> {
    message.tokens().iter().take(super::words::MOST_TOKENS).map(|token| (token.start, token.end)).collect()
}
