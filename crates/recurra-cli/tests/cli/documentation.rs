//! The pages: their links lead somewhere, the book has them all, and their commands are ones that the program knows.

use crate::common::{program, stderr, stdout};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../..").canonicalize().unwrap()
}

/// All pages that people read.
fn pages() -> Vec<PathBuf> {
    let root = root();
    let mut pages = Vec::new();
    for folder in [".", "docs", "models"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path.canonicalize().unwrap());
            }
        }
    }
    pages.sort();
    assert!(pages.len() > 25, "{pages:?}");
    pages
}

/// The text outside of blocks of code.
fn prose(page: &str) -> String {
    let parts = page.split("```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}

/// Links of a page: what stands between `](` and `)`.
fn links(page: &str) -> Vec<String> {
    let text = prose(page);
    let links = text.split("](").skip(1);
    links
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let mut checked = 0;
    let mut broken = Vec::new();
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        for link in links(&page) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let leads = target.exists()
                && (anchor.is_empty()
                    || std::fs::read_to_string(&target)
                        .is_ok_and(|page| anchors(&page).contains(anchor)));
            if !leads {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(checked > 100, "{checked}");
}

#[test]
fn the_book_has_every_page() {
    let docs = root().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    let pages = std::fs::read_dir(&docs).unwrap();
    let there: BTreeSet<String> = pages
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    assert_eq!(listed, there);
}

/// Commands of the program in the blocks of a page: what follows `recurra`, up to a pipe or a comment.
fn commands(page: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for block in page.split("```").skip(1).step_by(2) {
        for line in block.replace("\\\n", " ").lines() {
            for part in line.split(['|', ';', '#', '`']) {
                let words: Vec<&str> = part.split_whitespace().collect();
                let words: &[&str] = match words.as_slice() {
                    ["recurra", rest @ ..] => rest,
                    ["cargo", "run", "--release", "--", rest @ ..] => rest,
                    _ => continue,
                };
                if words.is_empty() {
                    continue;
                }
                commands.push(words.iter().map(|&word| word.to_owned()).collect());
            }
        }
    }
    commands
}

#[test]
fn commands_of_the_pages_are_ones_that_the_program_knows() {
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut checked = 0;
    let mut unknown = Vec::new();
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        for words in commands(&page) {
            // `generate sudoku`, `bench guide`, `data check`: a command of a command.
            let below = matches!(words[0].as_str(), "generate" | "data" | "cache")
                || words
                    .get(1)
                    .is_some_and(|word| word == "guide" || word == "diff");
            let name: Vec<&String> = words
                .iter()
                .take(1 + usize::from(below))
                .filter(|word| !word.contains('|'))
                .collect();
            let key = name
                .iter()
                .map(|word| word.as_str())
                .collect::<Vec<_>>()
                .join(" ");
            let help = helps.entry(key.clone()).or_insert_with(|| {
                let out = program().args(&name).arg("--help").output().unwrap();
                assert_eq!(
                    out.status.code(),
                    Some(0),
                    "{}: {key}: {}",
                    path.display(),
                    stderr(&out)
                );
                stdout(&out)
            });
            for flag in words
                .iter()
                .filter(|word| word.starts_with("--") && word.len() > 2)
            {
                let flag = flag.split('=').next().unwrap();
                checked += 1;
                let known = help
                    .split(|c: char| !(c.is_alphanumeric() || c == '-'))
                    .any(|word| word == flag);
                if !known {
                    unknown.push(format!("{}: {key} {flag}", path.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(checked > 60, "{checked}");
}

#[test]
fn the_commands_of_the_start_page_do_what_it_says() {
    let root = root();
    let folder = tempfile::tempdir().unwrap();
    for name in ["models", "examples"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        for entry in std::fs::read_dir(root.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let to = folder.path().join(name).join(path.file_name().unwrap());
                std::fs::copy(&path, to).unwrap();
            }
        }
    }
    let page = std::fs::read_to_string(root.join("docs/start.md")).unwrap();
    let commands = commands(&page);
    assert_eq!(commands.len(), 8);
    for words in commands {
        let mut words = words;
        if words[0] == "train" {
            // A fraction of a minute is long in a test.
            let at = words.iter().position(|word| word == "--minutes").unwrap();
            words.splice(
                at..at + 2,
                ["--steps", "30", "--hidden", "32"].map(String::from),
            );
        }
        let out = program()
            .args(&words)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(0), "{words:?}: {}", stderr(&out));
        if words.iter().any(|word| word == "--json") {
            let answers: Vec<serde_json::Value> = (stdout(&out).lines())
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(answers.len(), 10);
            assert!(answers.iter().all(|answer| answer["verified"] == true));
        }
    }
    let svg = std::fs::read_to_string(folder.path().join("thinking.svg")).unwrap();
    assert!(svg.contains("<svg"));
}
