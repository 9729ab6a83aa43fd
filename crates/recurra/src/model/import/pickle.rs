//! A reader of the one kind of pickle that `torch.save` writes for a state dictionary.
//!
//! A pickle is a program for a stack machine, and Python's machine can be told to call anything. This one knows only
//! the opcodes that build dictionaries of tensors and calls nothing: a name of Python becomes a [`Global`], and what an
//! unknown one would make is passed over, since training programs keep much beside the weights.
//! Every opcode costs at least a byte of the file, values live in one flat list, and nothing recurses, so that time and
//! memory are proportional to the pickle.

use super::rebuild::{self, Global, Object, Value, View};
use super::{opcodes, printable};
use crate::error::{Error, Result};
use std::collections::HashMap;

/// A thousand layers fit; a checkpoint has about ten.
pub(super) const MAX_PICKLE: usize = 1 << 20;
/// Most values on the stack, in the memo and in the list of objects.
const MAX_VALUES: usize = 1 << 17;

/// Keys under which training programs keep the weights, the best first.
const STATES: [&str; 10] = [
    "ema_state_dict",
    "model_ema",
    "params_ema",
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "net",
    "params",
    "weights",
];

/// Runs a pickle whose result is a dictionary of tensors, and returns it in the order of the file.
pub(super) fn read_state(bytes: &[u8]) -> Result<Vec<(&str, View<'_>)>> {
    if bytes.len() > MAX_PICKLE {
        return Err(Error::Format(format!(
            "pickle: expected at most {MAX_PICKLE} bytes, found {}",
            bytes.len()
        )));
    }
    let mut machine = Machine {
        bytes,
        at: 0,
        opcode_at: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        objects: Vec::new(),
    };
    while machine.step()? {}
    machine.state()
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the opcode being run stands, for messages.
    opcode_at: usize,
    stack: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    objects: Vec<Object<'a>>,
}

