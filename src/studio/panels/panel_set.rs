//! All panels: what each keeps from frame to frame, and where each is drawn.
//!
//! Apart from the window, which carries out commands and draws nothing itself.

use eframe::egui_wgpu::wgpu;
use egui::{Align, Color32, Context, Frame, Layout, Margin, Rect, ScrollArea, Ui, UiBuilder, accesskit::Role};

use super::{
    arrangement::Arrangement,
    banner,
    canvas::Canvas,
    changed::ChangedFile,
    columns,
    concepts::Concepts,
    confirm::Confirmation,
    context::PanelContext,
    drop_hint,
    file_dialog::FileDialog,
    fusion::FusionPanel,
    guidance,
    hints::Hints,
    import_size::ImportSize,
    keys::{self, Cover},
    keys_window::KeysWindow,
    leftovers::LeftoversWindow,
    library_window::LibraryWindow,
    log_window::LogWindow,
    models,
    output_window::OutputWindow,
    palette::Palette,
    past, prompt,
    queue_window::QueueWindow,
    regions,
    sampling::SamplingPanel,
    takes::TakeStrip,
    timeline::Timeline,
    toolbar,
};
use crate::session::Settings;
use crate::studio::{
    command::{Command, Commands},
    document::{Document, takes::TakeId},
    view::{
        View, style,
        theme::{Theme, size},
    },
    widgets::{focus, row::divider},
};

/// Each panel that has a state of its own.
pub struct PanelSet {
    pub canvas: Canvas,
    pub sampling: SamplingPanel,
    pub concepts: Concepts,
    pub fusion: FusionPanel,
    pub timeline: Timeline,
    pub takes: TakeStrip,
    pub hints: Hints,
    pub palette: Palette,
    pub log: LogWindow,
    pub leftovers: LeftoversWindow,
    pub output: OutputWindow,
    pub queue: QueueWindow,
    pub library: LibraryWindow,
    pub keys: KeysWindow,
    pub confirm: Confirmation,
    pub changed: ChangedFile,
    pub file_dialog: FileDialog,
    pub import_size: ImportSize,
}

impl PanelSet {
    /// `format` is the texture format that the window draws to.
    pub fn new(format: wgpu::TextureFormat) -> Self {
        Self {
            canvas: Canvas::new(format),
            sampling: SamplingPanel::default(),
            concepts: Concepts::default(),
            fusion: FusionPanel::default(),
            timeline: Timeline::default(),
            takes: TakeStrip::default(),
            hints: Hints::default(),
            palette: Palette::default(),
            log: LogWindow::default(),
            leftovers: LeftoversWindow::default(),
            output: OutputWindow::default(),
            queue: QueueWindow::default(),
            library: LibraryWindow::default(),
            keys: KeysWindow::default(),
            confirm: Confirmation::default(),
            changed: ChangedFile::default(),
            file_dialog: FileDialog::default(),
            import_size: ImportSize::default(),
        }
    }

    /// Forgets what belonged to another session, and closes the windows over it.
    pub fn session_changed(&mut self) {
        self.timeline.session_changed();
        self.takes.session_changed();
        self.hints.dismiss();
        self.sampling = SamplingPanel::default();
        self.fusion = FusionPanel::default();
        self.palette.close();
        self.close_windows();
        self.confirm.session_changed();
        self.changed.close();
        self.file_dialog.close();
        self.import_size.close();
    }

    /// What lies over the panels and has the keyboard before them.
    fn cover(&self) -> Cover {
        match () {
            () if self.confirm.is_open() || self.changed.is_open() => Cover::Question,
            () if self.file_dialog.is_open() || self.import_size.is_open() => Cover::Question,
            () if self.palette.is_open() => Cover::Palette,
            () if self.is_window_open() => Cover::Window,
            () => Cover::Nothing,
        }
    }

    /// Reads the keyboard before anything is drawn.
    pub fn read_keys(&mut self, ctx: &Context, document: &Document, view: &mut View, commands: &mut Commands) {
        style::hide_tooltips(ctx, ctx.input(|i| i.pointer.any_down()));
        if keys::read(ctx, document, view, commands, self.cover()) {
            self.close_windows();
        }
    }

    /// Opens, closes or turns to what a command asks for; returns whether it was such a command.
    pub fn open(&mut self, command: &Command, settings: &Settings) -> bool {
        match command {
            Command::ShowQueue => self.queue.open(),
            Command::ShowLibrary(shelf) => self.library.open(*shelf),
            Command::ShowOutput => self.output.open(&settings.output),
            Command::ShowLeftovers => self.leftovers.open(),
            Command::TogglePalette => self.palette.toggle(),
            Command::ShowLog => self.log.open(),
            Command::ToggleLog => self.log.toggle(),
            Command::ToggleKeys => self.keys.toggle(),
            Command::GoToStep => self.timeline.go_to_step(),
            _ => return false,
        }
        true
    }

    /// Closes what Esc closes.
    fn close_windows(&mut self) {
        self.log.close();
        self.leftovers.close();
        self.output.close();
        self.queue.close();
        self.library.close();
        self.keys.close();
    }

