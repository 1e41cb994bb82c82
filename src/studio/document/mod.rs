//! The document behind the window: no widget, no clock, no channel.

pub mod as_of;
pub mod background;
pub mod background_work;
pub mod baselines;
pub mod cost;
pub mod demo;
pub mod difference;
pub mod edit;
pub mod engine_status;
pub mod event;
pub mod file;
pub mod films;
pub mod grid;
pub mod history;
pub mod live_run;
pub mod looks;
pub mod naming;
pub mod notice;
pub mod output_name;
pub mod paint;
pub mod parameter;
pub mod presets;
pub mod prompts;
pub mod queue;
pub mod readers;
pub mod regions;
pub mod render_status;
pub mod robustness;
pub mod saved;
pub mod sections;
pub mod state;
mod take_edits;
pub mod takes;
pub mod track;

pub use edit::Edit;
pub use state::Document;
