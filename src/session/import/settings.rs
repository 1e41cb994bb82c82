//! A recipe in the making.

use std::{fmt::Display, str::FromStr};

use super::{
    Imported, PlainWords, Source, names,
    words::{self, Dialect},
};
use crate::{
    recipe::{Recipe, Schedule},
    session::parameters::automatic_schedule,
};

/// A recipe that settings are put into one by one, and the list of those that do not fit.
#[derive(Default)]
pub(super) struct ImportedSettings {
    pub recipe: Recipe,
    pub not_restored: Vec<String>,
}

/// A key and its value, as they were found.
pub(super) type Found<'a> = (&'a str, &'a str);

impl ImportedSettings {
    /// Lists a setting that a recipe does not hold.
    pub fn leave(&mut self, key: &str, value: impl Display) {
        self.not_restored.push(format!("{key}: {value}"));
    }

    /// Lists a setting that a recipe could hold, with the reason why this one does not.
    pub fn refuse(&mut self, (key, value): Found<'_>, why: impl Display) {
        self.not_restored.push(format!("{key}: {value} ({why})"));
    }

    /// Makes a change if the recipe is then still valid.
    pub fn change(&mut self, found: Found<'_>, change: impl FnOnce(&mut Recipe)) {
        let mut changed = self.recipe.clone();
        change(&mut changed);
        match changed.validate() {
            Ok(()) => self.recipe = changed,
            Err(error) => self.refuse(found, error),
        }
    }

    /// Puts a number into the recipe.
    pub fn number<T: FromStr>(&mut self, found: Found<'_>, put: impl FnOnce(&mut Recipe, T)) {
        match found.1.trim().parse() {
            Ok(number) => self.change(found, |recipe| put(recipe, number)),
            Err(_) => self.refuse(found, "not a number that can be taken"),
        }
    }

    /// Puts a whole number into the recipe; `5.0` is one.
    pub fn whole(&mut self, found: Found<'_>, put: impl FnOnce(&mut Recipe, u64)) {
        let text = found.1.trim();
        let whole = text.strip_suffix(".0").unwrap_or(text).parse();
        match whole {
            Ok(number) => self.change(found, |recipe| put(recipe, number)),
            Err(_) => self.refuse(found, "not a whole number of 0 or more"),
        }
    }

    pub fn steps(&mut self, found: Found<'_>) {
        self.whole(found, |recipe, n| recipe.steps = usize::try_from(n).unwrap_or(usize::MAX));
    }

    pub fn seed(&mut self, found: Found<'_>) {
        self.whole(found, |recipe, n| recipe.seed = n);
    }

    pub fn cfg(&mut self, found: Found<'_>) {
        self.number(found, |recipe, g| recipe.cfg = g);
    }

    /// Width and height in pixels. Where they are no multiples of 8 the next lower ones are taken, as other tools do.
    pub fn size(&mut self, found: Found<'_>, [width, height]: [usize; 2]) {
        let drawn = |side: usize| side - side % 8;
        let (w, h) = (drawn(width), drawn(height));
        let before = self.not_restored.len();
        self.change(found, |recipe| (recipe.width, recipe.height) = (w, h));
        if self.not_restored.len() == before && (w, h) != (width, height) {
            self.refuse(found, format!("taken as {w}x{h}, multiples of 8"));
        }
    }

    /// Sampler and schedule, which belong together: either may name both. `automatic` is what no schedule means.
    pub fn sampling(&mut self, sampler: Option<Found<'_>>, schedule: Option<Found<'_>>, automatic: Automatic) {
        let mut suffix = None;
        let mut known = None;
        if let Some(found) = sampler {
            let (label, appended) = names::split(found.1);
            known = names::sampler(label);
            match known {
                Some(sampler) => {
                    self.recipe.sampler = sampler;
                    suffix = appended.map(|name| (found.0, name));
                }
                None => self.refuse(found, "not among this program's samplers"),
            }
        }
        let own = || known.map_or(Schedule::Normal, automatic_schedule);
        let named = schedule.filter(|(_, value)| !names::is_automatic(value)).or(suffix);
        let wanted = match named {
            Some(found) => names::schedule(found.1, self.recipe.sampler),
            None if schedule.is_some() || automatic == Automatic::SamplersOwn => Some(own()),
            None => Some(Schedule::Normal),
        };
        let title = self.recipe.sampler.title();
        match (wanted, named) {
            (Some(wanted), _) if self.recipe.sampler.has_schedule(wanted) => self.recipe.schedule = wanted,
            (Some(_), Some(found)) => self.refuse(found, format!("{title} has no such schedule")),
            (None, Some(found)) => self.refuse(found, "not among this program's schedules"),
            (_, None) => {}
        }
    }

    /// The recipe, and what its prompts are in plain words where the tool that wrote them gives signs a meaning.
    pub fn finish(mut self, found: Source) -> Imported {
        let dialect = Dialect::of(found);
        let prompt = words::read(&self.recipe.prompt, dialect);
        let negative = words::read(&self.recipe.negative, dialect);
        self.not_restored.extend(prompt.notes);
        self.not_restored.extend(negative.notes.into_iter().map(|note| format!("negative prompt, {note}")));
        let changed = prompt.plain != self.recipe.prompt || negative.plain != self.recipe.negative;
        let plain = changed.then_some(PlainWords { prompt: prompt.plain, negative: negative.plain });
        Imported { plain, ..self.finish_plain(found) }
    }

    /// The recipe, with prompts whose signs mean nothing.
    pub fn finish_plain(self, found: Source) -> Imported {
        Imported { recipe: self.recipe, found, not_restored: self.not_restored, plain: None }
    }
}

/// Which schedule is meant where none is named.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Automatic {
    /// The one that the sampler is best with.
    SamplersOwn,
    /// The plain one: the sampler's name would say otherwise.
    Plain,
}

/// Whether a value says yes.
pub(super) fn is_true(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("true")
}
