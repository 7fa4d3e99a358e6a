//! What must hold for any input: no panic, and the promises below.

use sapa_nlu::parse_intent_message;
use sapa_project::annotation::parse_annotations;
use sapa_project::{
    Diagnostic, FileRole, Loaded, ProjectFile, Sources, check, load, load_nlu, render_json, render_text,
};

/// A function under test.
pub type Target = fn(&[u8]);

/// All of them by name.
pub const TARGETS: [(&str, Target); 3] =
    [("yaml", yaml), ("annotation", annotation), ("intent_message", intent_message)];

const CONFIG: &str = "recipe: default.v1\nassistant_id: a\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\npolicies:\n- name: RulePolicy\n";
const DOMAIN: &str = "intents: [greet]\nentities: [city]\nslots:\n  city:\n    type: text\n    mappings: []\nresponses:\n  utter_greet:\n  - text: hi\n";

fn file(path: &str, bytes: &[u8], role: FileRole) -> ProjectFile {
    ProjectFile { path: path.to_owned(), bytes: bytes.to_vec(), role }
}

/// The whole loader: the input stands in for each file of a project. Findings
/// have places in the file, and can be shown.
pub fn yaml(input: &[u8]) {
    for place in 0..3 {
        let [config, domain, data]: [&[u8]; 3] = match place {
            0 => [input, DOMAIN.as_bytes(), b""],
            1 => [CONFIG.as_bytes(), input, b""],
            _ => [CONFIG.as_bytes(), DOMAIN.as_bytes(), input],
        };
        let files = vec![
            file("config.yml", config, FileRole::Config),
            file("data/d.yml", data, FileRole::Data),
            file("domain.yml", domain, FileRole::Domain),
        ];
        let Loaded { project, diagnostics } = load(files, &|name| (name == "SET").then(|| "value".to_owned()));
        show(&diagnostics, &project.sources);
        show(&check(&project), &project.sources);
    }
}

fn show(diagnostics: &[Diagnostic], sources: &Sources) {
    for annotation in diagnostics.iter().flat_map(|diagnostic| &diagnostic.annotations) {
        let span = annotation.span;
        let length = sources.get(span.file).map_or(0, |source| source.text.len());
        assert!(span.start <= span.end && span.end <= length, "a finding stands at {span:?} of {length} bytes");
    }
    // Rendering is slow: of very many findings the first do.
    let few = diagnostics.get(..diagnostics.len().min(20)).unwrap_or_default();
    render_text(few, sources, false);
    render_json(few, sources);
}

/// NLU examples with annotations. Entities lie within the text, in its order.
pub fn annotation(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let read = parse_annotations(&text);
    let length = read.text.chars().count();
    assert!(read.text.len() <= text.len(), "the text grew");
    let mut last = 0;
    for entity in &read.entities {
        assert!(last <= entity.start && entity.start < entity.end && entity.end <= length, "{entity:?} of {length}");
        assert!(!entity.entity.is_empty(), "an entity without a name");
        last = entity.start;
    }
    for (range, _) in &read.problems {
        assert!(text.get(range.clone()).is_some(), "a problem stands at {range:?} of {}", text.len());
    }
    let lines: String = text.lines().map(|line| format!("    - {line}\n")).collect();
    let data = format!("nlu:\n- intent: greet\n  examples: |\n{lines}");
    let loaded = load_nlu(vec![file("data/nlu.yml", data.as_bytes(), FileRole::Data)], "en");
    show(&loaded.diagnostics, &loaded.sources);
}

/// `/intent{…}` messages. Their entities span the message's JSON; the
/// confidence is one.
pub fn intent_message(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Some(data) = parse_intent_message(&text, None) else { return };
    let length = text.chars().count();
    assert!(data.intent.name.as_deref().is_some_and(|name| !name.is_empty()), "an intent without a name");
    assert!((0.0..=1.0).contains(&data.intent.confidence), "the confidence is {}", data.intent.confidence);
    for entity in &data.entities {
        let (start, end) = (entity.start.unwrap_or(usize::MAX), entity.end.unwrap_or(0));
        assert!(start < end && end <= length, "an entity at {start}..{end} of {length}");
    }
}
