//! What one run of each piece of hot code does, for counting its instructions: `benches/instructions/run.sh` runs it under Valgrind.
//!
//! `instructions NAME` does the work once to warm up, and once more in the function that is counted; without a name it lists the names.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use recurra::engine::{PackedModel, TrmEngine};
use recurra::kernels::epilogue::Epilogue;
use recurra::kernels::format::F32;
use recurra::kernels::map::Function;
use recurra::kernels::pack::{PackedMatrix, Packing};
use recurra::kernels::product::{Part, Product, Rhs};
use recurra::kernels::{AlignedMatrix, Isa, Precision};
use recurra::model::{TrmModel, TrmWeights};
use recurra::quantize::quantize;
use recurra::tasks::Task;
use recurra::train::{Sample, SampleSource, TrainConfig, TrainPrecision, Trainer};
use recurra::{Mixer, Positions, TrmConfig};
use std::hint::black_box;
use std::sync::Arc;

/// The work, and how to get ready for it.
type Ready = fn() -> Box<dyn FnMut()>;

const ALL: [(&str, Ready); 11] = [
    ("kernel-product-f32", product),
    ("kernel-exp", exp),
    ("step-mlp-f32", || model_step("sudoku4", None)),
    ("step-mlp-q8", || model_step("sudoku4", Some(Precision::Q8))),
    ("step-mlp-q4", || model_step("sudoku4", Some(Precision::Q4))),
    ("step-conv-f32", || model_step("maze15", None)),
    ("step-constraints-f32", || model_step("constraints", None)),
    ("step-attention-f32", attention_step),
    ("train-mlp-f32", train_step),
    ("canonical-sudoku9", canonical),
    ("verify-sudoku9", verify),
];

/// What is counted: nothing of getting ready.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

fn main() {
    let name = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let Some(name) = name else {
        for (name, _) in ALL {
            println!("{name}");
        }
        return;
    };
    let found = ALL.iter().find(|(known, _)| *known == name);
    let (_, ready) = found.unwrap_or_else(|| panic!("no work is called {name}"));
    let mut work = ready();
    work();
    measured(&mut work);
}

fn floats(rows: usize, cols: usize) -> AlignedMatrix {
    let mut matrix = AlignedMatrix::zeros(rows, cols);
    for r in 0..rows {
        for (c, x) in matrix.row_mut(r).iter_mut().enumerate().take(cols) {
            *x = ((r * 31 + c * 17) % 97) as f32 / 97.0 - 0.5;
        }
    }
    matrix
}

fn product() -> Box<dyn FnMut()> {
    let isa = Isa::detect();
    let (m, n, k) = (97, 192, 128);
    let (a, w) = (floats(m, k), floats(n, k));
    let packed = PackedMatrix::of_floats(isa, Packing::Panels, &w);
    let mut c = AlignedMatrix::zeros(m, n);
    Box::new(move || {
        let epilogue = c.view().store();
        run(isa, (m, n, k), &a, &packed, epilogue);
        black_box(&c);
    })
}

fn run<E: Epilogue>(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    a: &AlignedMatrix,
    w: &PackedMatrix,
    epilogue: E,
) {
    isa.compile(Product {
        m,
        n,
        units: k,
        lhs: a.view_const().lhs(),
        rhs: Rhs::Packed(w),
        format: F32,
        epilogue,
        part: Part { part: 0, parts: 1 },
    });
}

fn exp() -> Box<dyn FnMut()> {
    let isa = Isa::detect();
    let mut x: Vec<f32> = (0..4096).map(|i| (i as f32 / 4096.0).sin()).collect();
    Box::new(move || {
        isa.apply(Function::Exp, &mut x);
        black_box(&x);
    })
}

fn model_step(name: &str, precision: Option<Precision>) -> Box<dyn FnMut()> {
    let path = format!(
        "{}/../../models/{name}.safetensors",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut model = TrmModel::open(path).expect("a model of the repository");
    if let Some(precision) = precision {
        model = quantize(&model, precision, None).expect("it is in f32");
    }
    let question = vec![1; model.config().seq_len];
    // Models over groups get theirs from the task.
    let solver = recurra::Solver::new(&model, 1).expect("it can be asked");
    let task = solver.task().expect("it has one").clone();
    let mut config = model.config().clone();
    config.groups = config
        .groups
        .clone()
        .or_else(|| task.groups().map(Arc::new));
    let packed = Arc::new(PackedModel::new(Isa::detect(), &config, &model.weights));
    step(packed, question)
}

fn step(packed: Arc<PackedModel>, question: Vec<u16>) -> Box<dyn FnMut()> {
    let mut engine = TrmEngine::with_weights(packed, 1);
    engine.start(&question, 0).expect("tokens of the model");
    Box::new(move || {
        engine.step();
        black_box(engine.decode());
    })
}

fn config(mixer: Mixer) -> TrmConfig {
    TrmConfig {
        vocab_size: 8,
        seq_len: 36,
        hidden_size: 64,
        num_heads: 4,
        expansion: 2.0,
        swiglu_multiple: 32,
        num_layers: 2,
        h_cycles: 2,
        l_cycles: 2,
        mixer,
        positions: match mixer {
            Mixer::Attention => Positions::Rotary,
            _ => Positions::None,
        },
        puzzle_emb_ndim: 0,
        puzzle_emb_len: 0,
        num_puzzle_identifiers: 1,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    }
}

fn attention_step() -> Box<dyn FnMut()> {
    let config = config(Mixer::Attention);
    let weights = TrmWeights::random(&config, 1);
    let packed = PackedModel::new(Isa::detect(), &config, &weights);
    step(Arc::new(packed), vec![1; config.seq_len])
}

/// Random digits, half of them given.
struct Noise;

impl SampleSource for Noise {
    fn draw(&self, rng: &mut ChaCha8Rng, sample: &mut Sample) {
        for (q, l) in sample.question.iter_mut().zip(&mut sample.labels) {
            *l = 2 + (rng.next_u32() % 6) as u16;
            *q = if rng.next_u32().is_multiple_of(2) {
                *l
            } else {
                1
            };
        }
    }
}

fn train_step() -> Box<dyn FnMut()> {
    let config = config(Mixer::Mlp);
    let train = TrainConfig {
        batch_size: 4,
        // That of processors that multiply bfloat16 is another.
        precision: TrainPrecision::F32,
        ..TrainConfig::default()
    };
    let weights = TrmWeights::random(&config, 1);
    let mut trainer = Trainer::new(&config, train, weights, 1).expect("a valid configuration");
    Box::new(move || {
        trainer.step(&Noise, 0.0).expect("a step does not diverge");
    })
}

fn sudoku() -> (Arc<dyn Task>, Vec<u16>, Vec<u16>) {
    let task = recurra::TaskSpec::Sudoku { size: 9 }
        .task()
        .expect("it is a size");
    let puzzle =
        ".......1..9....7385..8.24....31..5..7...59.4...9........4...9.282..97....1.2.....";
    let question = task.parse(puzzle).expect("a puzzle");
    let answer = task
        .solve(&question)
        .expect("it has a solver")
        .expect("it has one solution");
    (task, question, answer)
}

fn canonical() -> Box<dyn FnMut()> {
    let (task, question, _) = sudoku();
    Box::new(move || {
        black_box(task.canonical(black_box(&question)));
    })
}

fn verify() -> Box<dyn FnMut()> {
    let (task, question, answer) = sudoku();
    Box::new(move || {
        black_box(task.verify(black_box(&question), black_box(&answer)));
    })
}
