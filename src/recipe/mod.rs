//! What is wanted: plain, serialisable data. A [`Recipe`] is all that is needed to make the same picture again.
//!
//! Apart from the engine because sessions, pictures, the window and the command line all pass recipes around.
//!
//! ```
//! use sextant::recipe::{Concept, Recipe, Scfg};
//!
//! let recipe = Recipe {
//!     prompt: "a cat on a beach".into(),
//!     scfg: Scfg { enabled: true, ..Scfg::default() },
//!     concepts: vec![Concept { text: "sunglasses".into(), strength: 6.0, ..Concept::default() }],
//!     ..Recipe::default()
//! };
//! recipe.validate()?;
//! assert!(Recipe { steps: 0, ..recipe }.validate().is_err());
//! # Ok::<(), sextant::recipe::RecipeError>(())
//! ```

mod additions;
mod canonical;
mod concept;
mod concepts;
mod error;
mod fusion;
mod interval;
pub mod keys;
mod lora;
mod model_ref;
mod options;
mod paint;
#[expect(clippy::module_inception, reason = "the room is named after its main type")]
mod recipe;
mod region_settings;
mod regions;
mod sampler_settings;
mod scfg;
mod text_rules;
mod validate;
mod within_limits;

pub use additions::Additions;
pub use concept::{Concept, ConceptId, Momentum};
pub use error::RecipeError;
pub use fusion::Fusion;
pub use interval::GuidanceInterval;
pub use keys::Key;
pub use lora::Lora;
pub use model_ref::ModelRef;
pub use options::{Convention, Emphasis, FusionMode, FusionRule, Owner, Profile, PromptSyntax, Sampler, Schedule};
pub use paint::Paint;
pub use recipe::{Recipe, SIDE_STEP};
pub use regions::{RegionFactor, RegionGroup, RegionOwner, RegionPaint, first_of, group_of};
pub use sampler_settings::SamplerSettings;
pub use scfg::Scfg;
pub use text_rules::TextRules;
