//! A confusion matrix: what was expected downwards, what was predicted across.

use super::{Anchor, BLACK, Colour, GREY, LINE, Picture, WHITE, shortened, text_width};
use crate::evaluate::metrics::{Confusion, ratio};

/// Side of a field, in pixels: room for a number of three digits.
const FIELD: usize = 30;
const MARGIN: usize = 20;
/// Labels are cut at this many characters.
const MOST_LETTERS: usize = 40;
/// More labels make no legible picture; those with the most mistakes are shown.
const MOST_LABELS: usize = 150;

/// Draws the matrix. A field is the darker, the larger its share of the row.
pub fn matrix(title: &str, confusion: &Confusion) -> Picture {
    let labels = shown(confusion);
    let names: Vec<String> = labels.iter().map(|label| shortened(label, MOST_LETTERS)).collect();
    let room = names.iter().map(|name| text_width(name)).max().unwrap_or(0) + MARGIN;
    let side = labels.len() * FIELD;
    let (left, top) = (MARGIN + LINE + room, MARGIN + 2 * LINE);
    let width = (left + side + MARGIN).max(text_width(title) + 2 * MARGIN);
    let mut picture = Picture::new(width, top + side + room + LINE + MARGIN);
    picture.text((width / 2, MARGIN), Anchor::Middle, title, BLACK);
    picture.upward_text((MARGIN, top + side / 2), Anchor::Middle, "True label");
    picture.text((left + side / 2, top + side + room + LINE / 2), Anchor::Middle, "Predicted label", BLACK);
    picture.fill((left, top), (side, side), GREY);
    for (row, expected) in labels.iter().enumerate() {
        let support = labels.iter().map(|label| confusion.count(expected, label)).sum();
        for (column, predicted) in labels.iter().enumerate() {
            let corner = (left + column * FIELD, top + row * FIELD);
            field(&mut picture, corner, confusion.count(expected, predicted), support);
        }
    }
    for (number, name) in names.iter().enumerate() {
        let middle = number * FIELD + FIELD / 2;
        picture.text((left - LINE / 2, top + middle), Anchor::End, name, BLACK);
        picture.upward_text((left + middle, top + side + LINE / 2), Anchor::End, name);
    }
    picture
}

fn field(picture: &mut Picture, (x, y): (usize, usize), count: usize, support: usize) {
    let share = ratio(count, support);
    picture.fill((x, y), (FIELD - 1, FIELD - 1), shade(share));
    if count > 0 {
        let ink = if share > 0.5 { WHITE } else { BLACK };
        picture.text((x + FIELD / 2, y + FIELD / 2), Anchor::Middle, &count.to_string(), ink);
    }
}

/// From white to dark blue.
fn shade(share: f64) -> Colour {
    const DARK: Colour = [8, 48, 107];
    DARK.map(|part| (255.0 - (255.0 - f64::from(part)) * share).round() as u8)
}

/// All labels in their order, or those with the most mistakes.
fn shown(confusion: &Confusion) -> Vec<&str> {
    let mut labels = confusion.labels();
    if labels.len() > MOST_LABELS {
        let mistakes = |label: &&str| {
            let others = confusion.labels().into_iter().filter(|other| other != label);
            others.map(|other| confusion.count(label, other) + confusion.count(other, label)).sum::<usize>()
        };
        labels.sort_by_cached_key(|label| std::cmp::Reverse(mistakes(label)));
        labels.truncate(MOST_LABELS);
        labels.sort_unstable();
    }
    labels
}
