//! A picture as SVG.

use std::fmt::Write as _;

use super::{Anchor, Colour, LINE, Picture, Shape};

/// The picture as a file of text.
pub(super) fn write(picture: &Picture) -> String {
    let (width, height) = (picture.width, picture.height);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"{}\">\n",
        LINE - 3
    );
    for shape in &picture.shapes {
        // Writing to a string does not fail.
        let _ = match shape {
            Shape::Box { x, y, width, height, colour } => writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
                hex(*colour)
            ),
            Shape::Line { from, to, colour } => writeln!(
                svg,
                "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\" stroke-width=\"2\"/>",
                from.0,
                from.1,
                to.0,
                to.1,
                hex(*colour)
            ),
            Shape::Text { x, y, text, anchor, is_upward, colour } => {
                let turn = if *is_upward { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
                writeln!(
                    svg,
                    "<text x=\"{x}\" y=\"{y}\" dy=\"0.35em\" text-anchor=\"{}\" fill=\"{}\"{turn}>{}</text>",
                    name(*anchor),
                    hex(*colour),
                    escape(text)
                )
            }
        };
    }
    svg + "</svg>\n"
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn name(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
