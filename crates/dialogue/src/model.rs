//! What the dialogue engine has learnt.

use std::sync::Arc;

use sapa_learn::container::{decode_f32, encode_f32};
use sapa_project::{ComponentConfig, Diagnostic, Domain, Project, Severity, codes};
use serde::{Deserialize, Serialize};

use crate::policy::{LoadError, Policy, RuleOnly, Saved, TrainContext, kind};
use crate::training::dialogues;

/// Actions a turn may run before it is stopped (spec §3.5).
pub const DEFAULT_MAX_PREDICTIONS: usize = 10;

/// A component's name and what it learnt.
pub type NamedPolicy = (String, Arc<dyn Policy>);

/// Domain and policies: all that a [`crate::Turn`] needs.
#[derive(Clone, Debug)]
pub struct DialogueModel {
    /// The domain.
    pub domain: Arc<Domain>,
    /// Policies in config order, by component.
    pub policies: Vec<NamedPolicy>,
    /// Features that only rules use.
    pub rule_only: RuleOnly,
    /// Id of the model file, stamped into events.
    pub model_id: String,
    /// Id of the assistant, stamped into events.
    pub assistant_id: Option<String>,
    /// The circuit breaker's limit.
    pub max_predictions: usize,
}

/// The index of the stored policies.
#[derive(Serialize, Deserialize)]
struct Stored {
    policies: Vec<String>,
    rule_only: RuleOnly,
}

const INDEX: &str = "policies.json";

impl DialogueModel {
    /// Learns stories and rules with `threads` threads, on which the result does
    /// not depend. The findings carry every contradiction; with an error among
    /// them the model must not be used.
    pub fn train(project: &Project, threads: usize) -> (Self, Vec<Diagnostic>) {
        Self::train_components(project, &project.config.policies, threads)
    }

    fn train_components(project: &Project, components: &[ComponentConfig], threads: usize) -> (Self, Vec<Diagnostic>) {
        let domain = Arc::new(project.domain.clone());
        let (dialogues, findings) = dialogues(&project.stories, &domain);
        let mut context = TrainContext {
            dialogues: &dialogues,
            domain: &domain,
            sources: &project.sources,
            rule_only: RuleOnly::default(),
            findings,
            threads,
        };
        let learn = |component: &ComponentConfig, context: &mut TrainContext<'_>| -> Option<NamedPolicy> {
            Some((component.name.clone(), (kind(&component.name)?.train)(component, context).into()))
        };
        let is_rule = |component: &&ComponentConfig| component.name == "RulePolicy";
        let mut rules: Vec<_> = components.iter().filter(is_rule).map(|c| learn(c, &mut context)).collect();
        if rules.is_empty() && !domain.forms.is_empty() {
            context.findings.push(forms_without_rules(project));
        }
        let has_error = context.findings.iter().any(|d| d.severity == Severity::Error);
        let mut policies = Vec::new();
        for component in components {
            if is_rule(&component) {
                policies.extend(rules.pop().flatten());
            } else if !has_error {
                policies.extend(learn(component, &mut context));
            }
        }
        let TrainContext { rule_only, findings, .. } = context;
        (Self::of(domain, policies, rule_only, project.config.assistant_id.clone()), findings)
    }

    /// What [`Self::train`] finds, without learning more than rules.
    pub fn check(project: &Project) -> Vec<Diagnostic> {
        let mut rules_only = project.config.policies.clone();
        rules_only.retain(|component| component.name == "RulePolicy");
        Self::train_components(project, &rules_only, 1).1
    }

    fn of(domain: Arc<Domain>, policies: Vec<NamedPolicy>, rule_only: RuleOnly, assistant_id: Option<String>) -> Self {
        Self {
            domain,
            policies,
            rule_only,
            model_id: String::new(),
            assistant_id,
            max_predictions: DEFAULT_MAX_PREDICTIONS,
        }
    }

    /// The learnt part as named sections, the same bytes for the same stories.
    pub fn to_sections(&self) -> Vec<(String, Vec<u8>)> {
        let names = self.policies.iter().map(|(name, _)| name.clone()).collect();
        let index = Stored { policies: names, rule_only: self.rule_only.clone() };
        let mut sections = vec![(INDEX.to_owned(), serde_json::to_vec(&index).unwrap_or_default())];
        for (number, (_, policy)) in self.policies.iter().enumerate() {
            let saved = policy.save();
            sections.push((format!("policy{number}.json"), saved.json));
            sections.push((format!("policy{number}.f32"), encode_f32(&saved.floats)));
        }
        sections
    }

    /// Reads the learnt part; `section` finds what [`Self::to_sections`] wrote.
    ///
    /// # Errors
    /// A section is missing, or is not what [`Self::to_sections`] wrote.
    pub fn from_sections<'a>(section: &dyn Fn(&str) -> Option<&'a [u8]>, domain: Domain) -> Result<Self, LoadError> {
        let bytes = |name: &str| section(name).ok_or_else(|| LoadError::Missing(name.to_owned()));
        let index: Stored = serde_json::from_slice(bytes(INDEX)?)?;
        let mut policies = Vec::new();
        for (number, name) in index.policies.into_iter().enumerate() {
            let json = bytes(&format!("policy{number}.json"))?.to_vec();
            let floats = decode_f32(bytes(&format!("policy{number}.f32"))?).ok_or(LoadError::Weights)?;
            let kind = kind(&name).ok_or_else(|| LoadError::Unknown(name.clone()))?;
            policies.push((name, (kind.load)(Saved { json, floats })?.into()));
        }
        Ok(Self::of(Arc::new(domain), policies, index.rule_only, None))
    }
}

fn forms_without_rules(project: &Project) -> Diagnostic {
    let finding =
        Diagnostic::error(codes::FORMS_WITHOUT_RULES, "the domain has forms, but `policies` has no `RulePolicy`")
            .help("add `- name: RulePolicy` to `policies` in config.yml");
    match project.config.policies.first() {
        Some(policy) => finding.at(policy.span, "policies start here"),
        None => finding,
    }
}
