//! Rules bound to the numbers of symbols, and how an answer is held against them.

use super::{Keep, Parting, Regions, RuleError, Rules, Units};
use crate::reading::quoted;
use crate::tasks::grid::alphabet::Alphabet;
use crate::tasks::grid::cells::Grid;
use crate::tasks::grid::{Shape, ShapeRule, spec::Shapes};

/// What is wrong with a question or its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tasks::grid) struct Objection {
    pub(in crate::tasks::grid) in_answer: bool,
    /// The cell to blame, if there is one.
    pub(in crate::tasks::grid) cell: Option<usize>,
    pub(in crate::tasks::grid) expected: String,
    pub(in crate::tasks::grid) found: String,
}

/// Rules in numbers.
#[derive(Clone, Debug)]
pub(in crate::tasks::grid) struct Bound {
    /// Whether a cell with this symbol can be in an answer.
    fill: Vec<bool>,
    /// Whether a cell with this symbol stays.
    keep: Vec<bool>,
    symbols: Vec<String>,
    /// The drawings.
    pub(in crate::tasks::grid) regions: Vec<Regions>,
    rules: Rules,
    shapes: Shapes,
}

impl Bound {
    /// Binds rules to the symbols and shapes of a table, if they can hold there.
    pub(in crate::tasks::grid) fn new(
        rules: &Rules,
        alphabet: &Alphabet,
        shapes: Shapes,
    ) -> Result<Self, RuleError> {
        let count = alphabet.len();
        let blank = match &rules.blank {
            None => None,
            Some(blank) => Some(number(alphabet, "blank", blank)?),
        };
        let mut fill = vec![rules.fill.is_empty(); count];
        for symbol in &rules.fill {
            let number = unique(alphabet, "fill", symbol, &fill)?;
            fill[usize::from(number)] = true;
        }
        if let Some(blank) = blank {
            if fill[usize::from(blank)] && !rules.fill.is_empty() {
                let blank = quoted(&alphabet.symbols()[usize::from(blank)]);
                return Err(RuleError::new("fill", "symbols other than `blank`", blank));
            }
            fill[usize::from(blank)] = false;
        }
        if !fill.contains(&true) {
            return Err(RuleError::new("fill", "symbols to fill in", "none"));
        }
        let mut keep = vec![false; count];
        match &rules.keep {
            None => {}
            Some(Keep::Givens) => {
                let Some(blank) = blank else {
                    return Err(RuleError::new("keep", "`blank` beside `givens`", "none"));
                };
                keep.fill(true);
                keep[usize::from(blank)] = false;
            }
            Some(Keep::Symbols(symbols)) => {
                for symbol in symbols {
                    let number = unique(alphabet, "keep", symbol, &keep)?;
                    keep[usize::from(number)] = true;
                    if Some(number) == blank || !fill[usize::from(number)] {
                        let expected = "symbols that an answer can have";
                        return Err(RuleError::new("keep", expected, quoted(symbol)));
                    }
                }
            }
        }
        if rules.keep.is_some() && !shapes.same() {
            let expected = "answers of their question's shape";
            return Err(RuleError::new("keep", expected, shapes.to_string()));
        }
        let regions = drawings(rules)?;
        let bound = Bound {
            fill,
            keep,
            symbols: alphabet.symbols().to_vec(),
            regions,
            rules: rules.clone(),
            shapes,
        };
        bound.check_units(blank.is_some())?;
        Ok(bound)
    }

