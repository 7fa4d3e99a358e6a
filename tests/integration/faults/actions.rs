//! A server that is killed between an action's answer and the commit of its turn.

use serde_json::{Value, json};

use super::{Toll, report, rounds};
use crate::support::{Answer, BotApi, FakeActions, Project, Server, poll, texts};

/// The small bot; its work takes two actions.
fn bot(api: &BotApi, actions: &FakeActions) -> Project {
    let project = Project::tiny();
    for (file, line) in [("domain.yml", "- action_work\n"), ("data/rules.yml", "  - action: action_work\n")] {
        let text = std::fs::read_to_string(project.path(file)).expect("a file");
        assert!(text.contains(line), "{file}");
        project.write(file, text.replace(line, &format!("{line}{}", line.replace("work", "more"))));
    }
    actions.serve(&project, 30.0);
    api.serve(&project, "");
    project.trained()
}

/// The keys of an action's calls in a conversation.
fn keys_of(actions: &FakeActions, action: &str, sender: &str) -> Vec<String> {
    let calls = actions.calls().into_iter().zip(actions.keys());
    calls.filter(|(call, _)| call["next_action"] == action && call["sender_id"] == sender).map(|(_, key)| key).collect()
}

#[test]
fn an_action_whose_answer_came_before_a_kill_is_not_asked_again() {
    let (api, actions, runs) = (BotApi::start(), FakeActions::start(), rounds(2, 100));
    let project = bot(&api, &actions);
    actions.answer("action_work", 200, json!({ "events": [], "responses": [{ "text": "Half." }] }));
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    let mut toll = Toll { kills: runs, messages: runs, ..Toll::default() };
    for chat in 1..=i64::try_from(runs).expect("a number") {
        let sender = chat.to_string();
        actions.script("action_more", Answer::Silence);
        api.queue([api.text(chat, "/work")]);
        poll("the second action", || (keys_of(&actions, "action_more", &sender).len() == 1).then_some(()));
        server.stop();
        actions.answer("action_more", 200, "{}");
        server = Server::with_api(&project);
        server.wait_until_sent();
        assert_eq!(keys_of(&actions, "action_work", &sender).len(), 1, "its answer was kept");
        let [first, second] = &keys_of(&actions, "action_more", &sender)[..] else { panic!("asked again once") };
        assert_eq!(first, second, "by the key of the first time");
        let user = |event: &Value| event["event"] == "user";
        toll.doubled_turns += server.events(&sender).iter().filter(|event| user(event)).count().saturating_sub(1);
        let answers = texts(&api.messages(chat));
        toll.lost += usize::from(!answers.starts_with(&["Half.".to_owned(), "Done.".to_owned()]));
        toll.doubled_answers += answers.len().saturating_sub(2);
    }
    report("kill -9 between an action's answer and the commit", runs, &toll);
    assert_eq!(toll, Toll { kills: runs, messages: runs, ..Toll::default() });
}
