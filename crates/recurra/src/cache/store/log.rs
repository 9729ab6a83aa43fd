//! The file of a store: records are appended segment by segment; when the file is full, the segment written first is
//! written anew.

use super::format::{
    self, FILE_HEAD, FIRST, Head, RECORD_HEAD, SEGMENT, key_hash, put_end, put_record,
    segment_head, segment_start,
};
use super::index::{Index, ModelUse, Segment};
use super::load::{Loaded, Report, Tail, check_length, load};
use super::place::{Share, check_kind, claim, read_at, sync_name, write_at};
use super::walk::{Found, walk};
use crate::error::{Error, Result};
use crate::model::ModelId;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// An answer to be written.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) model: ModelId,
    pub(super) key: Box<[u8]>,
    pub(super) value: Box<[u8]>,
}

impl Item {
    /// Bytes of its record.
    pub(super) fn len(&self) -> usize {
        Head::record_len(self.key.len(), self.value.len())
    }
}

/// What stood where the index led.
#[derive(Debug)]
pub(super) enum Read {
    /// The answer.
    Answer(Vec<u8>),
    /// No record of this key.
    Unknown,
    /// A record that does not have its checksum; it is not in the index any longer.
    Damaged,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    most_segments: usize,
    /// Held while something is read or changed in it, never while something is written to the disk.
    state: RwLock<State>,
    /// Held by whoever writes to the file.
    tail: Mutex<Tail>,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    index: Index,
}

/// Size of a file's parts, as the index knows them.
#[derive(Debug)]
pub(super) struct Size {
    pub(super) file_bytes: u64,
    pub(super) models: Vec<ModelUse>,
}

impl Log {
    /// Opens a store's file, or begins one, and forgets what is too much for `max_bytes`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for a file that is no store of this version, or is in use.
    pub(super) fn open(path: &Path, max_bytes: u64) -> Result<(Self, Report)> {
        let io = |source| Error::Io {
            path: path.into(),
            source,
        };
        if let Ok(metadata) = std::fs::metadata(path) {
            check_kind(&metadata, path)?;
        }
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(io)?;
        claim(&file, path, Share::Alone)?;
        // Of a rewriting that a crash cut off; nobody else writes it while the file is ours.
        std::fs::remove_file(temporary(path)).ok();
        let mut head = [0; FILE_HEAD];
        let length = read_at(&file, &mut head, 0).map_err(io)?;
        let file_bytes = check_length(&file, path)?;
        // What a crash can leave of a file that was being begun.
        let unfinished = length < FILE_HEAD && format::file_head().starts_with(&head[..length])
            || file_bytes == length as u64 && head == [0; FILE_HEAD];
        if unfinished {
            begin(&file, path).map_err(io)?;
        } else {
            format::check_file_head(&head[..length]).map_err(|e| e.in_file(path))?;
        }
        let most_segments = (max_bytes.saturating_sub(FIRST) / SEGMENT as u64) as usize;
        let most_bytes = segment_start(most_segments);
        let Loaded {
            index,
            tail,
            report,
        } = load(&file, false).map_err(io)?;
        let log = Log {
            path: path.into(),
            most_segments,
            state: RwLock::new(State {
                file: Arc::new(file),
                index,
            }),
            tail: Mutex::new(tail),
        };
        if file_bytes > most_bytes {
            log.rewrite(&mut log.tail(), |_| true).map_err(io)?;
        }
        Ok((log, report))
    }

    /// The name of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Most bytes that the file will have.
    pub(super) fn max_bytes(&self) -> u64 {
        segment_start(self.most_segments)
    }

