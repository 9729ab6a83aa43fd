use super::*;

fn small(max_entries: usize) -> SimilarCache<u32> {
    let config = SimilarConfig {
        max_entries,
        ..SimilarConfig::new(2, 0.999)
    };
    SimilarCache::new(config, |_| 0).unwrap()
}

fn at(degrees: u32) -> [f32; 2] {
    let angle = (degrees as f32).to_radians();
    [angle.cos(), angle.sin()]
}

#[test]
fn who_was_found_gets_a_second_chance() {
    let cache = small(3);
    for degrees in [0, 90, 180] {
        cache.insert(&at(degrees), degrees).unwrap();
    }
    assert_eq!(cache.nearest(&at(1)).unwrap().unwrap().value, 0);
    cache.insert(&at(270), 270).unwrap();
    assert!(cache.holds(&at(0)) && !cache.holds(&at(90)));
    // Not found again, it has no third.
    for degrees in [30, 60, 120] {
        cache.insert(&at(degrees), degrees).unwrap();
    }
    assert!(!cache.holds(&at(0)));
    assert_eq!(cache.stats().evictions, 4);
    cache.check();
}

#[test]
fn the_same_fingerprint_has_one_value() {
    let cache = small(3);
    cache.insert(&[1.0, -0.0], 1).unwrap();
    cache.insert(&[1.0, 0.0], 2).unwrap();
    // Twice as long is the same direction.
    cache.insert(&[2.0, 0.0], 3).unwrap();
    assert_eq!(cache.len(), 1);
    let near = cache.nearest(&[1.0, 0.0]).unwrap().unwrap();
    assert_eq!((near.value, near.similarity), (3, 1.0));
    assert_eq!(cache.remove(&[4.0, 0.0]).unwrap(), Some(3));
    assert!(cache.is_empty() && cache.nearest(&[1.0, 0.0]).unwrap().is_none());
    let stats = cache.stats();
    assert_eq!((stats.lookups, stats.hits, stats.evictions), (2, 1, 0));
}

#[test]
fn a_long_run_fills_the_bytes_it_was_given_and_no_more() {
    let config = SimilarConfig {
        max_bytes: 4 << 20,
        ..SimilarConfig::new(24, 0.9)
    };
    let cache = SimilarCache::new(config, |value: &usize| *value).unwrap();
    let fingerprints = clusters(3, 12_000, 24, 500, 0.5);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for (i, fingerprint) in fingerprints.iter().enumerate() {
        // At times mostly light values, at times heavy ones.
        let most = if i / 3000 % 2 == 0 { 200 } else { 5000 };
        cache
            .insert(fingerprint, rng.random_range(0..most))
            .unwrap();
        assert!(cache.bytes() <= config.max_bytes);
        if cache.stats().evictions > 0 {
            assert!(
                cache.bytes() >= config.max_bytes / 100 * 95,
                "{}",
                cache.bytes()
            );
        }
    }
    assert!(cache.stats().evictions > 3000);
    cache.check();
}
