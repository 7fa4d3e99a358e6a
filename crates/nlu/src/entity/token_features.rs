//! Features of the tokens for the taggers, as numbers: each is the hash of what
//! it is about (its kind, its place and its text), so that finding one costs no
//! memory. For people each has a name, `<offset>:<feature>[:<value>]`, in the
//! style of Rasa's (spec §2.5).

use super::gazetteer::Mentions;
use super::words::{Piece, Words, hash_text, prefix, readable, shape, suffix};
use crate::message::Message;
use sapa_learn::keys::mix;

/// One feature of Rasa's windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    /// The lower-cased text.
    Low,
    /// Whether it is lower case (LexicalSyntacticFeaturizer's `low`).
    IsLower,
    Title,
    Upper,
    Digit,
    Bias,
    /// Names of the patterns that touch it.
    Pattern,
    Prefix(usize),
    Suffix(usize),
}

impl Feature {
    /// `None` for names nothing here can compute (`pos`, `text_dense_features`).
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "low" => Self::Low,
            "is_lower" => Self::IsLower,
            "title" => Self::Title,
            "upper" => Self::Upper,
            "digit" => Self::Digit,
            "bias" => Self::Bias,
            "pattern" => Self::Pattern,
            other => {
                let number =
                    |prefix| other.strip_prefix(prefix).and_then(|n| n.parse().ok()).filter(|n| (1..=9).contains(n));
                number("prefix").map(Self::Prefix).or_else(|| number("suffix").map(Self::Suffix))?
            }
        })
    }
}

/// Whether a name can stand in a window.
pub(crate) fn is_known_feature(name: &str) -> bool {
    Feature::parse(name).is_some() || matches!(name, "pos" | "pos2" | "text_dense_features" | "BOS" | "EOS")
}

/// What is computed for each token.
#[derive(Clone, Debug)]
pub(crate) struct TokenFeatures {
    windows: Vec<Vec<Feature>>,
    /// Whether our own features are computed besides the windows.
    own: bool,
    /// Whether there is a linear part; without, there are only the bag's features.
    linear: bool,
    pattern_names: Vec<String>,
    pattern_hashes: Vec<u64>,
    entity_names: Vec<String>,
}

/// A message, its words, and what else is known of them.
pub(crate) struct Featurized<'m, 'a> {
    /// The message.
    pub message: &'m Message<'a>,
    /// Its words.
    pub words: Words,
    /// Known values in it.
    pub mentions: Mentions,
}

/// Takes features: the number, and a function that makes the name.
pub(crate) trait Sink {
    /// A feature of the linear part.
    fn wide(&mut self, key: u64, name: &dyn Fn() -> String);
    /// A feature of the network's bag.
    fn bag(&mut self, key: u64, name: &dyn Fn() -> String);
}

/// Kinds of features: no two features of different kinds have the same number.
#[derive(Clone, Copy)]
enum Kind {
    Window,
    Word,
    Pair,
    Around,
    Three,
    Affix,
    Shape,
    Digits,
    Piece,
    Known,
    Pattern,
    Name,
    Tag,
    Edge,
}

fn key(kind: Kind, place: isize, hash: u64) -> u64 {
    mix(mix(kind as u64 + 1, place as u64), hash)
}

/// The number of a word as a name.
pub(crate) fn name_key(words: &Words, at: usize) -> u64 {
    key(Kind::Name, 0, words.hash(at))
}

impl TokenFeatures {
    /// Windows of feature names, the token's own in the middle; names of the
    /// patterns and of the entities by number.
    pub fn new(windows: &[Vec<String>], own: bool, pattern_names: &[String], entity_names: &[String]) -> Self {
        let parse = |names: &Vec<String>| names.iter().filter_map(|name| Feature::parse(name)).collect();
        Self {
            windows: windows.iter().map(parse).collect(),
            own,
            linear: true,
            pattern_names: pattern_names.to_vec(),
            pattern_hashes: pattern_names.iter().map(|name| hash_text(name)).collect(),
            entity_names: entity_names.to_vec(),
        }
    }

    /// The same without the features of the linear part.
    pub fn of_bag_alone(pattern_names: &[String]) -> Self {
        Self { linear: false, ..Self::new(&[], true, pattern_names, &[]) }
    }

