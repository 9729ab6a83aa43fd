use super::*;
use crate::tasks::vectors::{Norm, VectorSpec};

fn memory(options: MemoryOptions) -> Memory {
    memory_of(options, false)
}

fn memory_of(options: MemoryOptions, in_turn: bool) -> Memory {
    let spec = VectorSpec {
        embedder: String::new(),
        hash: String::new(),
        dimension: 4,
        norm: Norm::Unit,
        questions: 1,
        neighbours: 0,
        in_turn,
    };
    Memory::new(Refiner::untrained(spec, 1).unwrap(), options).unwrap()
}

fn ask(memory: &Memory, vector: &[f32]) -> Recalled {
    let question = VectorQuestion {
        question: vector,
        initial: vector,
    };
    memory.answer(question, memory.refiner().options()).unwrap()
}

#[test]
fn the_same_and_near_questions_are_known() {
    let memory = memory(MemoryOptions::default());
    let first = ask(&memory, &[0.6, 0.8, 0.0, 0.0]);
    assert_eq!(first.route, Route::Model);
    let again = ask(&memory, &[0.6, 0.8, 0.0, 0.0]);
    assert_eq!(
        (again.route, &again.refined),
        (Route::Exact, &first.refined)
    );
    let near = [0.6, 0.799, 0.02, 0.0];
    let found = ask(&memory, &near);
    assert_eq!(found.route, Route::Similar);
    assert!(found.similarity.unwrap() > 0.99);
    // A first answer that was not refined stays the asker's own.
    assert_eq!(found.refined.vector, near);
    assert_eq!(ask(&memory, &[0.0, 0.0, 1.0, 0.0]).route, Route::Model);
    let stats = memory.stats();
    assert_eq!((stats.exact, stats.similar, stats.thought), (1, 1, 2));
}

#[test]
fn wrong_answers_make_the_threshold_stricter() {
    let memory = memory(MemoryOptions {
        similar: 0.9,
        ..MemoryOptions::default()
    });
    ask(&memory, &[1.0, 0.0, 0.0, 0.0]);
    let before = memory.stats().threshold;
    let found = ask(&memory, &[0.9998, 0.02, 0.0, 0.0]);
    assert_eq!(found.route, Route::Similar);
    assert!(memory.feedback(found.id, false));
    assert!(!memory.feedback(found.id, false), "feedback counts once");
    let stricter = memory.stats().threshold;
    assert!(stricter > before && stricter < 1.0);
    #[cfg(feature = "files")]
    {
        let folder = tempfile::tempdir().unwrap();
        memory.save(folder.path()).unwrap();
        let other = self::memory(MemoryOptions::default());
        other.load(folder.path()).unwrap();
        assert_eq!(other.stats().threshold, stricter);
        let path = folder.path().join("lessons.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(memory.refiner().id(), "another")).unwrap();
        assert!(other.load(folder.path()).is_err());
    }
}

#[cfg(feature = "store")]
#[test]
fn answers_outlive_the_process() {
    use crate::cache::{Store, StoreOptions};

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers");
    let open = || {
        let store = Store::open(&file, StoreOptions::default()).unwrap();
        memory(MemoryOptions::default()).with_store(store.into())
    };
    let (one, two) = ([0.6, 0.8, 0.0, 0.0], [0.0, 0.6, 0.8, 0.0]);
    let first = {
        let memory = open();
        ask(&memory, &two);
        let first = ask(&memory, &one);
        memory.flush().unwrap();
        first
    };
    {
        let memory = open();
        let again = ask(&memory, &one);
        assert_eq!((again.route, again.refined), (Route::Exact, first.refined));
        // What was wrong is not told again, not from the disk either.
        assert!(memory.feedback(again.id, false));
        assert_eq!(ask(&memory, &two).route, Route::Exact);
        memory.flush().unwrap();
    }
    assert_eq!(ask(&open(), &one).route, Route::Model);
}

#[test]
fn many_are_answered_as_one_is() {
    let (single, many) = (
        memory(MemoryOptions::default()),
        memory(MemoryOptions::default()),
    );
    let vectors = [
        [0.6, 0.8, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.6, 0.8],
    ];
    ask(&many, &vectors[2]);
    let questions = vectors.each_ref().map(|v| VectorQuestion {
        question: v,
        initial: v,
    });
    let options = many.refiner().options();
    let found = many.answer_many(&questions, options).unwrap();
    assert!(found[1].is_err());
    let routes = [0, 2].map(|i| found[i].as_ref().unwrap().route);
    assert_eq!(routes, [Route::Model, Route::Exact]);
    for i in [0, 2] {
        let alone = ask(&single, &vectors[i]);
        assert_eq!(found[i].as_ref().unwrap().refined, alone.refined);
    }
}

#[test]
fn questions_of_a_kind_lie_together() {
    let one = [0.6f32, 0.8, 0.0, 0.0];
    let near = [0.61f32, 0.79, 0.05, 0.0];
    let far = [-0.6f32, -0.8, 0.0, 0.0];
    for direction in 0..3 {
        let at = |v: &[f32]| lies(v, 4, direction);
        assert!((at(&one) - at(&near)).abs() < 0.05);
        assert!((at(&one) + at(&far) - 1.0).abs() < 1e-6);
        assert_eq!(lies(&[one, one].concat(), 4, direction), at(&one));
    }
}

#[test]
fn open_answers_are_bounded() {
    let memory = memory(MemoryOptions {
        open_answers: 2,
        ..MemoryOptions::default()
    });
    let ids: Vec<u64> = (0..4)
        .map(|_| ask(&memory, &[1.0, 0.0, 0.0, 0.0]).id)
        .collect();
    assert_eq!(memory.state().open.len(), 2);
    assert!(!memory.feedback(ids[0], true));
    assert!(memory.feedback(ids[3], true));
}

#[test]
fn steps_are_learnt_from_feedback() {
    let memory = memory(MemoryOptions::default());
    for i in 0..80 {
        let angle = i as f32 * 0.07;
        let found = ask(&memory, &[angle.cos(), angle.sin(), 0.0, 0.0]);
        memory.feedback(found.id, true);
    }
    assert!(memory.state().selector.predictor().examples() > 10);
}

#[test]
fn no_step_of_a_question_in_turn_is_spared() {
    let memory = memory_of(MemoryOptions::default(), true);
    let options = memory.refiner().options();
    // Of two steps only one is done, and the plan learns that one is enough.
    let once = RefineOptions {
        max_steps: 1,
        ..options
    };
    let chain = |angle: f32| {
        let start = [angle.cos(), angle.sin(), 0.0, 0.0];
        [start, [0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]].concat()
    };
    fn question(vectors: &[f32]) -> VectorQuestion<'_> {
        VectorQuestion {
            question: vectors,
            initial: &vectors[..4],
        }
    }
    for i in 0..400 {
        let vectors = chain(0.5 + i as f32 * 1e-4);
        let found = memory.answer(question(&vectors), once).unwrap();
        memory.feedback(found.id, true);
    }
    let others: Vec<_> = (0..20).map(|i| chain(0.503 + i as f32 * 1e-3)).collect();
    let features = features(question(&others[0]));
    let plan = |key| memory.state().selector.plan(&features, key).budget;
    assert!((0..20).any(|key| plan(key) == 1));
    for vectors in &others[..10] {
        let found = memory.answer(question(vectors), options).unwrap();
        assert_eq!(found.refined.steps, 2);
    }
    let rest: Vec<_> = others[10..].iter().map(|v| question(v)).collect();
    for found in memory.answer_many(&rest, options).unwrap() {
        assert_eq!(found.unwrap().refined.steps, 2);
    }
}
