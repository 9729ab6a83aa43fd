use super::*;

/// The share of queries whose nearest entry is found.
fn recall(
    cache: &SimilarCache<usize>,
    all: &[Vec<f32>],
    live: &[usize],
    queries: &[Vec<f32>],
) -> f64 {
    let found = queries.iter().filter(|query| {
        let best = live.iter().map(|&i| cosine(query, &all[i]));
        let best = best.max_by(f32::total_cmp).unwrap();
        let near = cache.nearest(query).unwrap();
        near.is_some_and(|near| near.similarity >= best - 1e-6)
    });
    found.count() as f64 / queries.len() as f64
}

#[test]
fn recall_stays_up_when_all_entries_have_been_replaced() {
    let (kept, total) = (2000, 8000);
    let all = clusters(1, total, 24, 100, 0.6);
    let queries = clusters(1, 300, 24, 100, 0.61);
    let config = SimilarConfig {
        max_entries: kept,
        ..SimilarConfig::new(24, -1.0)
    };
    let cache = SimilarCache::new(config, |_| 0).unwrap();
    for (i, fingerprint) in all.iter().enumerate() {
        cache.insert(fingerprint, i).unwrap();
        if [kept, 2 * kept - kept / 10, total].contains(&(i + 1)) {
            let live: Vec<usize> = (0..=i).filter(|&i| cache.holds(&all[i])).collect();
            assert_eq!(live.len(), kept);
            let recall = recall(&cache, &all, &live, &queries);
            assert!(recall >= 0.97, "{recall} after {} insertions", i + 1);
            cache.check();
        }
    }
    // Taken out one by one, those that are left are still all reached.
    for (i, fingerprint) in all.iter().enumerate() {
        cache.remove(fingerprint).unwrap();
        if i % 100 == 0 {
            cache.check();
        }
    }
    assert!(cache.is_empty());
}

#[test]
fn the_same_calls_find_the_same() {
    let all = clusters(2, 1500, 16, 50, 0.6);
    let run = || {
        let config = SimilarConfig {
            max_entries: 600,
            ..SimilarConfig::new(16, 0.0)
        };
        let cache = SimilarCache::new(config, |_| 0).unwrap();
        let mut found = Vec::new();
        for (i, fingerprint) in all.iter().enumerate() {
            cache.insert(fingerprint, i).unwrap();
            let near = cache.nearest_many(&all[all.len() - 1 - i], 3).unwrap();
            found.extend(near.iter().map(|n| (n.value, n.similarity.to_bits())));
        }
        found
    };
    assert_eq!(run(), run());
}

/// Those of a crowd have each other for nearest neighbours, and would forget the rest.
#[test]
fn crowds_of_almost_the_same_lose_no_touch_with_others() {
    let all = clusters(6, 3000, 8, 30, 1e-6);
    let config = SimilarConfig {
        max_entries: 1500,
        ..SimilarConfig::new(8, -1.0)
    };
    let cache = SimilarCache::new(config, |_| 0).unwrap();
    for (i, fingerprint) in all.iter().enumerate() {
        cache.insert(fingerprint, i).unwrap();
        if i % 250 == 0 {
            cache.check();
        }
    }
    // A step away from each crowd, one of it is nearest.
    for (i, fingerprint) in all.iter().take(30).enumerate() {
        let mut query = fingerprint.clone();
        query[0] += 0.01;
        let near = cache.nearest(&query).unwrap().unwrap();
        assert_eq!(near.value % 30, i);
    }
}
