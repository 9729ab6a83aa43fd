//! A grid on a terminal, redrawn in place while the model thinks.

use recurra::tasks::sudoku::Grid;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How long a picture stays at least, so that eyes can follow a fast model.
const FRAME: Duration = Duration::from_millis(60);
/// How long a run waits for eyes in all; after that pictures are left out instead.
const PATIENCE: Duration = Duration::from_secs(4);

const BOLD: &str = "1";
const CHANGED: &str = "30;43";
const FOUND: &str = "36";
const WRONG: &str = "31";
const DIM: &str = "2";

/// The part of the terminal where pictures are drawn.
pub(crate) struct Screen {
    color: bool,
    /// Whether the terminal can go back up.
    redraw: bool,
    /// Lines of the picture that stands there.
    lines: usize,
    last: Option<Instant>,
    patience: Duration,
}

impl Screen {
    /// What the terminal on standard output can do.
    pub(crate) fn new() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Screen {
            color: !dumb && !set("NO_COLOR"),
            redraw: !dumb,
            lines: 0,
            last: None,
            patience: PATIENCE,
        }
    }

    /// A picture on the way to the answer: shown where it can be replaced, and where there is time.
    pub(crate) fn passing(
        &mut self,
        question: &Grid,
        grid: &Grid,
        before: &Grid,
        status: &str,
    ) -> io::Result<()> {
        if !self.redraw {
            return Ok(());
        }
        if self.last.is_some_and(|last| last.elapsed() < FRAME) && self.patience.is_zero() {
            return Ok(());
        }
        self.wait();
        self.draw(question, grid, before, status)
    }

    /// The last picture of a puzzle, which stays.
    pub(crate) fn last(
        &mut self,
        question: &Grid,
        grid: &Grid,
        verdict: &str,
        good: bool,
    ) -> io::Result<()> {
        self.wait();
        let verdict = self.styled(verdict, if good { "1;32" } else { "1;31" });
        self.draw(question, grid, grid, &verdict)?;
        self.lines = 0;
        self.last = None;
        let mut out = io::stdout().lock();
        writeln!(out)?;
        out.flush()
    }

    fn wait(&mut self) {
        if let Some(last) = self.last {
            let rest = FRAME.saturating_sub(last.elapsed()).min(self.patience);
            std::thread::sleep(rest);
            self.patience -= rest;
        }
    }

    fn draw(&mut self, question: &Grid, grid: &Grid, before: &Grid, below: &str) -> io::Result<()> {
        let mut text = String::new();
        if self.lines > 0 {
            text.push_str(&format!("\x1b[{}A", self.lines));
        }
        let end = if self.redraw { "\x1b[K\n" } else { "\n" };
        let picture = self.picture(question, grid, before);
        self.lines = 0;
        for line in picture.lines().chain([below]) {
            text.push_str(line);
            text.push_str(end);
            self.lines += 1;
        }
        self.last = Some(Instant::now());
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// The drawing of a grid: givens bold (red where they were not kept), cells that changed since `before`
    /// on a ground.
    fn picture(&self, question: &Grid, grid: &Grid, before: &Grid) -> String {
        let mut text = String::new();
        let mut cell = 0;
        for line in grid.to_pretty().lines() {
            if line.starts_with('-') {
                text.push_str(&self.styled(line, DIM));
                text.push('\n');
                continue;
            }
            for c in line.chars() {
                match c {
                    ' ' => text.push(c),
                    '|' => text.push_str(&self.styled("|", DIM)),
                    _ => {
                        let (given, digit) = (question.get(cell), grid.get(cell));
                        let style = if given != 0 && given == digit {
                            BOLD
                        } else if digit != before.get(cell) {
                            CHANGED
                        } else if given != 0 {
                            WRONG
                        } else {
                            FOUND
                        };
                        text.push_str(&self.styled(c.encode_utf8(&mut [0; 4]), style));
                        cell += 1;
                    }
                }
            }
            text.push('\n');
        }
        text
    }

    fn styled(&self, text: &str, style: &str) -> String {
        if self.color {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(color: bool) -> Screen {
        Screen {
            color,
            redraw: true,
            lines: 0,
            last: None,
            patience: Duration::ZERO,
        }
    }

    #[test]
    fn a_picture_shows_what_was_given_what_changed_and_what_was_not_kept() {
        let grid = |text: &str| text.parse::<Grid>().unwrap();
        let question = grid("12..............");
        let (before, now) = (grid("143............."), grid("1434............"));
        let picture = screen(true).picture(&question, &now, &before);
        let first = picture.lines().next().unwrap();
        let cell = |style, text| format!("\x1b[{style}m{text}\x1b[0m");
        let expected = [
            cell(BOLD, "1"),
            cell(WRONG, "4"),
            cell(DIM, "|"),
            cell(FOUND, "3"),
            cell(CHANGED, "4"),
        ];
        assert_eq!(first, expected.join(" "));
        // Without colour it is the plain drawing.
        assert_eq!(
            screen(false).picture(&question, &now, &before),
            now.to_pretty()
        );
    }
}
