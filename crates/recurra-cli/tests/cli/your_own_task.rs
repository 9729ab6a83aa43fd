//! The ten commands of docs/your-own-task.md, as they stand there.

use crate::common::{program, stderr, stdout};
use recurra::tasks::grid::toy::Toy;
use std::path::Path;

/// Puzzles in the tables here; the example makes more.
const TRAIN: u64 = 100;
const TEST: u64 = 10;

/// The lines of the document's first block.
fn commands() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/your-own-task.md");
    let text = std::fs::read_to_string(path).unwrap();
    let block = text.split("```").nth(1).unwrap();
    block.trim().lines().map(str::to_owned).collect()
}

fn make_tables(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for toy in Toy::ALL {
        toy.write(folder, TRAIN, TEST).unwrap();
    }
}

#[test]
fn the_ten_commands_of_the_document_do_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let commands = commands();
    assert_eq!(commands.len(), 10);
    let mut last = String::new();
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        let arguments = match words[0] {
            "recurra" => &words[1..],
            // What the example does, without building it.
            _ => {
                assert!(
                    command.ends_with("--example toy_tables -- toys"),
                    "{command}"
                );
                make_tables(&folder.path().join("toys"));
                continue;
            }
        };
        // A minute is long in a test.
        let short = command.replace("--minutes 8", "--steps 20 --hidden 32 --batch 16");
        assert_eq!(short == command, arguments[0] != "train", "{command}");
        let arguments = short.split_whitespace().skip(1);
        let out = program()
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(0), "{command}: {}", stderr(&out));
        last = stdout(&out);
    }
    let svg = std::fs::read_to_string(folder.path().join("latin.svg")).unwrap();
    assert!(svg.contains("<svg"));
    let answers: Vec<serde_json::Value> = (last.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), TEST as usize);
    for answer in answers {
        assert_eq!(
            answer["answer"].as_str().unwrap().len(),
            "12345/".len() * 5 - 1
        );
        assert!(answer["verified"].is_boolean());
    }
}
