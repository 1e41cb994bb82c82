//! From files to the weights of networks, without the networks, and with ways into what only networks call.

#[path = "../../src/weights/checkpoint.rs"]
mod checkpoint;
#[path = "../../src/weights/error.rs"]
mod error;
#[path = "../../src/weights/files.rs"]
mod files;
#[path = "../../src/weights/hash.rs"]
mod hash;
#[path = "../../src/weights/lora.rs"]
mod lora;
#[path = "../../src/weights/names.rs"]
mod names;
#[path = "../../src/weights/outline.rs"]
mod outline;
#[path = "../../src/weights/safetensors_format.rs"]
mod safetensors_format;
#[path = "../../src/weights/single/mod.rs"]
mod single;
#[path = "../../src/weights/words.rs"]
mod words;

use std::{path::Path, sync::OnceLock};

use sha2::{Digest as _, Sha256};

use crate::{
    nets::{ParamError, TensorSource},
    recipe::{Lora, ModelRef},
};

pub use error::LoadError;
pub use files::ModelFiles;
pub use outline::{Outline, Rest};
pub use single::SingleFile;
pub use words::LearnedWords;

/// The program's own list names files below its own folder.
mod bundled {
    macro_rules! bundle {
        ($($file:literal),+ $(,)?) => {
            &[$(($file, include_bytes!(concat!("../../assets/pocket/", $file)).as_slice()),)+]
        };
    }

    pub(super) const POCKET: &[(&str, &[u8])] =
        bundle!("text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors");
    pub(super) const POCKET_TOON: &[(&str, &[u8])] = &[];
}

/// The shapes of Pocket's matrices by network: what a LoRA is held against.
struct Shapes(Vec<(String, Vec<usize>)>);

impl TensorSource for Shapes {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, shape)| shape.clone())
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let shape = self.shape_of(name).ok_or_else(|| ParamError::Missing { name: name.to_owned() })?;
        Ok(vec![0.5; shape.iter().product()])
    }
}

fn pocket(folder: &str) -> Result<Shapes, LoadError> {
    let read = checkpoint::Checkpoint::read(&ModelFiles::open(&ModelRef::Pocket)?, folder, &mut Sha256::new())?;
    let shapes = read.names().into_iter().map(|name| (name.to_owned(), read.shape_of(name).unwrap_or_default()));
    Ok(Shapes(shapes.collect()))
}

/// Reads a LoRA and adds it to a few of Pocket's matrices that it names.
pub fn add_lora(path: &Path, bytes: &[u8]) -> Result<(), LoadError> {
    static NETWORKS: OnceLock<Vec<(&'static str, Shapes)>> = OnceLock::new();
    let networks = NETWORKS.get_or_init(|| {
        let read = |folder| pocket(folder).unwrap_or(Shapes(Vec::new()));
        vec![(lora::UNET, read("unet")), (lora::TEXT, read("text_encoder"))]
    });
    let (loras, _) = lora::Loras::read(&[Lora { path: path.to_owned(), weight: 0.7 }])?;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 16)]).replace('.', "_");
    for (network, shapes) in networks {
        let names: Vec<&str> = shapes.0.iter().map(|(name, _)| name.as_str()).collect();
        loras.check_fit(network, shapes, &names)?;
        let source = lora::WithLoras { base: shapes, loras: &loras, network };
        let is_named = |name: &&&str| text.contains(&name.trim_end_matches(".weight").replace('.', "_"));
        for name in names.iter().filter(is_named).take(4) {
            let _ = source.values(name);
        }
    }
    loras.report_unused()
}

/// Opens the weights of one network and reads some of its tensors, as a network would.
pub fn read_weights(files: &ModelFiles, folder: &str) -> Result<(), LoadError> {
    let mut hash = Sha256::new();
    let checkpoint = checkpoint::Checkpoint::read(files, folder, &mut hash)?;
    let names: Vec<String> = checkpoint.names().into_iter().map(str::to_owned).collect();
    for name in names.iter().take(64) {
        if let Err(error) = checkpoint.values(name) {
            let _ = checkpoint.load_error(error).to_string();
        }
    }
    let missing = ParamError::Missing { name: "conv_in.weight".to_owned() };
    let _ = checkpoint.load_error(missing).to_string();
    checkpoint.warn_of_unused();
    Ok(())
}
