//! Bytes of files -> [`Project`] (spec §1.1): every file is read, all problems
//! are collected.

mod parsed;

pub(crate) use parsed::add_source;
use parsed::{Parsed, looks_like_training_data, may_be_stray, parse_files};

use crate::components::Component;
use crate::foreign::{self, Sibling};
use crate::read_domain::{DOMAIN_KEYS, DomainReader, Extras, has_domain_keys};
use crate::read_nlu::NluReader;
use crate::read_story::StoryReader;
use crate::source::Source;
use crate::yaml::{Env, Map, Node};
use crate::{
    Config, Diagnostic, Domain, DomainSpans, NluData, Project, Sources, Span, Step, StepKind, Story, StoryKind, codes,
};
use crate::{check, read_config, shape};
use std::collections::BTreeSet;

/// What a file was given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileRole {
    /// `config.yml`.
    Config,
    /// `domain.yml`, or a file of a domain directory.
    Domain,
    /// A file of `data/`: NLU data, stories, rules, responses.
    Data,
    /// A file of an imported project: what it is, its content says.
    Imported,
}

/// One file.
#[derive(Clone, Debug)]
pub struct ProjectFile {
    /// Path relative to the project, with `/`.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it was given as. A file may be given twice in two roles.
    pub role: FileRole,
}

/// A project and everything that was found while reading it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What could be read.
    pub project: Project,
    /// All findings, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Keys of training data.
pub(crate) const DATA_KEYS: [&str; 4] = ["nlu", "stories", "rules", "responses"];

/// What may be done about a project that cannot be served as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Puts our own NLU components in the place of those that cannot be served.
    pub substitute: bool,
    /// Does without a domain: understanding alone needs none.
    pub without_domain: bool,
    /// Components and policies that are served besides Rasa's.
    pub own: &'static [Component],
}

/// Reads a project with default options: see [`load_with`].
pub fn load(files: Vec<ProjectFile>, env: Env<'_>) -> Loaded {
    load_with(files, env, LoadOptions::default())
}

/// Reads a project. Files are read in the order of their paths, whatever the
/// order given. Nothing stops at the first problem; findings across files are
/// those of [`check()`](crate::check()), which the caller runs on the project.
pub fn load_with(files: Vec<ProjectFile>, env: Env<'_>, options: LoadOptions) -> Loaded {
    let (mut sources, mut out) = (Sources::default(), Vec::new());
    let given: BTreeSet<FileRole> = files.iter().map(|file| file.role).collect();
    let paths = |role: &dyn Fn(FileRole) -> bool| -> Vec<String> {
        files.iter().filter(|file| role(file.role)).map(|file| file.path.clone()).collect()
    };
    let domain_paths = paths(&|role| role == FileRole::Domain);
    let mandatory = paths(&|role| !may_be_stray(role));
    let parsed = parse_files(files, Some(env), &mut sources, &mut out);
    let unread: Vec<&Source> =
        sources.iter().map(|(_, source)| source).filter(|source| !is_parsed(&parsed, &source.path)).collect();
    // A stray file among the data is nobody's loss.
    let is_incomplete =
        unread.iter().any(|source| mandatory.contains(&source.path) || looks_like_training_data(&source.text));
    let is_domain_broken =
        unread.iter().any(|source| domain_paths.contains(&source.path) || looks_like_domain(&source.text));
    let parsed: Vec<Parsed> = parsed.into_iter().map(Parsed::with_roles_by_content).collect();
    let mut project = Project { config: config(&parsed, &given, options, &mut out), ..Project::default() };
    read_data(&parsed, &sources, &mut project, &mut out);
    read_domain(&parsed, &given, options, &mut project, &mut out);
    project.is_incomplete = is_incomplete;
    project.is_domain_incomplete = is_domain_broken || project.domain_spans == DomainSpans::default();
    project.sources = sources;
    sort(&mut out);
    Loaded { project, diagnostics: out }
}

