use super::*;
use crate::testing::cases;
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    min_k: 1,
    max_k: 16,
    quantile: 0.9,
};

/// Numbers in 0..1 that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Features that say something, and some that say nothing.
    fn features(&mut self) -> Features {
        let mut features = Features::UNKNOWN;
        for feature in Feature::ALL {
            features.set(feature, self.next());
        }
        features
    }
}

fn value(features: &Features, feature: Feature) -> f32 {
    features.get(feature).unwrap_or(0.0)
}

fn bounded(k: f32) -> usize {
    (k.round() as usize).clamp(1, 16)
}

/// Learns from so many examples of a law, then returns the share within 2 and the mean error of 1,000 others.
fn learn(law: &dyn Fn(&Features, &mut Random) -> usize, examples: usize) -> (f32, f32) {
    let mut random = Random(1);
    let mut predictor = KPredictor::new("m");
    for _ in 0..examples {
        let features = random.features();
        let steps = law(&features, &mut random);
        predictor.learn(&features, Outcome::Solved { steps });
    }
    measure(&predictor, law, &mut random)
}

fn measure(
    predictor: &KPredictor,
    law: &dyn Fn(&Features, &mut Random) -> usize,
    random: &mut Random,
) -> (f32, f32) {
    let (mut within, mut error) = (0, 0);
    for _ in 0..1000 {
        let features = random.features();
        let off = predictor
            .predict(&features, &LIMITS)
            .expected
            .abs_diff(law(&features, random));
        within += usize::from(off <= 2);
        error += off;
    }
    (within as f32 / 1000.0, error as f32 / 1000.0)
}

/// ln K is linear in some features, with noise of 20 %.
fn log_linear(features: &Features, random: &mut Random) -> usize {
    let doubt = value(features, Feature::Unsure) + value(features, Feature::Entropy);
    let noise = 0.4 * (random.next() + random.next() + random.next() - 1.5);
    bounded((1.4 * doubt + noise).exp())
}

#[test]
fn learns_a_known_law_from_250_examples() {
    let (within, error) = learn(&log_linear, 250);
    assert!(within >= 0.85 && error < 1.5, "{within} {error}");
    // Always saying the same is right much less often.
    let mut random = Random(7);
    let known: Vec<usize> = (0..1000)
        .map(|_| {
            let features = random.features();
            log_linear(&features, &mut random)
        })
        .collect();
    let constant = |c: usize| known.iter().filter(|k| k.abs_diff(c) <= 2).count();
    assert!((1..=16).all(|c| constant(c) < 850));
}

#[test]
fn learns_a_law_that_is_no_line() {
    // K is large where two features are, and small elsewhere.
    let corner = |features: &Features, _: &mut Random| {
        let large = |feature| value(features, feature) > 0.5;
        if large(Feature::Moved) && large(Feature::Unsure) {
            14
        } else {
            2
        }
    };
    let (within, error) = learn(&corner, 1000);
    assert!(within >= 0.85 && error < 1.5, "{within} {error}");
}

#[test]
fn follows_when_the_law_changes() {
    let before = |f: &Features, _: &mut Random| bounded(1.0 + 10.0 * value(f, Feature::Unsure));
    let after = |f: &Features, _: &mut Random| bounded(11.0 - 10.0 * value(f, Feature::Unsure));
    let mut random = Random(3);
    let mut predictor = KPredictor::new("m");
    for (law, count) in [(&before as &dyn Fn(&_, &mut _) -> _, 2000), (&after, 3000)] {
        for _ in 0..count {
            let features = random.features();
            let steps = law(&features, &mut random);
            predictor.learn(&features, Outcome::Solved { steps });
        }
    }
    let (within, error) = measure(&predictor, &after, &mut random);
    assert!(within >= 0.85 && error < 1.5, "{within} {error}");
}

