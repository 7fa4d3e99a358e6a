//! Every diagnostic code of this crate, in one table.
//!
//! `E0xxx` stops training, `W0xxx` is fatal only with
//! `--fail-on-validation-warnings`, `N0xxx` never. Codes are stable: a code is
//! never used again for something else. `E08xx`/`W08xx` are found by the
//! crate that learns rules and stories.

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*

        /// All codes with their one-line titles, in the order of this file.
        pub const TABLE: &[(&str, &str)] = &[$(($code, $title)),*];
    };
}

codes! {
    // 01: bytes and YAML (spec §1.2)
    NOT_UTF8 = "E0101", "the file is not UTF-8";
    YAML_SYNTAX = "E0102", "the file is not valid YAML";
    TAB_INDENTATION = "E0103", "a tab is used for indentation";
    DUPLICATE_KEY = "E0104", "a mapping has the same key twice";
    SEVERAL_DOCUMENTS = "E0105", "the file holds several YAML documents";
    TOO_DEEP = "E0106", "the file is nested too deeply";
    TOO_LARGE = "E0107", "the file holds too many values";
    BAD_ALIAS = "E0108", "an alias cannot be resolved";
    BAD_KEY = "E0109", "a mapping key is not a plain value";
    UNSET_VARIABLE = "E0110", "an environment variable is not set";
    BAD_ESCAPE = "E0111", "a \\u escape is not a character";
    UNKNOWN_TAG = "E0112", "a YAML tag is not supported";
    BAD_MERGE = "E0113", "a merge key does not hold a mapping";

    // 02: files and shapes (spec §1.1, §1.3)
    NOT_A_MAPPING = "E0201", "the file is not a mapping";
    WRONG_TYPE = "E0202", "a value has the wrong type";
    MISSING_KEY = "E0203", "a required key is missing";
    MISSING_FILE = "E0204", "a mandatory file is missing";
    // E0205 meant formats that are read by now.
    BAD_VALUE = "E0206", "a value is out of range";
    MANDATORY_TOO_NEW = "E0207", "the format version of the configuration or domain is too new";
    MISSPELT_KEY = "E0208", "a key is misspelt, and what it says would be lost";
    MISPLACED_KEY = "E0209", "a key stands at the wrong depth";
    VERSION_TOO_NEW = "W0201", "the file's format version is too new";
    VERSION_NOT_TEXT = "W0202", "the format version is not readable";
    VERSION_OLD = "W0203", "the file's format version is old";
    UNKNOWN_KEY = "W0204", "a key is not known here";
    UNREAD_HERE = "W0208", "a key of the top level belongs elsewhere and is not read";
    NOT_READ = "W0205", "a file could not be read and does not look like training data";
    FORMAT_TOO_NEW = "W0206", "a data format is newer than what is known of it";
    DOMAIN_KEYS_IN_DATA = "W0207", "domain keys stand in a data file and are not read";
    // N0201 meant domain keys of data files that were read.
    NOTHING_IN_FILE = "N0202", "a data file holds no training data";
    UNREAD_SECTION = "N0203", "a top-level key is not read";

    // 03: NLU data (spec §1.4)
    BAD_ANNOTATION = "E0301", "an entity annotation is broken";
    BAD_INTENT_NAME = "E0302", "an intent name is not valid";
    BAD_REGEX = "E0303", "a regular expression does not compile";
    LINE_WITHOUT_DASH = "W0301", "a line of examples does not start with `-`";
    NO_EXAMPLES = "W0302", "an item has no examples";
    EMPTY_NAME = "W0303", "a name is empty";
    UNKNOWN_ITEM = "W0304", "an item is not recognised and is skipped";
    SYNONYM_CONFLICT = "W0305", "a synonym is defined twice with different values";
    EXAMPLE_TWO_INTENTS = "W0306", "the same example stands under two intents";
    NLU_INTENT_NOT_IN_DOMAIN = "W0308", "an intent of the NLU data is not in the domain";
    NLU_ENTITY_NOT_IN_DOMAIN = "W0309", "an annotated entity is not in the domain";
    EMPTY_EXAMPLE = "W0310", "an example is empty";
    NOT_WRITTEN = "W0311", "something cannot be written in the new format";
    LIKELY_ANNOTATION = "W0312", "what was meant as an annotation is text";
    FEW_EXAMPLES = "N0302", "fewer than two examples";
    INTENT_WITHOUT_EXAMPLES = "N0301", "an intent has no examples";

    // 04: stories and rules (spec §1.5)
    UNKNOWN_ACTION = "E0401", "an action is not defined";
    UNKNOWN_SLOT = "E0402", "a slot is not defined";
    UNKNOWN_FORM = "E0403", "a form is not defined";
    RULE_SEVERAL_USER_TURNS = "E0404", "a rule has more than one user turn";
    RULE_STEP = "E0405", "a step is not allowed in a rule";
    LOST_STEP = "E0406", "a step is not recognised and would be lost";
    UNKNOWN_STORY_INTENT = "W0401", "an intent of a story is not in the domain";
    UNKNOWN_STORY_ENTITY = "W0402", "an entity of a story is not in the domain";
    UNKNOWN_STEP = "W0403", "a step says nothing";
    NO_STEPS = "W0404", "a story or rule has no steps";
    INTENT_WITH_SLASH = "W0405", "an intent starts with `/`";
    FULL_RETRIEVAL_INTENT = "W0406", "a full retrieval intent in a story";
    BAD_OR = "W0407", "an `or` step is not usable";
    CHECKPOINT_CONDITION = "W0408", "slot conditions of a later checkpoint are ignored";
    CHECKPOINT_UNCONNECTED = "W0409", "a checkpoint is not connected";
    SLOT_WITHOUT_VALUE = "W0410", "a slot is named without a value";
    FORM_WITHOUT_LOOP = "W0411", "a story runs a form and does not say that it is active";
    LOOP_NO_FORM = "W0412", "a loop is listed under `actions` and is no form";
    DUPLICATE_RULE_NAME = "N0401", "two rules have the same name";
    UNUSED_INTENT = "N0402", "an intent is used in no story or rule";
    UNUSED_RESPONSE = "N0403", "a response is used nowhere";

    // 05: domain (spec §1.6)
    EMPTY_DOMAIN = "E0501", "the domain is empty";
    DUPLICATE_NAME = "E0502", "a name is defined twice";
    BAD_SLOT = "E0503", "a slot is not valid";
    BAD_MAPPING = "E0504", "a slot mapping is not valid";
    BAD_RESPONSE = "E0505", "a response is not valid";
    BAD_FORM = "E0506", "a form is not valid";
    OLD_TRIGGERS = "E0507", "`triggers` of intents is no longer supported";
    FORM_SLOT_UNKNOWN = "E0508", "a form requires a slot that is not defined";
    CONDITION_FORM = "E0509", "a mapping condition names a form that does not fit";
    FORM_WITHOUT_RULE_POLICY = "E0510", "forms need the RulePolicy";
    ALREADY_MIGRATED = "E0511", "a file that is to be migrated has the new format already";
    RASA_2_DOMAIN = "E0512", "the domain is one of Rasa 2";
    LOST_SECTION = "E0513", "a section of the domain is not read";
    DUPLICATE_IN_FILES = "W0501", "a name is defined in two domain files";
    NO_VARIATION = "W0532", "a response has no variation";
    UNKNOWN_DOMAIN_ENTITY = "W0502", "an entity is not in the domain";
    UNKNOWN_DOMAIN_INTENT = "W0503", "an intent is not in the domain";
    BUTTON_INTENT = "W0504", "a button's payload names an unknown intent";
    BUTTON_ENTITY = "W0515", "a button's payload names an unknown entity";
    CONDITION_SLOT = "W0506", "a response condition names an unknown slot";
    USE_AND_IGNORE = "W0507", "an entity is both used and ignored";
    NO_VALUES = "W0508", "a categorical slot has no values";
    BUTTON_INCOMPLETE = "W0509", "a button has no title or payload";
    RESPONSE_NAME = "W0511", "a response's name does not start with `utter_`";
    RETRIEVAL_KEY_IN_DOMAIN = "W0514", "the domain lists a retrieval intent with its key";
    CONDITION_FORM_OPEN = "W0513", "a mapping condition names a form that may not require the slot";
    FORM_SLOT_UNFILLED = "W0516", "nothing fills a slot that a form asks for";
    RETRIEVAL_RESPONSE = "W0517", "a retrieval intent has no response";
    PAYLOAD_NO_JSON = "W0518", "a button's payload is not JSON behind the intent";
    UNBALANCED_BRACE = "W0519", "a response has a brace that matches none";
    IMPOSSIBLE_VALUE = "W0520", "a categorical slot cannot have a value";
    CONDITION_WITHOUT_FORM = "W0521", "a mapping condition names no form";
    NO_SUCH_FORM = "W0522", "an action is named after a form that does not exist";
    RESPONSE_NOT_DEFINED = "W0523", "`actions` lists a response that is not defined";
    FORM_AS_ACTION = "W0524", "`actions` lists a form";
    CORE_ACTION_LISTED = "W0525", "`actions` lists an action that must not be replaced";
    WORD_FOR_BOOL = "W0526", "a bool slot gets a text that is no bool";
    UNKNOWN_CHANNEL = "W0527", "a response is for a channel that is not known";
    NO_REPHRASE_TEXT = "W0528", "the two-stage fallback cannot ask to rephrase";
    NO_NUMBER = "W0529", "a float slot gets what is no number";
    NEVER_FILLED = "W0530", "a placeholder is never filled";
    ASK_MISSPELT = "W0531", "a response that asks for a slot is misspelt";
    SLOT_ADDED = "W0512", "a slot that a form asks for was added";
    PLACEHOLDER = "N0502", "no slot fills a placeholder";
    ASK_RESPONSE_MISSING = "N0503", "a form cannot ask for a slot";
    GREEDY_FROM_TEXT = "N0501", "a slot is overwritten by every message";
    UNUSED_SLOT = "N0505", "a slot is used nowhere";
    UNUSED_ACTION = "N0506", "an action is used nowhere";
    CUSTOM_MAPPING = "N0504", "a slot got a custom mapping";

    // 06: config.yml (spec §1.7)
    UNKNOWN_COMPONENT = "E0601", "a component is not known";
    REFUSED_COMPONENT = "E0602", "a component cannot be served";
    SEVERAL_TOKENIZERS = "E0603", "a pipeline has several tokenizers";
    WRONG_SECTION = "E0604", "a component stands in the wrong section";
    MISSING_LANGUAGE = "E0605", "the language is missing";
    UNSUPPORTED_RECIPE = "E0606", "the recipe is not supported";
    COMPONENT_ORDER = "E0607", "a component needs another one before it";
    NO_DEFAULTS = "E0608", "a section is empty and the defaults are not used";
    NO_RECIPE = "W0601", "the recipe is missing";
    SAME_PRIORITY = "W0602", "two policies have the same priority";
    IDLE_IMPORTS = "W0603", "nothing follows `imports`";
    UNUSED_TRAINING_DATA = "W0604", "the pipeline has no component for some training data";
    FALLBACK_NEVER = "W0605", "a rule waits for nlu_fallback, which nothing predicts";
    FALLBACK_TOO_EARLY = "W0606", "FallbackClassifier stands before an intent classifier";
    NO_ASSISTANT_ID = "N0601", "the assistant_id is missing";
    STAND_IN = "N0602", "a component is served by a stand-in";
    NO_LANGUAGE = "N0605", "the language is missing, which training needs";
    DEFAULTS_USED = "N0603", "Rasa's defaults are used";
    SUBSTITUTED = "N0604", "a component is replaced or left out, as asked";

    // 07: endpoints.yml and credentials.yml (spec §1.8, §1.9)
    BAD_ENDPOINT = "E0701", "an endpoint is not valid";
    NO_SUCH_CHANNEL = "E0702", "a channel of credentials.yml is not known";
    UNKNOWN_SECTION = "W0701", "a section of endpoints.yml is not known";

    // 08: rules and stories against each other (spec §1.5, §3.4)
    TOO_MANY_ALTERNATIVES = "E0801", "a story has too many alternatives";
    UNREACHED_CHECKPOINT = "W0802", "a story behind a checkpoint is never reached";
    OPEN_CHECKPOINT = "W0803", "a checkpoint leads nowhere";
    STORY_CONFLICT = "W0804", "no policy can tell two stories apart";
    SEVERAL_USER_TURNS = "E0804", "a rule has several user turns";
    INCOMPLETE_RULE = "E0805", "a rule lacks slots or a loop that another rule has";
    CONTRADICTION = "E0806", "rules and stories contradict each other";
    FORMS_WITHOUT_RULES = "E0807", "forms need RulePolicy";
    RULES_WITHOUT_POLICY = "W0809", "rules are followed by no policy";
    TOO_MANY_PATHS = "W0808", "checkpoints make too many dialogues";

    // 09: training the pipeline (spec §2)
    BAD_OPTION = "E0901", "an option of a component has a value that cannot be used";
    REFUSED_LANGUAGE = "E0902", "a tokenizer does not serve the language";
    COMPONENT_UNKNOWN_TO_NLU = "E0903", "a component cannot be trained";
    TWO_TOKENIZERS = "E0904", "the pipeline has two tokenizers";
    NO_TOKENIZER_BEFORE = "E0905", "a component stands before the tokenizer it needs";
    FALLBACK_BEFORE_CLASSIFIER = "E0906", "the fallback stands before the classifier";
    BROKEN_REGEX = "E0907", "a regular expression cannot be compiled";
    BROKEN_LOOKUP = "E0908", "a lookup table cannot be compiled";
    SOLVER_FAILED = "E0909", "the classifier cannot be trained";
    TOO_FEW_INTENTS = "W0902", "there are fewer than two intents to tell apart";
    SHARED_KEYWORD = "W0903", "a keyword belongs to two intents";
    BROKEN_KEYWORD = "W0904", "a keyword is no regular expression";
    MISALIGNED_ENTITY = "W0905", "an annotated entity does not align with tokens";
    IDLE_EXTRACTOR = "W0906", "an extractor has nothing to look for";
    ODD_THRESHOLD = "W0907", "a threshold is not between 0 and 1";
    IDLE_OPTIONS = "N0901", "options of a component have no effect here";
}

/// The one-line title of a code; `None` when it is not one of this crate's.
pub fn title(code: &str) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, title)| *title)
}

#[cfg(test)]
mod tests {
    use super::TABLE;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let unique: BTreeSet<&str> = TABLE.iter().map(|(code, _)| *code).collect();
        assert_eq!(unique.len(), TABLE.len());
        for (code, title) in TABLE {
            assert!(code.len() == 5 && "EWN".contains(&code[..1]), "{code}");
            assert!(!title.is_empty());
        }
    }
}
