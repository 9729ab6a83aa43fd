//! The engine against the reference implementation's outputs, on every instruction set, with one and more threads.

use super::*;
use crate::fixtures::{MODELS, largest_difference, model, tensors};
use crate::model::TrmWeights;
use crate::network::config::{Mixer, Positions};
use crate::network::team::Member;
use crate::network::{Inject, Network};
use crate::thinking::{Rule, StopRules};
use rand::SeedableRng;
use recurra_kernels::{AlignedMatrix, Precision};

#[test]
fn agrees_with_the_reference_implementation() {
    for name in MODELS {
        let (config, weights) = model(name);
        let expected = tensors(name, "forward.safetensors");
        let questions: Vec<u16> = expected["inputs"].iter().map(|&t| t as u16).collect();
        for (i, isa) in Isa::available().into_iter().enumerate() {
            let packed = Arc::new(PackedModel::new(isa, &config, &weights));
            // How the work is shared out does not depend on the instruction set.
            let counts: &[usize] = if i == 0 { &[1, 3] } else { &[1] };
            for &threads in counts {
                let mut engine = TrmEngine::with_weights(packed.clone(), 1);
                // Models this small are never split; here the splitting itself is the matter.
                engine.team = Team::new(threads);
                engine.pool = TrmBufferPool::new(&config, threads, Precision::F32);
                for (s, question) in questions.chunks(config.seq_len).enumerate() {
                    let puzzle = expected["puzzle_identifiers"][s] as usize;
                    engine.start(question, puzzle).unwrap();
                    let close = |found: &[f32], tensor: &str, tolerance: f64| {
                        let expected = &expected[tensor];
                        let part = expected.len() / (questions.len() / config.seq_len);
                        let difference =
                            largest_difference(found, &expected[s * part..(s + 1) * part]);
                        let place = format!("{name} {} {threads} sample {s} {tensor}", isa.name());
                        assert!(difference <= tolerance, "{place}: {difference}");
                    };
                    close(&engine.x().to_vec(), "input_embeddings", 1e-6);
                    for step in 0..4 {
                        engine.step();
                        let logits = engine.decode();
                        let logits: Vec<f32> = (0..config.seq_len)
                            .flat_map(|i| logits.row(i).to_vec())
                            .collect();
                        close(&logits, &format!("logits.{step}"), 5e-5);
                        close(&engine.halt_logits(), &format!("q_logits.{step}"), 5e-5);
                    }
                    close(&engine.z_h().to_vec(), "z_H", 5e-5);
                    close(&engine.z_l().to_vec(), "z_L", 5e-5);
                }
            }
        }
    }
}

#[test]
fn one_call_agrees_with_the_reference_implementation() {
    for name in MODELS {
        let (config, weights) = model(name);
        let expected = tensors(name, "forward.safetensors");
        let (l, d) = (config.positions_len(), config.hidden_size);
        for isa in Isa::available() {
            let packed = PackedModel::new(isa, &config, &weights);
            let mut pool = TrmBufferPool::new(&config, 1, Precision::F32);
            for s in 0..3 {
                let state = |tensor: &str| {
                    let part: Vec<f32> = expected[tensor][s * l * d..(s + 1) * l * d]
                        .iter()
                        .map(|&v| v as f32)
                        .collect();
                    AlignedMatrix::from_slice(l, d, &part)
                };
                let (mut z, mut a) = (state("call.hidden"), state("call.injection"));
                let inject = Inject {
                    a: a.view(),
                    b: None,
                };
                Network::new(&packed.stack, Member::ALONE).call(
                    z.view(),
                    inject,
                    pool.scratch.views(),
                    &mut [],
                );
                let expected = &expected["call.output"][s * l * d..(s + 1) * l * d];
                let difference = largest_difference(&z.to_vec(), expected);
                assert!(
                    difference <= 1e-5,
                    "{name} {} sample {s}: {difference}",
                    isa.name()
                );
            }
        }
    }
}