#[test]
fn a_question_that_was_given_up_is_not_learnt_as_an_easy_one() {
    // Every second question needs 9 steps, but most of these are given up after 3.
    let law = |f: &Features| {
        if value(f, Feature::Unsure) > 0.5 {
            9
        } else {
            2
        }
    };
    let mut random = Random(5);
    let mut predictor = KPredictor::new("m");
    for i in 0..1000 {
        let features = random.features();
        let budget = if i % 8 == 0 { 16 } else { 3 };
        let steps = law(&features);
        let outcome = if steps <= budget {
            Outcome::Solved { steps }
        } else {
            Outcome::Unsolved { budget }
        };
        predictor.learn(&features, outcome);
    }
    let mut hard = Features::UNKNOWN;
    hard.set(Feature::Unsure, 0.8);
    let prediction = predictor.predict(&hard, &LIMITS);
    assert_eq!((prediction.expected, prediction.budget), (9, 9));
    assert!(prediction.solvable > 0.8, "{prediction:?}");
    // One that nothing solves is not thought easy either; it is known to be hopeless.
    let mut hopeless = KPredictor::new("m");
    for _ in 0..300 {
        hopeless.learn(&Features::UNKNOWN, Outcome::Unsolved { budget: 16 });
    }
    let prediction = hopeless.predict(&Features::UNKNOWN, &LIMITS);
    assert!(
        prediction.solvable < 0.05 && prediction.budget > 10,
        "{prediction:?}"
    );
}

#[test]
fn budgets_hold_what_they_promise() {
    let mut random = Random(11);
    let mut predictor = KPredictor::new("m");
    let law = |features: &Features, random: &mut Random| {
        // Geometric, the mean by a feature.
        let chance = 0.2 + 0.7 * value(features, Feature::Confidence);
        bounded((1.0 - random.next()).ln() / (1.0 - chance).ln() + 0.5)
    };
    for _ in 0..2000 {
        let features = random.features();
        let steps = law(&features, &mut random);
        predictor.learn(&features, Outcome::Solved { steps });
    }
    for quantile in [0.5, 0.8, 0.9, 0.99] {
        let limits = Limits { quantile, ..LIMITS };
        let (mut enough, mut budgets, mut work, mut done) = (0, 0, 0.0, 0);
        for _ in 0..4000 {
            let features = random.features();
            let steps = law(&features, &mut random);
            let prediction = predictor.predict(&features, &limits);
            enough += usize::from(steps <= prediction.budget);
            budgets += prediction.budget;
            work += prediction.work;
            done += steps.min(prediction.budget);
        }
        let share = enough as f32 / 4000.0;
        // Whole steps: a budget may keep more than was asked.
        assert!(share > quantile - 0.01, "{quantile}: {share}");
        assert!(budgets < 4000 * 13, "{quantile}: {budgets}");
        assert!(
            (work / done as f32 - 1.0).abs() < 0.05,
            "{quantile}: {work} {done}"
        );
    }
}

#[test]
fn a_selector_corrects_budgets_that_were_learnt_too_small() {
    let mut selector = AdaptiveKSelector::new(AdaptiveOptions::new(16), KPredictor::new("m"));
    let mut random = Random(2);
    let mut ask = |selector: &mut AdaptiveKSelector, needed: usize, i: u64| {
        let features = random.features();
        let plan = selector.plan(&features, i);
        let outcome = if needed <= plan.budget {
            Outcome::Solved { steps: needed }
        } else {
            Outcome::Unsolved {
                budget: plan.budget,
            }
        };
        selector.learn(&features, outcome);
        plan
    };
    let first = ask(&mut selector, 2, 0);
    assert_eq!(
        (first.expected, first.budget),
        (16, 16),
        "nothing is known yet"
    );
    let early: Vec<Plan> = (1..500).map(|i| ask(&mut selector, 2, i)).collect();
    let explored = early[100..].iter().filter(|plan| plan.explores).count();
    assert!((15..40).contains(&explored), "one in 16 of 399: {explored}");
    let spared = |plans: &[Plan]| plans.iter().filter(|p| !p.explores && p.budget < 4).count();
    assert!(spared(&early[400..]) > 80);
    // Now all need more than the budgets allow: only those that explore can tell.
    let late: Vec<Plan> = (500..3500).map(|i| ask(&mut selector, 7, i)).collect();
    assert!(late[2900..].iter().all(|plan| plan.budget >= 7));
}

#[test]
fn the_same_examples_give_the_same_plans() {
    let run = || {
        let mut selector = AdaptiveKSelector::new(AdaptiveOptions::new(20), KPredictor::new("m"));
        let mut random = Random(9);
        let mut plans = Vec::new();
        for i in 0..300 {
            let features = random.features();
            let plan = selector.plan(&features, i % 40);
            plans.push((plan, selector.refine(&plan, &features)));
            let steps = log_linear(&features, &mut random);
            selector.learn(&features, Outcome::Solved { steps });
        }
        (plans, selector.predictor().to_bytes())
    };
    assert_eq!(run(), run());
}

