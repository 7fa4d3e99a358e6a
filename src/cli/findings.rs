//! What was found about a project: collected, counted, shown.

use std::path::Path;

use sapa_dialogue::DialogueModel;
use sapa_dialogue::conflicts::story_conflicts;
use sapa_project::check::NEED_ALL_FILES;
use sapa_project::fold::{Folded, fold};
use sapa_project::{Diagnostic, Endpoints, Loaded, Project, Severity, Sources, Span, codes, render_text};

use super::files::{from_here, read_regular};
use super::{Verbosity, dotenv, terminal};

/// How much is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Detail {
    /// Only errors and warnings.
    pub(super) quiet: bool,
    /// Every finding, however many are alike.
    pub(super) all: bool,
}

impl Detail {
    /// As the command line asks for it; `all` is the command's own flag.
    pub(super) fn of(verbosity: &Verbosity, all: bool) -> Self {
        Self { quiet: verbosity.quiet, all: all || verbosity.verbose > 0 || verbosity.debug }
    }
}

/// Everything found about a project so far.
pub(super) struct Findings {
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
}

/// What loading found, and what the checks across files find. Files are named as
/// they are seen from here, not from the folder of `config`.
pub(super) fn check_project(loaded: &Loaded, config: &Path) -> Findings {
    let mut diagnostics = loaded.diagnostics.clone();
    diagnostics.extend(sapa_project::check(&loaded.project));
    if has_nlg_server(config) {
        diagnostics.retain(|finding| finding.code != codes::RESPONSE_NOT_DEFINED);
    }
    diagnostics.extend(sapa_nlu::check_options(&loaded.project.config));
    // What could not be read may be what a component lacks; without examples
    // nothing is to be understood.
    if !loaded.project.is_incomplete && !loaded.project.nlu.examples.is_empty() {
        diagnostics.extend(sapa_nlu::check_data(&loaded.project.config, &loaded.project.nlu));
    }
    let sources = match config.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => loaded.project.sources.renamed(|path| from_here(&folder.join(path))),
        None => loaded.project.sources.clone(),
    };
    Findings { diagnostics, sources }
}

/// Whether `endpoints.yml` beside the configuration names a server that says what
/// the domain has no words for.
fn has_nlg_server(config: &Path) -> bool {
    let endpoints = read_regular(&config.with_file_name("endpoints.yml")).unwrap_or_default();
    Endpoints::parse(&endpoints, "endpoints.yml", &|name| dotenv::variable(name)).0.nlg.is_some()
}

impl Findings {
    /// The files that findings speak of.
    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Adds what training finds in rules and stories, without learning anything.
    pub(super) fn add_contradictions(&mut self, project: &Project) {
        // Without the domain a rule's slots and loops cannot be told.
        if !project.stories.is_empty() && !project.is_domain_incomplete {
            let found = DialogueModel::check(project);
            let slots_are_known = self.slots_are_known();
            let says_something = |d: &Diagnostic| {
                (slots_are_known || ![codes::CONTRADICTION, codes::INCOMPLETE_RULE].contains(&d.code))
                    && (!project.is_incomplete || !NEED_ALL_FILES.contains(&d.code))
                    && !self.follows_from_a_name(d)
            };
            let found: Vec<Diagnostic> = found.into_iter().filter(says_something).collect();
            self.extend(found);
        }
    }

    /// Whether all slots could be read: two states may differ by one that could not.
    fn slots_are_known(&self) -> bool {
        let of_slots = [codes::BAD_SLOT, codes::RASA_2_DOMAIN];
        !self.diagnostics.iter().any(|said| said.severity == Severity::Error && of_slots.contains(&said.code))
    }

    /// Whether a contradiction stands at a step whose name nobody knows: with the
    /// right name there may be none.
    fn follows_from_a_name(&self, finding: &Diagnostic) -> bool {
        let of_names = [codes::UNKNOWN_ACTION, codes::UNKNOWN_FORM, codes::UNKNOWN_SLOT];
        let slips = self.diagnostics.iter().filter(|said| of_names.contains(&said.code));
        let places: Vec<Span> = slips.flat_map(|said| &said.annotations).map(|place| place.span).collect();
        finding.annotations.iter().any(|own| places.iter().any(|place| place.meets(own.span)))
    }

