//! A predictor as bytes, and as a file.
//!
//! All numbers little-endian. `RECURRAK`, version (u32), length of the model's name (u32), the name, examples and how many of
//! them were solved (u64), the heads for the question and for the state, then FNV-1a of 64 bits over everything before it. A
//! head: weight, means, mean of y, xx, xy and yy of its moments and the models' losses (f64), examples since it last forgot,
//! next centre and number of centres (u32), its lifetimes (f32), and for each centre count, means and lifetimes (f32).

use super::head::{FORGET_EVERY, Head, MODELS};
use super::lifetimes::Lifetimes;
use super::patterns::{CENTRES, Centre, Patterns};
use super::predictor::{KPredictor, other_model};
use super::regression::Moments;
use crate::error::{Error, Result};
use crate::hash::fnv1a;

const MAGIC: &[u8; 8] = b"RECURRAK";
const VERSION: u32 = 1;

impl KPredictor {
    /// The bytes of its file. The same predictor gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_u32(&mut out, VERSION);
        put_u32(&mut out, self.model.len() as u32);
        out.extend(self.model.bytes());
        out.extend(self.examples.to_le_bytes());
        out.extend(self.solved.to_le_bytes());
        put_head(&mut out, &self.question);
        put_head(&mut out, &self.state);
        out.extend(fnv1a(out.iter().copied()).to_le_bytes());
        out
    }

    /// Reads what [`KPredictor::to_bytes`] wrote, for the model of this name.
    ///
    /// # Errors
    /// [`Error::Format`] with what was expected and found: for bytes that are no whole predictor, and for one of another
    /// model.
    pub fn from_bytes(bytes: &[u8], model: &str) -> Result<Self> {
        let mut input = Input { bytes, at: 0 };
        let magic = input.take(MAGIC.len())?;
        if magic != MAGIC {
            return Err(unlike("the mark `RECURRAK`", magic.escape_ascii()));
        }
        let version = input.u32()?;
        if version != VERSION {
            return Err(unlike(format_args!("version {VERSION}"), version));
        }
        let body = bytes.len().saturating_sub(8).max(input.at);
        let (computed, stored) = (fnv1a(bytes[..body].iter().copied()), &bytes[body..]);
        if stored != computed.to_le_bytes() {
            let found = u64::from_le_bytes(std::array::from_fn(|i| *stored.get(i).unwrap_or(&0)));
            let expected = format_args!("checksum {computed:016x} at the end").to_string();
            return Err(unlike(expected, format_args!("{found:016x}")));
        }
        input.bytes = &bytes[..body];
        let length = input.u32()? as usize;
        let name = input.take(length)?;
        let name = std::str::from_utf8(name)
            .map_err(|e| unlike("a name in UTF-8", format_args!("another one: {e}")))?;
        if name != model {
            return Err(other_model(model, name));
        }
        let examples = input.array().map(u64::from_le_bytes)?;
        let solved = input.array().map(u64::from_le_bytes)?;
        let question = input.head()?;
        let state = input.head()?;
        if input.at != body {
            let found = format!("{} more", body - input.at);
            return Err(unlike("no bytes before the checksum", found));
        }
        Ok(KPredictor {
            model: model.to_owned(),
            examples,
            solved,
            question,
            state,
        })
    }

    /// Writes its file: whole or not at all, also when the machine stops in between.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[cfg(feature = "files")]
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        crate::model::disk::write(path.as_ref(), &self.to_bytes())
    }

    /// Opens a file for the model of this name.
    ///
    /// # Errors
    /// [`Error::Io`], or as [`KPredictor::from_bytes`] with the file's name.
    #[cfg(feature = "files")]
    pub fn open(path: impl AsRef<std::path::Path>, model: &str) -> Result<Self> {
        let path = path.as_ref();
        let bytes = crate::model::disk::read(path)?;
        Self::from_bytes(&bytes, model).map_err(|e| e.in_file(path))
    }
}

fn unlike(expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
    Error::Format(format!(
        "predictor of K: expected {expected}, found {found}"
    ))
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put_f64s<'a>(out: &mut Vec<u8>, values: impl IntoIterator<Item = &'a f64>) {
    values.into_iter().for_each(|v| out.extend(v.to_le_bytes()));
}

