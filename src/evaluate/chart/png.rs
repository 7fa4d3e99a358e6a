//! A picture painted as PNG. The letters come as pixels, so neither a font file
//! nor a rasteriser is needed; what they do not cover is shown as `?`.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};

use super::{Anchor, Colour, LINE, Picture, Shape};

const WEIGHT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;

/// Pixels of the largest picture that is painted: 3 bytes each.
const MOST_PIXELS: usize = 64_000_000;

/// Width of a letter in pixels.
pub(super) const fn letter_width() -> usize {
    get_raster_width(WEIGHT, SIZE)
}

/// The picture as the bytes of a PNG file; `None` if it is too large.
pub(super) fn paint(picture: &Picture) -> Option<Vec<u8>> {
    let (width, height) = (picture.width, picture.height);
    if width.checked_mul(height)? > MOST_PIXELS {
        return None;
    }
    let mut canvas = Canvas { width, height, pixels: vec![255; width * height * 3] };
    picture.shapes.iter().for_each(|shape| canvas.draw(shape));
    encode(&canvas).ok()
}

fn encode(canvas: &Canvas) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(0);
    let mut encoder = png::Encoder::new(&mut bytes, side(canvas.width), side(canvas.height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&canvas.pixels)?;
    Ok(bytes)
}

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Box { x, y, width, height, colour } => {
                for row in *y..y + height {
                    (*x..x + width).for_each(|column| self.blend(column, row, *colour, u8::MAX));
                }
            }
            Shape::Line { from, to, colour } => self.line(*from, *to, *colour),
            Shape::Text { x, y, text, anchor, is_upward, colour } => {
                let length = text.chars().count() * letter_width();
                let back = match anchor {
                    Anchor::Start => 0,
                    Anchor::Middle => length / 2,
                    Anchor::End => length,
                };
                for (number, letter) in text.chars().enumerate() {
                    // How far this letter is along its line; before the anchor is negative.
                    let along = (number * letter_width()) as isize - back as isize;
                    self.letter(letter, (*x, *y), along, *is_upward, *colour);
                }
            }
        }
    }

    fn letter(&mut self, letter: char, (x, y): (usize, usize), along: isize, is_upward: bool, colour: Colour) {
        let Some(raster) = raster(letter) else { return };
        for (row, line) in raster.raster().iter().enumerate() {
            for (column, strength) in line.iter().enumerate() {
                let ahead = along + column as isize;
                let across = row as isize - (LINE / 2) as isize;
                let (dx, dy) = if is_upward { (across, -ahead) } else { (ahead, across) };
                if let (Some(px), Some(py)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) {
                    self.blend(px, py, colour, *strength);
                }
            }
        }
    }

    /// Two pixels wide.
    fn line(&mut self, from: (usize, usize), to: (usize, usize), colour: Colour) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |a: usize, b: usize, step: usize| (a * (steps - step) + b * step) / steps;
        for step in 0..=steps {
            let (x, y) = (between(from.0, to.0, step), between(from.1, to.1, step));
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                self.blend(x + dx, y + dy, colour, u8::MAX);
            }
        }
    }

    /// Mixes a colour into a pixel; outside the picture nothing happens.
    fn blend(&mut self, x: usize, y: usize, colour: Colour, strength: u8) {
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y * self.width + x) * 3;
        for (pixel, part) in self.pixels.iter_mut().skip(at).take(3).zip(colour) {
            let (new, old) = (u16::from(part) * u16::from(strength), u16::from(*pixel) * u16::from(u8::MAX - strength));
            *pixel = ((new + old) / u16::from(u8::MAX)) as u8;
        }
    }
}

fn raster(letter: char) -> Option<RasterizedChar> {
    get_raster(letter, WEIGHT, SIZE).or_else(|| get_raster('?', WEIGHT, SIZE))
}

#[cfg(test)]
mod tests {
    use super::super::BLACK;
    use super::*;

    /// Pixels of a painted text that are darker than half.
    fn dark(anchor: Anchor, is_upward: bool) -> Vec<(usize, usize)> {
        let mut canvas = Canvas { width: 60, height: 60, pixels: vec![255; 60 * 60 * 3] };
        canvas.draw(&Shape::Text { x: 30, y: 30, text: "LL".to_owned(), anchor, is_upward, colour: BLACK });
        (0..60 * 60).filter(|at| canvas.pixels[at * 3] < 128).map(|at| (at % 60, at / 60)).collect()
    }

    #[test]
    fn letters_are_painted_where_their_anchor_says() {
        assert!(dark(Anchor::Start, false).iter().all(|(x, _)| *x >= 30));
        assert!(dark(Anchor::End, false).iter().all(|(x, _)| *x <= 30));
        assert!(dark(Anchor::Start, true).iter().all(|(_, y)| *y <= 30), "an upward text rises from its start");
        assert!(dark(Anchor::Start, true).len() > 20, "something is painted");
    }

    #[test]
    fn a_picture_is_a_file_with_its_size_and_a_huge_one_is_none() {
        let file = paint(&Picture::new(30, 20)).expect("a file");
        let decoder = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a header");
        assert_eq!((decoder.info().width, decoder.info().height), (30, 20));
        assert!(paint(&Picture::new(usize::MAX / 2, 3)).is_none());
    }
}
