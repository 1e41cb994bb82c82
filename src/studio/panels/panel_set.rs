//! The panels that keep something from frame to frame.
//!
//! Apart from the window so that it resets them at one place when the session changes.

use eframe::egui_wgpu::wgpu;

use super::{
    canvas::Canvas, confirm::Confirmation, hints::Hints, leftovers::LeftoversWindow, log_window::LogWindow,
    palette::Palette, takes::TakeStrip, timeline::Timeline,
};

/// Each panel with its own state.
pub struct PanelSet {
    pub canvas: Canvas,
    pub timeline: Timeline,
    pub takes: TakeStrip,
    pub hints: Hints,
    pub palette: Palette,
    pub log: LogWindow,
    pub leftovers: LeftoversWindow,
    pub confirm: Confirmation,
}

impl PanelSet {
    /// `format` is the texture format that the window draws to.
    pub fn new(format: wgpu::TextureFormat) -> Self {
        Self {
            canvas: Canvas::new(format),
            timeline: Timeline::default(),
            takes: TakeStrip::default(),
            hints: Hints::default(),
            palette: Palette::default(),
            log: LogWindow::default(),
            leftovers: LeftoversWindow::default(),
            confirm: Confirmation::default(),
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
        self.confirm.session_changed();
    }
}