#[test]
fn bad_questions_are_refused() {
    let (config, weights) = model("att_rope");
    let packed = Arc::new(PackedModel::new(Isa::detect(), &config, &weights));
    let mut engine = TrmEngine::with_weights(packed, 1);
    let good = vec![1; config.seq_len];
    let message = |e: Error| e.to_string();
    assert!(engine.start(&good, 4).is_ok());
    assert!(
        message(engine.start(&good[1..], 0).unwrap_err()).contains("expected 36 tokens, found 35")
    );
    let mut bad = good.clone();
    bad[7] = 8;
    assert!(message(engine.start(&bad, 0).unwrap_err()).contains("found 8 at place 7"));
    assert!(message(engine.start(&good, 5).unwrap_err()).contains("expected below 5, found 5"));
}

#[test]
fn thinking_stops_at_the_halting_head_or_after_the_last_step() {
    let (config, mut weights) = model("mlp_no_puzzle");
    let question = vec![1; config.seq_len];
    let rules = StopRules::none(40).with(Rule::Halt { logit: 0.0 });
    let mut think = |bias: f32| {
        weights.q_bias.row_mut(0)[0] = bias;
        weights.q_head.padded_mut().fill(0.0);
        let packed = Arc::new(PackedModel::new(Isa::detect(), &config, &weights));
        let mut seen = 0;
        let result = TrmEngine::with_weights(packed, 1)
            .reason(
                &question,
                0,
                rules,
                Surroundings {
                    watch: Some(&mut |p| {
                        seen += 1;
                        assert_eq!(p.step, seen);
                        assert!(p.residual.is_nan() && p.elapsed.is_zero());
                    }),
                    ..Surroundings::default()
                },
            )
            .unwrap();
        assert_eq!(result.steps, seen);
        (result.steps, result.stopped)
    };
    assert_eq!(think(1.0), (1, StopReason::Halt));
    assert_eq!(think(-1.0), (40, StopReason::MaxSteps));
}

#[test]
fn confidence_and_residual_are_what_they_say() {
    let (config, weights) = model("mlp_no_puzzle");
    let packed = Arc::new(PackedModel::new(Isa::detect(), &config, &weights));
    let question: Vec<u16> = (0..config.seq_len)
        .map(|i| (i % config.vocab_size) as u16)
        .collect();
    let mut engine = TrmEngine::with_weights(packed, 1);
    engine.start(&question, 0).unwrap();
    let mut expected = Vec::new();
    for _ in 0..4 {
        let before = engine.z_h().to_vec();
        engine.step();
        let after = engine.z_h().to_vec();
        let norm = |numbers: &mut dyn Iterator<Item = f32>| -> f64 {
            numbers.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
        };
        let change = norm(&mut before.iter().zip(&after).map(|(a, b)| a - b));
        let residual = change / norm(&mut after.iter().copied());
        let logits = engine.decode();
        let probability = |i: usize| {
            let exp = logits.row(i).iter().map(|&v| f64::from(v).exp());
            exp.clone().fold(0.0, f64::max) / exp.sum::<f64>()
        };
        let sum: f64 = (0..config.seq_len).map(probability).sum();
        expected.push((sum / config.seq_len as f64, residual));
    }
    let close = |found: f32, expected: f64| (f64::from(found) / expected - 1.0).abs() < 1e-5;
    let mut observed = 0;
    let mut watch = |p: &Progress<'_>| {
        let (confidence, residual) = expected[p.step - 1];
        assert!(
            close(p.confidence, confidence),
            "{} {confidence}",
            p.confidence
        );
        assert!(close(p.residual, residual), "{} {residual}", p.residual);
        observed += 1;
    };
    let surroundings = Surroundings {
        watch: Some(&mut watch),
        watch_residual: true,
        ..Surroundings::default()
    };
    let stop = StopRules::none(4);
    engine.reason(&question, 0, stop, surroundings).unwrap();
    assert_eq!(observed, 4);
    // A rule that reads residuals is answered too.
    let least = expected.iter().map(|e| e.1).fold(f64::INFINITY, f64::min);
    let below = (least * 1.001) as f32;
    let first = expected.iter().position(|e| e.1 < below.into()).unwrap();
    let stop = StopRules::none(9).with(Rule::Residual { below });
    let result = engine
        .reason(&question, 0, stop, Surroundings::default())
        .unwrap();
    assert_eq!(
        (result.steps, result.stopped),
        (first + 1, StopReason::Residual)
    );
}

