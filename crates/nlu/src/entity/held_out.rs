//! A tagger, and another one that learns a part of the messages only: the rest
//! shows how sure the tagger may be, and what its network is worth for intents.

use super::attribute::Opinions;
use super::tags::TagScheme;
use sapa_learn::TaggerModel;
use sapa_learn::tagger::{TaggedSequence, TaggerOptions};

/// Every so many messages one is held out for calibration.
const HOLD_OUT: usize = 5;
/// Fewer messages are not worth calibrating.
const CALIBRATE_FROM: usize = 25;
/// More messages are not needed to find a temperature.
const CALIBRATE_WITH: usize = 1500;

/// Held-out messages with entities that tell how sure of entities to be.
const TELLING: usize = 30;

/// What is to be learnt.
pub(super) struct Task<'t> {
    pub sequences: &'t [TaggedSequence],
    /// Number of features of the linear part.
    pub wide: usize,
    pub scheme: &'t TagScheme,
    pub options: &'t TaggerOptions,
}

/// Messages by their numbers.
struct Split {
    learnt: Vec<usize>,
    held_out: Vec<usize>,
}

impl Task<'_> {
    /// Trains on all messages. The temperature is found by training once more
    /// without those held out, or where nobody says which, without a fifth of (at
    /// most so many of) them. Of those held out by name the intents are told too.
    pub fn train(&self, held_out: Option<&[bool]>, threads: usize) -> (TaggerModel, Opinions) {
        let split = match held_out {
            Some(held_out) => Split::of(held_out, self.sequences),
            None => Split::every_fifth(self.sequences.len()),
        };
        let transitions = self.scheme.transitions();
        let train = |sequences: &[TaggedSequence]| TaggerModel::train(sequences, self.wide, &transitions, self.options);
        // The model, and the one that only serves to judge it.
        let mut models = [const { None }; 2];
        let count = if self.sequences.len() >= CALIBRATE_FROM { 2 } else { 1 };
        sapa_learn::parallel::for_each_chunk(&mut models[..count], 1, threads, |number, model| {
            model[0] = Some(match number {
                0 => train(self.sequences),
                _ => train(&split.learnt.iter().map(|&at| self.sequences[at].clone()).collect::<Vec<_>>()),
            });
        });
        let [model, probe] = models;
        let mut model = model.unwrap_or_default();
        let mut opinions = Vec::new();
        if let Some(mut probe) = probe {
            let judged = self.as_if_new(&split);
            let every = judged.len().div_ceil(CALIBRATE_WITH).max(1);
            probe.calibrate(&judged.iter().step_by(every).cloned().collect::<Vec<_>>());
            model.temperature = probe.temperature;
            if held_out.is_some() {
                opinions = vec![Vec::new(); self.sequences.len()];
                let asked = |at: usize| held_out.is_some_and(|held_out| held_out[at]);
                for (&at, sequence) in split.held_out.iter().zip(&judged).filter(|(at, _)| asked(**at)) {
                    opinions[at] = probe.tag(&sequence.tokens).classes;
                }
            }
        }
        (model, opinions)
    }

    /// The held-out messages as they would be read if nobody had ever seen the
    /// features that they alone have.
    fn as_if_new(&self, split: &Split) -> Vec<TaggedSequence> {
        let features = self.options.deep.as_ref().map_or(0, |deep| deep.features);
        let mut known = vec![false; features];
        for token in split.learnt.iter().flat_map(|&at| &self.sequences[at].tokens) {
            for &feature in token.bag.iter().chain([&token.name]) {
                if let Some(known) = known.get_mut(feature as usize) {
                    *known = true;
                }
            }
        }
        let is_known = |feature: u32| known.get(feature as usize).copied().unwrap_or_default();
        let seen = |at: &usize| {
            let mut sequence = self.sequences[*at].clone();
            for token in &mut sequence.tokens {
                token.bag.retain(|&feature| is_known(feature));
                token.name = if is_known(token.name) { token.name } else { 0 };
            }
            sequence
        };
        split.held_out.iter().map(seen).collect()
    }
}

impl Split {
    /// Those held out by name; where they hold too few entities to tell how sure of
    /// them to be, every fifth message beside them.
    fn of(held_out: &[bool], sequences: &[TaggedSequence]) -> Self {
        let has_entity = |at: &usize| sequences[*at].labels.iter().any(|&label| label != 0);
        let (telling, others): (Vec<usize>, Vec<usize>) =
            (0..held_out.len()).filter(has_entity).partition(|&at| held_out[at]);
        let is_little = telling.len() < TELLING && !others.is_empty();
        let is_fifth = |at: usize| is_little && at % HOLD_OUT == HOLD_OUT - 1;
        let (held_out, learnt) = (0..held_out.len()).partition(|&at| held_out[at] || is_fifth(at));
        Self { learnt, held_out }
    }

    fn every_fifth(count: usize) -> Self {
        let step = count.div_ceil(CALIBRATE_WITH).max(1);
        let sample = (0..count).step_by(step).enumerate();
        let (held_out, learnt): (Vec<_>, Vec<_>) = sample.partition(|(place, _)| place % HOLD_OUT == HOLD_OUT - 1);
        let numbers = |part: Vec<(usize, usize)>| part.into_iter().map(|(_, at)| at).collect();
        Self { learnt: numbers(learnt), held_out: numbers(held_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(has_entity: impl Fn(usize) -> bool) -> Vec<TaggedSequence> {
        let one = |at: usize| TaggedSequence { labels: vec![0, u32::from(has_entity(at))], ..Default::default() };
        (0..400).map(one).collect()
    }

    #[test]
    fn messages_held_out_for_their_intents_are_enough_where_they_hold_entities() {
        let asked: Vec<bool> = (0..400).map(|at| at % 10 == 3).collect();
        let split = Split::of(&asked, &sequences(|_| true));
        assert_eq!(split.held_out, (0..400).filter(|at| at % 10 == 3).collect::<Vec<_>>());
        // Where they hold none, others tell how sure of entities to be.
        let split = Split::of(&asked, &sequences(|at| at % 10 != 3));
        assert_eq!(split.held_out.len(), 40 + 80);
        assert_eq!(split.learnt.len(), 400 - 120);
        let split = Split::of(&[false; 400], &sequences(|_| true));
        assert_eq!(split.held_out, (0..400).filter(|at| at % 5 == 4).collect::<Vec<_>>());
        // Without any entity there is nothing to be sure of.
        assert_eq!(Split::of(&asked, &sequences(|_| false)).held_out.len(), 40);
    }
}