    fn is_window_open(&self) -> bool {
        let further = self.queue.is_open() || self.library.is_open() || self.keys.is_open();
        self.log.is_open() || self.leftovers.is_open() || self.output.is_open() || further
    }

    /// Draws the panels that fill the window, in the order in which the Tab key goes through them.
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let theme = Theme::of(ui);
        let whole = ui.available_rect_before_wrap();
        let height = Timeline::height(context.document, context.view, ui.ctx().content_rect().height());
        context.view.selection.lit = None;
        let parts = Arrangement::new(whole, &context.view.appearance, height);
        if let Some(rect) = parts.toolbar {
            let mut ui = part(ui, "Toolbar", rect, theme.ground.panel);
            toolbar::show(&mut ui, context.document, context.view, context.commands);
        }
        // What the columns show: the settings of what is on the canvas.
        let past = context.view.past_take(context.document);
        let then = past.and_then(|id| context.document.as_of(id));
        if let Some(rect) = parts.left {
            let mut ui = part(ui, "Prompt, models and sampling", rect, theme.ground.panel);
            let document = then.as_ref().unwrap_or(context.document);
            column(&mut ui, "left column", then.is_none(), |ui| self.left_column(ui, &mut context.with(document)));
        }
        if let Some(rect) = parts.right {
            let mut ui = part(ui, "Guidance, concepts and fusion", rect, theme.ground.panel);
            let document = then.as_ref().unwrap_or(context.document);
            column(&mut ui, "right column", then.is_none(), |ui| self.right_column(ui, &mut context.with(document)));
        }
        self.middle(ui, context, parts.canvas, past);
        if let Some(rect) = parts.timeline {
            self.timeline.ui(&mut part(ui, "Timeline and its lanes", rect, theme.ground.panel), context);
        }
        if let Some(rect) = parts.takes {
            self.takes.ui(&mut part(ui, "Takes of this session", rect, theme.ground.strip), context);
        }
        columns::edges(ui, &parts);
        columns::folds(ui, &mut context.view.appearance.folded, &parts);
    }

    /// The canvas under its banner; `past` is the older take that is looked at.
    fn middle(&mut self, ui: &mut Ui, context: &mut PanelContext, rect: Rect, past: Option<TakeId>) {
        let mut ui = part(ui, "Canvas and its bars", rect, Theme::of(ui).ground.canvas);
        let ui = &mut ui;
        banner::show(ui, context.document, context.commands);
        if let Some(id) = past {
            past::show(ui, context.document, context.view, context.commands, id);
        }
        let rest = ui.available_rect_before_wrap();
        columns::borders(ui, &mut context.view.appearance, rest);
        let mut inside = ui.new_child(UiBuilder::new().id_salt("canvas").max_rect(rest));
        inside.set_clip_rect(rest.intersect(ui.clip_rect()));
        self.canvas.ui(&mut inside, context);
        self.hints.ui(&mut inside, context.document, context.view, rest);
    }

    fn left_column(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        prompt::show(ui, context.document, context.view, context.commands);
        regions::show(ui, context);
        divider(ui);
        prompt::negative(ui, context.document, context.commands);
        divider(ui);
        models::show(ui, context.document, context.commands);
        divider(ui);
        self.sampling.ui(ui, context);
    }

    fn right_column(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        guidance::show(ui, context);
        divider(ui);
        self.concepts.ui(ui, context);
        divider(ui);
        self.fusion.ui(ui, context);
    }

    /// Draws what lies over the panels now and then.
    pub fn windows(&mut self, ui: &mut Ui, context: &mut PanelContext, settings: &Settings) {
        let PanelContext { document, view, commands, textures } = context;
        self.confirm.ui(ui, commands);
        self.changed.ui(ui, commands);
        self.file_dialog.ui(ui, textures, commands);
        self.import_size.ui(ui, commands);
        self.palette.ui(ui, document, view, commands);
        self.log.ui(ui);
        self.leftovers.ui(ui, document);
        self.output.ui(ui, document, &settings.output, commands);
        self.queue.ui(ui, document, commands);
        self.library.ui(ui, document, &settings.library, commands);
        self.keys.ui(ui);
        drop_hint::show(ui);
        focus::show(ui.ctx(), Theme::of(ui));
    }
}

/// A part of the window in `rect` on its ground; `name` is what screen readers call it.
fn part(ui: &mut Ui, name: &str, rect: Rect, ground: Color32) -> Ui {
    ui.painter().rect_filled(rect, 0.0, ground);
    let mut part = ui.new_child(UiBuilder::new().id_salt(name).max_rect(rect).layout(Layout::top_down(Align::Min)));
    part.set_clip_rect(rect.intersect(ui.clip_rect()));
    ui.ctx().accesskit_node_builder(part.unique_id(), |node| {
        node.set_role(Role::Region);
        node.set_label(name);
    });
    part
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
            focus::scroll_to_gained(ui);
        });
    });
}
