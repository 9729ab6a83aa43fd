//! The bytes of a store.
//!
//! All numbers little-endian. The file's head: `RECURRAC`, version (u32), bytes of a segment (u32), zeros, its checksum. From
//! byte 4096 on segments of 256 KiB, the last one as long as it is full. A segment: checksum and sequence number (u64; a
//! segment that is used again gets a new one), then records without gaps and, after the last, an end mark. A record: checksum of its head, hash of model and key (u64), kind and length of the key (u16), length of
//! the value (u32), checksum of key and value, the model's hash (32 bytes), key, value, zeros up to a multiple of 8. An end
//! mark is a record's head alone.
//!
//! Checksums are the first 8 bytes of BLAKE3, keyed with the place in the file and the segment's sequence number, so
//! that nothing counts that stands where it was not written, or was written in an earlier life of its segment.

use crate::error::{Error, Result};
use crate::model::ModelId;

const MARK: &[u8; 8] = b"RECURRAC";
const VERSION: u32 = 1;
/// Bytes of the file's head.
pub(super) const FILE_HEAD: usize = 64;
/// Where the first segment begins.
pub(super) const FIRST: u64 = 4096;
/// Bytes of a segment.
pub(super) const SEGMENT: usize = 256 << 10;
/// Bytes before a segment's first record.
pub(super) const SEGMENT_HEAD: usize = 16;
/// Bytes of a record before its key; all bytes of an end mark.
pub(super) const RECORD_HEAD: usize = 64;
/// Most bytes of a key and its value together: with an end mark they fill a segment.
pub(super) const MOST: usize = SEGMENT - SEGMENT_HEAD - 2 * RECORD_HEAD;
/// Sequence numbers stay below: no store ever counts so far, and counting on cannot overflow.
const MOST_SEQUENCE: u64 = 1 << 62;

const ANSWER: u16 = 0xa5e1;
const END: u16 = 0xe4d1;

/// Where a segment begins.
pub(super) fn segment_start(segment: usize) -> u64 {
    FIRST + (segment * SEGMENT) as u64
}

/// The head of a file.
pub(super) fn file_head() -> [u8; FILE_HEAD] {
    let mut head = [0; FILE_HEAD];
    head[..8].copy_from_slice(MARK);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..16].copy_from_slice(&(SEGMENT as u32).to_le_bytes());
    let sum = sum("head", 0, 0, &head[..56]);
    head[56..].copy_from_slice(&sum.to_le_bytes());
    head
}

/// Refuses what is no head of this version.
pub(super) fn check_file_head(head: &[u8]) -> Result<()> {
    let unlike = |expected: &str, found: &dyn std::fmt::Display| {
        Err(Error::Format(format!(
            "store of answers: expected {expected}, found {found}"
        )))
    };
    let mark = &head[..head.len().min(MARK.len())];
    if mark.is_empty() {
        return unlike("the mark `RECURRAC`", &"an empty file");
    }
    if mark != MARK {
        return unlike(
            "the mark `RECURRAC`",
            &format_args!("`{}`", mark.escape_ascii()),
        );
    }
    if head.len() < FILE_HEAD {
        return unlike(
            &format!("a head of {FILE_HEAD} bytes"),
            &format_args!("{} bytes", head.len()),
        );
    }
    let version = u32_at(head, 8);
    if version != VERSION {
        return unlike(&format!("version {VERSION}"), &version);
    }
    if head[..FILE_HEAD] != file_head() {
        return unlike("a whole head", &"a damaged one");
    }
    Ok(())
}

/// The head of a segment.
pub(super) fn segment_head(start: u64, sequence: u64) -> [u8; SEGMENT_HEAD] {
    let mut head = [0; SEGMENT_HEAD];
    let sum = sum("segment", sequence, start, &[]);
    head[..8].copy_from_slice(&sum.to_le_bytes());
    head[8..].copy_from_slice(&sequence.to_le_bytes());
    head
}

/// The sequence number of the segment that begins with these bytes, if its head is whole.
pub(super) fn sequence(segment: &[u8], start: u64) -> Option<u64> {
    let head = segment.get(..SEGMENT_HEAD)?;
    let sequence = u64_at(head, 8);
    (sequence < MOST_SEQUENCE && *head == segment_head(start, sequence)).then_some(sequence)
}

/// The hash under which the index knows a key. Equal hashes do not mean equal keys.
pub(super) fn key_hash(model: &ModelId, key: &[u8]) -> u64 {
    u64_at(blake3::keyed_hash(&model.0, key).as_bytes(), 0)
}

