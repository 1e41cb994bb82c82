//! Text fields whose words are coloured, underlined and struck out where they stand.
//!
//! Apart from plain fields because the layout of the text follows from marks, which another part of the window makes.

use std::{ops::Range, sync::Arc};

use egui::{
    Align2, Color32, CompletionPopup, Context, FontId, Frame, Galley, Id, Key, Margin, RectAlign, Response, Stroke,
    Suggestion, TextBuffer, TextEdit, TextFormat, Ui,
    text::{CCursor, CCursorRange, CharIndex, LayoutJob},
    text_edit::TextEditState,
};

use crate::studio::view::theme::Theme;

/// How a part of a text is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Bytes of the text. Marks are in order and apart from each other.
    pub range: Range<usize>,
    /// `None` is the field's own colour.
    pub color: Option<Color32>,
    pub underlined: bool,
    pub struck_out: bool,
}

/// The form of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// At least so many lines, and more for a longer text.
    Several(usize),
    One,
    /// One without a frame, in all the room that there is.
    Bare,
}

/// How a marked field looks and behaves.
pub struct MarkedField<'a> {
    pub id: Id,
    pub name: &'a str,
    pub hint: &'a str,
    pub font: FontId,
    pub ink: Color32,
    pub rows: Rows,
    /// The keys that take the suggestion that is selected.
    pub accept: &'a [Key],
}

/// What came of a field in a frame.
pub struct MarkedResponse {
    pub response: Response,
    pub galley: Arc<Galley>,
    /// The byte of the text under the pointer.
    pub hovered: Option<usize>,
}

impl MarkedField<'_> {
    /// Shows `text` with its marks and, below it, what may be meant by the word before the cursor.
    pub fn show(
        self,
        ui: &mut Ui,
        text: &mut String,
        marks: &dyn Fn(&str) -> Vec<Mark>,
        suggest: &dyn Fn(&str) -> Vec<String>,
    ) -> MarkedResponse {
        let Self { id, name, hint, font, ink, rows, accept } = self;
        let warning = Theme::of(ui).danger.ink;
        let mut layouter = |ui: &Ui, text: &dyn TextBuffer, width: f32| -> Arc<Galley> {
            let mut job = job(text.as_str(), &marks(text.as_str()), &font, ink, warning);
            job.wrap.max_width = width;
            ui.fonts_mut(|fonts| fonts.layout_job(job))
        };
        let edit = match rows {
            Rows::Several(rows) => {
                TextEdit::multiline(text).desired_rows(rows).return_key(None).margin(Margin::symmetric(8, 5))
            }
            Rows::One => TextEdit::singleline(text).margin(Margin::symmetric(8, 4)),
            Rows::Bare => {
                let edit = TextEdit::singleline(text).frame(Frame::NONE).margin(Margin::ZERO);
                edit.min_size(ui.available_size()).align(Align2::LEFT_CENTER)
            }
        };
        let edit = edit.desired_width(f32::INFINITY);
        let popup = CompletionPopup::new(id)
            .align(RectAlign::BOTTOM_START)
            .word_boundary(|c| !c.is_alphanumeric())
            .accept_keys(accept.to_vec());
        let edit = edit.hint_text(hint.to_owned()).layouter(&mut layouter);
        let shown = popup.show(ui, edit, |query| suggest(query.word).into_iter().map(Suggestion::new).collect());
        let output = shown.text_edit;
        let response = output.response.response.clone().accessible_name(name);
        ui.data_mut(|data| data.insert_temp(edit_id(id), response.id));
        if response.has_focus() {
            ui.data_mut(|data| data.insert_temp(focused(), response.id));
        }
        let hovered = response.hover_pos().and_then(|pointer| {
            let at = pointer - output.galley_pos;
            let inside = output.galley.rect.contains(at.to_pos2());
            let CharIndex(at) = output.galley.cursor_from_pos(at).index;
            let text = output.galley.text();
            inside.then(|| text.char_indices().nth(at.saturating_sub(1)).map(|(byte, _)| byte)).flatten()
        });
        MarkedResponse { response, galley: output.galley, hovered }
    }
}

