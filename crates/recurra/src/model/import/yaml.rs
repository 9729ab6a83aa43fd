//! The reference implementation's `all_config.yaml`.

use super::{ImportedTensor, missing, printable};
use crate::error::{Error, Result};
use crate::network::config::{Mixer, Positions, SWIGLU_MULTIPLE, TrmConfig};
use std::collections::BTreeMap;
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::TScalarStyle;

/// A real file has about two kilobytes.
const MAX_YAML: usize = 1 << 20;
/// Most mappings and lists inside one another.
const MAX_DEPTH: usize = 32;

/// The only architecture that this library runs, as the reference calls it.
const ARCHITECTURE: &str = "recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1";

/// Works out the architecture of a checkpoint from the reference's `all_config.yaml` and the shapes of its tensors.
///
/// The published files do not say `vocab_size`, `seq_len` and `num_puzzle_identifiers`: these follow from
/// `tensors`, as [`super::read_checkpoint`] returns them. The length of a model with rotary attention leaves no trace
/// there and must be given, as `seq_len` or at the top level of the file. All keys but the model's own are ignored.
///
/// # Errors
/// [`Error::Config`] names a key that is missing, of the wrong type, in conflict with a shape, or of a model that the
/// library does not run; [`Error::Tensor`] a tensor whose shape was needed; [`Error::Format`] says where the YAML is
/// broken.
pub fn config_from_yaml(
    yaml: &str,
    tensors: &BTreeMap<String, ImportedTensor>,
    seq_len: Option<usize>,
) -> Result<TrmConfig> {
    let keys = Keys::read(yaml)?;
    if keys.get("arch.name").is_none() {
        let found = match keys.get("arch") {
            None if keys.get("defaults").is_some() => {
                "no `arch` but `defaults`, which are not followed"
            }
            None => "no `arch`",
            Some(Found::Scalar(..)) => "an `arch` that is text, and no mapping",
            Some(Found::Other("a list")) => "an `arch` that is a list, and no mapping",
            Some(Found::Other(_)) => "an `arch` without `name`",
        };
        let expected = "the name of the architecture: `all_config.yaml` of the run has it";
        return Err(config("arch.name", expected, found));
    }
    let name = keys.text("arch.name")?;
    if name != ARCHITECTURE {
        return Err(config("arch.name", ARCHITECTURE, printable(name)));
    }

    let hidden_size = keys.integer("arch.hidden_size", None)?;
    let mixer = match keys.boolean("arch.mlp_t", false)? {
        true => Mixer::Mlp,
        false => Mixer::Attention,
    };
    let positions = match (keys.text("arch.pos_encodings")?, mixer) {
        // The reference builds the rotary table for an MLP mixer too, and never looks at it.
        ("rope", Mixer::Mlp) | ("none", _) => Positions::None,
        ("rope", Mixer::Attention) => Positions::Rotary,
        ("learned", _) => Positions::Learned,
        (other, _) => {
            let expected = "rope, learned or none";
            return Err(config("arch.pos_encodings", expected, printable(other)));
        }
    };
    let puzzle_emb_ndim = keys.integer("arch.puzzle_emb_ndim", Some(0))?;
    let puzzle_emb_len = match keys.integer("arch.puzzle_emb_len", Some(16))? {
        // The reference puts no prefix before the tokens if there is no puzzle vector, whatever the length says.
        _ if puzzle_emb_ndim == 0 => 0,
        0 => puzzle_emb_ndim.div_ceil(hidden_size.max(1)),
        length => length,
    };

    let mut vocab_size = Agreed::new("vocab_size");
    vocab_size.add(
        "the rows of `embed_tokens.embedding_weight`",
        matrix(tensors, "embed_tokens.embedding_weight")?.0,
    )?;
    vocab_size.add_key(&keys)?;

    let mut num_puzzle_identifiers = Agreed::new("num_puzzle_identifiers");
    if puzzle_emb_ndim == 0 {
        num_puzzle_identifiers.add("a model without puzzle vectors", 1)?;
    } else {
        num_puzzle_identifiers.add(
            "the rows of `puzzle_emb.weights`",
            matrix(tensors, "puzzle_emb.weights")?.0,
        )?;
        num_puzzle_identifiers.add_key(&keys)?;
    }

    let mut length = Agreed::new("seq_len");
    if mixer == Mixer::Mlp {
        let name = "L_level.layers.0.mlp_t.gate_up_proj.weight";
        let (_, columns) = matrix(tensors, name)?;
        length.add_positions(name, columns, puzzle_emb_len)?;
    }
    if positions == Positions::Learned {
        let name = "embed_pos.embedding_weight";
        let (rows, _) = matrix(tensors, name)?;
        length.add_positions(name, rows, puzzle_emb_len)?;
    }
    length.add_key(&keys)?;
    if let Some(seq_len) = seq_len {
        length.add("the argument", seq_len)?;
    }

    let config = TrmConfig {
        vocab_size: vocab_size.value()?,
        seq_len: length.value()?,
        hidden_size,
        num_heads: keys.integer("arch.num_heads", None)?,
        expansion: keys.float("arch.expansion", None)?,
        swiglu_multiple: SWIGLU_MULTIPLE,
        num_layers: keys.integer("arch.L_layers", None)?,
        h_cycles: keys.integer("arch.H_cycles", None)?,
        l_cycles: keys.integer("arch.L_cycles", None)?,
        mixer,
        positions,
        puzzle_emb_ndim,
        puzzle_emb_len,
        num_puzzle_identifiers: num_puzzle_identifiers.value()?,
        halt_max_steps: keys.integer("arch.halt_max_steps", None)?,
        rms_norm_eps: keys.float("arch.rms_norm_eps", Some(1e-5))? as f32,
        rope_theta: keys.float("arch.rope_theta", Some(10000.0))? as f32,
        groups: None,
    };
    config.validate()?;
    Ok(config)
}