#[test]
fn states_that_are_no_numbers_have_no_confidence_and_no_residual() {
    let (config, mut weights) = model("mlp_no_puzzle");
    weights.embed_tokens.row_mut(1).fill(f32::NAN);
    let packed = Arc::new(PackedModel::new(Isa::detect(), &config, &weights));
    let rules = ["halt", "plateau", "residual"]
        .map(|rule| rule.parse::<crate::thinking::RuleList>().unwrap());
    let rules = rules
        .iter()
        .flat_map(|list| list.rules(None))
        .fold(StopRules::none(5), StopRules::with);
    let mut watch = |p: &Progress<'_>| {
        assert!(p.confidence.is_nan() && p.residual.is_nan() && p.halt_logit.is_nan());
    };
    let surroundings = Surroundings {
        watch: Some(&mut watch),
        ..Surroundings::default()
    };
    let result = TrmEngine::with_weights(packed, 1)
        .reason(&vec![1; config.seq_len], 0, rules, surroundings)
        .unwrap();
    assert_eq!((result.steps, result.stopped), (5, StopReason::MaxSteps));
}

#[test]
fn attempts_that_take_turns_are_as_if_alone() {
    let (config, weights) = model("att_rope");
    let packed = Arc::new(PackedModel::new(Isa::detect(), &config, &weights));
    let mut engine = TrmEngine::with_weights(packed, 1);
    let questions: Vec<Vec<u16>> = (0..3)
        .map(|q| {
            (0..config.seq_len)
                .map(|i| ((i * (q + 1)) % config.vocab_size) as u16)
                .collect()
        })
        .collect();
    let rules = StopRules::none(4);
    let alone: Vec<_> = questions
        .iter()
        .map(|q| engine.reason(q, 0, rules, Surroundings::default()).unwrap())
        .collect();
    let mut lanes: Vec<_> = questions
        .iter()
        .map(|q| {
            engine.start(q, 0).unwrap();
            let mut state = engine.new_state();
            engine.exchange(&mut state);
            (state, Attempt::new(rules, q.len()))
        })
        .collect();
    for step in 1..=4 {
        for (state, attempt) in &mut lanes {
            engine.exchange(state);
            let stopped = engine.advance(attempt, &mut Surroundings::default());
            engine.exchange(state);
            assert_eq!(stopped, (step == 4).then_some(StopReason::MaxSteps));
        }
    }
    for ((_, attempt), result) in lanes.iter().zip(&alone) {
        assert_eq!(attempt.answer, result.answer);
        assert_eq!(attempt.halt_logit.to_bits(), result.halt_logit.to_bits());
    }
}

#[test]
fn other_starts_have_the_spread_of_the_models_own() {
    let (config, weights) = model("mlp_no_puzzle");
    let packed = Arc::new(PackedModel::new(Isa::detect(), &config, &weights));
    let mut engine = TrmEngine::with_weights(packed, 1);
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    engine.start(&vec![1; config.seq_len], 0).unwrap();
    let own = engine.z_h().to_vec();
    engine.add_noise(0.5, &mut rng);
    let noise: Vec<f32> = engine
        .z_h()
        .to_vec()
        .iter()
        .zip(&own)
        .map(|(a, b)| a - b)
        .collect();
    let variance = noise.iter().map(|v| v * v).sum::<f32>() / noise.len() as f32;
    assert!((variance - 0.25).abs() < 0.05, "{variance}");
    // The padding stays zero: kernels rely on it.
    let z = engine.z_h();
    assert!((0..z.rows()).all(|r| {
        z.padded()[r * z.stride()..][z.cols()..z.stride()]
            .iter()
            .all(|&v| v == 0.0)
    }));
    engine.start_elsewhere(&mut rng);
    assert_eq!(engine.z_h().row(0), engine.z_h().row(1));
    assert_ne!(engine.z_h().row(0), engine.z_l().row(0));
    assert_ne!(engine.z_h().row(0), &own[..config.hidden_size]);
    assert!(engine.z_h().row(0).iter().all(|v| v.abs() < 2.3));
}

