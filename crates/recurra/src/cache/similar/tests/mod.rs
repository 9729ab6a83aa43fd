use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

mod eviction;
mod hostile;
mod model;
mod recall;
mod threads;

impl<V: Clone> SimilarCache<V> {
    /// Whether this very fingerprint is in the cache; looking is no use of it.
    fn holds(&self, fingerprint: &[f32]) -> bool {
        let (row, hash) = self.row(fingerprint).unwrap();
        self.read().find(hash, &row).is_some()
    }

    /// Panics unless graph, table and bounds are in order.
    fn check(&self) {
        let store = self.read();
        store.check();
        assert!(store.len() <= self.config.max_entries);
        assert!(store.bytes() <= self.config.max_bytes);
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        products.sum()
    };
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()) as f32
}

/// Fingerprints around some centres, `spread` away from them.
fn clusters(
    seed: u64,
    count: usize,
    dimensions: usize,
    centres: usize,
    spread: f32,
) -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut random = |scale: f32| -> Vec<f32> {
        let numbers = (0..dimensions).map(|_| scale * (rng.random::<f32>() - 0.5));
        numbers.collect()
    };
    let centres: Vec<_> = (0..centres).map(|_| random(1.0)).collect();
    let around = |centre: &Vec<f32>| {
        let by = random(spread);
        centre.iter().zip(by).map(|(c, b)| c + b).collect()
    };
    centres.iter().cycle().take(count).map(around).collect()
}
