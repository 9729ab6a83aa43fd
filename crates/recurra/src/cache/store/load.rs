//! Reads a store's file: what is where, and what is damaged.

use super::format::{self, FILE_HEAD, FIRST, SEGMENT, SEGMENT_HEAD, segment_start};
use super::index::{Index, ModelUse, Segment};
use super::place::{Share, check_kind, claim, read_at};
use super::walk::{Found, walk};
use crate::error::{Error, Result};
use std::fs::File;
use std::io;
use std::path::Path;

/// Largest file: places are counted in 32 bits, 8 bytes each.
pub(super) const MOST_BYTES: u64 = 8 << 32;

/// Bytes of a store's file that are no record where there should be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Where in the file they begin.
    pub at: u64,
    /// How many they are.
    pub bytes: u64,
}

/// What is in a store's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// What each model has, in the order of their hashes.
    pub models: Vec<ModelUse>,
    /// Records whose place a newer one of the same key has taken.
    pub superseded: u64,
    /// Damaged places, in the order of writing.
    pub damaged: Vec<Damage>,
    /// Where writes were cut off, by a crash or because they failed; nothing that was once committed stood there.
    pub unfinished: Vec<u64>,
}

impl Report {
    /// Reads a store's file without changing it. Where `payloads` is asked for, every record's key and value are held
    /// against their checksum, otherwise only its head, and all of it in the segment written last.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for a file that is no store of this version, or is in use.
    pub fn of(path: impl AsRef<Path>, payloads: bool) -> Result<Self> {
        let path = path.as_ref();
        let io = |source| Error::Io {
            path: path.into(),
            source,
        };
        check_kind(&std::fs::metadata(path).map_err(io)?, path)?;
        let file = File::open(path).map_err(io)?;
        claim(&file, path, Share::Readers)?;
        let mut head = [0; FILE_HEAD];
        let length = read_at(&file, &mut head, 0).map_err(io)?;
        format::check_file_head(&head[..length]).map_err(|e| e.in_file(path))?;
        check_length(&file, path)?;
        Ok(load(&file, payloads).map_err(io)?.report)
    }

    /// Answers in all.
    pub fn entries(&self) -> u64 {
        self.models.iter().map(|used| used.entries).sum()
    }
}

/// The length of a file that is not too long for a store.
pub(super) fn check_length(file: &File, path: &Path) -> Result<u64> {
    let metadata = file.metadata().map_err(|source| Error::Io {
        path: path.into(),
        source,
    })?;
    let bytes = metadata.len();
    if bytes > MOST_BYTES {
        let message =
            format!("store of answers: expected at most {MOST_BYTES} bytes, found {bytes}");
        return Err(Error::Format(message).in_file(path));
    }
    Ok(bytes)
}

/// What [`load`] learns.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) index: Index,
    pub(super) tail: Tail,
    pub(super) report: Report,
}

/// Where the next record is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) segment: usize,
    /// Bytes of the segment in use; all of it if there is none.
    pub(super) at: usize,
    /// The segment's, and the largest so far.
    pub(super) sequence: u64,
}

impl Tail {
    /// Of a file without segments.
    pub(super) const NONE: Tail = Tail {
        segment: 0,
        at: SEGMENT,
        sequence: 0,
    };
}

/// Reads everything after the file's head, a segment at a time.
pub(super) fn load(file: &File, payloads: bool) -> io::Result<Loaded> {
    let mut report = Report {
        file_bytes: file.metadata()?.len(),
        ..Report::default()
    };
    let mut index = Index::default();
    let behind = report.file_bytes.saturating_sub(FIRST);
    for i in 0..behind.div_ceil(SEGMENT as u64) as usize {
        let start = segment_start(i);
        let mut head = [0; SEGMENT_HEAD];
        let length = read_at(file, &mut head, start)?;
        let sequence = format::sequence(&head[..length], start);
        if length < SEGMENT_HEAD {
            report.unfinished.push(start);
        } else if sequence.is_none() && head != [0; SEGMENT_HEAD] {
            let bytes = (report.file_bytes - start).min(SEGMENT as u64);
            report.damaged.push(Damage { at: start, bytes });
        }
        index.segments.push(Segment::begun(sequence));
    }
    let order = index.in_order();
    let mut tail = Tail::NONE;
    let mut segment = vec![0; if order.is_empty() { 0 } else { SEGMENT }];
    let mut records = 0;
    for &i in &order {
        let start = segment_start(i);
        let sequence = index.segments[i].sequence.expect("those in order have one");
        let length = read_at(file, &mut segment, start)?;
        let newest = order.last() == Some(&i);
        let all = payloads || newest;
        let end = walk(
            &segment[..length],
            start,
            sequence,
            all,
            |at, found| match found {
                Found::Record(head, bytes) => {
                    records += u64::from(index.insert(head.hash, at, bytes.len(), head.model));
                }
                Found::Damage(bytes) => report.damaged.push(Damage {
                    at,
                    bytes: bytes as u64,
                }),
            },
        );
        if end.torn {
            report.unfinished.push(start + end.at as u64);
        }
        tail = Tail {
            segment: i,
            at: end.at,
            sequence,
        };
    }
    report.models = index.models();
    report.superseded = records - report.entries();
    Ok(Loaded {
        index,
        tail,
        report,
    })
}
