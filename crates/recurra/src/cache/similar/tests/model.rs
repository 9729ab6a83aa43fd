//! Random calls against a list that is searched from end to end.

use super::*;
use crate::testing::cases;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Call {
    Insert(usize, usize),
    Remove(usize),
    Find(usize, usize),
    Clear,
}

const POOL: usize = 90;

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        60 => (0..POOL, 0usize..3000).prop_map(|(at, heap)| Call::Insert(at, heap)),
        20 => (0..POOL).prop_map(Call::Remove),
        20 => (0..POOL, 0..POOL).prop_map(|(at, count)| Call::Find(at, count)),
        1 => Just(Call::Clear),
    ]
}

/// A value: which of the pool it belongs to, which call put it there, and how heavy it is.
type Value = (usize, usize, usize);

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_is_found_is_what_a_list_finds(
        calls in prop::collection::vec(call(), 1..300),
        dimensions in 2usize..6,
        max_entries in 1usize..64,
        spare in 0usize..100_000,
        threshold in -1.0f32..1.0,
    ) {
        let pool = clusters(7, POOL, dimensions, 9, 0.3);
        let mut config = SimilarConfig::new(dimensions, threshold);
        config.max_entries = max_entries;
        let least = Store::<Value>::new(config).least();
        config.max_bytes = least + spare;
        let cache = SimilarCache::new(config, |value: &Value| value.2).unwrap();
        let mut list: BTreeMap<usize, Value> = BTreeMap::new();
        for (number, call) in calls.into_iter().enumerate() {
            match call {
                Call::Insert(at, heap) => {
                    let before = cache.stats().evictions;
                    let kept = cache.insert(&pool[at], (at, number, heap)).unwrap();
                    prop_assert_eq!(kept, heap <= spare);
                    list.remove(&at);
                    let had = list.len();
                    list.retain(|&other, _| cache.holds(&pool[other]));
                    let evicted = cache.stats().evictions - before;
                    prop_assert_eq!(had - list.len(), evicted as usize);
                    prop_assert_eq!(cache.holds(&pool[at]), kept);
                    if kept {
                        list.insert(at, (at, number, heap));
                    }
                }
                Call::Remove(at) => {
                    prop_assert_eq!(cache.remove(&pool[at]).unwrap(), list.remove(&at));
                }
                Call::Find(at, count) => {
                    let found = cache.nearest_many(&pool[at], count).unwrap();
                    // The breadth is more than there are entries: all of them are compared.
                    let mut near: Vec<_> = list
                        .values()
                        .map(|&value| (cosine(&pool[at], &pool[value.0]), value))
                        .filter(|near| near.0 >= threshold)
                        .collect();
                    near.sort_by(|a, b| b.0.total_cmp(&a.0));
                    prop_assert_eq!(found.len(), near.len().min(count));
                    for (found, near) in found.iter().zip(&near) {
                        prop_assert!((found.similarity - near.0).abs() < 1e-6);
                        let own = cosine(&pool[at], &pool[found.value.0]);
                        prop_assert!((found.similarity - own).abs() < 1e-6);
                        prop_assert_eq!(list.get(&found.value.0), Some(&found.value));
                    }
                }
                Call::Clear => {
                    cache.clear();
                    list.clear();
                }
            }
            prop_assert_eq!(cache.len(), list.len());
            cache.check();
        }
    }
}
