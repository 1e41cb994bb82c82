//! Runs a model once on a GPU before its first picture, because kernels are compiled there at their first use.
//!
//! Sizes are values for our kernels, so a small picture compiles what a large one needs. That takes seconds. Apart from a run so that the wait has its own progress and a run's times are those of
//! its steps.

use std::{cell::Cell, time::Instant};

use super::error::EngineError;
use crate::{
    guidance::scfg,
    model::{self, Model},
    tensor::Latents,
};

/// Height and width of the latents that are predicted: enough for four levels.
const SIDE: usize = 8;
/// Of those that are decoded.
const DECODED: usize = 2;

/// Which models have been run, by their hashes.
#[derive(Default)]
pub struct WarmUp {
    done: Vec<String>,
}

impl WarmUp {
    /// Runs `model` (called `title`) once: a prediction with the maps that segmentation needs, and the codec. Does nothing, and
    /// returns false, if that has been done. Reports progress through `busy`.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] once `is_current` says no; the next call starts again, and compiled kernels
    /// are not compiled again. Others as the model has them.
    pub fn run(
        &mut self,
        model: &dyn Model,
        title: &str,
        is_current: &dyn Fn() -> bool,
        busy: &dyn Fn(String),
    ) -> Result<bool, EngineError> {
        let name = model.hash().to_owned();
        if self.done.contains(&name) {
            return Ok(false);
        }
        let begun = Instant::now();
        run_once(model, is_current, &|part| busy(format!("Preparing the graphics card for {title}: {part}…")))?;
        log::info!("{title} is warm after {:.1} s", begun.elapsed().as_secs_f64());
        self.done.push(name);
        Ok(true)
    }
}

fn run_once(model: &dyn Model, is_current: &dyn Fn() -> bool, say: &dyn Fn(String)) -> Result<(), EngineError> {
    let denoiser = model.denoiser();
    let latents = Latents::zeros(model.geometry().channels, SIDE, SIDE);
    let text = model.encode("")?;
    let levels = scfg::levels(&denoiser.levels());
    let (stages, stage) = (denoiser.stages(), Cell::new(0));
    let count = || {
        stage.set(stage.get() + 1);
        say(format!("{}, {} of {stages}", denoiser.name(), stage.get()));
        is_current()
    };
    let prediction = model::predict(model, &latents, 500.0, &text, &levels, &count)?;
    // Maps are read back as segmentation reads them.
    for layer in prediction.attention {
        layer.cross().map_err(model::ModelError::from)?;
    }
    say("decoder".into());
    model.codec().decode(&Latents::zeros(model.geometry().channels, DECODED, DECODED), is_current)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, sync::Arc};

    use super::*;
    use crate::{
        model::{LocalModels, ModelSource, Target},
        recipe::ModelRef,
    };

    fn pocket() -> Arc<dyn Model> {
        LocalModels.load(&ModelRef::Pocket, &[], &Target::cpu()).unwrap()
    }

    #[test]
    fn every_part_is_reported_once_and_only_the_first_time() {
        let model = pocket();
        let (mut warm, told) = (WarmUp::default(), RefCell::new(Vec::new()));
        let busy = |message: String| told.borrow_mut().push(message);
        warm.run(model.as_ref(), "Pocket", &|| true, &busy).unwrap();
        let stages = model.denoiser().stages();
        let mut expected: Vec<String> =
            (1..=stages).map(|i| format!("Preparing the graphics card for Pocket: U-Net, {i} of {stages}…")).collect();
        expected.push("Preparing the graphics card for Pocket: decoder…".into());
        assert_eq!(told.take(), expected);

        warm.run(model.as_ref(), "Pocket", &|| true, &busy).unwrap();
        assert!(told.take().is_empty());
    }

    #[test]
    fn a_cancelled_one_starts_again() {
        let model = pocket();
        let (mut warm, told) = (WarmUp::default(), RefCell::new(Vec::new()));
        let busy = |message: String| told.borrow_mut().push(message);
        let few = || told.borrow().len() < 3;
        let cancelled = warm.run(model.as_ref(), "Pocket", &few, &busy);
        assert!(matches!(cancelled, Err(EngineError::Cancelled(_))), "{cancelled:?}");
        assert_eq!(told.take().len(), 3);
        warm.run(model.as_ref(), "Pocket", &|| true, &busy).unwrap();
        assert!(!told.take().is_empty());
    }
}