/// The head of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) hash: u64,
    pub(super) model: ModelId,
    kind: u16,
    key: u16,
    value: u32,
    payload: u64,
}

impl Head {
    /// Bytes of a record with its head and padding.
    pub(super) fn record_len(key: usize, value: usize) -> usize {
        RECORD_HEAD + (key + value).next_multiple_of(8)
    }

    /// Whether a record of these lengths can be written at all.
    pub(super) fn fits(key: usize, value: usize) -> bool {
        key <= u16::MAX.into() && value <= MOST && key + value <= MOST
    }

    /// Bytes of the whole record.
    pub(super) fn len(&self) -> usize {
        Self::record_len(self.key.into(), self.value as usize)
    }

    /// Whether nothing follows.
    pub(super) fn is_end(&self) -> bool {
        self.kind == END
    }

    /// Reads a head that stands at `at`; `bytes` are those from there to the segment's end. None unless it is whole and
    /// its record has room.
    pub(super) fn read(bytes: &[u8], at: u64, sequence: u64) -> Option<Self> {
        let head = bytes.get(..RECORD_HEAD)?;
        let kind = u16_at(head, 16);
        if kind != ANSWER && kind != END {
            return None;
        }
        let read = Head {
            hash: u64_at(head, 8),
            kind,
            key: u16_at(head, 18),
            value: u32_at(head, 20),
            payload: u64_at(head, 24),
            model: ModelId(std::array::from_fn(|i| head[32 + i])),
        };
        let whole = (read.value as usize) <= MOST
            && read.len() <= bytes.len()
            && u64_at(head, 0) == sum("record", sequence, at, &head[8..]);
        whole.then_some(read)
    }

    /// Key and value in the bytes of a record that begins with this head and stands at `at`, if they are whole.
    pub(super) fn payload<'a>(
        &self,
        record: &'a [u8],
        at: u64,
        sequence: u64,
    ) -> Option<(&'a [u8], &'a [u8])> {
        let end = RECORD_HEAD + self.key as usize + self.value as usize;
        let payload = &record[RECORD_HEAD..end];
        (self.payload == sum("payload", sequence, at, payload))
            .then(|| payload.split_at(self.key.into()))
    }

    fn bytes(&self, at: u64, sequence: u64) -> [u8; RECORD_HEAD] {
        let mut head = [0; RECORD_HEAD];
        head[8..16].copy_from_slice(&self.hash.to_le_bytes());
        head[16..18].copy_from_slice(&self.kind.to_le_bytes());
        head[18..20].copy_from_slice(&self.key.to_le_bytes());
        head[20..24].copy_from_slice(&self.value.to_le_bytes());
        head[24..32].copy_from_slice(&self.payload.to_le_bytes());
        head[32..].copy_from_slice(&self.model.0);
        let sum = sum("record", sequence, at, &head[8..]);
        head[..8].copy_from_slice(&sum.to_le_bytes());
        head
    }
}

/// Appends a record that will stand at `at`. Its lengths [fit](Head::fits).
pub(super) fn put_record(
    out: &mut Vec<u8>,
    at: u64,
    sequence: u64,
    (hash, model): (u64, ModelId),
    key: &[u8],
    value: &[u8],
) {
    let begin = out.len();
    out.extend([0; RECORD_HEAD]);
    out.extend(key);
    out.extend(value);
    let head = Head {
        hash,
        model,
        kind: ANSWER,
        key: key.len() as u16,
        value: value.len() as u32,
        payload: sum("payload", sequence, at, &out[begin + RECORD_HEAD..]),
    };
    out[begin..begin + RECORD_HEAD].copy_from_slice(&head.bytes(at, sequence));
    out.resize(begin + head.len(), 0);
}

/// Appends an end mark that will stand at `at`.
pub(super) fn put_end(out: &mut Vec<u8>, at: u64, sequence: u64) {
    let head = Head {
        hash: 0,
        model: ModelId([0; 32]),
        kind: END,
        key: 0,
        value: 0,
        payload: 0,
    };
    out.extend(head.bytes(at, sequence));
}

/// The checksum of something of this kind at this place.
fn sum(kind: &str, sequence: u64, at: u64, bytes: &[u8]) -> u64 {
    let mut key = [0; 32];
    key[..kind.len()].copy_from_slice(kind.as_bytes());
    key[16..24].copy_from_slice(&sequence.to_le_bytes());
    key[24..].copy_from_slice(&at.to_le_bytes());
    u64_at(blake3::keyed_hash(&key, bytes).as_bytes(), 0)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}
