//! All panels: what each keeps from frame to frame, and where each is drawn.
//!
//! Apart from the window, which carries out commands and draws nothing itself.

use eframe::egui_wgpu::wgpu;
use egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Ui, UiBuilder};

use super::{
    banner, canvas::Canvas, columns, concepts::Concepts, confirm::Confirmation, context::PanelContext, drop_hint,
    file_dialog::FileDialog, fusion, guidance, hints::Hints, import_size::ImportSize, leftovers::LeftoversWindow,
    log_window::LogWindow, models, output_window::OutputWindow, palette::Palette, past, prompt, regions, sampling,
    takes::TakeStrip, timeline::Timeline, toolbar,
};
use crate::session::Settings;
use crate::studio::{
    command::Commands,
    document::Document,
    view::{
        View,
        theme::{Theme, size},
    },
    widgets::row::divider,
};

/// Each panel that has a state of its own.
pub struct PanelSet {
    pub canvas: Canvas,
    pub concepts: Concepts,
    pub timeline: Timeline,
    pub takes: TakeStrip,
    pub hints: Hints,
    pub palette: Palette,
    pub log: LogWindow,
    pub leftovers: LeftoversWindow,
    pub output: OutputWindow,
    pub confirm: Confirmation,
    pub file_dialog: FileDialog,
    pub import_size: ImportSize,
}

impl PanelSet {
    /// `format` is the texture format that the window draws to.
    pub fn new(format: wgpu::TextureFormat) -> Self {
        Self {
            canvas: Canvas::new(format),
            concepts: Concepts::default(),
            timeline: Timeline::default(),
            takes: TakeStrip::default(),
            hints: Hints::default(),
            palette: Palette::default(),
            log: LogWindow::default(),
            leftovers: LeftoversWindow::default(),
            output: OutputWindow::default(),
            confirm: Confirmation::default(),
            file_dialog: FileDialog::default(),
            import_size: ImportSize::default(),
        }
    }

    /// Forgets what belonged to another session, and closes the windows over it.
    pub fn session_changed(&mut self) {
        self.timeline.session_changed();
        self.takes.session_changed();
        self.hints.dismiss();
        self.palette.close();
        self.log.close();
        self.leftovers.close();
        self.output.close();
        self.confirm.session_changed();
        self.file_dialog.close();
        self.import_size.close();
    }

    /// Draws the panels that fill the window.
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let theme = Theme::of(ui);
        let bare = |fill| Frame::new().fill(fill);
        Panel::top("toolbar").exact_size(size::TOOLBAR).resizable(false).frame(bare(theme.ground.panel)).show(
            ui,
            |ui| {
                toolbar::show(ui, context.document, context.view, context.commands);
            },
        );
        Panel::bottom("takes").exact_size(size::TAKES).resizable(false).frame(bare(theme.ground.strip)).show(
            ui,
            |ui| {
                self.takes.ui(ui, context);
            },
        );
        let height = Timeline::height(context.document, context.view, ui.ctx().content_rect().height());
        Panel::bottom("timeline").exact_size(height).resizable(false).frame(bare(theme.ground.panel)).show(ui, |ui| {
            self.timeline.ui(ui, context);
        });
        let past = context.view.past_take(context.document);
        // What the columns show: the settings of what is on the canvas.
        let then = past.and_then(|id| context.document.as_of(id));
        let [left, right] = context.view.appearance.columns;
        Panel::left("left").exact_size(left).resizable(false).frame(bare(theme.ground.panel)).show(ui, |ui| {
            let shown = then.as_ref().unwrap_or(context.document);
            column(ui, "left column", then.is_none(), |ui| left_column(ui, shown, context.view, context.commands));
        });
        Panel::right("right").exact_size(right).resizable(false).frame(bare(theme.ground.panel)).show(ui, |ui| {
            let document = then.as_ref().unwrap_or(context.document);
            let (view, commands, textures) = (&mut *context.view, &mut *context.commands, &mut *context.textures);
            let mut shown = PanelContext { document, view, commands, textures };
            column(ui, "right column", then.is_none(), |ui| self.right_column(ui, &mut shown));
        });
        CentralPanel::no_frame().show(ui, |ui| {
            banner::show(ui, context.document, context.commands);
            if let Some(id) = past {
                past::show(ui, context.document, context.view, context.commands, id);
            }
            let rest = ui.available_rect_before_wrap();
            columns::borders(ui, &mut context.view.appearance.columns, rest);
            let mut inside = ui.new_child(UiBuilder::new().id_salt("canvas").max_rect(rest));
            inside.set_clip_rect(rest.intersect(ui.clip_rect()));
            self.canvas.ui(&mut inside, context);
            self.hints.ui(&mut inside, context.document, context.view, rest);
        });
    }

    fn right_column(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        guidance::show(ui, context.document, context.view, context.commands);
        divider(ui);
        self.concepts.ui(ui, context);
        divider(ui);
        fusion::show(ui, context);
    }

    /// Whether a question lies over the window that gets all keys.
    pub fn asks(&self) -> bool {
        self.file_dialog.is_open() || self.import_size.is_open()
    }

    /// Draws what lies over the panels now and then.
    pub fn windows(&mut self, ui: &mut Ui, context: &mut PanelContext, settings: &Settings) {
        let PanelContext { document, view, commands, textures } = context;
        self.confirm.ui(ui, commands);
        self.file_dialog.ui(ui, textures, commands);
        self.import_size.ui(ui, commands);
        self.palette.ui(ui, document, view, commands);
        self.log.ui(ui);
        self.leftovers.ui(ui, document);
        self.output.ui(ui, document, &settings.output, commands);
        drop_hint::show(ui);
    }
}

fn left_column(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
    prompt::show(ui, document, view, commands);
    regions::show(ui, document, view, commands);
    divider(ui);
    prompt::negative(ui, document, commands);
    divider(ui);
    models::show(ui, document, commands);
    divider(ui);
    sampling::show(ui, document, view, commands);
}

/// A column of settings that scrolls when it is too long; those of an older take can be read only.
fn column(ui: &mut Ui, name: &str, is_current: bool, contents: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().id_salt(name).auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(size::MARGIN as i8, 10)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            if !is_current {
                ui.disable();
            }
            contents(ui);
        });
    });
}
