//! Pictures of a model thinking: a grid after each step, what changed in it, and how sure the model was.
//!
//! What is drawn is said once, as rectangles and text on a [`Surface`]; `svg` shows all steps side by side, `raster`
//! makes the frames of a GIF of them.

mod font;
mod look;
mod raster;
mod svg;

pub use look::Look;
pub use raster::write_gif;
pub use svg::to_svg;

/// A puzzle and how it was thought about.
pub struct Thought {
    /// What is written above.
    pub title: String,
    /// Its tokens.
    pub question: Vec<u16>,
    /// After each step.
    pub frames: Vec<Frame>,
}

/// The state of the answer after one improvement step.
pub struct Frame {
    /// Tokens of the answer.
    pub answer: Vec<u16>,
    /// Probability of each of its tokens.
    pub sure: Vec<f32>,
    /// Of a model that weighs symbols in each cell, the probability of every token, cell after cell.
    pub candidates: Vec<f32>,
    /// Halting logit.
    pub halt: f32,
    /// Whether the rules hold.
    pub verified: Option<bool>,
}

/// Red, green and blue.
type Color = [u8; 3];

/// Where text is relative to its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Left,
    Middle,
    Right,
}

/// Something to draw on, in pixels from the top left corner.
trait Surface {
    /// A filled rectangle at (left, top) with (width, height).
    fn rect(&mut self, at: [i32; 2], size: [i32; 2], color: Color, opacity: f32);
    /// Text whose middle line is at this height. A character is 6 pixels wide and 7 high, times the scale.
    fn text(&mut self, at: [i32; 2], anchor: Anchor, scale: i32, color: Color, text: &str);
}

const INK: Color = [0x24, 0x29, 0x2f];
const PALE: Color = [0x6e, 0x77, 0x81];
const PAPER: Color = [0xff, 0xff, 0xff];
const LINES: Color = [0xd0, 0xd7, 0xde];
const GIVEN: Color = [0xea, 0xee, 0xf2];
const CHANGED: Color = [0xff, 0xd3, 0x3d];
const CHANGED_SPOT: Color = [0xd6, 0x1f, 0x8f];
const FOUND: Color = [0x09, 0x50, 0xc8];
const WRONG: Color = [0xcf, 0x22, 0x2e];
const GOOD: Color = [0x1a, 0x7f, 0x37];
const BAD: Color = [0xbc, 0x4c, 0x00];

/// Halting logits at the ends of the bar.
const HALT_RANGE: f32 = 8.0;
/// Heights above and below a grid.
const ABOVE: i32 = 20;
const BELOW: i32 = 40;
/// The smallest cell that has room for a sign.
const LEAST_SIGN: i32 = 11;

/// A cell is decided where its symbol has this probability; below it, its candidates are drawn.
const DECIDED: f32 = 0.9;
/// Candidates less likely than this have faded.
const FADED: f32 = 0.02;

/// One step of a puzzle, drawn with cells of some size.
struct Panel<'a> {
    look: &'a Look,
    cell: i32,
    thought: &'a Thought,
    step: usize,
}

