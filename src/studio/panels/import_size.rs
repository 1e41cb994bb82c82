//! The question in which size the recipe of a picture is taken over, where the picture's own is far from the model's.
//!
//! Apart from opening the file because the answer is a command itself.

use egui::{Id, Modal, RichText, Ui};

use crate::studio::{
    command::{Command, Commands},
    view::theme::{self, Theme, size},
};

/// The question, while there is one.
#[derive(Debug, Default)]
pub struct ImportSize {
    pending: Option<Sizes>,
}

/// Between which sizes is chosen, in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The file's name.
    pub name: String,
    pub own: [usize; 2],
    /// The same shape as the model draws it.
    pub fitting: [usize; 2],
    /// The model's side.
    pub model: usize,
}

impl ImportSize {
    pub fn ask(&mut self, sizes: Sizes) {
        self.pending = Some(sizes);
    }

    pub fn is_open(&self) -> bool {
        self.pending.is_some()
    }

    pub fn close(&mut self) {
        self.pending = None;
    }

    /// Shows the question while there is one, and sends what was answered.
    pub fn ui(&mut self, ui: &Ui, commands: &mut Commands) {
        let Some(sizes) = self.pending.clone() else { return };
        let modal = Modal::new(Id::unique("import size")).show(ui.ctx(), |ui| question(ui, &sizes));
        let answer = modal.inner.or_else(|| modal.should_close().then_some(None));
        if let Some(answer) = answer {
            self.pending = None;
            commands.send(Command::ImportSized(answer));
        }
    }
}

/// What was answered: a size, or that nothing is to be opened.
fn question(ui: &mut Ui, sizes: &Sizes) -> Option<Option<[usize; 2]>> {
    let theme = Theme::of(ui);
    let Sizes { name, own, fitting, model } = sizes;
    let written = |[width, height]: [usize; 2]| format!("{width}×{height}");
    ui.set_width(420.0);
    ui.label(theme::bold("In which size?", 15.0).color(theme.ink.text));
    ui.add_space(4.0);
    let times = (own[0] * own[1]) as f32 / (model * model) as f32;
    let far = if times > 1.0 { format!("{times:.0} times") } else { format!("1/{:.0} of", 1.0 / times) };
    let text = format!(
        "{name} was made at {}. The model was trained on {model}×{model}: that is {far} its area, where it repeats things \
         or loses them, and takes its time accordingly.",
        written(*own)
    );
    ui.colored_label(theme.ink.dim, text);
    ui.add_space(10.0);
    let mut answer = None;
    ui.horizontal(|ui| {
        if ui.button("Cancel").clicked() {
            answer = Some(None);
        }
        if ui.button(format!("Keep {}", written(*own))).clicked() {
            answer = Some(Some(*own));
        }
        let fit = RichText::new(format!("Use {}", written(*fitting))).font(theme::bold_font(size::BODY));
        if ui.button(fit.color(theme.accent.plain)).clicked() {
            answer = Some(Some(*fitting));
        }
    });
    answer
}
