//! The processes of a training: those that MPI has started, where it is built in, or this one alone.

#[cfg(not(feature = "mpi"))]
use crate::exit::UsageError;
use recurra::train::{Alone, Group};

/// Names under which starters of MPI tell a process how many there are.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"];

/// The group of this process.
pub(crate) fn group() -> anyhow::Result<Box<dyn Group>> {
    let told = |name: &&str| std::env::var(name).ok()?.parse::<usize>().ok();
    let size = SIZES.iter().find_map(told).unwrap_or(1);
    if size <= 1 {
        return Ok(Box::new(Alone));
    }
    #[cfg(feature = "mpi")]
    return Ok(Box::new(world::World::join()));
    #[cfg(not(feature = "mpi"))]
    Err(UsageError(format!(
        "started as one of {size} processes: expected a program built with `--features mpi`"
    ))
    .into())
}

#[cfg(feature = "mpi")]
mod world {
    use super::Group;
    use mpi::collective::SystemOperation;
    use mpi::datatype::{Buffer, BufferMut};
    use mpi::environment::Universe;
    use mpi::topology::SimpleCommunicator;
    use mpi::traits::{Communicator, Root};
    use std::fmt;

    /// All processes that MPI has started.
    pub(super) struct World {
        world: SimpleCommunicator,
        /// Ends MPI when the training is over.
        _universe: Universe,
    }

    impl World {
        pub(super) fn join() -> Self {
            let universe = mpi::initialize().expect("MPI is initialised once");
            World {
                world: universe.world(),
                _universe: universe,
            }
        }

        /// To the first process and back: what comes back is the same for all, which sums made at several places need not be.
        fn sum_all<T: Copy>(&self, numbers: &mut [T])
        where
            [T]: Buffer + BufferMut,
        {
            let first = self.world.process_at_rank(0);
            let own = numbers.to_vec();
            if self.world.rank() == 0 {
                first.reduce_into_root(&own[..], numbers, SystemOperation::sum());
            } else {
                first.reduce_into(&own[..], SystemOperation::sum());
            }
            first.broadcast_into(numbers);
        }
    }

    impl fmt::Debug for World {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "process {} of {}", self.rank(), self.size())
        }
    }

    impl Group for World {
        fn rank(&self) -> usize {
            self.world.rank() as usize
        }

        fn size(&self) -> usize {
            self.world.size() as usize
        }

        fn sum(&self, numbers: &mut [f32]) {
            self.sum_all(numbers);
        }

        fn sum_f64(&self, numbers: &mut [f64]) {
            self.sum_all(numbers);
        }
    }
}