/// Cosine of the angle between two states.
fn cosine(a: &AlignedMatrix, b: &AlignedMatrix) -> f64 {
    let dot = |a: &AlignedMatrix, b: &AlignedMatrix| -> f64 {
        let pairs = a.to_vec().into_iter().zip(b.to_vec());
        pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn fewer_bits_give_nearly_the_same_state() {
    let constraints = TrmConfig {
        hidden_size: 64,
        h_cycles: 1,
        ..crate::network::limits::tests::constraints()
    };
    let others = [Mixer::Mlp, Mixer::Attention, Mixer::Conv].map(|mixer| TrmConfig {
        seq_len: 36,
        hidden_size: 128,
        num_heads: 4,
        h_cycles: 1,
        l_cycles: 2,
        mixer,
        positions: match mixer {
            Mixer::Mlp => Positions::None,
            Mixer::Attention => Positions::Rotary,
            _ => Positions::Grid { cols: 4 },
        },
        ..crate::network::limits::tests::small()
    });
    for config in others.into_iter().chain([constraints]) {
        let mut weights = TrmWeights::random(&config, 3);
        if config.groups.is_some() {
            // Untrained, its recursion is chaotic.
            for linear in weights.parts_mut().1 {
                linear.padded_mut().iter_mut().for_each(|v| *v *= 0.5);
            }
        }
        let places = config.seq_len as u16;
        let question: Vec<u16> = (0..places).map(|i| i % config.vocab_size as u16).collect();
        let state = |isa: Isa, model: &TrmModel, threads: usize| {
            let packed = Arc::new(PackedModel::new(isa, &config, &model.weights));
            let precision = packed.precision();
            let mut engine = TrmEngine::with_weights(packed, 1);
            engine.team = Team::new(threads);
            engine.pool = TrmBufferPool::new(&config, threads, precision);
            engine.start(&question, 0).unwrap();
            engine.step();
            engine.z_h().clone()
        };
        let model = TrmModel::new(config.clone(), None, weights);
        let exact = state(Isa::available()[0], &model, 1);
        // Untrained, rounding grows from call to call.
        for (precision, least) in [(Precision::Bf16, 0.9999), (Precision::Q8, 0.998)] {
            let rounded = crate::quantize::quantize(&model, precision, None).unwrap();
            for isa in Isa::available() {
                let alone = state(isa, &rounded, 1);
                let found = cosine(&exact, &alone);
                // Bytes of 7 bits where the processor multiplies pairs of them.
                let pairs = ["sse41", "avx2", "avx512"].contains(&isa.name());
                let least = least - if pairs { 0.004 } else { 0.0 };
                assert!(
                    found >= least,
                    "{:?} {precision} {}: {found}",
                    config.mixer,
                    isa.name()
                );
                // Threads share the work out and change nothing.
                assert_eq!(state(isa, &rounded, 3).to_vec(), alone.to_vec());
            }
        }
    }
}

/// Each thread takes rows of its own, whose neighbours belong to another.
#[test]
fn threads_do_not_change_a_convolution() {
    let config = TrmConfig {
        seq_len: 28 * 28,
        hidden_size: 16,
        h_cycles: 1,
        mixer: Mixer::Conv,
        positions: Positions::Grid { cols: 28 },
        ..crate::network::limits::tests::small()
    };
    let weights = TrmWeights::random(&config, 3);
    let model = TrmModel::new(config.clone(), None, weights);
    let question: Vec<u16> = (0..28 * 28).map(|i| i % 31 * i % 6).collect();
    let rounded = crate::quantize::quantize(&model, Precision::Q8, None).unwrap();
    for model in [&model, &rounded] {
        let state = |threads: usize| {
            let packed = PackedModel::new(Isa::detect(), &config, &model.weights);
            let precision = packed.precision();
            let mut engine = TrmEngine::with_weights(Arc::new(packed), 1);
            engine.team = Team::new(threads);
            engine.pool = TrmBufferPool::new(&config, threads, precision);
            engine.start(&question, 0).unwrap();
            engine.step();
            engine.z_h().to_vec()
        };
        let alone = state(1);
        assert!(alone.iter().all(|v| v.is_finite()));
        for threads in [2, 3] {
            assert!(state(threads) == alone, "{threads} threads");
        }
    }
}
