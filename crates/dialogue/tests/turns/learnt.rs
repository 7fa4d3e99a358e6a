//! The policies that stand where TEDPolicy and UnexpecTEDIntentPolicy stand
//! (spec §2.7, §3.4).

use super::chat::Chat;

const DOMAIN: &str = "
intents: [greet, fine, sad, yes, no, hours]
entities: [city]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
responses:
  utter_greet: [{text: hello}]
  utter_happy: [{text: great}]
  utter_cheer: [{text: cheer up}]
  utter_helped: [{text: did it help?}]
  utter_bye: [{text: bye}]
  utter_hours: [{text: nine to five}]
";
const STORIES: &str = "stories:
- story: happy
  steps: [{intent: greet}, {action: utter_greet}, {intent: fine}, {action: utter_happy}]
- story: sad but helped
  steps: [{intent: greet}, {action: utter_greet}, {intent: sad}, {action: utter_cheer}, {action: utter_helped},
    {intent: 'yes'}, {action: utter_happy}]
- story: sad and not helped
  steps: [{intent: greet}, {action: utter_greet}, {intent: sad}, {action: utter_cheer}, {action: utter_helped},
    {intent: 'no'}, {action: utter_bye}]
rules:
- rule: hours
  steps: [{intent: hours}, {action: utter_hours}]
";
const LEARNT: &str = "[{name: MemoizationPolicy}, {name: RulePolicy}, {name: TEDPolicy, max_history: 5}]";
const WARY: &str = "[{name: MemoizationPolicy}, {name: RulePolicy}, {name: UnexpecTEDIntentPolicy, max_history: 5}, {name: TEDPolicy, max_history: 5}]";

#[test]
fn paths_that_no_story_holds_are_guessed_from_those_that_it_does() {
    let mut chat = Chat::with_policies(LEARNT, DOMAIN, STORIES);
    let done = chat.turn("sad");
    let said: Vec<&str> = done.messages.iter().filter_map(|m| m.text.as_deref()).collect();
    assert_eq!(said, ["cheer up", "did it help?"]);
    assert_eq!(done.decisions[0].policy, "TEDPolicy");
    assert_eq!(chat.say("fine"), ["great"]);
    assert_eq!(chat.say("hours"), ["nine to five"]);
}

#[test]
fn what_a_story_or_rule_says_comes_before_a_guess() {
    let mut chat = Chat::with_policies(LEARNT, DOMAIN, STORIES);
    assert_eq!(chat.turn("greet").decisions[0].policy, "MemoizationPolicy");
    assert_eq!(chat.turn("hours").decisions[0].policy, "RulePolicy");
}

#[test]
fn slots_tell_contexts_apart_that_intents_do_not() {
    let data = "stories:
- story: with a city
  steps: [{intent: hours, entities: [{city: Bandung}]}, {slot_was_set: [{city: Bandung}]}, {action: utter_hours}]
- story: without
  steps: [{intent: hours}, {action: utter_helped}]
- story: something else
  steps: [{intent: greet}, {action: utter_greet}]
";
    let ask = |message: &str| {
        let mut chat = Chat::with_policies("[{name: RulePolicy}, {name: TEDPolicy}]", DOMAIN, data);
        chat.say("greet");
        chat.say(message)
    };
    assert_eq!(ask("hours{\"city\": \"Medan\"}"), ["nine to five"]);
    assert_eq!(ask("hours"), ["did it help?"]);
}

#[test]
fn an_intent_that_nothing_led_to_is_unlikely_and_the_next_prediction_does_not_see_that() {
    let mut chat = Chat::with_policies(WARY, DOMAIN, STORIES);
    chat.say("greet");
    // In no story does `yes` follow a greeting.
    let events = chat.events("yes");
    assert!(events.contains(&"action action_unlikely_intent".to_owned()), "{events:?}");
    assert!(events.contains(&"bot great".to_owned()), "{events:?}");
    // Where a story leads, nothing is unlikely; nor where a rule answers.
    let mut chat = Chat::with_policies(WARY, DOMAIN, STORIES);
    for message in ["greet", "hours", "sad", "no"] {
        let events = chat.events(message);
        assert!(!events.contains(&"action action_unlikely_intent".to_owned()), "{message}: {events:?}");
    }
}

