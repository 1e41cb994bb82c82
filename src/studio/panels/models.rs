//! Which models draw.

use egui::{Align, Align2, CornerRadius, Layout, Rect, Sense, Ui, UiBuilder, pos2, vec2};

use crate::{
    recipe::{Lora, ModelRef},
    studio::{
        command::{Command, Commands},
        document::{Document, baselines::ModelRole, edit::Edit},
        panels::compatibility,
        view::theme::{self, Theme, size},
        widgets::{Icon, icon_button, row},
    },
};

/// Both models, the general model's LoRAs, and whether the two fit together.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    row::heading(ui, "Models", |_| {});
    let recipe = document.recipe();
    if let Some(model) = slot(ui, commands, ModelRole::General, &recipe.model) {
        commands.edit(Edit::Model(model));
    }
    loras(ui, &recipe.loras, commands);
    let expert = recipe.fusion.as_ref().map_or(ModelRef::PocketToon, |f| f.expert.clone());
    if let Some(model) = slot(ui, commands, ModelRole::Expert, &expert) {
        commands.edit(Edit::Expert(model));
    }
    compatibility::show(ui, document);
}

/// The general model's LoRAs, each with its weight.
fn loras(ui: &mut Ui, before: &[Lora], commands: &mut Commands) {
    let mut loras = before.to_vec();
    let theme = Theme::of(ui);
    let mut removed = None;
    for (at, lora) in loras.iter_mut().enumerate() {
        let title = lora.title();
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::hover());
        let layout = Layout::right_to_left(Align::Center);
        let mut line = ui.new_child(UiBuilder::new().id_salt(("lora", at)).max_rect(rect).layout(layout));
        if icon_button(&mut line, Icon::Close, &format!("Remove the LoRA {title}")).clicked() {
            removed = Some(at);
        }
        // The model is read anew for each weight: one is typed, not dragged through.
        let field = egui::DragValue::new(&mut lora.weight)
            .range(-10.0..=10.0)
            .speed(0.0)
            .max_decimals(2)
            .update_while_editing(false);
        let hint = "How much of this change is added to the weights: click and type; 0 adds none, 1 is usual";
        line.add(field).accessible_name(format!("Weight of the LoRA {title}")).on_hover_text(hint);
        line.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add_space(8.0);
            let text = egui::RichText::new(&title).font(theme::small_font()).color(theme.ink.dim);
            let path = lora.path.display().to_string();
            ui.add(egui::Label::new(text).truncate()).on_hover_text(format!("LoRA: {path}"));
        });
    }
    if let Some(at) = removed {
        loras.remove(at);
    }
    if loras != before {
        commands.edit(Edit::Loras(loras));
    }
}

/// A field with the model's name, a menu of the bundled ones and of places to look, and a folder button. Returns another choice.
fn slot(ui: &mut Ui, commands: &mut Commands, slot: ModelRole, model: &ModelRef) -> Option<ModelRef> {
    let theme = Theme::of(ui);
    let role = if slot == ModelRole::General { "general" } else { "expert" };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 25.0), Sense::hover());
    let main = Rect::from_min_max(rect.min, pos2(rect.right() - 26.0, rect.bottom()));
    let response = ui.interact(main, ui.scope_id().with(("model", role)), Sense::click());
    let name = format!("Model, {role}: {}", model.title());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    let fill = if response.hovered() { theme.ground.raised } else { theme.ground.input };
    ui.painter().rect_filled(rect, CornerRadius::same(size::RADIUS), fill);
    let middle = rect.center().y;
    let note = ui.painter().text(
        pos2(main.right() - 4.0, middle),
        Align2::RIGHT_CENTER,
        role,
        theme::small_font(),
        theme.ink.faint,
    );
    let title = pos2(rect.left() + 8.0, middle);
    let clip = Rect::from_min_max(rect.min, pos2(note.left() - 8.0, rect.bottom()));
    let painter = ui.painter().with_clip_rect(clip.intersect(ui.clip_rect()));
    painter.text(title, Align2::LEFT_CENTER, model.title(), theme::body_font(), theme.ink.text);

    let corner = Rect::from_min_max(pos2(main.right(), rect.top()), rect.max);
    let layout = Layout::centered_and_justified(egui::Direction::LeftToRight).with_cross_align(Align::Center);
    let mut child = ui.new_child(UiBuilder::new().id_salt(("folder", role)).max_rect(corner).layout(layout));
    if icon_button(&mut child, Icon::Folder, &format!("Choose a folder for the {role} model")).clicked() {
        commands.send(Command::PickModel(slot));
    }
    let response = response.on_hover_text(match model {
        ModelRef::Folder(path) => path.display().to_string(),
        _ => "bundled with the program".into(),
    });
    let mut chosen = None;
    egui::Popup::menu(&response).show(|ui| {
        ui.set_min_width(150.0);
        for option in [ModelRef::Pocket, ModelRef::PocketToon] {
            if ui.selectable_label(*model == option, option.title()).clicked() {
                chosen = Some(option);
            }
        }
        let folder = "A diffusers model: the folder with model_index.json in it";
        if ui.button("Folder…").on_hover_text(folder).clicked() {
            commands.send(Command::PickModel(slot));
        }
        let file = "A Stable Diffusion 1.x or 2.x checkpoint, with the tokenizer's vocab.json and merges.txt beside it";
        if ui.button("Checkpoint…").on_hover_text(file).clicked() {
            commands.send(Command::PickCheckpoint(slot));
        }
        let lora = "A small file that changes the general model's weights: a style, a person, a thing it then knows";
        if slot == ModelRole::General && ui.button("Add a LoRA…").on_hover_text(lora).clicked() {
            commands.send(Command::PickLora);
        }
    });
    chosen
}
