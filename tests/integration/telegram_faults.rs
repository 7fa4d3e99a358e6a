//! The Telegram channel when the Bot API, a conversation or the program itself is
//! in trouble.

use sapa_sdk::BotMessage;
use serde_json::{Value, json};

use crate::support::{
    Answer, BotApi, Cluster, FakeActions, Fault, Project, RUNTIME, Server, TOKEN, brief, poll, texts,
};
use crate::telegram::{MODES, WEBHOOK, hook, tiny};

/// Two processes on one database: one asks, the other stands by, and takes over at
/// once when the first is told to stop. Nothing is asked twice at a time (409).
#[test]
fn of_the_processes_on_one_database_one_asks_for_updates() {
    let Some(cluster) = Cluster::shared() else { return };
    let (api, project) = (BotApi::start(), crate::postgres::bot(cluster, &cluster.database()));
    api.serve(&project, "");
    let mut servers: Vec<Server> = (0..2).map(|_| Server::with_api(&project)).collect();
    api.wait_for_bot();
    let stands_by = |server: &Server| server.log().contains("stands by for it");
    poll("one to stand by", || servers.iter().any(stands_by).then_some(()));
    // The one that asks is stopped first.
    servers.sort_by_key(stands_by);
    for number in 0..6 {
        api.queue([api.text(number, "hi")]);
    }
    poll("the replies", || (0..6).all(|chat| texts(&api.messages(chat)) == ["Hello!"]).then_some(()));
    let log = servers.remove(0).terminate();
    api.queue([api.text(9, "hi")]);
    poll("the reply of the other", || (texts(&api.messages(9)) == ["Hello!"]).then_some(()));
    assert!(!(log + &servers[0].log()).contains("another program receives"), "{}", servers[0].log());
    let users = servers[0].events("1").iter().filter(|event| event["event"] == "user").count();
    assert_eq!(users, 1);
}

#[test]
fn the_menu_shows_the_commands_that_have_a_description() {
    let (api, project) = (BotApi::start(), Project::tiny().trained());
    let commands = "{jam: {intent: hours, description: Jam buka, groups: true}, halo: {intent: greet, description: Salam}, x: greet}";
    api.serve(&project, &format!("  commands: {commands}\n"));
    let server = Server::with_api(&project);
    api.wait_for_bot();
    let [jam, halo] = [("jam", "Jam buka"), ("halo", "Salam")].map(|(c, d)| json!({ "command": c, "description": d }));
    let expected = [
        json!({ "commands": [&jam, &halo], "scope": { "type": "all_private_chats" } }),
        json!({ "commands": [&jam], "scope": { "type": "all_group_chats" } }),
    ];
    assert_eq!(api.calls("setMyCommands"), expected);
    assert_eq!(api.texts(&server, 7, "/jam"), ["We are open from nine to five."]);
    assert_eq!(api.texts(&server, 7, "/x"), ["Hello!"]);
}

/// The small bot in a project of its own, asking for updates: it can be started again.
fn asking() -> (BotApi, Project, Server) {
    let (api, project) = (BotApi::start(), Project::tiny().trained());
    api.serve(&project, "");
    let server = Server::with_api(&project);
    api.wait_for_bot();
    (api, project, server)
}

#[test]
fn one_chat_that_cannot_be_answered_keeps_nobody_waiting() {
    let (api, server) = tiny("");
    // Nothing can be sent to that chat; it writes again and again.
    api.fail_in(666, Fault::Answer(500, json!({ "ok": false, "error_code": 500, "description": "x" })));
    api.queue([api.text(666, "hi"), api.text(8, "hi")]);
    poll("the other chat", || (texts(&api.messages(8)) == ["Hello!"]).then_some(()));
    api.queue([api.text(666, "hi"), api.text(9, "hi")]);
    poll("one after the batch", || (texts(&api.messages(9)) == ["Hello!"]).then_some(()));
    let heard = || server.events("666").iter().filter(|e| e["event"] == "user").count();
    poll("both messages of the first chat", || (heard() == 2).then_some(()));
    assert_eq!(api.messages(666), Vec::<Value>::new());
    let absurd = json!({ "ok": false, "error_code": 429, "description": "x", "parameters": { "retry_after": 0 } });
    api.fail("sendMessage", [Fault::Answer(429, absurd)]);
    api.queue([api.text(10, "hi")]);
    poll("the reply", || (texts(&api.messages(10)) == ["Hello!"]).then_some(()));
    // Late replies come, in their order and once.
    api.heal(666);
    poll("the late replies", || (texts(&api.messages(666)) == ["Hello!"; 2]).then_some(()));
}

