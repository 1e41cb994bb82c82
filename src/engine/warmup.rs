//! Before a picture is begun on a device other than the CPU: its kernels are compiled, and tuned by trying them, at their
//! first use at a size. That takes seconds to minutes; done here, it is said what is waited for and how far it has come,
//! and a run's own times are those of its steps.

use std::{cell::Cell, time::Instant};

use super::error::EngineError;
use crate::{
    guidance::scfg,
    nets::{NetError, TapRequest},
    tensor::Latents,
    weights::LoadedModel,
};

/// Which models have been run at which sizes.
#[derive(Default)]
pub struct WarmUp {
    done: Vec<(String, [usize; 2])>,
}

impl WarmUp {
    /// Runs `model` (called `title`) once at the latent size `[height, width]`: the U-Net with the maps that segmentation
    /// wants, the U-Net without any, the decoder. Nothing happens if that has been done. `busy` hears of the progress.
    ///
    /// # Errors
    /// [`NetError::Stopped`] as soon as `wanted` says no; it is then begun anew next time, and what was tuned is not tuned
    /// again. Others as the networks have them.
    pub fn run(
        &mut self,
        model: &LoadedModel,
        title: &str,
        size: [usize; 2],
        wanted: &dyn Fn() -> bool,
        busy: &dyn Fn(String),
    ) -> Result<(), EngineError> {
        let name = (model.content_hash.clone(), size);
        if self.done.contains(&name) {
            return Ok(());
        }
        let begun = Instant::now();
        run_once(model, size, wanted, &|part| busy(format!("Preparing the graphics card for {title}: {part}…")))?;
        log::info!("{title} is warm at {size:?} after {:.1} s", begun.elapsed().as_secs_f64());
        self.done.push(name);
        Ok(())
    }
}

fn run_once(
    model: &LoadedModel,
    [height, width]: [usize; 2],
    wanted: &dyn Fn() -> bool,
    say: &dyn Fn(String),
) -> Result<(), EngineError> {
    let unet = &model.unet;
    let latents = Latents::zeros(unet.config().channels, height, width);
    let text = model.encode("")?;
    let taps = [TapRequest::at(scfg::levels(&unet.factors())), TapRequest::none()];
    let (stages, stage) = (taps.len() * unet.stages(), Cell::new(0));
    let count = || {
        stage.set(stage.get() + 1);
        say(format!("U-Net, {} of {stages}", stage.get()));
        wanted()
    };
    for taps in &taps {
        let prediction = unet.predict(&latents, 500.0, &text, taps, &count)?;
        // Maps are read back as segmentation reads them.
        for tap in prediction.taps {
            tap.cross_map.try_into_vec_as::<f32>().map_err(NetError::from)?;
        }
    }
    say("decoder".into());
    model.vae.decode(&latents, wanted)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use burn::tensor::Device;

    use super::*;
    use crate::{recipe::ModelRef, weights};

    #[test]
    fn every_part_is_told_once_and_only_the_first_time() {
        let model = weights::load(&ModelRef::Pocket, &Device::flex()).unwrap();
        let (mut warm, told) = (WarmUp::default(), RefCell::new(Vec::new()));
        let busy = |message: String| told.borrow_mut().push(message);
        warm.run(&model, "Pocket", [24, 16], &|| true, &busy).unwrap();
        let stages = 2 * model.unet.stages();
        let mut expected: Vec<String> =
            (1..=stages).map(|i| format!("Preparing the graphics card for Pocket: U-Net, {i} of {stages}…")).collect();
        expected.push("Preparing the graphics card for Pocket: decoder…".into());
        assert_eq!(told.take(), expected);

        warm.run(&model, "Pocket", [24, 16], &|| true, &busy).unwrap();
        assert!(told.take().is_empty());
    }

    #[test]
    fn a_stopped_one_is_begun_anew() {
        let model = weights::load(&ModelRef::Pocket, &Device::flex()).unwrap();
        let (mut warm, told) = (WarmUp::default(), RefCell::new(Vec::new()));
        let busy = |message: String| told.borrow_mut().push(message);
        let few = || told.borrow().len() < 3;
        let stopped = warm.run(&model, "Pocket", [16, 16], &few, &busy);
        assert!(matches!(stopped, Err(EngineError::Stopped(_))), "{stopped:?}");
        assert_eq!(told.take().len(), 3);
        warm.run(&model, "Pocket", [16, 16], &|| true, &busy).unwrap();
        assert!(!told.take().is_empty());
    }
}
