//! A question's attempts: the first as it stands, then others that begin another way, some of them side by side.

use super::answer::Found;
use super::desk::Desk;
use super::guess::{Branches, Guess};
use super::planner::{Planned, Plans};
use super::{Event, SolveOptions, Source, Step};
use crate::engine::{Attempt, LatentState, Surroundings, TrmEngine};
use crate::error::{Error, Result};
use crate::tasks::task::{TokenSymmetry, Tokens};
use crate::thinking::{Progress, StopReason, StopRules, elect};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use web_time::Instant;

/// Sees every event but the last; without it, none is made.
pub(super) type Watch<'a> = Option<&'a mut dyn FnMut(Event)>;

/// Who sees what happens, and who may end it.
pub(super) struct Audience<'a> {
    pub(super) watch: Watch<'a>,
    /// Whether to give up; asked before every step.
    pub(super) gone: &'a dyn Fn() -> bool,
}

/// Thinks about a question and, while no answer is verified, begins again another way.
pub(super) fn think(
    engine: &mut TrmEngine,
    desk: &Desk,
    question: &[u16],
    options: &SolveOptions,
    audience: &mut Audience<'_>,
) -> Result<Found> {
    let mut attempts = Attempts::new(desk, question, options)?;
    loop {
        if (audience.gone)() {
            return Err(Error::Cancelled);
        }
        if let Some(found) = attempts.step(engine, desk, &mut audience.watch)? {
            return Ok(found);
        }
    }
}

/// The time until the deadline, if there is one.
pub(super) fn time_left(options: &SolveOptions) -> Result<Option<Duration>> {
    let Some(deadline) = options.deadline else {
        return Ok(None);
    };
    match deadline.checked_duration_since(Instant::now()) {
        Some(left) if !left.is_zero() => Ok(Some(left)),
        _ => Err(Error::Deadline),
    }
}

/// The attempts at one question, a step at a time. All steps must be done on one engine.
pub(super) struct Attempts {
    question: Tokens,
    /// Whether the task can tell that an answer is right.
    has_rules: bool,
    options: SolveOptions,
    /// The rules, with what the deadline leaves.
    stop: StopRules,
    started: Instant,
    /// Attempts begun.
    begun: usize,
    /// Improvement steps of all of them.
    steps: usize,
    /// Attempts under way.
    lanes: Vec<Lane>,
    /// Which of them does the next step.
    turn: usize,
    /// From the form of the question that the last step thought about to the question's own, where they differ.
    back: Option<TokenSymmetry>,
    ended: Vec<Ended>,
    /// Where attempts that guess can go on.
    branches: Branches,
}

/// An attempt under way.
struct Lane {
    number: usize,
    /// From the form of the question that it thinks about to the question's own, where they differ.
    back: Option<TokenSymmetry>,
    attempt: Attempt,
    /// Where its state lies while others have the engine.
    aside: Option<LatentState>,
    /// What was planned for it; only the first attempt is.
    planned: Option<Planned>,
    guess: Option<Guess>,
}

struct Ended {
    tokens: Tokens,
    halt: f32,
    finite: bool,
    stopped: StopReason,
    verified: Option<bool>,
}

impl Attempts {
    /// Attempts at a question that are about to begin.
    pub(super) fn new(desk: &Desk, question: &[u16], options: &SolveOptions) -> Result<Self> {
        let mut stop = options.stop;
        if let Some(left) = time_left(options)? {
            stop.time = Some(stop.time.map_or(left, |time| time.min(left)));
        }
        Ok(Attempts {
            question: question.to_vec(),
            has_rules: desk.task.verify(question, question).is_some(),
            options: options.clone(),
            stop,
            started: Instant::now(),
            begun: 0,
            steps: 0,
            lanes: Vec::new(),
            turn: 0,
            back: None,
            ended: Vec::new(),
            branches: Branches::default(),
        })
    }

