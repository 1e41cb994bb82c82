//! An engine that renders one recipe after another and waits for each.
//!
//! A window would draw the events as they come; the examples only want the result.

#![allow(dead_code, reason = "each example uses its own part")]

use std::{
    error::Error,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
};

use sextant::{
    engine::{self, DeviceChoice, EngineHandle, Event, RenderResult, Token},
    recipe::Recipe,
};

pub struct Renderer {
    engine: EngineHandle,
    woken: Receiver<()>,
}

/// A picture with all that was told of its steps.
pub struct Rendered {
    /// The tokens of the prompt, by position.
    pub tokens: Arc<Vec<Token>>,
    pub result: Arc<RenderResult>,
}

impl Renderer {
    /// Starts the engine's thread on the CPU.
    pub fn start() -> std::io::Result<Self> {
        let (wake, woken) = channel();
        let engine = engine::start(DeviceChoice::Cpu, engine::MEMORY, move || {
            // The examples may be done and gone while the engine still has something to say.
            let _ = wake.send(());
        })?;
        Ok(Self { engine, woken })
    }

    /// Submits a recipe and waits for its picture.
    pub fn render(&self, recipe: Recipe) -> Result<Rendered, Box<dyn Error>> {
        let job = self.engine.submit(recipe);
        let mut tokens = Arc::default();
        loop {
            self.woken.recv()?;
            while let Some(event) = self.engine.poll() {
                match event {
                    Event::Started { job: started, tokens: of_prompt, .. } if started == job => tokens = of_prompt,
                    Event::Done { job: done, take } if done == job => return Ok(Rendered { tokens, result: take }),
                    Event::Failed { job: failed, message } if failed == job => return Err(message.into()),
                    _ => {}
                }
            }
        }
    }
}

/// The folder to write to: the first argument, else a folder of the example's own among the temporary files.
pub fn folder(example: &str) -> std::io::Result<PathBuf> {
    let folder = std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join(example), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
