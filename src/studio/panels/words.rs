//! The fields for texts that a model reads: prompt, negative prompt, concepts and the expert's prompt.
//!
//! Apart from the panels that have such fields because all of them mark the same: the colours of regions, words that the
//! model does not know, and what is beyond the tokens that it reads.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use egui::{
    Color32, Context, Id, Key, Modifiers, Response, Ui,
    cache::{ComputerMut, FrameCache},
};

use crate::{
    model::TextReader,
    prompt::reweigh,
    recipe::{ModelRef, PromptSyntax, TextRules},
    session::crash,
    studio::{
        document::{Document, regions::labels::RegionLabels},
        view::{
            View,
            maps::region_color,
            theme::{self, Theme},
        },
        widgets::{
            marked_text::{Mark, MarkedField, Rows, change_selected, has_keyboard},
            row,
        },
    },
    tensor::{ReadWord, Standing, TextReading},
};

/// Suggestions at once, and letters that must be there before any.
const SUGGESTIONS: usize = 8;
const LETTERS: usize = 2;
/// By how much a weight changes at a key press.
const WEIGHT_STEP: f64 = 0.1;
/// Words of a group that a tooltip names.
const NAMED: usize = 12;

/// How the texts of one model are shown.
pub struct Words {
    reader: Option<ReaderKey>,
    rules: TextRules,
    /// The model's name.
    model: String,
    regions: Option<RegionColors>,
}

/// The colours of the words that own regions at the shown step.
struct RegionColors {
    /// Whether the prompt is the one of the shown run: words then are known by their positions.
    same: bool,
    /// Position, word and colour.
    words: Vec<(usize, String, Color32)>,
}

impl Words {
    /// Of texts that `model` reads.
    pub fn of(document: &Document, model: &ModelRef) -> Self {
        let reader = document.engine().readers.of(model).cloned().map(ReaderKey);
        let rules = document.recipe().text_rules();
        Self { reader, rules, model: model.title(), regions: None }
    }

    /// With the words of the prompt in the colours of their regions.
    pub fn with_regions(mut self, document: &Document, view: &View) -> Self {
        let Some(scfg) = view.shown_frame(document).and_then(|frame| frame.report?.scfg.clone()) else { return self };
        let labels = view.labels(document);
        let occurring: Vec<usize> = labels.shares(&scfg).into_iter().map(|(region, _)| region).collect();
        let same = view.shown_track(document).is_some_and(|track| track.recipe.prompt == document.recipe().prompt);
        let tokens = view.shown_tokens(document);
        let words = tokens.iter().filter(|token| occurring.contains(&labels.region_of(token.position)));
        let word = |position: usize, labels: &RegionLabels| {
            (position, labels.joined(&[position]).to_lowercase(), region_color(labels, position))
        };
        let words = words.filter(|t| labels.is_word(t.position)).map(|token| word(token.position, &labels)).collect();
        self.regions = Some(RegionColors { same, words });
        self
    }

    /// What the model makes of a text; nothing while it is not loaded.
    fn read(&self, ctx: &Context, text: &str) -> Option<Arc<TextReading>> {
        let key = self.reader.as_ref()?;
        Some(ctx.memory_mut(|m| m.caches.cache::<Readings>().get((key, self.rules, text)).clone()))
    }

    /// How many tokens a text has of how many the model reads, in the colour of warnings where it has more.
    pub fn count(&self, ui: &mut Ui, text: &str) {
        if let Some(reading) = self.read(ui.ctx(), text).filter(|reading| reading.tokens > 0) {
            let count = format!("{} / {} tokens", reading.tokens, reading.limit);
            let response = match reading.is_too_long() {
                true => row::tinted(ui, count, Theme::of(ui).danger.ink),
                false => row::note(ui, count),
            };
            response.on_hover_text(format!(
                "{} reads {} tokens of a text; what comes after them is left out",
                self.model, reading.limit
            ));
        }
    }

    /// As [`Words::count`], where a text is too long and nowhere else.
    pub fn warn_of_length(&self, ui: &mut Ui, text: &str) {
        if self.read(ui.ctx(), text).is_some_and(|reading| reading.is_too_long()) {
            self.count(ui, text);
        }
    }

    /// Shows `field` for `text`, with its words marked.
    pub fn field(&self, ui: &mut Ui, field: MarkedField<'_>, text: &mut String) -> Response {
        let (ctx, dark, ink) = (ui.ctx().clone(), ui.visuals().dark_mode, field.ink);
        self.reweigh(ui, field.id, text);
        let marks = |text: &str| {
            let reading = self.read(&ctx, text);
            reading.map(|reading| self.marks(text, &reading, ink, dark)).unwrap_or_default()
        };
        let suggest = |word: &str| self.suggestions(&ctx, word);
        let shown = field.show(ui, text, &marks, &suggest);
        let sentence = shown.hovered.and_then(|byte| self.explained(&ctx, shown.galley.text(), byte));
        match sentence {
            Some(sentence) => shown.response.on_hover_text_at_pointer(sentence),
            None => shown.response,
        }
    }

