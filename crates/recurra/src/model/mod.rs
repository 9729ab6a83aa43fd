//! A model: its configuration, its named weights, the files they live in.

#[cfg(all(feature = "files", feature = "import"))]
mod apart;
#[cfg(feature = "store")]
pub mod digest;
#[cfg(feature = "files")]
pub mod disk;
pub mod file;
#[cfg(feature = "import")]
pub mod import;
pub(crate) mod init;
pub mod refining;
mod resize;
pub mod stopping;
pub(crate) mod tensors;
pub mod weights;

pub use crate::network::config::TrmConfig;
#[cfg(feature = "store")]
pub use digest::ModelId;
pub use file::TrmModel;
pub use weights::TrmWeights;