fn config(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::Config {
        field,
        expected: expected.into(),
        found: found.into(),
    }
}

/// Rows and columns of a tensor.
fn matrix(tensors: &BTreeMap<String, ImportedTensor>, name: &str) -> Result<(usize, usize)> {
    match tensors.get(name).map(|tensor| &tensor.shape[..]) {
        Some(&[rows, columns]) => Ok((rows, columns)),
        None => Err(missing(name, "rows and columns".into(), tensors)),
        Some(shape) => Err(Error::Tensor {
            name: name.into(),
            expected: "rows and columns".into(),
            found: format!("shape {shape:?}"),
        }),
    }
}

/// A number that several places may tell, if they tell the same.
struct Agreed {
    field: &'static str,
    told: Option<(String, usize)>,
}

impl Agreed {
    fn new(field: &'static str) -> Self {
        Agreed { field, told: None }
    }

    fn add(&mut self, place: impl Into<String>, value: usize) -> Result<()> {
        let place = place.into();
        match &self.told {
            Some((first, expected)) if *expected != value => Err(config(
                self.field,
                format!("{expected} ({first})"),
                format!("{value} ({place})"),
            )),
            Some(_) => Ok(()),
            None => {
                self.told = Some((place, value));
                Ok(())
            }
        }
    }

    /// The top-level key of the same name, if there is one.
    fn add_key(&mut self, keys: &Keys) -> Result<()> {
        match keys.get(self.field) {
            Some(_) => self.add("the configuration file", keys.integer(self.field, None)?),
            None => Ok(()),
        }
    }

    /// The length that remains of `positions` after the prefix.
    fn add_positions(&mut self, tensor: &str, positions: usize, prefix: usize) -> Result<()> {
        let length = (positions.checked_sub(prefix)).ok_or_else(|| Error::Tensor {
            name: tensor.into(),
            expected: format!("more positions than the {prefix} of the puzzle prefix"),
            found: positions.to_string(),
        })?;
        let place = format!("`{tensor}`: {positions} positions, {prefix} of them the prefix");
        self.add(place, length)
    }

    fn value(self) -> Result<usize> {
        let value = self.told.map(|(_, value)| value);
        value.ok_or_else(|| {
            config(
                self.field,
                "a length: this model's tensors do not tell it, pass `--seq-len`",
                "none",
            )
        })
    }
}

