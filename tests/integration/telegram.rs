//! The Telegram channel against a Bot API server, asked and delivered.

use reqwest::Method;
use sapa::evaluate::literate;
use sapa_sdk::{BotData, BotMessage};
use serde_json::{Value, json};

use crate::support::{
    BotApi, FakeActions, Fault, HelpdeskActions, Project, RUNTIME, Server, TOKEN, brief, helpdesk_model, poll,
    repository,
};

const HOOK: &str = "/webhooks/telegram/webhook";
const WEBHOOK: &str = "  webhook_url: https://bot.contoh.go.id/webhooks/telegram/webhook\n";

/// The small bot on Telegram.
fn tiny(more: &str) -> (BotApi, Server) {
    let (api, project) = (BotApi::start(), Project::tiny());
    api.serve(&project, more);
    let server = Server::of(project.trained());
    api.wait_for_bot();
    (api, server)
}

/// Posts an update to the webhook with this secret.
fn hook(server: &Server, secret: Option<&str>, body: impl Into<reqwest::Body>) -> u16 {
    let request = server.request(Method::POST, HOOK).body(body);
    let request = match secret {
        Some(secret) => request.header("X-Telegram-Bot-Api-Secret-Token", secret),
        None => request,
    };
    server.send(request).status
}

/// What Telegram shows, as the dialogues compare it.
fn said(messages: &[Value]) -> Vec<BotMessage> {
    let button = |button: &Value| json!({ "title": button["text"], "payload": button["callback_data"] });
    messages
        .iter()
        .map(|message| {
            let rows = message["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten();
            let buttons: Vec<Value> = rows.filter_map(Value::as_array).flatten().map(button).collect();
            let data = BotData { buttons: json!(buttons), ..BotData::default() };
            BotMessage { text: message["text"].as_str().map(str::to_owned), data, ..BotMessage::default() }
        })
        .collect()
}

/// Plays every dialogue of the helpdesk, each in a chat of its own.
fn play_all(mode: &str) {
    let (api, actions, project) = (BotApi::start(), HelpdeskActions::start(), Project::empty());
    actions.serve(&project);
    api.serve(&project, mode);
    let server = Server::start(&project, &["-m", helpdesk_model().to_str().expect("a path")]);
    api.wait_for_bot();
    let mut chat = 100;
    let mut files: Vec<_> = std::fs::read_dir(repository().join("tests/dialogues")).expect("dialogues").collect();
    files.sort_by_key(|entry| entry.as_ref().map(std::fs::DirEntry::path).ok());
    for file in files {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a dialogue");
        // A chat has a number: dialogues of people who are linked are others'.
        for dialogue in literate::parse(&text).0.iter().filter(|d| d.sender.is_none()) {
            chat += 1;
            for turn in &dialogue.turns {
                let messages = api.say(&server, chat, &turn.user);
                let differences = literate::compare(turn, &said(&messages));
                assert!(differences.is_empty(), "{}:{}: {differences:?}", path.display(), turn.line);
            }
        }
    }
    assert!(chat > 120, "only {} dialogues", chat - 100);
}

#[test]
fn every_dialogue_goes_as_written_when_asking_for_updates() {
    play_all("");
}

#[test]
fn every_dialogue_goes_as_written_through_the_webhook() {
    play_all(WEBHOOK);
}

#[test]
fn a_form_is_filled_with_buttons_which_work_once() {
    for mode in ["", WEBHOOK] {
        let (api, server) = tiny(mode);
        assert_eq!(api.texts(&server, 7, "book a table"), ["Which cuisine?"]);
        let press = api.press(7, "Thai");
        let again = api.press(7, "Italian");
        assert_eq!(crate::support::texts(&api.deliver(&server, 7, press.clone())), ["For how many people?"]);
        assert_eq!(api.button(7, "Thai"), None, "the keyboard is gone");
        // The same update once more gets the same reply; another press does nothing.
        let users = || brief(&server.events("7")).iter().filter(|event| event.starts_with("user ")).count();
        assert_eq!(users(), 2);
        api.deliver(&server, 7, again);
        assert_eq!(users(), 2);
        poll("both answers", || (api.open_queries() == 0).then_some(()));
        let notes = api.calls("answerCallbackQuery");
        assert!(notes.len() == 2 && notes[0]["text"].is_null(), "{notes:?}");
        assert!(notes[1]["text"].as_str().expect("a note").contains("tidak berlaku"));
        assert_eq!(api.texts(&server, 7, "six people"), ["Booked: thai for six people."]);
    }
}

#[test]
fn an_old_button_does_not_answer_a_later_question() {
    let (api, server) = tiny("");
    api.say(&server, 7, "book a table");
    let (message, data) = api.button(7, "Thai").expect("a button");
    // The form is left and begun anew: the same question, another keyboard.
    api.say(&server, 7, "/restart");
    api.say(&server, 7, "book a table");
    let users = || brief(&server.events("7")).iter().filter(|event| event.starts_with("user ")).count();
    let before = users();
    // Pressed only now: Telegram counts its updates up.
    let old = api.press_data(7, message, &data);
    api.deliver(&server, 7, old);
    assert_eq!(users(), before, "the old keyboard says nothing");
    let fresh = api.press(7, "Thai");
    assert_eq!(crate::support::texts(&api.deliver(&server, 7, fresh)), ["For how many people?"]);
}

#[test]
fn a_press_without_a_message_or_data_is_answered() {
    let (api, server) = tiny(WEBHOOK);
    api.say(&server, 7, "hi");
    let mut press = api.press_data(7, 1, "x");
    let query = press["callback_query"].as_object_mut().expect("a press");
    query.remove("data");
    query.remove("message");
    api.deliver(&server, 7, press);
    poll("the answer", || (api.open_queries() == 0).then_some(()));
}

#[test]
fn a_long_payload_goes_through_a_token_that_survives_a_restart() {
    let (api, project) = (BotApi::start(), Project::tiny());
    let long = format!("/inform{{\"city\": \"{}\"}}", "Kota ".repeat(20));
    project.edit("domain.yml", "payload: italian", &format!("payload: '{long}'"));
    api.serve(&project, "");
    let project = project.trained();
    let mut server = Server::with_api(&project);
    assert_eq!(api.texts(&server, 7, "book a table"), ["Which cuisine?"]);
    let (_, data) = api.button(7, "Italian").expect("a button");
    assert!(data.len() <= 64 && !data.contains("Kota"), "{data}");
    server.stop();
    let server = Server::with_api(&project);
    api.deliver(&server, 7, api.press(7, "Italian"));
    assert!(brief(&server.events("7")).contains(&format!("user {long}")), "{:?}", brief(&server.events("7")));
    // In another conversation the token means nothing.
    let before = api.calls("answerCallbackQuery").len();
    api.deliver(&server, 8, api.press_data(8, 1, &data));
    assert_eq!(brief(&server.events("8")).iter().filter(|e| e.starts_with("user ")).count(), 0);
    poll("the answer", || api.calls("answerCallbackQuery").get(before).map(|note| assert!(note["text"].is_string())));
}

#[test]
fn what_is_no_text_is_answered_and_the_form_keeps_its_step() {
    let (api, actions, project) = (BotApi::start(), HelpdeskActions::start(), Project::empty());
    actions.serve(&project);
    api.serve(&project, "  attachment_intent: bukan_teks\n  edited_intent: pesan_diedit\n");
    let server = Server::start(&project, &["--enable-api", "-m", helpdesk_model().to_str().expect("a path")]);
    api.wait_for_bot();
    let ask = "Masukkan NIP (pegawai) atau NIK (masyarakat) Anda.";
    assert_eq!(api.texts(&server, 7, "daftar tte").last().map(String::as_str), Some(ask));
    let file = json!({ "file_id": "f", "file_unique_id": "u", "file_size": 1 });
    let photo = json!({ "file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "file_size": 1 });
    let mut voice = file.clone();
    voice["duration"] = json!(2);
    let sticker = json!({ "file_id": "f", "file_unique_id": "u", "type": "regular", "width": 1, "height": 1,
        "is_animated": false, "is_video": false, "file_size": 1 });
    for content in [
        json!({ "photo": [photo] }),
        json!({ "voice": voice }),
        json!({ "document": file }),
        json!({ "sticker": sticker }),
        json!({ "location": { "longitude": 106.8, "latitude": -6.2 } }),
        json!({ "contact": { "phone_number": "1", "first_name": "A" } }),
    ] {
        let message = api.message(7, content.clone());
        let answers = crate::support::texts(&api.deliver(&server, 7, api.update("message", message)));
        assert_eq!(answers.len(), 2, "{content}: {answers:?}");
        assert!(answers[0].contains("teks"), "{content}: {answers:?}");
        assert_eq!(answers[1], ask);
    }
    let mut message = api.message(7, json!({ "text": "198609262015051001" }));
    message["edit_date"] = json!(1_760_000_001);
    let answers = crate::support::texts(&api.deliver(&server, 7, api.update("edited_message", message)));
    assert!(answers.len() == 2 && answers[0].contains("pesan baru") && answers[1] == ask, "{answers:?}");
    assert!(api.texts(&server, 7, "198609262015051001")[0].starts_with("Kami membaca NIP Anda"));
}

#[test]
fn updates_that_say_nothing_to_the_bot_change_nothing() {
    for mode in ["", WEBHOOK] {
        let (api, server) = tiny(mode);
        let chat = json!({ "id": 7, "type": "private", "first_name": "Warga" });
        let user = json!({ "id": 7, "is_bot": false, "first_name": "Warga" });
        let member = |status: &str| json!({ "status": status, "user": user, "until_date": 0 });
        let mut from_bot = api.message(7, json!({ "text": "hi" }));
        from_bot["from"]["is_bot"] = json!(true);
        let joined = api.message(7, json!({ "new_chat_members": [user.clone()] }));
        for update in [
            api.update("my_chat_member", json!({ "chat": chat, "from": user, "date": 1, "old_chat_member": member("member"), "new_chat_member": member("kicked") })),
            api.update("channel_post", json!({ "message_id": 1, "date": 1, "chat": { "id": -5, "type": "channel", "title": "t" }, "text": "hi" })),
            api.update("something_new", json!({ "a": [1, 2] })),
            api.update("message", json!({ "message_id": "wrong" })),
            api.update("message", from_bot),
            api.update("message", joined),
        ] {
            assert_eq!(api.deliver(&server, 7, update), Vec::<Value>::new());
        }
        // Telegram adds kinds of what stands around a text.
        for (key, value) in [
            ("entities", json!([{ "type": "of_tomorrow", "offset": 0, "length": 2 }])),
            ("forward_origin", json!({ "type": "of_tomorrow", "date": 1 })),
            ("sender_boost_count", json!(-1)),
        ] {
            let mut message = api.message(7, json!({ "text": "hi" }));
            message[key] = value;
            let answers = api.deliver(&server, 7, api.update("message", message));
            assert_eq!(crate::support::texts(&answers), ["Hello!"], "{key}");
        }
        let mut update = api.text(7, "hi");
        update["update_id"] = json!(5_000_000_000_i64);
        assert_eq!(crate::support::texts(&api.deliver(&server, 7, update)), ["Hello!"]);
    }
}

#[test]
fn one_chat_that_cannot_be_answered_keeps_nobody_waiting() {
    let (api, server) = tiny("");
    // Nothing can be sent to that chat; it writes again and again.
    api.fail_in(666, Fault::Answer(500, json!({ "ok": false, "error_code": 500, "description": "x" })));
    api.queue([api.text(666, "hi"), api.text(8, "hi")]);
    poll("the other chat", || (crate::support::texts(&api.messages(8)) == ["Hello!"]).then_some(()));
    api.queue([api.text(666, "hi"), api.text(9, "hi")]);
    poll("one after the batch", || (crate::support::texts(&api.messages(9)) == ["Hello!"]).then_some(()));
    let heard = || server.events("666").iter().filter(|e| e["event"] == "user").count();
    poll("both messages of the first chat", || (heard() == 2).then_some(()));
    assert_eq!(api.messages(666), Vec::<Value>::new());
    let absurd = json!({ "ok": false, "error_code": 429, "description": "x", "parameters": { "retry_after": 0 } });
    api.fail("sendMessage", [Fault::Answer(429, absurd)]);
    api.queue([api.text(10, "hi")]);
    poll("the reply", || (crate::support::texts(&api.messages(10)) == ["Hello!"]).then_some(()));
    // Late replies come, in their order and once.
    api.heal(666);
    poll("the late replies", || (crate::support::texts(&api.messages(666)) == ["Hello!"; 2]).then_some(()));
}

#[test]
fn a_reply_that_was_late_when_the_server_was_killed_comes_after_the_restart() {
    let (api, project) = (BotApi::start(), Project::tiny().trained());
    api.serve(&project, "");
    let mut server = Server::with_api(&project);
    api.fail_in(666, Fault::Answer(500, json!({ "ok": false, "error_code": 500, "description": "x" })));
    api.queue([api.text(666, "hi"), api.text(8, "hi")]);
    poll("the other chat", || (crate::support::texts(&api.messages(8)) == ["Hello!"]).then_some(()));
    // The next batch was asked for: what was late then is not confirmed by that.
    api.queue([api.text(9, "hi")]);
    poll("one after the batch", || (crate::support::texts(&api.messages(9)) == ["Hello!"]).then_some(()));
    server.stop();
    api.heal(666);
    let server = Server::with_api(&project);
    poll("the late reply", || (crate::support::texts(&api.messages(666)) == ["Hello!"]).then_some(()));
    let users = server.events("666").iter().filter(|event| event["event"] == "user").count();
    assert_eq!(users, 1, "and its turn is the one from before");
}

#[test]
fn in_a_group_each_member_has_a_conversation_and_the_bot_speaks_when_spoken_to() {
    let (api, server) = tiny("");
    let group = |member: i64, text: &str| {
        let mut message = api.message(member, json!({ "text": text }));
        message["chat"] = json!({ "id": -77, "type": "supergroup", "title": "Dinas" });
        api.update("message", message)
    };
    assert_eq!(api.deliver(&server, -77, group(1, "book a table")), Vec::<Value>::new());
    let answers = api.deliver(&server, -77, group(1, "book a table @HelpdeskBot"));
    assert_eq!(answers[0]["text"], "Which cuisine?");
    assert!(answers[0]["reply_parameters"]["message_id"].is_i64(), "{answers:?}");
    let answers = api.deliver(&server, -77, group(2, "@helpdeskbot hi"));
    assert_eq!(answers[0]["text"], "Hello!");
    assert_eq!(api.deliver(&server, -77, group(2, "/greet@OtherBot")), Vec::<Value>::new());
    assert_eq!(api.deliver(&server, -77, group(2, "/greet@HelpdeskBot"))[0]["text"], "Hello!");
    assert_eq!(server.events("-77:1").iter().filter(|e| e["event"] == "user").count(), 1);
    assert_eq!(server.events("-77:2").iter().filter(|e| e["event"] == "user").count(), 2);
    assert!(brief(&server.events("-77:1")).contains(&"user book a table".to_owned()));
}

#[test]
fn commands_deep_links_and_long_texts() {
    let (api, project) = (BotApi::start(), Project::tiny());
    let long = "Kalimat yang panjang sekali. ".repeat(400);
    project.edit("domain.yml", "We are open from nine to five.", &format!("\"{long}\""));
    project.edit("domain.yml", "intents: [greet,", "intents: [start, greet,");
    api.serve(&project, "  commands: {jam: hours}\n");
    let server = Server::of(project.trained());
    let answers = api.texts(&server, 7, "/jam");
    assert!(answers.len() > 2 && answers.iter().all(|part| part.encode_utf16().count() <= 4096), "{}", answers.len());
    assert_eq!(answers.join(" "), long.trim());
    api.deliver(&server, 7, api.text(7, "/start@HelpdeskBot tte"));
    let events = server.events("7");
    let start = events.iter().rfind(|e| e["event"] == "user").expect("a message");
    assert_eq!((&start["text"], &start["metadata"]["start_parameter"]), (&json!("/start"), &json!("tte")));
    assert_eq!(start["input_channel"], "telegram");
}

#[test]
fn custom_json_and_images_go_out_and_html_falls_back_to_plain_text() {
    let (api, project) = (BotApi::start(), Project::tiny());
    project.edit(
        "domain.yml",
        "  - text: Hello!",
        "  - custom: {text: \"<b>Halo</b> {cuisine}\", parse_mode: HTML}\n    image: https://a.b/c.png",
    );
    api.serve(&project, "");
    let server = Server::of(project.trained());
    let messages = api.say(&server, 7, "hi");
    assert_eq!((&messages[0]["text"], &messages[0]["parse_mode"]), (&json!("<b>Halo</b> None"), &json!("HTML")));
    assert_eq!(messages[1]["photo"], "https://a.b/c.png");
    let slot = json!({ "event": "slot", "name": "cuisine", "value": "<i>&" });
    server.post("/conversations/7/tracker/events", slot.to_string());
    assert_eq!(api.texts(&server, 7, "hi")[0], "<b>Halo</b> &lt;i&gt;&amp;");
    // Markup that Telegram does not read goes out as plain text.
    let (api, project) = (BotApi::start(), Project::tiny());
    project.edit("domain.yml", "  - text: Hello!", "  - custom: {text: \"<x>Halo</x> &amp; 1 < 2\", parse_mode: HTML}");
    api.serve(&project, "");
    let server = Server::of(project.trained());
    assert_eq!(api.texts(&server, 7, "hi"), ["Halo & 1 < 2"]);
}

#[test]
fn the_webhook_asks_for_its_secret_before_it_reads() {
    let (api, server) = tiny(WEBHOOK);
    let (url, secret) = api.webhook().expect("a webhook");
    assert!(url.ends_with(HOOK) && secret.len() == 64 && !secret.contains(TOKEN), "{url}");
    let update = api.text(7, "hi").to_string();
    for wrong in [None, Some(""), Some("wrong"), Some(&secret[..63]), Some(TOKEN)] {
        assert_eq!(hook(&server, wrong, update.clone()), 403, "{wrong:?}");
    }
    // Twice is not once.
    let twice = server.request(Method::POST, HOOK).header("X-Telegram-Bot-Api-Secret-Token", &secret);
    assert_eq!(server.send(twice.header("X-Telegram-Bot-Api-Secret-Token", "x").body(update.clone())).status, 403);
    assert_eq!(api.messages(7), Vec::<Value>::new());
    let head = format!("POST {HOOK} HTTP/1.1\r\nHost: a\r\nX-Telegram-Bot-Api-Secret-Token: {secret}\r\n");
    assert_eq!(server.raw(format!("{head}Content-Length: {}\r\n\r\n{{", 10 << 20).as_bytes()), Some(413));
    assert_eq!(hook(&server, Some(&secret), format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))), 400);
    assert_eq!(hook(&server, Some(&secret), b"{\"update_id\": 1, \"x\": \"\xff\"}".to_vec()), 400);
    assert_eq!(hook(&server, Some(&secret), "{}"), 400);
    assert_eq!(hook(&server, Some(&secret), update), 200);
    assert_eq!(crate::support::texts(&api.messages(7)), ["Hello!"]);
    assert_eq!(server.get("/webhooks/telegram/").status, 200);
}

#[test]
fn the_webhook_takes_a_configured_secret_and_waits_for_a_bot_api_in_trouble() {
    let (api, server) = tiny(&format!("{WEBHOOK}  secret_token: milik-kami_271828\n"));
    assert_eq!(api.webhook().expect("a webhook").1, "milik-kami_271828");
    assert_eq!(hook(&server, Some("milik-kami_27182"), api.text(7, "hi").to_string()), 403);
    let trouble = json!({ "ok": false, "error_code": 500, "description": "trouble" });
    api.fail("sendMessage", [Fault::Answer(500, trouble), Fault::Cut]);
    assert_eq!(api.texts(&server, 7, "hi"), ["Hello!"]);
    // Telegram no longer knows the bot: the turn is kept, the delivery comes again.
    let unknown = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" });
    api.fail("sendMessage", [Fault::Answer(401, unknown)]);
    let update = api.text(7, "hi").to_string();
    assert_eq!(hook(&server, Some("milik-kami_271828"), update.clone()), 503);
    assert_eq!(hook(&server, Some("milik-kami_271828"), update), 200);
    assert_eq!(crate::support::texts(&api.messages(7)), ["Hello!"; 2]);
    assert_eq!(server.events("7").iter().filter(|e| e["event"] == "user").count(), 2);
}

#[test]
fn an_update_that_comes_again_has_one_turn_and_the_same_reply() {
    let (api, project) = (BotApi::start(), Project::tiny());
    api.serve(&project, WEBHOOK);
    let project = project.trained();
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    let secret = api.webhook().expect("a webhook").1;
    let update = api.text(7, "hi").to_string();
    for _ in 0..3 {
        assert_eq!(hook(&server, Some(&secret), update.clone()), 200);
    }
    assert_eq!(server.events("7").iter().filter(|e| e["event"] == "user").count(), 1);
    assert_eq!(crate::support::texts(&api.messages(7)), ["Hello!"]);
    let log = server.stop();
    assert!(!log.contains(TOKEN) && !log.contains("rahasia"), "{log}");
    // After a crash the reply may be lost: it is sent again, the turn is not run again.
    let server = Server::with_api(&project);
    poll("the bot", || (hook(&server, Some(&secret), update.clone()) == 200).then_some(()));
    assert_eq!(crate::support::texts(&api.messages(7)), ["Hello!"; 2]);
    assert_eq!(server.events("7").iter().filter(|e| e["event"] == "user").count(), 1);
}

#[test]
fn a_bot_api_in_trouble_is_waited_for() {
    let (api, server) = tiny("");
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
    assert_eq!(crate::support::texts(&api.messages(99)), ["Hello!"]);
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
    assert!(log.contains("did not say whether a message arrived") && log.contains("took nothing of a reply"), "{log}");
}

#[test]
fn a_conversation_that_cannot_be_served_holds_up_no_other() {
    let (api, actions, project) = (BotApi::start(), FakeActions::start(), Project::tiny());
    actions.serve(&project, 8.0);
    actions.script("action_work", crate::support::Answer::Silence);
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
        poll("another chat", || (crate::support::texts(&api.messages(chat)) == ["Hello!"]).then_some(()));
    }
    // More of them than may stay unconfirmed.
    let many: Vec<_> = (0..120).map(|n| api.text(1000 + n, "hi")).collect();
    api.queue(many);
    let last = 1119;
    poll("all of them", || (crate::support::texts(&api.messages(last)) == ["Hello!"]).then_some(()));
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
}

