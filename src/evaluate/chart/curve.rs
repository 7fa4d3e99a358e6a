//! Curves over a number of examples: how much a configuration gains by more of
//! them.

use super::{Anchor, BLACK, Colour, GREY, LINE, Picture, shortened, text_width};

const WIDTH: usize = 720;
const HEIGHT: usize = 420;
const LEFT: usize = 90;
const TOP: usize = 60;
/// Names are cut at this many characters.
const MOST_LETTERS: usize = 40;
const COLOURS: [Colour; 6] =
    [[31, 119, 180], [255, 127, 14], [44, 160, 44], [214, 39, 40], [148, 103, 189], [140, 86, 75]];

/// One named curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Value in `0..=1` and standard deviation, for each number of the x axis.
    pub points: Vec<(f64, f64)>,
}

/// Draws curves with their deviations over `xs`.
pub fn curves(x_label: &str, y_label: &str, xs: &[usize], curves: &[Curve]) -> Picture {
    let names: Vec<String> = curves.iter().map(|curve| shortened(&curve.name, MOST_LETTERS)).collect();
    let legend = names.iter().map(|name| text_width(name)).max().unwrap_or(0) + 3 * LINE;
    let mut picture = Picture::new(LEFT + WIDTH + legend + LINE, TOP + HEIGHT + 5 * LINE);
    axes(&mut picture, x_label, y_label, xs);
    for (number, (curve, name)) in curves.iter().zip(&names).enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let y = TOP + number * (LINE + 6);
        picture.fill((LEFT + WIDTH + LINE, y - 4), (LINE, 8), colour);
        picture.text((LEFT + WIDTH + 2 * LINE + 4, y), Anchor::Start, name, BLACK);
        let points: Vec<(usize, &(f64, f64))> = xs.iter().map(|x| column(xs, *x)).zip(&curve.points).collect();
        for pair in points.windows(2) {
            if let [(from, (a, _)), (to, (b, _))] = pair {
                picture.line((*from, row(*a)), (*to, row(*b)), colour);
            }
        }
        for (x, (value, deviation)) in points {
            picture.line((x, row(value - deviation)), (x, row(value + deviation)), colour);
            picture.fill((x.saturating_sub(3), row(*value).saturating_sub(3)), (7, 7), colour);
        }
    }
    picture
}

fn axes(picture: &mut Picture, x_label: &str, y_label: &str, xs: &[usize]) {
    picture.text((LEFT, TOP / 2), Anchor::Start, y_label, BLACK);
    picture.text((LEFT + WIDTH / 2, TOP + HEIGHT + 4 * LINE), Anchor::Middle, x_label, BLACK);
    for step in 0..=5 {
        let value = f64::from(step) / 5.0;
        picture.line((LEFT, row(value)), (LEFT + WIDTH, row(value)), GREY);
        picture.text((LEFT - LINE, row(value)), Anchor::End, &format!("{value:.1}"), BLACK);
    }
    for x in xs {
        picture.text((column(xs, *x), TOP + HEIGHT + LINE), Anchor::Middle, &x.to_string(), BLACK);
    }
}

/// Pixel of a value from 0 to 1.
fn row(value: f64) -> usize {
    TOP + ((1.0 - value.clamp(0.0, 1.0)) * HEIGHT as f64).round() as usize
}

/// Pixel of a number on the x axis, which begins at 0.
fn column(xs: &[usize], x: usize) -> usize {
    LEFT + WIDTH * x / xs.iter().copied().max().unwrap_or(1).max(1)
}
