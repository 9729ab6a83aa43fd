//! All steps side by side, as SVG.

use super::{Anchor, Color, INK, Look, PALE, PAPER, Panel, Surface, Thought, legend};
use std::fmt::Write;

/// About as wide as a page of text.
const WIDTH: i32 = 1100;
const MARGIN: i32 = 18;
const TITLE: i32 = 24;

/// The picture.
pub fn to_svg(look: &Look, thoughts: &[Thought]) -> String {
    let cell = (190 / look.columns as i32)
        .clamp(4, 24)
        .max(look.least_candidates());
    let [width, height] = Panel::size(look, cell);
    let [across, down] = [width + MARGIN, height + MARGIN];
    let most = thoughts.iter().map(|t| t.frames.len()).max().unwrap_or(1);
    let columns = ((WIDTH - MARGIN) / across).clamp(1, most.max(1) as i32);
    let mut svg = Svg(String::new());
    let mut top = MARGIN;
    for thought in thoughts {
        svg.text([MARGIN, top + 8], Anchor::Left, 2, INK, &thought.title);
        top += TITLE;
        for step in 0..thought.frames.len() {
            let (row, column) = (step as i32 / columns, step as i32 % columns);
            let panel = Panel {
                look,
                cell,
                thought,
                step,
            };
            panel.draw(&mut svg, [MARGIN + column * across, top + row * down]);
        }
        top += down * thought.frames.len().div_ceil(columns as usize) as i32;
    }
    svg.text([MARGIN, top + 6], Anchor::Left, 1, PALE, legend(look));
    // The line below needs this much in any case.
    let width = (MARGIN + columns * across).max(legend(look).len() as i32 * 7 + 2 * MARGIN);
    let height = top + 6 + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{}\"/>\n{}</svg>\n",
        hex(PAPER),
        svg.0
    )
}

struct Svg(String);

impl Surface for Svg {
    fn rect(&mut self, [x, y]: [i32; 2], [w, h]: [i32; 2], color: Color, opacity: f32) {
        let fill = hex(color);
        let opacity = if opacity < 1.0 {
            format!(" fill-opacity=\"{opacity:.2}\"")
        } else {
            String::new()
        };
        if w > 0 && h > 0 {
            self.add(format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{fill}\"{opacity}/>"
            ));
        }
    }

    fn text(&mut self, [x, y]: [i32; 2], anchor: Anchor, scale: i32, color: Color, text: &str) {
        let anchor = match anchor {
            Anchor::Left => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::Right => " text-anchor=\"end\"",
        };
        // The least of letters that can be read.
        let size = (8 * scale).max(11);
        let base = y as f32 + 0.36 * size as f32;
        let (fill, text) = (hex(color), crate::chart::escaped(text));
        self.add(format_args!(
            "<text x=\"{x}\" y=\"{base:.1}\" font-size=\"{size}\" fill=\"{fill}\"{anchor}>{text}</text>"
        ));
    }
}

impl Svg {
    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{element}").expect("strings can be written to");
    }
}

fn hex([r, g, b]: Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}
