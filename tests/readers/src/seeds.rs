//! What fuzzing begins with, from the files of this repository.

use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Larger files are slow to change, and say no more.
const MOST: u64 = 200_000;

/// Writes it into a folder for each target.
///
/// # Panics
/// If a file cannot be read or written.
pub fn write(corpus: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).expect("the repository");
    let data = root.join("tests/data");
    let cases = files(&data.join("cases"));
    let reference = files(&data.join("reference"));
    let mut seeds = Seeds(corpus.into());

    for pickle in ending(&reference, ".pt")
        .iter()
        .chain(&ending(&cases, ".pt"))
    {
        seeds.with("torch", &[0], pickle);
        if let Some(inner) = member(pickle, "data.pkl") {
            seeds.bytes("torch", &[&[1][..], &inner].concat());
        }
    }
    seeds.whole("yaml", &ending(&reference, ".yaml"));
    seeds.whole("yaml", &ending(&cases, ".yaml"));
    seeds.whole("pairs", &[]);

    let arrays: Vec<PathBuf> = [
        ending(&cases, ".npy"),
        ending(&cases, ".npz"),
        ending(&files(&data.join("npy")), ".npy"),
    ]
    .concat();
    for array in &arrays {
        seeds.with("arrays", &[0], array);
        seeds.with("arrays", &[2], array);
    }
    let puzzles: Vec<&PathBuf> = cases.iter().filter(|path| !arrays.contains(path)).collect();
    for path in &puzzles {
        for task in [0, 2, 4, 6, 8, 12] {
            seeds.with("puzzles", &[task], path);
        }
        seeds.whole("survey", &[(*path).clone()]);
    }
    // A few bytes that are long lines when they are unpacked: rows and cells that no grid has were once kept.
    let long = 1 << 18;
    for text in [
        format!("question,answer\n{}\n", ".".repeat(long - 1)),
        format!("question,answer\n{}\n", "1/".repeat(long / 2 - 1)),
        format!("question,answer\n{}\n", "1 ".repeat(long / 2 - 1)),
        format!("{{\"question\":[[1{}]]}}\n", ",1".repeat(long / 2 - 16)),
        format!("{{\"question\":[[1]{}]}}\n", ",[1]".repeat(long / 4 - 16)),
        format!(
            "{{\"question\":[\"1\"{}]}}\n",
            ",\"1\"".repeat(long / 4 - 16)
        ),
    ] {
        let packed = gzip(text.as_bytes());
        seeds.bytes("survey", &packed);
        for task in [0, 8, 12] {
            seeds.bytes("puzzles", &[&[task], &packed[..]].concat());
        }
    }
    for name in ["sudoku4.txt", "maze10.txt", "maze15.txt"] {
        for task in [0, 1, 8, 10] {
            seeds.with("puzzles", &[task], &root.join("examples").join(name));
        }
    }
    seeds.whole("rules", &files(&root.join("examples/rules")));
    seeds.whole("rules", &files(&root.join("models/rules")));
    for path in ending(&files(&data.join("arc")), ".json") {
        for form in 0..4 {
            seeds.with("arc", &[form], &path);
        }
    }
    seeds.bytes("arc", b"\x01[\"<blank>\", \"a|||t0|||0123456789\"]");
    for change in [
        &b"\x01\x00\x00\x05\x07"[..],
        b"\x01\x40\x00\x05\x00",
        b"\x01\x00\x04\x00\x00",
        b"\x00RECURRAC",
    ] {
        seeds.bytes("store", change);
    }
    made::write(&mut seeds);

    let question = r#""question": "1.....3..2.....4""#;
    for body in [
        format!("{{{question}}}"),
        format!(r#"{{"model": "sudoku4", {question}, "options": {{"restarts": 2, "max_steps": 8, "stop": "verified,halt=1", "seed": 3, "time": 1, "side_by_side": 2, "restart_by": "symmetry,noise=0.1"}}, "timeout": 1}}"#),
        r#"{"questions": ["1.....3..2.....4", ["1...", "..3.", ".2..", "...4"], "x"]}"#.into(),
        format!(r#"{{{question}, "answer": "1342243142133124"}}"#),
        r#"{"inputs": [{"name": "question", "shape": [1], "datatype": "BYTES", "data": ["1.....3..2.....4"]}], "parameters": {"restarts": 1}, "outputs": [{"name": "answer"}]}"#.into(),
        r#"{"inputs": [{"name": "tokens", "shape": [1, 16], "datatype": "INT32", "data": [2,1,1,1,1,1,4,1,1,3,1,1,1,1,1,5]}]}"#.into(),
        "seed=7&count=2&first=1&givens=6".into(),
    ] {
        for form in 2..9u8 {
            seeds.bytes("http", &[&[form][..], body.as_bytes()].concat());
        }
    }
    seeds.bytes(
        "http",
        b"\x00GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    seeds.bytes("http", b"\x00POST /v1/solve HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
    let call = |name: &str, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments},"_meta":{{"progressToken":1}}}}}}"#
        )
    };
    for message in [
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"recurra://models/sudoku4/trace/1.....3..2.....4"}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/templates/list"}"#.into(),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#.into(),
        call("list_models", "{}"),
        call("describe_task", "{}"),
        call("solve", &format!("{{{question}, \"restarts\": 2, \"seed\": 1}}")),
        call("check", &format!("{{{question}, \"answer\": \"1342243142133124\"}}")),
        call("generate", "{\"seed\": 1}"),
        call("explain_steps", &format!("{{{question}}}")),
    ] {
        seeds.bytes("mcp", message.as_bytes());
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).expect("memory has room");
    gzip.finish().expect("memory has room")
}