#[test]
fn a_reply_that_was_late_when_the_server_was_killed_comes_after_the_restart() {
    let (api, project) = (BotApi::start(), Project::tiny().trained());
    api.serve(&project, "");
    let mut server = Server::with_api(&project);
    api.fail_in(666, Fault::Answer(500, json!({ "ok": false, "error_code": 500, "description": "x" })));
    api.queue([api.text(666, "hi"), api.text(8, "hi")]);
    poll("the other chat", || (texts(&api.messages(8)) == ["Hello!"]).then_some(()));
    // The next batch was asked for: what was late then is not confirmed by that.
    api.queue([api.text(9, "hi")]);
    poll("one after the batch", || (texts(&api.messages(9)) == ["Hello!"]).then_some(()));
    server.stop();
    api.heal(666);
    let server = Server::with_api(&project);
    poll("the late reply", || (texts(&api.messages(666)) == ["Hello!"]).then_some(()));
    let users = server.events("666").iter().filter(|event| event["event"] == "user").count();
    assert_eq!(users, 1, "and its turn is the one from before");
}

#[test]
fn the_webhook_takes_a_configured_secret_and_waits_for_a_bot_api_in_trouble() {
    let (api, server) = tiny(&format!("{WEBHOOK}  secret_token: milik-kami_271828\n"));
    assert_eq!(api.webhook().expect("a webhook").1, "milik-kami_271828");
    assert_eq!(hook(&server, Some("milik-kami_27182"), api.text(7, "hi").to_string()), 403);
    let trouble = json!({ "ok": false, "error_code": 500, "description": "trouble" });
    api.fail("sendMessage", [Fault::Answer(500, trouble), Fault::Cut]);
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    // Telegram no longer knows the bot: the reply is kept and comes when it does again.
    let unknown = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" });
    api.fail("sendMessage", [Fault::Answer(401, unknown)]);
    let update = api.text(7, "hi").to_string();
    assert_eq!(hook(&server, Some("milik-kami_271828"), update.clone()), 200);
    assert_eq!(hook(&server, Some("milik-kami_271828"), update), 200, "once more, it had its turn");
    poll("the reply", || (texts(&api.messages(7)) == ["Hello!"; 2]).then_some(()));
    assert_eq!(server.events("7").iter().filter(|e| e["event"] == "user").count(), 2);
}

#[test]
fn a_bot_api_in_trouble_is_waited_for() {
    let (api, mut server) = tiny("");
    let answer = |code: u16, more: Value| {
        let mut body = json!({ "ok": false, "error_code": code, "description": "trouble" });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        Fault::Answer(code, body)
    };
    let none = json!({});
    api.fail(
        "sendMessage",
        [
            answer(500, none.clone()),
            Fault::Answer(502, json!("<html>")),
            answer(429, json!({ "parameters": { "retry_after": 1 } })),
        ],
    );
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    api.fail(
        "getUpdates",
        [
            answer(409, none.clone()),
            answer(500, none.clone()),
            answer(429, json!({ "parameters": { "retry_after": 1 } })),
        ],
    );
    assert_eq!(api.texts(&server, 7, "when do you open"), ["We are open from nine to five."]);
    // Who blocked the bot gets nothing, and holds nobody up.
    api.fail("sendMessage", [answer(403, none)]);
    assert_eq!(api.texts(&server, 7, "hi"), Vec::<String>::new());
    assert_eq!(api.texts(&server, 8, "hi"), ["Hello!"]);
    api.fail("sendMessage", [answer(400, json!({ "parameters": { "migrate_to_chat_id": 99 } }))]);
    api.deliver(&server, 8, api.text(8, "hi"));
    assert_eq!(texts(&api.messages(99)), ["Hello!"]);
    let log = server.stop();
    assert!(!log.contains("ERROR") && log.contains("does not want messages"), "nothing to mend: {log}");
}

