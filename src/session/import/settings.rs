//! A recipe that imported settings are put into one by one, and the list of those that do not fit.
//!
//! It stands apart because every imported form fills it in the same way: each setting is taken only if the recipe is valid
//! with it.

use std::{fmt::Display, mem, str::FromStr};

use super::{
    imported::{Imported, PlainPrompts, Source},
    prompt_syntax::{self, ToolSyntax},
    sampler_names,
};
use crate::{
    recipe::{Convention, Recipe, Schedule},
    session::parameters::automatic_schedule,
};

/// The recipe so far, and the settings that it does not hold.
#[derive(Default)]
pub(super) struct ImportedSettings {
    pub recipe: Recipe,
    pub not_restored: Vec<String>,
}

/// A key and its value, as in the file.
pub(super) type Setting<'a> = (&'a str, &'a str);

impl ImportedSettings {
    /// Settings of a program that samples by `convention`.
    pub fn by(convention: Convention) -> Self {
        let recipe = Recipe { convention, ..Recipe::default() };
        Self { recipe, not_restored: Vec::new() }
    }

    /// Lists a setting for which a recipe has no field.
    pub fn list_unsupported(&mut self, key: &str, value: impl Display) {
        self.not_restored.push(format!("{key}: {value}"));
    }

    /// Lists a setting for which a recipe has a field, with the reason why the value does not fit.
    pub fn list_rejected(&mut self, (key, value): Setting<'_>, why: impl Display) {
        self.not_restored.push(format!("{key}: {value} ({why})"));
    }

    /// Applies a change if the recipe is valid with it; else lists the setting.
    pub fn change(&mut self, found: Setting<'_>, change: impl FnOnce(&mut Recipe)) {
        // Texts of any length would be copied for each of any number of settings.
        let texts = (mem::take(&mut self.recipe.prompt), mem::take(&mut self.recipe.negative));
        let mut changed = self.recipe.clone();
        change(&mut changed);
        match changed.validate() {
            Ok(()) => self.recipe = changed,
            Err(error) => self.list_rejected(found, error),
        }
        (self.recipe.prompt, self.recipe.negative) = texts;
    }

    /// Puts a number into the recipe.
    pub fn number<T: FromStr>(&mut self, found: Setting<'_>, put: impl FnOnce(&mut Recipe, T)) {
        match found.1.trim().parse() {
            Ok(number) => self.change(found, |recipe| put(recipe, number)),
            Err(_) => self.list_rejected(found, "not a number that can be taken"),
        }
    }

    /// Puts a whole number into the recipe; `5.0` is one.
    pub fn whole(&mut self, found: Setting<'_>, put: impl FnOnce(&mut Recipe, u64)) {
        let text = found.1.trim();
        let whole = text.strip_suffix(".0").unwrap_or(text).parse();
        match whole {
            Ok(number) => self.change(found, |recipe| put(recipe, number)),
            Err(_) => self.list_rejected(found, "not a whole number of 0 or more"),
        }
    }

    pub fn steps(&mut self, found: Setting<'_>) {
        self.whole(found, |recipe, n| recipe.steps = usize::try_from(n).unwrap_or(usize::MAX));
    }

    pub fn seed(&mut self, found: Setting<'_>) {
        self.whole(found, |recipe, n| recipe.seed = n);
    }

    pub fn cfg(&mut self, found: Setting<'_>) {
        self.number(found, |recipe, g| recipe.cfg = g);
    }

    /// Sets width and height in pixels. Lengths that are no multiples of 8 are rounded down, as in other tools.
    pub fn size(&mut self, found: Setting<'_>, [width, height]: [usize; 2]) {
        let drawn = |side: usize| side - side % 8;
        let (w, h) = (drawn(width), drawn(height));
        let before = self.not_restored.len();
        self.change(found, |recipe| (recipe.width, recipe.height) = (w, h));
        if self.not_restored.len() == before && (w, h) != (width, height) {
            self.list_rejected(found, format!("taken as {w}x{h}, multiples of 8"));
        }
    }

    /// Sets sampler and schedule together, because either name may contain both. `automatic` is what no schedule means.
    pub fn sampling(&mut self, sampler: Option<Setting<'_>>, schedule: Option<Setting<'_>>, automatic: Automatic) {
        let mut suffix = None;
        let mut known = None;
        if let Some(found) = sampler {
            let (label, appended) = sampler_names::split(found.1);
            known = sampler_names::sampler(label);
            match known {
                Some(sampler) => {
                    self.recipe.sampler = sampler;
                    suffix = appended.map(|name| (found.0, name));
                }
                None => self.list_rejected(found, "not among this program's samplers"),
            }
        }
        let own = || known.map_or(Schedule::Normal, automatic_schedule);
        let named = schedule.filter(|(_, value)| !sampler_names::is_automatic(value)).or(suffix);
        let requested = match named {
            Some(found) => sampler_names::schedule(found.1, self.recipe.sampler, self.recipe.convention),
            None if schedule.is_some() || automatic == Automatic::SamplersOwn => Some(own()),
            None => Some(Schedule::Normal),
        };
        let title = self.recipe.sampler.title();
        match (requested, named) {
            (Some(requested), _) if self.recipe.sampler.has_schedule(requested, self.recipe.convention) => {
                self.recipe.schedule = requested
            }
            (Some(_), Some(found)) => self.list_rejected(found, format!("{title} has no such schedule")),
            (None, Some(found)) => self.list_rejected(found, "not among this program's schedules"),
            (_, None) => {}
        }
    }

    /// The recipe, with the syntax of its prompts where a recipe has it. Beside it stand prompts without what nothing here follows,
    /// where they have any of it: of other syntaxes plain ones, of A1111's and ComfyUI's those without tags of networks.
    pub fn finish(mut self, found: Source) -> Imported {
        let syntax = ToolSyntax::of(found);
        let taken = syntax.of_recipe();
        self.recipe.prompt_syntax = taken.unwrap_or(self.recipe.prompt_syntax);
        let read = if taken.is_some() { prompt_syntax::untagged } else { prompt_syntax::read };
        let (prompt, negative) = (read(&self.recipe.prompt, syntax), read(&self.recipe.negative, syntax));
        self.not_restored.extend(prompt.notes);
        self.not_restored.extend(negative.notes.into_iter().map(|note| format!("negative prompt, {note}")));
        let changed = prompt.plain != self.recipe.prompt || negative.plain != self.recipe.negative;
        let plain = changed.then_some(PlainPrompts { prompt: prompt.plain, negative: negative.plain });
        Imported { plain, ..self.finish_plain(found) }
    }

    /// The recipe, with prompts that have no syntax.
    pub fn finish_plain(self, found: Source) -> Imported {
        Imported { recipe: self.recipe, found, not_restored: self.not_restored, plain: None }
    }
}

/// Which schedule is meant where none is named.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Automatic {
    /// The schedule that goes with the sampler.
    SamplersOwn,
    /// The normal schedule: the sampler's name would contain another.
    Plain,
}

/// Whether a value says yes.
pub(super) fn is_true(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("true")
}