fn put_f32s<'a>(out: &mut Vec<u8>, values: impl IntoIterator<Item = &'a f32>) {
    values.into_iter().for_each(|v| out.extend(v.to_le_bytes()));
}

fn put_head<const N: usize>(out: &mut Vec<u8>, head: &Head<N>) {
    let moments = &head.moments;
    put_f64s(out, [&moments.weight]);
    put_f64s(out, &moments.mean);
    put_f64s(out, [&moments.mean_y]);
    put_f64s(out, moments.xx.iter().flatten());
    put_f64s(out, &moments.xy);
    put_f64s(out, [&moments.yy]);
    put_f64s(out, &head.losses);
    put_u32(out, head.since);
    put_u32(out, head.patterns.turn);
    put_u32(out, head.patterns.centres.len() as u32);
    put_lifetimes(out, &head.all);
    for centre in &head.patterns.centres {
        put_f32s(out, [&centre.count]);
        put_f32s(out, &centre.mean);
        put_lifetimes(out, &centre.lifetimes);
    }
}

fn put_lifetimes(out: &mut Vec<u8>, lifetimes: &Lifetimes) {
    put_f32s(out, &lifetimes.solved);
    put_f32s(out, &lifetimes.given_up);
}

/// Larger numbers never occur; with these no sum or square leaves the finite ones.
const LARGEST: f64 = 1e15;

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        if rest.len() < length {
            let expected = format!("{length} bytes at byte {}", self.at);
            return Err(unlike(expected, rest.len()));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("so many were taken"))
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn f64(&mut self, least: f64) -> Result<f64> {
        let at = self.at;
        let value = self.array().map(f64::from_le_bytes)?;
        checked(value, least, at)
    }

    fn f32(&mut self, least: f64) -> Result<f32> {
        let at = self.at;
        let value = self.array().map(f32::from_le_bytes)?;
        checked(value.into(), least, at).map(|_| value)
    }

    fn f64s<const N: usize>(&mut self, least: f64) -> Result<[f64; N]> {
        let mut values = [0.0; N];
        for value in &mut values {
            *value = self.f64(least)?;
        }
        Ok(values)
    }

    fn f32s<const N: usize>(&mut self, least: f64) -> Result<[f32; N]> {
        let mut values = [0.0; N];
        for value in &mut values {
            *value = self.f32(least)?;
        }
        Ok(values)
    }

    fn lifetimes(&mut self) -> Result<Lifetimes> {
        Ok(Lifetimes {
            solved: self.f32s(0.0)?,
            given_up: self.f32s(0.0)?,
        })
    }

    fn head<const N: usize>(&mut self) -> Result<Head<N>> {
        let mut moments = Moments::NONE;
        moments.weight = self.f64(0.0)?;
        moments.mean = self.f64s(-LARGEST)?;
        moments.mean_y = self.f64(-LARGEST)?;
        for row in &mut moments.xx {
            *row = self.f64s(-LARGEST)?;
        }
        moments.xy = self.f64s(-LARGEST)?;
        moments.yy = self.f64(0.0)?;
        let losses = self.f64s::<MODELS>(0.0)?;
        let since = self.u32()?;
        if since >= FORGET_EVERY {
            let expected = format!("fewer than {FORGET_EVERY} examples at byte {}", self.at - 4);
            return Err(unlike(expected, since));
        }
        let at = self.at;
        let (turn, count) = (self.u32()?, self.u32()?);
        if count as usize > CENTRES || turn as usize >= CENTRES {
            let expected = format!("at most {CENTRES} clusters at byte {at}");
            return Err(unlike(
                expected,
                format_args!("{count}, the next being {turn}"),
            ));
        }
        let all = self.lifetimes()?;
        let mut centres = Vec::new();
        for _ in 0..count {
            centres.push(Centre {
                count: self.f32(0.0)?,
                mean: self.f32s(-LARGEST)?,
                lifetimes: self.lifetimes()?,
            });
        }
        let patterns = Patterns { centres, turn };
        Ok(Head::of(moments, patterns, all, losses, since))
    }
}

fn checked(value: f64, least: f64, at: usize) -> Result<f64> {
    // Also refuses NaN.
    if value >= least && value <= LARGEST {
        return Ok(value);
    }
    let expected = format!("a number from {least:e} to {LARGEST:e} at byte {at}");
    Err(unlike(expected, value))
}
