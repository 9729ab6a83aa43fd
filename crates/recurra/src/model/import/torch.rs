//! A `torch.save` file: its pickle says which tensor lies where in which storage, its entries are the storages.

use super::archive::Archive;
use super::pickle;
use super::rebuild::{Element, View};
use super::{
    Float, ImportedTensor, insert, is_count, not_a_float, printable, refuse_empty, short_name,
};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, HashMap};

/// Half precision doubles when widened, tied weights double again; nothing honest grows more than that.
const GROWTH: usize = 4;

/// Reads all tensors of the state dictionary.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, ImportedTensor>> {
    let mut archive = Archive::open(bytes)?;
    let state = pickle::read_state(archive.entry("data.pkl")?)?;

    let mut storages: HashMap<&str, &[u8]> = HashMap::new();
    let mut left = bytes.len().saturating_mul(GROWTH) / size_of::<f32>();
    let mut tensors = BTreeMap::new();
    for (name, view) in state {
        if is_count(short_name(name)) {
            continue;
        }
        let float = match view.storage.element {
            Element::Float(float) => float,
            Element::Other(dtype) => return Err(not_a_float(name, dtype)),
        };
        let key = view.storage.key;
        let data = match storages.get(key) {
            Some(&data) => data,
            None => {
                let data = archive.entry(&format!("data/{key}"))?;
                storages.insert(key, data);
                data
            }
        };
        let extent = Extent::of(name, &view, float, data.len())?;
        left = left
            .checked_sub(extent.count)
            .ok_or_else(|| Error::Tensor {
                name: printable(name),
                expected: format!(
                    "tensors of at most {GROWTH} times the size of the file together"
                ),
                found: "more: too many share a storage".into(),
            })?;
        let tensor = ImportedTensor {
            data: gather(&view, &extent, float, data),
            shape: view.shape,
        };
        insert(&mut tensors, name, tensor)?;
    }
    Ok(tensors)
}

/// What of its storage a tensor covers, after every check.
pub(super) struct Extent {
    /// Numbers in the tensor; all of them lie in the storage.
    count: usize,
    /// Whether they lie one after another, in order.
    contiguous: bool,
}

impl Extent {
    pub(super) fn of(name: &str, view: &View<'_>, float: Float, bytes: usize) -> Result<Self> {
        let refuse = |expected: String, found: String| Error::Tensor {
            name: printable(name),
            expected,
            found,
        };
        let numel = view.storage.numel;
        if numel.checked_mul(float.size()) != Some(bytes) {
            return Err(refuse(
                format!("a storage of {numel} numbers of {} bytes", float.size()),
                format!("{bytes} bytes"),
            ));
        }
        let too_large = || {
            refuse(
                format!("no more than the {numel} numbers of its storage"),
                format!("shape {:?} with strides {:?}", view.shape, view.strides),
            )
        };
        refuse_empty(name, &view.shape)?;
        // A tensor with more numbers than its storage repeats some of them: no weight does.
        let count = (view.shape.iter())
            .try_fold(1usize, |product, &n| product.checked_mul(n))
            .filter(|&count| count <= numel)
            .ok_or_else(too_large)?;
        let last = (view.shape.iter().zip(&view.strides))
            .try_fold(view.offset, |at, (&n, &stride)| {
                at.checked_add((n - 1).checked_mul(stride)?)
            })
            .ok_or_else(too_large)?;
        if last >= numel {
            return Err(refuse(
                format!("places below {numel}, the length of its storage"),
                format!("place {last}"),
            ));
        }
        let mut next = 1;
        let contiguous = (view.shape.iter().zip(&view.strides).rev()).all(|(&n, &stride)| {
            let fits = n == 1 || stride == next;
            next *= n;
            fits
        });
        Ok(Extent { count, contiguous })
    }
}

/// The numbers in row-major order.
fn gather(view: &View<'_>, extent: &Extent, float: Float, data: &[u8]) -> Vec<f32> {
    let size = float.size();
    if extent.contiguous {
        return float.widen(&data[view.offset * size..(view.offset + extent.count) * size]);
    }
    // The stride of a dimension of length 1 is never used, and may be any number.
    let strides: Vec<usize> = (view.shape.iter().zip(&view.strides))
        .map(|(&n, &stride)| if n == 1 { 0 } else { stride })
        .collect();
    let mut out = Vec::with_capacity(extent.count);
    let mut index = vec![0; view.shape.len()];
    let mut at = view.offset;
    for _ in 0..extent.count {
        out.push(float.one(&data[at * size..]));
        // Count up like an odometer, the last dimension fastest.
        for (axis, i) in index.iter_mut().enumerate().rev() {
            *i += 1;
            at += strides[axis];
            if *i < view.shape[axis] {
                break;
            }
            at -= strides[axis] * view.shape[axis];
            *i = 0;
        }
    }
    out
}
