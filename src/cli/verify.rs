//! `sextant verify`: renders a picture again from the recipe it carries, and says whether it is the same.
//!
//! Apart as one command.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{Failure, Status, failure, render_job};
use crate::{
    engine::{
        device,
        models::Models,
        prediction_cache::PredictionCache,
        provenance,
        run::{Options, Run},
    },
    files::{one_printable_line, read, read_regular},
    fingerprint::{Expected, Fingerprint},
    model,
    nets::Precision,
    recipe::Recipe,
    session::{self, Source},
    tensor::Picture,
};

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A PNG picture that this program wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// auto, cpu or wgpu.
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// f32 or bf16; what the picture was made with when not given.
    #[arg(long, value_name = "PRECISION")]
    pub precision: Option<Precision>,
}

/// What a picture says of itself: its pixels, its recipe and its fingerprint.
struct Claim {
    recipe: Recipe,
    picture: Picture,
    run: Option<Fingerprint>,
}

impl Claim {
    /// The recorded precision; pictures without one were made in f32.
    fn precision(&self) -> Precision {
        self.run.as_ref().and_then(|run| run.precision.as_deref()?.parse().ok()).unwrap_or_default()
    }
}

/// How far two pictures of one size are apart, in 8-bit values.
#[derive(Debug, PartialEq)]
struct Difference {
    differing: usize,
    values: usize,
    largest: u8,
    mean: f64,
}

/// Carries out `sextant verify`: status 0 if all pixels come out the same again, else 1.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let claim = read(&args.file)?;
    let (width, height) = (claim.recipe.width, claim.recipe.height);
    if (claim.picture.width, claim.picture.height) != (width, height) {
        let (w, h) = (claim.picture.width, claim.picture.height);
        return Ok(say(false, &format!("the picture is {w}x{h} pixels, but its recipe makes {width}x{height}")));
    }
    let (picture, run) = make_again(&claim.recipe, &args.device, args.precision.unwrap_or_else(|| claim.precision()))?;
    let difference = difference(&claim.picture, &picture);
    let steps = first_difference(claim.run.as_ref(), &run);
    Ok(match difference {
        Difference { differing: 0, values, .. } => say(true, &format!("all {values} values; {steps}")),
        Difference { differing, values, largest, mean } => say(
            false,
            &format!("{differing} of {values} values, by {largest} of 255 at most and {mean:.4} in the mean; {steps}"),
        ),
    })
}

fn say(identical: bool, what: &str) -> ExitCode {
    let word = if identical { "identical" } else { "different" };
    // Errors are ignored: the exit status says it too.
    let _ = writeln!(std::io::stdout(), "{word}: {}", one_printable_line(what));
    if identical { ExitCode::SUCCESS } else { ExitCode::from(Status::Failed as u8) }
}

fn read(file: &Path) -> Result<Claim, Failure> {
    let name = file.display().to_string();
    let imported = session::import(file).map_err(Failure::refused)?;
    match imported.found {
        Source::Recipe | Source::ParametersRecipe => {}
        Source::Session => {
            return Err(refuse(format!("{name} is a session, whose recipe has no picture to compare: give a PNG")));
        }
        other => {
            return Err(refuse(format!(
                "{name} was not written by Sextant (it carries {other}), so it cannot be made again exactly: \
                 give a PNG that Sextant wrote"
            )));
        }
    }
    let unreadable = |source| session::SessionError::Read { path: file.to_owned(), source };
    let bytes = read_regular(file, read::PICTURE).map_err(unreadable).map_err(Failure::refused)?;
    let picture = session::decode_picture(&bytes, &name).map_err(Failure::refused)?;
    imported.recipe.validate().map_err(Failure::refused)?;
    Ok(Claim { recipe: imported.recipe, picture, run: session::read_fingerprint(&bytes, &name) })
}

fn refuse(sentence: String) -> Failure {
    Failure::refused(anyhow::Error::msg(sentence))
}

fn make_again(recipe: &Recipe, device: &str, precision: Precision) -> Result<(Picture, Fingerprint), Failure> {
    let busy = |message: String| failure::say(&message);
    let opened = device::open_headless(device, precision, &recipe.model, &busy).map_err(Failure::refused)?;
    let (general, expert) = Models::default().for_recipe(recipe, &opened.target(), &busy).map_err(Failure::refused)?;
    let mut cache = PredictionCache::new(0);
    let mut run = Run::prepare(recipe, general.as_ref(), expert.as_deref(), Options::default(), &mut cache)
        .map_err(Failure::refused)?;
    render_job::denoise(&mut run, &mut cache, &mut |_| {}).map_err(Failure::failed)?;
    let pixels = model::decode(general.codec(), run.latents(), &|| true).map_err(Failure::failed)?;
    let fingerprint = provenance::fingerprint(&run, &opened, general.as_ref(), expert.as_deref());
    Ok((pixels.to_picture(), fingerprint))
}

