//! Every key, every contradiction, and what answers break.

mod alone;

use super::RulesFile;
use crate::tasks::Task;
use crate::tasks::grid::{GridTask, Layout, survey};

fn declared(table: &str, rules: &str) -> Result<GridTask, String> {
    let spec = survey(table.as_bytes(), Layout::default(), &mut |error| {
        panic!("{error}")
    })
    .unwrap();
    let rules = RulesFile::read(rules).map_err(|error| error.to_string())?;
    let spec = rules.declare(spec).map_err(|error| error.to_string())?;
    Ok(GridTask::new(spec).unwrap())
}

const LATIN: &str = "question,answer\n1.../..2./.3../...4,1243/3421/4312/2134\n";

/// What the first puzzle of a table breaks, as a reader says.
fn refusal(table: &str, rules: &str) -> Option<String> {
    let task = declared(table, rules).unwrap();
    let entry = task.read(Box::new(table.as_bytes())).next().unwrap();
    let objection = entry.result.map_or_else(Some, |puzzle| puzzle.objection);
    objection.map(|error| error.to_string())
}

#[test]
fn files_that_are_no_rules() {
    for (rules, says) in [
        ("blnk = '.'", "line 1: expected one of `blank`"),
        (
            "\nblank = 5",
            "line 2: expected a string for `blank`, found invalid type: integer `5`",
        ),
        (
            "blank = '.'\nblank = '.'",
            "line 2: expected TOML, found duplicate key `blank`",
        ),
        ("blank = '.", "line 1: expected"),
        (
            "proof = 'yes'",
            "line 1: expected a boolean for `proof`, found invalid type: string \"yes\"",
        ),
        (
            "different = ['rows']",
            "line 1: expected `row`, `column`, `box RxC`, `region`, `diagonal` or `grid` for `different`, found `rows`",
        ),
        (
            "different = ['box 2']",
            "line 1: expected rows and columns from 1x1 to 64x64 for `different`, found `2`",
        ),
        (
            "different = 3",
            "line 1: expected a text or an array of texts for `different`",
        ),
        (
            "longest_run = -1",
            "line 1: expected usize for `longest_run`",
        ),
        (
            "symmetries = ['spin']",
            "line 1: expected `rotate`, `reflect`",
        ),
        (
            "fill = 5",
            "line 1: expected symbols: the characters of a text, or an array of texts for `fill`",
        ),
    ] {
        let error = RulesFile::read(rules).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn contradictions_are_refused_by_line_and_key() {
    for (rules, says) in [
        (
            "blank = 'x'",
            "line 1: expected a symbol of the data (1 2 3 4 .) for `blank`, found 'x'",
        ),
        (
            "\nfill = '12345'",
            "line 2: expected a symbol of the data (1 2 3 4 .) for `fill`, found '5'",
        ),
        (
            "fill = '11'",
            "line 1: expected each symbol once for `fill`, found '1' twice",
        ),
        (
            "blank = '.'\nfill = '1234.'",
            "line 2: expected symbols other than `blank` for `fill`, found '.'",
        ),
        (
            "keep = 'givens'",
            "line 1: expected `blank` beside `givens` for `keep`, found none",
        ),
        (
            "blank = '.'\nkeep = '.'",
            "line 2: expected symbols that an answer can have for `keep`, found '.'",
        ),
        (
            "different = 'box 3x2'",
            "line 1: expected units that part the answers (4x4) for `different`, found `box 3x2`",
        ),
        (
            "permutation = 'row'",
            "line 1: expected 5 cells in each unit, as there are 5 symbols to fill in for `permutation`, found 4 in row 1",
        ),
        (
            "blank = '.'\npermutation = 'grid'",
            "line 2: expected 4 cells in each unit, as there are 4 symbols to fill in for `permutation`, found 16 in the grid",
        ),
        (
            "blank = '.'\ndifferent = 'grid'",
            "line 2: expected at most 4 cells in each unit",
        ),
        (
            "blank = '.'\nfill = '123'\nequal_counts = 'row'",
            "line 3: expected a multiple of 3 cells in each unit",
        ),
        (
            "different = ['row', 'row']",
            "line 1: expected each unit once for `different`, found `row` twice",
        ),
        (
            "different = 'region'",
            "line 1: expected `regions` beside `region` for `different`, found none",
        ),
        (
            "regions = 'ab'",
            "line 1: expected a rule for each `region` for `regions`, found none",
        ),
        (
            "different = 'region'\nregions = 'ab'",
            "line 2: expected 4x4 letters for `regions`, found 1x2",
        ),
        (
            "different = 'region'\nregions = '''\nab\na'''",
            "line 2: expected 2 letters in row 2 for `regions`, found 1",
        ),
        (
            "unlike = 'grid'",
            "line 1: expected `row` or `column` for `unlike`, found `grid`",
        ),
        (
            "longest_run = 0",
            "line 1: expected at least 1 for `longest_run`, found 0",
        ),
        (
            "blank = '.'\nsame_counts = 'row'",
            "line 2: expected symbols that stay for `same_counts`",
        ),
        (
            "proof = true",
            "line 1: expected `keep` or `same_counts`, as an answer must have to do with its question, for `proof`, found neither",
        ),
        (
            "symmetries = 'permute symbols'\nblank = '.'\nkeep = '1'",
            "line 1: expected symbols of which the rules say the same for `permute symbols` for `symmetries`, found '1' and '2'",
        ),
        (
            "symmetries = 'permute symbols 1 x'",
            "line 1: expected a symbol of the data (1 2 3 4 .) for `symmetries`, found 'x'",
        ),
        (
            "symmetries = 'permute symbols 1'",
            "line 1: expected several symbols for `permute symbols 1` for `symmetries`, found 1",
        ),
        (
            "symmetries = ['permute symbols 1 2', 'permute symbols 2 3']",
            "line 1: expected each symbol in one set for `symmetries`, found '2' in two",
        ),
        (
            "symmetries = ['transpose', 'permute rows']",
            "line 1: expected `permute rows` and `permute columns` alike",
        ),
        (
            "different = 'row'\nsymmetries = 'rotate'",
            "line 2: expected symmetries that keep `different` for each `row` for `symmetries`, found `rotate`",
        ),
        (
            "different = 'box 1x2'\nsymmetries = 'transpose'",
            "line 2: expected symmetries that keep `different` for each `box 1x2` for `symmetries`, found `transpose`",
        ),
        (
            "different = 'region'\nregions = '''\naabb\naabb\ncccd\nccdd'''\nsymmetries = 'reflect'",
            "line 7: expected symmetries that keep `different` for each `region` for `symmetries`, found `reflect`",
        ),
        (
            "longest_run = 2\nsymmetries = 'permute rows'",
            "line 2: expected symmetries that leave neighbours beside each other, because of `longest_run`, for `symmetries`, found `permute rows`",
        ),
    ] {
        let error = declared(LATIN, rules).unwrap_err();
        assert!(error.starts_with(says), "{error}");
    }
    for (table, rules, says) in [
        (
            "question,answer\nab,a\n",
            "keep = 'a'",
            "line 1: expected answers of their question's shape for `keep`, found questions of 1x2 and answers of 1x1",
        ),
        (
            "question,answer\nab,a\n",
            "same_counts = 'grid'",
            "line 1: expected answers of their question's shape",
        ),
        (
            "question,answer\nab,a\n",
            "symmetries = 'reflect'",
            "line 1: expected answers of their question's shape for `reflect`",
        ),
        (
            "question,answer\nab,a\n",
            "symmetries = 'permute columns'",
            "line 1: expected as many columns in an answer as in its question",
        ),
        (
            "question,answer\nab,ba\n",
            "symmetries = 'transpose'",
            "line 1: expected a square for `transpose` for `symmetries`, found 1x2",
        ),
        (
            "question,answer\nab,ba\nabc,abc\n",
            "different = 'box 1x2'",
            "line 1: expected units that part the answers (any shape, the question's)",
        ),
    ] {
        let error = declared(table, rules).unwrap_err();
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn answers_that_break_a_rule() {
    let binary = "fill = '01'\nblank = '.'\nkeep = 'givens'\nproof = true\n";
    for (table, rules, says) in [
        (
            "0../.1./...,010/101/010",
            format!("{binary}equal_counts = 'grid'"),
            None::<&str>,
        ),
        (
            "0.../..../..../....,0101/1010/0011/1100",
            format!(
                "{binary}equal_counts = ['row', 'column']\nlongest_run = 2\nunlike = ['row', 'column']"
            ),
            None,
        ),
        (
            "0.../..../..../....,0101/1010/0011/1110",
            format!("{binary}equal_counts = ['row', 'column']"),
            Some("expected all symbols equally often in row 4, found '0' in 1 of 4 cells"),
        ),
        (
            "0.../..../..../....,0001/1010/0011/1110",
            format!("{binary}longest_run = 2"),
            Some("line 2, column 23: expected at most 2 in succession in row 1, found more of '0'"),
        ),
        (
            "0.../..../..../....,0101/1010/0101/1100",
            format!("{binary}unlike = 'row'"),
            Some("line 2, column 31: expected no two rows alike, found rows 1 and 3"),
        ),
        (
            "0.../..../..../....,0101/1010/0101/1000",
            format!("{binary}unlike = 'column'"),
            Some("expected no two columns alike, found columns 2 and 4"),
        ),
        ("cab,abc", "same_counts = 'row'\nproof = true".into(), None),
        (
            "cab,abb",
            "same_counts = 'row'".into(),
            Some("line 2, column 5: expected 'b' 1 times in row 1, found it 2 times"),
        ),
        (
            "a#b,ab#",
            "keep = '#'".into(),
            Some(
                "line 2, column 6: expected '#' at row 1, column 2, as in the question, found 'b'",
            ),
        ),
        (
            "1.2./....,1221/2112",
            "blank = '.'\ndifferent = 'region'\nregions = '''\nab..\na...'''".into(),
            None,
        ),
        (
            "1.2./....,1221/2112",
            "blank = '.'\ndifferent = 'region'\nregions = '''\na..a\n....'''".into(),
            Some(
                "expected each symbol at most once in region a, found '1' twice: at row 1, column 1 and at row 1, column 4",
            ),
        ),
    ] {
        let table = format!("question,answer\n{table}\n");
        if rules.contains("equal_counts = 'grid'") {
            // Nine cells cannot hold two symbols equally often.
            assert!(declared(&table, &rules).is_err());
            continue;
        }
        let refusal = refusal(&table, &rules);
        match says {
            None => assert_eq!(refusal, None, "{rules}"),
            Some(says) => assert!(
                refusal.as_deref().is_some_and(|r| r.contains(says)),
                "{refusal:?}"
            ),
        }
    }
    // Shapes that differ.
    let table = "question,answer\nab,ab\nabc,ab\n";
    let task = declared("question,answer\nab,ab\nabc,abc\n", "").unwrap();
    let says = task
        .read(Box::new(table.as_bytes()))
        .filter_map(|e| e.result.map_or_else(Some, |puzzle| puzzle.objection))
        .map(|e| e.to_string());
    assert!(says.eq(["line 3, column 5: expected 1x3 cells as in the question, found 1x2"]));
}
