//! Gradients against finite differences, and what training learns.

use super::*;
use crate::tasks::vectors::{Embedder, Norm};
use crate::thinking::StopReason;
use crate::vectors::measure::{Retrieval, measure};
use crate::vectors::{RefineOptions, Refiner};

const D: usize = 12;

/// Questions whose answers are their vectors with the places turned by `turn`.
fn turned(rows: usize, turn: usize, width: usize, norm: Norm, seed: u64) -> Pairs {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pairs = Pairs {
        embedder: Embedder::default(),
        dimension: D,
        width,
        ..Pairs::default()
    };
    for _ in 0..rows {
        let vectors: Vec<f32> = (0..width * D)
            .map(|_| crate::network::states::normal(&mut rng) as f32)
            .collect();
        for vector in vectors.chunks_exact(D) {
            let length = match norm {
                Norm::Unit => vector.iter().map(|v| v * v).sum::<f32>().sqrt(),
                Norm::Free => 0.5,
            };
            pairs.queries.extend(vector.iter().map(|v| v / length));
        }
        let first = pairs.queries[pairs.queries.len() - width * D..][..D].to_vec();
        pairs.answers.extend((0..D).map(|i| first[(i + turn) % D]));
    }
    pairs
}

fn spec(norm: Norm, neighbours: usize) -> VectorSpec {
    VectorSpec {
        embedder: "test".into(),
        hash: String::new(),
        dimension: D,
        norm,
        questions: 2,
        neighbours,
        in_turn: false,
    }
}

/// Chains of `hops` turns: the vector to begin with, and for each hop a vector that says by how many places to turn.
fn chains(rows: usize, hops: usize, seed: u64) -> Pairs {
    let kinds = turned(2, 0, 1, Norm::Unit, 99).queries;
    let mut pairs = turned(rows, 0, 1, Norm::Unit, seed);
    let starts = std::mem::take(&mut pairs.queries);
    let (mut answers, mut path) = (Vec::new(), Vec::new());
    for (row, start) in starts.chunks_exact(D).enumerate() {
        pairs.queries.extend(start);
        let mut now = start.to_vec();
        for hop in 0..hops {
            let kind = (row >> hop) & 1;
            pairs.queries.extend(&kinds[kind * D..][..D]);
            now.rotate_right([1, 5][kind]);
            path.extend(&now);
        }
        answers.extend(now);
    }
    (pairs.width, pairs.answers, pairs.path) = (1 + hops, answers, Some(path));
    pairs
}

fn small(spec: &VectorSpec, layers: usize, steps: usize) -> TrmConfig {
    TrmConfig {
        hidden_size: 16,
        num_heads: 2,
        num_layers: layers,
        swiglu_multiple: 16,
        halt_max_steps: steps,
        ..architecture(spec)
    }
}

fn recipe(batch: usize) -> VectorTrainConfig {
    let mut config = VectorTrainConfig {
        mined: 2,
        ..VectorTrainConfig::default()
    };
    config.train.batch_size = batch;
    config.temperature = 0.2;
    config
}

