//! Training models of vectors, against finite differences and against what there is to learn.

use super::*;
use crate::model::TrmWeights;
use crate::network::states::normal;
use crate::tasks::vectors::{Embedder, Norm};
use crate::train::TrainPrecision;
use crate::vectors::measure::{Retrieval, measure};
use crate::vectors::{RefineOptions, Refiner, VectorQuestion};

fn spec(dimension: usize, norm: Norm, questions: usize, neighbours: usize) -> VectorSpec {
    VectorSpec {
        embedder: "test".into(),
        hash: String::new(),
        dimension,
        norm,
        questions,
        neighbours,
    }
}

fn random(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| normal(rng) as f32).collect()
}

fn units(rng: &mut ChaCha8Rng, count: usize, d: usize) -> Vec<f32> {
    let mut all = random(rng, count * d);
    for vector in all.chunks_exact_mut(d) {
        let length = crate::vectors::check::length(vector) as f32;
        vector.iter_mut().for_each(|v| *v /= length);
    }
    all
}

/// Pairs of random vectors.
fn unrelated(norm: Norm, rows: usize, d: usize, width: usize) -> Pairs {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut vectors = |count| match norm {
        Norm::Unit => units(&mut rng, count, d),
        Norm::Free => random(&mut rng, count * d),
    };
    Pairs {
        embedder: Embedder::default(),
        dimension: d,
        width,
        queries: vectors(rows * width),
        lengths: None,
        answers: vectors(rows),
        initial: Some(vectors(rows)),
        negatives: Some(vectors(rows * 2)),
    }
}

/// Weights of which none is zero.
fn thinking(config: &TrmConfig, seed: u64) -> TrmWeights {
    let mut weights = TrmWeights::random(config, seed);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for m in [&mut weights.lm_head, &mut weights.q_head, &mut weights.q_bias] {
        for row in 0..m.rows() {
            m.row_mut(row).iter_mut().for_each(|w| *w += 0.1 * normal(&mut rng) as f32);
        }
    }
    weights
}

fn small(spec: &VectorSpec) -> TrmConfig {
    TrmConfig {
        hidden_size: 16,
        num_heads: 2,
        swiglu_multiple: 16,
        halt_max_steps: 2,
        ..architecture(spec)
    }
}

fn config() -> VectorTrainConfig {
    let mut config = VectorTrainConfig::default();
    config.train.precision = TrainPrecision::F32;
    config.train.batch_size = 6;
    config
}

#[test]
fn gradients_agree_with_finite_differences() {
    for (norm, neighbours, threads) in [(Norm::Unit, 0, 1), (Norm::Free, 0, 2), (Norm::Unit, 2, 1)] {
        let spec = spec(12, norm, 2, neighbours);
        let shape = small(&spec);
        let pairs = Arc::new(unrelated(norm, 9, 12, 3));
        let weights = thinking(&shape, 3);
        let config = VectorTrainConfig { temperature: 0.5, noise: 0.1, ..config() };
        let rows = [0, 2, 3, 5, 6, 8];
        let loss_of = |weights: TrmWeights| {
            let mut trainer = VectorTrainer::new(spec.clone(), &shape, config.clone(), pairs.clone(), weights, threads).unwrap();
            let loss = trainer.gradient(&rows, 7).0;
            (loss, trainer)
        };
        let (_, trainer) = loss_of(weights.clone());
        let mut checked = 0;
        for (i, (name, _)) in TrmWeights::shapes(&shape).iter().enumerate() {
            let tensors = trainer.workers[0].gradient.weights.tensors();
            let gradient = tensors[i];
            if gradient.rows() == 0 {
                continue;
            }
            let squares = gradient.padded().iter().map(|&g| f64::from(g).powi(2));
            let length = squares.sum::<f64>().sqrt();
            assert!(length > 1e-4, "{norm} {name}: {length}");
            let moved = |step: f64| {
                let mut weights = weights.clone();
                let tensor = weights.tensors_mut().swap_remove(i);
                for (w, g) in tensor.padded_mut().iter_mut().zip(gradient.padded()) {
                    *w += (step * f64::from(*g) / length) as f32;
                }
                loss_of(weights).0
            };
            let step = 3e-3;
            let numeric = (moved(step) - moved(-step)) / (2.0 * step);
            assert!((numeric / length - 1.0).abs() < 2e-2, "{norm} {neighbours} {name}: {numeric} for {length}");
            checked += 1;
        }
        assert!(checked >= 8, "{checked}");
    }
}

#[test]
fn an_untrained_model_is_the_identity() {
    for (norm, neighbours) in [(Norm::Unit, 0), (Norm::Free, 0), (Norm::Unit, 3)] {
        let pairs = unrelated(norm, 20, 10, 2);
        let refiner = Refiner::untrained(spec(10, norm, 2, neighbours), 1).unwrap();
        let found = measure(&refiner, &pairs, refiner.options()).unwrap();
        assert_eq!(found.ranks, found.raw_ranks);
        for (i, answer) in found.answers.iter().enumerate() {
            assert_eq!((&answer.vector[..], answer.refined), (pairs.row(i).initial, false));
        }
    }
}