/// NLU data by itself.
#[derive(Clone, Debug)]
pub struct LoadedNlu {
    /// Text of every file, for diagnostics.
    pub sources: Sources,
    /// NLU training data of all files.
    pub nlu: NluData,
    /// Responses that stand in the same files, as written.
    pub responses: Map,
    /// What was found in the files' form and NLU data.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the NLU data of files, and the responses in them; nothing else counts.
/// Variables stay as they are written. `language` chooses among the files of a
/// Dialogflow export.
pub fn load_nlu(files: Vec<ProjectFile>, language: &str) -> LoadedNlu {
    let (mut sources, mut out) = (Sources::default(), Vec::new());
    let parsed = parse_files(files, None, &mut sources, &mut out);
    let nlu = read_nlu(&parsed, &sources, language, &mut out);
    let mut responses = Map::default();
    for map in parsed.iter().filter_map(|file| file.keys(FileRole::Data)?.get("responses")?.as_map()) {
        // The later file wins, as in a project.
        responses.entries.retain(|(key, _)| map.get(&key.name).is_none());
        responses.entries.extend(map.entries.iter().cloned());
    }
    sort(&mut out);
    LoadedNlu { sources, nlu, responses, diagnostics: out }
}

fn is_parsed(parsed: &[Parsed], path: &str) -> bool {
    parsed.iter().any(|file| file.path == path)
}

/// Whether a line at the margin starts with a key of the domain.
fn looks_like_domain(text: &str) -> bool {
    text.lines().any(|line| line.split_once(':').is_some_and(|(key, _)| DOMAIN_KEYS.contains(&key)))
}

/// Reads test stories (spec §8.1): `user` texts with annotations, full
/// retrieval names kept. Only the key `stories` counts. Names that the domain
/// does not know are reported.
pub fn load_test_stories(
    files: Vec<ProjectFile>,
    env: Env<'_>,
    domain: &Domain,
) -> (Sources, Vec<Story>, Vec<Diagnostic>) {
    let (mut sources, mut out) = (Sources::default(), Vec::new());
    let parsed = parse_files(files, Some(env), &mut sources, &mut out);
    let mut stories = Vec::new();
    for file in &parsed {
        if let Some(node) = file.root.as_map().and_then(|map| map.get("stories")) {
            StoryReader { is_test: true, out: &mut out }.read(node, "story", &mut stories);
        }
    }
    out.extend(check::check_stories(&stories, domain));
    sort(&mut out);
    (sources, stories, out)
}

fn missing_file(name: &str, help: &str) -> Diagnostic {
    Diagnostic::error(codes::MISSING_FILE, format!("there is no {name}")).help(help)
}

fn config(parsed: &[Parsed], given: &BTreeSet<FileRole>, options: LoadOptions, out: &mut Vec<Diagnostic>) -> Config {
    let mut files = parsed.iter().filter(|file| file.roles.contains(&FileRole::Config));
    let Some((file, map)) = files.next().and_then(|file| Some((file, file.root.as_map()?))) else {
        if !given.contains(&FileRole::Config) {
            out.push(missing_file(
                "config.yml",
                "add one with `recipe`, `assistant_id` and `language`, or name it with --config",
            ));
        }
        return read_config::with_defaults(Config::default());
    };
    for other in files {
        out.push(
            Diagnostic::error(codes::MISSING_FILE, "a project has only one config.yml")
                .at(other.root.span, "")
                .at(file.root.span, ""),
        );
    }
    let start = Span { end: file.root.span.start, ..file.root.span };
    read_config::read_config(map, start, options, out)
}

fn read_data(parsed: &[Parsed], sources: &Sources, project: &mut Project, out: &mut Vec<Diagnostic>) {
    // What Dialogflow's files are called by where the configuration says nothing.
    let language = project.config.language.as_deref().unwrap_or("en");
    project.nlu = read_nlu(parsed, sources, language, out);
    for file in parsed {
        let Some(map) = file.keys(FileRole::Data) else { continue };
        let mut reader = StoryReader { is_test: false, out };
        if let Some(node) = map.get("stories") {
            reader.read(node, "story", &mut project.stories);
        }
        if let Some(node) = map.get("rules") {
            reader.read(node, "rule", &mut project.stories);
        }
        report_other_content(file, map, out);
    }
}

fn read_nlu(parsed: &[Parsed], sources: &Sources, language: &str, out: &mut Vec<Diagnostic>) -> NluData {
    let mut nlu = NluReader::new(sources);
    let siblings: Vec<Sibling<'_>> = parsed.iter().map(|file| Sibling { path: &file.path, root: &file.root }).collect();
    for (file, sibling) in parsed.iter().zip(&siblings).filter(|(file, _)| file.roles.contains(&FileRole::Data)) {
        foreign::read(file.format, sibling, &siblings, language, &mut nlu, out);
        if let Some(node) = file.keys(FileRole::Data).and_then(|map| map.get("nlu")) {
            nlu.read(node, out);
        }
    }
    nlu.finish()
}

/// Says what is not read of a data file, and slips of top-level keys.
fn report_other_content(file: &Parsed, map: &Map, out: &mut Vec<Diagnostic>) {
    let known = known_top_level_keys();
    let mut others = Vec::new();
    for (key, node) in map.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
        match place_of(&key.name, node.as_seq().is_some()) {
            Some(cure) => out.push(shape::unread_here(key, &cure)),
            None => match shape::near_miss(key, &known, "a data file") {
                Some(finding) => out.push(finding),
                None => others.extend(shape::unread_section(key, "a data file")),
            },
        }
    }
    let is_data = map.iter().any(|(key, _)| DATA_KEYS.contains(&key.name.as_str()));
    if !is_data && !has_domain_keys(map) {
        out.push(foreign::holds_nothing(&file.path, file.root.span));
        return;
    }
    // A file that is a domain as well is looked at there.
    if !file.roles.contains(&FileRole::Domain) {
        out.extend(others);
    }
}

