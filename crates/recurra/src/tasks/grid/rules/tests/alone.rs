//! Rules without a table.

use super::{LATIN, declared};
use crate::tasks::Task;
use crate::tasks::constraints::GenerateError;
use crate::tasks::grid::{GridSpec, GridTask, RulesFile};

/// The task of rules alone, by which puzzles can be made.
fn alone(rules: &str) -> Result<GridTask, String> {
    let rules = RulesFile::read(rules).map_err(|error| error.to_string())?;
    let spec = rules.alone(None).map_err(|error| error.to_string())?;
    let checked = rules.check_generates(&spec);
    checked.map_err(|error| error.to_string())?;
    Ok(GridTask::new(spec).unwrap())
}

const SUDOKU4: &str = "size = '4x4'
fill = '1234'
blank = '.'
keep = 'givens'
proof = true
permutation = ['row', 'column', 'box 2x2']
";

#[test]
fn rules_alone_are_the_task_that_a_table_has() {
    let task = alone(SUDOKU4).unwrap();
    let rules = SUDOKU4.replace("size = '4x4'\n", "");
    let of_table = declared(LATIN, &rules).unwrap();
    assert_eq!(task.grid_spec(), of_table.grid_spec());
    let groups = task.groups().unwrap();
    let sudoku = crate::tasks::sudoku::Sudoku::new(4).unwrap();
    let mut theirs = sudoku.groups().unwrap().groups;
    let mut ours = groups.groups.clone();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    // Digits are tokens 2 to 5, and the dot comes after them.
    assert_eq!((groups.tokens, groups.blank), (vec![2, 3, 4, 5], 6));
    // Drawings are a size too, and a size can be said elsewhere.
    let file = RulesFile::read("fill = '12'\npermutation = 'row'").unwrap();
    assert!(file.alone("3x2".parse().ok()).is_ok() && !file.has_size());
    let file = RulesFile::read("fill = '12'\ndifferent = 'region'\nregions = 'ab'").unwrap();
    let spec = file.alone(None).unwrap();
    assert_eq!(spec.frame.to_string(), "1x2");
    // One drawing is kept as files of before have it.
    let json = serde_json::to_string(&spec).unwrap();
    assert!(json.contains(r#""regions":"ab""#), "{json}");
    assert_eq!(serde_json::from_str::<GridSpec>(&json).unwrap(), spec);
}

#[test]
fn rules_alone_that_are_not_enough() {
    let with = |from: &str, to: &str| SUDOKU4.replace(from, to);
    let small = |rest: &str| format!("size = '2x2'\nfill = '12'\n{rest}");
    for (rules, says) in [
        (
            with("size = '4x4'\n", ""),
            "line 1: expected rows and columns, as there is no table, for `size`, found none",
        ),
        (
            with("'4x4'", "'4x'"),
            "line 1: expected rows and columns from 1x1 to 64x64 for `size`, found `4x`",
        ),
        (
            with("'4x4'", "4"),
            "line 1: expected a text such as '9x9' for `size`, found something else",
        ),
        (
            with("fill = '1234'\n", ""),
            "line 1: expected the symbols of an answer, as there is no table, for `fill`, found none",
        ),
        (
            with("'1234'", "'12345'"),
            "line 6: expected 5 cells in each unit, as there are 5 symbols to fill in for `permutation`, found 4 in row 1",
        ),
        (
            with("'1234'", "'123/'"),
            "line 2: expected a symbol of 1 to 32 bytes",
        ),
        (
            with("proof = true\n", ""),
            "line 1: expected true, so that these are all the rules there are, for `proof`, to make puzzles of rules alone, found not so",
        ),
        (
            with("keep = 'givens'\n", "keep = '1'\n"),
            "line 4: expected `givens` for `keep`, to make puzzles of rules alone, found symbols",
        ),
        (
            with("proof", "longest_run = 2\nproof"),
            "line 5: expected no other rules of answers than `permutation` and `different` for `longest_run`, to make",
        ),
        (
            small("blank = '.'\nkeep = 'givens'\nproof = true"),
            "line 1: expected cells that differ, by this or by `different`, for `permutation`, to make puzzles",
        ),
        (
            "size = '2x3'\nfill = '12'\ndifferent = 'diagonal'".into(),
            "line 3: expected answers that are squares, as only these have diagonals, for `different`, found 2x3",
        ),
        (
            small("unlike = 'diagonal'"),
            "line 3: expected `row` or `column` for `unlike`, found `diagonal`",
        ),
        (
            small("different = 'region'\nregions = ['''\nab\nab''', '''\nabc\nab''']"),
            "line 4: expected 3 letters in row 2 for `regions`, found 2 in drawing 2",
        ),
        (
            small("different = 'region'\nregions = ['''\nab\nab''', 'ab']"),
            "line 4: expected 2x2 letters for `regions`, found 1x2 in drawing 2",
        ),
        (
            small("different = 'region'\nregions = ['''\nab\nab''', '''\nzz\nz.''']"),
            "line 3: expected at most 2 cells in each unit, as there are 2 symbols to fill in for `different`, found 3 in region z of drawing 2",
        ),
        (
            small("different = 'region'\nregions = 3"),
            "line 4: expected a drawing of rows of letters, or an array of drawings for `regions`, found invalid type: integer `3`",
        ),
        (
            "size = '3x3'\nfill = '123'\npermutation = ['row', 'diagonal']\nsymmetries = 'permute rows'".into(),
            "line 4: expected symmetries that keep `permutation` for each `diagonal` for `symmetries`, found `permute rows`",
        ),
    ] {
        let error = alone(&rules).unwrap_err();
        assert!(error.starts_with(says), "{error}");
    }
    let many: Vec<String> = (0..33).map(|n| format!("'{n}'")).collect();
    let rules = format!(
        "size = '33x33'\nfill = [{}]\nblank = '.'\nkeep = 'givens'\npermutation = 'row'\nproof = true",
        many.join(", ")
    );
    let error = alone(&rules).unwrap_err();
    let says = "line 2: expected at most 32 symbols for `fill`";
    assert!(error.starts_with(says), "{error}");
    // A table of another size than the rules say, and a size that is asked for.
    let error = declared(LATIN, "size = '2x8'\nfill = '1234'").unwrap_err();
    let says = "line 1: expected that of all grids of the data (4x4) for `size`, found 2x8";
    assert_eq!(error, says);
    declared(LATIN, "size = '4x4'").unwrap();
    let file = RulesFile::read(SUDOKU4).unwrap();
    let error = file.alone("6x6".parse().ok()).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 1: expected 6x6, as asked for, for `size`, found 4x4"
    );
}

#[test]
fn diagonals_and_drawings_that_overlap_are_checked() {
    let rules = "size = '3x3'
fill = '123'
blank = '.'
keep = 'givens'
proof = true
permutation = ['row', 'column']
different = ['region', 'diagonal']
regions = ['''
a..
a..
...''', '''
.b.
b..
...''']
symmetries = 'permute symbols'";
    let task = alone(rules).unwrap();
    let question = task.parse(".../.../...").unwrap();
    for (answer, says) in [
        (
            "123/312/231",
            "in the diagonal from the upper left, found '1' twice: at row 1, column 1 and at row 2, column 2",
        ),
        (
            "123/231/312",
            "in region b of drawing 2, found '2' twice: at row 1, column 2 and at row 2, column 1",
        ),
    ] {
        let refused = task.parse(answer).unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    // No Latin square of three has three different symbols on both diagonals.
    let made = task.generator(1).unwrap().puzzle(0, Default::default());
    assert_eq!(made, Err(GenerateError::NoSolution));
    assert_eq!(task.generate(1, 0, &|_| true), None);
    let refused = task.admit(&question).unwrap_err().to_string();
    assert!(refused.contains("exactly one solution"), "{refused}");
}

#[test]
fn questions_with_none_or_several_answers_are_refused_where_rules_are_a_proof() {
    let task = alone(SUDOKU4).unwrap();
    for first in [".", "1"] {
        let line = format!("{first}.../..../..../....");
        let question = task.parse(&line).unwrap();
        let error = task.admit(&question).unwrap_err().to_string();
        assert!(error.contains("more than one"), "{error}");
        let solved = task.solve(&question).unwrap().unwrap_err();
        assert_eq!(solved, "expected exactly one solution, found more than one");
    }
    // The first row's last cell must be a 4, which its column has.
    let none = task.parse("123./...4/..../....").unwrap();
    let error = task.admit(&none).unwrap_err().to_string();
    assert!(error.contains("found none"), "{error}");
    // Without a proof there may be rules that nobody declared.
    let rules = SUDOKU4.replace("proof = true", "proof = false");
    let rules = RulesFile::read(&rules).unwrap();
    let partial = GridTask::new(rules.alone(None).unwrap()).unwrap();
    partial.admit(&none).unwrap();
    assert_eq!(
        (partial.solve(&none), partial.solutions(&none)),
        (None, None)
    );
    assert_eq!(partial.groups(), task.groups());
    assert!(partial.generator(1).is_err());
}
