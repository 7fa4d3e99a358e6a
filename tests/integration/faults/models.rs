//! Another model while messages come.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::kills::{bot, check};
use super::storm::Storm;
use super::{report, rounds};
use crate::support::{BotApi, FakeActions};

#[test]
fn another_model_under_load_costs_no_message_and_a_damaged_one_changes_nothing() {
    let (api, actions, runs) = (BotApi::start(), FakeActions::start(), rounds(20, 100));
    let project = bot(&api, &actions);
    let first = project.files("models").into_keys().next().map(|name| format!("models/{name}")).expect("a model");
    // Its own words tell which one is served.
    project.edit("domain.yml", "Hello!", "Hi there!");
    assert_eq!(project.sapa(&["train", "--fixed-model-name", "second"]).code, Some(0));
    let bytes = std::fs::read(project.path("models/second.sapa")).expect("a model");
    project.write("damaged.sapa", &bytes[..bytes.len() / 2]);
    let storm = Storm::begin(&api, &project, 1);
    let swap = |file: &str| {
        let body = json!({ "model_file": file }).to_string();
        storm.server().send(storm.server().request(Method::PUT, "/model").body(body))
    };
    for run in 0..runs {
        std::thread::sleep(Duration::from_millis(20));
        let [file, words] = if run % 2 == 0 { [first.as_str(), "Hello!"] } else { ["models/second.sapa", "Hi there!"] };
        assert_eq!(swap(file).status, 204);
        assert_eq!(storm.server().texts(&format!("swap {run}"), "hi"), [words]);
        let refused = swap("damaged.sapa");
        assert!(refused.status == 400 && refused.body.contains("damaged.sapa"), "{refused:?}");
        assert_eq!(storm.server().texts(&format!("swap {run}"), "hi"), [words], "the one before is served");
    }
    let toll = storm.end();
    report("another model under load, each with a damaged one behind it", runs, &toll);
    check(&toll, &actions);
    assert_eq!(toll.doubled_answers, 0);
}
