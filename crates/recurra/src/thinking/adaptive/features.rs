//! What is known of a question, and of the state after the first step, as a few numbers.

/// An entry of [`Features`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Feature {
    /// [`complexity`] of the input embeddings, in 0..=1.
    Complexity,
    /// Share of the tokens that are given, in 0..=1.
    Given,
    /// Entropy of the given tokens over ln of the number of kinds: 1 where all kinds are given equally often.
    GivenEntropy,
    /// Share of the most frequent kind among the given tokens, in 0..=1.
    GivenMost,
    /// Share of the kinds of tokens that are given at all, in 0..=1.
    GivenKinds,
    /// Logit of "halt", held within ±32.
    Halt,
    /// Mean over the places of the answer of the most likely token's probability.
    Confidence,
    /// The least of these probabilities.
    LeastConfidence,
    /// Share of the places whose most likely token has a probability below 0.9.
    Unsure,
    /// Mean over the places of the entropy of the token's distribution, over ln of the vocabulary's size.
    Entropy,
    /// Share of the given tokens that the answer does not keep.
    Moved,
    /// Share of the places at which the answer has a token that counts as not given (blank, padding).
    Blank,
    /// How badly the answer breaks the task's own rules: see [`Features::with_broken`].
    Broken,
    /// How much the first step changed the state: see [`Features::with_residual`].
    Residual,
}

/// Entries that are known before the first step.
pub const QUESTION_FEATURES: usize = 5;
/// All entries.
pub const FEATURES: usize = 14;

impl Feature {
    /// Every entry in its order; those of the question come first.
    pub const ALL: [Feature; FEATURES] = [
        Feature::Complexity,
        Feature::Given,
        Feature::GivenEntropy,
        Feature::GivenMost,
        Feature::GivenKinds,
        Feature::Halt,
        Feature::Confidence,
        Feature::LeastConfidence,
        Feature::Unsure,
        Feature::Entropy,
        Feature::Moved,
        Feature::Blank,
        Feature::Broken,
        Feature::Residual,
    ];

    /// The least and the largest value.
    fn range(self) -> (f32, f32) {
        match self {
            Feature::Halt => (-32.0, 32.0),
            Feature::Residual => (0.0, 2.0),
            _ => (0.0, 1.0),
        }
    }
}

/// What is known when K is predicted. Any entry may be missing; none is ever infinite or NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    values: [Option<f32>; FEATURES],
}

impl Default for Features {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Features {
    /// Nothing is known.
    pub const UNKNOWN: Self = Features {
        values: [None; FEATURES],
    };

    /// Those of a question: its tokens, the size of the vocabulary, which tokens are given (not blank, not padding), and
    /// the rows of its input embeddings. Kinds of tokens beyond 64 share counts.
    pub fn of_question<'a>(
        tokens: &[u16],
        vocab_size: usize,
        given: impl Fn(u16) -> bool,
        embedding: impl IntoIterator<Item = &'a [f32]>,
    ) -> Self {
        let mut counts = [0u32; KINDS];
        let mut total = 0u32;
        for &token in tokens.iter().filter(|&&token| given(token)) {
            counts[usize::from(token) % KINDS] += 1;
            total += 1;
        }
        let vocab_size = u16::try_from(vocab_size).unwrap_or(u16::MAX);
        let kinds = (0..vocab_size).filter(|&token| given(token)).count();
        let kinds = kinds.min(KINDS) as f32;
        let share = |count: u32| count as f32 / total as f32;
        let entropy: f32 = counts
            .iter()
            .filter(|&&count| count > 0)
            .map(|&count| -share(count) * share(count).ln())
            .sum();
        let mut features = Self::UNKNOWN;
        if let Some(complexity) = complexity(embedding) {
            features.set(Feature::Complexity, complexity);
        }
        // Without a single token or kind the shares are 0/0, which counts as missing.
        features.set(Feature::Given, total as f32 / tokens.len() as f32);
        if total > 0 && kinds > 1.0 {
            features.set(Feature::GivenEntropy, entropy / kinds.ln());
        }
        let most = counts.iter().max().copied().unwrap_or(0);
        features.set(Feature::GivenMost, share(most));
        let seen = counts.iter().filter(|&&count| count > 0).count() as f32;
        features.set(Feature::GivenKinds, seen / kinds);
        features
    }

