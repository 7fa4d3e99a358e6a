//! The intent learner behind DIETClassifier and ResponseSelector: an ensemble of
//! embedding bags over words, word pairs and pieces of words, with a linear
//! classifier of widest margin and the opinion of a sequence network mixed in
//! unless examples are many, calibrated on examples that it did not learn. docs/understanding.md says why, with figures.

mod calibrate;
mod explain;
mod features;
mod plan;
mod terms;
#[cfg(test)]
mod tests;
mod train;

use self::calibrate::Calibration;
use self::features::{Features, Row};
use crate::LoadError;
use crate::message::Message;
use crate::sections::{SectionReader, SectionWriter};
use sapa_learn::bag::{PackedBag, Scratch};
use sapa_learn::bytes::PackedLinear;
use serde::{Deserialize, Serialize};

pub(crate) use self::train::{LearnerOptions, held_out};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    /// Sorted.
    labels: Vec<String>,
    networks: usize,
    linear: bool,
    calibration: Calibration,
}

/// A trained learner.
#[derive(Debug, PartialEq)]
pub(crate) struct IntentLearner {
    stored: Stored,
    features: Features,
    bag: PackedBag,
    linear: Option<PackedLinear>,
}

impl IntentLearner {
    /// Whether a sequence network has a say.
    pub fn listens(&self) -> bool {
        self.stored.calibration.opinion > 0.0
    }

    /// Labels and confidences, best first; ties in label order. The confidences
    /// sum to 1. `opinion` are the sequence network's probabilities, empty if there
    /// is none.
    pub fn rank(&self, message: &Message, opinion: &[f32]) -> Vec<(&str, f64)> {
        let mut out = self.scores(&self.features.row(message), opinion);
        sapa_learn::math::softmax(&mut out);
        let mut order: Vec<u32> = (0..out.len() as u32).collect();
        order.sort_by(|a, b| out[*b as usize].total_cmp(&out[*a as usize]));
        let named = |class: u32| (self.stored.labels[class as usize].as_str(), f64::from(out[class as usize]));
        order.into_iter().map(named).collect()
    }

    /// The logarithms of the labels' confidences, but for what they share.
    fn scores(&self, row: &Row, opinion: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.stored.labels.len()];
        self.bag.probabilities(&row.entries, &mut Scratch::default(), &mut out);
        let mut margins = Vec::new();
        if let Some(linear) = &self.linear {
            linear.scores(&row.entries, &mut margins);
        }
        self.stored.calibration.score(&mut out, &mut margins, opinion, row.familiar);
        out
    }

    /// Writes everything.
    pub fn save(&self, writer: &mut SectionWriter) {
        writer.json("learner", &self.stored);
        self.features.save(writer);
        let (rows, [scales, hidden_bias, output, output_bias]) = self.bag.parts();
        writer.bytes("embeddings", in_unsigned(rows));
        writer.floats("embedding_scales", scales);
        writer.floats("hidden_bias", hidden_bias);
        writer.floats("output", output);
        writer.floats("output_bias", output_bias);
        if let Some(linear) = &self.linear {
            let (rows, scales, intercept) = linear.parts();
            writer.bytes("linear", in_unsigned(rows));
            writer.floats("linear_scales", scales);
            writer.floats("linear_intercept", intercept);
        }
    }

    /// Reads what [`IntentLearner::save`] wrote.
    pub fn load(reader: &SectionReader) -> Result<Self, LoadError> {
        let stored: Stored = reader.json("learner")?;
        let features = Features::load(reader)?;
        let malformed = || reader.malformed("learner");
        let (networks, classes) = (stored.networks, stored.labels.len());
        let product = |a: usize, b: usize| a.checked_mul(b).ok_or_else(malformed);
        let hidden = product(networks, sapa_learn::bag::HIDDEN)?;
        let floats = [
            reader.floats("embedding_scales", product(features.columns(), networks)?)?,
            reader.floats("hidden_bias", hidden)?,
            reader.floats("output", product(hidden, classes)?)?,
            reader.floats("output_bias", product(networks, classes)?)?,
        ];
        let bag = PackedBag::from_parts(networks, classes, in_signed(reader.raw("embeddings")?), floats);
        let linear = if stored.linear {
            let scales = reader.floats("linear_scales", features.columns())?;
            let intercept = reader.floats("linear_intercept", classes)?;
            let linear = PackedLinear::from_parts(in_signed(reader.raw("linear")?), scales, intercept);
            Some(linear.ok_or_else(malformed)?)
        } else {
            None
        };
        Ok(Self { bag: bag.ok_or_else(malformed)?, linear, features, stored })
    }
}

fn in_unsigned(bytes: &[i8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.cast_unsigned()).collect()
}

fn in_signed(bytes: &[u8]) -> Vec<i8> {
    bytes.iter().map(|byte| byte.cast_signed()).collect()
}
