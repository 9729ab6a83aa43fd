//! Several threads on one sample.
//!
//! The members of a team run the same program on different parts of the data and meet at barriers, hundreds of times a
//! step, so they wait by spinning. Between steps they sleep.

use recurra_kernels::product::Part;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// One of the threads that work on a sample.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    part: Part,
    meeting: Option<&'a Meeting>,
}

impl Member<'_> {
    /// A thread that works on its own.
    pub(crate) const ALONE: Member<'static> = Member {
        part: Part::WHOLE,
        meeting: None,
    };

    /// Which part of the work is this member's.
    pub(crate) fn part(self) -> Part {
        self.part
    }

    /// Waits until all members have come here. What they wrote before is seen after.
    pub(crate) fn meet(self) {
        if let Some(meeting) = self.meeting {
            meeting.wait(self.part.parts);
        }
    }
}

/// Where members wait for one another.
#[derive(Debug, Default)]
struct Meeting {
    arrived: AtomicUsize,
    round: AtomicUsize,
    /// A member has panicked and will not come.
    broken: AtomicBool,
    /// How often members look before they let others run: not at all where there are more of them than cores, for then
    /// they wait for each other's core.
    spins: u32,
}

/// How often a waiting thread looks before it lets others run: about 50 microseconds.
const SPINS: u32 = 1000;

/// Waits until `done` says so: looks `spins` times, then lets other threads run in between.
fn wait_until(mut spins: u32, mut done: impl FnMut() -> bool) {
    while !done() {
        if spins > 0 {
            spins -= 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

impl Meeting {
    fn wait(&self, members: usize) {
        let round = self.round.load(Ordering::Relaxed);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == members {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        wait_until(self.spins, || {
            assert!(
                !self.broken.load(Ordering::Relaxed),
                "a member of the team panicked"
            );
            self.round.load(Ordering::Acquire) != round
        });
    }
}

/// What the members do together.
type Work<'a> = &'a (dyn Fn(Member<'_>) + Sync);

/// Threads that wait for work on one sample after another; the caller is the first of them.
#[derive(Debug)]
pub(crate) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    meeting: Meeting,
    /// Points to the caller's `Work` while there is some; counted by `orders`.
    work: AtomicPtr<()>,
    members: AtomicUsize,
    orders: AtomicUsize,
    /// Helpers that have finished the present order.
    finished: AtomicUsize,
    closed: AtomicBool,
}

impl Team {
    /// A team of so many members, of which the caller is one; fewer if the system gives no more threads.
    pub(crate) fn new(members: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let shared = Arc::new(Shared {
            meeting: Meeting {
                spins: if members > cores { 0 } else { SPINS },
                ..Meeting::default()
            },
            ..Shared::default()
        });
        let spawn = |part| {
            let shared = shared.clone();
            std::thread::Builder::new().spawn(move || shared.help(part))
        };
        let helpers = (1..members).map_while(|part| spawn(part).ok()).collect();
        Team { shared, helpers }
    }

    /// Its members.
    pub(crate) fn members(&self) -> usize {
        1 + self.helpers.len()
    }

    /// Runs `work` on all members and waits for them. Allocates nothing.
    ///
    /// # Panics
    /// If a member does.
    pub(crate) fn run(&mut self, work: Work<'_>) {
        if self.helpers.is_empty() {
            return work(Member::ALONE);
        }
        let shared = &*self.shared;
        shared.finished.store(0, Ordering::Relaxed);
        shared.members.store(self.members(), Ordering::Relaxed);
        let pointer: *const Work<'_> = &work;
        shared
            .work
            .store(pointer.cast_mut().cast(), Ordering::Relaxed);
        shared.orders.fetch_add(1, Ordering::Release);
        for helper in &self.helpers {
            helper.thread().unpark();
        }
        let result = shared.take_part(0, work);
        // Before `work` goes out of scope, and whatever happened.
        wait_until(shared.meeting.spins, || {
            shared.finished.load(Ordering::Acquire) == self.helpers.len()
        });
        if let Err(panic) = result {
            resume_unwind(panic);
        }
        assert!(
            !shared.meeting.broken.load(Ordering::Relaxed),
            "a member of the team panicked"
        );
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.shared.orders.fetch_add(1, Ordering::Release);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper's panic has been told by `run`.
            helper.join().ok();
        }
    }
}

impl Shared {
    /// The life of a helper.
    fn help(&self, part: usize) {
        let mut seen = 0;
        loop {
            let mut spins = self.meeting.spins;
            while self.orders.load(Ordering::Acquire) == seen {
                if spins > 0 {
                    spins -= 1;
                    std::hint::spin_loop();
                } else {
                    std::thread::park();
                }
            }
            seen = seen.wrapping_add(1);
            if self.closed.load(Ordering::Relaxed) {
                return;
            }
            let work: *const Work<'_> = self.work.load(Ordering::Relaxed).cast();
            // SAFETY: the caller of `run` keeps its work until all helpers have finished.
            let work = unsafe { *work };
            self.take_part(part, work).ok();
            self.finished.fetch_add(1, Ordering::Release);
        }
    }

    fn take_part(&self, part: usize, work: Work<'_>) -> std::thread::Result<()> {
        let member = Member {
            part: Part {
                part,
                parts: self.members.load(Ordering::Relaxed),
            },
            meeting: Some(&self.meeting),
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(member)));
        if result.is_err() {
            self.meeting.broken.store(true, Ordering::Relaxed);
        }
        result
    }
}

// A browser's module has no threads, and does not outlive a panic.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    #[test]
    fn members_see_what_others_wrote_before_the_meeting() {
        for members in [1, 2, 3] {
            let mut team = Team::new(members);
            for order in 0..20 {
                let cells: Vec<AtomicUsize> = (0..members).map(|_| AtomicUsize::new(0)).collect();
                let sums: Vec<AtomicUsize> = (0..members).map(|_| AtomicUsize::new(0)).collect();
                team.run(&|member: Member<'_>| {
                    for round in 1..=5 {
                        let part = member.part().part;
                        cells[part].store(order * round + part, Ordering::Relaxed);
                        member.meet();
                        let sum: usize = cells.iter().map(|c| c.load(Ordering::Relaxed)).sum();
                        sums[part].fetch_add(sum, Ordering::Relaxed);
                        member.meet();
                    }
                });
                let others = members * (members - 1) / 2;
                let expected: usize = (1..=5).map(|round| members * order * round + others).sum();
                for sum in &sums {
                    assert_eq!(sum.load(Ordering::Relaxed), expected);
                }
            }
        }
    }

    #[test]
    fn a_panic_of_one_member_is_the_callers() {
        for guilty in [0, 1] {
            let mut team = Team::new(2);
            let result = catch_unwind(AssertUnwindSafe(|| {
                team.run(&|member: Member<'_>| {
                    assert!(member.part().part != guilty, "on purpose");
                    member.meet();
                });
            }));
            assert!(result.is_err());
        }
    }
}