    /// Gives all features of one token; `tags` are further properties of the
    /// tokens (entity names, for the role taggers).
    pub fn of_token(&self, featurized: &Featurized, at: usize, tags: Option<&[&str]>, sink: &mut impl Sink) {
        self.windowed(featurized, at, sink);
        if self.own {
            if self.linear {
                self.context(&featurized.words, at, sink);
                self.outside(featurized, at, sink);
            }
            self.inside(featurized, at, sink);
            self.known(featurized, at, sink);
        }
        if let Some(tags) = tags {
            tagged(&featurized.words, tags, at, sink);
        }
    }

    /// Rasa's windows (spec §2.5).
    fn windowed(&self, featurized: &Featurized, at: usize, sink: &mut impl Sink) {
        let half = (self.windows.len() / 2) as isize;
        for (features, offset) in self.windows.iter().zip(-half..) {
            let place = at as isize + offset;
            let Some(place) = usize::try_from(place).ok().filter(|place| *place < featurized.words.len()) else {
                let name = if place < 0 { "BOS" } else { "EOS" };
                sink.wide(key(Kind::Edge, 0, hash_text(name)), &|| name.to_owned());
                continue;
            };
            let Some(token) = featurized.message.tokens().get(place) else { continue };
            let text = featurized.message.token_text(token);
            for (number, feature) in features.iter().enumerate() {
                self.window_feature(*feature, number, featurized, (place, offset, text), sink);
            }
        }
    }

    fn window_feature(
        &self,
        feature: Feature,
        number: usize,
        featurized: &Featurized,
        (place, offset, text): (usize, isize, &str),
        sink: &mut impl Sink,
    ) {
        // The number in the window keeps the features of a window apart.
        let place_key = offset * 64 + number as isize;
        let mut flag = |is_set: bool, name: &str| {
            if is_set {
                sink.wide(key(Kind::Window, place_key, 1), &|| format!("{offset}:{name}"));
            }
        };
        match feature {
            Feature::IsLower => flag(is_lower(text), "is_lower"),
            Feature::Title => flag(is_title(text), "title"),
            Feature::Upper => flag(is_upper(text), "upper"),
            Feature::Digit => flag(is_digit(text), "digit"),
            Feature::Bias => flag(true, "bias"),
            Feature::Low => {
                // As Rasa's CRFEntityExtractor has it: numbers too.
                sink.wide(key(Kind::Window, place_key, featurized.words.literal(place)), &|| {
                    format!("{offset}:low:{}", text.to_lowercase())
                });
            }
            Feature::Prefix(n) => {
                let part = prefix(text, n);
                sink.wide(key(Kind::Window, place_key, hash_text(part)), &|| format!("{offset}:prefix{n}:{part}"));
            }
            Feature::Suffix(n) => {
                let part = suffix(text, n);
                sink.wide(key(Kind::Window, place_key, hash_text(part)), &|| format!("{offset}:suffix{n}:{part}"));
            }
            Feature::Pattern => {
                for (hash, name) in self.patterns_at(featurized.message, place) {
                    sink.wide(key(Kind::Window, place_key, hash), &|| format!("{offset}:pattern:{name}"));
                }
            }
        }
    }

