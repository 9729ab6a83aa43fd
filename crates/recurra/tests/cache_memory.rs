//! A cache takes the memory it was given: counted where it is allocated, over a long random run.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recurra::cache::{Ask, CacheConfig, Keys, Thought, TrmCache};
use recurra::thinking::StopReason;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting what a common one takes: 8 bytes for itself, in steps of 16.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

fn taken(size: usize) -> usize {
    (size + 8).next_multiple_of(16).max(32)
}

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        BYTES.fetch_sub(taken(layout.size()), Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, so that nothing else allocates meanwhile.
#[test]
fn a_cache_takes_the_memory_it_was_given() {
    for (limit, least, most) in [
        // All answers of the size that was announced; then of one to four times that.
        (1 << 20, 81, 81),
        (16 << 20, 81, 81),
        (5_000_000, 16, 16),
        (4 << 20, 81, 324),
    ] {
        let before = BYTES.load(Ordering::Relaxed);
        let cache = TrmCache::new(CacheConfig {
            max_bytes: limit,
            key_bytes: 1 + least,
            answer_bytes: least,
        });
        let mut rng = ChaCha8Rng::seed_from_u64(limit);
        let calls = 4 * limit / least as u64 / 3;
        let (mut worst, mut hits) = (0, 0);
        let keys = calls / 2;
        for call in 0..calls {
            let length = rng.random_range(least..=most);
            // Some keys are asked for far more often than others.
            let number = rng.next_u64() % keys;
            let number = number * (rng.next_u64() % keys) / keys;
            let mut key = vec![0; 1 + least];
            key[1..9].copy_from_slice(&number.to_le_bytes());
            let asked = Keys {
                canonical: &key,
                own: b"none",
            };
            match cache.ask(asked, None) {
                Ask::Hit(hit) => {
                    assert!(hit.thought.answer.iter().all(|&b| b == number as u8));
                    hits += 1;
                }
                Ask::Turn(turn) => turn.prove(Thought {
                    answer: vec![number as u8; length].into(),
                    verified: Some(true),
                    stopped: StopReason::Verified,
                    halt: 1.0,
                    seconds: 0.0,
                }),
                Ask::Busy => unreachable!("nobody else is there"),
            }
            if call % 1000 == 0 {
                worst = worst.max(BYTES.load(Ordering::Relaxed) - before);
            }
        }
        let now = BYTES.load(Ordering::Relaxed) - before;
        let counters = cache.counters();
        assert!(counters.evictions > 1000 && hits > 1000, "{counters:?}");
        let share = |bytes: usize| bytes as f64 / limit as f64;
        println!(
            "{limit} bytes: {:.4} in the end, {:.4} at most, {:.4} by its own count, {} entries",
            share(now),
            share(worst),
            share(counters.bytes as usize),
            counters.entries
        );
        assert!((0.95..=1.05).contains(&share(now)), "{}", share(now));
        assert!(share(worst) <= 1.05, "{}", share(worst));
    }
}