    /// Adds those of the state after the first step: the logits of the answer, a row for each of the question's tokens,
    /// and the logit of "halt".
    pub fn with_state<'a>(
        mut self,
        tokens: &[u16],
        given: impl Fn(u16) -> bool,
        logits: impl IntoIterator<Item = &'a [f32]>,
        halt_logit: f32,
    ) -> Self {
        let (mut places, mut confidence, mut least) = (0u32, 0.0, 1.0f32);
        let (mut unsure, mut entropy, mut moved, mut blank, mut givens) =
            (0u32, 0.0, 0u32, 0u32, 0);
        for (&token, row) in tokens.iter().zip(logits) {
            let Some(place) = Place::new(row) else {
                continue;
            };
            places += 1;
            confidence += place.confidence;
            least = least.min(place.confidence);
            unsure += u32::from(place.confidence < 0.9);
            entropy += place.entropy;
            blank += u32::from(!given(place.token));
            if given(token) {
                givens += 1;
                moved += u32::from(place.token != token);
            }
        }
        let mean = |sum: f32| sum / places as f32;
        if places > 0 {
            self.set(Feature::LeastConfidence, least);
        }
        self.set(Feature::Halt, halt_logit);
        self.set(Feature::Confidence, mean(confidence));
        self.set(Feature::Unsure, mean(unsure as f32));
        self.set(Feature::Entropy, mean(entropy));
        self.set(Feature::Moved, moved as f32 / givens as f32);
        self.set(Feature::Blank, mean(blank as f32));
        self
    }

    /// Adds which share of the task's rules the answer after the first step breaks, in 0..=1, as the task counts it: for a
    /// Sudoku, how many digits are missing in its rows, columns and boxes, of all that belong there. Its root is the entry:
    /// a few broken rules tell much more than a few more.
    pub fn with_broken(mut self, share: f32) -> Self {
        self.set(Feature::Broken, share.clamp(0.0, 1.0).sqrt());
        self
    }

    /// Adds the [`residual`] of the answer state in the first step.
    pub fn with_residual(mut self, residual: f32) -> Self {
        self.set(Feature::Residual, residual);
        self
    }

    /// An entry, or `None` where it is missing.
    pub fn get(&self, feature: Feature) -> Option<f32> {
        self.values[feature as usize]
    }

    /// Sets an entry, held within its range; a value that is not finite makes it missing.
    pub fn set(&mut self, feature: Feature, value: f32) {
        let (least, most) = feature.range();
        self.values[feature as usize] = value.is_finite().then(|| value.clamp(least, most));
    }

    /// Whether anything of the state after the first step is known.
    pub fn knows_state(&self) -> bool {
        self.values[QUESTION_FEATURES..].iter().any(Option::is_some)
    }

    /// The first `N` entries.
    pub(super) fn first<const N: usize>(&self) -> [Option<f32>; N] {
        std::array::from_fn(|i| self.values[i])
    }
}

/// Kinds of tokens that are counted apart.
const KINDS: usize = 64;

/// What the logits of one place say.
struct Place {
    token: u16,
    confidence: f32,
    entropy: f32,
}

impl Place {
    /// `None` for an empty row, and one with NaN or an infinite largest number. Minus infinity stands for a token that is
    /// impossible, as models over groups have them.
    fn new(row: &[f32]) -> Option<Self> {
        if row.iter().any(|logit| logit.is_nan()) {
            return None;
        }
        let (token, &top) = row
            .iter()
            .enumerate()
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .filter(|(_, top)| top.is_finite())?;
        // With e_i = exp(l_i - top) and Z = sum e_i: p_top = 1/Z, entropy = ln Z - sum e_i (l_i - top) / Z.
        let (mut z, mut dot) = (0.0f32, 0.0f32);
        for logit in row {
            let below = (logit - top).max(-80.0);
            let e = below.exp();
            z += e;
            dot += e * below;
        }
        let kinds = (row.len().max(2) as f32).ln();
        Some(Place {
            token: u16::try_from(token).unwrap_or(u16::MAX),
            confidence: 1.0 / z,
            entropy: (z.ln() - dot / z) / kinds,
        })
    }
}

/// How complex a question looks by its embedding alone: `0.6 H + 0.4 V` with H the entropy of the absolute values as shares
/// of their sum, over ln d, and V = v/(1 + v) for their variance v; in 0..=1. `None` for an embedding with a number that is
/// not finite, or without one that is not 0.
pub fn complexity<'a>(embedding: impl IntoIterator<Item = &'a [f32]>) -> Option<f32> {
    let (mut d, mut sum, mut square, mut size, mut entropy) = (0u64, 0.0f64, 0.0f64, 0.0f64, 0.0);
    for &x in embedding.into_iter().flatten() {
        let x = f64::from(x);
        let a = x.abs();
        d += 1;
        sum += x;
        square += x * x;
        size += a;
        if a > 0.0 {
            entropy += a * a.ln();
        }
    }
    // -sum p ln p with p = a/S is ln S - (sum a ln a)/S.
    let entropy = (size.ln() - entropy / size) / (d.max(2) as f64).ln();
    let mean = sum / d as f64;
    let variance = (square / d as f64 - mean * mean).max(0.0);
    let score = 0.6 * entropy.clamp(0.0, 1.0) + 0.4 * variance / (1.0 + variance);
    score.is_finite().then_some(score as f32)
}

/// How much a step changed a state: `|after - before| / |after|`, Euclidean over all rows. `None` where it is no finite number.
pub fn residual<'a>(
    before: impl IntoIterator<Item = &'a [f32]>,
    after: impl IntoIterator<Item = &'a [f32]>,
) -> Option<f32> {
    let (mut change, mut size) = (0.0f64, 0.0f64);
    let pairs = before
        .into_iter()
        .flatten()
        .zip(after.into_iter().flatten());
    for (&before, &after) in pairs {
        let (before, after) = (f64::from(before), f64::from(after));
        change += (after - before) * (after - before);
        size += after * after;
    }
    let residual = (change / size).sqrt() as f32;
    residual.is_finite().then_some(residual)
}
