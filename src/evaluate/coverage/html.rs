//! Coverage as a page: the figures, and each file with its lines coloured.

use std::collections::BTreeMap;

use sapa_project::Sources;

use super::{Coverage, Kind, share};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Coverage of the tests</title>\n\
<style>\nbody { font-family: sans-serif; margin: 2em; }\ntable { border-collapse: collapse; }\ntd, th { padding: 0.2em 1em; text-align: left; }\n\
pre { margin: 0; }\n.hit { background: #d9f2d9; }\n.miss { background: #f9d3d0; }\n.hits { color: #666; }\n</style>\n</head>\n<body>\n\
<h1>Coverage of the tests</h1>\n";

impl Coverage {
    /// A page without scripts and without anything from elsewhere.
    pub fn to_html(&self, sources: &Sources) -> String {
        let mut html = HEAD.to_owned();
        html += "<table>\n<tr><th>What</th><th>Exercised</th><th>Of</th><th>Share</th></tr>\n";
        for (kind, name) in Kind::ALL {
            let (covered, total) = self.count(kind);
            let name =
                if matches!(kind, Kind::Rule | Kind::Story) { format!("{name} (steps)") } else { name.to_owned() };
            let share = 100.0 * share(covered, total);
            html += &format!("<tr><td>{name}</td><td>{covered}</td><td>{total}</td><td>{share:.1} %</td></tr>\n");
        }
        html += "</table>\n";
        for (path, lines) in self.by_file() {
            let text = sources.iter().find(|(_, source)| source.path == path).map(|(_, source)| source.text.as_ref());
            html += &file(path, text.unwrap_or_default(), &lines);
        }
        html + "</body>\n</html>\n"
    }
}

fn file(path: &str, text: &str, hits: &BTreeMap<usize, usize>) -> String {
    let mut html = format!("<h2>{}</h2>\n", escape(path));
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let (class, count) = match hits.get(&number) {
            None => ("", String::new()),
            Some(0) => (" class=\"miss\"", "0".to_owned()),
            Some(count) => (" class=\"hit\"", count.to_string()),
        };
        html += &format!("<pre{class}>{number:>5} <span class=\"hits\">{count:>6}</span>  {}</pre>\n", escape(line));
    }
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
