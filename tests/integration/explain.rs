//! The pages of `docs/diagnostics`: each example is a broken project, and what is
//! said of it is true.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::Project;
use sapa_project::codes::TABLE;

/// Codes whose pages have no example, and why.
const WITHOUT_EXAMPLE: [(&str, &[&str]); 6] = [
    ("no text file can show it", &["E0101", "E0106", "E0107", "E0801", "E0908"]),
    ("another command finds it", &["E0204", "E0511", "E0701", "E0702", "N0504", "W0311", "W0512", "W0701"]),
    ("it takes several domain files", &["W0501"]),
    ("an earlier check finds it first", &["E0804", "E0807", "E0902", "E0904", "E0905", "E0906", "E0907", "W0803"]),
    ("it takes thousands of stories", &["W0808"]),
    ("no data is known that leads to it", &["E0903", "E0909", "W0904"]),
];

/// A page's example.
struct Example {
    /// Files by their paths; they take the place of those of the small bot.
    files: BTreeMap<String, String>,
    /// The file and line where the finding stands.
    place: String,
    /// The command that finds it.
    command: Vec<String>,
}

/// Reads the blocks of a page: behind the language stands the file's path, and
/// in the first block the line of the finding.
fn example(page: &str) -> Option<Example> {
    let command = page.split_once(", found by `sapa ").and_then(|(_, rest)| rest.split_once('`')).map(|(line, _)| line);
    let command = command.unwrap_or("data validate").split(' ').map(str::to_owned).collect();
    let (mut files, mut place) = (BTreeMap::new(), None);
    for block in page.split("\n```").skip(1).step_by(2) {
        let (head, text) = block.split_once('\n').expect("a block");
        let info = head.split_once(' ').expect("a path behind the language").1;
        let path = info.split(':').next().expect("a path");
        place.get_or_insert_with(|| info.to_owned());
        files.insert(path.to_owned(), format!("{text}\n"));
    }
    Some(Example { files, place: place?, command })
}

/// What the program says of a code in the small bot with the example's files.
fn finding(code: &str, example: &Example) -> String {
    let project = Project::tiny();
    example.files.iter().for_each(|(path, text)| project.write(path, text));
    let mut command: Vec<&str> = example.command.iter().map(String::as_str).collect();
    command.push("--all");
    let told = project.sapa(&command).err;
    let place = format!("> {}:", example.place);
    let blocks: Vec<&str> = told.split("\n\n").filter(|block| block.contains(&format!("[{code}]"))).collect();
    let right = blocks.iter().find(|block| block.contains(&place));
    right.unwrap_or_else(|| panic!("{code} is not found at {}: {blocks:#?}\n{told}", example.place)).trim().to_owned()
}

#[test]
fn every_example_is_found_at_its_line() {
    let mut told = String::new();
    for (code, _) in TABLE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/diagnostics/{code}.md"));
        let page = std::fs::read_to_string(path).expect("a page");
        let excuse = WITHOUT_EXAMPLE.iter().find(|(_, codes)| codes.contains(code));
        match (example(&page), excuse) {
            (Some(example), None) => told.push_str(&format!("{}\n\n", finding(code, &example))),
            (None, Some(_)) => {}
            (Some(_), Some((why, _))) => panic!("{code} has an example, though {why}"),
            (None, None) => panic!("the page of {code} needs an example"),
        }
    }
    insta::assert_snapshot!("findings", told);
}

#[test]
fn codes_are_explained() {
    let project = Project::empty();
    let page = project.sapa(&["explain", "e0401"]);
    assert_eq!(page.code, Some(0), "{page:?}");
    assert!(page.out.starts_with("# E0401: an action is not defined\n") && page.out.contains("utter_nothing"));
    for (what, words) in [
        ("W0401x", "is no code"),
        ("E0308", "did you mean W0308?"),
        ("E0409", "did you mean W0409?"),
        ("N0999", "there is no code N0999"),
    ] {
        let told = project.sapa(&["explain", what]);
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.err.contains(words), "{what}: {told:?}");
    }
}

#[test]
fn what_speaks_for_an_intent_adds_up() {
    let network = "- name: LogisticRegressionClassifier";
    for classifier in ["LogisticRegressionClassifier", "DIETClassifier"] {
        let project = Project::tiny();
        project.edit("config.yml", network, &format!("- name: {classifier}"));
        let project = project.trained();
        let told = project.sapa(&["explain", "when do you open the doors"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        let first = told.out.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("{classifier}: hours (")) && first.contains(" rather than "), "{told:?}");
        let numbers = told.out.lines().skip(1).map(|line| {
            let (number, name) = line.trim().split_once("  ").expect("a number and a name");
            (number.parse::<f64>().expect("a number"), name.to_owned())
        });
        let mut numbers: Vec<(f64, String)> = numbers.collect();
        let (sum, _) = numbers.pop().expect("the sum");
        assert!(sum > 0.0 && (numbers.iter().map(|(share, _)| share).sum::<f64>() - sum).abs() < 0.02, "{told:?}");
        assert!(numbers.iter().any(|(share, name)| *share > 0.0 && name.contains("open")), "{told:?}");
    }
    let none = Project::tiny().sapa(&["explain", "halo"]);
    assert!(none.code == Some(1) && none.err.contains("sapa train"), "{none:?}");
}
