//! The shared executor: takes the questions of all connections, lets the models think about the next ones, and tells who waits.
//!
//! No more questions are thought about at once than there are threads, whatever the number of models. All waiting is done by
//! these threads or asynchronously: none of the runtime's threads ever waits for a model.

use crate::measure;
use crate::models::Served;
use crate::problem::Problem;
use crate::queue::{Client, Place, Queue};
use crate::settings::Settings;
use recurra::solver::{CancelToken, Question, SolveOptions};
use recurra::{Answer, Event};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// A question that is to be queued.
pub(crate) struct Ask {
    pub(crate) model: Arc<Served>,
    pub(crate) question: Question,
    /// Its tokens, where it can be read: what is predicted is predicted from them.
    pub(crate) tokens: Option<Vec<u16>>,
    pub(crate) options: Box<SolveOptions>,
    /// Who is told its steps.
    pub(crate) watch: Option<Watch>,
}

/// Who is told the steps of a question; who does not take them in time misses some.
pub(crate) struct Watch {
    /// Which of a request's questions it is, from 1.
    pub(crate) line: u64,
    pub(crate) sender: mpsc::Sender<(u64, Event)>,
}

enum Work {
    Solve {
        ask: Box<Ask>,
        reply: oneshot::Sender<Result<Answer, Problem>>,
    },
    /// What else takes a thread for a while.
    Other(Box<dyn FnOnce() + Send>),
}

struct Job {
    work: Work,
    /// Predicted seconds, for as long as it waits.
    waits: Waits,
}

/// Counts predicted microseconds until it is dropped.
struct Waits {
    sum: Arc<AtomicU64>,
    own: u64,
}

impl Waits {
    fn new(sum: &Arc<AtomicU64>, seconds: f64) -> Self {
        let own = (seconds * 1e6) as u64;
        sum.fetch_add(own, Ordering::Relaxed);
        Waits {
            sum: sum.clone(),
            own,
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.sum.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// See the module.
pub(crate) struct Desk {
    queue: Arc<Queue<Job>>,
    threads: usize,
    /// Predicted seconds that may wait.
    most_wait: f64,
    waiting: Arc<AtomicU64>,
    running: Arc<AtomicUsize>,
    runners: Mutex<Vec<JoinHandle<()>>>,
}

/// Steps that work without a model counts as.
const OTHER: f64 = 4.0;

impl Desk {
    /// Starts the threads.
    pub(crate) fn start(settings: &Settings) -> std::io::Result<Arc<Self>> {
        let queue = Arc::new(Queue::new(settings.limits.queue_steps));
        let running = Arc::new(AtomicUsize::new(0));
        // One more than think, so that the next is ready when one ends.
        let runners = (0..=settings.threads).map(|_| {
            let (queue, running) = (queue.clone(), running.clone());
            std::thread::Builder::new()
                .name("runner".into())
                .spawn(move || run(&queue, &running))
        });
        let runners: std::io::Result<Vec<_>> = runners.collect();
        Ok(Arc::new(Desk {
            queue,
            threads: settings.threads,
            most_wait: settings.limits.wait,
            waiting: Arc::default(),
            running,
            runners: Mutex::new(runners?),
        }))
    }

    /// Queues questions, all or none.
    ///
    /// # Errors
    /// 429 where they would have to wait too long.
    pub(crate) fn submit(&self, client: &Client, asks: Vec<Ask>) -> Result<Vec<Ticket>, Problem> {
        let mut tickets = Vec::with_capacity(asks.len());
        let mut jobs = Vec::with_capacity(asks.len());
        self.check_wait()?;
        for ask in asks {
            let steps = ask.model.predict(ask.tokens.as_deref(), &ask.options);
            let seconds = ask.model.seconds(steps);
            let (reply, outcome) = oneshot::channel();
            tickets.push(Ticket {
                outcome,
                place: None,
                queue: self.queue.clone(),
                cancel: ask.options.cancel.clone(),
                deadline: ask.options.deadline,
            });
            let waits = Waits::new(&self.waiting, seconds);
            let ask = Box::new(ask);
            let work = Work::Solve { ask, reply };
            jobs.push((steps, Job { work, waits }));
        }
        let places = self.push(client, jobs)?;
        for (ticket, place) in tickets.iter_mut().zip(places) {
            ticket.place = Some(place);
        }
        Ok(tickets)
    }

    /// Lets a thread do something in its turn.
    ///
    /// # Errors
    /// As [`Desk::submit`]; 500 where it panics.
    pub(crate) async fn perform<T: Send + 'static>(
        &self,
        client: &Client,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.perform_steps(client, OTHER, work).await
    }

    /// The same with work that counts as so many steps.
    ///
    /// # Errors
    /// As [`Desk::perform`].
    pub(crate) async fn perform_steps<T: Send + 'static>(
        &self,
        client: &Client,
        steps: f64,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.check_wait()?;
        let (reply, outcome) = oneshot::channel();
        let work = move || {
            // Who does not wait any more needs it no more.
            if !reply.is_closed() {
                reply.send(work()).ok();
            }
        };
        let waits = Waits::new(&self.waiting, 0.0);
        let work = Work::Other(Box::new(work));
        self.push(client, vec![(steps, Job { work, waits })])?;
        outcome.await.map_err(|_| Problem::fault("the work failed"))
    }

    fn push(&self, client: &Client, jobs: Vec<(f64, Job)>) -> Result<Vec<Place>, Problem> {
        self.queue.push(client, jobs).map_err(|_| {
            measure::rejected("queue");
            Problem::busy(
                "too many questions wait: the queue is full",
                self.retry_after(),
            )
        })
    }

    /// Refuses what would have to wait too long.
    fn check_wait(&self) -> Result<(), Problem> {
        if self.predicted_wait() <= self.most_wait {
            return Ok(());
        }
        measure::rejected("wait");
        Err(Problem::busy(
            "too many questions wait: it would take too long",
            self.retry_after(),
        ))
    }

    /// Seconds until what waits now will have been taken up.
    pub(crate) fn predicted_wait(&self) -> f64 {
        self.waiting.load(Ordering::Relaxed) as f64 / 1e6 / self.threads as f64
    }

    fn retry_after(&self) -> u64 {
        // When half of what waits is gone.
        ((self.predicted_wait() / 2.0).ceil() as u64).clamp(1, 60)
    }

    /// Steps and questions that wait, and questions that are thought about.
    pub(crate) fn load(&self) -> (f64, usize, usize) {
        let (steps, jobs) = self.queue.waiting();
        (steps, jobs, self.running.load(Ordering::Relaxed))
    }

    /// Lets what was queued be done, and ends the threads.
    pub(crate) fn stop(&self) {
        self.queue.close();
        let mut runners = self.runners.lock().unwrap_or_else(PoisonError::into_inner);
        for runner in runners.drain(..) {
            runner.join().ok();
        }
    }
}

/// A question on its way. Dropped, it gives the question up, and frees its place within a step.
pub(crate) struct Ticket {
    outcome: oneshot::Receiver<Result<Answer, Problem>>,
    place: Option<Place>,
    queue: Arc<Queue<Job>>,
    cancel: CancelToken,
    deadline: Option<Instant>,
}

impl Ticket {
    /// Waits for the answer. One that was not begun by its deadline is given up then; one that was is told what it has.
    pub(crate) async fn answer(&mut self) -> Result<Answer, Problem> {
        if let Some(deadline) = self.deadline {
            tokio::select! {
                biased;
                outcome = &mut self.outcome => return said(outcome),
                () = tokio::time::sleep_until(deadline.into()) => {
                    if self.place.take().and_then(|place| self.queue.cancel(&place)).is_some() {
                        return Err(Problem::too_late());
                    }
                }
            }
        }
        said((&mut self.outcome).await)
    }
}

fn said(
    outcome: Result<Result<Answer, Problem>, oneshot::error::RecvError>,
) -> Result<Answer, Problem> {
    outcome.unwrap_or_else(|_| Err(Problem::unavailable("the question was given up")))
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(place) = self.place.take() {
            // Dropped outside the queue's lock.
            drop(self.queue.cancel(&place));
        }
    }
}

