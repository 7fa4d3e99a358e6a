//! Servers and databases that are killed in the middle of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::storm::{Storm, WRITERS};
use super::{Toll, report, rounds};
use crate::support::{BotApi, Cluster, FakeActions, Project};

/// Waits between kills, milliseconds: unequal, the same in each run.
fn pause(round: usize) -> Duration {
    Duration::from_millis(60 + (round as u64 * 7_919) % 340)
}

/// The small bot with an action that does its work, delivered to by Telegram.
pub(super) fn bot(api: &BotApi, actions: &FakeActions) -> Project {
    let project = Project::tiny();
    actions.serve(&project, 10.0);
    api.serve(&project, crate::telegram::WEBHOOK);
    project.trained()
}

/// What must hold whatever was killed.
pub(super) fn check(toll: &Toll, actions: &FakeActions) {
    // Every writer was heard at least once, however slow this machine is.
    assert!(toll.messages >= WRITERS, "{toll:?}");
    assert_eq!((toll.lost, toll.doubled_turns, toll.doubtful), (0, 0, 0), "{toll:?}");
    // An answer that was on its way when the server was killed comes again.
    assert!(toll.doubled_answers <= toll.kills * 20, "{toll:?}");
    one_key_a_message(actions);
}

/// However often an action was called again for a message, it had the same key.
fn one_key_a_message(actions: &FakeActions) {
    let mut keys: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (call, key) in actions.calls().iter().zip(actions.keys()) {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let message = (text(&call["sender_id"]), text(&call["tracker"]["latest_message"]["text"]));
        keys.entry(message).or_default().insert(key);
    }
    let different: BTreeSet<_> = keys.values().flatten().collect();
    assert!(keys.values().all(|keys| keys.len() == 1), "{keys:?}");
    assert_eq!(different.len(), keys.len(), "two messages had one key");
}

#[test]
fn a_server_that_is_killed_at_random_loses_nothing_it_acknowledged() {
    let (api, actions, runs) = (BotApi::start(), FakeActions::start(), rounds(8, 1_000));
    let project = bot(&api, &actions);
    let mut storm = Storm::begin(&api, &project, 1);
    for round in 0..runs {
        std::thread::sleep(pause(round));
        storm.kill(0);
    }
    let toll = storm.end();
    report("kill -9, one process, SQLite", runs, &toll);
    check(&toll, &actions);
}

#[test]
fn of_two_servers_on_one_database_either_may_be_killed_and_the_database_too() {
    let Some(cluster) = Cluster::own() else { return };
    let (api, actions, runs) = (BotApi::start(), FakeActions::start(), rounds(5, 200));
    let project = bot(&api, &actions);
    crate::postgres::serve_from(&project, &cluster, &cluster.database());
    let mut storm = Storm::begin(&api, &project, 2);
    for round in 0..runs {
        std::thread::sleep(pause(round));
        if round % 5 == 2 {
            cluster.kill();
            cluster.start();
        } else {
            storm.kill(round % 2);
        }
    }
    let toll = storm.end();
    report("kill -9, two processes, PostgreSQL (which is killed, too)", runs, &toll);
    check(&toll, &actions);
}
