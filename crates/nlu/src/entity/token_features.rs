//! Features of a token and its neighbours for the taggers (spec §2.5), as texts
//! `<offset>:<feature>[:<value>]`.

use crate::message::Message;
use std::fmt::Write as _;

/// One feature of a window.
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
    /// Letters, digits and others as `x`, `X`, `d` and themselves, repetitions
    /// shortened. Our own, used by DIETClassifier.
    Shape,
    /// The lower-cased text with that of the token before. Our own.
    Pair,
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
            "shape" => Self::Shape,
            "pair" => Self::Pair,
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
    pattern_names: Vec<String>,
}

impl TokenFeatures {
    /// Windows of feature names, the token's own in the middle; names of the
    /// patterns by number.
    pub fn new(windows: &[Vec<String>], pattern_names: &[String]) -> Self {
        let parse = |names: &Vec<String>| names.iter().filter_map(|name| Feature::parse(name)).collect();
        Self { windows: windows.iter().map(parse).collect(), pattern_names: pattern_names.to_vec() }
    }

    /// Calls `emit(token, feature)` for each feature of each token; `tags` are
    /// further properties of the tokens (entity names for the role taggers).
    pub fn for_each(&self, message: &Message, tags: Option<&[&str]>, mut emit: impl FnMut(usize, &str)) {
        let texts: Vec<&str> = message.tokens().iter().map(|token| message.token_text(token)).collect();
        let lowered: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        let half = (self.windows.len() / 2) as isize;
        let mut buffer = String::new();
        for at in 0..texts.len() {
            for (features, offset) in self.windows.iter().zip(-half..) {
                let place = at as isize + offset;
                let (Ok(place), true) = (usize::try_from(place), place < texts.len() as isize) else {
                    emit(at, if place < 0 { "BOS" } else { "EOS" });
                    continue;
                };
                let token = TokenView { text: texts[place], lowered: &lowered, place, offset };
                for feature in features {
                    self.write(*feature, &token, message, &mut buffer, &mut |text| emit(at, text));
                }
            }
            for (offset, name) in [(-1, "previous"), (0, "own"), (1, "next")] {
                let tag = tags.and_then(|tags| tags.get(at.checked_add_signed(offset)?));
                if let Some(tag) = tag {
                    buffer.clear();
                    let _ = write!(buffer, "{name}:tag:{tag}");
                    emit(at, &buffer);
                }
            }
        }
    }

    fn write(
        &self,
        feature: Feature,
        token: &TokenView,
        message: &Message,
        buffer: &mut String,
        emit: &mut dyn FnMut(&str),
    ) {
        let (text, low, offset) = (token.text, token.lowered[token.place].as_str(), token.offset);
        buffer.clear();
        let _ = match feature {
            Feature::Low => write!(buffer, "{offset}:low:{low}"),
            Feature::IsLower if is_lower(text) => write!(buffer, "{offset}:is_lower"),
            Feature::Title if is_title(text) => write!(buffer, "{offset}:title"),
            Feature::Upper if is_upper(text) => write!(buffer, "{offset}:upper"),
            Feature::Digit if is_digit(text) => write!(buffer, "{offset}:digit"),
            Feature::Bias => write!(buffer, "{offset}:bias"),
            Feature::Prefix(n) => write!(buffer, "{offset}:prefix{n}:{}", prefix(text, n)),
            Feature::Suffix(n) => write!(buffer, "{offset}:suffix{n}:{}", suffix(text, n)),
            Feature::Shape => {
                let _ = write!(buffer, "{offset}:shape:");
                push_shape(text, buffer);
                Ok(())
            }
            Feature::Pair => {
                let before = token.place.checked_sub(1).map_or("BOS", |before| &token.lowered[before]);
                write!(buffer, "{offset}:pair:{before} {low}")
            }
            Feature::Pattern => {
                for number in message.token_patterns.get(token.place).into_iter().flatten() {
                    if let Some(name) = self.pattern_names.get(*number as usize) {
                        buffer.clear();
                        let _ = write!(buffer, "{offset}:pattern:{name}");
                        emit(buffer);
                    }
                }
                return;
            }
            Feature::IsLower | Feature::Title | Feature::Upper | Feature::Digit => return,
        };
        emit(buffer);
    }
}

/// A token seen from another one.
struct TokenView<'a> {
    text: &'a str,
    lowered: &'a [String],
    place: usize,
    offset: isize,
}

fn prefix(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(byte, _)| &text[..byte])
}

fn suffix(text: &str, length: usize) -> &str {
    text.char_indices().rev().nth(length - 1).map_or(text, |(byte, _)| &text[byte..])
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

fn push_shape(text: &str, out: &mut String) {
    let (mut last, mut times) = ('\0', 0);
    for c in text.chars().take(64) {
        let class = match c {
            _ if c.is_numeric() => 'd',
            _ if c.is_uppercase() => 'X',
            _ if c.is_alphabetic() => 'x',
            _ => c,
        };
        times = if class == last { times + 1 } else { 1 };
        last = class;
        if times <= 2 || class == 'd' {
            out.push(class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_name_offset_feature_and_value() {
        let mut message = Message::new("Ke Raha 12");
        message.tokens = Some(vec![message.token(0, 2), message.token(3, 7), message.token(8, 10)]);
        message.token_patterns = vec![vec![], vec![0], vec![]];
        let windows =
            [vec!["low"], vec!["low", "title", "upper", "digit", "pattern", "prefix2", "suffix3"], vec!["digit"]]
                .map(|names| names.into_iter().map(str::to_owned).collect());
        let features = TokenFeatures::new(&windows, &["city".to_owned()]);
        let mut seen = vec![Vec::new(); 3];
        features.for_each(&message, None, |token, feature| seen[token].push(feature.to_owned()));
        assert_eq!(seen[0], ["BOS", "0:low:ke", "0:title", "0:prefix2:Ke", "0:suffix3:Ke"]);
        assert_eq!(
            seen[1],
            ["-1:low:ke", "0:low:raha", "0:title", "0:pattern:city", "0:prefix2:Ra", "0:suffix3:aha", "1:digit"]
        );
        assert_eq!(seen[2], ["-1:low:raha", "0:low:12", "0:digit", "0:prefix2:12", "0:suffix3:12", "EOS"]);
    }

    #[test]
    fn case_is_judged_as_python_does() {
        assert!(is_title("Bau-Bau") && !is_title("BauBau") && !is_title("12") && is_title("A"));
        assert!(is_upper("NIP1") && !is_upper("1") && is_lower("a1"));
        assert_eq!(suffix("é", 2), "é");
        let mut shape = String::new();
        push_shape("KTP-el123", &mut shape);
        assert_eq!(shape, "XX-xxddd");
    }
}