#[test]
fn an_intent_that_the_model_lacks_is_told_at_the_start() {
    let (_api, mut server) = tiny("  commands: {help: grett, hi: greet}\n  edited_intent: goodbye_all\n");
    let log = server.stop();
    for words in ["intent=\"grett\"", "intent=\"goodbye_all\""] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert!(!log.contains("intent=\"greet\""), "{log}");
}

#[test]
fn a_reply_outlasts_connections_that_are_cut() {
    let (api, server) = tiny("");
    api.fail("sendMessage", [Fault::Cut, Fault::Cut, Fault::Cut]);
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    // It may have arrived each time: there is an end, and it is not called answered.
    api.fail("sendMessage", vec![Fault::Cut; 7]);
    assert_eq!(api.texts(&server, 7, "hi"), Vec::<String>::new());
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    let mut server = server;
    let log = server.stop();
    assert!(log.contains("it stays unknown whether a message arrived"), "{log}");
}

#[test]
fn a_conversation_that_cannot_be_served_holds_up_no_other() {
    let (api, actions, project) = (BotApi::start(), FakeActions::start(), Project::tiny());
    actions.serve(&project, 8.0);
    actions.script("action_work", Answer::Silence);
    api.serve(&project, "");
    let project = project.trained();
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    assert_eq!(api.texts(&server, 666, "hi"), ["Hello!"]);
    server.stop();
    let url = format!("sqlite://{}", project.path("conversations.db").display());
    RUNTIME.block_on(async {
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        sqlx::query("UPDATE events SET data = '{rahasia' WHERE id = 2").execute(&pool).await.expect("a row");
        pool.close().await;
    });
    let server = Server::with_api(&project);
    // One is unreadable, another waits for its action.
    api.queue([api.text(666, "hi"), api.text(7, "please work now")]);
    poll("the typing", || api.calls("sendChatAction").first().map(drop));
    for chat in 8..11 {
        api.queue([api.text(chat, "hi")]);
        poll("another chat", || (texts(&api.messages(chat)) == ["Hello!"]).then_some(()));
    }
    // More of them than may stay unconfirmed.
    let many: Vec<_> = (0..120).map(|n| api.text(1000 + n, "hi")).collect();
    api.queue(many);
    let last = 1119;
    poll("all of them", || (texts(&api.messages(last)) == ["Hello!"]).then_some(()));
    drop(server);
}

#[test]
fn a_bot_api_that_is_not_there_yet_is_waited_for() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").to_string();
    let project = Project::tiny();
    project.write("credentials.yml", format!("telegram:\n  access_token: '{TOKEN}'\n  api_url: 'http://{port}'\n"));
    let project = project.trained();
    let server = Server::with_api(&project);
    assert_eq!(server.get("/health").status, 200);
    let api = BotApi::start_at(&port);
    api.wait_for_bot();
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
}

#[test]
fn a_token_that_telegram_refuses_or_that_is_another_bots_leaves_the_rest_running() {
    let (api, project) = (BotApi::start(), Project::tiny());
    let credentials = |token: &str, verify: &str| {
        format!("rest:\ntelegram:\n  access_token: '{token}'\n  verify: {verify}\n  api_url: '{}'\n", api.url)
    };
    let project = project.trained();
    for (token, verify, words) in
        [("4711:salah", "HelpdeskBot", "does not accept the bot token"), (TOKEN, "OtherBot", "belongs to another bot")]
    {
        project.write("credentials.yml", credentials(token, verify));
        let mut server = Server::with_api(&project);
        poll("the refusal", || server.log().contains(words).then_some(()));
        assert_eq!(server.texts("a", "hi"), ["Hello!"]);
        let log = server.stop();
        assert!(!log.contains(token), "{log}");
        assert_eq!(api.calls("getUpdates").len(), 0);
    }
}

