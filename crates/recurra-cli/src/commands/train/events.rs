//! Numbers of a training as TensorBoard reads them.
//!
//! An event file is a row of records: the length of an event (8 bytes, the lowest first), its masked CRC-32C, the event, and its masked
//! CRC-32C. An event is a message of protocol buffers (`tensorflow/core/util/event.proto`), of which scalars need little.

use prost::Message;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the names of all event files begin with.
pub(super) const PREFIX: &str = "events.out.tfevents.";

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    session: Option<Session>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Scalar>,
}

#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    value: Option<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct Session {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// The status of a session that begins: what a reader has of these steps and later ones is no longer so.
const START: i32 = 1;

/// An event file that is being written.
#[derive(Debug)]
pub(super) struct EventFile(File);

impl EventFile {
    /// Begins a file in a folder, with a name of its own by the time and the host.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let host = sysinfo::System::host_name().unwrap_or_else(|| "host".into());
        let host = host.replace(['/', '\\', ':'], "-");
        let mut number = 0;
        let file = loop {
            let name = format!(
                "{PREFIX}{}.{host}.{}.{number}",
                now.as_secs(),
                std::process::id()
            );
            match File::create_new(folder.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                file => break file?,
            }
        };
        let mut file = EventFile(file);
        let wall_time = now.as_secs_f64();
        file.write(&Event {
            wall_time,
            file_version: Some("brain.Event:2".into()),
            ..Event::default()
        })?;
        file.write(&Event {
            wall_time,
            session: Some(Session { status: START }),
            ..Event::default()
        })?;
        Ok(file)
    }

    /// Adds numbers by their names, after so many training steps, at so many seconds since 1970.
    pub(super) fn scalars(
        &mut self,
        step: u64,
        wall_time: f64,
        numbers: &[(&str, f64)],
    ) -> io::Result<()> {
        let scalar = |&(tag, value): &(&str, f64)| Scalar {
            tag: tag.into(),
            value: Some(value as f32),
        };
        self.write(&Event {
            wall_time,
            step: step as i64,
            summary: Some(Summary {
                values: numbers.iter().map(scalar).collect(),
            }),
            ..Event::default()
        })
    }

    /// In one piece, so that who reads meanwhile finds whole records but for the last.
    fn write(&mut self, event: &Event) -> io::Result<()> {
        let event = event.encode_to_vec();
        let length = (event.len() as u64).to_le_bytes();
        let mut record = length.to_vec();
        record.extend(masked(&length));
        record.extend(&event);
        record.extend(masked(&event));
        self.0.write_all(&record)
    }
}

/// The checksum of a record's part: rotated and moved, so that a checksum of bytes that hold one is still one.
fn masked(bytes: &[u8]) -> [u8; 4] {
    let crc = crc32c::crc32c(bytes);
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Step, time, and numbers by name.
    type Record = (i64, f64, Vec<(String, f32)>);

    /// Every record of a file; panics where a length or a checksum is wrong.
    pub(in super::super) fn read(mut bytes: &[u8]) -> Vec<Record> {
        let mut found = Vec::new();
        let mut first = true;
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at(12);
            assert_eq!(head[8..], masked(&head[..8]));
            let length = u64::from_le_bytes(head[..8].try_into().unwrap()) as usize;
            let (event, rest) = rest.split_at(length);
            assert_eq!(rest[..4], masked(event));
            bytes = &rest[4..];
            let event = Event::decode(event).unwrap();
            let version = event.file_version.as_deref();
            assert_eq!(version, first.then_some("brain.Event:2"));
            first = false;
            if let Some(summary) = event.summary {
                let values = summary.values.into_iter();
                let values = values.map(|scalar| (scalar.tag, scalar.value.unwrap()));
                found.push((event.step, event.wall_time, values.collect()));
            }
        }
        found
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let [mut one, _] = [0, 1].map(|_| EventFile::create(dir.path()).unwrap());
        one.scalars(7, 12.5, &[("loss", 0.25), ("exact", 1.0)])
            .unwrap();
        one.scalars(300, 13.0, &[("loss", 0.125)]).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        names.sort();
        assert_eq!(names.len(), 2);
        let name = |tag: &str, value| (tag.to_owned(), value);
        assert_eq!(
            read(&std::fs::read(&names[0]).unwrap()),
            [
                (7, 12.5, vec![name("loss", 0.25), name("exact", 1.0)]),
                (300, 13.0, vec![name("loss", 0.125)])
            ]
        );
        // A record as TensorFlow has written it: the length 24 and its checksum, and the file's version.
        let whole = std::fs::read(&names[1]).unwrap();
        assert_eq!(whole[..8], 24u64.to_le_bytes());
        assert_eq!(masked(&24u64.to_le_bytes()), [0xa3, 0x7f, 0x4b, 0x22]);
    }
}
