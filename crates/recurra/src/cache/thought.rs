//! What is kept of an answer.

use super::exact::{Kept, allocated};
use crate::thinking::StopReason;

/// An answer and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Thought {
    /// The answer, in the form of the key under which it is kept. For Sudoku a byte a cell.
    pub answer: Box<[u8]>,
    /// Whether the task's own rules hold for it; `None` where it has none.
    pub verified: Option<bool>,
    /// Why the attempt that gave it stopped.
    pub stopped: StopReason,
    /// Halting logit at the end of that attempt.
    pub halt: f32,
    /// Seconds that it took.
    pub seconds: f32,
}

impl Kept for Thought {
    fn heap_bytes(&self) -> usize {
        Thought::heap_bytes_of(self.answer.len())
    }
}

impl Thought {
    /// Bytes of the heap that a thought takes, with an answer of so many bytes.
    pub(super) fn heap_bytes_of(answer: usize) -> usize {
        // The two counts of an `Arc` stand in front.
        allocated(16 + size_of::<Thought>()) + allocated(answer)
    }

    /// As bytes: verified (0 no, 1 yes, 2 no check) and number of the reason, both u8, halting logit and seconds, both
    /// f32 and little-endian, then the answer.
    pub fn to_bytes(&self) -> Vec<u8> {
        let reason = StopReason::ALL.iter().position(|r| *r == self.stopped);
        let mut bytes = vec![
            self.verified.map_or(2, u8::from),
            reason.expect("all are there") as u8,
        ];
        bytes.extend(self.halt.to_le_bytes());
        bytes.extend(self.seconds.to_le_bytes());
        bytes.extend(&self.answer);
        bytes
    }

    /// Reads what [`Thought::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[verified, reason], rest) = bytes.split_first_chunk()?;
        let (halt, rest) = rest.split_first_chunk()?;
        let (seconds, answer) = rest.split_first_chunk()?;
        Some(Thought {
            answer: answer.into(),
            verified: match verified {
                0 => Some(false),
                1 => Some(true),
                2 => None,
                _ => return None,
            },
            stopped: *StopReason::ALL.get(usize::from(reason))?,
            halt: f32::from_le_bytes(*halt),
            seconds: f32::from_le_bytes(*seconds),
        })
    }
}