#[test]
fn gradients_agree_with_finite_differences() {
    for (norm, width, in_turn, threads) in [
        (Norm::Unit, 1, false, 1),
        (Norm::Unit, 3, false, 2),
        (Norm::Free, 2, false, 1),
        (Norm::Unit, 3, true, 2),
    ] {
        let spec = VectorSpec {
            in_turn,
            ..spec(norm, 0)
        };
        let config = small(&spec, 2, 2);
        let pairs = Arc::new(match in_turn {
            true => chains(5, width - 1, 1),
            false => turned(5, 3, width, norm, 1),
        });
        let mut weights = TrmWeights::random(&config, 3);
        // An untrained head gives no gradient to what stands before it.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for table in [&mut weights.lm_head, &mut weights.q_head] {
            for row in 0..table.rows() {
                table
                    .row_mut(row)
                    .iter_mut()
                    .for_each(|v| *v = 0.1 * crate::network::states::normal(&mut rng) as f32);
            }
        }
        let rows = [0, 1, 2, 3];
        let loss = |weights: &TrmWeights| {
            let trainer = VectorTrainer::new(
                spec.clone(),
                &config,
                recipe(4),
                pairs.clone(),
                weights.clone(),
                threads,
            );
            trainer.unwrap().gradient(&rows, 0).0
        };
        let mut trainer = VectorTrainer::new(
            spec.clone(),
            &config,
            recipe(4),
            pairs.clone(),
            weights.clone(),
            threads,
        )
        .unwrap();
        trainer.gradient(&rows, 0);
        let gradient = trainer.workers[0].gradient.weights.clone();
        let names = TrmWeights::shapes(&config);
        for (t, (name, _)) in names.iter().enumerate() {
            if !super::super::gradient::is_trained(name) {
                continue;
            }
            // Along its own gradient a tensor's loss rises as fast as the gradient is long.
            let own = gradient.tensors()[t].clone();
            let length = own
                .padded()
                .iter()
                .map(|g| f64::from(*g).powi(2))
                .sum::<f64>()
                .sqrt();
            if length < 1e-7 {
                continue;
            }
            let size = weights.tensors()[t]
                .padded()
                .iter()
                .map(|w| f64::from(*w).powi(2))
                .sum::<f64>()
                .sqrt();
            let by = 5e-4 * size.max(0.1) / length;
            let along = |by: f64| {
                let mut moved = weights.clone();
                let to = moved.tensors_mut().swap_remove(t);
                for (w, g) in to.padded_mut().iter_mut().zip(own.padded()) {
                    *w += (by * f64::from(*g)) as f32;
                }
                loss(&moved)
            };
            let found = (along(by) - along(-by)) / (2.0 * by * length);
            let off = (found - length).abs() / length;
            assert!(
                off < 0.03,
                "{norm} {width} {in_turn} {name}: {found} for {length}"
            );
        }
    }
}

#[test]
fn an_untrained_model_changes_nothing() {
    for norm in [Norm::Unit, Norm::Free] {
        let refiner = Refiner::untrained(spec(norm, 0), 1).unwrap();
        let pairs = turned(20, 1, 2, norm, 2);
        for i in 0..pairs.len() {
            let row = pairs.row(i);
            let answer = refiner.reason(row.question, row.initial, 3).unwrap();
            assert_eq!(answer.vector, row.initial);
            assert!(!answer.refined);
        }
    }
}

#[test]
fn what_raw_vectors_cannot_find_is_learnt() {
    let spec = spec(Norm::Unit, 0);
    let config = TrmConfig {
        hidden_size: 48,
        ..small(&spec, 1, 2)
    };
    let pairs = Arc::new(turned(400, 5, 1, Norm::Unit, 7));
    let unseen = turned(100, 5, 1, Norm::Unit, 8);
    let mut recipe = recipe(32);
    recipe.train.lr = 4e-3;
    recipe.train.warmup = 20;
    let run = |threads| {
        let weights = TrmWeights::random(&config, 1);
        let mut trainer = VectorTrainer::new(
            spec.clone(),
            &config,
            recipe.clone(),
            pairs.clone(),
            weights,
            threads,
        )
        .unwrap();
        for step in 0..250 {
            trainer.step(step as f64 / 250.0).unwrap();
        }
        trainer.model()
    };
    let mut model = run(1);
    assert_eq!(
        model.to_bytes(),
        run(1).to_bytes(),
        "the same seed and threads give the same bytes"
    );
    let refiner = Refiner::new(&model).unwrap();
    let measured = measure(&refiner, &unseen, refiner.options()).unwrap();
    let (raw, refined) = (
        Retrieval::of(&measured.raw_ranks),
        Retrieval::of(&measured.ranks),
    );
    assert!(raw.recall_at_1 < 0.1, "{raw:?}");
    assert!(refined.recall_at_1 > 0.8, "{refined:?}");

    // A batch gives the same answers as its questions alone, and those that stop early take fewer steps.
    let options = RefineOptions {
        max_steps: 6,
        halt_above: 0.9,
        raw_below: 0.2,
    };
    let together = measure(&refiner, &unseen, options).unwrap().answers;
    alone_as_together(&refiner, &unseen, options, &together);
    let refining = calibrate(&mut model, &unseen).unwrap();
    assert!(
        refining.recall_at_1 >= refined.recall_at_1 - 0.006,
        "{refining:?}"
    );
    let read = crate::model::TrmModel::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(read.header.refining, Some(refining));
}

