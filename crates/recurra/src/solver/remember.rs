//! Answers from the cache: looking a question up, and keeping what was thought about it.

use super::answer::Found;
use super::attempts::{self, Audience, time_left};
use super::desk::Desk;
use super::{SolveOptions, Source};
use crate::cache::{Ask, CacheHit, CacheLevel, Keys, Thought};
use crate::engine::TrmEngine;
use crate::error::{Error, Result};
use crate::tasks::Task;
use crate::tasks::task::{TokenSymmetry, Tokens};
use web_time::Instant;

/// The answer from the cache if there is one that knows it, else by thinking.
pub(super) fn answer(
    engine: &mut TrmEngine,
    desk: &Desk,
    question: &[u16],
    options: &SolveOptions,
    audience: &mut Audience<'_>,
) -> Result<Found> {
    desk.check_options(options)?;
    desk.check(question)?;
    let Some(cache) = &desk.cache else {
        return attempts::think(engine, desk, question, options, audience);
    };
    let started = Instant::now();
    let asked = Asked::new(&*desk.task, question, options);
    let patience = [options.stop.time, time_left(options)?];
    let patience = patience.into_iter().flatten().min();
    let turn = match cache.ask_unless(asked.keys(), patience, audience.gone) {
        Ask::Hit(hit) => match asked.recall(&hit) {
            Some(tokens) => {
                return Ok(Found {
                    tokens,
                    verified: hit.thought.verified,
                    steps: 0,
                    restarts: 0,
                    stopped: hit.thought.stopped,
                    halt: hit.thought.halt,
                    finite: hit.thought.halt.is_finite(),
                    seconds: started.elapsed().as_secs_f64(),
                    source: hit.level.into(),
                });
            }
            None => {
                cache.refuse(asked.key_of(&hit));
                None
            }
        },
        Ask::Turn(turn) => Some(turn),
        Ask::Busy if (audience.gone)() => return Err(Error::Cancelled),
        Ask::Busy => None,
    };
    let answer = attempts::think(engine, desk, question, options, audience)?;
    if answer.verified == Some(true) {
        match turn {
            Some(turn) => turn.prove(asked.proof(&answer)),
            None => cache.put(&asked.canonical, asked.proof(&answer)),
        }
    } else if answer.finite
        && options.stop.time.is_none()
        && options.deadline.is_none()
        && desk.planner.is_none()
    {
        // Thought about again it would be the same. Who waits for the turn finds it.
        cache.put(&asked.own, asked.thought(&answer.tokens, &answer));
    }
    Ok(answer)
}

/// Bytes of a question's canonical key.
pub(super) fn key_bytes(task: &dyn Task) -> usize {
    1 + answer_bytes(task)
}

/// Bytes of an answer as it is kept.
pub(super) fn answer_bytes(task: &dyn Task) -> usize {
    pack(task, &vec![0; task.seq_len()]).len()
}

/// Tokens as bytes: one each where all fit, else two.
fn pack(task: &dyn Task, tokens: &[u16]) -> Vec<u8> {
    if task.vocab_size() <= 256 {
        tokens.iter().map(|&token| token as u8).collect()
    } else {
        tokens.iter().flat_map(|t| t.to_le_bytes()).collect()
    }
}

/// What [`pack`] was given; `None` for bytes that are no tokens of the task.
fn unpack(task: &dyn Task, bytes: &[u8]) -> Option<Tokens> {
    let tokens: Tokens = if task.vocab_size() <= 256 {
        bytes.iter().map(|&byte| byte.into()).collect()
    } else {
        let (pairs, _) = bytes.as_chunks();
        pairs.iter().map(|&pair| u16::from_le_bytes(pair)).collect()
    };
    let known = |&token: &u16| usize::from(token) < task.vocab_size();
    (tokens.len() == task.seq_len() && tokens.iter().all(known)).then_some(tokens)
}

/// A question with its keys.
struct Asked<'a> {
    task: &'a dyn Task,
    question: &'a [u16],
    /// From the question's own form to its canonical one, where it has one.
    symmetry: Option<TokenSymmetry>,
    canonical: Vec<u8>,
    own: Vec<u8>,
}

impl<'a> Asked<'a> {
    fn new(task: &'a dyn Task, question: &'a [u16], options: &SolveOptions) -> Self {
        let own = pack(task, question);
        let (canonical, symmetry) = match task.canonical(question) {
            Some((form, symmetry)) => (pack(task, &form), Some(symmetry)),
            None => (own.clone(), None),
        };
        Asked {
            task,
            question,
            symmetry,
            // Proofs hold whatever the options, any other answer depends on all of them. The first byte tells which.
            canonical: [b"c", &canonical[..]].concat(),
            own: [b"o", &own[..], options.key().as_bytes()].concat(),
        }
    }

    fn keys(&self) -> Keys<'_> {
        Keys {
            canonical: &self.canonical,
            own: &self.own,
        }
    }

    fn key_of(&self, hit: &CacheHit) -> &[u8] {
        if hit.own { &self.own } else { &self.canonical }
    }

    /// The answer in the question's own form. `None` if it is no answer, or claims a proof that does not hold.
    fn recall(&self, hit: &CacheHit) -> Option<Tokens> {
        let mut tokens = unpack(self.task, &hit.thought.answer)?;
        if let Some(symmetry) = self.symmetry.as_ref().filter(|_| !hit.own) {
            tokens = symmetry.inverse().apply(&tokens);
        }
        let holds = self.task.verify(self.question, &tokens);
        (hit.thought.verified == holds).then_some(tokens)
    }

    /// What is kept of a proven answer.
    fn proof(&self, answer: &Found) -> Thought {
        match &self.symmetry {
            Some(symmetry) => self.thought(&symmetry.apply(&answer.tokens), answer),
            None => self.thought(&answer.tokens, answer),
        }
    }

    fn thought(&self, tokens: &[u16], answer: &Found) -> Thought {
        Thought {
            answer: pack(self.task, tokens).into(),
            verified: answer.verified,
            stopped: answer.stopped,
            halt: answer.halt,
            seconds: answer.seconds as f32,
        }
    }
}

impl From<CacheLevel> for Source {
    fn from(level: CacheLevel) -> Self {
        match level {
            CacheLevel::Exact => Source::Exact,
            CacheLevel::Stored => Source::Stored,
            CacheLevel::Similar => Source::Similar,
        }
    }
}
