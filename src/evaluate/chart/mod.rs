//! Plots: a chart is a list of shapes, which are written as SVG or painted as
//! PNG.

mod curve;
mod histogram;
mod matrix;
mod png;
mod svg;

pub use curve::{Curve, curves};
pub use histogram::histogram;
pub use matrix::matrix;

/// Red, green, blue.
pub type Colour = [u8; 3];

const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];
const GREY: Colour = [200, 200, 200];

/// Height of a line of text, in pixels.
const LINE: usize = 16;

/// Where a text stands in relation to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Left, top, width and height in pixels.
    Box { x: usize, y: usize, width: usize, height: usize, colour: Colour },
    /// From one point to another.
    Line { from: (usize, usize), to: (usize, usize), colour: Colour },
    /// `y` is the middle of the line; an upward one reads from below to above,
    /// and `x` is its middle.
    Text { x: usize, y: usize, text: String, anchor: Anchor, is_upward: bool, colour: Colour },
}

/// A drawing of a size in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    shapes: Vec<Shape>,
}

impl Picture {
    fn new(width: usize, height: usize) -> Self {
        let mut picture = Self { width, height, shapes: Vec::new() };
        picture.fill((0, 0), (width, height), WHITE);
        picture
    }

    /// A filled box: left and top, width and height.
    fn fill(&mut self, (x, y): (usize, usize), (width, height): (usize, usize), colour: Colour) {
        self.shapes.push(Shape::Box { x, y, width, height, colour });
    }

    fn line(&mut self, from: (usize, usize), to: (usize, usize), colour: Colour) {
        self.shapes.push(Shape::Line { from, to, colour });
    }

    fn text(&mut self, (x, y): (usize, usize), anchor: Anchor, text: &str, colour: Colour) {
        self.shapes.push(Shape::Text { x, y, text: text.to_owned(), anchor, is_upward: false, colour });
    }

    fn upward_text(&mut self, (x, y): (usize, usize), anchor: Anchor, text: &str) {
        self.shapes.push(Shape::Text { x, y, text: text.to_owned(), anchor, is_upward: true, colour: BLACK });
    }

    /// The drawing as an SVG file.
    pub fn to_svg(&self) -> String {
        svg::write(self)
    }

    /// The drawing as a PNG file; `None` if it cannot be one.
    pub fn to_png(&self) -> Option<Vec<u8>> {
        png::paint(self)
    }
}

/// Width of a text, in pixels: all letters are equally wide.
fn text_width(text: &str) -> usize {
    text.chars().count() * png::letter_width()
}

/// A text cut to so many characters.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(2)).chain("..".chars()).collect()
}
