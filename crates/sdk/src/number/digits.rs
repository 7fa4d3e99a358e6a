//! From what a person typed to the characters of one number.

/// Words that people write right before a number, longest first.
const PREFIXES: [&str; 10] = ["nipppk", "nippns", "nomor", "pppk", "nip", "nik", "hp", "wa", "no", "ni"];

/// Picks the number out of a typed text: `"NIP. 19860926 201505 1 001 ya"`
/// becomes `"198609262015051001"`.
///
/// Full-width, Arabic, Javanese and Balinese digits become ASCII; spaces, dots
/// and dashes go. A letter typed inside the number stays, so that the caller
/// can say so. With several numbers the first of 16 or 18 digits wins, else the
/// longest. Empty when the text holds no digit.
pub fn normalise(text: &str) -> String {
    let groups = digit_groups(text);
    let full_length = |part: &String| matches!(part.chars().count(), 16 | 18);
    let joined: Vec<String> = groups.iter().map(|group| group.concat()).collect();
    if let Some(number) = joined.iter().find(|part| full_length(part)) {
        return number.clone();
    }
    if let Some(number) = groups.iter().flatten().find(|part| full_length(part)) {
        return number.clone();
    }
    // `max_by_key` keeps the last of equals: reversed, that is the first.
    joined.into_iter().rev().max_by_key(String::len).unwrap_or_default()
}

/// Neighbouring words that contain a digit, cleaned, as groups.
fn digit_groups(text: &str) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = vec![Vec::new()];
    for word in text.split(|c: char| c.is_whitespace() || c == ',' || c == ';') {
        let clean = clean_word(word);
        if clean.chars().any(|c| c.is_ascii_digit()) {
            if let Some(group) = groups.last_mut() {
                group.push(clean);
            }
        } else if !clean.is_empty() {
            groups.push(Vec::new());
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// Letters and ASCII digits of a word, without a leading `NIP` or the like.
fn clean_word(word: &str) -> String {
    let kept: String =
        word.chars().map(ascii_digit).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let mut rest = kept.as_str();
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    // "nikah 3" is a word, not a prefix: only a number may follow.
    if rest.starts_with(|c: char| c.is_ascii_digit()) { rest.to_owned() } else { kept }
}

/// A decimal digit of the scripts met in practice as ASCII; anything else as
/// it is.
pub fn ascii_digit(c: char) -> char {
    const ZEROS: [u32; 5] = [0x0660, 0x06F0, 0x1B50, 0xA9D0, 0xFF10];
    let code = u32::from(c);
    let value = match code {
        // "Bold", "double-struck" and so on, that keyboards with fonts send.
        0x1D7CE..=0x1D7FF => Some((code - 0x1D7CE) % 10),
        _ => ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10)),
    };
    value.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

/// Bullets for all but the last `keep` characters.
pub(crate) fn bullets(digits: &str, keep: usize) -> String {
    let hidden = digits.chars().count().saturating_sub(keep);
    digits.chars().enumerate().map(|(index, c)| if index < hidden { '•' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_however_they_are_typed() {
        for (typed, number) in [
            ("198609262015051001", "198609262015051001"),
            ("19860926 201505 1 001", "198609262015051001"),
            ("1986.0926-201505 1–001", "198609262015051001"),
            ("NIP:19860926 201505 1 001", "198609262015051001"),
            ("nip. saya 198609262015051001 ya, terima kasih", "198609262015051001"),
            ("NI PPPK 199501012022211001", "199501012022211001"),
            ("NIK/3603124107900001", "3603124107900001"),
            ("１９８６０９２６２０１５０５１００１", "198609262015051001"),
            ("٣٦٠٣١٢٤١٠٧٩٠٠٠٠١", "3603124107900001"),
            ("3603\u{200b}124107900001", "3603124107900001"),
            ("hp 081234567890 nip 198609262015051001", "198609262015051001"),
            ("198609262015051001, 3603124107900001", "198609262015051001"),
            ("1986092620150510 01", "198609262015051001"),
            ("1986o9262015051001", "1986o9262015051001"),
            ("nikah 3 kali", "3"),
            ("yang itu", ""),
            ("", ""),
        ] {
            assert_eq!(normalise(typed), number, "{typed}");
        }
    }
}
