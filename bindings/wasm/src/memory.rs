//! The module's heap, counted and limited.
//!
//! Memory of a module never shrinks, so a model that asks for too much would cost the page until it is closed. Beyond the
//! limit nothing is given: the module then traps, and [`refused_bytes`] tells why.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasm_bindgen::prelude::wasm_bindgen;

/// The heap with its counters.
struct Counted;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
static REFUSED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static HEAP: Counted = Counted;

impl Counted {
    /// Counts so many bytes more, if the limit leaves room for them.
    fn admit(&self, bytes: usize) -> bool {
        let live = LIVE.load(Relaxed).saturating_add(bytes);
        if live > LIMIT.load(Relaxed) {
            REFUSED.store(bytes, Relaxed);
            return false;
        }
        CALLS.fetch_add(1, Relaxed);
        LIVE.store(live, Relaxed);
        MOST.fetch_max(live, Relaxed);
        true
    }

    /// Takes back what was admitted, where the system had no memory.
    fn refuse(&self, bytes: usize) {
        LIVE.fetch_sub(bytes, Relaxed);
        REFUSED.store(bytes, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator with the arguments that the caller vouches for, or gives a null pointer,
// which callers must expect.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !self.admit(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        let at = unsafe { System.alloc(layout) };
        if at.is_null() {
            self.refuse(layout.size());
        }
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) };
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let more = size.saturating_sub(layout.size());
        if !self.admit(more) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        let moved = unsafe { System.realloc(at, layout, size) };
        if moved.is_null() {
            self.refuse(more);
        } else {
            LIVE.fetch_sub(layout.size().saturating_sub(size), Relaxed);
        }
        moved
    }
}

/// How often memory was asked for since the module began.
#[wasm_bindgen]
pub fn allocations() -> usize {
    CALLS.load(Relaxed)
}

/// Bytes in use.
#[wasm_bindgen(js_name = liveBytes)]
pub fn live_bytes() -> usize {
    LIVE.load(Relaxed)
}

/// The most bytes that were in use at once.
#[wasm_bindgen(js_name = mostBytes)]
pub fn most_bytes() -> usize {
    MOST.load(Relaxed)
}

/// Gives no more than so many bytes from now on.
#[wasm_bindgen(js_name = limitMemory)]
pub fn limit_memory(bytes: usize) {
    LIMIT.store(bytes, Relaxed);
}

/// The bytes that were asked for last and not given; 0 if that never happened. After a trap it tells whether memory was why.
#[wasm_bindgen(js_name = refusedBytes)]
pub fn refused_bytes() -> usize {
    REFUSED.load(Relaxed)
}

/// Bytes of the module's whole memory, which never shrinks.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> usize {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size(0) << 16;
    #[cfg(not(target_arch = "wasm32"))]
    0
}