#[test]
fn a_channel_whose_variable_is_not_set_is_off_with_a_line_in_the_log() {
    let project = Project::tiny().trained();
    for token in ["${TELEGRAM_BOT_TOKEN}", "''"] {
        project.write("credentials.yml", format!("rest:\ntelegram:\n  access_token: {token}\n  verify: X\n"));
        let mut server = Server::with_api(&project);
        assert_eq!(server.texts("a", "hi"), ["Hello!"]);
        assert_eq!(server.get("/webhooks/telegram/").status, 404);
        let log = server.stop();
        assert_eq!(log.matches("channel is off").count(), 1, "{log}");
    }
    project.write("credentials.yml", "rest:\ntelegram:\n  verify: X\n");
    let output = project.sapa_that_ends(&["run", "-p", "0"]);
    assert!(output.code == Some(1) && output.err.contains("`access_token` is missing"), "{output:?}");
}

#[test]
fn credentials_that_mean_nothing_are_named() {
    let project = Project::tiny().trained();
    for (options, words) in [
        ("webhook_url: https://a.b/other", "must end in `/webhooks/telegram/webhook`"),
        ("secret_token: 'a b'", "`secret_token` must have"),
        ("commands: [a]", "`commands` must map"),
        ("commands: {Jam: {description: x}}", "a menu takes names"),
        ("commands: {jam: {intnt: x}}", "`intnt` is not one of"),
        ("commands: {jam: {groups: 1}}", "`groups` must be"),
        ("verify: [a]", "`verify` must be a text"),
        ("request_timeout: 0", "`request_timeout` must be a number of seconds"),
        ("api_url: localhost:81", "`api_url` must be an address"),
        ("api_url: 'http://localhost/?a=b'", "`api_url` must be an address"),
        ("webhook_url: /webhooks/telegram/webhook", "`webhook_url` must be an address"),
        ("webhook_url: http://a.b/webhooks/telegram/webhook", "must begin with `https://`"),
        ("acces_token: x", "did you mean `access_token`?"),
        ("webhok_url: https://a.b/webhooks/telegram/webhook", "did you mean `webhook_url`?"),
    ] {
        project.write("credentials.yml", format!("telegram:\n  access_token: '{TOKEN}'\n  {options}\n"));
        let output = project.sapa(&["run", "-p", "0"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(output.err.contains(words) && !output.err.contains(TOKEN), "{}", output.err);
    }
}

#[test]
fn a_slow_turn_shows_that_the_bot_is_at_work_and_a_kill_loses_nothing() {
    let (api, actions, project) = (BotApi::start(), FakeActions::start(), Project::tiny());
    actions.serve(&project, 30.0);
    actions.script("action_work", Answer::Silence);
    api.serve(&project, "");
    let project = project.trained();
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    api.queue([api.text(7, "hi"), api.text(7, "please work now"), api.text(8, "hi")]);
    poll("the typing", || api.calls("sendChatAction").first().map(|call| assert_eq!(call["action"], "typing")));
    assert_eq!(texts(&api.messages(7)), ["Hello!"]);
    poll("the confirmation", || api.all_confirmed().then_some(()));
    server.stop();
    actions.answer("action_work", 200, "{}");
    let server = Server::with_api(&project);
    server.wait_until_sent();
    for chat in ["7", "8"] {
        let texts: Vec<_> = brief(&server.events(chat)).into_iter().filter(|e| e.starts_with("user ")).collect();
        let expected: &[&str] = if chat == "7" { &["user hi", "user please work now"] } else { &["user hi"] };
        assert_eq!(texts, expected);
    }
    poll("the reply", || texts(&api.messages(7)).last().is_some_and(|last| last == "Done.").then_some(()));
}

#[test]
fn replies_wait_for_a_start_that_serves_their_channel_with_the_right_bot() {
    let (api, project, mut server) = asking();
    api.fail_in(7, Fault::Answer(500, json!({ "ok": false, "error_code": 500, "description": "x" })));
    api.queue([api.text(7, "hi")]);
    poll("the turn", || (server.get("/health").json()["unsent"] == 1).then_some(()));
    server.stop();
    api.heal(7);
    // A row as an earlier version wrote it.
    let before = BotMessage { text: Some("From before.".to_owned()), ..BotMessage::default() };
    let before = serde_json::to_string(&before).expect("a message");
    let url = format!("sqlite://{}", project.path("conversations.db").display());
    RUNTIME.block_on(async {
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        let row = "INSERT INTO sapa_outbox (ordinal, sender_id, channel, payload, not_before) VALUES (0, '8', 'telegram', ?1, 0)";
        sqlx::query(row).bind(before).execute(&pool).await.expect("a row");
        pool.close().await;
    });
    let other = format!("rest:\ntelegram:\n  access_token: '{TOKEN}'\n  verify: OtherBot\n  api_url: '{}'\n", api.url);
    for (credentials, words) in [("rest:\n", "Sapa is listening"), (&other, "belongs to another bot")] {
        project.write("credentials.yml", credentials);
        let mut server = Server::with_api(&project);
        poll("the start", || server.log().contains(words).then_some(()));
        // Some rounds of the pump.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        assert_eq!(server.get("/health").json()["unsent"], 2);
        server.stop();
    }
    assert_eq!((api.messages(7).len(), api.messages(8).len()), (0, 0));
    api.serve(&project, "");
    let _server = Server::with_api(&project);
    poll("the reply", || (texts(&api.messages(7)) == ["Hello!"]).then_some(()));
    poll("the old message", || (texts(&api.messages(8)) == ["From before."]).then_some(()));
}

#[test]
fn what_may_have_arrived_rests_where_the_credentials_say_so() {
    let (api, actions, project) = (BotApi::start(), FakeActions::start(), Project::tiny());
    actions.serve(&project, 30.0);
    api.serve(&project, "  on_doubt: hold\n");
    let project = project.trained();
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    api.fail("sendMessage", [Fault::Lost]);
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    assert!(server.log().contains("it stays unknown whether a message arrived; it is not sent again"));
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"], "the next one goes out");
    // One that was being sent when the server was killed.
    let row = "UPDATE sapa_outbox SET state = 'sending', held_until = 0 WHERE id = (SELECT max(id) FROM sapa_outbox)";
    server.stop();
    let url = format!("sqlite://{}", project.path("conversations.db").display());
    RUNTIME.block_on(async {
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        sqlx::query(row).execute(&pool).await.expect("a row");
        pool.close().await;
    });
    let server = Server::with_api(&project);
    poll("the look", || server.log().contains("messages may have arrived before a stop").then_some(()));
    server.wait_until_sent();
    assert_eq!(api.messages(7).len(), 2);
}

#[test]
fn a_kill_repeats_no_reply_of_chats_that_were_answered() {
    let (api, actions, project) = (BotApi::start(), FakeActions::start(), Project::tiny());
    actions.serve(&project, 30.0);
    actions.script("action_work", Answer::Silence);
    api.serve(&project, "");
    let project = project.trained();
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    // The turn of the oldest one goes on for long; it is confirmed all the same.
    let mut updates = vec![api.text(7, "please work now")];
    updates.extend((8..12).map(|chat| api.text(chat, "hi")));
    api.queue(updates);
    poll("the others", || (8..12).all(|chat| texts(&api.messages(chat)) == ["Hello!"]).then_some(()));
    poll("the confirmation", || api.all_confirmed().then_some(()));
    poll("the replies sent", || (server.get("/health").json()["unsent"] == 0).then_some(()));
    assert_eq!(server.get("/health").json()["unserved"], 1);
    server.stop();
    actions.answer("action_work", 200, "{}");
    let server = Server::with_api(&project);
    poll("the slow one", || (texts(&api.messages(7)) == ["Done."]).then_some(()));
    server.wait_until_sent();
    for chat in 8..12 {
        assert_eq!(texts(&api.messages(chat)), ["Hello!"], "once");
    }
}

#[test]
fn a_bot_api_that_takes_calls_and_never_answers_is_not_waited_for_for_ever() {
    for mode in MODES {
        let (api, mut server) = tiny(&format!("{mode}  request_timeout: 0.4\n"));
        // It may have arrived: one more try, and another chat is served meanwhile.
        api.fail("sendMessage", [Fault::Silence]);
        assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
        api.fail("sendMessage", [Fault::Silence, Fault::Silence]);
        assert_eq!(api.texts(&server, 7, "hi"), Vec::<String>::new());
        assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
        // A refusal in between makes no new beginning of it.
        let down = Fault::Answer(502, json!("<html>"));
        api.fail("sendMessage", [Fault::Silence, down, Fault::Silence]);
        assert_eq!(api.texts(&server, 7, "hi"), Vec::<String>::new());
        assert_eq!(server.events("7").iter().filter(|event| event["event"] == "user").count(), 4);
        let log = server.stop();
        assert!(log.contains("it stays unknown whether a message arrived") && !log.contains(TOKEN), "{log}");
    }
}

#[test]
fn a_bot_api_that_is_silent_at_the_start_is_asked_again() {
    for mode in MODES {
        let (api, project) = (BotApi::start(), Project::tiny());
        api.fail("getMe", [Fault::Silence, Fault::Cut]);
        api.fail("setWebhook", [Fault::Silence]);
        api.fail("deleteWebhook", [Fault::Silence]);
        api.serve(&project, &format!("{mode}  request_timeout: '0.3'\n"));
        let server = Server::of(project.trained());
        assert_eq!(server.texts("a", "hi"), ["Hello!"], "other channels are open");
        api.wait_for_bot();
        assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    }
}

#[test]
fn a_token_that_is_revoked_while_the_bot_asks_is_told_once_and_the_rest_goes_on() {
    let (api, project, mut server) = asking();
    let unknown = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" });
    api.fail("getUpdates", [Fault::Answer(401, unknown)]);
    api.queue([api.text(7, "hi")]);
    poll("the alarm", || server.log().contains("does not accept the bot token").then_some(()));
    let asked = api.calls("getUpdates").len();
    api.queue([api.text(7, "when do you open")]);
    assert_eq!(server.texts("a", "hi"), ["Hello!"]);
    poll("the reply", || (texts(&api.messages(7)) == ["Hello!"]).then_some(()));
    let log = server.stop();
    assert_eq!((log.matches("TELEGRAM_BOT_TOKEN").count(), api.calls("getUpdates").len()), (1, asked), "{log}");
    // With a token that counts, what came meanwhile is answered: it was never confirmed.
    let _server = Server::with_api(&project);
    let answered = || texts(&api.messages(7)).last().is_some_and(|last| last == "We are open from nine to five.");
    poll("the answer", || answered().then_some(()));
}

#[test]
fn a_reply_that_meets_a_refused_token_comes_after_the_next_start() {
    let (api, project, mut server) = asking();
    let unknown = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" });
    api.fail("sendMessage", [Fault::Answer(401, unknown)]);
    api.queue([api.text(7, "hi")]);
    poll("the refusal", || server.log().contains("the message waits").then_some(()));
    api.queue([api.text(8, "hi")]);
    poll("another chat", || (texts(&api.messages(8)) == ["Hello!"]).then_some(()));
    server.stop();
    let server = Server::with_api(&project);
    poll("the reply", || (texts(&api.messages(7)) == ["Hello!"]).then_some(()));
    assert_eq!(server.events("7").iter().filter(|event| event["event"] == "user").count(), 1);
}

#[test]
fn odd_answers_of_a_bot_api_are_borne() {
    let (api, project) = (BotApi::start(), Project::tiny());
    // An older server says less of the bot.
    let me = json!({ "id": 4711, "is_bot": true, "first_name": "H", "username": "HelpdeskBot" });
    api.fail("getMe", [Fault::Answer(200, json!({ "ok": true, "result": me }))]);
    // A reply that waited for a silent call would come too late for this test.
    api.serve(&project, "  request_timeout: 60\n");
    let server = Server::of(project.trained());
    api.wait_for_bot();
    assert_eq!(api.calls("getMe").len(), 1);
    // 409 is no word about a message; a proxy's 429 asks for a pause.
    let conflict = json!({ "ok": false, "error_code": 409, "description": "Conflict" });
    api.fail("sendMessage", [Fault::Answer(409, conflict), Fault::Answer(429, json!("<html>"))]);
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    // A keyboard that cannot be removed keeps no reply waiting.
    api.say(&server, 7, "book a table");
    api.fail("editMessageReplyMarkup", [Fault::Silence]);
    api.queue([api.press(7, "Thai")]);
    poll("the reply", || texts(&api.messages(7)).contains(&"For how many people?".to_owned()).then_some(()));
}
