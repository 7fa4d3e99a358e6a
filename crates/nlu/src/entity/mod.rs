//! Entity extractors and the synonym mapper (spec §2.5).

pub(crate) mod attribute;
pub(crate) mod crf;
pub(crate) mod duckling;
mod gazetteer;
mod held_out;
pub(crate) mod regex;
pub(crate) mod synonyms;
pub(crate) mod tagging;
mod tags;
mod token_features;
mod words;

#[cfg(test)]
mod tests;
