//! Reads a segment from end to end, also a damaged one.

use super::format::{Head, RECORD_HEAD, SEGMENT_HEAD};

/// What stands at a place of a segment.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A whole record: its head and all of its bytes.
    Record(Head, &'a [u8]),
    /// So many bytes that are no record, though a whole one or the end mark follows.
    Damage(usize),
}

/// How a segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// Where in the segment the next record is to be written.
    pub(super) at: usize,
    /// Whether the last write was cut off: the end mark that follows every write is missing.
    pub(super) torn: bool,
}

/// Shows everything in a segment that begins at byte `start` of its file. Where `payloads` is not asked for, a record
/// counts as whole if its head is.
pub(super) fn walk<'a>(
    segment: &'a [u8],
    start: u64,
    sequence: u64,
    payloads: bool,
    mut visit: impl FnMut(u64, Found<'a>),
) -> End {
    let place = |at: usize| start + at as u64;
    let head = |at: usize| Head::read(&segment[at..], place(at), sequence);
    // Everything before `good` was shown.
    let (mut good, mut at) = (SEGMENT_HEAD, SEGMENT_HEAD);
    while at + RECORD_HEAD <= segment.len() {
        let Some(found) = head(at) else {
            at += 8;
            continue;
        };
        let record = &segment[at..at + found.len()];
        let whole =
            found.is_end() || !payloads || found.payload(record, place(at), sequence).is_some();
        if whole {
            if at > good {
                visit(place(good), Found::Damage(at - good));
            }
            if found.is_end() {
                return End { at, torn: false };
            }
            visit(place(at), Found::Record(found, record));
            good = at + found.len();
        }
        at += found.len();
    }
    End {
        at: good,
        torn: true,
    }
}