    /// Adds stories that no policy can tell apart: nothing while there are errors,
    /// for what could not be read may tell them apart.
    pub(super) fn add_conflicts(&mut self, project: &Project, max_history: Option<usize>) {
        if !self.are_fatal(false) {
            self.extend(story_conflicts(project, max_history));
        }
    }

    /// Adds findings, but none twice.
    pub(super) fn extend(&mut self, more: Vec<Diagnostic>) {
        for finding in more {
            if !self.diagnostics.iter().any(|said| says(said, &finding)) {
                self.diagnostics.push(finding);
            }
        }
    }

    /// Whether anything found stops training.
    pub(super) fn are_fatal(&self, warnings_too: bool) -> bool {
        self.diagnostics.iter().any(|d| match d.severity {
            Severity::Error => true,
            Severity::Warning => warnings_too,
            Severity::Note => false,
        })
    }

    /// A missing `language` is no mistake where nothing is learnt from words
    /// (spec §7: never fatal in `data validate`).
    pub(super) fn forgive_language(&mut self) {
        for finding in self.diagnostics.iter_mut().filter(|finding| finding.code == codes::MISSING_LANGUAGE) {
            (finding.code, finding.severity) = (codes::NO_LANGUAGE, Severity::Note);
        }
    }

    /// Puts them in the order of their places.
    pub(super) fn sort(&mut self) {
        self.diagnostics.sort_by_key(|d| d.annotations.first().map(|a| a.span));
    }

    /// All findings.
    pub(super) fn all(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Shows the findings, by place, on standard error.
    pub(super) fn show(&mut self, detail: Detail) {
        let text = self.text(detail, terminal::has_colour());
        if !text.is_empty() {
            terminal::note(text.trim_end_matches('\n'));
        }
    }

    /// The findings as text, those of one cause not more than a few times, and
    /// how many there are.
    pub(super) fn text(&mut self, detail: Detail, colour: bool) -> String {
        self.diagnostics.retain(|d| !detail.quiet || d.severity != Severity::Note);
        self.sort();
        let folded = match detail.all {
            true => Folded { shown: self.diagnostics.clone(), rest: Vec::new() },
            false => fold(&self.diagnostics, "--all"),
        };
        let mut text = render_text(&folded.shown, &self.sources, colour);
        for line in &folded.rest {
            text.push_str(&format!("{line}\n"));
        }
        if !detail.quiet && !self.diagnostics.is_empty() {
            text.push_str(&self.count());
        }
        text
    }

    fn count(&self) -> String {
        let count = |severity: Severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        let counted = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let errors = counted(count(Severity::Error), "error");
        let warnings = counted(count(Severity::Warning), "warning");
        let notes = counted(count(Severity::Note), "note");
        format!("{errors}, {warnings}, {notes}\n")
    }
}

/// Whether a finding of the checks says what one of training says.
fn says(said: &Diagnostic, found: &Diagnostic) -> bool {
    let is_same_place = said.annotations.first().map(|a| a.span) == found.annotations.first().map(|a| a.span);
    // The same rules, and the same forms, that the check of the files found.
    match found.code {
        codes::SEVERAL_USER_TURNS if said.code == codes::RULE_SEVERAL_USER_TURNS => return true,
        codes::FORMS_WITHOUT_RULES if said.code == codes::FORM_WITHOUT_RULE_POLICY => return true,
        _ => {}
    }
    let is_same_thing = match found.code {
        codes::UNREACHED_CHECKPOINT | codes::OPEN_CHECKPOINT => said.code == codes::CHECKPOINT_UNCONNECTED,
        codes::MISALIGNED_ENTITY => said.code == found.code,
        _ => false,
    };
    said == found || is_same_place && is_same_thing
}