/// What to do with a key of the top level that is one of an item's.
/// `is_list`: its value is one, as that of a section is.
fn place_of(name: &str, is_list: bool) -> Option<String> {
    match name {
        "story" if is_list => Some("did you mean `stories`?".to_owned()),
        "rule" if is_list => Some("did you mean `rules`?".to_owned()),
        "intent" if is_list => Some("did you mean `nlu`?".to_owned()),
        "story" | "rule" => Some(format!(
            "write `- {name}: …` in the column of the others: without its dash it is no item of the list, and the steps below it are lost"
        )),
        "steps" | "condition" => {
            Some("indent it below its `- story: …` or `- rule: …`, in the column of that name".to_owned())
        }
        "intent" | "synonym" | "regex" | "lookup" => {
            Some(format!("write it as an item `- {name}: …` below `nlu:`, with `examples: |`"))
        }
        "examples" => Some("indent it below its `- intent: …`, in the column of that name".to_owned()),
        _ => None,
    }
}

fn known_top_level_keys() -> Vec<&'static str> {
    DATA_KEYS.into_iter().chain(DOMAIN_KEYS).chain(["version", "rasa_nlu_data"]).collect()
}

fn read_domain(
    parsed: &[Parsed],
    given: &BTreeSet<FileRole>,
    options: LoadOptions,
    project: &mut Project,
    out: &mut Vec<Diagnostic>,
) {
    let mut reader = DomainReader::default();
    let mut domain_files = 0;
    let mut is_any_read = false;
    // The project's own domain comes before those of imported projects.
    let (imported, own): (Vec<&Parsed>, Vec<&Parsed>) = parsed.iter().partition(|file| file.is_imported());
    for file in own.into_iter().chain(imported) {
        if let Some(map) = file.keys(FileRole::Domain) {
            domain_files += 1;
            is_any_read |= has_domain_keys(map);
            reader.add(map, out);
        } else if let Some(map) = file.keys(FileRole::Data).filter(|map| has_own_domain_keys(map)) {
            out.push(domain_keys_in_data(map, &file.root, &file.path));
        }
    }
    // What an imported file says is its domain's, and does not win over others.
    for file in parsed.iter().filter(|file| !file.is_imported()) {
        if let Some(node) = file.keys(FileRole::Data).and_then(|map| map.get("responses")) {
            is_any_read = true;
            reader.add_data_responses(node, out);
        }
    }
    let is_missing = !given.contains(&FileRole::Domain) && !is_any_read;
    if is_missing && !options.without_domain {
        out.push(missing_file("domain.yml", "add one with `intents` and `responses`, or name it with --domain"));
    } else if domain_files > 0 && !is_any_read {
        let place = parsed
            .iter()
            .find(|file| file.roles.contains(&FileRole::Domain))
            .map(|file| file.root.span)
            .unwrap_or_default();
        out.push(
            Diagnostic::error(codes::EMPTY_DOMAIN, "the domain is empty")
                .at(place, "")
                .help("list at least `intents:` and `responses:`"),
        );
    }
    let extras = Extras { bot_texts: bot_texts(&project.stories), retrieval_intents: retrieval_intents(project) };
    (project.domain, project.domain_spans) = reader.finish(&extras, out);
}

