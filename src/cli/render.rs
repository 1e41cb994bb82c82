//! `sextant render`: one picture without a window, and its trace.
//!
//! Apart as one command.

use std::path::PathBuf;

use super::{Failure, RenderArgs, failure::say, render_job};
use crate::{
    engine::{
        backend::check_size,
        device,
        models::Models,
        prediction_cache::PredictionCache,
        provenance,
        run::{Options, Run},
    },
    files::{Named, check_outputs},
    model::{self, Model},
    recipe::Recipe,
    session,
    trace::{self, Trace},
};

/// Carries out `sextant render`.
pub fn render(args: &RenderArgs) -> Result<(), Failure> {
    let mut recipe = base_recipe(args)?;
    args.apply(&mut recipe).map_err(Failure::refused)?;
    recipe.validate().map_err(Failure::refused)?;
    check_files(args, &recipe)?;
    let init = args.init_latents.as_deref().map(trace::read_init_latents).transpose().map_err(Failure::refused)?;

    let busy = |message: String| say(&message);
    let (device, precision) = (&args.compute.device, args.compute.precision);
    let opened = device::open_headless(device, precision, &recipe.model, &busy).map_err(Failure::refused)?;
    let (general, expert) = Models::default().for_recipe(&recipe, &opened.target(), &busy).map_err(Failure::refused)?;
    native_size(args, &mut recipe, general.as_ref());
    recipe.validate().map_err(Failure::refused)?;
    check_size(&opened, &recipe, general.as_ref()).map_err(Failure::refused)?;

    // One picture is made once: nothing needs to be cached.
    let mut cache = PredictionCache::new(0);
    let description =
        ron::ser::to_string_pretty(&recipe, ron::ser::PrettyConfig::default()).map_err(Failure::failed)?;
    let mut trace = args.trace.as_ref().map(|_| Trace::new(description));
    let options = Options { init_latents: init, ..Options::default() };
    let mut run =
        Run::prepare(&recipe, general.as_ref(), expert.as_deref(), options, &mut cache).map_err(Failure::refused)?;
    if let Some(trace) = &mut trace {
        let (texts, expert_texts) = run.texts();
        trace.begin(run.init_latents(), texts, expert_texts);
    }
    render_job::denoise(&mut run, &mut cache, &mut |record| {
        if let Some(trace) = &mut trace {
            trace.step(record);
        }
    })
    .map_err(Failure::failed)?;

    let pixels = model::decode(general.codec(), run.latents(), &|| true).map_err(Failure::failed)?;
    let fingerprint = provenance::fingerprint(&run, &opened, general.as_ref(), expert.as_deref());
    let metadata = session::Metadata { recipe: &recipe, model_hash: Some(general.hash()), run: Some(&fingerprint) };
    session::save_picture(&args.out, &pixels.to_picture(), Some(metadata)).map_err(Failure::failed)?;
    if let (Some(trace), Some(path)) = (&mut trace, &args.trace) {
        trace.finish(run.latents(), &pixels);
        trace.write(path).map_err(Failure::failed)?;
    }
    Ok(())
}

/// The recipe that the flags change: a session's current one, or the default.
fn base_recipe(args: &RenderArgs) -> Result<Recipe, Failure> {
    match &args.session {
        Some(path) => Ok(session::Document::load(path).map_err(Failure::refused)?.recipe),
        None => Ok(Recipe::default()),
    }
}

/// Without a size in flags or session, the size the model was trained at.
fn native_size(args: &RenderArgs, recipe: &mut Recipe, model: &dyn Model) {
    if args.session.is_some() {
        return;
    }
    let Some(side) = model.geometry().native_side else { return };
    recipe.width = args.width.unwrap_or(side);
    recipe.height = args.height.unwrap_or(side);
}

/// Before the work: every file can be written, and none replaces another one or what is read.
fn check_files(args: &RenderArgs, recipe: &Recipe) -> Result<(), Failure> {
    fn named<'a>(flag: &'static str, path: Option<&'a PathBuf>) -> Option<Named<'a>> {
        path.map(|path| Named { flag, path })
    }
    let written: Vec<Named<'_>> =
        [named("--out", Some(&args.out)), named("--trace", args.trace.as_ref())].into_iter().flatten().collect();
    let given = [named("--session", args.session.as_ref()), named("--init-latents", args.init_latents.as_ref())];
    let expert = recipe.fusion.as_ref().map(|fusion| &fusion.expert);
    let models = [("--model", Some(&recipe.model)), ("--expert", expert)];
    let models = models.into_iter().filter_map(|(flag, model)| Some(Named { flag, path: model?.path()? }));
    let loras = recipe.loras.iter().map(|lora| Named { flag: "--lora", path: &lora.path });
    let read: Vec<Named<'_>> = given.into_iter().flatten().chain(models).chain(loras).collect();
    check_outputs(&written, &read).map_err(Failure::refused)
}
