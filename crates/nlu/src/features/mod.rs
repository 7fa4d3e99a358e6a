//! Featurizers (spec §2.3).

pub(crate) mod count_vectors;
pub(crate) mod lexical;
pub(crate) mod regex;
mod stop_words;
pub(crate) mod terms;

use crate::TrainError;
use crate::options::Options;
use crate::train::{FeaturizerInfo, TrainContext};

/// Numbers of the featurizers a component uses: those named by its option
/// `featurizers`, or all (spec §1.7).
pub(crate) fn selected_featurizers(options: &Options, context: &TrainContext) -> Result<Vec<usize>, TrainError> {
    let wanted = options.texts("featurizers")?;
    let known = |alias: &String| context.featurizers.iter().any(|info| info.alias == *alias);
    if let Some(missing) = wanted.iter().find(|alias| !known(alias)) {
        return Err(options.bad("featurizers", &format!("names of featurizers before it; there is no `{missing}`")));
    }
    let uses = |info: &FeaturizerInfo| wanted.is_empty() || wanted.contains(&info.alias);
    Ok(context.featurizers.iter().enumerate().filter(|(_, info)| uses(info)).map(|(number, _)| number).collect())
}