impl Panel<'_> {
    /// Width and height.
    fn size(look: &Look, cell: i32) -> [i32; 2] {
        let (columns, rows) = (look.columns as i32, look.rows as i32);
        // Room for the words, however small the grid.
        [
            (columns * cell + 2).max(150),
            rows * cell + 2 + ABOVE + BELOW,
        ]
    }

    fn draw(&self, surface: &mut dyn Surface, at: [i32; 2]) {
        let frame = &self.thought.frames[self.step];
        let [width, height] = Self::size(self.look, self.cell);
        let top = [at[0], at[1] + 7];
        let step = format!("step {}", self.step + 1);
        surface.text(top, Anchor::Left, 1, INK, &step);
        let mean = frame.sure.iter().sum::<f32>() / frame.sure.len().max(1) as f32;
        let right = [at[0] + width, top[1]];
        let sure = format!("{:.0} % sure", 100.0 * mean);
        surface.text(right, Anchor::Right, 1, PALE, &sure);
        self.grid(surface, [at[0], at[1] + ABOVE]);
        self.halt(surface, [at[0], at[1] + height - BELOW + 12], width);
    }

    /// The halting logit as a bar from the middle, and what the rules say.
    fn halt(&self, surface: &mut dyn Surface, [x, y]: [i32; 2], width: i32) {
        let frame = &self.thought.frames[self.step];
        let middle = width / 2;
        surface.rect([x, y], [width, 6], GIVEN, 1.0);
        let length = frame.halt.clamp(-HALT_RANGE, HALT_RANGE) / HALT_RANGE * middle as f32;
        // As many pixels as that, none for what is no number.
        let length = length as i32;
        let color = if length >= 0 { GOOD } else { BAD };
        surface.rect(
            [x + middle + length.min(0), y],
            [length.abs(), 6],
            color,
            1.0,
        );
        surface.rect([x + middle, y - 2], [1, 10], PALE, 1.0);
        let halt = format!("halt {:+.1}", frame.halt);
        surface.text([x, y + 19], Anchor::Left, 1, color, &halt);
        let (word, color) = match frame.verified {
            Some(true) => ("verified", GOOD),
            Some(false) => ("not verified", PALE),
            None => return,
        };
        surface.text([x + width, y + 19], Anchor::Right, 1, color, word);
    }

    fn grid(&self, surface: &mut dyn Surface, [x, y]: [i32; 2]) {
        let (look, cell) = (self.look, self.cell);
        let (columns, rows) = (look.columns as i32, look.rows as i32);
        let size = [columns * cell + 2, rows * cell + 2];
        surface.rect(
            [x, y],
            size,
            if look.regions.is_some() { INK } else { LINES },
            1.0,
        );
        surface.rect([x + 1, y + 1], [size[0] - 2, size[1] - 2], PAPER, 1.0);
        let places = self.thought.question.len();
        for start in (0..places).step_by(look.columns) {
            let row = start..places.min(start + look.columns);
            let grounds: Vec<_> = row.clone().map(|place| self.ground(place)).collect();
            let (mut left, top) = (x + 1, y + 1 + (start / look.columns) as i32 * cell);
            // Neighbours that look the same are one rectangle.
            for run in grounds.chunk_by(|a, b| a == b) {
                let width = run.len() as i32 * cell;
                if let Some((color, opacity)) = run[0] {
                    surface.rect([left, top], [width, cell], color, opacity);
                }
                left += width;
            }
            for (column, place) in (0..).zip(row) {
                self.cell(surface, [x + 1 + column * cell, top], place);
            }
        }
        let Some(regions) = &look.regions else {
            return;
        };
        // Thin lines first, so that they do not cut those between regions.
        for thick in [false, true] {
            let color = if thick { INK } else { LINES };
            for place in 0..places {
                let (row, column) = ((place / look.columns) as i32, (place % look.columns) as i32);
                let corner = [x + 1 + column * cell, y + 1 + row * cell];
                let region = regions[place];
                if column > 0 && (regions[place - 1] != region) == thick {
                    surface.rect(corner, [1, cell], color, 1.0);
                }
                if row > 0 && (regions[place - look.columns] != region) == thick {
                    surface.rect(corner, [cell, 1], color, 1.0);
                }
            }
        }
    }

    /// Whether a cell keeps what the question gave, and whether it has changed in this step.
    fn state(&self, place: usize) -> (bool, bool) {
        let before = match self.step {
            0 => &self.thought.question,
            step => &self.thought.frames[step - 1].answer,
        };
        let (given, now) = (
            self.thought.question[place],
            self.thought.frames[self.step].answer[place],
        );
        let kept = self.look.is_given(given) && now == given;
        (kept, now != before[place] && !kept)
    }

    /// How strongly a cell is drawn: in few steps, so that a GIF needs few colours.
    fn opacity(&self, place: usize) -> f32 {
        let sure = self.thought.frames[self.step].sure[place];
        (sure.clamp(0.2, 1.0) * 15.0).round() / 15.0
    }

    /// What a cell is filled with, paler where the model is less sure. Where digits stand, what changed has another
    /// ground.
    fn ground(&self, place: usize) -> Option<(Color, f32)> {
        let now = self.thought.frames[self.step].answer[place];
        if self.look.fills() {
            return Some((self.look.fill(now)?, self.opacity(place)));
        }
        match self.state(place) {
            (_, true) => Some((CHANGED, 1.0)),
            _ if self.look.is_given(self.thought.question[place]) => Some((GIVEN, 1.0)),
            _ => None,
        }
    }

    /// Draws the symbols that are considered for a cell, in rows, each as strong as it is likely. Says whether it did: where the
    /// cell is decided, it does not.
    fn candidates(&self, surface: &mut dyn Surface, at: [i32; 2], place: usize) -> bool {
        let frame = &self.thought.frames[self.step];
        let given = self.look.is_given(self.thought.question[place]);
        if given || frame.sure[place] >= DECIDED || frame.candidates.is_empty() {
            return false;
        }
        let vocab = frame.candidates.len() / frame.answer.len();
        let likely = &frame.candidates[place * vocab..][..vocab];
        let side = self.look.candidate_columns();
        let room = self.cell / side;
        let under = self.ground(place).map_or(PAPER, |(color, _)| color);
        for (i, &token) in (0..).zip(self.look.candidates()) {
            let likely = likely[usize::from(token)];
            let Some(sign) = self.look.sign(token).filter(|_| likely >= FADED) else {
                continue;
            };
            let middle = [i % side, i / side].map(|n| n * room + room / 2);
            let middle = [at[0] + middle[0], at[1] + middle[1]];
            let opacity = ((0.25 + 0.75 * likely) * 15.0).round() / 15.0;
            let ink = mix(under, FOUND, opacity);
            surface.text(middle, Anchor::Middle, 1, ink, &sign.to_string());
        }
        true
    }

    /// What stands in a cell; where there are colours, what changed has a spot.
    fn cell(&self, surface: &mut dyn Surface, at: [i32; 2], place: usize) {
        let (cell, now) = (self.cell, self.thought.frames[self.step].answer[place]);
        let (kept, changed) = self.state(place);
        if changed && self.look.fills() {
            let spot = (cell / 3).max(2);
            for (size, color) in [(spot + 2, PAPER), (spot, CHANGED_SPOT)] {
                let corner = at.map(|edge| edge + (cell - size) / 2);
                surface.rect(corner, [size, size], color, 1.0);
            }
        }
        if kept && self.look.fills() {
            // What was given has a frame.
            let ([x, y], inner) = (at, cell - 2);
            for (corner, size) in [
                ([x + 1, y + 1], [inner, 1]),
                ([x + 1, y + inner], [inner, 1]),
                ([x + 1, y + 1], [1, inner]),
                ([x + inner, y + 1], [1, inner]),
            ] {
                surface.rect(corner, size, INK, 1.0);
            }
        }
        if self.candidates(surface, at, place) {
            return;
        }
        let Some(sign) = self.look.sign(now).filter(|_| cell >= LEAST_SIGN) else {
            return;
        };
        let given = self.look.is_given(self.thought.question[place]);
        let ink = if kept || self.look.fills() {
            INK
        } else if given {
            WRONG
        } else {
            let under = self.ground(place).map_or(PAPER, |(color, _)| color);
            mix(under, FOUND, self.opacity(place))
        };
        let middle = at.map(|edge| edge + cell / 2);
        surface.text(middle, Anchor::Middle, cell / 9, ink, &sign.to_string());
    }
}

/// A colour laid over another.
fn mix(under: Color, over: Color, opacity: f32) -> Color {
    std::array::from_fn(|i| {
        let (under, over) = (f32::from(under[i]), f32::from(over[i]));
        (under + (over - under) * opacity).round() as u8
    })
}

/// A line of explanation.
fn legend(look: &Look) -> &'static str {
    if look.fills() && look.gives() {
        "frame: given / spot: changed in this step / paler: less sure / bar: halting logit"
    } else if look.fills() {
        "spot: changed in this step / paler: less sure / bar: halting logit"
    } else if look.candidates().is_empty() {
        "yellow: changed in this step / paler: less sure / bar: halting logit"
    } else {
        "yellow: changed in this step / small: symbols considered, paler: less likely / bar: halting logit"
    }
}

#[cfg(test)]
mod tests;
