#![cfg(feature = "threads")]

use super::*;

/// Values say what their fingerprints are, so that every answer can be checked, whoever was there at the time.
#[test]
fn readers_among_writers_find_only_what_belongs_together() {
    let all = clusters(5, 1600, 16, 60, 0.5);
    let config = SimilarConfig {
        max_entries: 300,
        max_bytes: 1 << 20,
        ..SimilarConfig::new(16, 0.2)
    };
    let cache = SimilarCache::new(config, |_| 0).unwrap();
    let (cache, all) = (&cache, &all);
    let write = |thread: usize| {
        for (i, fingerprint) in all.iter().enumerate().skip(thread).step_by(2) {
            assert!(cache.insert(fingerprint, i).unwrap());
            if i % 5 == 0 {
                let removed = cache.remove(&all[i / 2]).unwrap();
                assert!(removed.is_none_or(|value| value == i / 2));
            }
        }
    };
    let read = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..3000 {
            let query = &all[rng.random_range(0..all.len())];
            for near in cache.nearest_many(query, 2).unwrap() {
                let own = cosine(query, &all[near.value]);
                assert!((near.similarity - own).abs() < 1e-5);
                assert!(near.similarity >= config.threshold);
            }
            assert!(cache.len() <= config.max_entries);
            assert!(cache.bytes() <= config.max_bytes);
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..2 {
            scope.spawn(move || write(thread));
            scope.spawn(move || read(thread as u64));
        }
    });
    cache.check();
    let stats = cache.stats();
    assert_eq!(stats.lookups, 6000);
    // 1600 came, and so many left.
    assert!(stats.evictions + stats.entries <= 1600);
    // What is still there is found, and nothing else is.
    for (i, fingerprint) in all.iter().enumerate() {
        let near = cache.nearest(fingerprint).unwrap();
        let own = near.filter(|near| near.similarity == 1.0);
        assert_eq!(own.is_some_and(|n| n.value == i), cache.holds(fingerprint));
    }
}
