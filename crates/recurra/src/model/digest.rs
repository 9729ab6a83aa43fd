//! Which model gave an answer: a name that no other model has.

use super::file::TrmModel;
use super::tensors::Tensor;
use super::weights::TrmWeights;
use std::fmt;
use std::str::FromStr;

/// BLAKE3 hash of all that decides a model's answers. Its text is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId(pub [u8; 32]);

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelId({self})")
    }
}

impl FromStr for ModelId {
    type Err = crate::Error;

    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> crate::Result<Self> {
        let digits = || text.chars().map(|c| c.to_digit(16));
        if digits().count() != 64 || digits().any(|d| d.is_none()) {
            return Err(crate::Error::Format(format!(
                "hash of a model: expected 64 hexadecimal digits, found {} characters",
                text.chars().count()
            )));
        }
        let digits: Vec<u8> = digits().flatten().map(|d| d as u8).collect();
        Ok(ModelId(std::array::from_fn(|i| {
            digits[2 * i] << 4 | digits[2 * i + 1]
        })))
    }
}

impl TrmModel {
    /// The hash of architecture, task and weights: models that differ in any of them differ in it. What decides nothing
    /// about a single step is left out: provenance, and calibrated stop rules, which are the asker's choice.
    ///
    /// Unlike [`TrmModel::id`] it stands against forgery, and for the architecture too: two models of the same weights can
    /// have another number of cycles.
    pub fn digest(&self) -> ModelId {
        let mut hasher = blake3::Hasher::new_derive_key("recurra model 1");
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        let header = (self.config(), &self.header.task);
        part(&serde_json::to_vec(&header).expect("a header is JSON"));
        let mut tensor = |tensor: Tensor| {
            use safetensors::View;
            let tensor = &tensor;
            part(tensor.name().as_bytes());
            part(format!("{:?} {:?}", tensor.dtype(), tensor.shape()).as_bytes());
            part(&tensor.data());
        };
        // Tables in f32, as they are computed with, also where a file has them shorter.
        let shapes = TrmWeights::table_shapes(self.config());
        for ((name, shape), table) in shapes.iter().zip(self.weights.tables()) {
            tensor(Tensor::f32(name, shape, table));
        }
        let shapes = TrmWeights::linear_shapes(self.config());
        for ((name, _), linear) in shapes.iter().zip(self.weights.linears()) {
            Tensor::of_linear(name, linear)
                .into_iter()
                .for_each(&mut tensor);
        }
        ModelId(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::limits::tests::small;
    use crate::tasks::TaskSpec;
    use recurra_kernels::Precision;

    #[test]
    fn whatever_decides_an_answer_changes_it() {
        let model = TrmModel::new(small(), None, TrmWeights::random(&small(), 1));
        let digest = model.digest();
        let mut others = vec![model.clone(); 4];
        others[0].header.architecture.l_cycles += 1;
        others[1].header.task = Some(TaskSpec::Sudoku { size: 4 });
        others[2].weights.q_bias.row_mut(0)[1] += 1.0;
        others[3].weights = TrmWeights::random(&small(), 2).into();
        let mut digests: Vec<ModelId> = others.iter().map(TrmModel::digest).collect();
        digests.push(digest);
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 5);
        assert_eq!(
            others[0].id(),
            model.id(),
            "the short name has the weights alone"
        );
    }

    #[test]
    fn file_and_provenance_do_not_change_it() {
        let mut model = TrmModel::new(small(), None, TrmWeights::random(&small(), 1));
        let digest = model.digest();
        model
            .header
            .provenance
            .insert("made by".into(), "hand".into());
        let read = TrmModel::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(read.precision(), Precision::F32);
        assert_eq!(read.digest(), digest);
    }

    #[test]
    fn its_text_is_read_again() {
        let id = ModelId(std::array::from_fn(|i| 7 * i as u8));
        let text = id.to_string();
        assert_eq!(&text[..10], "00070e151c");
        assert_eq!(text.parse::<ModelId>().unwrap(), id);
        for bad in ["", "12", &text[1..], &text.replace('7', "g")] {
            let error = bad.parse::<ModelId>().unwrap_err().to_string();
            assert!(error.contains("expected 64 hexadecimal digits"), "{error}");
        }
    }
}