    /// Refuses units that the answers do not have, or in which a rule can never hold.
    fn check_units(&self, blank: bool) -> Result<(), RuleError> {
        let rules = &self.rules;
        let fill = self.fill.iter().filter(|&&fill| fill).count();
        let shape = match self.shapes.answer {
            ShapeRule::Fixed(shape) => Some(shape),
            _ => None,
        };
        let regions = &self.regions[..];
        for (key, list) in rules.unit_lists() {
            for (i, &units) in list.iter().enumerate() {
                if list[..i].contains(&units) {
                    return Err(RuleError::new(
                        key,
                        "each unit once",
                        format!("`{units}` twice"),
                    ));
                }
                let fits = match (units, shape) {
                    (Units::Box(size), Some(shape)) => {
                        shape.rows() % size.rows() == 0 && shape.cols() % size.cols() == 0
                    }
                    (Units::Region, Some(shape)) => {
                        if regions.is_empty() {
                            return Err(RuleError::new(key, "`regions` beside `region`", "none"));
                        }
                        let other = regions.iter().position(|drawing| drawing.shape != shape);
                        if let Some(other) = other {
                            let expected = format!("{shape} letters");
                            let found = regions[other].shape.to_string() + &which(other, rules);
                            return Err(RuleError::new("regions", expected, found));
                        }
                        true
                    }
                    (Units::Diagonal, Some(shape)) if key != "unlike" => {
                        if !shape.is_square() {
                            let expected =
                                "answers that are squares, as only these have diagonals,";
                            return Err(RuleError::new(key, expected, shape.to_string()));
                        }
                        true
                    }
                    (Units::Box(_) | Units::Region | Units::Diagonal, None) => false,
                    _ => key != "unlike" || matches!(units, Units::Row | Units::Column),
                };
                if !fits {
                    let expected = match key {
                        "unlike" => "`row` or `column`".into(),
                        _ => format!("units that part the answers ({})", self.shapes.answer),
                    };
                    return Err(RuleError::new(key, expected, format!("`{units}`")));
                }
                let units = shape.into_iter().flat_map(|shape| {
                    let sized = move |units: Parting| {
                        let sizes = units.sizes(shape, regions).into_iter().enumerate();
                        sizes.map(move |(unit, size)| (units, unit, size))
                    };
                    units.partings(regions).flat_map(sized)
                });
                for (units, unit, size) in units {
                    let expected = match key {
                        "permutation" if size != fill => fill.to_string(),
                        "different" if size > fill => format!("at most {fill}"),
                        "equal_counts" if size % fill != 0 => format!("a multiple of {fill}"),
                        _ => continue,
                    };
                    let expected = format!(
                        "{expected} cells in each unit, as there are {fill} symbols to fill in"
                    );
                    let found = format!("{size} in {}", units.name(unit, regions));
                    return Err(RuleError::new(key, expected, found));
                }
            }
        }
        if !regions.is_empty()
            && !rules
                .unit_lists()
                .iter()
                .any(|list| list.1.contains(&Units::Region))
        {
            return Err(RuleError::new(
                "regions",
                "a rule for each `region`",
                "none",
            ));
        }
        if !rules.same_counts.is_empty() {
            if blank {
                let found = "`blank`, which is in questions only";
                return Err(RuleError::new("same_counts", "symbols that stay", found));
            }
            if !self.shapes.same() {
                let expected = "answers of their question's shape";
                return Err(RuleError::new(
                    "same_counts",
                    expected,
                    self.shapes.to_string(),
                ));
            }
        }
        if rules.longest_run == Some(0) {
            return Err(RuleError::new("longest_run", "at least 1", "0"));
        }
        if rules.proof && rules.keep.is_none() && rules.same_counts.is_empty() {
            let expected =
                "`keep` or `same_counts`, as an answer must have to do with its question,";
            return Err(RuleError::new("proof", expected, "neither"));
        }
        Ok(())
    }

    /// Whether a symbol says something that the answer must keep.
    pub(in crate::tasks::grid) fn keeps(&self, symbol: u8) -> bool {
        self.keep[usize::from(symbol)]
    }

    /// Which symbols an answer can have.
    pub(in crate::tasks::grid) fn fill(&self) -> &[bool] {
        &self.fill
    }

    /// Whether there is any rule.
    pub(in crate::tasks::grid) fn any(&self) -> bool {
        let rules = &self.rules;
        rules.keep.is_some()
            || rules.longest_run.is_some()
            || self.fill.contains(&false)
            || rules.unit_lists().iter().any(|list| !list.1.is_empty())
    }

