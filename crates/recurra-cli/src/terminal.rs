//! A grid on a terminal, redrawn in place while the model thinks.

use crate::general;
use console::Term;
use recurra::tasks::task::{Drawing, Glyph};
use recurra::tasks::{Groups, Task, TaskSpec};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a picture on the way stays at least, so that eyes can follow. Those that come sooner are left out.
const FRAME: Duration = Duration::from_millis(60);

const BOLD: &str = "1";
const CHANGED: &str = "30;43";
const FOUND: &str = "36";
const WRONG: &str = "31";
const CLASH: &str = "1;97;41";
const DIM: &str = "2";

/// Colours of a maze by its tokens: those of letters, and those of half cells, as numbers of the 256 that terminals know.
const LETTERS: [&str; 5] = ["2", "", "1;30;42", "1;97;41", "1;33"];
const HALVES: [u8; 5] = [238, 254, 34, 160, 220];
/// Path that the last step has drawn.
const CHANGED_HALF: u8 = 208;
// Tokens of a maze.
const WALL: u16 = 1;
const FREE: u16 = 2;
const START: u16 = 3;
const GOAL: u16 = 4;
const PATH: u16 = 5;

/// The part of the terminal where pictures are drawn.
pub(crate) struct Screen {
    task: Arc<dyn Task>,
    groups: Option<Groups>,
    color: bool,
    /// Whether the terminal can go back up.
    redraw: bool,
    /// Lines of the picture that stands there.
    lines: usize,
    last: Option<Instant>,
}

/// Rows and columns that a picture can take.
type Room = [usize; 2];

impl Screen {
    /// What the terminal on standard output can do.
    pub(crate) fn new(task: Arc<dyn Task>) -> Self {
        Screen {
            groups: task.groups(),
            task,
            color: general::color(),
            redraw: !general::dumb(),
            lines: 0,
            last: None,
        }
    }

    /// A picture on the way to the answer: drawn, and told so, where it can be replaced and the last one has stood for a while.
    pub(crate) fn passing(
        &mut self,
        question: &[u16],
        answer: &[u16],
        before: &[u16],
        status: impl FnOnce() -> String,
    ) -> io::Result<bool> {
        let soon = self.last.is_some_and(|last| last.elapsed() < FRAME);
        if soon || !self.redraw {
            return Ok(false);
        }
        let (rows, columns) = Term::stdout().size();
        // The status and the cursor have lines of their own.
        let room = [
            usize::from(rows).saturating_sub(2).max(1),
            usize::from(columns).max(1),
        ];
        let picture = self.picture(question, answer, before, Some(room), &[]);
        let status: String = status().chars().take(room[1]).collect();
        self.draw(&picture, &status)?;
        Ok(true)
    }

    /// The last picture of a puzzle, which stays and is whole.
    pub(crate) fn last(
        &mut self,
        question: &[u16],
        answer: &[u16],
        verdict: &str,
        good: bool,
    ) -> io::Result<()> {
        let clashes = if good {
            Vec::new()
        } else {
            self.clashes(answer)
        };
        let picture = self.picture(question, answer, answer, None, &clashes);
        let verdict = self.styled(verdict, if good { "1;32" } else { "1;31" });
        self.draw(&picture, &verdict)?;
        self.lines = 0;
        let mut out = io::stdout().lock();
        writeln!(out)?;
        out.flush()
    }