/// Predictors that have learnt from the parts of a run of examples.
fn parts(count: usize, each: usize) -> Vec<KPredictor> {
    let mut random = Random(4);
    let learnt = |_| {
        let mut predictor = KPredictor::new("m");
        for _ in 0..each {
            let features = random.features();
            let steps = log_linear(&features, &mut random);
            predictor.learn(&features, Outcome::Solved { steps });
        }
        predictor
    };
    (0..count).map(learnt).collect()
}

fn merged(parts: &[&KPredictor]) -> KPredictor {
    let mut all = parts[0].clone();
    for part in &parts[1..] {
        all.merge(part).unwrap();
    }
    all
}

#[test]
fn merged_workers_know_as_much_as_one() {
    let workers = parts(4, 250);
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| &workers[i]);
    let all = merged(&[a, b, c, d]);
    assert_eq!(all.examples(), 1000);
    let other = merged(&[d, b, a, c]);
    let mut random = Random(8);
    let (within, error) = measure(&all, &log_linear, &mut random);
    let (alone_within, alone_error) = measure(&parts(1, 1000)[0], &log_linear, &mut Random(8));
    assert!(
        within > alone_within - 0.02 && error < 1.05 * alone_error,
        "{within} {error}, from all: {alone_within} {alone_error}"
    );
    // The regression and the distribution over all questions do not depend on the order.
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs());
    let (left, right) = (&all.state.moments, &other.state.moments);
    assert!(close(left.weight, right.weight) && close(left.yy, right.yy));
    for i in 0..FEATURES {
        assert!(close(left.mean[i], right.mean[i]) && close(left.xy[i], right.xy[i]));
        for j in 0..FEATURES {
            assert!(close(left.xx[i][j], right.xx[i][j]));
        }
    }
    let counts = all.state.all.solved.iter().zip(&other.state.all.solved);
    assert!(counts.into_iter().all(|(a, b)| (a - b).abs() < 1e-2));
    // Two merged in either order predict the same.
    let (one, two) = (merged(&[a, b]), merged(&[b, a]));
    for _ in 0..200 {
        let features = random.features();
        let (p, q) = (
            one.predict(&features, &LIMITS),
            two.predict(&features, &LIMITS),
        );
        assert_eq!((p.expected, p.budget), (q.expected, q.budget));
        assert!((p.work - q.work).abs() < 1e-3 && (p.solvable - q.solvable).abs() < 1e-4);
    }
}

#[test]
fn what_is_learnt_of_one_model_is_not_taken_for_another() {
    let mut predictor = KPredictor::new("one");
    let error = predictor
        .merge(&KPredictor::new("two"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`one`") && error.contains("`two`"),
        "{error}"
    );
    let error = KPredictor::from_bytes(&predictor.to_bytes(), "two").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expected one for the model `two`, found one for `one`")
    );
}

#[test]
fn memory_is_bounded() {
    let mut predictor = KPredictor::new("m");
    let mut random = Random(6);
    let sizes: Vec<usize> = (0..4)
        .map(|_| {
            for _ in 0..500 {
                let features = random.features();
                let steps = 1 + (random.next() * 5000.0) as usize;
                predictor.learn(&features, Outcome::Solved { steps });
            }
            predictor.to_bytes().len()
        })
        .collect();
    assert!(
        sizes
            .iter()
            .all(|size| size == &sizes[0] && *size < 64 << 10),
        "{sizes:?}"
    );
}

