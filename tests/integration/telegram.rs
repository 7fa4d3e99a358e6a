//! The Telegram channel against a Bot API server, asked and delivered.

use std::collections::BTreeMap;

use reqwest::Method;
use sapa::evaluate::literate;
use sapa_sdk::{BotData, BotMessage};
use serde_json::{Value, json};

use crate::support::{BotApi, HelpdeskActions, Project, Server, TOKEN, brief, helpdesk_model, poll, repository};

pub const HOOK: &str = "/webhooks/telegram/webhook";
pub const WEBHOOK: &str = "  webhook_url: https://bot.contoh.go.id/webhooks/telegram/webhook\n";

/// How updates come: the bot asks for them, or they are delivered.
pub const MODES: [&str; 2] = ["", WEBHOOK];

/// The small bot on Telegram.
pub fn tiny(more: &str) -> (BotApi, Server) {
    let (api, project) = (BotApi::start(), Project::tiny());
    api.serve(&project, more);
    let server = Server::of(project.trained());
    api.wait_for_bot();
    (api, server)
}

/// Posts an update to the webhook with this secret.
pub fn hook(server: &Server, secret: Option<&str>, body: impl Into<reqwest::Body>) -> u16 {
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
    let linked = BTreeMap::from([("demo-tertaut", 9001), ("demo-belum-tte", 9002)]);
    let (api, actions, project) = (BotApi::start(), HelpdeskActions::linking(&linked), Project::empty());
    actions.serve(&project);
    api.serve(&project, mode);
    let server = Server::start(&project, &["-m", helpdesk_model().to_str().expect("a path")]);
    api.wait_for_bot();
    let mut unlinked = 100..;
    let mut played = 0;
    let mut files: Vec<_> = std::fs::read_dir(repository().join("tests/dialogues")).expect("dialogues").collect();
    files.sort_by_key(|entry| entry.as_ref().map(std::fs::DirEntry::path).ok());
    for file in files {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a dialogue");
        for dialogue in &literate::parse(&text).0 {
            let chat = match &dialogue.sender {
                // A person has one chat: each dialogue begins anew there.
                Some(person) => {
                    api.say(&server, linked[person.as_str()], "/restart");
                    linked[person.as_str()]
                }
                None => unlinked.next().expect("a chat"),
            };
            played += 1;
            for turn in &dialogue.turns {
                let messages = api.say(&server, chat, &turn.user);
                let differences = literate::compare(turn, &said(&messages));
                assert!(differences.is_empty(), "{}:{}: {differences:?}", path.display(), turn.line);
            }
        }
    }
    assert!(played > 60, "only {played} dialogues");
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
    for mode in MODES {
        let (api, server) = tiny(mode);
        assert_eq!(api.texts(&server, 7, "book a table"), ["Which cuisine?"]);
        let press = api.press(7, "Thai");
        let again = api.press(7, "Italian");
        assert_eq!(crate::support::texts(&api.deliver(&server, 7, press.clone())), ["For how many people?"]);
        poll("the keyboard to go", || api.button(7, "Thai").is_none().then_some(()));
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
    for mode in MODES {
        let (api, server) = tiny(mode);
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
}

#[test]
fn a_press_without_a_message_or_data_is_answered() {
    for mode in MODES {
        let (api, server) = tiny(mode);
        api.say(&server, 7, "hi");
        let mut press = api.press_data(7, 1, "x");
        let query = press["callback_query"].as_object_mut().expect("a press");
        query.remove("data");
        query.remove("message");
        api.deliver(&server, 7, press);
        poll("the answer", || (api.open_queries() == 0).then_some(()));
    }
}

#[test]
fn a_long_payload_goes_through_a_token_that_survives_a_restart() {
    for mode in MODES {
        let (api, project) = (BotApi::start(), Project::tiny());
        let long = format!("/inform{{\"city\": \"{}\"}}", "Kota ".repeat(20));
        project.edit("domain.yml", "payload: italian", &format!("payload: '{long}'"));
        api.serve(&project, mode);
        let project = project.trained();
        let mut server = Server::with_api(&project);
        api.wait_for_bot();
        assert_eq!(api.texts(&server, 7, "book a table"), ["Which cuisine?"]);
        let (_, data) = api.button(7, "Italian").expect("a button");
        assert!(data.len() <= 64 && !data.contains("Kota"), "{data}");
        server.stop();
        let server = Server::with_api(&project);
        api.wait_for_bot();
        api.deliver(&server, 7, api.press(7, "Italian"));
        assert!(brief(&server.events("7")).contains(&format!("user {long}")), "{:?}", brief(&server.events("7")));
        // In another conversation the token means nothing.
        let before = api.calls("answerCallbackQuery").len();
        api.deliver(&server, 8, api.press_data(8, 1, &data));
        assert_eq!(brief(&server.events("8")).iter().filter(|e| e.starts_with("user ")).count(), 0);
        poll("the answer", || {
            api.calls("answerCallbackQuery").get(before).map(|note| assert!(note["text"].is_string()))
        });
    }
}

#[test]
fn what_is_no_text_is_answered_and_the_form_keeps_its_step() {
    for mode in MODES {
        let (api, actions, project) = (BotApi::start(), HelpdeskActions::start(), Project::empty());
        actions.serve(&project);
        api.serve(&project, &format!("{mode}  attachment_intent: bukan_teks\n  edited_intent: pesan_diedit\n"));
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
}

#[test]
fn a_contact_counts_only_as_its_owners() {
    for mode in MODES {
        let (api, server) = tiny(&format!("{mode}  contact_intent: inform\n  attachment_intent: greet\n"));
        let heard = |content: Value| {
            let message = api.message(7, content);
            api.deliver(&server, 7, api.update("message", message));
            let events = server.events("7");
            let user = events.iter().rfind(|event| event["event"] == "user").expect("a message");
            user["text"].as_str().expect("a text").to_owned()
        };
        let contact = |owner: Value| json!({ "phone_number": "62 812-3456-789", "first_name": "A", "user_id": owner });
        assert_eq!(heard(json!({ "contact": contact(json!(7)) })), r#"/inform{"phone":"+628123456789"}"#);
        let others = r#"/greet{"attachment":"contact"}"#;
        assert_eq!(heard(json!({ "contact": contact(json!(8)) })), others);
        assert_eq!(heard(json!({ "contact": { "phone_number": "628123456789", "first_name": "A" } })), others);
        let origin =
            json!({ "type": "user", "date": 1, "sender_user": { "id": 7, "is_bot": false, "first_name": "W" } });
        assert_eq!(heard(json!({ "contact": contact(json!(7)), "forward_origin": origin })), others);
        for typed in [r#"/inform{"phone":"+1"}"#, "/inform@HelpdeskBot", "//inform"] {
            assert!(heard(json!({ "text": typed })).starts_with("inform"), "{typed}: nothing is proven by typing");
        }
    }
}

#[test]
fn updates_that_say_nothing_to_the_bot_change_nothing() {
    for mode in MODES {
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
fn in_a_group_each_member_has_a_conversation_and_the_bot_speaks_when_spoken_to() {
    for mode in MODES {
        let (api, server) = tiny(mode);
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
}

#[test]
fn commands_deep_links_and_long_texts() {
    for mode in MODES {
        let (api, project) = (BotApi::start(), Project::tiny());
        let long = "Kalimat yang panjang sekali. ".repeat(400);
        project.edit("domain.yml", "We are open from nine to five.", &format!("\"{long}\""));
        project.edit("domain.yml", "intents: [greet,", "intents: [start, greet,");
        api.serve(&project, &format!("{mode}  commands: {{jam: hours}}\n"));
        let server = Server::of(project.trained());
        api.wait_for_bot();
        let answers = api.texts(&server, 7, "/jam");
        assert!(
            answers.len() > 2 && answers.iter().all(|part| part.encode_utf16().count() <= 4096),
            "{}",
            answers.len()
        );
        assert_eq!(answers.join(" "), long.trim());
        api.deliver(&server, 7, api.text(7, "/start@HelpdeskBot tte"));
        let events = server.events("7");
        let start = events.iter().rfind(|e| e["event"] == "user").expect("a message");
        assert_eq!((&start["text"], &start["metadata"]["start_parameter"]), (&json!("/start"), &json!("tte")));
        assert_eq!(start["input_channel"], "telegram");
    }
}

#[test]
fn custom_json_and_images_go_out_and_html_falls_back_to_plain_text() {
    for mode in MODES {
        let (api, project) = (BotApi::start(), Project::tiny());
        project.edit(
            "domain.yml",
            "  - text: Hello!",
            "  - custom: {text: \"<b>Halo</b> {cuisine}\", parse_mode: HTML}\n    image: https://a.b/c.png",
        );
        api.serve(&project, mode);
        let server = Server::of(project.trained());
        api.wait_for_bot();
        let messages = api.say(&server, 7, "hi");
        assert_eq!((&messages[0]["text"], &messages[0]["parse_mode"]), (&json!("<b>Halo</b> None"), &json!("HTML")));
        assert_eq!(messages[1]["photo"], "https://a.b/c.png");
        let slot = json!({ "event": "slot", "name": "cuisine", "value": "<i>&" });
        server.post("/conversations/7/tracker/events", slot.to_string());
        assert_eq!(api.texts(&server, 7, "hi")[0], "<b>Halo</b> &lt;i&gt;&amp;");
        // Markup that Telegram does not read goes out as plain text.
        let (api, project) = (BotApi::start(), Project::tiny());
        project.edit(
            "domain.yml",
            "  - text: Hello!",
            "  - custom: {text: \"<x>Halo</x> &amp; 1 < 2\", parse_mode: HTML}",
        );
        api.serve(&project, mode);
        let server = Server::of(project.trained());
        api.wait_for_bot();
        assert_eq!(api.texts(&server, 7, "hi"), ["Halo & 1 < 2"]);
    }
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
    // Before anything of the body has come.
    let head = format!("POST {HOOK} HTTP/1.1\r\nHost: a\r\nX-Telegram-Bot-Api-Secret-Token: wrong\r\n");
    assert_eq!(server.raw(format!("{head}Content-Length: 1000\r\n\r\n").as_bytes()), Some(403));
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
    poll("the reply", || (crate::support::texts(&api.messages(7)) == ["Hello!"]).then_some(()));
    assert_eq!(server.get("/webhooks/telegram/").status, 200);
}

#[test]
fn an_update_that_comes_again_has_one_turn_and_one_reply() {
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
    server.wait_until_sent();
    assert_eq!(server.events("7").iter().filter(|e| e["event"] == "user").count(), 1);
    poll("the reply", || (crate::support::texts(&api.messages(7)) == ["Hello!"]).then_some(()));
    server.wait_until_sent();
    let log = server.stop();
    assert!(!log.contains(TOKEN) && !log.contains("rahasia"), "{log}");
    // After a crash, too.
    let server = Server::with_api(&project);
    poll("the bot", || (hook(&server, Some(&secret), update.clone()) == 200).then_some(()));
    server.wait_until_sent();
    assert_eq!(crate::support::texts(&api.messages(7)), ["Hello!"]);
    assert_eq!(server.events("7").iter().filter(|e| e["event"] == "user").count(), 1);
}