#[test]
fn retrieval_in_the_loop_needs_an_index() {
    let spec = spec(Norm::Unit, 3);
    let config = small(&spec, 1, 2);
    let pairs = Arc::new(turned(40, 1, 1, Norm::Unit, 4));
    let weights = TrmWeights::random(&config, 1);
    let mut trainer =
        VectorTrainer::new(spec, &config, recipe(8), pairs.clone(), weights, 2).unwrap();
    for _ in 0..5 {
        trainer.step(0.0).unwrap();
    }
    let refiner = Refiner::new(&trainer.model()).unwrap();
    let row = pairs.row(0);
    let error = refiner
        .reason(row.question, row.initial, 2)
        .unwrap_err()
        .to_string();
    assert!(error.contains("each step retrieves 3 vectors"), "{error}");
    let measured = measure(&refiner, &pairs, refiner.options()).unwrap();
    assert!(measured.answers.iter().any(|a| a.refined));

    // Questions that think together and stop after different steps have the answers that they have alone.
    let options = |halt_above| RefineOptions {
        max_steps: 3,
        halt_above,
        raw_below: 0.0,
    };
    let first = RefineOptions {
        max_steps: 1,
        ..options(2.0)
    };
    let once = measure(&refiner, &pairs, first).unwrap().answers;
    let mut sure: Vec<f32> = once.iter().map(|a| a.confidence).collect();
    sure.sort_by(f32::total_cmp);
    let options = options(sure[sure.len() / 2]);
    let together = measure(&refiner, &pairs, options).unwrap().answers;
    assert!(together.iter().any(|a| a.steps == 1) && together.iter().any(|a| a.steps == 3));
    alone_as_together(&refiner, &pairs, options, &together);
}

/// Each question gets the same answer when it is asked alone.
fn alone_as_together(
    refiner: &Refiner,
    pairs: &Pairs,
    options: RefineOptions,
    together: &[crate::vectors::Refined],
) {
    let (index, _) = crate::vectors::measure::passages(refiner, pairs).unwrap();
    let refiner = match refiner.spec().neighbours {
        0 => refiner.clone(),
        _ => refiner.clone().with_index(index).unwrap(),
    };
    for (i, answer) in together.iter().enumerate() {
        let row = pairs.row(i);
        let question = crate::vectors::VectorQuestion {
            question: row.question,
            initial: row.initial,
        };
        assert_eq!(refiner.reason_with(question, options).unwrap(), *answer);
    }
}

#[test]
fn a_question_taken_in_turn_is_answered_hop_by_hop() {
    // Only single turns are learnt.
    let single = Arc::new(chains(400, 1, 1));
    for neighbours in [0, 1] {
        let spec = VectorSpec {
            in_turn: true,
            ..spec(Norm::Unit, neighbours)
        };
        let config = TrmConfig {
            hidden_size: 48,
            ..small(&spec, 1, 4)
        };
        let mut recipe = recipe(32);
        (recipe.train.lr, recipe.train.warmup) = (4e-3, 20);
        let weights = TrmWeights::random(&config, 1);
        let mut trainer =
            VectorTrainer::new(spec, &config, recipe, single.clone(), weights, 1).unwrap();
        for step in 0..300 {
            trainer.step(step as f64 / 300.0).unwrap();
        }
        let refiner = Refiner::new(&trainer.model()).unwrap();
        let mut unseen = chains(100, 2, 8);
        // What stands on the way is found where the passages are searched.
        unseen.passages = unseen.path.clone();
        let options = RefineOptions {
            raw_below: 0.0,
            ..refiner.options()
        };
        let measured = measure(&refiner, &unseen, options).unwrap();
        assert!(measured.answers.iter().all(|a| a.steps == 2));
        let found = Retrieval::of(&measured.ranks);
        assert!(found.recall_at_1 > 0.7, "{neighbours}: {found:?}");
        alone_as_together(&refiner, &unseen, options, &measured.answers);
        let half = RefineOptions {
            max_steps: 1,
            ..options
        };
        let half = measure(&refiner, &unseen, half).unwrap();
        assert!(Retrieval::of(&half.ranks).recall_at_1 < 0.2);
        assert!(
            half.answers
                .iter()
                .all(|a| a.stopped == StopReason::MaxSteps)
        );
    }
}