#[test]
fn intents_that_are_ignored_are_never_unlikely() {
    let policies = WARY.replace(
        "UnexpecTEDIntentPolicy, max_history: 5",
        "UnexpecTEDIntentPolicy, max_history: 5, ignore_intents_list: ['yes']",
    );
    let mut chat = Chat::with_policies(&policies, DOMAIN, STORIES);
    chat.say("greet");
    let events = chat.events("yes");
    assert!(!events.contains(&"action action_unlikely_intent".to_owned()), "{events:?}");
}

#[test]
fn end_to_end_texts_are_understood_by_their_words() {
    let data = "stories:
- story: sushi
  steps: [{intent: greet}, {action: utter_greet}, {user: 'I can always go for sushi'}, {action: utter_happy}]
- story: had that
  steps: [{intent: greet}, {action: utter_greet}, {user: 'I had that yesterday'}, {action: utter_bye}]
- story: bot texts
  steps: [{user: 'my name is joe'}, {bot: 'hi joe!'}, {user: 'I am feeling happy'}, {bot: 'glad to hear'}]
";
    let mut chat = Chat::with_policies("[{name: TEDPolicy, max_history: 5}]", DOMAIN, data);
    chat.say("greet");
    assert_eq!(chat.say("I go for sushi always"), ["great"]);
    let mut chat = Chat::with_policies("[{name: TEDPolicy, max_history: 5}]", DOMAIN, data);
    chat.say("greet");
    assert_eq!(chat.say("we had that yesterday night"), ["bye"]);
    let mut chat = Chat::with_policies("[{name: TEDPolicy, max_history: 5}]", DOMAIN, data);
    let events = chat.events("hello, my name is Ann");
    assert!(events.contains(&"action hi joe!".to_owned()), "{events:?}");
}

#[test]
fn a_text_below_the_threshold_shuts_out_no_other_policy() {
    let data = "stories:
- story: sushi
  steps: [{intent: greet}, {action: utter_greet}, {user: 'I can always go for sushi'}, {action: utter_happy}]
- story: had that
  steps: [{intent: greet}, {action: utter_greet}, {user: 'I had that yesterday'}, {action: utter_bye}]
";
    let policies = "[{name: RulePolicy, core_fallback_threshold: 0.9}, \
        {name: TEDPolicy, max_history: 5, e2e_confidence_threshold: 0.8}]";
    let mut chat = Chat::with_policies(policies, DOMAIN, data);
    chat.say("greet");
    assert_eq!(chat.turn("zzz qqq").decisions[0].policy, "RulePolicy");
}

#[test]
fn what_a_story_says_word_for_word_comes_before_the_intent_it_is_taken_for() {
    let data = "stories:
- story: intents
  steps: [{intent: greet}, {action: utter_greet}, {intent: sad}, {action: utter_cheer}]
- story: text
  steps: [{intent: greet}, {action: utter_greet}, {user: 'sad|sushi it is'}, {action: utter_happy}]
";
    let mut chat = Chat::with_policies("[{name: TEDPolicy, max_history: 5}]", DOMAIN, data);
    chat.say("greet");
    assert_eq!(chat.say("sad|sushi it is"), ["great"]);
    let mut chat = Chat::with_policies("[{name: TEDPolicy, max_history: 5}]", DOMAIN, data);
    chat.say("greet");
    assert_eq!(chat.say("sad|never mind"), ["cheer up"]);
}

#[test]
fn weights_read_back_and_do_not_depend_on_threads() {
    let config = |threads| {
        let loaded = super::chat::project_with_policies(WARY, DOMAIN, STORIES);
        sapa_dialogue::DialogueModel::train(&loaded.project, threads).0
    };
    let model = config(1);
    let sections = model.to_sections();
    assert_eq!(sections, config(2).to_sections());
    assert!(sections.iter().any(|(name, bytes)| name.ends_with(".f32") && !bytes.is_empty()));
    let find = |name: &str| sections.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice());
    let read = sapa_dialogue::DialogueModel::from_sections(&find, (*model.domain).clone()).unwrap();
    assert_eq!(read.to_sections(), sections);
    let short =
        |name: &str| find(name).map(|bytes| if name.ends_with(".f32") { &bytes[..bytes.len() / 8 * 4] } else { bytes });
    assert!(sapa_dialogue::DialogueModel::from_sections(&short, (*model.domain).clone()).is_err());
}