    /// One improvement step of the attempt whose turn it is; those abreast take turns, and where one ends unverified the next
    /// takes its place. What was found, where there is no use in more: one is verified, time is up, or all have ended.
    pub(super) fn step(
        &mut self,
        engine: &mut TrmEngine,
        desk: &Desk,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Found>> {
        if self.turn >= self.lanes.len() {
            self.turn = 0;
            // Most questions need no second attempt, so the first is alone.
            let (abreast, most) = match self.ended.is_empty() {
                true => (1, 1),
                false => (
                    self.options.side_by_side.max(1),
                    self.options.restarts.saturating_add(1),
                ),
            };
            while self.lanes.len() < abreast && self.begun < most {
                let lane = self.begin(engine, desk, abreast > 1, watch)?;
                self.lanes.push(lane);
            }
        }
        let mut lane = self.lanes.remove(self.turn);
        self.back.clone_from(&lane.back);
        match self.advance(engine, desk, &mut lane, watch) {
            None => {
                self.lanes.insert(self.turn, lane);
                self.turn += 1;
            }
            Some(ended) => {
                let over = ended.verified == Some(true) || ended.stopped == StopReason::Time;
                self.ended.push(ended);
                let all = self.begun > self.options.restarts && self.lanes.is_empty();
                if over || all {
                    return Ok(Some(self.found()));
                }
            }
        }
        Ok(None)
    }

    /// After a step: the probability of every token at every place, in the question's own form.
    pub(super) fn candidates(&self, engine: &TrmEngine, into: &mut Vec<f32>) {
        let (places, vocab) = (self.question.len(), engine.config().vocab_size);
        into.resize(places * vocab, 0.0);
        let logits = engine.logits();
        let mut seen = vec![0.0; vocab];
        for (place, row) in into.chunks_exact_mut(vocab).enumerate() {
            let Some(back) = &self.back else {
                logits.probabilities_into(place, row);
                continue;
            };
            logits.probabilities_into(back.source(place), &mut seen);
            for (token, &probability) in (0..).zip(&seen) {
                row[usize::from(back.renamed(token))] = probability;
            }
        }
    }

    /// Who plans how many steps are needed; without proof nobody knows.
    fn planner<'d>(&self, desk: &'d Desk) -> Option<&'d dyn Plans> {
        let planner = desk.planner.as_deref();
        planner.filter(|_| self.options.stop.verified)
    }

    /// Begins the next attempt.
    fn begin(
        &mut self,
        engine: &mut TrmEngine,
        desk: &Desk,
        aside: bool,
        watch: &mut Watch<'_>,
    ) -> Result<Lane> {
        let task = &*desk.task;
        let number = self.begun;
        self.begun += 1;
        if let Some(watch) = watch {
            watch(Event::Attempt { attempt: number });
        }
        // An attempt depends on the question, the seed and its number alone: neither on the question's place among
        // others nor on how many attempts are abreast. One that guesses also depends on the branches that those before it
        // have left.
        let key = task.class(&self.question);
        let seed = self.options.seed ^ key;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64);
        let variation = (number > 0).then_some(self.options.variation);
        let symmetry = match variation {
            Some(v) if v.symmetry && !v.guess => task.random_symmetry(&self.question, &mut rng),
            _ => None,
        };
        let tokens = match &symmetry {
            Some(symmetry) => symmetry.apply(&self.question),
            None => self.question.clone(),
        };
        engine.start(&tokens, 0)?;
        let guess = match variation {
            Some(v) if v.guess => Some(self.branches.take(engine).unwrap_or_else(|| {
                // All branches have ended, one of them wrongly: anew from other states.
                engine.start_elsewhere(&mut rng);
                Guess::new(tokens.clone(), 0.0)
            })),
            Some(v) => {
                if v.start {
                    engine.start_elsewhere(&mut rng);
                }
                if v.noise > 0.0 {
                    engine.add_noise(v.noise, &mut rng);
                }
                None
            }
            None => None,
        };
        let aside = aside.then(|| {
            let mut state = engine.new_state();
            engine.exchange(&mut state);
            state
        });
        let attempt = Attempt::new(self.stop, tokens.len());
        let planner = self.planner(desk).filter(|_| number == 0);
        Ok(Lane {
            number,
            back: symmetry.map(|symmetry| symmetry.inverse()),
            attempt,
            aside,
            planned: planner.map(|planner| planner.begin(engine, task, tokens, key)),
            guess,
        })
    }

    /// One step of an attempt; what came of it, if it ends there.
    fn advance(
        &mut self,
        engine: &mut TrmEngine,
        desk: &Desk,
        lane: &mut Lane,
        watch: &mut Watch<'_>,
    ) -> Option<Ended> {
        let (question, number) = (&self.question[..], lane.number);
        let (task, back) = (&*desk.task, lane.back.as_ref());
        let started = self.started;
        let own_form = |tokens: &[u16]| {
            let mut tokens = back.map_or_else(|| tokens.to_vec(), |back| back.apply(tokens));
            task.tidy(&mut tokens);
            tokens
        };
        let check = |tokens: &[u16]| task.verify(question, &own_form(tokens)) == Some(true);
        let elapsed = || started.elapsed();
        let mut residual = f32::NAN;
        let mut observe = |p: &Progress<'_>| {
            residual = p.residual;
            if let Some(watch) = watch {
                let tokens = own_form(p.answer);
                watch(Event::Step(Step {
                    attempt: number,
                    step: p.step,
                    text: task.line(&tokens),
                    tokens,
                    certainty: back.map_or_else(|| p.certainty.to_vec(), |b| b.carry(p.certainty)),
                    halt: p.halt_logit,
                    verified: p.verified,
                }));
            }
        };
        let mut surroundings = Surroundings {
            check: self.has_rules.then_some(&check),
            // Of all attempts together, so that each has what the others left.
            elapsed: Some(&elapsed),
            watch: Some(&mut observe),
            // Plans are made anew after the first step.
            watch_residual: lane.planned.is_some() && lane.attempt.steps == 0,
        };
        if let Some(state) = &mut lane.aside {
            engine.exchange(state);
        }
        if let Some(guess) = &mut lane.guess {
            guess.make(engine, task, &mut self.branches);
        }
        let mut stopped = engine.advance(&mut lane.attempt, &mut surroundings);
        self.steps += 1;
        let attempt = &mut lane.attempt;
        let mut planned = self.planner(desk).zip(lane.planned.as_mut());
        if let Some((planner, planned)) = planned.as_mut().filter(|_| attempt.steps == 1) {
            let answer = own_form(&attempt.answer);
            let budget = planner.refine(planned, engine, task, &answer, residual);
            attempt.limit_steps(budget);
            stopped = stopped.or((budget <= 1).then_some(StopReason::MaxSteps));
        }
        if let Some(guess) = lane.guess.as_mut().filter(|_| stopped.is_none()) {
            let (answer, certainty) = (&attempt.answer, &attempt.certainty);
            stopped = guess.hopeless(answer, certainty, desk.groups.as_deref());
        }
        let others_guess = self.options.variation.guess && self.begun <= self.options.restarts;
        let ends_open = stopped.is_some_and(|reason| match reason {
            StopReason::Verified | StopReason::Time => false,
            // What the first attempt believes is where others begin, however it ended.
            StopReason::Contradiction | StopReason::Stable => number == 0,
            _ => true,
        });
        if others_guess && ends_open {
            self.branches.leave(engine, lane.guess.as_ref(), question);
        }
        if let Some(state) = &mut lane.aside {
            engine.exchange(state);
        }
        let stopped = stopped?;
        let tokens = own_form(&attempt.answer);
        let verified = task.verify(question, &tokens);
        if let Some((planner, planned)) = planned {
            planner.learn(planned, attempt.steps, verified == Some(true));
        }
        Some(Ended {
            verified,
            tokens,
            halt: attempt.halt_logit,
            finite: attempt.halt_logit.is_finite()
                && attempt.certainty.iter().all(|p| p.is_finite()),
            stopped,
        })
    }

    /// The verified answer, or else the one to believe.
    fn found(&mut self) -> Found {
        let found = self.ended.iter().position(|e| e.verified == Some(true));
        let best = found.unwrap_or_else(|| {
            let attempts: Vec<_> = self.ended.iter().map(|e| (&e.tokens, e.halt)).collect();
            elect(&attempts).expect("the first attempt has ended")
        });
        let best = self.ended.swap_remove(best);
        Found {
            tokens: best.tokens,
            verified: best.verified,
            steps: self.steps,
            restarts: self.begun - 1,
            stopped: best.stopped,
            halt: best.halt,
            finite: best.finite,
            seconds: self.started.elapsed().as_secs_f64(),
            source: Source::Model,
        }
    }
}
