use super::*;

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn what_has_no_direction_is_refused() {
    let cache = SimilarCache::new(SimilarConfig::new(3, 0.5), |_: &u8| 0).unwrap();
    let cases: [(&[f32], &str); 6] = [
        (&[], "fingerprint: expected 3 numbers, found 0"),
        (&[1.0; 4], "fingerprint: expected 3 numbers, found 4"),
        (
            &[0.0, -0.0, 0.0],
            "fingerprint: expected a number that is not zero, found none",
        ),
        (
            &[1.0, f32::NAN, 0.0],
            "fingerprint: expected finite numbers, found NaN at place 2",
        ),
        (
            &[f32::INFINITY, 0.0, 0.0],
            "fingerprint: expected finite numbers, found inf at place 1",
        ),
        (
            &[0.0, 0.0, f32::NEG_INFINITY],
            "fingerprint: expected finite numbers, found -inf at place 3",
        ),
    ];
    for (fingerprint, expected) in cases {
        assert_eq!(message(cache.insert(fingerprint, 1)), expected);
        assert_eq!(message(cache.nearest(fingerprint)), expected);
        assert_eq!(message(cache.nearest_many(fingerprint, 2)), expected);
        assert_eq!(message(cache.remove(fingerprint)), expected);
    }
    assert!(cache.is_empty());
    assert_eq!(cache.stats().lookups, 0);
}

#[test]
fn numbers_of_any_size_have_a_direction() {
    let cache = SimilarCache::new(SimilarConfig::new(2, 0.9), |_: &u8| 0).unwrap();
    cache.insert(&[f32::MAX, f32::MAX], 1).unwrap();
    cache
        .insert(&[f32::from_bits(1), -f32::from_bits(1)], 2)
        .unwrap();
    let near = cache.nearest(&[1.0, 1.1]).unwrap().unwrap();
    assert_eq!(near.value, 1);
    assert!((near.similarity - cosine(&[1.0, 1.0], &[1.0, 1.1])).abs() < 1e-6);
    assert_eq!(cache.nearest(&[1.0, -1.0]).unwrap().unwrap().value, 2);
    let all = cache.nearest_many(&[1.0, 1.0], usize::MAX).unwrap();
    assert_eq!(all.len(), 1);
    assert!(cache.nearest_many(&[1.0, 1.0], 0).unwrap().is_empty());
}

#[test]
fn a_value_too_heavy_takes_no_other_s_place() {
    let cache = SimilarCache::new(SimilarConfig::new(2, 0.9), |value: &usize| *value).unwrap();
    cache.insert(&[1.0, 0.0], 1).unwrap();
    cache.insert(&[0.0, 1.0], 2).unwrap();
    assert!(!cache.insert(&[1.0, 1.0], usize::MAX).unwrap());
    assert_eq!(cache.len(), 2);
    // Its own older value is not served any more.
    assert!(!cache.insert(&[1.0, 0.0], usize::MAX).unwrap());
    assert_eq!(cache.nearest(&[1.0, 0.0]).unwrap(), None);
    assert_eq!(cache.len(), 1);
    cache.check();
}

#[test]
fn a_configuration_out_of_range_is_refused() {
    let good = SimilarConfig::new(2, 0.9);
    let bad = |change: fn(&mut SimilarConfig)| {
        let mut config = good;
        change(&mut config);
        message(SimilarCache::new(config, |_: &u8| 0))
    };
    let field = |name: &str| format!("configuration field `{name}`: ");
    assert!(bad(|c| c.dimensions = 0).starts_with(&field("dimensions")));
    assert!(bad(|c| c.dimensions = usize::MAX).starts_with(&field("dimensions")));
    assert!(bad(|c| c.max_entries = 0).starts_with(&field("max_entries")));
    assert!(bad(|c| c.breadth = 0).starts_with(&field("breadth")));
    assert!(bad(|c| c.max_bytes = 1000).starts_with(&field("max_bytes")));
    assert_eq!(
        bad(|c| c.threshold = f32::NAN),
        "configuration field `threshold`: expected -1 to 1, found NaN"
    );
}