    /// Ctrl+↑ and Ctrl+↓, where the texts have a syntax: another weight for what is selected, or the word at the cursor.
    fn reweigh(&self, ui: &Ui, field: Id, text: &mut String) {
        if self.rules.syntax == PromptSyntax::Plain || !has_keyboard(ui.ctx(), field) {
            return;
        }
        let pressed = |key| ui.ctx().input_mut(|input| input.consume_key(Modifiers::COMMAND, key));
        let change = match [pressed(Key::ArrowUp), pressed(Key::ArrowDown)] {
            [true, _] => WEIGHT_STEP,
            [_, true] => -WEIGHT_STEP,
            _ => return,
        };
        change_selected(ui.ctx(), field, text, |text, selected| reweigh(text, selected, change));
    }

    fn marks(&self, text: &str, reading: &TextReading, ink: Color32, dark: bool) -> Vec<Mark> {
        let mark = |word: &ReadWord| {
            let color = text.get(word.range.clone()).and_then(|said| self.regions.as_ref()?.color(word.position, said));
            // Pale words are hard to read on a light ground, dark ones on a dark one.
            let color = color.map(|color| theme::mix(ink, color, if dark { 0.85 } else { 0.6 }));
            let underlined = word.standing != Standing::Known;
            Mark { range: word.range.clone(), color, underlined, struck_out: word.is_cut }
        };
        let marks = reading.words.iter().map(mark);
        marks.filter(|mark| mark.color.is_some() || mark.underlined || mark.struck_out).collect()
    }

    /// Words that the model knows and that begin as `word` does; none for a word that is complete.
    fn suggestions(&self, ctx: &Context, word: &str) -> Vec<String> {
        let Some(ReaderKey(reader)) = self.reader.as_ref().filter(|_| word.chars().count() >= LETTERS) else {
            return Vec::new();
        };
        let known = self.read(ctx, word).is_some_and(|reading| {
            reading.words.iter().all(|word| word.standing == Standing::Known && word.pieces.len() == 1)
        });
        if known { Vec::new() } else { reader.completions(word, SUGGESTIONS) }
    }

    /// What is wrong with the word at a byte of a text, in sentences.
    fn explained(&self, ctx: &Context, text: &str, byte: usize) -> Option<String> {
        let reading = self.read(ctx, text)?;
        let word = reading.word_at(byte)?;
        let said = text.get(word.range.clone())?;
        let mut lines = Vec::new();
        if word.is_cut {
            lines.push(format!("Left out: {} reads {} tokens of a text.", self.model, reading.limit));
        }
        match word.standing {
            Standing::Known => {}
            Standing::Split => {
                let pieces: Vec<&str> = word.pieces.iter().filter_map(|piece| text.get(piece.clone())).collect();
                lines.push(format!("\"{said}\" is no word to {}: it reads {}.", self.model, pieces.join(" · ")));
            }
            Standing::Unlearned => {
                lines.push(format!("{} never learned the word \"{said}\". It knows", self.model));
                let ReaderKey(reader) = self.reader.as_ref()?;
                lines.extend(reader.learned().iter().map(|group| {
                    let rest = if group.words.len() > NAMED { ", …" } else { "" };
                    let words: Vec<&str> = group.words.iter().take(NAMED).map(String::as_str).collect();
                    format!("{}: {}{rest}", group.title, words.join(", "))
                }));
            }
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// A field of several lines as wide as the column. It keeps its text on one line: Enter takes a suggestion.
pub fn field(ui: &mut Ui, words: &Words, name: &str, text: &mut String, hint: &str, rows: usize) -> Response {
    let id = ui.scope_id().with(("text", name));
    let (font, ink) = (theme::body_font(), Theme::of(ui).ink.text);
    let rows = Rows::Several(rows);
    words.field(ui, MarkedField { id, name, hint, font, ink, rows, accept: &[Key::Enter, Key::Tab] }, text)
}

impl RegionColors {
    /// The colour of a word of the prompt: by its position in the prompt of the shown run, by its text in another.
    fn color(&self, position: usize, word: &str) -> Option<Color32> {
        let is_it = |(at, known, _): &&(usize, String, Color32)| match self.same {
            true => *at == position,
            false => *known == word.to_lowercase(),
        };
        self.words.iter().find(is_it).map(|(.., color)| *color)
    }
}

/// A reader as a part of a key: the same object gives the same readings.
#[derive(Clone)]
struct ReaderKey(Arc<dyn TextReader>);

impl Hash for ReaderKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).cast::<()>().hash(state);
    }
}

/// Reads texts that were not shown in the frame before.
#[derive(Default)]
struct Reading;

impl ComputerMut<(&ReaderKey, TextRules, &str), Arc<TextReading>> for Reading {
    fn compute(&mut self, (ReaderKey(reader), rules, text): (&ReaderKey, TextRules, &str)) -> Arc<TextReading> {
        // A damaged tokenizer may panic; then nothing is known of the words.
        Arc::new(crash::guarded(|| reader.read_by(text, rules)).unwrap_or_default())
    }
}

type Readings = FrameCache<Arc<TextReading>, Reading>;
