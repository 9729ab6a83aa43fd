//! A grid on a terminal, redrawn in place while the model thinks.

use recurra::tasks::Task;
use recurra::tasks::task::Glyph;
use std::io::{self, Write};
use std::sync::Arc;
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
    task: Arc<dyn Task>,
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
    pub(crate) fn new(task: Arc<dyn Task>) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Screen {
            task,
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
        question: &[u16],
        answer: &[u16],
        before: &[u16],
        status: &str,
    ) -> io::Result<()> {
        if !self.redraw {
            return Ok(());
        }
        if self.last.is_some_and(|last| last.elapsed() < FRAME) && self.patience.is_zero() {
            return Ok(());
        }
        self.wait();
        self.draw(question, answer, before, status)
    }

    /// The last picture of a puzzle, which stays.
    pub(crate) fn last(
        &mut self,
        question: &[u16],
        answer: &[u16],
        verdict: &str,
        good: bool,
    ) -> io::Result<()> {
        self.wait();
        let verdict = self.styled(verdict, if good { "1;32" } else { "1;31" });
        self.draw(question, answer, answer, &verdict)?;
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

    fn draw(
        &mut self,
        question: &[u16],
        answer: &[u16],
        before: &[u16],
        below: &str,
    ) -> io::Result<()> {
        let mut text = String::new();
        if self.lines > 0 {
            text.push_str(&format!("\x1b[{}A", self.lines));
        }
        let end = if self.redraw { "\x1b[K\n" } else { "\n" };
        let picture = self.picture(question, answer, before);
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

    /// The drawing of an answer: givens bold (red where they were not kept), what changed since `before` on a ground.
    fn picture(&self, question: &[u16], answer: &[u16], before: &[u16]) -> String {
        let mut text = String::new();
        for line in self.task.drawing(answer).0 {
            for Glyph { letter, place } in line {
                let style = match place {
                    None if letter == ' ' => {
                        text.push(letter);
                        continue;
                    }
                    None => DIM,
                    Some(place) => {
                        let given = self.task.is_given(question[place]);
                        if given && question[place] == answer[place] {
                            BOLD
                        } else if answer[place] != before[place] {
                            CHANGED
                        } else if given {
                            WRONG
                        } else {
                            FOUND
                        }
                    }
                };
                text.push_str(&self.styled(letter.encode_utf8(&mut [0; 4]), style));
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
    use recurra::tasks::sudoku::{Grid, Sudoku};

    fn screen(color: bool) -> Screen {
        Screen {
            task: Arc::new(Sudoku::new(4).unwrap()),
            color,
            redraw: true,
            lines: 0,
            last: None,
            patience: Duration::ZERO,
        }
    }

    #[test]
    fn a_picture_shows_what_was_given_what_changed_and_what_was_not_kept() {
        let grid = |text: &str| text.parse::<Grid>().unwrap().encode();
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
            Grid::decode(Sudoku::new(4).unwrap(), &now).to_pretty()
        );
    }
}
