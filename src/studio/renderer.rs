//! Errors of the graphics card that draws the window.
//!
//! Apart from the window because the driver tells them at any time, from any thread. By itself the renderer would end the
//! program over each.

use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui_wgpu::wgpu;

/// The first letters of an error are enough: some quote whole shaders.
const LETTERS: usize = 200;

/// What failed and was not told yet.
static FAILED: Mutex<Option<String>> = Mutex::new(None);

/// Has errors of `device` kept for [`take_failure`]; `wake` is called after each.
pub fn watch(device: &wgpu::Device, wake: impl Fn() + Send + Sync + 'static) {
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        note(&error.to_string());
        wake();
    }));
}

fn note(error: &str) {
    log::error!("the window's renderer: {error}");
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    let line = error.split_whitespace().collect::<Vec<_>>().join(" ");
    failed.get_or_insert_with(|| line.chars().take(LETTERS).collect());
}

/// What failed since the last call: a sentence for the user. Never waits.
pub fn take_failure() -> Option<String> {
    let failed = FAILED.try_lock().ok()?.take()?;
    Some(format!(
        "The graphics of the window failed at something, and go on without it: {failed}. Your work is safe; if parts stay \
         empty, save and start Sextant again."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_told_once_and_in_one_line() {
        note("Validation Error\n\nCaused by:\n  texture too large");
        note("another one");
        let said = take_failure().expect("a failure");
        assert!(said.contains("Validation Error Caused by: texture too large"), "{said}");
        assert_eq!(take_failure(), None);
    }
}