/// The life of a runner.
fn run(queue: &Queue<Job>, running: &AtomicUsize) {
    while let Some(Job { work, waits }) = queue.pop() {
        drop(waits);
        running.fetch_add(1, Ordering::Relaxed);
        match work {
            Work::Solve { ask, reply } => {
                if !ask.options.cancel.is_cancelled() {
                    let outcome = catch_unwind(AssertUnwindSafe(|| solve(*ask)));
                    let outcome =
                        outcome.unwrap_or_else(|_| Err(Problem::fault("thinking failed")));
                    reply.send(outcome).ok();
                }
            }
            Work::Other(work) => drop(catch_unwind(AssertUnwindSafe(work))),
        }
        running.fetch_sub(1, Ordering::Relaxed);
    }
}

fn solve(ask: Ask) -> Result<Answer, Problem> {
    let Ask {
        model,
        question,
        tokens: _,
        options,
        watch,
    } = ask;
    let solver = &model.solver;
    let answer = match (&model.task, watch) {
        // Its forms are shared out among threads by the solver itself.
        (None, _) => solver.ask_with(question, &options),
        (Some(_), None) => solver
            .submit(question, &options)
            .and_then(|pending| pending.wait()),
        (Some(_), Some(watch)) => stream(&model, question, &options, &watch),
    };
    let answer = match answer {
        Ok(answer) if !answer.finite => Err(Problem::not_finite()),
        Ok(answer) => Ok(answer),
        Err(error) => Err(error.into()),
    };
    measure::answered(&model.name, &answer);
    if let Ok(answer) = &answer {
        model.learn(answer);
    }
    answer
}

fn stream(
    model: &Served,
    question: Question,
    options: &SolveOptions,
    watch: &Watch,
) -> recurra::Result<Answer> {
    for event in model.solver.stream(question, options)? {
        match event? {
            Event::Answer(answer) => return Ok(answer),
            // Nobody slows a thread down.
            event => drop(watch.sender.try_send((watch.line, event))),
        }
    }
    Err(recurra::Error::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[tokio::test]
    async fn work_that_panics_is_a_fault_of_its_request_alone() {
        let desk = Desk::start(&Settings::default()).unwrap();
        let client: Client = "a".into();
        for _ in 0..8 {
            let failed: Result<(), Problem> = desk.perform(&client, || panic!("a fault")).await;
            assert_eq!(failed.unwrap_err().status, 500);
        }
        assert_eq!(desk.perform(&client, || 7).await, Ok(7));
        // What the library says of a thread that panicked, without its message.
        let problem = Problem::from(recurra::Error::Panicked("secret".into()));
        assert_eq!(
            (problem.status, problem.detail.contains("secret")),
            (500, false)
        );
        desk.stop();
        assert_eq!(desk.load(), (0.0, 0, 0));
    }
}