/// Whether the field that has the keyboard is one of these: its text is the document's, and so is undoing it.
pub fn is_of_document(ctx: &Context) -> bool {
    let own: Option<Id> = ctx.data(|data| data.get_temp(focused()));
    own.is_some() && ctx.memory(|memory| memory.focused()) == own
}

/// Changes a field's text by what is selected in it, in bytes, before the field is shown. `change` gives the new text and
/// selection. Does nothing while the field has not the keyboard.
pub fn change_selected(
    ctx: &Context,
    field: Id,
    text: &mut String,
    change: impl FnOnce(&str, Range<usize>) -> Option<(String, Range<usize>)>,
) {
    let Some(edit) = edit_of(ctx, field).filter(|edit| ctx.memory(|memory| memory.has_focus(*edit))) else { return };
    let Some(mut state) = TextEditState::load(ctx, edit) else { return };
    let Some(selected) = state.cursor.char_range().map(|range| range.as_sorted_char_range()) else { return };
    let byte = |text: &str, at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let range = byte(text, selected.start.0)..byte(text, selected.end.0);
    let Some((changed, range)) = change(text, range) else { return };
    let letter = |byte: usize| CCursor::new(CharIndex(changed[..byte].chars().count()));
    state.cursor.set_char_range(Some(CCursorRange::two(letter(range.start), letter(range.end))));
    state.store(ctx, edit);
    *text = changed;
}

/// Whether a field has the keyboard.
pub fn has_keyboard(ctx: &Context, field: Id) -> bool {
    edit_of(ctx, field).is_some_and(|edit| ctx.memory(|memory| memory.has_focus(edit)))
}

/// The id of a field's text, once it was shown.
fn edit_of(ctx: &Context, field: Id) -> Option<Id> {
    ctx.data(|data| data.get_temp(edit_id(field)))
}

fn edit_id(field: Id) -> Id {
    field.with("edit")
}

fn focused() -> Id {
    Id::unique("document text")
}

/// A text with its marks.
fn job(text: &str, marks: &[Mark], font: &FontId, ink: Color32, warning: Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    let mut put = |range: Range<usize>, mark: Option<&Mark>| {
        let Some(part) = text.get(range).filter(|part| !part.is_empty()) else { return };
        let color = mark.and_then(|mark| mark.color).unwrap_or(ink);
        let mut format = TextFormat::simple(font.clone(), color);
        if mark.is_some_and(|mark| mark.underlined) {
            format.underline = Stroke::new(1.5, warning);
        }
        if mark.is_some_and(|mark| mark.struck_out) {
            (format.strikethrough, format.color) = (Stroke::new(1.2, warning), warning);
        }
        job.append(part, 0.0, format);
    };
    let mut done = 0;
    for mark in marks {
        // A mark of a text that has changed since is passed over.
        let fits = mark.range.start >= done && mark.range.end <= text.len();
        if !fits || text.get(mark.range.clone()).is_none() {
            continue;
        }
        put(done..mark.range.start, None);
        put(mark.range.clone(), Some(mark));
        done = mark.range.end;
    }
    put(done..text.len(), None);
    if job.is_empty() {
        job.append("", 0.0, TextFormat::simple(font.clone(), ink));
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_the_whole_text_whatever_the_marks_say() {
        let mark = |range, underlined, struck_out| Mark { range, color: Some(Color32::RED), underlined, struck_out };
        let font = FontId::proportional(13.0);
        let text = "a cät runs away";
        let marks =
            [mark(2..6, true, false), mark(3..4, false, true), mark(12..99, false, true), mark(7..11, false, true)];
        let job = job(text, &marks, &font, Color32::WHITE, Color32::BLACK);
        assert_eq!(job.text, text);
        let parts: Vec<_> = job
            .sections
            .iter()
            .map(|s| (&job.text[s.byte_range.start.0..s.byte_range.end.0], s.format.color))
            .collect();
        let white = Color32::WHITE;
        assert_eq!(
            parts,
            [("a ", white), ("cät", Color32::RED), (" ", white), ("runs", Color32::BLACK), (" away", white)]
        );
        assert!(job.sections[1].format.underline.width > 0.0 && job.sections[3].format.strikethrough.width > 0.0);
    }
}
