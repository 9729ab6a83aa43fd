//! The values of a state dictionary's pickle, and what its "calls" amount to.

use super::{Float, printable};

/// Most dimensions of a tensor.
const MAX_RANK: usize = 8;

/// A tensor of the state dictionary: what part of which storage it shows.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    pub(super) storage: Storage<'a>,
    /// Place of the first number.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// One for each dimension, in numbers.
    pub(super) strides: Vec<usize>,
}

/// A run of numbers in an entry of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    pub(super) element: Element,
    /// Its entry is `data/KEY`.
    pub(super) key: &'a str,
    /// Claimed length, in numbers.
    pub(super) numel: usize,
}

/// What a storage consists of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element {
    Float(Float),
    /// Known to PyTorch, of no use for a weight. Accepted here so that the error can name the tensor.
    Other(&'static str),
}

/// The names of Python in a pickle.
#[derive(Debug, Clone, Copy)]
pub(super) enum Global<'a> {
    RebuildTensor,
    RebuildParameter,
    OrderedDict,
    Storage(Element),
    /// A class or function that a state dictionary does not need, with its module: what it makes is passed over.
    Foreign(&'a str, &'a str),
}

impl<'a> Global<'a> {
    /// What a name stands for.
    pub(super) fn named(module: &'a str, name: &'a str) -> Self {
        use Element::Other;
        match (module, name) {
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch", storage) => Global::Storage(match storage {
                "FloatStorage" => Element::Float(Float::F32),
                "HalfStorage" => Element::Float(Float::F16),
                "BFloat16Storage" => Element::Float(Float::Bf16),
                "DoubleStorage" => Other("float64"),
                "LongStorage" => Other("int64"),
                "IntStorage" => Other("int32"),
                "ShortStorage" => Other("int16"),
                "CharStorage" => Other("int8"),
                "ByteStorage" => Other("uint8"),
                "BoolStorage" => Other("bool"),
                _ => return Global::Foreign(module, name),
            }),
            _ => Global::Foreign(module, name),
        }
    }
}

