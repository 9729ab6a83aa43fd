//! Planning a question's steps allocates nothing.

use recurra::thinking::{
    AdaptiveKSelector, AdaptiveOptions, Feature, Features, KPredictor, Outcome,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, so that nothing else allocates meanwhile.
#[test]
fn a_plan_allocates_nothing() {
    let tokens = [1, 2, 3, 1, 4, 5];
    let row = [0.5, -1.0, 2.0, 0.0, 0.25, 1.0];
    let given = |token| token >= 2;
    let features = |i: usize| {
        let mut known = Features::of_question(&tokens, 6, given, [&row[..]]);
        known.set(Feature::Given, (i % 7) as f32 / 7.0);
        known.with_state(&tokens, given, [&row[..]; 6], i as f32)
    };
    let mut selector = AdaptiveKSelector::new(AdaptiveOptions::new(16), KPredictor::new("m"));
    for i in 0..500 {
        selector.learn(&features(i), Outcome::Solved { steps: 1 + i % 7 });
    }
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let mut steps = 0;
    for i in 0..100 {
        let known = features(i);
        let plan = selector.plan(&known, i as u64);
        steps += selector.refine(&plan, &known).budget;
        // Full of patterns, it has all the memory that it will ever have.
        selector.learn(&known, Outcome::Solved { steps: 1 + i % 7 });
    }
    let after = ALLOCATIONS.load(Ordering::Relaxed);
    assert!(steps > 100);
    assert_eq!(after - before, 0);
}
