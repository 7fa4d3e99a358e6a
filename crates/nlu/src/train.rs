//! What components share while a pipeline is trained.

use crate::TrainError;
use crate::indonesian;
use crate::message::Message;
use crate::registry::{Component, Kind, Role, kind};
use sapa_project::{ComponentConfig, Config, Diagnostic, Domain, NluData};
use sapa_sdk::JsonMap;

/// What the features of a featurizer are: decides how a classifier weighs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeatureKind {
    /// How often a term occurs.
    Counts,
    /// Whether a pattern occurs.
    Flags,
}

/// A featurizer that ran: the number in its list is the block in a message.
#[derive(Clone, Debug)]
pub(crate) struct FeaturizerInfo {
    /// `alias`, or the component's name.
    pub alias: String,
    /// Number of dimensions.
    pub columns: usize,
    /// Counts or flags.
    pub kind: FeatureKind,
}

/// The project and everything earlier components left behind.
pub(crate) struct TrainContext<'a> {
    /// Training data.
    pub data: &'a NluData,
    /// The domain, for responses.
    pub domain: &'a Domain,
    /// ISO code; empty if the project gives none.
    pub language: &'a str,
    /// One message for each example, in order.
    pub messages: Vec<Message<'a>>,
    /// Threads to use; results do not depend on it.
    pub threads: usize,
    /// Findings so far.
    pub diagnostics: Vec<Diagnostic>,
    /// Sentence featurizers so far.
    pub featurizers: Vec<FeaturizerInfo>,
    /// Names of the patterns a RegexFeaturizer looks for.
    pub pattern_names: Vec<String>,
    /// Windows of a LexicalSyntacticFeaturizer, offset by offset.
    pub lexical_windows: Option<Vec<Vec<String>>>,
}

impl<'a> TrainContext<'a> {
    fn new(config: &'a Config, data: &'a NluData, domain: &'a Domain, threads: usize) -> Self {
        Self {
            data,
            domain,
            language: config.language.as_deref().unwrap_or_default(),
            messages: data.examples.iter().map(|example| Message::new(&example.text)).collect(),
            threads,
            diagnostics: Vec::new(),
            featurizers: Vec::new(),
            pattern_names: Vec::new(),
            lexical_windows: None,
        }
    }

    /// Runs a component over all training messages.
    fn process_all(&mut self, component: &dyn Component) {
        let chunk = self.messages.len().div_ceil(self.threads.max(1)).max(1);
        sapa_learn::parallel::for_each_chunk(&mut self.messages, chunk, self.threads, |_, messages| {
            messages.iter_mut().for_each(|message| component.process(message));
        });
    }
}

