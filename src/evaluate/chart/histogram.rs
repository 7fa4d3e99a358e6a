//! How sure the model was: confidences of wrong predictions to the left, of right
//! ones to the right.

use super::{Anchor, BLACK, Colour, GREY, LINE, Picture};
use crate::evaluate::nlu::Confidences;

const BINS: usize = 25;
/// Height of a bin and width of a side, in pixels.
const BIN: usize = 22;
const SIDE: usize = 360;
const MARGIN: usize = 20;
/// Room for the confidences between the sides.
const MIDDLE: usize = 60;

const WRONG: Colour = [214, 92, 76];
const RIGHT: Colour = [0, 153, 112];

/// Draws both sides, the highest confidence at the top. Each side has a scale of
/// its own: there are usually far fewer wrong predictions.
pub fn histogram(title: &str, confidences: &Confidences) -> Picture {
    let width = 2 * (MARGIN + SIDE) + MIDDLE;
    let (top, height) = (MARGIN + 3 * LINE, BINS * BIN);
    let (left, right) = (MARGIN + SIDE, MARGIN + SIDE + MIDDLE);
    let mut picture = Picture::new(width, top + height + 3 * LINE + MARGIN);
    picture.text((width / 2, MARGIN), Anchor::Middle, title, BLACK);
    picture.text((left, top - LINE), Anchor::End, &format!("Wrong: {}", confidences.wrong.len()), BLACK);
    picture.text((right, top - LINE), Anchor::Start, &format!("Right: {}", confidences.right.len()), BLACK);
    picture.text((width / 2, top - LINE), Anchor::Middle, "Conf.", BLACK);
    for step in 0..=10 {
        let y = top + height - height * step / 10;
        picture.text((width / 2, y), Anchor::Middle, &format!("{:.1}", step as f64 / 10.0), BLACK);
    }
    bars(&mut picture, &counts(&confidences.wrong), |length| left - length, top, WRONG);
    bars(&mut picture, &counts(&confidences.right), |_| right, top, RIGHT);
    picture.line((left, top), (left, top + height), GREY);
    picture.line((right, top), (right, top + height), GREY);
    picture.text((width / 2, top + height + 2 * LINE), Anchor::Middle, "Number of samples, by confidence", BLACK);
    picture
}

fn bars(picture: &mut Picture, counts: &[usize], start: impl Fn(usize) -> usize, top: usize, colour: Colour) {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    for (number, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        // The number stands beside the longest bar too.
        let length = ((SIDE - MIDDLE) * count / most).max(1);
        let y = top + (BINS - 1 - number) * BIN;
        let x = start(length);
        picture.fill((x, y + 1), (length, BIN - 2), colour);
        let is_left = x + length <= MARGIN + SIDE;
        let (at, anchor) = if is_left { (x - 4, Anchor::End) } else { (x + length + 6, Anchor::Start) };
        picture.text((at, y + BIN / 2), anchor, &count.to_string(), BLACK);
    }
}

/// How many confidences lie in each bin; 1 belongs to the last.
fn counts(confidences: &[f64]) -> Vec<usize> {
    let mut counts = vec![0; BINS];
    for confidence in confidences {
        let bin = (confidence.clamp(0.0, 1.0) * BINS as f64) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    counts
}