    fn draw(&mut self, picture: &[String], below: &str) -> io::Result<()> {
        let mut text = String::new();
        if self.lines > 0 {
            text.push_str(&format!("\x1b[{}A", self.lines));
        }
        let end = if self.redraw { "\x1b[K\n" } else { "\n" };
        let lines = picture.iter().map(String::as_str).chain(below.lines());
        let mut drawn = 0;
        for line in lines {
            text.push_str(line);
            text.push_str(end);
            drawn += 1;
        }
        // What stood there may have been longer.
        if drawn < self.lines {
            text.push_str("\x1b[J");
        }
        self.lines = drawn;
        self.last = Some(Instant::now());
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Cells whose symbol stands twice where it must not.
    fn clashes(&self, answer: &[u16]) -> Vec<usize> {
        let mut clashes = Vec::new();
        for group in self.groups.iter().flat_map(|groups| &groups.groups) {
            let cells = || group.iter().map(|&cell| usize::from(cell));
            let symbol = |cell: usize| {
                let groups = self.groups.as_ref();
                groups.and_then(|groups| groups.symbol(answer[cell]))
            };
            clashes.extend(cells().filter(|&cell| {
                let same = |other: usize| other != cell && answer[other] == answer[cell];
                symbol(cell).is_some() && cells().any(same)
            }));
        }
        clashes.sort_unstable();
        clashes.dedup();
        clashes
    }

    /// The drawing of an answer in lines: givens bold (red where they were not kept), what changed since `before` on a ground, and
    /// what clashes on a red one, or with a `!` behind it where there is no colour. Of a drawing for which there is no room, the part
    /// around what changed.
    fn picture(
        &self,
        question: &[u16],
        answer: &[u16],
        before: &[u16],
        room: Option<Room>,
        clashes: &[usize],
    ) -> Vec<String> {
        let maze = matches!(self.task.spec(), TaskSpec::Maze { .. });
        let drawing = self.task.drawing(answer);
        if maze && self.color {
            let rows = match room {
                Some([rows, _]) => rows,
                None => usize::from(Term::stdout().size().0).saturating_sub(2),
            };
            if drawing.0.len() > rows {
                let changed = |place: usize| answer[place] != before[place];
                let lines = halves(&drawing, answer, &changed);
                // Twice as high as it is drawn.
                let lines = room.map_or(lines.clone(), |room| crop(lines, room, None));
                return lines.into_iter().map(|line| line.concat()).collect();
            }
        }
        let changed = (0..answer.len()).find(|&place| answer[place] != before[place]);
        let lines = drawing.0.iter().map(|line| {
            let mut cells: Vec<String> = Vec::with_capacity(line.len());
            let mut marked = false;
            for &Glyph { letter, place } in line {
                let clash = place.is_some_and(|place| clashes.contains(&place));
                cells.push(match place {
                    None if letter == ' ' && marked && !self.color => "!".to_owned(),
                    None if letter == ' ' => " ".to_owned(),
                    None => self.letter(letter, DIM),
                    Some(_) if clash => self.letter(letter, CLASH),
                    Some(place) if maze => self.maze_cell(letter, answer[place], before[place]),
                    Some(place) => {
                        let style = self.style(question[place], answer[place], before[place]);
                        self.letter(letter, style)
                    }
                });
                marked = clash;
            }
            if marked && !self.color {
                cells.push("!".to_owned());
            }
            cells
        });
        let lines: Vec<Vec<String>> = lines.collect();
        let lines = match room {
            None => lines,
            Some(room) => crop(lines, room, changed.and_then(|place| seat(&drawing, place))),
        };
        lines.into_iter().map(|line| line.concat()).collect()
    }

    fn style(&self, question: u16, answer: u16, before: u16) -> &'static str {
        let given = self.task.is_given(question);
        if given && question == answer {
            BOLD
        } else if answer != before {
            CHANGED
        } else if given {
            WRONG
        } else {
            FOUND
        }
    }

    /// A cell of a maze: what is free is empty, so that walls, path, S and G stand out.
    fn maze_cell(&self, letter: char, token: u16, before: u16) -> String {
        let letter = if token == FREE { ' ' } else { letter };
        let style = match token {
            PATH if token != before => CHANGED,
            WALL..=PATH => LETTERS[usize::from(token - WALL)],
            _ => WRONG,
        };
        self.letter(letter, style)
    }

    fn letter(&self, letter: char, style: &str) -> String {
        self.styled(letter.encode_utf8(&mut [0; 4]), style)
    }

