//! U-Nets of the travelling cases, which are stored as the seed that drew them (`tests/fixtures/seeded.py`).
//!
//! Apart from the cases: it is about how weights are stored, not about what is compared. 15 MB of noise become 2 MB.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sextant::sampling::TorchGenerator;
use sha2::{Digest as _, Sha256};

use super::copy_folder;

/// The name that a stored U-Net has in place of `diffusion_pytorch_model.safetensors`.
const STORED: &str = "diffusion_pytorch_model.seed.safetensors";
const WHOLE: &str = "diffusion_pytorch_model.safetensors";

/// A copy of the folder of cases `stored` with whole weights, in the build's folder for temporary files. Made once and kept
/// under a name of its content.
pub fn expanded(stored: &Path) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fixtures-{}", digest_of(stored)));
    if !target.is_dir() {
        let beside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        copy_folder(stored, beside.path());
        for model in fs::read_dir(beside.path().join("models")).expect("models").flatten() {
            let unet = model.path().join("unet");
            if unet.join(STORED).is_file() {
                fs::write(unet.join(WHOLE), expand(&unet.join(STORED))).expect("weights");
                fs::remove_file(unet.join(STORED)).expect("a file of ours");
            }
        }
        // Where another test was faster, its folder stands and this one goes.
        let _ = fs::rename(beside.path(), &target);
    }
    target
}

/// The bytes of the weights that the file stands for.
///
/// Panics where they are not those that were stored.
fn expand(path: &Path) -> Vec<u8> {
    let stored = fs::read(path).expect("stored weights");
    let (_, header) = SafeTensors::read_metadata(&stored).expect("a header");
    let metadata = header.metadata().clone().expect("metadata");
    let kept = SafeTensors::deserialize(&stored).expect("stored weights");
    let draws: Vec<(String, Vec<usize>)> = serde_json::from_str(&metadata["draws"]).expect("draws");
    let shapes: HashMap<&str, &[usize]> = draws.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
    let mut generator = TorchGenerator::new(metadata["seed"].parse().expect("a seed"));
    let mut weights: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for (name, shape) in &draws {
        let bound = bound(&shapes, name);
        let values = generator.uniform(shape.iter().product(), -bound, bound);
        let bytes = values.into_iter().flat_map(|v| f16::from_f32(v).to_le_bytes()).collect();
        weights.insert(name.clone(), (shape.clone(), bytes));
    }
    for (name, view) in kept.iter() {
        weights.insert(name.to_owned(), (view.shape().to_vec(), view.data().to_vec()));
    }
    let views = weights.iter().map(|(name, (shape, bytes))| {
        (name.as_str(), TensorView::new(Dtype::F16, shape.clone(), bytes).expect("a tensor"))
    });
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = safetensors::serialize(views, Some(format)).expect("weights");
    assert_eq!(hex(&bytes), metadata["sha256"], "{} stands for other weights", path.display());
    bytes
}

/// 1 / sqrt(fan_in), as torch initialises a matrix or a convolution. A bias has the fan_in of its weight.
fn bound(shapes: &HashMap<&str, &[usize]>, name: &str) -> f32 {
    let weight = name.strip_suffix("bias").map_or_else(|| name.to_owned(), |layer| format!("{layer}weight"));
    let inputs: usize = shapes[weight.as_str()][1..].iter().product();
    (1.0 / (inputs as f64).sqrt()) as f32
}

/// A short digest of every file below `folder`.
fn digest_of(folder: &Path) -> String {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.display().to_string());
        hash.update(fs::read(&file).expect("a file"));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
