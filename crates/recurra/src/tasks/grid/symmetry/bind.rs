//! Declared symmetries become a group, if rules and shapes allow them.

use super::lines::Lines;
use super::turn::Turn;
use super::{Group, turned};
use crate::reading::quoted;
use crate::tasks::grid::alphabet::Alphabet;
use crate::tasks::grid::rules::{Bound, Keep, Parting, RuleError, Symmetry, Units, number, sample};
use crate::tasks::grid::{GridSpec, Shape, ShapeRule};

fn refused(expected: impl Into<String>, found: impl Into<String>) -> RuleError {
    RuleError::new("symmetries", expected, found)
}

impl Group {
    /// The group of the declared symmetries.
    pub(in crate::tasks::grid) fn new(
        spec: &GridSpec,
        alphabet: &Alphabet,
        bound: &Bound,
    ) -> Result<Self, RuleError> {
        let binding = Binding {
            spec,
            alphabet,
            bound,
        };
        let mut turns = Vec::new();
        let (mut rows, mut cols) = (None, None);
        let mut sets: Vec<Vec<u8>> = Vec::new();
        for symmetry in &spec.rules.symmetries {
            match symmetry {
                Symmetry::PermuteRows => rows = Some(binding.lines(symmetry, Units::Row)?),
                Symmetry::PermuteColumns => cols = Some(binding.lines(symmetry, Units::Column)?),
                Symmetry::PermuteSymbols(symbols) => {
                    let set = binding.symbols(symmetry, symbols)?;
                    if let Some(&twice) = set
                        .iter()
                        .find(|symbol| sets.iter().any(|set| set.contains(symbol)))
                    {
                        let found = quoted(&alphabet.symbols()[usize::from(twice)]);
                        return Err(refused("each symbol in one set", format!("{found} in two")));
                    }
                    sets.push(set);
                }
                _ => turns.push(binding.turn(symmetry)?),
            }
        }
        let mut turns = Turn::group(&turns);
        if turns.iter().any(|turn| turn.swap) && rows != cols {
            let expected =
                "`permute rows` and `permute columns` alike, as rows and columns are exchanged,";
            return Err(refused(expected, "them not alike"));
        }
        for turn in &mut turns {
            turn.flip_rows &= rows.is_none();
            turn.flip_cols &= cols.is_none();
        }
        turns.sort();
        turns.dedup();
        Ok(Group {
            frame: spec.frame,
            symbols: alphabet.len(),
            turns,
            rows,
            cols,
            sets,
        })
    }
}

struct Binding<'a> {
    spec: &'a GridSpec,
    alphabet: &'a Alphabet,
    bound: &'a Bound,
}

