//! A step of thinking allocates nothing: not in any precision, not with any mixer, not on several threads.

use recurra::TaskSpec;
use recurra::engine::{PackedModel, TrmEngine};
use recurra::kernels::{Isa, Precision};
use recurra::model::{TrmModel, TrmWeights};
use recurra::quantize::quantize;
use recurra::train::preset::constraints;
use recurra::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
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

/// Large enough that several threads share a sample.
fn config(mixer: Mixer) -> TrmConfig {
    if mixer == Mixer::Constraints {
        return constraints(&TaskSpec::Sudoku { size: 9 }).unwrap().0;
    }
    TrmConfig {
        vocab_size: 7,
        seq_len: 50,
        hidden_size: 128,
        num_heads: 4,
        expansion: 4.0,
        swiglu_multiple: SWIGLU_MULTIPLE,
        num_layers: 2,
        h_cycles: 2,
        l_cycles: 2,
        mixer,
        positions: match mixer {
            Mixer::Mlp => Positions::None,
            Mixer::Attention => Positions::Rotary,
            Mixer::Conv | Mixer::Constraints => Positions::Grid { cols: 10 },
            Mixer::Tokens => Positions::Learned,
        },
        puzzle_emb_ndim: 128,
        puzzle_emb_len: 2,
        num_puzzle_identifiers: 3,
        halt_max_steps: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10000.0,
        groups: None,
    }
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn a_step_allocates_nothing() {
    let mixers = [
        Mixer::Mlp,
        Mixer::Attention,
        Mixer::Conv,
        Mixer::Constraints,
    ];
    for mixer in mixers {
        let config = config(mixer);
        let f32_model = TrmModel::new(config.clone(), None, TrmWeights::random(&config, 1));
        let places = config.seq_len as u16;
        let question: Vec<u16> = (0..places).map(|i| i % 7).collect();
        for precision in Precision::ALL {
            let rounded = match precision {
                Precision::F32 => f32_model.clone(),
                _ => quantize(&f32_model, precision, None).unwrap(),
            };
            for isa in Isa::available() {
                let weights = Arc::new(PackedModel::new(isa, &config, &rounded.weights));
                for threads in [1, 2] {
                    let first_steps = || {
                        let mut engine = TrmEngine::with_weights(weights.clone(), threads);
                        engine.start(&question, 2).unwrap();
                        let mut certainty = vec![0.0; question.len()];
                        let before = ALLOCATIONS.load(Ordering::Relaxed);
                        engine.step();
                        engine.step_with_residual();
                        engine.decode().certainty_into(&mut certainty);
                        engine.halt_logits();
                        let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
                        assert!(engine.z_h().to_vec().iter().all(|v| v.is_finite()));
                        allocated
                    };
                    // The test harness allocates too, once, when it writes that a test takes long.
                    let allocated = match first_steps() {
                        0 => 0,
                        _ => first_steps(),
                    };
                    let name = isa.name();
                    assert_eq!(
                        allocated, 0,
                        "{mixer:?} {precision} {name} {threads} threads"
                    );
                }
            }
        }
    }
}
