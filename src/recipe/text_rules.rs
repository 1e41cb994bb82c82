//! How the texts of a recipe are read: their syntax, and what their weights do.
//!
//! Apart from the recipe because encoders take these rules with a text, and cached texts are known by them.

use super::{
    options::{Emphasis, PromptSyntax},
    recipe::Recipe,
};
use crate::prompt::{NetworkTag, Schedule, Timing, Traced, without_tags};

/// What a text encoder needs to know besides a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextRules {
    pub syntax: PromptSyntax,
    pub emphasis: Emphasis,
    /// 1 is the encoder's last layer, 2 the one before it, and so on; none: as the model has it.
    pub clip_skip: Option<usize>,
    /// How many tokens a chunk that overflows may give back up to a comma.
    pub comma_backtrack: usize,
}

impl Default for TextRules {
    /// A plain text.
    fn default() -> Self {
        let (syntax, emphasis) = (PromptSyntax::Plain, Emphasis::Original);
        Self { syntax, emphasis, clip_skip: None, comma_backtrack: 20 }
    }
}

impl TextRules {
    /// The text that rules leave at a step, counted from 0, of `steps`: without tags, with the alternative that holds there.
    pub fn text_at(self, text: &str, call: usize, steps: usize) -> Traced {
        let text = Traced::new(text);
        match self.syntax {
            PromptSyntax::Plain => text,
            PromptSyntax::Comfy => without_tags(&text).0,
            PromptSyntax::A1111 => {
                let schedule = Schedule::parse(&without_tags(&text).0);
                schedule.at(call.clamp(1, steps.max(1)), Timing::of(steps))
            }
        }
    }
}

impl Recipe {
    /// How prompt, negative prompt and concepts are read.
    pub fn text_rules(&self) -> TextRules {
        let (syntax, emphasis, clip_skip) = (self.prompt_syntax, self.emphasis, self.clip_skip);
        TextRules { syntax, emphasis, clip_skip, ..TextRules::default() }
    }

    pub fn set_text_rules(&mut self, rules: TextRules) {
        (self.prompt_syntax, self.emphasis, self.clip_skip) = (rules.syntax, rules.emphasis, rules.clip_skip);
    }

    /// The LoRAs that tags in the prompts name, in their order; none in plain prompts.
    pub fn network_tags(&self) -> Vec<NetworkTag> {
        if self.prompt_syntax == PromptSyntax::Plain {
            return Vec::new();
        }
        let tags = |text: &str| without_tags(&Traced::new(text)).1;
        [tags(&self.prompt), tags(&self.negative)].concat()
    }

    /// The steps that prompt editing counts: evaluations, for samplers that make two in each step.
    pub fn edited_steps(&self) -> usize {
        self.steps * self.sampler.evaluations_per_step()
    }

    /// The text of `prompt` at a call of the denoiser, counted from 0. As in A1111, the text of steps up to `n` holds for the
    /// calls 0 to `n`, so that the first lasts one call longer than its number says.
    pub fn text_at(&self, prompt: &str, call: usize) -> String {
        self.text_rules().text_at(prompt, call, self.edited_steps()).text().to_owned()
    }
}
