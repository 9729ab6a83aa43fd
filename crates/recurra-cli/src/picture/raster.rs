//! One step after the other, as a GIF.

use super::font::{self, HEIGHT, WIDTH};
use super::{Anchor, Color, INK, Look, PALE, PAPER, Panel, Surface, Thought, legend, mix};
use std::collections::HashMap;
use std::io::Write;

const MARGIN: i32 = 14;
const TITLE: i32 = 20;
const LEGEND: i32 = 14;
/// How long a step stays, and the last one of a puzzle, in hundredths of a second.
const DELAY: u16 = 50;
const LAST_DELAY: u16 = 250;

/// Writes the picture. It repeats for ever.
pub fn write_gif(
    out: impl Write,
    look: &Look,
    thoughts: &[Thought],
) -> Result<(), gif::EncodingError> {
    let cell = (340 / look.columns as i32)
        .clamp(4, 36)
        .max(look.least_candidates());
    let [width, height] = Panel::size(look, cell);
    let words = legend(look).len() as i32 * WIDTH;
    let size = [
        width.max(words) + 2 * MARGIN,
        height + 2 * MARGIN + TITLE + LEGEND,
    ];
    // Grids of at most 256 cells a side keep this far below the limit.
    let [columns, rows] = size.map(|side| side as u16);
    let mut encoder = gif::Encoder::new(out, columns, rows, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for thought in thoughts {
        for step in 0..thought.frames.len() {
            let mut canvas = Canvas::new(size);
            let title = [MARGIN, MARGIN + 5];
            canvas.text(title, Anchor::Left, 1, INK, &thought.title);
            let panel = Panel {
                look,
                cell,
                thought,
                step,
            };
            panel.draw(&mut canvas, [(size[0] - width) / 2, MARGIN + TITLE]);
            let below = [size[0] / 2, size[1] - MARGIN];
            canvas.text(below, Anchor::Middle, 1, PALE, legend(look));
            let (pixels, palette) = canvas.indexed();
            let mut frame = gif::Frame::from_palette_pixels(columns, rows, pixels, palette, None);
            let last = step + 1 == thought.frames.len();
            frame.delay = if last { LAST_DELAY } else { DELAY };
            encoder.write_frame(&frame)?;
        }
    }
    Ok(())
}

/// A picture in memory.
pub(super) struct Canvas {
    size: [i32; 2],
    pub(super) pixels: Vec<Color>,
}

impl Canvas {
    pub(super) fn new(size: [i32; 2]) -> Self {
        Canvas {
            size,
            pixels: vec![PAPER; (size[0] * size[1]) as usize],
        }
    }

    /// Numbers of colours, and the colours. From the 256th on a new colour becomes the nearest that is there.
    pub(super) fn indexed(&self) -> (Vec<u8>, Vec<u8>) {
        let mut known: HashMap<Color, u8> = HashMap::new();
        let mut palette: Vec<Color> = Vec::new();
        let mut number = |color: &Color| {
            *known.entry(*color).or_insert_with(|| {
                if palette.len() < 256 {
                    palette.push(*color);
                    return (palette.len() - 1) as u8;
                }
                let distance = |other: &Color| -> u32 {
                    let parts = other.iter().zip(color);
                    parts.map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
                };
                let nearest = (0..palette.len()).min_by_key(|&i| distance(&palette[i]));
                nearest.unwrap_or(0) as u8
            })
        };
        let pixels = self.pixels.iter().map(&mut number).collect();
        (pixels, palette.concat())
    }
}

impl Surface for Canvas {
    fn rect(&mut self, at: [i32; 2], size: [i32; 2], color: Color, opacity: f32) {
        let [columns, rows] = [0, 1].map(|i| {
            let end = (at[i] + size[i]).min(self.size[i]);
            at[i].max(0)..end
        });
        for row in rows {
            for column in columns.clone() {
                let pixel = &mut self.pixels[(row * self.size[0] + column) as usize];
                *pixel = mix(*pixel, color, opacity);
            }
        }
    }

    fn text(&mut self, [x, y]: [i32; 2], anchor: Anchor, scale: i32, color: Color, text: &str) {
        let scale = scale.max(1);
        // Without the gap after the last character.
        let width = (text.chars().count() as i32 * WIDTH - 1) * scale;
        let left = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - width / 2,
            Anchor::Right => x - width,
        };
        let top = y - HEIGHT * scale / 2;
        for (i, c) in (0..).zip(text.chars()) {
            for (row, bits) in (0..).zip(font::glyph(c)) {
                for column in 0..WIDTH - 1 {
                    if bits >> (WIDTH - 2 - column) & 1 == 1 {
                        let at = [left + (i * WIDTH + column) * scale, top + row * scale];
                        self.rect(at, [scale, scale], color, 1.0);
                    }
                }
            }
        }
    }
}
