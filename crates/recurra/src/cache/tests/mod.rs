//! Keys, turns, bounds.

mod waiting;

use super::*;
use crate::thinking::StopReason;
use proptest::prelude::*;
use std::collections::HashMap;

const NO_KEY: &[u8] = b"";

fn cache(max_bytes: u64) -> TrmCache {
    TrmCache::new(CacheConfig {
        max_bytes,
        key_bytes: 82,
        answer_bytes: 81,
    })
}

fn thought(answer: &[u8]) -> Thought {
    Thought {
        answer: answer.into(),
        verified: Some(true),
        stopped: StopReason::Verified,
        halt: 1.5,
        seconds: 0.25,
    }
}

fn keys(canonical: &[u8]) -> Keys<'_> {
    Keys {
        canonical,
        own: NO_KEY,
    }
}

fn turn<'a>(cache: &'a TrmCache, keys: Keys<'a>) -> CacheTurn<'a> {
    match cache.ask(keys, None) {
        Ask::Turn(turn) => turn,
        other => panic!("expected a turn, found {other:?}"),
    }
}

fn hit(cache: &TrmCache, keys: Keys<'_>) -> CacheHit {
    match cache.ask(keys, None) {
        Ask::Hit(hit) => hit,
        other => panic!("expected a hit, found {other:?}"),
    }
}

#[test]
fn a_proof_is_for_all_forms_and_other_answers_for_their_own() {
    let cache = cache(1 << 20);
    let (canonical, own) = (b"canonical".as_slice(), b"own".as_slice());
    let keys = Keys { canonical, own };
    let first = turn(&cache, keys);
    cache.put(own, thought(b"guess"));
    drop(first);
    let guess = hit(&cache, keys);
    assert!(guess.own && guess.level == CacheLevel::Exact);
    assert_eq!(*guess.thought.answer, *b"guess");
    // Another form of the question knows nothing of it.
    let other = Keys {
        own: b"other",
        canonical,
    };
    turn(&cache, other).prove(thought(b"proof"));
    for keys in [keys, other] {
        let proof = hit(&cache, keys);
        assert!(!proof.own);
        assert_eq!(*proof.thought.answer, *b"proof");
    }
    cache.refuse(canonical);
    assert_eq!(*hit(&cache, keys).thought.answer, *b"guess");
    drop(turn(&cache, other));
    let counters = cache.counters();
    assert_eq!((counters.exact, counters.misses), (4, 3));
    assert_eq!((counters.entries, counters.refused), (1, 1));
    assert!((counters.seconds_saved - 1.0).abs() < 1e-6);
    cache.clear();
    assert_eq!(cache.counters().entries, 0);
    assert!(cache.get(own).is_none());
}

#[test]
fn near_questions_share_answers_where_that_was_asked_for() {
    let plain = cache(1 << 20);
    plain.put_near(&[1.0, 0.0], thought(b"x")).unwrap();
    assert!(plain.near(&[1.0, 0.0]).unwrap().is_none());
    let cache = cache(1 << 20)
        .with_similar(SimilarConfig::new(2, 0.9))
        .unwrap();
    cache.put_near(&[2.0, 0.0], thought(b"x")).unwrap();
    cache.put_near(&[0.0, 1.0], thought(b"y")).unwrap();
    let near = cache.near(&[1.0, 0.3]).unwrap().unwrap();
    assert_eq!(
        (&*near.thought.answer, near.level),
        (&b"x"[..], CacheLevel::Similar)
    );
    let similarity = near.similarity.unwrap();
    assert!(
        (similarity - 1.0 / 1.09f32.sqrt()).abs() < 1e-5,
        "{similarity}"
    );
    assert!(cache.near(&[1.0, -1.0]).unwrap().is_none());
    assert!(cache.near(&[0.0, 0.0]).is_err() && cache.near(&[1.0]).is_err());
    let counters = cache.counters();
    assert_eq!((counters.similar, counters.entries), (1, 2));
    // No key leads to it.
    assert!(cache.get(b"x").is_none());
    cache.clear();
    assert!(cache.near(&[1.0, 0.3]).unwrap().is_none());
}