/// A value of the stack machine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    None,
    Bool,
    Float,
    Int(i64),
    Str(&'a str),
    Global(Global<'a>),
    /// Place in the machine's list of objects.
    Object(usize),
}

/// A value too large to copy.
#[derive(Debug, Clone)]
pub(super) enum Object<'a> {
    Tuple(Vec<Value<'a>>),
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    Storage(Storage<'a>),
    Tensor(View<'a>),
    Set,
    Bytes,
    /// What a class or function of this module and name would have made.
    Foreign(&'a str, &'a str),
}

impl<'a> Value<'a> {
    /// The object that the value stands for, if it does.
    pub(super) fn object<'o>(self, objects: &'o [Object<'a>]) -> Option<&'o Object<'a>> {
        match self {
            Value::Object(object) => objects.get(object),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(self, objects: &[Object<'_>]) -> String {
        let kind = match self {
            Value::None => "nothing",
            Value::Bool => "a truth value",
            Value::Float => "a number",
            Value::Int(_) => "an integer",
            Value::Str(_) => "text",
            Value::Global(_) => "a name of Python",
            Value::Object(object) => match objects[object] {
                Object::Tuple(_) => "a tuple",
                Object::List(_) => "a list",
                Object::Dict(_) => "a dictionary",
                Object::Storage(_) => "a storage",
                Object::Tensor(_) => "a tensor",
                Object::Set => "a set",
                Object::Bytes => "bytes",
                Object::Foreign(module, name) => {
                    return format!("an object of `{}`", printable(&format!("{module}.{name}")));
                }
            },
        };
        kind.into()
    }

    /// The class or function whose object it is, where nothing here knows it.
    pub(super) fn foreign(self, objects: &[Object<'a>]) -> Option<(&'a str, &'a str)> {
        match self.object(objects) {
            Some(&Object::Foreign(module, name)) => Some((module, name)),
            _ => None,
        }
    }

    fn tuple<'o>(self, objects: &'o [Object<'a>]) -> Option<&'o [Value<'a>]> {
        match self.object(objects) {
            Some(Object::Tuple(values)) => Some(values),
            _ => None,
        }
    }

    fn size(self) -> Option<usize> {
        match self {
            Value::Int(n) => usize::try_from(n).ok(),
            _ => None,
        }
    }

    fn sizes(self, objects: &[Object<'a>]) -> Option<Vec<usize>> {
        let values = self.tuple(objects)?;
        if values.len() > MAX_RANK {
            return None;
        }
        values.iter().map(|value| value.size()).collect()
    }

    fn is_dict(self, objects: &[Object<'a>]) -> bool {
        matches!(self.object(objects), Some(Object::Dict(_)))
    }
}

/// The storage behind a persistent identifier: `("storage", type, key, device, length)`.
pub(super) fn storage<'a>(
    id: Value<'a>,
    objects: &[Object<'a>],
) -> Result<Object<'a>, &'static str> {
    match id.tuple(objects) {
        Some(
            &[
                Value::Str("storage"),
                Value::Global(Global::Foreign(module, name)),
                ..,
            ],
        ) => Ok(Object::Foreign(module, name)),
        Some(
            &[
                Value::Str("storage"),
                Value::Global(Global::Storage(element)),
                Value::Str(key),
                Value::Str(_),
                numel,
            ],
        ) => Ok(Object::Storage(Storage {
            element,
            key,
            numel: numel
                .size()
                .ok_or("the length of a storage is not a number from 0 up")?,
        })),
        _ => Err("a persistent identifier that is not a storage"),
    }
}

/// What calling `callee` would give.
pub(super) fn call<'a>(
    callee: Value<'a>,
    arguments: Value<'a>,
    objects: &[Object<'a>],
) -> Result<Object<'a>, &'static str> {
    if let Some((module, name)) = callee.foreign(objects) {
        return Ok(Object::Foreign(module, name));
    }
    let Value::Global(global) = callee else {
        return Err("only a name of Python can be called");
    };
    let arguments = (arguments.tuple(objects)).ok_or("arguments must be a tuple")?;
    // What is made of something unknown is unknown.
    if let Some((module, name)) = arguments.iter().find_map(|value| value.foreign(objects)) {
        return Ok(Object::Foreign(module, name));
    }
    match global {
        Global::Foreign(module, name) => Ok(Object::Foreign(module, name)),
        Global::OrderedDict => match arguments {
            [] => Ok(Object::Dict(Vec::new())),
            _ => Err("OrderedDict takes no arguments here"),
        },
        Global::RebuildTensor => match *arguments {
            [storage, offset, shape, strides, Value::Bool, hooks] if hooks.is_dict(objects) => {
                tensor(storage, offset, shape, strides, objects)
            }
            _ => Err("_rebuild_tensor_v2 takes 6 arguments: \
                 storage, offset, shape, strides, gradient, hooks"),
        },
        Global::RebuildParameter => match *arguments {
            [data, Value::Bool, hooks] if hooks.is_dict(objects) => match data.object(objects) {
                Some(Object::Tensor(view)) => Ok(Object::Tensor(view.clone())),
                _ => Err("_rebuild_parameter takes a tensor"),
            },
            _ => Err("_rebuild_parameter takes 3 arguments: tensor, gradient, hooks"),
        },
        Global::Storage(_) => Err("a storage type cannot be called"),
    }
}

fn tensor<'a>(
    storage: Value<'a>,
    offset: Value<'a>,
    shape: Value<'a>,
    strides: Value<'a>,
    objects: &[Object<'a>],
) -> Result<Object<'a>, &'static str> {
    let Some(&Object::Storage(storage)) = storage.object(objects) else {
        return Err("_rebuild_tensor_v2 takes a storage");
    };
    let offset = (offset.size()).ok_or("the offset of a tensor is not a number from 0 up")?;
    let (Some(shape), Some(strides)) = (shape.sizes(objects), strides.sizes(objects)) else {
        return Err("shape and strides must be at most 8 numbers from 0 up");
    };
    if shape.len() != strides.len() {
        return Err("a tensor has as many strides as dimensions");
    }
    Ok(Object::Tensor(View {
        storage,
        offset,
        shape,
        strides,
    }))
}
