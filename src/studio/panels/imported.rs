//! What a picture or a text of another program's gave, and what it said that could not be taken over.

use std::path::Path;

use egui::{Align2, Label, ScrollArea, TextWrapMode, Ui, vec2};

use super::{
    state::{Command, Banner, Studio},
    theme::Theme,
};
use crate::session::Source;

/// Where a recipe comes from that is no session's.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub found: Source,
    pub not_restored: Vec<String>,
}

/// The list of what could not be taken over from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Leftovers {
    /// The file's name.
    name: String,
    lines: Vec<String>,
    open: bool,
}

/// So many of them are named in the line above the canvas, and so many letters of each.
const NAMED: usize = 3;
const LETTERS: usize = 40;

/// Says what came of a file, unless it was a picture of ours, of which nothing is missing.
pub fn tell(studio: &mut Studio, path: &Path, origin: Origin) {
    let Origin { found, not_restored: lines } = origin;
    if found == Source::Recipe && lines.is_empty() {
        return;
    }
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let from = format!("Taken from {found} in {name}");
    let (message, remedy) = match lines.len() {
        0 => (format!("{from}."), None),
        1 => (format!("{from}, but for {}.", named(&lines)), Some(SHOW)),
        count => (format!("{from}, but for {count} things: {}.", named(&lines)), Some(SHOW)),
    };
    studio.leftovers = remedy.is_some().then_some(Leftovers { name, lines, open: false });
    studio.document.notices.shown = Some(Banner { message, bad: false, remedy });
}

const SHOW: (&str, Command) = ("Show what is missing", Command::ShowLeftovers);

/// The first of the lines, each cut short.
fn named(lines: &[String]) -> String {
    let short = |line: &String| {
        let mut letters = line.chars();
        let start: String = letters.by_ref().take(LETTERS).collect();
        if letters.next().is_some() { format!("{}…", start.trim_end()) } else { start }
    };
    let named: Vec<String> = lines.iter().take(NAMED).map(short).collect();
    let more = if lines.len() > NAMED { "; …" } else { "" };
    named.join("; ") + more
}

/// Opens the list.
pub fn open(studio: &mut Studio) {
    if let Some(leftovers) = &mut studio.leftovers {
        leftovers.open = true;
    }
}

/// The list, while it is open.
pub fn window(ui: &mut Ui, studio: &mut Studio) {
    let Some(Leftovers { name, lines, open }) = studio.leftovers.as_mut().filter(|leftovers| leftovers.open) else {
        return;
    };
    let theme = Theme::of(ui);
    let window = egui::Window::new("Not taken over")
        .open(open)
        .default_size(vec2(520.0, 260.0))
        .pivot(Align2::CENTER_CENTER)
        .default_pos(ui.ctx().content_rect().center())
        .collapsible(false);
    window.show(ui.ctx(), |ui| {
        ui.colored_label(
            theme.dim,
            format!("{name} says this, too, which Sextant has no setting for or cannot apply:"),
        );
        ui.add_space(4.0);
        if ui.button("Copy all").on_hover_text("Put every line on the clipboard").clicked() {
            ui.ctx().copy_text(lines.join("\n"));
        }
        ui.add_space(4.0);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for line in lines.iter() {
                ui.add(Label::new(line).wrap_mode(TextWrapMode::Wrap).selectable(true));
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: Source, lines: &[&str]) -> Studio {
        let mut studio = Studio::default();
        let not_restored = lines.iter().map(|line| (*line).to_owned()).collect();
        tell(&mut studio, Path::new("folder/cat.jpg"), Origin { found, not_restored });
        studio
    }

    #[test]
    fn the_banner_says_what_is_missing() {
        let message = |found, lines: &[&str]| told(found, lines).banner.map(|banner| banner.message);
        assert_eq!(message(Source::Recipe, &[]), None);
        assert_eq!(message(Source::Parameters, &[]).as_deref(), Some("Taken from the parameters text in cat.jpg."));
        assert_eq!(
            message(Source::NovelAi, &["sm: false"]).as_deref(),
            Some("Taken from NovelAI settings in cat.jpg, but for sm: false.")
        );
        let long = "LoRA: ".to_owned() + &"é".repeat(60);
        let five = message(Source::ComfyUi, &[&long, "a: 1", "b: 2", "c: 3", "d: 4"]).unwrap_or_default();
        assert!(five.starts_with("Taken from a ComfyUI graph in cat.jpg, but for 5 things: LoRA: éé"), "{five}");
        assert!(five.ends_with("é…; a: 1; b: 2; …."), "{five}");
    }
}
