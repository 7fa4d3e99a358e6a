//! What the dialogue engine has learnt.

use std::sync::Arc;

use sapa_project::{Diagnostic, Domain, Project, codes};
use serde::{Deserialize, Serialize};

use crate::policy::memoization::MemoizationPolicy;
use crate::policy::rule::RulePolicy;
use crate::policy::{Policy, RuleOnly};
use crate::training::dialogues;

/// Actions a turn may run before it is stopped (spec §3.5).
pub const DEFAULT_MAX_PREDICTIONS: usize = 10;

/// Domain and policies: all that a [`crate::Turn`] needs.
#[derive(Clone, Debug)]
pub struct DialogueModel {
    /// The domain.
    pub domain: Arc<Domain>,
    /// Policies in config order.
    pub policies: Vec<Policy>,
    /// Features that only rules use.
    pub rule_only: RuleOnly,
    /// Id of the model file, stamped into events.
    pub model_id: String,
    /// Id of the assistant, stamped into events.
    pub assistant_id: Option<String>,
    /// The circuit breaker's limit.
    pub max_predictions: usize,
}

/// The learnt part as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    policies: Vec<Policy>,
    rule_only: RuleOnly,
}

impl DialogueModel {
    /// Learns stories and rules. The findings carry every contradiction; with an
    /// error among them the model must not be used.
    pub fn train(project: &Project) -> (Self, Vec<Diagnostic>) {
        let domain = Arc::new(project.domain.clone());
        let (dialogues, mut findings) = dialogues(&project.stories, &domain);
        let component = |name: &str| project.config.policies.iter().find(|c| c.name == name);
        let mut rule_policy = component("RulePolicy").map(|component| {
            let (policy, found) = RulePolicy::train(component, &dialogues, &domain, &project.sources);
            findings.extend(found);
            policy
        });
        if rule_policy.is_none() && !domain.forms.is_empty() {
            findings.push(forms_without_rules(project));
        }
        let rule_only = rule_policy.as_ref().map(|p| p.rule_only().clone()).unwrap_or_default();
        let mut policies = Vec::new();
        for component in &project.config.policies {
            match component.name.as_str() {
                "RulePolicy" => policies.extend(rule_policy.take().map(Policy::Rule)),
                // Its only prediction, `action_unlikely_intent`, has no effect by default.
                "UnexpecTEDIntentPolicy" => {}
                _ => policies.push(Policy::Memoization(MemoizationPolicy::train(
                    component,
                    &dialogues,
                    &domain,
                    &rule_only,
                    &project.sources,
                ))),
            }
        }
        let model = Self {
            domain,
            policies,
            rule_only,
            model_id: String::new(),
            assistant_id: project.config.assistant_id.clone(),
            max_predictions: DEFAULT_MAX_PREDICTIONS,
        };
        (model, findings)
    }

    /// The learnt part as bytes, the same for the same stories.
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = Stored { policies: self.policies.clone(), rule_only: self.rule_only.clone() };
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Reads the learnt part.
    ///
    /// # Errors
    /// The bytes are not what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8], domain: Domain) -> Result<Self, serde_json::Error> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        Ok(Self {
            domain: Arc::new(domain),
            policies: stored.policies,
            rule_only: stored.rule_only,
            model_id: String::new(),
            assistant_id: None,
            max_predictions: DEFAULT_MAX_PREDICTIONS,
        })
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
