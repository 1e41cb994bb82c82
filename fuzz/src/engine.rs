//! The reports of steps, without the worker that makes them: kept steps are read back into these.

#[path = "../../src/engine/cache_key.rs"]
mod cache_key;
#[path = "../../src/engine/cached_denoiser.rs"]
mod cached_denoiser;
#[path = "card.rs"]
mod card;
#[path = "../../src/engine/event.rs"]
mod event;
#[path = "../../src/engine/guided_step.rs"]
mod guided_step;
#[path = "../../src/engine/ledger.rs"]
mod ledger;
#[path = "../../src/engine/prediction_cache.rs"]
mod prediction_cache;
#[path = "../../src/engine/sized_lru.rs"]
mod sized_lru;

pub use event::{
    ConceptReport, Event, FusionReport, Ledger, Norms, RenderResult, ScfgReport, StepReport, Token, TokenKind,
};