impl<'a> Machine<'a> {
    /// Runs one opcode; false after the last.
    fn step(&mut self) -> Result<bool> {
        self.opcode_at = self.at;
        let opcode = self.take(1)?[0];
        match opcode {
            // PROTO
            0x80 => {
                let version = self.take(1)?[0];
                if version > 5 {
                    return Err(self.error(&format!("protocol {version} is unknown")));
                }
            }
            // FRAME: a hint for readers of streams.
            0x95 => drop(self.take(8)?),
            // MARK
            b'(' => {
                self.room(self.marks.len())?;
                self.marks.push(self.stack.len());
            }
            // BINFLOAT: learning rates and the like, which nothing here needs.
            b'G' => {
                self.take(8)?;
                self.push(Value::Float)?;
            }
            // EMPTY_LIST, APPEND, APPENDS
            b']' => self.create(Object::List(Vec::new()))?,
            b'a' => self.append(1)?,
            b'e' => {
                let length = self.since_mark()?;
                self.append(length)?;
            }
            // EMPTY_SET, ADDITEMS, FROZENSET: nothing here needs what is in them.
            0x8f => self.create(Object::Set)?,
            0x90 => {
                let length = self.since_mark()?;
                self.append(length)?;
            }
            0x91 => {
                let length = self.since_mark()?;
                self.pop_many(length)?;
                self.create(Object::Set)?;
            }
            // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
            b'C' => {
                let [length] = self.array()?;
                self.blob(length.into())?;
            }
            b'B' => {
                let length = u32::from_le_bytes(self.array()?);
                self.blob(length.into())?;
            }
            0x8e | 0x96 => {
                let length = u64::from_le_bytes(self.array()?);
                self.blob(length)?;
            }
            // POP, DUP
            b'0' => {
                self.pop()?;
            }
            b'2' => {
                let value = self.pop()?;
                self.push(value)?;
                self.push(value)?;
            }
            // NONE, NEWTRUE, NEWFALSE
            b'N' => self.push(Value::None)?,
            0x88 | 0x89 => self.push(Value::Bool)?,
            // BININT, BININT1, BININT2, LONG1
            b'J' => {
                let n = i32::from_le_bytes(self.array()?);
                self.push(Value::Int(n.into()))?;
            }
            b'K' => {
                let [n] = self.array()?;
                self.push(Value::Int(n.into()))?;
            }
            b'M' => {
                let n = u16::from_le_bytes(self.array()?);
                self.push(Value::Int(n.into()))?;
            }
            0x8a => self.long()?,
            // BINUNICODE, SHORT_BINUNICODE
            b'X' => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length as usize)?;
            }
            0x8c => {
                let [length] = self.array()?;
                self.text(length.into())?;
            }
            // BINPUT, LONG_BINPUT, MEMOIZE
            b'q' => {
                let [slot] = self.array()?;
                self.put(slot.into())?;
            }
            b'r' => {
                let slot = u32::from_le_bytes(self.array()?);
                self.put(slot)?;
            }
            0x94 => self.put(self.memo.len() as u32)?,
            // BINGET, LONG_BINGET
            b'h' => {
                let [slot] = self.array()?;
                self.get(slot.into())?;
            }
            b'j' => {
                let slot = u32::from_le_bytes(self.array()?);
                self.get(slot)?;
            }
            // EMPTY_TUPLE, TUPLE1 to TUPLE3, TUPLE
            b')' => self.tuple(0)?,
            0x85..=0x87 => self.tuple((opcode - 0x84).into())?,
            b't' => {
                let length = self.since_mark()?;
                self.tuple(length)?;
            }
            // EMPTY_DICT, SETITEM, SETITEMS, BUILD
            b'}' => self.create(Object::Dict(Vec::new()))?,
            b's' => self.set_items(2)?,
            b'u' => {
                let length = self.since_mark()?;
                self.set_items(length)?;
            }
            b'b' => self.build()?,
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(module, name)?;
            }
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Str(name), Value::Str(module)) => self.global(module, name)?,
                _ => return Err(self.error("the name of a global must be text")),
            },
            // BINPERSID, REDUCE, NEWOBJ, NEWOBJ_EX
            b'Q' => self.storage()?,
            b'R' | 0x81 => self.reduce()?,
            0x92 => {
                self.pop()?;
                self.reduce()?;
            }
            // STOP
            b'.' => {
                if self.at != self.bytes.len() {
                    return Err(self.error("something follows the end"));
                }
                return Ok(false);
            }
            _ => {
                return Err(Error::Format(format!(
                    "pickle: opcode {opcode:#04x} ({}) at byte {} is not allowed",
                    opcodes::name(opcode),
                    self.opcode_at
                )));
            }
        }
        Ok(true)
    }

    /// The dictionary that the program leaves, every value of it a tensor.
    fn state(self) -> Result<Vec<(&'a str, View<'a>)>> {
        let [result] = self.stack[..] else {
            return Err(self.error("the program must leave one value"));
        };
        let Some(Object::Dict(mut entries)) = result.object(&self.objects).cloned() else {
            let whole = match result.foreign(&self.objects) {
                Some(_) => ": save its `state_dict()`",
                None => "",
            };
            return Err(Error::Format(format!(
                "pickle: expected a dictionary of tensors, found {}{whole}",
                result.kind(&self.objects)
            )));
        };
        // Checkpoints of training programs have the weights under a key, beside what training needs. An average of the
        // weights is what the model is used with.
        let tensor =
            |value: &Value<'a>| matches!(value.object(&self.objects), Some(Object::Tensor(_)));
        let mut dicts = STATES.iter().filter_map(|name| {
            let entry = entries
                .iter()
                .find(|(key, _)| matches!(key, Value::Str(key) if key == name));
            match entry?.1.object(&self.objects) {
                Some(Object::Dict(inner)) if inner.iter().any(|(_, value)| tensor(value)) => {
                    Some(inner)
                }
                _ => None,
            }
        });
        match dicts.next() {
            Some(inner) => entries = inner.clone(),
            // One entry is told by its own name.
            None if entries.len() < 2 || entries.iter().any(|(_, value)| tensor(value)) => {}
            None => {
                let keys = entries.iter().take(8).map(|(key, value)| match key {
                    Value::Str(key) => {
                        let kind = value.kind(&self.objects);
                        format!("`{}` ({kind})", printable(key))
                    }
                    other => other.kind(&self.objects),
                });
                return Err(Error::Format(format!(
                    "expected a dictionary of tensors, or one that holds it under `state_dict`, found the keys {}",
                    keys.collect::<Vec<_>>().join(", ")
                )));
            }
        }
        let mut state = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Value::Str(name) = key else {
                return Err(self.error("every key of the dictionary must be text"));
            };
            let Some(Object::Tensor(view)) = value.object(&self.objects) else {
                return Err(Error::Tensor {
                    name: printable(name),
                    expected: "a tensor".into(),
                    found: value.kind(&self.objects),
                });
            };
            state.push((name, view.clone()));
        }
        Ok(state)
    }

    fn error(&self, what: &str) -> Error {
        let at = self.opcode_at;
        Error::Format(format!("pickle: byte {at}: {what}"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let taken = (self.at.checked_add(length)).and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.error("the pickle ends here, too early"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.bytes[self.at..];
        let length = (rest.iter().position(|&byte| byte == b'\n'))
            .ok_or_else(|| self.error("a line does not end"))?;
        let line = self.take(length)?;
        self.at += 1;
        self.utf8(line)
    }

    fn utf8(&self, bytes: &'a [u8]) -> Result<&'a str> {
        std::str::from_utf8(bytes).map_err(|_| self.error("text is not UTF-8"))
    }

    fn text(&mut self, length: usize) -> Result<()> {
        let bytes = self.take(length)?;
        let text = self.utf8(bytes)?;
        self.push(Value::Str(text))
    }

    /// An integer of as many bytes as the first one says, two's complement.
    fn long(&mut self) -> Result<()> {
        let [length] = self.array()?;
        let bytes = self.take(length.into())?;
        if bytes.len() > 8 {
            return Err(self.error("an integer of more than 64 bits"));
        }
        let negative = bytes.last().is_some_and(|&top| top >= 0x80);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    /// Bytes that nothing here needs.
    fn blob(&mut self, length: u64) -> Result<()> {
        self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        self.create(Object::Bytes)
    }

    fn room(&self, used: usize) -> Result<()> {
        if used < MAX_VALUES {
            Ok(())
        } else {
            Err(self.error(&format!("more than {MAX_VALUES} values")))
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<()> {
        self.room(self.stack.len())?;
        self.stack.push(value);
        Ok(())
    }

    fn create(&mut self, object: Object<'a>) -> Result<()> {
        self.room(self.objects.len())?;
        self.push(Value::Object(self.objects.len()))?;
        self.objects.push(object);
        Ok(())
    }

    /// Splits the topmost `length` values off the stack. They may not reach below the last mark.
    fn pop_many(&mut self, length: usize) -> Result<Vec<Value<'a>>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = (self.stack.len().checked_sub(length)).filter(|&start| start >= floor);
        let start = start.ok_or_else(|| self.error("the stack holds too few values"))?;
        Ok(self.stack.split_off(start))
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        Ok(self.pop_many(1)?[0])
    }

    /// Removes the last mark and tells how many values lie above it.
    fn since_mark(&mut self) -> Result<usize> {
        let mark = (self.marks.pop()).ok_or_else(|| self.error("a mark is missing"))?;
        Ok(self.stack.len() - mark)
    }

    fn put(&mut self, slot: u32) -> Result<()> {
        let value = self.pop()?;
        self.stack.push(value);
        self.room(self.memo.len())?;
        self.memo.insert(slot, value);
        Ok(())
    }

    fn get(&mut self, slot: u32) -> Result<()> {
        let value = self.memo.get(&slot).copied();
        self.push(value.ok_or_else(|| self.error(&format!("memo {slot} is empty")))?)
    }

    fn tuple(&mut self, length: usize) -> Result<()> {
        let values = self.pop_many(length)?;
        self.create(Object::Tuple(values))
    }

    /// The object on top of the stack.
    fn top(&mut self) -> Result<Option<&mut Object<'a>>> {
        let value = self.pop()?;
        self.stack.push(value);
        Ok(match value {
            Value::Object(object) => self.objects.get_mut(object),
            _ => None,
        })
    }

    fn set_items(&mut self, length: usize) -> Result<()> {
        let values = self.pop_many(length)?;
        let (pairs, []) = values.as_chunks::<2>() else {
            return Err(self.error("a key without a value"));
        };
        match self.top()? {
            Some(Object::Dict(entries)) => {
                entries.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            Some(Object::Foreign(..)) => Ok(()),
            _ => Err(self.error("expected a dictionary to fill")),
        }
    }

    /// Puts the topmost values into the list below them.
    fn append(&mut self, length: usize) -> Result<()> {
        let values = self.pop_many(length)?;
        match self.top()? {
            Some(Object::List(items)) => {
                items.extend(values);
                Ok(())
            }
            Some(Object::Foreign(..) | Object::Set) => Ok(()),
            _ => Err(self.error("expected a list to fill")),
        }
    }

    /// Attributes of an object: PyTorch notes versions of its modules there, which say nothing about weights.
    fn build(&mut self) -> Result<()> {
        self.pop()?;
        match self.top()? {
            Some(Object::Dict(_) | Object::Foreign(..)) => Ok(()),
            _ => Err(self.error("expected a dictionary to fill")),
        }
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> Result<()> {
        self.push(Value::Global(Global::named(module, name)))
    }

    /// What a persistent identifier stands for.
    fn storage(&mut self) -> Result<()> {
        let id = self.pop()?;
        let storage = rebuild::storage(id, &self.objects).map_err(|what| self.error(what))?;
        self.create(storage)
    }

    /// The result of a "call".
    fn reduce(&mut self) -> Result<()> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let object = rebuild::call(callee, arguments, &self.objects);
        self.create(object.map_err(|what| self.error(what))?)
    }
}