    fn patterns_at<'s>(&'s self, message: &'s Message, place: usize) -> impl Iterator<Item = (u64, &'s str)> + use<'s> {
        let numbers = message.token_patterns.get(place).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|&number| {
            let hash = self.pattern_hashes.get(number as usize)?;
            Some((*hash, self.pattern_names.get(number as usize)?.as_str()))
        })
    }

    /// Words around, alone and together.
    fn context(&self, words: &Words, at: usize, sink: &mut impl Sink) {
        let place = |offset: isize| at.checked_add_signed(offset).filter(|place| *place < words.len());
        let beyond = |offset: isize| if offset < 0 { 1_u64 } else { 2 };
        let hash = |offset: isize| place(offset).map_or(beyond(offset), |place| words.hash(place));
        let text = |offset: isize| match place(offset) {
            Some(place) => words.text(place),
            None => if offset < 0 { "<s>" } else { "</s>" }.to_owned(),
        };
        sink.wide(key(Kind::Word, 9, 0), &|| "bias".to_owned());
        for offset in -3..=3 {
            sink.wide(key(Kind::Word, offset, hash(offset)), &|| format!("{offset}:word:{}", text(offset)));
        }
        for offset in -2..=1 {
            sink.wide(key(Kind::Pair, offset, mix(hash(offset), hash(offset + 1))), &|| {
                format!("{offset}:pair:{} {}", text(offset), text(offset + 1))
            });
        }
        sink.wide(key(Kind::Around, 0, mix(hash(-1), hash(1))), &|| format!("0:around:{} {}", text(-1), text(1)));
        for offset in -2..=0 {
            let three = mix(mix(hash(offset), hash(offset + 1)), hash(offset + 2));
            sink.wide(key(Kind::Three, offset, three), &|| {
                format!("{offset}:three:{} {} {}", text(offset), text(offset + 1), text(offset + 2))
            });
        }
    }

    /// What the token and those beside it look like from outside: the linear part's.
    fn outside(&self, featurized: &Featurized, at: usize, sink: &mut impl Sink) {
        let words = &featurized.words;
        words.affixes(at, |piece, length, hash, characters| {
            let name = || format!("0:{}:{}", affix_name(piece, length), readable(characters));
            sink.wide(key(Kind::Affix, side(piece, length), hash), &name);
        });
        for offset in -1..=1 {
            let Some(place) = at.checked_add_signed(offset).filter(|place| *place < words.len()) else { continue };
            sink.wide(key(Kind::Shape, offset, words.shape(place)), &|| {
                format!("{offset}:shape:{}", shape_at(featurized.message, place))
            });
        }
    }

    /// What the token itself looks like: the bag's.
    fn inside(&self, featurized: &Featurized, at: usize, sink: &mut impl Sink) {
        let words = &featurized.words;
        words.pieces(at, |piece, length, hash, characters| {
            let name = || format!("0:{}:{}", piece_name(piece), readable(characters));
            sink.bag(key(Kind::Piece, side(piece, length), hash), &name);
        });
        if let Some(hash) = words.digits_alike(at) {
            sink.bag(key(Kind::Digits, 0, hash), &|| {
                let alike = |c: char| if c.is_numeric() { '0' } else { c };
                format!("0:digits alike:{}", words.text(at).chars().map(alike).collect::<String>())
            });
        }
        sink.bag(key(Kind::Shape, 0, words.shape(at)), &|| format!("0:shape:{}", shape_at(featurized.message, at)));
    }

    /// Known values and patterns.
    fn known(&self, featurized: &Featurized, at: usize, sink: &mut impl Sink) {
        let reach = isize::from(self.linear);
        for offset in -reach..=reach {
            let Some(place) = at.checked_add_signed(offset).filter(|place| *place < featurized.words.len()) else {
                continue;
            };
            for &(entity, position) in featurized.mentions.get(place).into_iter().flatten() {
                let number = u64::from(entity) * 4 + position as u64;
                let name = || format!("{offset}:known {}:{}", self.entity_name(entity), position.name());
                if self.linear {
                    sink.wide(key(Kind::Known, offset, number), &name);
                }
                if offset == 0 {
                    sink.bag(key(Kind::Known, 0, number), &name);
                }
            }
            for (hash, pattern) in self.patterns_at(featurized.message, place) {
                let name = || format!("{offset}:pattern:{pattern}");
                if self.linear {
                    sink.wide(key(Kind::Pattern, offset, hash), &name);
                }
                if offset == 0 {
                    sink.bag(key(Kind::Pattern, 0, hash), &name);
                }
            }
        }
    }

    fn entity_name(&self, entity: u16) -> &str {
        self.entity_names.get(usize::from(entity)).map_or("", String::as_str)
    }
}

/// Keeps pieces of one length at different sides apart.
fn side(piece: Piece, length: usize) -> isize {
    length as isize + 16 * piece as isize
}

fn shape_at(message: &Message, place: usize) -> String {
    let token = message.tokens().get(place);
    token.map_or(String::new(), |token| shape(message.token_text(token)).iter().collect())
}

/// Features of the tags around and of the own tag with the words around.
fn tagged(words: &Words, tags: &[&str], at: usize, sink: &mut impl Sink) {
    for (offset, name) in [(-1, "previous"), (0, "own"), (1, "next")] {
        if let Some(tag) = at.checked_add_signed(offset).and_then(|place| tags.get(place)) {
            sink.wide(key(Kind::Tag, offset, hash_text(tag)), &|| format!("{name}:tag:{tag}"));
        }
    }
    let Some(own) = tags.get(at) else { return };
    for offset in [-2, -1, 1, 2] {
        let Some(place) = at.checked_add_signed(offset).filter(|place| *place < words.len()) else { continue };
        let hash = mix(hash_text(own), words.hash(place));
        sink.wide(key(Kind::Tag, 8 + offset, hash), &|| format!("own:tag:{own} {offset}:word:{}", words.text(place)));
    }
}

