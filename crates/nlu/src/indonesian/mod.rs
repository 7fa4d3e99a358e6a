//! IndonesianNormalizer: reads what people write in chats as the words they mean,
//! before anything is learnt from it or looked up in it.
//!
//! Each token gets a reading: NFKC (UAX #15), letters held too long shortened
//! ("tolooong"), a trailing 2 for a repeated word dropped ("akun2"), chat
//! spellings and regional words replaced by the standard word, the clitics -nya,
//! -ku and -mu cut off. The text itself, and with it every offset, stays.
//!
//! It stands behind the tokenizer of every pipeline whose `language` is `id`,
//! unless the pipeline names it elsewhere.

mod words;

use crate::message::Message;
use crate::options::Options;
use crate::registry::{Component, TrainContext};
use crate::sections::{SectionReader, SectionWriter};
use crate::{LoadError, TrainError};
use sapa_project::ComponentConfig;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// The component's name.
pub(crate) const NAME: &str = "IndonesianNormalizer";
/// Options, all ours: each switches one step off.
pub(crate) const OPTIONS: &[&str] = &["chat_words", "regional_words", "clitics"];
/// What is left of a word without its clitic has at least so many letters.
const LEAST_STEM: usize = 4;

/// Whether a project's language is Indonesian.
pub(crate) fn is_spoken(language: &str) -> bool {
    matches!(language.split(['-', '_']).next().unwrap_or_default().to_lowercase().as_str(), "id" | "in" | "ind")
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct IndonesianNormalizer {
    chat_words: bool,
    regional_words: bool,
    clitics: bool,
}

pub(crate) fn train(config: &ComponentConfig, _: &mut TrainContext) -> Result<Box<dyn Component>, TrainError> {
    let options = Options { config };
    Ok(Box::new(IndonesianNormalizer {
        chat_words: options.bool("chat_words", true)?,
        regional_words: options.bool("regional_words", true)?,
        clitics: options.bool("clitics", true)?,
    }))
}

pub(crate) fn load(reader: &SectionReader) -> Result<Box<dyn Component>, LoadError> {
    Ok(Box::new(reader.json::<IndonesianNormalizer>("options")?))
}

impl Component for IndonesianNormalizer {
    fn process(&self, message: &mut Message) {
        let read = |token| match self.read(message.token_text(token)) {
            Cow::Borrowed(_) => None,
            Cow::Owned(reading) => Some(reading),
        };
        message.readings = message.tokens().iter().map(read).collect();
    }

    fn save(&self, writer: &mut SectionWriter) {
        writer.json("options", self);
    }
}

impl IndonesianNormalizer {
    /// How a token is read.
    fn read<'t>(&self, token: &'t str) -> Cow<'t, str> {
        if is_plain(token) {
            let reading = self.standard(token).unwrap_or_else(|| self.stem(token));
            return if reading == token { Cow::Borrowed(token) } else { Cow::Owned(reading.to_owned()) };
        }
        // Numbers, addresses and the like are no words.
        if !token.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-' || c == '2' || !c.is_ascii()) {
            return Cow::Borrowed(token);
        }
        let plain: Cow<'t, str> =
            if is_nfkc(token) { Cow::Borrowed(token) } else { Cow::Owned(token.nfkc().collect()) };
        let lower = plain.to_lowercase();
        let mut word = unstretched(&lower);
        if let Some(once) = repeated(&word) {
            word.truncate(once);
        }
        let reading = self.standard(&word).unwrap_or_else(|| self.stem(&word));
        // Case is left to whoever wants it gone.
        if reading != lower {
            return Cow::Owned(reading.to_owned());
        }
        if plain == token { Cow::Borrowed(token) } else { plain }
    }

    /// The standard word that a chat or regional spelling stands for.
    fn standard(&self, word: &str) -> Option<&'static str> {
        let found = |list: &HashMap<&str, &'static str>| list.get(word).copied();
        let chat = self.chat_words.then(|| found(&CHAT)).flatten();
        chat.or_else(|| self.regional_words.then(|| found(&REGIONAL)).flatten())
    }

    /// The word without its clitic.
    fn stem<'w>(&self, word: &'w str) -> &'w str {
        if !self.clitics || NO_CLITIC.contains(word) {
            return word;
        }
        let stems = ["nya", "ku", "mu"].iter().filter_map(|clitic| word.strip_suffix(clitic));
        stems.map(|stem| stem.trim_end_matches('-')).find(|stem| stem.chars().count() >= LEAST_STEM).unwrap_or(word)
    }
}

/// Small letters of ASCII, none of them three times in a row: most words.
fn is_plain(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_lowercase())
        && !token.as_bytes().windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

/// No letter more than twice in a row; a stretched one once ("maaf" stays,
/// "tolooong" does not).
fn unstretched(word: &str) -> String {
    let mut short = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let mut times = 1;
        while rest.next_if_eq(&c).is_some() {
            times += 1;
        }
        short.push(c);
        if times == 2 {
            short.push(c);
        }
    }
    short
}

/// Bytes of the word that is repeated in "akun2" or "akun-akun".
fn repeated(word: &str) -> Option<usize> {
    if let Some(once) = word.strip_suffix('2') {
        let is_word = once.chars().count() >= 3 && once.chars().all(char::is_alphabetic);
        return is_word.then_some(once.len());
    }
    let (first, second) = word.split_once('-')?;
    (first == second && first.chars().count() >= 3).then_some(first.len())
}

type Words = HashMap<&'static str, &'static str>;

static CHAT: LazyLock<Words> = LazyLock::new(|| by_variant(words::CHAT));
static REGIONAL: LazyLock<Words> = LazyLock::new(|| by_variant(words::REGIONAL));
static NO_CLITIC: LazyLock<HashSet<&str>> = LazyLock::new(|| words::NO_CLITIC.iter().copied().collect());

/// Standard word of each variant; the first line that has a variant counts.
fn by_variant(list: &'static str) -> Words {
    let mut words = Words::new();
    for (standard, variants) in list.lines().filter_map(|line| line.split_once(": ")) {
        for variant in variants.split_whitespace().filter(|variant| *variant != standard) {
            words.entry(variant).or_insert(standard);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(token: &str) -> String {
        IndonesianNormalizer { chat_words: true, regional_words: true, clitics: true }.read(token).into_owned()
    }

    #[test]
    fn chat_spellings_are_read_as_the_words_they_mean() {
        for (written, word) in [
            ("gmn", "bagaimana"),
            ("GK", "tidak"),
            ("yg", "yang"),
            ("sy", "saya"),
            ("tolooong", "tolong"),
            ("akun2", "akun"),
            ("akun-akun", "akun"),
            ("passwordnya", "password"),
            ("akunku", "akun"),
            ("piye", "bagaimana"),
            ("kumaha", "bagaimana"),
            ("kayapa", "bagaimana"),
            ("ambo", "saya"),
            ("ｌｕｐａ", "lupa"),
        ] {
            assert_eq!(read(written), word, "{written}");
        }
    }

    #[test]
    fn standard_words_numbers_and_names_stay() {
        for word in
            ["maaf", "saat", "hanya", "buku", "tamu", "SIMASN", "198501012010011001", "a@b.go.id", "10:30", "2", "h2"]
        {
            assert_eq!(read(word), word);
        }
    }

    #[test]
    fn no_variant_is_a_standard_word_of_the_same_list() {
        for list in [&*CHAT, &*REGIONAL] {
            assert!(list.len() > 100);
            assert!(list.iter().all(|(variant, standard)| variant != standard));
        }
    }
}