/// Compares two pictures of one size.
fn difference(a: &Picture, b: &Picture) -> Difference {
    let apart = || a.rgb.iter().zip(&b.rgb).map(|(x, y)| x.abs_diff(*y));
    let sum: u64 = apart().map(u64::from).sum();
    Difference {
        differing: apart().filter(|&d| d > 0).count(),
        values: a.rgb.len(),
        largest: apart().max().unwrap_or(0),
        mean: sum as f64 / a.rgb.len().max(1) as f64,
    }
}

/// The first step that differs from the recorded ones, and possible reasons.
fn first_difference(before: Option<&Fingerprint>, now: &Fingerprint) -> String {
    let Some(before) = before else { return "the picture does not say how its steps went".to_owned() };
    let count = now.steps.len();
    let Some(parting) = before.parting(now) else {
        return format!("the latents of all {count} steps are the same to the last bit");
    };
    let place = match parting.step {
        None => "the noise it started from is another (was it made with --init-latents?)".to_owned(),
        Some(step) => format!(
            "step {} of {count} is the first whose latents differ, by {:.1e} relative to their size",
            step + 1,
            parting.distance
        ),
    };
    [vec![place], differences(before, now), expectation(before.expected(now))].concat().join("; ")
}

/// What the probe digest says of a picture that came out otherwise.
fn expectation(expected: Expected) -> Vec<String> {
    let text = match expected {
        Expected::Identity => {
            "identity was to be expected, since fixed operations give the same bits here as where it was made"
        }
        Expected::Closeness => {
            "only closeness was to be expected, since the weights or the rounding of fixed operations are others"
        }
        Expected::Unknown => return Vec::new(),
    };
    vec![text.to_owned()]
}

/// What differed when the picture was made.
fn differences(before: &Fingerprint, now: &Fingerprint) -> Vec<String> {
    let mut found = Vec::new();
    if before.model_hash != now.model_hash {
        found.push("the model's weights are not those it was made with".to_owned());
    }
    if before.expert_hash != now.expert_hash {
        found.push("the expert's weights are not those it was made with".to_owned());
    }
    let places =
        [("version", &before.app, &now.app), ("device", &before.device, &now.device), ("CPU", &before.cpu, &now.cpu)];
    let other = places.into_iter().filter(|(_, before, now)| before != now);
    found.extend(other.map(|(what, before, now)| format!("its {what} was {before}, this one's is {now}")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fingerprint::LatentDigest, tensor::Latents};

    fn fingerprint(last: f32) -> Fingerprint {
        let digest = |value: f32| LatentDigest::of(&Latents::new(1, 4, 4, vec![value; 16]));
        Fingerprint {
            start: digest(1.0),
            steps: vec![digest(2.0), digest(3.0), digest(last)],
            ..Fingerprint::default()
        }
    }

    #[test]
    fn the_first_step_that_parts_is_named() {
        let before = fingerprint(4.0);
        assert!(first_difference(Some(&before), &fingerprint(4.0)).contains("all 3 steps are the same"));
        let said = first_difference(Some(&before), &Fingerprint { device: "GPU".into(), ..fingerprint(5.0) });
        assert!(said.starts_with("step 3 of 3") && said.contains("by 2.5e-1") && said.contains("GPU"), "{said}");
        let same = |digest: &str| Fingerprint { probe_digest: Some(digest.into()), ..fingerprint(5.0) };
        let with = Fingerprint { probe_digest: Some("aa".into()), ..before.clone() };
        assert!(first_difference(Some(&with), &same("aa")).ends_with("here as where it was made"));
        assert!(first_difference(Some(&with), &same("bb")).contains("only closeness was to be expected"));
        assert!(
            !first_difference(Some(&before), &same("aa")).contains("to be expected"),
            "an old picture does not say"
        );
        let other_noise = Fingerprint { start: LatentDigest::default(), ..fingerprint(4.0) };
        assert!(first_difference(Some(&before), &other_noise).contains("--init-latents"));
    }

    #[test]
    fn differences_are_counted_in_values() {
        let picture = |rgb: Vec<u8>| Picture { width: 1, height: 2, rgb };
        let off = difference(&picture(vec![0, 10, 20, 30, 40, 50]), &picture(vec![0, 10, 26, 30, 0, 50]));
        assert_eq!((off.differing, off.values, off.largest), (2, 6, 40));
        assert!((off.mean - 46.0 / 6.0).abs() < 1e-12);
    }
}