    fn styled(&self, text: &str, style: &str) -> String {
        if self.color && !style.is_empty() {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Line and column where a place is drawn.
fn seat(drawing: &Drawing, place: usize) -> Option<[usize; 2]> {
    let lines = drawing.0.iter().enumerate();
    let at = |line: &Vec<Glyph>| line.iter().position(|glyph| glyph.place == Some(place));
    lines
        .filter_map(|(row, line)| Some([row, at(line)?]))
        .next()
}

/// A maze of two cells a character, one above the other. S and G stand as letters on the colour of the other cell.
fn halves(drawing: &Drawing, answer: &[u16], changed: &dyn Fn(usize) -> bool) -> Vec<Vec<String>> {
    let color = |place: Option<usize>| match place.map(|place| (place, answer[place])) {
        Some((place, PATH)) if changed(place) => CHANGED_HALF,
        Some((_, token @ WALL..=PATH)) => HALVES[usize::from(token - WALL)],
        // Below the last row, and what is no cell of a maze.
        _ => 16,
    };
    let pairs = drawing.0.chunks(2).map(|pair| {
        let below = |column: usize| pair.get(1).and_then(|line| line[column].place);
        let cells = pair[0].iter().enumerate().map(|(column, glyph)| {
            let ends = [glyph.place, below(column)].map(|place| {
                let token = place.map(|place| answer[place]);
                [(START, 'S'), (GOAL, 'G')]
                    .into_iter()
                    .find(|end| Some(end.0) == token)
            });
            let (above, below) = (color(glyph.place), color(below(column)));
            match ends {
                [Some((_, letter)), _] => {
                    format!("\x1b[1;38;5;{above};48;5;{below}m{letter}\x1b[0m")
                }
                [_, Some((_, letter))] => {
                    format!("\x1b[1;38;5;{below};48;5;{above}m{letter}\x1b[0m")
                }
                _ => format!("\x1b[38;5;{above};48;5;{below}m▀\x1b[0m"),
            }
        });
        cells.collect()
    });
    pairs.collect()
}

/// The part of a picture for which there is room, with this place in its middle if that can be.
fn crop(
    lines: Vec<Vec<String>>,
    [rows, columns]: Room,
    middle: Option<[usize; 2]>,
) -> Vec<Vec<String>> {
    let width = lines.iter().map(Vec::len).max().unwrap_or(0);
    let [row, column] = middle.unwrap_or([0, 0]);
    let begin = |at: usize, all: usize, room: usize| {
        at.saturating_sub(room / 2).min(all.saturating_sub(room))
    };
    let top = begin(row, lines.len(), rows);
    let left = begin(column, width, columns);
    let lines = lines.into_iter().skip(top).take(rows);
    lines
        .map(|line| line.into_iter().skip(left).take(columns).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use recurra::tasks::sudoku::{Grid, Sudoku};

    fn screen(task: Arc<dyn Task>, color: bool) -> Screen {
        Screen {
            groups: task.groups(),
            task,
            color,
            redraw: true,
            lines: 0,
            last: None,
        }
    }

    fn sudoku(color: bool) -> Screen {
        screen(Arc::new(Sudoku::new(4).unwrap()), color)
    }

    fn grid(text: &str) -> Vec<u16> {
        text.parse::<Grid>().unwrap().encode()
    }

    fn cell(style: &str, text: &str) -> String {
        format!("\x1b[{style}m{text}\x1b[0m")
    }

    #[test]
    fn a_picture_shows_what_was_given_what_changed_and_what_was_not_kept() {
        let question = grid("12..............");
        let (before, now) = (grid("143............."), grid("1434............"));
        let picture = sudoku(true).picture(&question, &now, &before, None, &[]);
        let expected = [
            cell(BOLD, "1"),
            cell(WRONG, "4"),
            cell(DIM, "|"),
            cell(FOUND, "3"),
            cell(CHANGED, "4"),
        ];
        assert_eq!(picture[0], expected.join(" "));
        // Without colour it is the plain drawing.
        let plain = sudoku(false).picture(&question, &now, &before, None, &[]);
        let sudoku = Sudoku::new(4).unwrap();
        assert_eq!(
            plain.join("\n") + "\n",
            Grid::decode(sudoku, &now).to_pretty()
        );
    }

    #[test]
    fn what_clashes_is_marked_with_colour_and_without() {
        let now = grid("1434............");
        let screen = sudoku(false);
        let clashes = screen.clashes(&now);
        assert_eq!(clashes, [1, 3]);
        assert_eq!(
            screen.picture(&now, &now, &now, None, &clashes)[0],
            "1 4!| 3 4!"
        );
        let picture = sudoku(true).picture(&now, &now, &now, None, &clashes);
        assert!(picture[0].contains(&cell(CLASH, "4")) && !picture[0].contains('!'));
    }

    #[test]
    fn a_large_maze_fits_a_small_terminal() {
        let shape = TaskSpec::Maze {
            rows: 30,
            cols: 30,
            min_path: 0,
        };
        let task = shape.task().unwrap();
        let mut maze = vec![FREE; 900];
        (maze[0], maze[899], maze[31], maze[1]) = (START, GOAL, PATH, WALL);
        let room = Some([22, 80]);
        let colored = screen(task.clone(), true).picture(&maze, &maze, &maze, room, &[]);
        assert_eq!(colored.len(), 15);
        // S above a free cell, and a wall above path.
        let s = format!("\x1b[1;38;5;{};48;5;{}mS", HALVES[2], HALVES[1]);
        let path = format!("\x1b[38;5;{};48;5;{}m▀", HALVES[0], HALVES[4]);
        assert!(
            colored[0].starts_with(&s) && colored[0].contains(&path),
            "{}",
            colored[0]
        );
        assert!(colored[14].contains("mG"));
        // Without colour, what is around the change.
        let plain = screen(task, false);
        let mut before = maze.clone();
        before[31] = FREE;
        let top = plain.picture(&maze, &maze, &before, room, &[]);
        assert_eq!(
            (top.len(), top[0].trim_end(), top[1].trim_end()),
            (22, "S#", " o")
        );
        before[31] = PATH;
        before[870] = PATH;
        let bottom = plain.picture(&maze, &maze, &before, room, &[]);
        assert!(bottom.len() == 22 && bottom[21].ends_with('G'));
        assert_eq!(plain.picture(&maze, &maze, &before, None, &[]).len(), 30);
    }
}