struct Seeds(PathBuf);

impl Seeds {
    fn bytes(&mut self, target: &str, bytes: &[u8]) {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder).expect("a folder");
        let number = fs::read_dir(&folder).expect("a folder").count();
        fs::write(folder.join(format!("seed-{number:03}")), bytes).expect("there is room");
    }

    fn with(&mut self, target: &str, before: &[u8], path: &Path) {
        if fs::metadata(path).is_ok_and(|of| of.len() <= MOST) {
            let bytes = fs::read(path).expect("it is there");
            self.bytes(target, &[before, &bytes].concat());
        }
    }

    fn whole(&mut self, target: &str, paths: &[PathBuf]) {
        for path in paths {
            self.with(target, &[], path);
        }
    }
}

/// All files in a folder and below it, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn ending(paths: &[PathBuf], end: &str) -> Vec<PathBuf> {
    let has = |path: &&PathBuf| path.to_string_lossy().ends_with(end);
    paths.iter().filter(has).cloned().collect()
}

/// A member of a zip archive, by the end of its name.
fn member(archive: &Path, end: &str) -> Option<Vec<u8>> {
    let file = fs::File::open(archive).ok()?;
    let mut zip = zip::ZipArchive::new(file).ok()?;
    let names = zip.file_names().filter_map(Result::ok);
    let name = names
        .map(|name| name.to_string())
        .find(|name| name.ends_with(end))?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name(&name).ok()?, &mut bytes).ok()?;
    Some(bytes)
}

/// What the library itself writes.
mod made {
    use super::Seeds;
    use recurra::kernels::Precision;
    use recurra::model::TrmWeights;
    use recurra::quantize::quantize;
    use recurra::thinking::{Features, KPredictor, Outcome};
    use recurra::train::{TrainConfig, Trainer};
    use recurra::{Mixer, Model, Positions, TaskSpec, TrmConfig};
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;
    use std::collections::HashMap;

    pub(super) fn write(seeds: &mut Seeds) {
        let mut predictor = KPredictor::new("model");
        let features =
            Features::of_question(&[2, 0, 1, 1], 6, |token| token >= 2, [&[0.1f32, 0.2][..]]);
        for steps in 1..20 {
            predictor.learn(&features, Outcome::Solved { steps });
        }
        for predictor in [KPredictor::new("model"), predictor] {
            let bytes = predictor.to_bytes();
            // The target puts the checksum there itself.
            seeds.bytes("predictor", &[&[1][..], &bytes[..bytes.len() - 8]].concat());
            seeds.bytes("predictor", &[&[0][..], &bytes].concat());
        }

        let numbers: Vec<u8> = [0.6f32, 0.8, 1.0, 0.0, 0.0, 1.0, 0.8, 0.6]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let notes = |norm: &str| {
            let entries = [
                ("embedder.name", "a"),
                ("embedder.hash", "b"),
                ("embedder.norm", norm),
            ];
            HashMap::from(entries.map(|(key, value)| (key.to_owned(), value.to_owned())))
        };
        let names: [&[&str]; 3] = [
            &["queries", "answers"],
            &["queries", "answers", "initial"],
            &["answers"],
        ];
        for (names, norm) in names.iter().zip(["unit", "free", "unit"]) {
            let view = || TensorView::new(Dtype::F32, vec![4, 2], &numbers).expect("it fits");
            let tensors = names.iter().map(|&name| (name, view()));
            let bytes = safetensors::serialize(tensors, Some(notes(norm))).expect("it is a file");
            seeds.bytes("pairs", &bytes);
        }

        let config = TrmConfig {
            vocab_size: 6,
            seq_len: 4,
            hidden_size: 16,
            num_heads: 1,
            expansion: 1.0,
            swiglu_multiple: 16,
            num_layers: 1,
            h_cycles: 1,
            l_cycles: 1,
            mixer: Mixer::Mlp,
            positions: Positions::None,
            puzzle_emb_ndim: 0,
            puzzle_emb_len: 0,
            num_puzzle_identifiers: 1,
            halt_max_steps: 2,
            rms_norm_eps: 1e-5,
            rope_theta: 1e4,
            groups: None,
        };
        // Small models, which are changed quickly: shipped ones are longer than an input may be.
        for (mixer, positions) in [
            (Mixer::Mlp, Positions::None),
            (Mixer::Attention, Positions::Rotary),
            (Mixer::Conv, Positions::Grid { cols: 4 }),
        ] {
            let config = TrmConfig {
                seq_len: 16,
                mixer,
                positions,
                ..config.clone()
            };
            let weights = TrmWeights::random(&config, 1);
            let task = TaskSpec::Sudoku { size: 4 };
            let model = Model::new(config, Some(task), weights);
            for precision in [
                Precision::F32,
                Precision::Bf16,
                Precision::Q8,
                Precision::Q4,
            ] {
                if let Ok(model) = quantize(&model, precision, None) {
                    seeds.bytes("model", &model.to_bytes());
                }
            }
        }
        let weights = TrmWeights::random(&config, 1);
        let train = TrainConfig {
            batch_size: 2,
            ..TrainConfig::default()
        };
        let trainer = Trainer::new(&config, train, weights, 1).expect("it can be trained");
        seeds.bytes(
            "checkpoint",
            &trainer.to_checkpoint(&serde_json::Value::Null),
        );
    }
}