#[test]
fn features_mean_what_they_say() {
    let given = |token| token >= 2;
    let rows: [&[f32]; 2] = [&[1.0, -1.0], &[1.0, 1.0]];
    let features = Features::of_question(&[1, 2, 2, 3], 6, given, rows);
    let near = |feature, expected: f32| {
        let found = features.get(feature).unwrap();
        assert!((found - expected).abs() < 1e-6, "{feature:?}: {found}");
    };
    near(Feature::Given, 0.75);
    near(Feature::GivenMost, 2.0 / 3.0);
    near(Feature::GivenKinds, 0.5);
    let entropy = (1.5f32.ln() * 2.0 + 3f32.ln()) / 3.0;
    near(Feature::GivenEntropy, entropy / 4f32.ln());
    // Four absolute values of 1: the entropy is ln 4, the variance 3/4.
    near(Feature::Complexity, 0.6 + 0.4 * 0.75 / 1.75);
    assert!(!features.knows_state());

    // Softmax of (ln 3, 0, 0) is (0.6, 0.2, 0.2); the second place is sure.
    let logits: [&[f32]; 2] = [&[3f32.ln(), 0.0, 0.0], &[0.0, 0.0, 50.0]];
    let state = features.with_state(&[2, 2], given, logits, 1.5);
    let near = |feature, expected: f32| {
        let found = state.get(feature).unwrap();
        assert!((found - expected).abs() < 1e-5, "{feature:?}: {found}");
    };
    near(Feature::Halt, 1.5);
    near(Feature::Confidence, 0.8);
    near(Feature::LeastConfidence, 0.6);
    near(Feature::Unsure, 0.5);
    let entropy = -(0.6 * 0.6f32.ln() + 0.4 * 0.2f32.ln());
    near(Feature::Entropy, entropy / 3f32.ln() / 2.0);
    near(Feature::Moved, 0.5);
    near(Feature::Blank, 0.5);
    assert!(state.knows_state() && state.get(Feature::Broken).is_none());
    assert_eq!(state.with_broken(0.25).get(Feature::Broken), Some(0.5));
    let change = residual([&[0.0f32, 0.0][..]], [&[3.0f32, 4.0][..]]).unwrap();
    assert_eq!(
        state.with_residual(change).get(Feature::Residual),
        Some(1.0)
    );
}

#[test]
fn numbers_that_are_none_are_missing() {
    let nothing: [&[f32]; 0] = [];
    let features = Features::of_question(&[], 0, |_| true, nothing);
    assert_eq!(features, Features::UNKNOWN);
    let wild: [&[f32]; 3] = [&[f32::NAN, 1.0], &[f32::INFINITY, 0.0], &[]];
    assert_eq!(complexity(wild), None);
    assert_eq!(complexity([&[0.0f32; 4][..]]), None);
    assert_eq!(residual(wild, wild), None);
    let features = Features::of_question(&[1, 2], 3, |token| token > 1, wild)
        .with_state(&[1, 2, 2], |token| token > 1, wild, f32::NAN)
        .with_broken(f32::NAN)
        .with_residual(f32::INFINITY);
    assert_eq!(features.get(Feature::Given), Some(0.5));
    assert_eq!(features.get(Feature::Complexity), None);
    assert!(!features.knows_state());
    // Of impossible tokens nothing is missing.
    let two: [&[f32]; 2] = [&[f32::NEG_INFINITY, 1.0, 1.0], &[f32::NEG_INFINITY; 3]];
    let features = Features::UNKNOWN.with_state(&[1, 2], |token| token > 1, two, 0.0);
    assert_eq!(features.get(Feature::Confidence), Some(0.5));
    assert_eq!(features.get(Feature::Blank), Some(1.0));
    let mut sure = Features::UNKNOWN;
    sure.set(Feature::Halt, 1e30);
    assert_eq!(sure.get(Feature::Halt), Some(32.0));
}

fn any_float() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -2.0f32..2.0,
        1 => Just(f32::NAN),
        1 => Just(f32::NEG_INFINITY),
        1 => any::<u32>().prop_map(f32::from_bits),
    ]
}

fn any_example() -> impl Strategy<Value = (Features, Outcome)> {
    let features = prop::collection::vec(any_float(), FEATURES).prop_map(|values| {
        let mut features = Features::UNKNOWN;
        for (feature, value) in Feature::ALL.into_iter().zip(values) {
            features.set(feature, value);
        }
        features
    });
    let steps = prop_oneof![0usize..40, Just(usize::MAX)];
    let outcome = (any::<bool>(), steps).prop_map(|(solved, steps)| match solved {
        true => Outcome::Solved { steps },
        false => Outcome::Unsolved { budget: steps },
    });
    (features, outcome)
}