/// What stands behind a key.
enum Found {
    /// Text, and whether it is without quotes and may mean a number.
    Scalar(String, bool),
    /// Anything else: what it is.
    Other(&'static str),
}

/// The keys of the top level (`KEY`) and of the mapping `arch` in it (`arch.KEY`).
struct Keys(BTreeMap<String, Found>);

/// A mapping or list that has begun.
enum Open {
    /// A mapping whose keys matter: what stands before them, and the key whose value comes next.
    Keys(&'static str, Option<String>),
    Rest,
}

impl Keys {
    /// Walks through the events of the parser. No tree is built and no alias followed, so that neither deep nor
    /// self-referring files can take more than they are long.
    fn read(yaml: &str) -> Result<Self> {
        let broken = |what: String| Error::Format(format!("YAML: {what}"));
        if yaml.len() > MAX_YAML {
            let length = yaml.len();
            return Err(broken(format!(
                "expected at most {MAX_YAML} bytes, found {length}"
            )));
        }
        let mut parser = Parser::new_from_str(yaml.strip_prefix('\u{feff}').unwrap_or(yaml));
        let mut keys = BTreeMap::new();
        let mut open: Vec<Open> = Vec::new();
        let mut documents = 0;
        loop {
            let (event, mark) =
                (parser.next_token()).map_err(|e| broken(printable(&e.to_string())))?;
            let line = mark.line();
            let (found, begins) = match event {
                Event::StreamEnd => break,
                Event::DocumentStart => {
                    documents += 1;
                    if documents > 1 {
                        return Err(broken(format!("line {line}: a second document")));
                    }
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    open.pop();
                    continue;
                }
                Event::Scalar(text, style, _, tag) => {
                    let found = match tag {
                        None => Found::Scalar(text, style == TScalarStyle::Plain),
                        Some(_) => Found::Other("a value with a tag"),
                    };
                    (found, None)
                }
                Event::Alias(_) => (Found::Other("an alias"), None),
                Event::SequenceStart(..) => (Found::Other("a list"), Some(false)),
                Event::MappingStart(..) => (Found::Other("a mapping"), Some(true)),
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => continue,
            };

            let mut inside = Open::Rest;
            match open.last_mut() {
                None if begins == Some(true) => inside = Open::Keys("", None),
                None => return Err(broken(format!("line {line}: expected a mapping"))),
                Some(Open::Rest) => {}
                Some(Open::Keys(before, key)) => match (key.take(), found) {
                    (None, Found::Scalar(text, _)) => *key = Some(format!("{before}{text}")),
                    (None, _) => return Err(broken(format!("line {line}: a key must be text"))),
                    (Some(key), found) => {
                        if key == "arch" && begins == Some(true) {
                            inside = Open::Keys("arch.", None);
                        }
                        if keys.contains_key(&key) {
                            let key = printable(&key);
                            return Err(broken(format!("line {line}: `{key}` stands here twice")));
                        }
                        keys.insert(key, found);
                    }
                },
            }
            if begins.is_some() {
                if open.len() == MAX_DEPTH {
                    return Err(broken(format!("line {line}: nested too deeply")));
                }
                open.push(inside);
            }
        }
        Ok(Keys(keys))
    }

    fn get(&self, key: &str) -> Option<&Found> {
        self.0.get(key)
    }

    /// The value of a key as `parse` understands it; `default` if the key is missing.
    fn value<'k, T>(
        &'k self,
        key: &'static str,
        expected: &str,
        default: Option<T>,
        parse: impl Fn(&'k str, bool) -> Option<T>,
    ) -> Result<T> {
        let found = match self.get(key) {
            Some(Found::Scalar(text, plain)) => match parse(text, *plain) {
                Some(value) => return Ok(value),
                None => format!("`{}`", printable(text)),
            },
            Some(Found::Other(what)) => (*what).to_owned(),
            None => match default {
                Some(value) => return Ok(value),
                None => "no such key".to_owned(),
            },
        };
        Err(config(key, expected, found))
    }

    fn text(&self, key: &'static str) -> Result<&str> {
        self.value(key, "text", None, |text, _| Some(text))
    }

    fn integer(&self, key: &'static str, default: Option<usize>) -> Result<usize> {
        self.value(key, "a whole number from 0 up", default, |text, plain| {
            text.parse().ok().filter(|_| plain)
        })
    }

    fn float(&self, key: &'static str, default: Option<f64>) -> Result<f64> {
        self.value(key, "a number", default, |text, plain| {
            text.parse().ok().filter(|_| plain)
        })
    }

    fn boolean(&self, key: &'static str, default: bool) -> Result<bool> {
        self.value(key, "true or false", Some(default), |text, plain| {
            let value = match text {
                "true" | "True" | "TRUE" => true,
                "false" | "False" | "FALSE" => false,
                _ => return None,
            };
            Some(value).filter(|_| plain)
        })
    }
}
