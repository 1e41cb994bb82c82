//! Errors of noise schedules and samplers.
//!
//! Separate from the code that returns them, because readers, tables and solvers share them.

/// A noise schedule that cannot be read, or not be run: one sentence that says what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    #[error(
        "scheduler_config.json holds {given} where an object is expected: take the file from the model's repository"
    )]
    NotAnObject { given: &'static str },
    #[error("scheduler_config.json: \"{key}\" is {given}, but must be {must}")]
    Invalid { key: &'static str, given: String, must: String },
    #[error("scheduler_config.json: \"{key}\": {given} is not supported; use a model whose scheduler has {instead}")]
    Unsupported { key: &'static str, given: String, instead: &'static str },
    #[error(
        "scheduler_config.json: the class {class} is not known and the file does not say \"beta_start\", \"beta_end\" \
         and \"beta_schedule\"; add these three, or use a model with a DDIM, PNDM, Euler, Heun, DPM++, UniPC or LCM \
         scheduler"
    )]
    UnknownClass { class: String },
    #[error("{steps} steps are too many for {sampler} with this model's noise schedule: choose at most {most}")]
    TooManySteps { sampler: &'static str, steps: usize, most: usize },
    #[error("steps is 0, but must be at least 1")]
    NoSteps,
    #[error("{sampler} has no {schedule} schedule: choose the normal schedule, or another sampler such as dpmpp-2m")]
    NoSuchSchedule { sampler: &'static str, schedule: &'static str },
}

impl ScheduleError {
    /// As it is to be told where `more` steps more were laid out than were asked for.
    pub(super) fn with_fewer_steps(self, more: usize) -> Self {
        match self {
            Self::TooManySteps { sampler, steps, most } => {
                Self::TooManySteps { sampler, steps: steps - more, most: most - more }
            }
            other => other,
        }
    }
}