fn check(prediction: &Prediction, limits: &Limits) {
    let (min, max) = (limits.min(), limits.max());
    assert!(
        (min..=max).contains(&prediction.expected),
        "{prediction:?} {limits:?}"
    );
    assert!(
        (min..=max).contains(&prediction.budget),
        "{prediction:?} {limits:?}"
    );
    assert!((0.0..=1.0).contains(&prediction.solvable), "{prediction:?}");
    assert!(prediction.work >= min as f32 && prediction.work <= prediction.budget as f32);
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let k = || prop_oneof![0usize..70, Just(100_000), Just(usize::MAX)];
    (k(), k(), any_float()).prop_map(|(min_k, max_k, quantile)| Limits {
        min_k,
        max_k,
        quantile,
    })
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn limits_hold_whatever_is_fed(
        examples in prop::collection::vec(any_example(), 0..120),
        asked in any_example(),
        limits in any_limits(),
    ) {
        let (mut left, mut right) = (KPredictor::new("m"), KPredictor::new("m"));
        for (i, (features, outcome)) in examples.iter().enumerate() {
            let one = if i % 3 == 0 { &mut right } else { &mut left };
            one.learn(features, *outcome);
        }
        check(&left.predict(&asked.0, &limits), &limits);
        left.merge(&right).unwrap();
        check(&left.predict(&asked.0, &limits), &limits);
        for (_, weight, prediction) in left.explain(&asked.0, &limits) {
            prop_assert!((0.0..=1.0).contains(&weight));
            check(&prediction, &limits);
        }
        let bytes = left.to_bytes();
        let read = KPredictor::from_bytes(&bytes, "m").unwrap();
        prop_assert_eq!(&read, &left);
        prop_assert_eq!(read.to_bytes(), bytes);
    }

    #[test]
    fn broken_bytes_are_refused(at in 0usize..1_000_000, flip in 1u8.., cut in any::<bool>()) {
        let whole = parts(1, 100)[0].to_bytes();
        let at = at % whole.len();
        let mut bytes = whole;
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        let error = KPredictor::from_bytes(&bytes, "m").unwrap_err().to_string();
        prop_assert!(error.contains("expected") && error.contains("found"), "{}", error);
    }

    /// Whoever can compute the checksum can write any numbers.
    #[test]
    fn forged_bytes_do_no_harm(
        changes in prop::collection::vec((0usize..1_000_000, prop::array::uniform4(any::<u8>())), 1..30),
        asked in any_example(),
        limits in any_limits(),
    ) {
        let mut bytes = parts(1, 100)[0].to_bytes();
        let body = bytes.len() - 8;
        for (at, change) in changes {
            let at = 20 + at % (body - 24);
            bytes[at..at + 4].copy_from_slice(&change);
        }
        let sum = crate::hash::fnv1a(bytes[..body].iter().copied());
        bytes[body..].copy_from_slice(&sum.to_le_bytes());
        if let Ok(mut predictor) = KPredictor::from_bytes(&bytes, "m") {
            check(&predictor.predict(&asked.0, &limits), &limits);
            predictor.learn(&asked.0, asked.1);
            predictor.merge(&parts(1, 10)[0]).unwrap();
            check(&predictor.predict(&asked.0, &limits), &limits);
        }
    }
}

#[test]
fn bytes_that_are_something_else_are_refused_by_name() {
    let error = |bytes: &[u8]| KPredictor::from_bytes(bytes, "m").unwrap_err().to_string();
    assert_eq!(
        error(b""),
        "predictor of K: expected 8 bytes at byte 0, found 0"
    );
    assert!(error(b"safetensors").contains("expected the mark `RECURRAK`, found safetens"));
    let mut later = KPredictor::new("m").to_bytes();
    later[8] = 9;
    assert!(error(&later).contains("expected version 1, found 9"));
    let mut longer = KPredictor::new("m").to_bytes();
    longer.push(0);
    assert!(error(&longer).contains("checksum"));
}

#[cfg(feature = "files")]
#[test]
fn files_are_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.predictor");
    let workers = parts(2, 60);
    workers[0].save(&path).unwrap();
    assert_eq!(KPredictor::open(&path, "m").unwrap(), workers[0]);
    workers[1].save(&path).unwrap();
    assert_eq!(KPredictor::open(&path, "m").unwrap(), workers[1]);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside the file");
    let error = KPredictor::open(&path, "other").unwrap_err().to_string();
    assert!(
        error.contains("k.predictor") && error.contains("`other`"),
        "{error}"
    );
    let error = KPredictor::open(folder.path().join("none"), "m").unwrap_err();
    assert!(error.to_string().contains("none"));
    assert!(workers[0].save(folder.path().join("no/folder/k")).is_err());
}