#[test]
fn credentials_that_mean_nothing_are_named() {
    let project = Project::tiny().trained();
    for (options, words) in [
        ("webhook_url: https://a.b/other", "must end in `/webhooks/telegram/webhook`"),
        ("secret_token: 'a b'", "`secret_token` must have"),
        ("commands: [a]", "`commands` must map"),
        ("verify: [a]", "`verify` must be a text"),
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
    actions.script("action_work", crate::support::Answer::Silence);
    api.serve(&project, "");
    let project = project.trained();
    let mut server = Server::with_api(&project);
    api.wait_for_bot();
    api.queue([api.text(7, "hi"), api.text(7, "please work now"), api.text(8, "hi")]);
    poll("the typing", || api.calls("sendChatAction").first().map(|call| assert_eq!(call["action"], "typing")));
    assert_eq!(crate::support::texts(&api.messages(7)), ["Hello!"]);
    server.stop();
    actions.answer("action_work", 200, "{}");
    let server = Server::with_api(&project);
    poll("the confirmation", || api.all_confirmed().then_some(()));
    for chat in ["7", "8"] {
        let texts: Vec<_> = brief(&server.events(chat)).into_iter().filter(|e| e.starts_with("user ")).collect();
        let expected: &[&str] = if chat == "7" { &["user hi", "user please work now"] } else { &["user hi"] };
        assert_eq!(texts, expected);
    }
    assert_eq!(crate::support::texts(&api.messages(7)).last().map(String::as_str), Some("Done."));
}