#[test]
fn a_batch_says_what_each_question_alone_does() {
    let spec = spec(10, Norm::Unit, 2, 0);
    let shape = TrmConfig { halt_max_steps: 5, ..small(&spec) };
    let model = TrmModel::new(shape.clone(), Some(TaskSpec::Vectors(spec)), thinking(&shape, 4));
    let refiner = Refiner::new(&model).unwrap();
    let mut pairs = unrelated(Norm::Unit, 300, 10, 4);
    pairs.lengths = Some((0..300).map(|i| 1 + i % 4).collect());
    // In the middle of the confidences, so that samples leave at different steps.
    let options = RefineOptions { max_steps: 5, halt_above: 0.5, raw_below: 0.4 };
    let questions: Vec<VectorQuestion> = (0..300)
        .map(|i| pairs.row(i))
        .map(|row| VectorQuestion { question: row.question, initial: row.initial })
        .collect();
    let together = refiner.reason_many(&questions, options).unwrap();
    let mut steps = std::collections::BTreeSet::new();
    let mut raw = 0;
    for (question, answer) in questions.iter().zip(together) {
        let (alone, answer) = (refiner.reason_with(*question, options).unwrap(), answer.unwrap());
        assert_eq!((alone.steps, alone.refined, alone.stopped), (answer.steps, answer.refined, answer.stopped));
        assert!(alone.vector.iter().zip(&answer.vector).all(|(a, b)| (a - b).abs() < 1e-5));
        steps.insert(answer.steps);
        raw += usize::from(!answer.refined);
    }
    assert!(steps.len() > 1 && (1..300).contains(&raw), "{steps:?} {raw}");
}

/// Answers are questions turned by one rotation: raw vectors find nothing, and there is one thing to learn.
fn turned(norm: Norm, rows: usize, d: usize, seed: u64) -> Pairs {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let queries = units(&mut rng, rows, d);
    let mut answers = Vec::new();
    for query in queries.chunks_exact(d) {
        // Pairs of numbers by a quarter turn each: far from the question, as near as before to one another.
        for two in query.chunks_exact(2) {
            answers.extend([-two[1], two[0]]);
        }
    }
    if norm == Norm::Free {
        answers.iter_mut().for_each(|v| *v *= 3.0);
    }
    Pairs {
        dimension: d,
        width: 1,
        queries,
        answers,
        ..Pairs::default()
    }
}

#[test]
fn turned_questions_are_learned_and_told_apart_when_sure() {
    for norm in [Norm::Unit, Norm::Free] {
        let (train, test) = (turned(norm, 1000, 8, 1), turned(norm, 150, 8, 2));
        let spec = spec(8, norm, 1, 0);
        let shape = TrmConfig { hidden_size: 32, num_heads: 2, ..small(&spec) };
        let mut config = config();
        config.train.batch_size = 64;
        config.train.lr = 4e-3;
        config.train.warmup = 10;
        let weights = TrmWeights::random(&shape, 1);
        let mut trainer = VectorTrainer::new(spec, &shape, config, Arc::new(train), weights, 2).unwrap();
        for step in 0..300 {
            trainer.step(f64::from(step) / 300.0).unwrap();
        }
        let mut model = trainer.model();
        let refining = calibrate(&mut model, &test).unwrap();
        let refiner = Refiner::new(&model).unwrap();
        let found = measure(&refiner, &test, refiner.options()).unwrap();
        let (moved, raw) = (Retrieval::of(&found.ranks), Retrieval::of(&found.raw_ranks));
        assert!(raw.recall_at_1 < 0.1 && moved.recall_at_1 > 0.8, "{norm}: {raw:?} {moved:?}");
        assert_eq!((refining.recall_at_1, refining.raw_recall_at_1), (moved.recall_at_1, raw.recall_at_1));
        // The file says all of this again.
        let again = TrmModel::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(again.header.refining, Some(refining));
        let again = Refiner::new(&again).unwrap();
        assert_eq!(measure(&again, &test, again.options()).unwrap().ranks, found.ranks);
    }
}

#[test]
fn training_is_the_same_on_any_number_of_runs_and_goes_on_from_weights() {
    let spec = spec(12, Norm::Unit, 2, 2);
    let shape = small(&spec);
    let pairs = Arc::new(unrelated(Norm::Unit, 20, 12, 2));
    let run = || {
        let weights = TrmWeights::random(&shape, 1);
        let mut trainer = VectorTrainer::new(spec.clone(), &shape, config(), pairs.clone(), weights, 2).unwrap();
        let reports: Vec<VectorReport> = (0..4).map(|i| trainer.step(f64::from(i) / 4.0).unwrap()).collect();
        (reports, trainer.model().to_bytes())
    };
    let (reports, bytes) = run();
    assert!(run() == (reports.clone(), bytes));
    assert!(reports[3].loss < reports[0].loss, "{reports:?}");
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let spec = spec(12, Norm::Unit, 2, 0);
    let shape = small(&spec);
    let good = unrelated(Norm::Unit, 9, 12, 2);
    let refuse = |pairs: &Pairs, config: VectorTrainConfig, expected: &str| {
        let weights = TrmWeights::random(&shape, 1);
        let error = VectorTrainer::new(spec.clone(), &shape, config, Arc::new(pairs.clone()), weights, 1).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    let mut bad = good.clone();
    bad.answers[13] = f32::NAN;
    refuse(&bad, config(), "row 1: answers: expected finite numbers, found NaN at place 1");
    let mut bad = good.clone();
    bad.queries[24..36].fill(0.0);
    refuse(&bad, config(), "row 1: queries: expected a vector that is not zero");
    let mut bad = good.clone();
    bad.embedder.name = Some("another".into());
    refuse(&bad, config(), "embedding model: expected test, found another");
    refuse(&good, VectorTrainConfig { temperature: 0.0, ..config() }, "temperature");
    let mut one = good.only(&[0]);
    refuse(&one, config(), "pairs");
    one = good.only(&[0, 0, 0]);
    refuse(&one, config(), "at least 2 different answers");
}
