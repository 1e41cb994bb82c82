//! Runs a model once on a GPU before its first picture, because kernels are compiled there at their first use.
//!
//! That takes seconds. Apart from a run so that the wait has its own progress and a run's times are those of
//! its steps.

use std::{cell::Cell, time::Instant};

use super::error::EngineError;
use crate::{
    guidance::scfg,
    model::{self, Model},
    tensor::Latents,
};

/// Which models have been run at which sizes.
#[derive(Default)]
pub struct WarmUp {
    done: Vec<(String, [usize; 2])>,
}

impl WarmUp {
    /// Runs `model` (called `title`) once at the latent size `[height, width]`: a prediction with the maps that
    /// segmentation needs, one without any, the codec. Does nothing if that has been done. Reports progress through
    /// `busy`.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] once `is_current` says no; the next call starts again, and compiled kernels
    /// are not compiled again. Others as the model has them.
    pub fn run(
        &mut self,
        model: &dyn Model,
        title: &str,
        size: [usize; 2],
        is_current: &dyn Fn() -> bool,
        busy: &dyn Fn(String),
    ) -> Result<(), EngineError> {
        let name = (model.hash().to_owned(), size);
        if self.done.contains(&name) {
            return Ok(());
        }
        let begun = Instant::now();
        run_once(model, size, is_current, &|part| busy(format!("Preparing the graphics card for {title}: {part}…")))?;
        log::info!("{title} is warm at {size:?} after {:.1} s", begun.elapsed().as_secs_f64());
        self.done.push(name);
        Ok(())
    }
}

fn run_once(
    model: &dyn Model,
    [height, width]: [usize; 2],
    is_current: &dyn Fn() -> bool,
    say: &dyn Fn(String),
) -> Result<(), EngineError> {
    let denoiser = model.denoiser();
    let latents = Latents::zeros(model.geometry().channels, height, width);
    let text = model.encode("")?;
    let levels = [scfg::levels(&denoiser.levels()), Vec::new()];
    let (stages, stage) = (levels.len() * denoiser.stages(), Cell::new(0));
    let count = || {
        stage.set(stage.get() + 1);
        say(format!("{}, {} of {stages}", denoiser.name(), stage.get()));
        is_current()
    };
    for levels in &levels {
        let prediction = model::predict(model, &latents, 500.0, &text, levels, &count)?;
        // Maps are read back as segmentation reads them.
        for layer in prediction.attention {
            layer.cross().map_err(model::ModelError::from)?;
        }
    }
    say("decoder".into());
    model.codec().decode(&latents, is_current)?;
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
        warm.run(model.as_ref(), "Pocket", [24, 16], &|| true, &busy).unwrap();
        let stages = 2 * model.denoiser().stages();
        let mut expected: Vec<String> =
            (1..=stages).map(|i| format!("Preparing the graphics card for Pocket: U-Net, {i} of {stages}…")).collect();
        expected.push("Preparing the graphics card for Pocket: decoder…".into());
        assert_eq!(told.take(), expected);

        warm.run(model.as_ref(), "Pocket", [24, 16], &|| true, &busy).unwrap();
        assert!(told.take().is_empty());
    }

    #[test]
    fn a_cancelled_one_starts_again() {
        let model = pocket();
        let (mut warm, told) = (WarmUp::default(), RefCell::new(Vec::new()));
        let busy = |message: String| told.borrow_mut().push(message);
        let few = || told.borrow().len() < 3;
        let cancelled = warm.run(model.as_ref(), "Pocket", [16, 16], &few, &busy);
        assert!(matches!(cancelled, Err(EngineError::Cancelled(_))), "{cancelled:?}");
        assert_eq!(told.take().len(), 3);
        warm.run(model.as_ref(), "Pocket", [16, 16], &|| true, &busy).unwrap();
        assert!(!told.take().is_empty());
    }
}
