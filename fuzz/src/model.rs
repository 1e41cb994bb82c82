//! The traits of models, without the families behind them: the reports of steps name them.

#[path = "../../src/model/codec.rs"]
mod codec;
#[path = "../../src/model/compatibility.rs"]
mod compatibility;
#[path = "../../src/model/conditioning.rs"]
mod conditioning;
#[path = "../../src/model/denoiser.rs"]
mod denoiser;
#[path = "../../src/model/error.rs"]
mod error;
#[path = "../../src/model/evaluate.rs"]
mod evaluate;
#[path = "../../src/model/family.rs"]
mod family;
#[path = "../../src/model/finite.rs"]
mod finite;
#[path = "../../src/model/geometry.rs"]
mod geometry;
#[path = "../../src/model/reader.rs"]
mod reader;

pub use codec::Codec;
pub use compatibility::{Compatibility, CompatibilityPoint, ModelPair, Verdict};
pub use conditioning::{Conditioning, Embedding};
pub use denoiser::{Denoiser, IsCurrent, Precomputed, Prediction, Request, StepDenoiser};
pub use error::{Cancelled, ModelError};
pub use evaluate::{predict, with_workers};
pub use family::Model;
pub use finite::check_finite;
pub use geometry::Geometry;
pub use reader::TextReader;
