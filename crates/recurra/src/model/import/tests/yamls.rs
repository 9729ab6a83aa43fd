//! Configurations: the reference's own, published ones without lengths, and broken ones.

use super::super::{ImportedTensor, config_from_yaml, read_checkpoint};
use super::support::fixture;
use crate::network::config::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Tensors = BTreeMap<String, ImportedTensor>;

fn model(name: &str) -> (String, Tensors) {
    let yaml = String::from_utf8(fixture(name, "config.yaml")).unwrap();
    let tensors = read_checkpoint(&fixture(name, "model.safetensors")).unwrap();
    (yaml, tensors)
}

/// The file as published: without what the data set says.
fn published(yaml: &str) -> String {
    let told = ["seq_len:", "vocab_size:", "num_puzzle_identifiers:"];
    let lines = yaml
        .lines()
        .filter(|line| !told.iter().any(|key| line.starts_with(key)));
    let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
    text += "data_paths:\n- data/sudoku\nlr: 0.0001\nema: true\nevaluators: []\nload_checkpoint: null\n";
    text
}

fn refused(yaml: &str, tensors: &Tensors, seq_len: Option<usize>, expected: &str) {
    let message = config_from_yaml(yaml, tensors, seq_len)
        .unwrap_err()
        .to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn the_references_files_are_read() {
    let base = TrmConfig {
        vocab_size: 8,
        seq_len: 36,
        hidden_size: 32,
        num_heads: 4,
        expansion: 4.0,
        swiglu_multiple: SWIGLU_MULTIPLE,
        num_layers: 2,
        h_cycles: 3,
        l_cycles: 4,
        mixer: Mixer::Attention,
        positions: Positions::Rotary,
        puzzle_emb_ndim: 50,
        puzzle_emb_len: 2,
        num_puzzle_identifiers: 5,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    };
    let learned = TrmConfig {
        vocab_size: 6,
        seq_len: 25,
        h_cycles: 2,
        l_cycles: 2,
        positions: Positions::Learned,
        puzzle_emb_ndim: 32,
        puzzle_emb_len: 1,
        num_puzzle_identifiers: 3,
        ..base.clone()
    };
    let plain = TrmConfig {
        vocab_size: 6,
        seq_len: 16,
        num_layers: 1,
        l_cycles: 6,
        mixer: Mixer::Mlp,
        positions: Positions::None,
        puzzle_emb_ndim: 0,
        puzzle_emb_len: 0,
        num_puzzle_identifiers: 1,
        ..base.clone()
    };
    let sudoku = TrmConfig {
        vocab_size: 11,
        seq_len: 81,
        hidden_size: 64,
        num_layers: 2,
        puzzle_emb_ndim: 64,
        puzzle_emb_len: 16,
        ..plain.clone()
    };
    for (name, expected) in [
        ("att_rope", base),
        ("att_learned", learned),
        ("mlp_no_puzzle", plain),
        ("mlp_sudoku9", sudoku),
    ] {
        let (yaml, tensors) = model(name);
        let found = config_from_yaml(&yaml, &tensors, None).unwrap();
        assert_eq!(found, expected, "{name}");

        let published = published(&yaml);
        let length = (name == "att_rope").then_some(36);
        let found = config_from_yaml(&published, &tensors, length).unwrap();
        assert_eq!(found, expected, "{name}, published");
    }
}

#[test]
fn rotary_attention_needs_a_length() {
    let (yaml, tensors) = model("att_rope");
    refused(&published(&yaml), &tensors, None, "pass `--seq-len`");
    refused(
        &yaml,
        &tensors,
        Some(37),
        "configuration field `seq_len`: expected 36 (the configuration file), found 37 (the argument)",
    );
}

#[test]
fn conflicts_are_named() {
    let (yaml, tensors) = model("mlp_sudoku9");
    refused(
        &published(&yaml),
        &tensors,
        Some(80),
        "`seq_len`: expected 81 (`L_level.layers.0.mlp_t.gate_up_proj.weight`: 97 positions, 16 of them the prefix), \
         found 80 (the argument)",
    );
    refused(
        &yaml.replace("vocab_size: 11", "vocab_size: 12"),
        &tensors,
        None,
        "`vocab_size`: expected 11 (the rows of `embed_tokens.embedding_weight`), found 12 (the configuration file)",
    );
    refused(
        &yaml.replace("num_puzzle_identifiers: 1", "num_puzzle_identifiers: 2"),
        &tensors,
        None,
        "`num_puzzle_identifiers`: expected 1",
    );
    refused(
        &yaml.replace("puzzle_emb_len: 16", "puzzle_emb_len: 98"),
        &tensors,
        None,
        "expected more positions than the 98 of the puzzle prefix, found 97",
    );
    refused(
        &yaml.replace("puzzle_emb_len: 16", "puzzle_emb_len: 97"),
        &tensors,
        None,
        "`seq_len`: expected 0 ",
    );
}

#[test]
fn missing_tensors_are_named() {
    let (yaml, tensors) = model("mlp_sudoku9");
    for name in [
        "embed_tokens.embedding_weight",
        "puzzle_emb.weights",
        "L_level.layers.0.mlp_t.gate_up_proj.weight",
    ] {
        let mut tensors = tensors.clone();
        tensors.get_mut(name).unwrap().shape = vec![3];
        refused(
            &yaml,
            &tensors,
            None,
            &format!("tensor `{name}`: expected rows and columns, found shape [3]"),
        );
        tensors.remove(name);
        refused(
            &yaml,
            &tensors,
            None,
            &format!("tensor `{name}`: expected rows and columns, found none; there are `"),
        );
    }
}

#[test]
fn wrong_keys_are_named() {
    let (yaml, tensors) = model("att_rope");
    for (from, to, expected) in [
        (
            "trm@Tiny",
            "hrm@Hierarchical",
            "`arch.name`: expected recursive_reasoning.trm@",
        ),
        (
            "trm@Tiny",
            "trm_singlez@Tiny",
            "found recursive_reasoning.trm_singlez@",
        ),
        (
            "arch:",
            "architecture:",
            "`all_config.yaml` of the run has it, found no `arch`",
        ),
        (
            "  H_cycles: 3\n",
            "",
            "`arch.H_cycles`: expected a whole number from 0 up, found no such key",
        ),
        (
            "L_cycles: 4",
            "L_cycles: four",
            "`arch.L_cycles`: expected a whole number from 0 up, found `four`",
        ),
        ("L_cycles: 4", "L_cycles: '4'", "found `4`"),
        ("L_cycles: 4", "L_cycles: -4", "found `-4`"),
        ("L_cycles: 4", "L_cycles: 4.5", "found `4.5`"),
        (
            "L_cycles: 4",
            "L_cycles: 99999999999999999999",
            "`arch.L_cycles`",
        ),
        ("L_cycles: 4", "L_cycles: [4]", "found a list"),
        ("L_cycles: 4", "L_cycles: {a: 4}", "found a mapping"),
        (
            "L_cycles: 4",
            "L_cycles: !!int 4",
            "found a value with a tag",
        ),
        ("L_cycles: 4", "L_cycles: null", "found `null`"),
        (
            "L_cycles: 4",
            "L_cycles: 4000",
            "configuration field `l_cycles`",
        ),
        (
            "num_heads: 4",
            "num_heads: 0",
            "configuration field `num_heads`",
        ),
        (
            "hidden_size: 32",
            "hidden_size: 0",
            "configuration field `hidden_size`",
        ),
        (
            "expansion: 4.0",
            "expansion: much",
            "`arch.expansion`: expected a number",
        ),
        (
            "expansion: 4.0",
            "expansion: nan",
            "configuration field `expansion`",
        ),
        (
            "mlp_t: false",
            "mlp_t: 0",
            "`arch.mlp_t`: expected true or false, found `0`",
        ),
        (
            "pos_encodings: rope",
            "pos_encodings: alibi",
            "expected rope, learned or none, found alibi",
        ),
        (
            "seq_len: 36",
            "seq_len: long",
            "configuration field `seq_len`: expected a whole number",
        ),
    ] {
        assert!(yaml.contains(from));
        refused(&yaml.replacen(from, to, 1), &tensors, None, expected);
    }
}

#[test]
fn defaults_are_the_references() {
    let (yaml, mut tensors) = model("mlp_sudoku9");
    let yaml = yaml
        .replace("  puzzle_emb_len: 16\n", "")
        .replace("pos_encodings: none", "pos_encodings: rope")
        .replace("mlp_t: true", "mlp_t: True")
        .replace(
            "expansion: 4.0",
            "expansion: 4\n  rms_norm_eps: 1.0e-06\n  rope_theta: 500.0",
        );
    let config = config_from_yaml(&yaml, &tensors, None).unwrap();
    assert_eq!(config.puzzle_emb_len, 16);
    assert_eq!(
        (config.mixer, config.positions),
        (Mixer::Mlp, Positions::None)
    );
    assert_eq!((config.rms_norm_eps, config.rope_theta), (1e-6, 500.0));

    // No key for the puzzle vectors: there are none, and no prefix either.
    let yaml = yaml
        .replace("  puzzle_emb_ndim: 64\n", "")
        .replace("seq_len: 81", "");
    tensors.remove("puzzle_emb.weights");
    let config = config_from_yaml(&yaml, &tensors, None).unwrap();
    assert_eq!(
        (
            config.puzzle_emb_ndim,
            config.puzzle_emb_len,
            config.seq_len
        ),
        (0, 0, 97)
    );
}

#[test]
fn broken_files_are_refused() {
    let none = Tensors::new();
    for (yaml, expected) in [
        ("", "`arch.name`"),
        ("just text", "YAML: line 1: expected a mapping"),
        ("- a\n- b", "expected a mapping"),
        ("a: 1\n---\nb: 2", "a second document"),
        ("a: 1\na: 2", "YAML: line 2: `a` stands here twice"),
        ("arch:\n  b: 1\n  b: 2", "`arch.b` stands here twice"),
        ("? [a]\n: 1", "a key must be text"),
        ("a: b: c", "YAML: "),
        ("\tarch", "YAML: "),
        ("arch: *x", "YAML: "),
        ("x: &x {name: a}\narch: *x", "`arch.name`"),
        (
            "arch: &x\n  name: *x",
            "`arch.name`: expected text, found an alias",
        ),
        ("arch:\n  <<: {name: a}", "found an `arch` without `name`"),
    ] {
        refused(yaml, &none, None, expected);
    }
}

#[test]
fn files_cannot_grow_in_memory() {
    let none = Tensors::new();
    refused(
        &" ".repeat((1 << 20) + 1),
        &none,
        None,
        "expected at most 1048576 bytes",
    );
    for (unit, expected) in [
        ("- ", "nested too deeply"),
        ("a: {", "YAML"),
        ("[", "YAML"),
        ("? ", "YAML"),
    ] {
        let many = unit.repeat((1 << 20) / unit.len());
        refused(&many, &none, None, "YAML");
        refused(&format!("a:\n  {many}")[..1 << 20], &none, None, expected);
    }
    // Nine lists of ten references each: a billion values for whoever follows them.
    let mut bomb = String::from("a0: &a0 [x]\n");
    for i in 1..10 {
        let list = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb += &format!("a{i}: &a{i} [{list}]\n");
    }
    let (yaml, tensors) = model("att_rope");
    assert!(config_from_yaml(&(bomb + &yaml), &tensors, None).is_ok());
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    #[test]
    fn changed_files_never_panic(changes in prop::collection::vec(
        (any::<prop::sample::Index>(), prop::sample::select(&b"\0\t\n -:?{}[],#&*!|>%@`'\"<~a0\x7f"[..])), 1..6)) {
        let (yaml, _) = model("mlp_no_puzzle");
        let mut yaml = yaml.into_bytes();
        for (at, byte) in changes {
            let at = at.index(yaml.len());
            yaml[at] = byte;
        }
        let _ = config_from_yaml(&String::from_utf8(yaml).unwrap(), &Tensors::new(), None);
    }

    #[test]
    fn any_punctuation_never_panics(yaml in "[-:?{}\\[\\],#&*!|>%'\"<~a0\\n \\t\u{feff}é\u{85}]{0,40}") {
        let _ = config_from_yaml(&yaml, &Tensors::new(), None);
    }
}