#[test]
fn impossible_trainings_are_refused() {
    let spec = spec(Norm::Unit, 0);
    let config = small(&spec, 1, 2);
    let weights = TrmWeights::random(&config, 1);
    let begin = |recipe: VectorTrainConfig, pairs: Pairs| {
        let pairs = Arc::new(pairs);
        VectorTrainer::new(spec.clone(), &config, recipe, pairs, weights.clone(), 1)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let good = || turned(4, 1, 1, Norm::Unit, 1);
    let mut hot = recipe(4);
    hot.temperature = 0.0;
    assert!(begin(hot, good()).contains("`temperature`"));
    assert!(begin(recipe(1), good()).contains("`batch_size`"));
    assert!(begin(recipe(4), turned(1, 1, 1, Norm::Unit, 1)).contains("`pairs`"));
    let mut bad = good();
    bad.answers[D] = f32::NAN;
    let error = begin(recipe(4), bad);
    assert!(
        error.contains("row 1: answers: expected finite numbers, found NaN at place 0"),
        "{error}"
    );
}

#[test]
fn a_training_goes_on_exactly() {
    let spec = spec(Norm::Unit, 0);
    let config = small(&spec, 1, 2);
    let pairs = Arc::new(turned(40, 3, 2, Norm::Unit, 1));
    let weights = TrmWeights::random(&config, 3);
    let mut trainer =
        VectorTrainer::new(spec, &config, recipe(8), pairs.clone(), weights, 1).unwrap();
    for _ in 0..3 {
        trainer.step(0.1).unwrap();
    }
    let notes = serde_json::json!({"seconds": 0.5});
    let bytes = trainer.to_checkpoint(&notes);
    assert!(VectorCheckpoint::is(&bytes));
    let head = VectorCheckpoint::read(&bytes).unwrap();
    assert_eq!((head.step, head.notes), (3, notes));
    let mut other = VectorTrainer::from_checkpoint(&bytes, pairs.clone(), 1).unwrap();
    for _ in 0..3 {
        assert_eq!(other.step(0.2).unwrap(), trainer.step(0.2).unwrap());
    }
    let notes = serde_json::Value::Null;
    assert_eq!(other.to_checkpoint(&notes), trainer.to_checkpoint(&notes));
    let broken = VectorTrainer::from_checkpoint(&bytes[..bytes.len() / 2], pairs, 1);
    assert!(broken.is_err());
}

#[test]
fn a_path_leads_step_by_step() {
    // The answer is the question turned twice, and the first step is to turn it once.
    let spec = spec(Norm::Unit, 0);
    let config = small(&spec, 1, 2);
    let mut pairs = turned(300, 2, 1, Norm::Unit, 1);
    let mut path = Vec::new();
    for (query, answer) in pairs
        .queries
        .chunks_exact(D)
        .zip(pairs.answers.chunks_exact(D))
    {
        path.extend((0..D).map(|i| query[(i + 1) % D]));
        path.extend(answer);
    }
    pairs.path = Some(path.clone());
    pairs.validate().unwrap();
    let mut train = recipe(32);
    train.train.lr = 4e-3;
    let weights = TrmWeights::random(&config, 3);
    let mut trainer =
        VectorTrainer::new(spec, &config, train, Arc::new(pairs.clone()), weights, 1).unwrap();
    for i in 0..200 {
        trainer.step(f64::from(i) / 200.0).unwrap();
    }
    let refiner = Refiner::new(&trainer.model()).unwrap();
    let near = |steps: usize, to: &dyn Fn(usize) -> Vec<f32>| {
        let cosines = (0..20).map(|i| {
            let query = &pairs.queries[i * D..][..D];
            let found = refiner.reason(query, query, steps).unwrap();
            let to = to(i);
            found
                .vector
                .iter()
                .zip(&to)
                .map(|(a, b)| a * b)
                .sum::<f32>()
        });
        cosines.sum::<f32>() / 20.0
    };
    let once = |i: usize| path[2 * i * D..][..D].to_vec();
    let twice = |i: usize| path[(2 * i + 1) * D..][..D].to_vec();
    let found = [
        near(1, &once),
        near(1, &twice),
        near(2, &once),
        near(2, &twice),
    ];
    assert!(
        found[0] > found[1] + 0.3 && found[3] > found[2] + 0.3,
        "{found:?}"
    );
}
