//! Texts of responses with `{slot}` in them, taken apart as Python's `str.format`
//! and Rasa before it do (spec §3.9).

/// A text in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'t> {
    /// The pieces in order.
    pub pieces: Vec<Piece<'t>>,
    /// Whether `{{tag}}` occurs: such a text is never filled.
    pub has_escaped_tag: bool,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// As it stands.
    Text(&'t str),
    /// A doubled brace, which means one.
    Brace(char),
    /// What stands in single braces, whether or not it can be a name.
    Placeholder(&'t str),
}

/// A single brace that opens or closes nothing: Python refuses the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbalanced;

impl<'t> Template<'t> {
    /// Takes a text apart; `None` when a placeholder is too odd to be one, and the
    /// text is sent as it stands.
    ///
    /// # Errors
    /// A brace is not balanced.
    pub fn parse(text: &'t str) -> Result<Option<Self>, Unbalanced> {
        let mut template = Self { pieces: Vec::new(), has_escaped_tag: false };
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            template.pieces.push(Piece::Text(&rest[..at]));
            let tail = &rest[at..];
            if let Some(after) = tail.strip_prefix("{{") {
                let end = after.find(['{', '}', '\n']);
                template.has_escaped_tag |= end.is_some_and(|end| end > 0 && after[end..].starts_with('}'));
                template.pieces.push(Piece::Brace('{'));
                rest = after;
            } else if let Some(after) = tail.strip_prefix("}}") {
                template.pieces.push(Piece::Brace('}'));
                rest = after;
            } else {
                let after = tail.strip_prefix('{').ok_or(Unbalanced)?;
                let end = after.find(['{', '}']).ok_or(Unbalanced)?;
                if after[end..].starts_with('{') {
                    return Ok(None);
                }
                template.pieces.push(Piece::Placeholder(&after[..end]));
                rest = &after[end + 1..];
            }
        }
        template.pieces.push(Piece::Text(rest));
        Ok(Some(template))
    }

    /// The placeholders that can be names of slots.
    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(name) if is_name(name) => Some(*name),
            _ => None,
        })
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(|ch| ch.is_alphanumeric() || ch == '_') && text.starts_with(|ch: char| !ch.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_in_single_braces_are_names() {
        let template = Template::parse("{nip} {{x}} {a.b} {} {1} é{né}").unwrap().unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["nip", "né"]);
        assert!(template.has_escaped_tag);
    }

    #[test]
    fn braces_match_or_are_doubled() {
        for text in ["", "{a}", "{{a}} {b.c}", "/i{\"a\":\"b\"}", "{{{a}}}"] {
            assert!(Template::parse(text).is_ok(), "{text}");
        }
        for text in ["{a", "a}", "{{a}", "x { y", "}"] {
            assert_eq!(Template::parse(text), Err(Unbalanced), "{text}");
        }
        assert_eq!(Template::parse("{a{b}}"), Ok(None));
    }
}
