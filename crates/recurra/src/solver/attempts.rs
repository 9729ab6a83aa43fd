//! A question's attempts: the first as it stands, then others that begin another way, some of them side by side.

use super::answer::Found;
use super::desk::Desk;
use super::guess::{Branches, Guess};
use super::planner::{Planned, Planner};
use super::{Event, SolveOptions, Source, Step};
use crate::engine::{Attempt, LatentState, Surroundings, TrmEngine};
use crate::error::{Error, Result};
use crate::groups::Groups;
use crate::tasks::Task;
use crate::tasks::task::{TokenSymmetry, Tokens};
use crate::thinking::{Progress, StopReason, StopRules, elect};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use web_time::Instant;

/// Who sees what happens, and who may end it.
pub(super) struct Audience<'a> {
    /// Sees every event but the last; without it, none is made.
    pub(super) watch: Option<&'a mut dyn FnMut(Event)>,
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
    let mut stop = options.stop;
    if let Some(left) = time_left(options)? {
        stop.time = Some(stop.time.map_or(left, |time| time.min(left)));
    }
    let mut thinker = Thinker {
        engine,
        // Without proof nobody knows how many steps were needed.
        planner: desk.planner.as_deref().filter(|_| options.stop.verified),
        task: &*desk.task,
        has_rules: desk.task.verify(question, question).is_some(),
        question,
        options,
        stop,
        audience,
        started: Instant::now(),
        begun: 0,
        steps: 0,
        ended: Vec::new(),
        branches: Branches::default(),
        groups: desk.groups.as_deref(),
    };
    // Most questions need no second attempt, so the first is alone.
    if !thinker.run(1, 1)? {
        thinker.run(
            options.side_by_side.max(1),
            options.restarts.saturating_add(1),
        )?;
    }
    Ok(thinker.answer())
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

/// The attempts at one question.
struct Thinker<'a, 'w> {
    engine: &'a mut TrmEngine,
    planner: Option<&'a Planner>,
    task: &'a dyn Task,
    /// Whether the task can tell that an answer is right.
    has_rules: bool,
    question: &'a [u16],
    options: &'a SolveOptions,
    /// The rules, with what the deadline leaves.
    stop: StopRules,
    audience: &'a mut Audience<'w>,
    started: Instant,
    /// Attempts begun.
    begun: usize,
    /// Improvement steps of all of them.
    steps: usize,
    ended: Vec<Ended>,
    /// Where attempts that guess can go on.
    branches: Branches,
    /// Of the task, if it declares any.
    groups: Option<&'a Groups>,
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
    stopped: StopReason,
    verified: Option<bool>,
}

impl Thinker<'_, '_> {
    /// Makes attempts until so many were begun in all, some of them abreast: each does a step in turn, and where one
    /// ends unverified the next takes its place. Says whether there is no use in more: one is verified, or time is up.
    fn run(&mut self, abreast: usize, until: usize) -> Result<bool> {
        let mut lanes = Vec::new();
        loop {
            while lanes.len() < abreast && self.begun < until {
                lanes.push(self.begin(abreast > 1)?);
            }
            if lanes.is_empty() {
                return Ok(false);
            }
            let mut i = 0;
            while let Some(lane) = lanes.get_mut(i) {
                if (self.audience.gone)() {
                    return Err(Error::Cancelled);
                }
                let Some(ended) = self.advance(lane) else {
                    i += 1;
                    continue;
                };
                lanes.remove(i);
                let last = ended.verified == Some(true) || ended.stopped == StopReason::Time;
                self.ended.push(ended);
                if last {
                    return Ok(true);
                }
            }
        }
    }

    /// Begins the next attempt.
    fn begin(&mut self, aside: bool) -> Result<Lane> {
        let number = self.begun;
        self.begun += 1;
        if let Some(watch) = &mut self.audience.watch {
            watch(Event::Attempt { attempt: number });
        }
        // An attempt depends on the question, the seed and its number alone: neither on the question's place among
        // others nor on how many attempts are abreast.
        let key = self.task.class(self.question);
        let seed = self.options.seed ^ key;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64);
        let variation = (number > 0).then_some(self.options.variation);
        let symmetry = match variation {
            Some(v) if v.symmetry => self.task.random_symmetry(self.question, &mut rng),
            _ => None,
        };
        let tokens = match &symmetry {
            Some(symmetry) => symmetry.apply(self.question),
            None => self.question.to_vec(),
        };
        self.engine.start(&tokens, 0)?;
        if let Some(variation) = variation {
            if variation.start {
                self.engine.start_elsewhere(&mut rng);
            }
            if variation.noise > 0.0 {
                self.engine.add_noise(variation.noise, &mut rng);
            }
        }
        let guess = variation.is_some_and(|v| v.guess).then(|| {
            let taken = self.branches.take(self.engine);
            taken.unwrap_or_else(|| {
                // All branches have ended, one of them wrongly: anew from other states.
                self.engine.start_elsewhere(&mut rng);
                Guess::new(tokens.clone(), 0.0)
            })
        });
        let aside = aside.then(|| {
            let mut state = self.engine.new_state();
            self.engine.exchange(&mut state);
            state
        });
        let attempt = Attempt::new(self.stop, tokens.len());
        let planner = self.planner.filter(|_| number == 0);
        Ok(Lane {
            number,
            back: symmetry.map(|symmetry| symmetry.inverse()),
            attempt,
            aside,
            planned: planner.map(|planner| planner.begin(self.engine, self.task, tokens, key)),
            guess,
        })
    }

    /// One step of an attempt; what came of it, if it ends there.
    fn advance(&mut self, lane: &mut Lane) -> Option<Ended> {
        let (question, number) = (self.question, lane.number);
        let (task, back) = (self.task, lane.back.as_ref());
        let (started, watch) = (self.started, &mut self.audience.watch);
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
            self.engine.exchange(state);
        }
        if let Some(guess) = &mut lane.guess {
            guess.make(self.engine, task, &mut self.branches);
        }
        let mut stopped = self.engine.advance(&mut lane.attempt, &mut surroundings);
        self.steps += 1;
        let attempt = &mut lane.attempt;
        let mut planned = self.planner.zip(lane.planned.as_mut());
        if let Some((planner, planned)) = planned.as_mut().filter(|_| attempt.steps == 1) {
            let answer = own_form(&attempt.answer);
            let budget = planner.refine(planned, self.engine, task, &answer, residual);
            attempt.limit_steps(budget);
            stopped = stopped.or((budget <= 1).then_some(StopReason::MaxSteps));
        }
        if let Some(guess) = lane.guess.as_mut().filter(|_| stopped.is_none()) {
            let (answer, certainty) = (&attempt.answer, &attempt.certainty);
            stopped = guess.hopeless(answer, certainty, self.groups);
        }
        let others_guess = self.options.variation.guess && self.options.restarts > 0;
        let ends_open = stopped.is_some_and(|reason| match reason {
            StopReason::Verified | StopReason::Time => false,
            // What the first attempt believes is where others begin, however it ended.
            StopReason::Contradiction | StopReason::Stable => number == 0,
            _ => true,
        });
        if others_guess && ends_open {
            self.branches
                .leave(self.engine, lane.guess.as_ref(), question);
        }
        if let Some(state) = &mut lane.aside {
            self.engine.exchange(state);
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
            stopped,
        })
    }

    /// The verified answer, or else the one to believe.
    fn answer(mut self) -> Found {
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
            seconds: self.started.elapsed().as_secs_f64(),
            source: Source::Model,
        }
    }
}