proptest! {
    #![proptest_config(crate::testing::cases(64))]

    /// Against a map that forgets nothing: what is there is right, and the bounds hold after every call.
    #[test]
    fn never_wrong_and_never_too_large(
        limit in 0u64..40_000,
        calls in prop::collection::vec((0..4u8, 0..200u16, 0..600usize), 1..600),
    ) {
        let cache = cache(limit);
        let mut put: HashMap<u16, usize> = HashMap::new();
        for (call, key, length) in calls {
            let bytes = key.to_be_bytes();
            let answer = |length| vec![key as u8; length];
            match call {
                0 | 1 => match cache.ask(keys(&bytes), None) {
                    Ask::Hit(hit) => {
                        prop_assert_eq!(Some(hit.thought.answer.len()), put.get(&key).copied());
                        let found = hit.thought.answer.to_vec();
                        prop_assert_eq!(&found, &answer(found.len()));
                    }
                    Ask::Turn(turn) if call == 0 => {
                        turn.prove(thought(&answer(length)));
                        put.insert(key, length);
                    }
                    Ask::Turn(turn) => drop(turn),
                    Ask::Busy => prop_assert!(false, "nobody else is there"),
                },
                2 => {
                    cache.put(&bytes, thought(&answer(length)));
                    put.insert(key, length);
                }
                _ => {
                    cache.refuse(&bytes);
                    prop_assert!(cache.get(&bytes).is_none());
                    put.remove(&key);
                }
            }
            let counters = cache.counters();
            prop_assert!(counters.bytes <= limit.max(1000), "{} of {limit}", counters.bytes);
        }
    }

    #[test]
    fn thoughts_go_round(
        answer in prop::collection::vec(any::<u8>(), 0..300),
        verified in prop::option::of(any::<bool>()),
        reason in 0..StopReason::ALL.len(),
        numbers in prop::array::uniform2(-1e9f32..1e9),
    ) {
        let thought = Thought {
            answer: answer.into(),
            verified,
            stopped: StopReason::ALL[reason],
            halt: numbers[0],
            seconds: numbers[1],
        };
        prop_assert_eq!(Thought::from_bytes(&thought.to_bytes()), Some(thought));
    }

    #[test]
    fn any_bytes_are_a_thought_or_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Some(thought) = Thought::from_bytes(&bytes) {
            prop_assert_eq!(thought.to_bytes(), bytes);
        }
    }
}

#[test]
fn the_form_on_disk_never_changes() {
    let bytes = thought(&[7, 8]).to_bytes();
    assert_eq!(bytes, [1, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0x80, 0x3e, 7, 8]);
    assert_eq!(StopReason::ALL[5], StopReason::MaxSteps);
    assert_eq!(Thought::from_bytes(&bytes[..9]), None);
    assert_eq!(Thought::from_bytes(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    assert_eq!(Thought::from_bytes(&[0, 99, 0, 0, 0, 0, 0, 0, 0, 0]), None);
}

#[test]
fn a_full_cache_uses_its_room() {
    for limit in [1 << 18, 1 << 20, 5_000_000, 1 << 24] {
        let cache = cache(limit);
        let most = limit / 200;
        for i in 0..most {
            let mut key = vec![0; 82];
            key[..8].copy_from_slice(&i.to_le_bytes());
            cache.put(&key, thought(&[9; 81]));
        }
        let counters = cache.counters();
        let share = counters.bytes as f64 / limit as f64;
        assert!((0.95..=1.0).contains(&share), "{share} of {limit}");
        assert_eq!(counters.entries + counters.evictions, most);
        assert!(counters.entries > limit / 500);
    }
}