/// Trained components in order, with their kinds.
pub(crate) type Pipeline = Vec<(&'static Kind, Box<dyn Component>)>;

/// Trains all components of a pipeline in order.
pub(crate) fn train_pipeline(
    config: &Config,
    data: &NluData,
    domain: &Domain,
    threads: usize,
    progress: &mut dyn FnMut(&str),
) -> Result<(Pipeline, Vec<Diagnostic>), TrainError> {
    let mut context = TrainContext::new(config, data, domain, threads);
    let mut components: Pipeline = Vec::with_capacity(config.pipeline.len());
    let pipeline = with_normalizer(config);
    for entry in &pipeline {
        let kind = kind(&entry.name).ok_or_else(|| unknown(entry))?;
        let earlier: Vec<&Kind> = components.iter().map(|(kind, _)| *kind).collect();
        check_order(kind, entry, &earlier)?;
        progress(&entry.name);
        let component = (kind.train)(entry, &mut context)?;
        if matches!(kind.role, Role::Tokenizer | Role::Normalizer | Role::Featurizer) {
            context.process_all(component.as_ref());
        }
        components.push((kind, component));
    }
    Ok((components, context.diagnostics))
}

/// The pipeline, with what reads Indonesian behind the tokenizer where that is the
/// language and the pipeline does not say it otherwise.
fn with_normalizer(config: &Config) -> Vec<ComponentConfig> {
    let mut pipeline = config.pipeline.clone();
    let is_named = pipeline.iter().any(|entry| entry.name == indonesian::NAME);
    let tokenizer = pipeline.iter().position(|entry| kind(&entry.name).is_some_and(|k| k.role == Role::Tokenizer));
    if let Some(at) =
        tokenizer.filter(|_| !is_named && indonesian::is_spoken(config.language.as_deref().unwrap_or_default()))
    {
        pipeline.insert(at + 1, ComponentConfig::implied(indonesian::NAME, JsonMap::new()));
    }
    pipeline
}

fn unknown(entry: &ComponentConfig) -> TrainError {
    let message = format!("no NLU component is named `{}`", entry.name);
    TrainError::new(
        sapa_project::codes::COMPONENT_UNKNOWN_TO_NLU,
        message,
        entry.span,
        "use one of the components in the documentation",
    )
}

fn check_order(kind: &Kind, entry: &ComponentConfig, earlier: &[&Kind]) -> Result<(), TrainError> {
    let has = |role| earlier.iter().any(|kind| kind.role == role);
    if kind.role == Role::Tokenizer && has(Role::Tokenizer) {
        let message = "a pipeline can have only one tokenizer";
        return Err(TrainError::new(
            sapa_project::codes::TWO_TOKENIZERS,
            message,
            entry.span,
            "remove all tokenizers but one",
        ));
    }
    if kind.needs_tokens && !has(Role::Tokenizer) {
        let message = format!("{} needs a tokenizer before it", kind.name);
        return Err(TrainError::new(
            sapa_project::codes::NO_TOKENIZER_BEFORE,
            message,
            entry.span,
            "put WhitespaceTokenizer at the head of the pipeline",
        ));
    }
    if kind.role == Role::Fallback && !has(Role::Classifier) {
        let message = format!("{} needs an intent classifier before it", kind.name);
        return Err(TrainError::new(
            sapa_project::codes::FALLBACK_BEFORE_CLASSIFIER,
            message,
            entry.span,
            "put it behind the intent classifier",
        ));
    }
    Ok(())
}

/// Options of the pipeline's components that have a wrong value (an error), that
/// nobody knows (a warning) or that mean nothing here (a note); nothing of a
/// default pipeline.
pub fn check_options(config: &Config) -> Vec<Diagnostic> {
    let (data, domain) = (NluData::default(), Domain::default());
    let mut context = TrainContext::new(config, &data, &domain, 1);
    let mut found = Vec::new();
    for entry in config.pipeline.iter().filter(|_| !config.pipeline_is_default) {
        let Some(kind) = kind(&entry.name) else { continue };
        found.extend(wrong_values(kind, entry, &mut context));
        found.extend(odd_options(kind, entry));
        found.extend(odd_thresholds(entry));
    }
    found
}

/// All options that a component cannot use: it learns from nothing, again and
/// again without the one that it complained of.
fn wrong_values(kind: &Kind, entry: &ComponentConfig, context: &mut TrainContext) -> Vec<Diagnostic> {
    let mut entry = entry.clone();
    let mut found = Vec::new();
    while let Err(TrainError(finding)) = (kind.train)(&entry, context) {
        if finding.code != sapa_project::codes::BAD_OPTION {
            return found;
        }
        let place = finding.annotations.first().map(|annotation| annotation.span);
        let option = entry.option_spans.iter().find(|(_, span)| Some(**span) == place).map(|(key, _)| key.clone());
        // One that stands nowhere may be wrong only because another was left out.
        if option.is_some() || found.is_empty() {
            found.push(*finding);
        }
        let Some(option) = option.filter(|option| entry.options.shift_remove(option).is_some()) else {
            // What it is called matters to the components behind it.
            entry.options.retain(|key, _| key == "alias");
            entry.option_spans.clear();
            let _ = (kind.train)(&entry, context);
            return found;
        };
        entry.option_spans.remove(&option);
    }
    found
}

/// Thresholds that no confidence, or every one, is below.
fn odd_thresholds(entry: &ComponentConfig) -> Vec<Diagnostic> {
    if entry.name != "FallbackClassifier" {
        return Vec::new();
    }
    let odd = |key: &str| {
        let value = entry.options.get(key)?.as_f64()?;
        (!(0.0..=1.0).contains(&value)).then(|| sapa_project::odd_threshold(key, &entry.name, entry.option_span(key)))
    };
    ["threshold", "ambiguity_threshold"].into_iter().filter_map(odd).collect()
}

fn odd_options(kind: &Kind, entry: &ComponentConfig) -> Vec<Diagnostic> {
    let idle = crate::rasa_options::of(kind.name);
    let (mut ignored, mut found) = (Vec::new(), Vec::new());
    for key in entry.options.keys().map(String::as_str).filter(|key| !kind.options.contains(key)) {
        if idle.contains(&key) {
            ignored.push(format!("`{key}`"));
        } else {
            let known = kind.options.iter().chain(idle).copied();
            let cure = sapa_project::suggest::cure(
                key,
                known,
                "remove it, or see the component's options in Rasa's documentation",
            );
            let message = format!("`{key}` is not an option of {}", kind.name);
            let place = entry.option_span(key);
            found.push(Diagnostic::warning(sapa_project::codes::UNKNOWN_KEY, message).at(place, "").help(cure));
        }
    }
    if !ignored.is_empty() {
        let (many, have) = if ignored.len() == 1 { ("option", "has") } else { ("options", "have") };
        let message = format!("{many} {} of {} {have} no effect here", ignored.join(", "), kind.name);
        found.push(
            Diagnostic::note(sapa_project::codes::IDLE_OPTIONS, message)
                .at(entry.span, "")
                .help("it may stay for Rasa"),
        );
    }
    found
}