    /// The partings of a list of units.
    pub(in crate::tasks::grid) fn partings<'a>(
        &'a self,
        list: &'a [Units],
    ) -> impl Iterator<Item = Parting> + 'a {
        list.iter().flat_map(|units| units.partings(&self.regions))
    }

    /// Those in whose units no symbol stands twice.
    fn all_different(&self) -> impl Iterator<Item = Parting> + '_ {
        let permutation = self.partings(&self.rules.permutation);
        permutation.chain(self.partings(&self.rules.different))
    }

    /// The cells in which no symbol stands twice, if that, and that givens stay, is all that is declared, and all grids have one
    /// shape. Groups may be there twice.
    pub(in crate::tasks::grid) fn groups(&self) -> Result<Vec<Vec<u16>>, RuleError> {
        let rules = &self.rules;
        if rules.keep != Some(Keep::Givens) {
            let found = rules.keep.as_ref().map_or("none", |_| "symbols");
            return Err(RuleError::new("keep", "`givens`", found));
        }
        let rest = [
            ("equal_counts", !rules.equal_counts.is_empty()),
            ("same_counts", !rules.same_counts.is_empty()),
            ("unlike", !rules.unlike.is_empty()),
            ("longest_run", rules.longest_run.is_some()),
        ];
        if let Some((key, _)) = rest.into_iter().find(|(_, declared)| *declared) {
            let expected = "no other rules of answers than `permutation` and `different`";
            return Err(RuleError::new(key, expected, "it"));
        }
        let ShapeRule::Fixed(shape) = self.shapes.answer else {
            let found = self.shapes.answer.to_string();
            return Err(RuleError::new("size", "grids of one shape", found));
        };
        let units = self.all_different();
        let groups: Vec<_> = units
            .flat_map(|units| units.cells(shape, &self.regions))
            .collect();
        if groups.is_empty() {
            let expected = "cells that differ, by this or by `different`,";
            return Err(RuleError::new("permutation", expected, "none"));
        }
        Ok(groups)
    }

    fn symbol(&self, symbol: u8) -> String {
        quoted(&self.symbols[usize::from(symbol)])
    }

    /// Refuses a question whose kept cells alone break a rule.
    pub(in crate::tasks::grid) fn check_question(&self, question: &Grid) -> Result<(), Objection> {
        self.repeats(question, false, |symbol| self.keeps(symbol))
    }

    /// Refuses a symbol that stands twice in a unit where it must not.
    fn repeats(
        &self,
        grid: &Grid,
        in_answer: bool,
        counts: impl Fn(u8) -> bool,
    ) -> Result<(), Objection> {
        let regions = &self.regions[..];
        let shape = grid.shape;
        for units in self.all_different() {
            let mut before = vec![None; units.count(shape, regions) * self.symbols.len()];
            for (cell, &symbol) in grid.cells.iter().enumerate().filter(|cell| counts(*cell.1)) {
                let Some(unit) = units.of(cell, shape, regions) else {
                    continue;
                };
                let before = &mut before[unit * self.symbols.len() + usize::from(symbol)];
                if let Some(before) = *before {
                    return Err(Objection {
                        in_answer,
                        cell: Some(cell),
                        expected: format!(
                            "each symbol at most once in {}",
                            units.name(unit, regions)
                        ),
                        found: format!(
                            "{} twice: at {} and at {}",
                            self.symbol(symbol),
                            shape.place(before),
                            shape.place(cell)
                        ),
                    });
                }
                *before = Some(cell);
            }
        }
        Ok(())
    }

    /// Refuses an answer that breaks a rule.
    pub(in crate::tasks::grid) fn check(
        &self,
        question: &Grid,
        answer: &Grid,
    ) -> Result<(), Objection> {
        let shape = answer.shape;
        let objection = |cell: Option<usize>, expected: String, found: String| Objection {
            in_answer: true,
            cell,
            expected,
            found,
        };
        if let Some(cell) = answer
            .cells
            .iter()
            .position(|&cell| !self.fill[usize::from(cell)])
        {
            let expected = format!("a symbol to fill in at {}", shape.place(cell));
            return Err(objection(
                Some(cell),
                expected,
                self.symbol(answer.cells[cell]),
            ));
        }
        if self.shapes.same() && shape != question.shape {
            return Err(objection(
                None,
                format!("{} cells as in the question", question.shape),
                shape.to_string(),
            ));
        }
        if self.rules.keep.is_some() {
            let moved = |(given, cell): (&u8, &u8)| self.keeps(*given) && given != cell;
            if let Some(cell) = question.cells.iter().zip(&answer.cells).position(moved) {
                let given = self.symbol(question.cells[cell]);
                let expected = format!("{given} at {}, as in the question", shape.place(cell));
                return Err(objection(
                    Some(cell),
                    expected,
                    self.symbol(answer.cells[cell]),
                ));
            }
        }
        self.repeats(answer, true, |_| true)?;
        for units in self.partings(&self.rules.permutation) {
            // Of a fixed shape it is known that every unit has as many cells as there are symbols.
            let fill = self.fill.iter().filter(|&&fill| fill).count();
            let sizes = units.sizes(shape, &self.regions);
            if let Some(unit) = sizes.iter().position(|&size| size != fill) {
                let name = units.name(unit, &self.regions);
                return Err(objection(
                    None,
                    format!("{fill} cells in {name}"),
                    sizes[unit].to_string(),
                ));
            }
        }
        self.check_counts(question, answer)?;
        self.check_lines(answer)
    }

    fn check_counts(&self, question: &Grid, answer: &Grid) -> Result<(), Objection> {
        let regions = &self.regions[..];
        let shape = answer.shape;
        let symbols = self.symbols.len();
        let counts = |units: Parting, grid: &Grid| {
            let mut counts = vec![0usize; units.count(shape, regions) * symbols];
            for (cell, &symbol) in grid.cells.iter().enumerate() {
                if let Some(unit) = units.of(cell, shape, regions) {
                    counts[unit * symbols + usize::from(symbol)] += 1;
                }
            }
            counts
        };
        let wrong = |units: Parting, at: usize, wanted: usize, found: usize| Objection {
            in_answer: true,
            cell: None,
            expected: format!(
                "{} {wanted} times in {}",
                self.symbol((at % symbols) as u8),
                units.name(at / symbols, regions)
            ),
            found: format!("it {found} times"),
        };
        let fill = self.fill.iter().filter(|&&fill| fill).count();
        for units in self.partings(&self.rules.equal_counts) {
            let sizes = units.sizes(shape, regions);
            let counts = counts(units, answer);
            let unequal =
                |at: usize| self.fill[at % symbols] && counts[at] * fill != sizes[at / symbols];
            if let Some(at) = (0..counts.len()).find(|&at| unequal(at)) {
                let name = units.name(at / symbols, regions);
                return Err(Objection {
                    in_answer: true,
                    cell: None,
                    expected: format!("all symbols equally often in {name}"),
                    found: format!(
                        "{} in {} of {} cells",
                        self.symbol((at % symbols) as u8),
                        counts[at],
                        sizes[at / symbols]
                    ),
                });
            }
        }
        for units in self.partings(&self.rules.same_counts) {
            let (wanted, found) = (counts(units, question), counts(units, answer));
            if let Some(at) = (0..wanted.len()).find(|&at| wanted[at] != found[at]) {
                return Err(wrong(units, at, wanted[at], found[at]));
            }
        }
        Ok(())
    }

    /// What rules say of rows and columns as sequences.
    fn check_lines(&self, answer: &Grid) -> Result<(), Objection> {
        let shape = answer.shape;
        let (rows, cols) = (shape.rows(), shape.cols());
        let row = |row: usize| (row * cols..(row + 1) * cols).collect::<Vec<_>>();
        let col = |col: usize| (0..rows).map(|row| row * cols + col).collect();
        let all = [
            (Units::Row, (0..rows).map(row).collect::<Vec<_>>()),
            (Units::Column, (0..cols).map(col).collect()),
        ];
        for (units, lines) in &all {
            let cells = |line: &[usize]| {
                line.iter()
                    .map(|&cell| answer.cells[cell])
                    .collect::<Vec<_>>()
            };
            if let Some(most) = self.rules.longest_run {
                for (number, line) in lines.iter().enumerate() {
                    let same = |run: &[usize]| {
                        run.iter()
                            .all(|&cell| answer.cells[cell] == answer.cells[run[0]])
                    };
                    if let Some(run) = line.windows(most.saturating_add(1)).find(|run| same(run)) {
                        return Err(Objection {
                            in_answer: true,
                            cell: Some(run[most]),
                            expected: format!(
                                "at most {most} in succession in {}",
                                format_args!("{units} {}", number + 1)
                            ),
                            found: format!("more of {}", self.symbol(answer.cells[run[0]])),
                        });
                    }
                }
            }
            if self.rules.unlike.contains(units) {
                let mut seen = std::collections::HashMap::new();
                for (number, line) in lines.iter().enumerate() {
                    if let Some(before) = seen.insert(cells(line), number) {
                        return Err(Objection {
                            in_answer: true,
                            cell: Some(line[0]),
                            expected: format!("no two {units}s alike"),
                            found: format!("{units}s {} and {}", before + 1, number + 1),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Share of cells that cannot be in an answer, or repeat an earlier one of their unit where they must not.
    pub(in crate::tasks::grid) fn broken(&self, answer: &Grid) -> f32 {
        let regions = &self.regions[..];
        let unfit = answer
            .cells
            .iter()
            .filter(|&&cell| !self.fill[usize::from(cell)])
            .count();
        let (mut wrong, mut of) = (unfit, answer.cells.len());
        for units in self.all_different() {
            let mut seen = vec![false; units.count(answer.shape, regions) * self.symbols.len()];
            for (cell, &symbol) in answer.cells.iter().enumerate() {
                if let Some(unit) = units.of(cell, answer.shape, regions) {
                    let seen = &mut seen[unit * self.symbols.len() + usize::from(symbol)];
                    wrong += usize::from(*seen);
                    *seen = true;
                }
            }
            of += answer.cells.len();
        }
        wrong as f32 / of as f32
    }
}

/// The drawings of regions.
pub(in crate::tasks::grid) fn drawings(rules: &Rules) -> Result<Vec<Regions>, RuleError> {
    let read = |(number, text): (usize, &String)| {
        Regions::read(text).map_err(|error| {
            let (expected, found) = error.split_once(", found ").unwrap_or((&error, ""));
            let found = found.to_owned() + &which(number, rules);
            RuleError::new("regions", expected.trim_start_matches("expected "), found)
        })
    };
    rules.regions.iter().enumerate().map(read).collect()
}

/// Which drawing is meant, where there are several.
fn which(drawing: usize, rules: &Rules) -> String {
    match rules.regions.len() {
        0 | 1 => String::new(),
        _ => format!(" in drawing {}", drawing + 1),
    }
}

/// The number of a declared symbol.
pub(in crate::tasks::grid) fn number(
    alphabet: &Alphabet,
    key: &'static str,
    symbol: &str,
) -> Result<u8, RuleError> {
    let error = || {
        let expected = format!("a symbol of the data ({})", alphabet.excerpt());
        RuleError::new(key, expected, quoted(symbol))
    };
    alphabet.number(symbol).ok_or_else(error)
}

/// The same for one that must not have been declared before.
fn unique(
    alphabet: &Alphabet,
    key: &'static str,
    symbol: &str,
    declared: &[bool],
) -> Result<u8, RuleError> {
    let number = number(alphabet, key, symbol)?;
    if declared[usize::from(number)] {
        let found = format!("{} twice", quoted(symbol));
        return Err(RuleError::new(key, "each symbol once", found));
    }
    Ok(number)
}

/// The smallest answer for which rules can be tried, where answers have no fixed shape.
pub(in crate::tasks::grid) fn sample(shape: ShapeRule) -> Shape {
    match shape {
        ShapeRule::Fixed(shape) => shape,
        _ => Shape::new(2, 3).expect("within bounds"),
    }
}