/// Domain keys other than `responses`, which data files have of their own.
fn has_own_domain_keys(map: &Map) -> bool {
    map.iter().any(|(key, _)| key.name != "responses" && DOMAIN_KEYS.contains(&key.name.as_str()))
}

/// Rasa reads the domain from `--domain` only: a stale copy among the data must
/// not change the bot.
fn domain_keys_in_data(map: &Map, root: &Node, path: &str) -> Diagnostic {
    let is_domain = |name: &str| name != "responses" && DOMAIN_KEYS.contains(&name);
    let place = map.iter().find(|(key, _)| is_domain(&key.name)).map_or(root.span, |(key, _)| key.span);
    Diagnostic::warning(
        codes::DOMAIN_KEYS_IN_DATA,
        "domain keys stand in a data file; of these only `responses` is read there",
    )
    .at(place, "this key and others of the domain are passed over")
    .help(format!(
        "if this is your domain, pass `--domain {path}`; a domain of several files stands in one folder of its own"
    ))
}

fn retrieval_intents(project: &Project) -> BTreeSet<String> {
    project
        .nlu
        .examples
        .iter()
        .filter(|example| example.intent.contains('/'))
        .map(|example| example.base_intent().to_owned())
        .collect()
}

fn bot_texts(stories: &[Story]) -> BTreeSet<String> {
    let steps = stories.iter().flat_map(|story| &story.steps);
    steps.filter_map(|step| if let StepKind::Bot(text) = &step.kind { Some(text.clone()) } else { None }).collect()
}

/// All steps of a story, those of its condition and of `or` steps included.
pub(crate) fn all_steps(story: &Story) -> Vec<&Step> {
    let condition: &[Step] = match &story.kind {
        StoryKind::Rule { condition, .. } => condition,
        StoryKind::Story => &[],
    };
    let mut steps = Vec::new();
    for step in condition.iter().chain(&story.steps) {
        match &step.kind {
            StepKind::Or(alternatives) => steps.extend(alternatives),
            _ => steps.push(step),
        }
    }
    steps
}

/// Sorts findings by their first place; those without a place come first.
pub(crate) fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|left, right| {
        let key = |diagnostic: &Diagnostic| {
            (diagnostic.annotations.first().map(|annotation| annotation.span), diagnostic.code)
        };
        key(left).cmp(&key(right)).then_with(|| left.message.cmp(&right.message))
    });
}