fn affix_name(piece: Piece, length: usize) -> String {
    match piece {
        Piece::Beginning => format!("prefix{length}"),
        _ => format!("suffix{length}"),
    }
}

fn piece_name(piece: Piece) -> &'static str {
    match piece {
        Piece::Beginning => "begins",
        Piece::End => "ends",
        Piece::Inside => "contains",
    }
}

fn is_digit(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Python's `islower`: a cased letter, and none of another case.
fn is_lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)
}

fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}

/// Python's `istitle`: capitals begin words and only they do.
fn is_title(text: &str) -> bool {
    let mut after_cased = false;
    let mut any = false;
    for c in text.chars() {
        let (upper, lower) = (c.is_uppercase(), c.is_lowercase());
        if (upper && after_cased) || (lower && !after_cased) {
            return false;
        }
        after_cased = upper || lower;
        any |= after_cased;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::super::gazetteer::Place;
    use super::*;

    /// Names of the features given, with their numbers.
    #[derive(Default)]
    struct Names {
        wide: Vec<String>,
        bag: Vec<String>,
        keys: Vec<(u64, String)>,
    }

    impl Sink for Names {
        fn wide(&mut self, key: u64, name: &dyn Fn() -> String) {
            self.wide.push(name());
            self.keys.push((key, name()));
        }
        fn bag(&mut self, key: u64, name: &dyn Fn() -> String) {
            self.bag.push(name());
            self.keys.push((key, name()));
        }
    }

    fn message() -> Message<'static> {
        let mut message = Message::new("Ke Raha 12");
        message.tokens = Some(vec![message.token(0, 2), message.token(3, 7), message.token(8, 10)]);
        message.token_patterns = vec![vec![], vec![0], vec![]];
        message
    }

    fn names(features: &TokenFeatures, at: usize, tags: Option<&[&str]>) -> Names {
        let message = message();
        let words = Words::new(&message);
        let mentions = vec![vec![], vec![(0, Place::Alone)], vec![]];
        let mut names = Names::default();
        features.of_token(&Featurized { message: &message, words, mentions }, at, tags, &mut names);
        names
    }

    #[test]
    fn windows_name_offset_feature_and_value() {
        let windows =
            [vec!["low"], vec!["low", "title", "upper", "digit", "pattern", "prefix2", "suffix3"], vec!["digit"]]
                .map(|names| names.into_iter().map(str::to_owned).collect());
        let features = TokenFeatures::new(&windows, false, &["city".to_owned()], &[]);
        let wide = |at| names(&features, at, None).wide;
        assert_eq!(wide(0), ["BOS", "0:low:ke", "0:title", "0:prefix2:Ke", "0:suffix3:Ke"]);
        assert_eq!(
            wide(1),
            ["-1:low:ke", "0:low:raha", "0:title", "0:pattern:city", "0:prefix2:Ra", "0:suffix3:aha", "1:digit"]
        );
        assert_eq!(wide(2), ["-1:low:raha", "0:low:12", "0:digit", "0:prefix2:12", "0:suffix3:12", "EOS"]);
    }

    #[test]
    fn features_of_one_number_have_one_name_and_the_other_way_round() {
        let windows = [vec!["low".to_owned()], vec!["low".to_owned(), "title".to_owned()], vec!["low".to_owned()]];
        let features = TokenFeatures::new(&windows, true, &["city".to_owned()], &["place".to_owned()]);
        let tags = ["O", "place", "O"];
        let mut keys: Vec<(u64, String)> = (0..3).flat_map(|at| names(&features, at, Some(&tags)).keys).collect();
        let tagged = names(&features, 1, Some(&tags));
        assert!(tagged.wide.contains(&"0:known place:whole".to_owned()));
        assert!(tagged.wide.contains(&"own:tag:place -1:word:ke".to_owned()));
        assert!(tagged.bag.contains(&"0:contains:aha".to_owned()), "{:?}", tagged.bag);
        keys.sort();
        keys.dedup();
        let numbers: std::collections::BTreeSet<u64> = keys.iter().map(|(key, _)| *key).collect();
        let texts: std::collections::BTreeSet<&String> = keys.iter().map(|(_, text)| text).collect();
        assert_eq!((numbers.len(), texts.len()), (keys.len(), keys.len()));
    }

    #[test]
    fn case_is_judged_as_python_does() {
        assert!(is_title("Bau-Bau") && !is_title("BauBau") && !is_title("12") && is_title("A"));
        assert!(is_upper("NIP1") && !is_upper("1") && is_lower("a1"));
    }
}
