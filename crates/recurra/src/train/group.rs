//! Several processes that train one model together, each on its part of every batch.

use std::fmt::Debug;
use std::ops::Range;

/// The processes of a training, as one of them sees them. All of them must call the same methods in the same order, with
/// slices of the same length.
pub trait Group: Debug {
    /// Which of them this is, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Replaces the numbers by their sums over all processes, which are the same for each of them to the last bit.
    fn sum(&self, numbers: &mut [f32]);

    /// The same in double precision.
    fn sum_f64(&self, numbers: &mut [f64]);
}

/// The group of a process that trains by itself.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Group for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&self, _: &mut [f32]) {}

    fn sum_f64(&self, _: &mut [f64]) {}
}

/// The places of a batch that a process has.
pub(crate) fn places(group: &dyn Group, batch: usize) -> Range<usize> {
    let (rank, size) = (group.rank(), group.size());
    batch * rank / size..batch * (rank + 1) / size
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::{Arc, Condvar, Mutex};

    /// Threads of one process as a group.
    #[derive(Debug, Clone)]
    pub(crate) struct Threads {
        rank: usize,
        size: usize,
        meeting: Arc<(Mutex<Meeting>, Condvar)>,
    }

    #[derive(Debug, Default)]
    struct Meeting {
        /// What each has brought.
        brought: Vec<Option<Vec<f64>>>,
        sums: Vec<f64>,
        left: usize,
    }

    impl Threads {
        pub(crate) fn group(size: usize) -> Vec<Threads> {
            let meeting = Meeting {
                brought: vec![None; size],
                ..Meeting::default()
            };
            let meeting = Arc::new((Mutex::new(meeting), Condvar::new()));
            let member = |rank| Threads {
                rank,
                size,
                meeting: meeting.clone(),
            };
            (0..size).map(member).collect()
        }
    }

    impl Group for Threads {
        fn rank(&self) -> usize {
            self.rank
        }

        fn size(&self) -> usize {
            self.size
        }

        fn sum(&self, numbers: &mut [f32]) {
            let mut wide: Vec<f64> = numbers.iter().map(|&n| n.into()).collect();
            self.sum_f64(&mut wide);
            for (to, from) in numbers.iter_mut().zip(wide) {
                *to = from as f32;
            }
        }

        fn sum_f64(&self, numbers: &mut [f64]) {
            let (meeting, changed) = &*self.meeting;
            let mut now = meeting.lock().unwrap();
            // The last meeting may not be over for all.
            now = changed.wait_while(now, |m| m.left > 0).unwrap();
            now.brought[self.rank] = Some(numbers.to_vec());
            if now.brought.iter().all(Option::is_some) {
                let mut sums = vec![0.0; numbers.len()];
                for brought in now.brought.iter_mut().filter_map(Option::take) {
                    assert_eq!(brought.len(), sums.len());
                    sums.iter_mut().zip(brought).for_each(|(s, n)| *s += n);
                }
                (now.sums, now.left) = (sums, self.size);
                changed.notify_all();
            }
            now = changed.wait_while(now, |m| m.left == 0).unwrap();
            numbers.copy_from_slice(&now.sums);
            now.left -= 1;
            if now.left == 0 {
                changed.notify_all();
            }
        }
    }

    #[test]
    fn places_are_shared_out_whole() {
        for (size, batch) in [(1, 5), (2, 7), (3, 128), (4, 4)] {
            let group = Threads::group(size);
            let parts: Vec<_> = group.iter().map(|g| places(g, batch)).collect();
            let all: Vec<usize> = parts.into_iter().flatten().collect();
            assert_eq!(all, (0..batch).collect::<Vec<_>>());
        }
    }
}
