use super::*;
use crate::{Diagnostic, FileId, Sources, codes};

fn env(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("12".to_owned()),
        "HOST" => Some("db".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut out = Vec::new();
    let node = parse(FileId(0), text, &env, &mut out);
    (node, out)
}

fn good(text: &str) -> Node {
    let (node, out) = read(text);
    assert!(out.is_empty(), "{out:?}");
    node.expect("readable")
}

fn json(text: &str) -> String {
    good(text).to_json().to_string()
}

/// Code and covered text of the first place of the only finding.
fn finding(text: &str) -> (&'static str, String) {
    let (_, out) = read(text);
    assert_eq!(out.len(), 1, "{out:?}");
    let span = out[0].annotations[0].span;
    (out[0].code, text[span.start..span.end].to_owned())
}

#[test]
fn plain_scalars_follow_yaml_1_2_as_ruamel_reads_it() {
    for (text, value) in [
        ("yes", "\"yes\""),
        ("off", "\"off\""),
        ("TRUE", "true"),
        ("~", "null"),
        ("", "null"),
        ("010", "10"),
        ("0o10", "8"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("1_000", "1000"),
        ("-7", "-7"),
        ("1e3", "1000.0"),
        (".5", "0.5"),
        ("1.", "1.0"),
        ("12:30", "\"12:30\""),
        ("2020-01-01", "\"2020-01-01\""),
        ("1.2.3", "\"1.2.3\""),
        ("-", "\"-\""),
        ("+", "\"+\""),
        ("198901202014022005", "198901202014022005"),
        ("99999999999999999999", "\"99999999999999999999\""),
    ] {
        let node = Node { value: resolve_scalar(text), span: Span::default(), style: Style::Plain };
        assert_eq!(node.to_json().to_string(), value, "{text}");
    }
}

#[test]
fn quoted_scalars_are_always_text() {
    assert_eq!(json("a: '1'\nb: \"true\"\nc: !!str 5\n"), r#"{"a":"1","b":"true","c":"5"}"#);
}

#[test]
fn an_empty_document_is_an_empty_mapping() {
    assert_eq!(json(""), "{}");
    assert_eq!(json("# only a comment\n"), "{}");
}

#[test]
fn variables_are_replaced_only_in_plain_scalars_with_braces() {
    let text = "a: ${PORT}\nb: '${PORT}'\nc: $PORT\nd: x-${HOST}-$PORT\ne: |\n  ${PORT}\nf: x${UNSET}\n";
    assert_eq!(json(text), r#"{"a":"12","b":"${PORT}","c":"$PORT","d":"x-db-12","e":"${PORT}\n","f":"x${UNSET}"}"#);
}

#[test]
fn an_unset_variable_at_the_start_of_a_word_is_an_error() {
    assert_eq!(finding("a: see ${UNSET}\n"), (codes::UNSET_VARIABLE, "see ${UNSET}".to_owned()));
}

#[test]
fn backslash_u_is_decoded_in_ascii_files_only() {
    assert_eq!(good("a: x\\u00e9y\n").to_json()["a"], "xéy");
    assert_eq!(good("a: \\ud83d\\ude00\n").to_json()["a"], "😀");
    assert_eq!(good("a: \\\\u00e9\n").to_json()["a"], "\\\\u00e9");
    assert_eq!(good("a: ä\\u00e9\n").to_json()["a"], "ä\\u00e9");
    assert_eq!(good("a: C:\\users\n").to_json()["a"], "C:\\users");
}

#[test]
fn spans_stay_right_behind_decoded_escapes() {
    let text = "a: \\u00e9\nb: here\n";
    let node = good(text);
    let span = node.as_map().and_then(|map| map.get("b")).expect("b").span;
    assert_eq!(&text[span.start..span.end], "here");
}

#[test]
fn half_a_surrogate_pair_is_an_error() {
    assert_eq!(finding("a: \\ud83d\n"), (codes::BAD_ESCAPE, "\\ud83d".to_owned()));
}

#[test]
fn spans_are_byte_offsets_in_non_ascii_files() {
    let text = "é: ü\nnama: [ä, \"ö ö\"]\n";
    let node = good(text);
    let map = node.as_map().expect("map");
    let items = map.get("nama").and_then(Node::as_seq).expect("list");
    let covered: Vec<&str> = items.iter().map(|item| &text[item.span.start..item.span.end]).collect();
    assert_eq!(covered, ["ä", "\"ö ö\""]);
    let key = &map.entries[1].0;
    assert_eq!(&text[key.span.start..key.span.end], "nama");
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let text = "\u{feff}a: 1\n";
    let node = good(text);
    let key = &node.as_map().expect("map").entries[0].0;
    assert_eq!((key.name.as_str(), &text[key.span.start..key.span.end]), ("a", "a"));
}

#[test]
fn literal_blocks_know_the_span_of_each_line() {
    for text in [
        "k: |\n  - satu\n  - düa\n\n    - tiga\nz: 1\n",
        "k: |\r\n  - satu\r\n  - düa\r\n\r\n    - tiga\r\nz: 1\r\n",
        "k: |\n\n  - satu\n  - düa\n\n    - tiga",
        "k: |2-\n  - satu\n  - düa\n\n    - tiga",
    ] {
        let mut sources = Sources::default();
        sources.add("f.yml", text);
        let node = good(text);
        let block = node.as_map().and_then(|map| map.get("k")).expect("k");
        let lines = block.lines(&sources);
        let texts: Vec<&str> = lines.iter().map(|line| line.text).filter(|line| !line.is_empty()).collect();
        assert_eq!(texts, ["- satu", "- düa", "  - tiga"], "{text:?}");
        for line in lines {
            assert_eq!(&text[line.span.start..line.span.end], line.text, "{text:?}");
        }
    }
}

#[test]
fn the_same_key_twice_names_both_places_and_keeps_the_first() {
    let text = "a: 1\nb: 2\na: 3\n";
    let (node, out) = read(text);
    assert_eq!(out[0].code, codes::DUPLICATE_KEY);
    let starts: Vec<usize> = out[0].annotations.iter().map(|annotation| annotation.span.start).collect();
    assert_eq!(starts, [10, 0]);
    assert_eq!(node.expect("readable").to_json().to_string(), r#"{"a":1,"b":2}"#);
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let text =
        "base: &b {x: 1, y: 2}\nother: &o {y: 9, z: 3}\none:\n  <<: *b\n  y: 5\nmany:\n  <<: [*b, *o]\nlist: *b\n";
    let value = good(text).to_json();
    assert_eq!(value["one"].to_string(), r#"{"x":1,"y":5}"#);
    assert_eq!(value["many"].to_string(), r#"{"x":1,"y":2,"z":3}"#);
    assert_eq!(value["list"].to_string(), r#"{"x":1,"y":2}"#);
}

#[test]
fn a_merge_key_without_a_mapping_is_an_error() {
    assert_eq!(finding("a:\n  <<: 5\n").0, codes::BAD_MERGE);
}

#[test]
fn a_tab_as_indentation_is_shown_with_a_cure() {
    for text in ["a:\n\tb: 1\n", "a:\n  - b\n\t- c\n"] {
        let (node, out) = read(text);
        assert!(node.is_none());
        assert_eq!(out[0].code, codes::TAB_INDENTATION, "{out:?}");
        let span = out[0].annotations[0].span;
        assert_eq!(&text[span.start..span.end], "\t");
        assert!(out[0].help.as_deref().is_some_and(|help| help.contains("spaces")));
    }
}

#[test]
fn several_documents_are_an_error() {
    assert_eq!(finding("a: 1\n---\nb: 2\n"), (codes::SEVERAL_DOCUMENTS, "---".to_owned()));
}

#[test]
fn deep_nesting_is_an_error_and_no_panic() {
    assert_eq!(finding(&"[".repeat(100_000)).0, codes::TOO_DEEP);
    assert_eq!(finding(&format!("{}a", "- ".repeat(5_000))).0, codes::TOO_DEEP);
    let fine = format!("{}1{}", "[".repeat(150), "]".repeat(150));
    assert!(read(&fine).1.is_empty());
}

#[test]
fn an_alias_bomb_is_an_error() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![previous; 10].join(", ")));
    }
    assert_eq!(finding(&text).0, codes::TOO_LARGE);
}

#[test]
fn broken_aliases_and_keys_are_errors() {
    assert_eq!(finding("a: *nope\n").0, codes::YAML_SYNTAX);
    assert_eq!(finding("a: &x [*x]\n").0, codes::BAD_ALIAS);
    assert_eq!(finding("? [1]\n: 2\n").0, codes::BAD_KEY);
    assert_eq!(finding("a: !python/object x\n").0, codes::UNKNOWN_TAG);
}

#[test]
fn quoted_text_may_go_on_less_indented_than_its_key() {
    // As PyYAML reads them.
    for (text, expected) in [
        ("a:\n  - text: \"one\ntwo\n\n  three \\\n   four\"\n  - b", r#"{"a":[{"text":"one two\nthree four"},"b"]}"#),
        ("k:\n    v: 'x\n  it''s\n y'\nz: 1\n", r#"{"k":{"v":"x it's y"},"z":1}"#),
        ("{a: \"p\nq\"}\n", r#"{"a":"p q"}"#),
        ("a:\n  b: \"one \n\n\n two\"\n", r#"{"a":{"b":"one\n\ntwo"}}"#),
        ("a:\n  t: \"x\n\"\n  u: 1\n", r#"{"a":{"t":"x ","u":1}}"#),
    ] {
        assert_eq!(json(text), expected, "{text:?}");
    }
    let node = good("a:\n  b: \"x\ny\"\n  c: 1\n");
    let inner = node.as_map().unwrap().get("a").unwrap().as_map().unwrap();
    assert_eq!((inner.get("b").unwrap().span.start, inner.get("c").unwrap().span.start), (8, 19));
    // Without its other quote it stays an error.
    assert_eq!(finding("a:\n  b: \"x\ny\n  c: 1\n").0, codes::YAML_SYNTAX);
}

#[test]
fn lists_in_brackets_may_be_indented_anyhow() {
    // As PyYAML reads them.
    for (text, expected) in [
        (
            "p:\n- n: x\n  f: [\n    [\"a\", b],\n    [c],\n  ]\n- n: y\n",
            r#"{"p":[{"n":"x","f":[["a","b"],["c"]]},{"n":"y"}]}"#,
        ),
        ("p:\n  - b: [\n{t: 1,\n u: 'x\n y'} # ] c\n]\n    z: 2\n", r#"{"p":[{"b":[{"t":1,"u":"x y"}],"z":2}]}"#),
        (
            "a:\n  c: {\n  x: [1,\n2],\n y: \"it's # no comment\"\n}\nb: 1\n",
            r##"{"a":{"c":{"x":[1,2],"y":"it's # no comment"}},"b":1}"##,
        ),
    ] {
        assert_eq!(json(text), expected, "{text:?}");
    }
    let node = good("p:\n- f: [\n    [a],\n  ]\n  g: 1\n");
    let item = node.as_map().unwrap().get("p").unwrap().as_seq().unwrap()[0].as_map().unwrap();
    assert_eq!(item.get("g").unwrap().span.start, 28);
    // A line that goes on within quotes there.
    assert_eq!(json("a:\n  - b: [\n [\"x \\\n  y\"],\n]\n"), r#"{"a":[{"b":[["x y"]]}]}"#);
    // Without its other bracket it stays an error.
    assert_eq!(finding("p:\n- f: [\n    [a],\n  g: 1\n").0, codes::YAML_SYNTAX);
}

#[test]
fn an_emoji_as_two_escapes_is_read_beside_other_letters_too() {
    assert_eq!(json("a: \"é \\ud83d\\ude00!\"\nb: x\n"), r#"{"a":"é 😀!","b":"x"}"#);
}

#[test]
fn broken_text_never_panics() {
    for text in [
        "a: 'x\nb: 3\n",
        "a: [1, 2\nb: 3\n",
        "a: b: c\n",
        "{",
        "\"",
        "a: \"\\",
        "- - : -\n ?",
        "%YAML\n",
        "\u{0}",
        "é: [ü",
    ] {
        let (node, out) = read(text);
        assert!(node.is_some() || !out.is_empty(), "{text:?}");
    }
}

#[test]
fn what_is_written_is_read_back_as_the_same_values() {
    let texts = [
        "plain",
        "two words",
        "",
        " lead",
        "trail ",
        "yes",
        "No",
        "null",
        "1",
        "1.0",
        "2020-01-01",
        "a: b",
        "a #b",
        "- a",
        "[x](y)",
        "{\"a\": 1}",
        "${HOME}",
        "x ${PORT} y",
        "é 😀",
        "tab\there",
        "a\nb",
        "a\nb\n",
        "a\n\nb\n\n",
        "\n a\n",
        " a\nb\n",
        "a \n b",
        "\\d{3}",
        "\\u0041",
        "a\\u0041\nb\n",
        "\u{1}\u{85}",
        "'q'",
        "\"",
        "*",
        "&a",
        "!x",
        "%y",
        "|",
        ">-",
        "?",
        "key:",
        "a\r\nb",
        "@x",
        "`y`",
        "---",
        "...",
        "<<",
        "\u{feff}x\ny",
        "~",
        "0x1F",
        "#",
        "- a\n- b\n",
    ];
    for text in texts {
        let fields = serde_json::json!({"a": text, "list": [text, [text, []], {"k": text, "n": {}, text: [1, 1.0, null]}], "z": {"y": {"x": text}}});
        for value in [fields, serde_json::json!([text, {"a": [text]}]), serde_json::json!(text)] {
            let written = Node::from_json(&value).to_yaml();
            assert_eq!(good(&written).to_json(), value, "{written}");
        }
    }
    let plain = good("a: x ${PORT} y\n");
    assert_eq!(plain.to_json(), serde_json::json!({"a": "x 12 y"}));
}