impl Binding<'_> {
    fn turn(&self, symmetry: &Symmetry) -> Result<Turn, RuleError> {
        let shapes = self.spec.shapes();
        if !shapes.same() {
            let expected = format!("answers of their question's shape for `{symmetry}`");
            return Err(refused(expected, shapes.to_string()));
        }
        let square = match self.spec.question {
            ShapeRule::Fixed(shape) => shape,
            _ => self.spec.frame,
        };
        let turn = match symmetry {
            Symmetry::Reflect => Turn::new(false, false, true),
            Symmetry::Flip => Turn::new(false, true, false),
            Symmetry::Rotate if !square.is_square() => Turn::new(false, true, true),
            Symmetry::Rotate => Turn::new(true, true, false),
            _ => Turn::new(true, false, false),
        };
        if turn.swap && !square.is_square() {
            return Err(refused(
                format!("a square for `{symmetry}`"),
                square.to_string(),
            ));
        }
        let shape = sample(self.spec.answer);
        let source = |row: usize, col: usize| turn.source((row, col), shape.rows(), shape.cols());
        let (rows, cols) = turned(shape, turn);
        let image = Shape::new(rows, cols).expect("a turned shape");
        self.keeps_units(symmetry, shape, image, &source)?;
        Ok(turn)
    }

    /// Rows, or columns, that can be permuted.
    fn lines(&self, symmetry: &Symmetry, lines: Units) -> Result<Lines, RuleError> {
        let shapes = self.spec.shapes();
        let count = if lines == Units::Row {
            Shape::rows
        } else {
            Shape::cols
        };
        if !shapes.same_lines(count) {
            let expected =
                format!("as many {lines}s in an answer as in its question for `{symmetry}`");
            return Err(refused(expected, shapes.to_string()));
        }
        if self.spec.rules.longest_run.is_some() {
            let expected =
                "symmetries that leave neighbours beside each other, because of `longest_run`,";
            return Err(refused(expected, format!("`{symmetry}`")));
        }
        let shape = sample(self.spec.answer);
        let boxes = self
            .spec
            .rules
            .unit_lists()
            .into_iter()
            .flat_map(|list| list.1.iter());
        let heights = boxes.filter_map(|units| match units {
            Units::Box(size) => Some(count(*size)),
            _ => None,
        });
        let band = heights.max().unwrap_or(1);
        // Neighbours in a band are exchanged, and neighbouring bands.
        for first in 0..count(shape) - 1 {
            let (start, inside) = (first / band * band, (first + 1) % band != 0);
            let exchanged = |line: usize| {
                let next = start + band;
                match line {
                    _ if inside && line == first => first + 1,
                    _ if inside && line == first + 1 => first,
                    _ if inside => line,
                    _ if (start..next).contains(&line) => line + band,
                    _ if (next..next + band).contains(&line) => line - band,
                    _ => line,
                }
            };
            let source = |row: usize, col: usize| match lines {
                Units::Row => (exchanged(row), col),
                _ => (row, exchanged(col)),
            };
            self.keeps_units(symmetry, shape, shape, &source)?;
        }
        Ok(Lines { band })
    }

    /// Refuses what does not lead from units to units of the same rule.
    fn keeps_units(
        &self,
        symmetry: &Symmetry,
        shape: Shape,
        image: Shape,
        source: &dyn Fn(usize, usize) -> (usize, usize),
    ) -> Result<(), RuleError> {
        let regions = &self.bound.regions[..];
        let leads = |to: Parting, from: Parting| {
            let mut of = vec![None; to.count(image, regions)];
            let mut used = vec![false; from.count(shape, regions)];
            (0..image.cells()).all(|cell| {
                let (row, col) = source(cell / image.cols(), cell % image.cols());
                let from = from.of(row * shape.cols() + col, shape, regions);
                match (to.of(cell, image, regions), from) {
                    (None, None) => true,
                    (Some(to), Some(from)) => match of[to] {
                        Some(known) => known == from,
                        None => {
                            of[to] = Some(from);
                            !std::mem::replace(&mut used[from], true)
                        }
                    },
                    _ => false,
                }
            })
        };
        for (key, list) in self.spec.rules.unit_lists() {
            let all: Vec<Parting> = self.bound.partings(list).collect();
            if let Some(to) = all
                .iter()
                .find(|&&to| !all.iter().any(|&from| leads(to, from)))
            {
                let expected = format!("symmetries that keep `{key}` for each `{}`", to.units);
                return Err(refused(expected, format!("`{symmetry}`")));
            }
        }
        Ok(())
    }

    /// Symbols that can be exchanged.
    fn symbols(&self, symmetry: &Symmetry, declared: &[String]) -> Result<Vec<u8>, RuleError> {
        let fill = self.bound.fill();
        let mut set = Vec::new();
        for symbol in declared {
            let number = number(self.alphabet, "symmetries", symbol)?;
            if set.contains(&number) {
                return Err(refused(
                    "each symbol once",
                    format!("{} twice", quoted(symbol)),
                ));
            }
            set.push(number);
        }
        if declared.is_empty() {
            set = (0..fill.len() as u8)
                .filter(|&symbol| fill[usize::from(symbol)])
                .collect();
        }
        set.sort_unstable();
        let rules = &self.spec.rules;
        let blank = rules
            .blank
            .as_deref()
            .and_then(|blank| self.alphabet.number(blank));
        let keeps =
            |symbol: u8| matches!(rules.keep, Some(Keep::Symbols(_))) && self.bound.keeps(symbol);
        let role = |symbol: u8| {
            (
                fill[usize::from(symbol)],
                keeps(symbol),
                Some(symbol) == blank,
            )
        };
        if set.len() < 2 {
            return Err(refused(
                format!("several symbols for `{symmetry}`"),
                set.len().to_string(),
            ));
        }
        if let Some(&other) = set.iter().find(|&&symbol| role(symbol) != role(set[0])) {
            let name = |symbol: u8| quoted(&self.alphabet.symbols()[usize::from(symbol)]);
            let expected = format!("symbols of which the rules say the same for `{symmetry}`");
            return Err(refused(
                expected,
                format!("{} and {}", name(set[0]), name(other)),
            ));
        }
        Ok(set)
    }
}