    /// Looks a key up.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn get(&self, model: &ModelId, key: &[u8]) -> io::Result<Read> {
        let hash = key_hash(model, key);
        let state = self.read();
        let Some((at, len, sequence)) = state.index.find(hash) else {
            return Ok(Read::Unknown);
        };
        let mut record = vec![0; len];
        // Under the lock: the segment cannot be given to others in between.
        read_at(&state.file, &mut record, at)?;
        drop(state);
        let head = Head::read(&record, at, sequence).filter(|head| head.len() == len);
        let payload = head
            .as_ref()
            .and_then(|head| head.payload(&record, at, sequence));
        Ok(match (head, payload) {
            (Some(head), Some((k, v))) if head.model == *model && k == key => {
                Read::Answer(v.to_vec())
            }
            (Some(_), Some(_)) => Read::Unknown,
            _ => {
                self.write().index.remove(hash, at);
                Read::Damaged
            }
        })
    }

    /// Writes answers and waits until the disk has them. Says how many older ones had to go.
    ///
    /// # Errors
    /// The system's; then some or all of these answers are lost, and nothing else.
    pub(super) fn commit<'a>(&self, items: impl Iterator<Item = &'a Item>) -> io::Result<u64> {
        let mut tail = self.tail();
        let evicted = self.append(&mut tail, items)?;
        self.file().sync_data()?;
        Ok(evicted)
    }

    /// Forgets the answers of a model, or all, and says how many they were.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn clear(&self, model: Option<&ModelId>) -> io::Result<u64> {
        let mut tail = self.tail();
        let models = self.read().index.models();
        let (gone, kept): (Vec<ModelUse>, Vec<ModelUse>) = models
            .into_iter()
            .partition(|used| model.is_none_or(|m| *m == used.model));
        let removed = gone.iter().map(|used| used.entries).sum();
        if kept.is_empty() {
            let mut state = self.write();
            state.file.set_len(FILE_HEAD as u64)?;
            state.index = Index::default();
            tail.at = SEGMENT;
            state.file.sync_all()?;
        } else if removed > 0 {
            self.rewrite(&mut tail, |m| Some(m) != model)?;
        }
        Ok(removed)
    }

    /// Holds everything in the file against its checksums.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn verify(&self) -> io::Result<Report> {
        let _nothing_is_written = self.tail();
        Ok(load(&self.file(), true)?.report)
    }

    /// How large the file and its parts are.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn size(&self) -> io::Result<Size> {
        let state = self.read();
        Ok(Size {
            file_bytes: state.file.metadata()?.len(),
            models: state.index.models(),
        })
    }

    fn append<'a>(
        &self,
        tail: &mut Tail,
        items: impl Iterator<Item = &'a Item>,
    ) -> io::Result<u64> {
        let mut evicted = 0;
        let mut block = Block::default();
        for item in items {
            if tail.at + block.bytes.len() + item.len() + RECORD_HEAD > SEGMENT {
                self.write_block(tail, &mut block)?;
                evicted += self.next_segment(tail, &mut block);
            }
            let at = segment_start(tail.segment) + (tail.at + block.bytes.len()) as u64;
            let hash = key_hash(&item.model, &item.key);
            put_record(
                &mut block.bytes,
                at,
                tail.sequence,
                (hash, item.model),
                &item.key,
                &item.value,
            );
            block.records.push((hash, at, item.len(), item.model));
        }
        self.write_block(tail, &mut block)?;
        Ok(evicted)
    }

    /// Writes a block, then lets the index know of it.
    fn write_block(&self, tail: &mut Tail, block: &mut Block) -> io::Result<()> {
        if block.bytes.is_empty() {
            return Ok(());
        }
        let begin = segment_start(tail.segment) + tail.at as u64;
        let end = tail.at + block.bytes.len();
        let end_at = segment_start(tail.segment) + end as u64;
        put_end(&mut block.bytes, end_at, tail.sequence);
        if let Err(e) = write_at(&self.file(), &block.bytes, begin) {
            // Nobody knows what stands there now: the next block begins another segment.
            tail.at = SEGMENT;
            return Err(e);
        }
        tail.at = end;
        block.bytes.clear();
        let mut state = self.write();
        for (hash, at, len, model) in block.records.drain(..) {
            state.index.insert(hash, at, len, model);
        }
        Ok(())
    }

    /// Begins a segment: a new one at the end of the file, or where the oldest is. Says how many answers had to go.
    fn next_segment(&self, tail: &mut Tail, block: &mut Block) -> u64 {
        let index = &mut self.write().index;
        // After a failed write the same one again, so that failing does not cost older answers.
        let unused = tail.segment < index.segments.len() && index.is_unused(tail.segment);
        let segment = if unused {
            tail.segment
        } else if index.segments.len() < self.most_segments {
            index.segments.push(Segment::default());
            index.segments.len() - 1
        } else {
            index.oldest().expect("a store has room for segments")
        };
        let evicted = index.evict(segment);
        *tail = Tail {
            segment,
            at: 0,
            sequence: tail.sequence + 1,
        };
        index.segments[segment].sequence = Some(tail.sequence);
        let head = segment_head(segment_start(segment), tail.sequence);
        block.bytes.extend(head);
        evicted
    }

    /// Writes the newest of what is to be kept into a new file, and puts it in the place of this one, whole or not at all.
    fn rewrite(&self, tail: &mut Tail, keep: impl Fn(&ModelId) -> bool) -> io::Result<()> {
        let temporary = temporary(&self.path);
        let attempt = || -> io::Result<Log> {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(true);
            let file = options.open(&temporary)?;
            file.try_lock()?;
            begin(&file, &temporary)?;
            let new = Log {
                path: temporary.clone(),
                most_segments: self.most_segments,
                state: RwLock::new(State {
                    file: Arc::new(file),
                    index: Index::default(),
                }),
                tail: Mutex::new(Tail::NONE),
            };
            let mut segment = vec![0; SEGMENT];
            let order = self.read().index.in_order();
            for i in order {
                let items = self.items(i, &mut segment, &keep)?;
                new.append(&mut new.tail(), items.iter())?;
            }
            new.file().sync_all()?;
            std::fs::rename(&temporary, &self.path)?;
            sync_name(&self.path);
            Ok(new)
        };
        let new = attempt().inspect_err(|_| {
            std::fs::remove_file(&temporary).ok();
        })?;
        *tail = *new.tail();
        let new = new.state.into_inner().expect("no one panics with it");
        *self.write() = new;
        Ok(())
    }

    /// The whole records of a segment that the index leads to.
    fn items(
        &self,
        segment: usize,
        buffer: &mut [u8],
        keep: impl Fn(&ModelId) -> bool,
    ) -> io::Result<Vec<Item>> {
        let state = self.read();
        let mut items = Vec::new();
        let Some(sequence) = state.index.segments[segment].sequence else {
            return Ok(items);
        };
        let start = segment_start(segment);
        let length = read_at(&state.file, buffer, start)?;
        walk(&buffer[..length], start, sequence, true, |at, found| {
            if let Found::Record(head, record) = found
                && keep(&head.model)
                && state.index.leads_to(head.hash, at)
                && let Some((key, value)) = head.payload(record, at, sequence)
            {
                items.push(Item {
                    model: head.model,
                    key: key.into(),
                    value: value.into(),
                });
            }
        });
        Ok(items)
    }

    fn file(&self) -> Arc<File> {
        Arc::clone(&self.read().file)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("no one panics with it")
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("no one panics with it")
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().expect("no one panics with it")
    }
}

/// Records on their way into a segment.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    /// Hash, place, length and model of each.
    records: Vec<(u64, u64, usize, ModelId)>,
}

/// The file beside a store's that takes its place when it is rewritten.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".rewrite.tmp");
    path.with_file_name(name)
}

/// Writes the head of a new file.
fn begin(file: &File, path: &Path) -> io::Result<()> {
    write_at(file, &format::file_head(), 0)?;
    file.sync_all()?;
    sync_name(path);
    Ok(())
}
