//! Builders of files, for tests.

use safetensors::{Dtype, tensor::TensorView};
use std::io::{Cursor, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

/// A file of `tests/data/reference`.
pub(super) fn fixture(model: &str, file: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/reference");
    std::fs::read(format!("{folder}/{model}/{file}")).unwrap()
}

pub(super) fn safetensors_file(tensors: &[(&str, Dtype, &[usize], &[u8])]) -> Vec<u8> {
    let views = tensors.iter().map(|&(name, dtype, shape, data)| {
        (name, TensorView::new(dtype, shape.to_vec(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

pub(super) fn zip_file(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, data) in entries {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An archive of torch.save with this pickle and the storages 0, 1, …
pub(super) fn torch_file(pickle: &[u8], storages: &[&[u8]]) -> Vec<u8> {
    let names: Vec<String> = (0..storages.len())
        .map(|i| format!("step_1/data/{i}"))
        .collect();
    let mut entries = vec![("step_1/data.pkl", pickle), ("step_1/byteorder", b"little")];
    entries.extend(
        names
            .iter()
            .map(String::as_str)
            .zip(storages.iter().copied()),
    );
    zip_file(&entries)
}

pub(super) fn f32_bytes(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// What a tensor of a hand-made pickle says of itself.
#[derive(Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) kind: &'a str,
    pub(super) key: &'a str,
    pub(super) numel: i64,
    pub(super) offset: i64,
    pub(super) shape: &'a [i64],
    pub(super) strides: &'a [i64],
}

/// Six float32 numbers as two rows of three, in storage 0.
pub(super) const TWO_BY_THREE: Claim<'_> = Claim {
    kind: "FloatStorage",
    key: "0",
    numel: 6,
    offset: 0,
    shape: &[2, 3],
    strides: &[3, 1],
};

/// Writes opcodes.
#[derive(Default)]
pub(super) struct Pickle(pub(super) Vec<u8>);

impl Pickle {
    pub(super) fn op(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.op(b"X").op((text.len() as u32).to_le_bytes()).op(text)
    }

    pub(super) fn int(&mut self, n: i64) -> &mut Self {
        self.op(b"\x8a\x08").op(n.to_le_bytes())
    }

    pub(super) fn ints(&mut self, numbers: &[i64]) -> &mut Self {
        self.op(b"(");
        for &n in numbers {
            self.int(n);
        }
        self.op(b"t")
    }

    pub(super) fn storage(&mut self, claim: Claim<'_>) -> &mut Self {
        self.op(b"(").text("storage");
        self.op(format!("ctorch\n{}\n", claim.kind));
        self.text(claim.key).text("cpu").int(claim.numel).op(b"tQ")
    }

    pub(super) fn tensor(&mut self, claim: Claim<'_>) -> &mut Self {
        self.op(b"ctorch._utils\n_rebuild_tensor_v2\n(")
            .storage(claim);
        self.int(claim.offset).ints(claim.shape).ints(claim.strides);
        self.op(b"\x89ccollections\nOrderedDict\n)RtR")
    }

    /// A whole state dictionary.
    pub(super) fn state(tensors: &[(&str, Claim<'_>)]) -> Vec<u8> {
        let mut pickle = Pickle::default();
        pickle.op(b"\x80\x02}(");
        for &(name, claim) in tensors {
            pickle.text(name).tensor(claim);
        }
        pickle.op(b"u.");
        pickle.0
    }
}
