//! Files with weights that are cut, lie or are noise: one sentence each, and no panic.
//!
//! Apart from the tests of files that merely do not fit, because the changes here are made by the hundred.

mod common;

use std::{fs, path::Path};

use burn::tensor::Device;
use sextant::{
    nets::Precision,
    recipe::{Additions, Lora, ModelRef},
    weights::{ModelFiles, changed_weight, load_vae, load_with_additions},
};

/// The sentence of an error, or nothing for a file that opens all the same.
type Opened = Result<(), String>;

/// A kind of file: an example, and how it is opened.
struct Kind {
    name: &'static str,
    example: Vec<u8>,
    open: fn(&Path) -> Opened,
}

fn tiny() -> ModelRef {
    ModelRef::Folder(common::model("tiny-sd15"))
}

fn as_lora(path: &Path) -> Opened {
    let lora = Lora { path: path.to_owned(), weight: 1.0 };
    changed_weight(&tiny(), &[lora], "unet", "conv_in.weight").map(drop).map_err(|e| e.to_string())
}

fn as_vae(path: &Path) -> Opened {
    load_vae(path, 0.18215, &Device::flex()).map(drop).map_err(|e| e.to_string())
}

fn as_checkpoint(path: &Path) -> Opened {
    ModelFiles::open(&ModelRef::Folder(path.to_owned())).map(drop).map_err(|e| e.to_string())
}

fn as_embedding(path: &Path) -> Opened {
    let additions = Additions { embeddings: vec![path.to_owned()], ..Additions::default() };
    let found = load_with_additions(&tiny(), &additions, &Device::flex(), Precision::F32);
    found.map(drop).map_err(|e| e.to_string())
}

/// A checkpoint's header: the tiny U-Net's first tensors under LDM's names.
fn checkpoint() -> Vec<u8> {
    let header = concat!(
        r#"{"model.diffusion_model.input_blocks.0.0.weight":{"dtype":"F16","shape":[4,4,3,3],"data_offsets":[0,288]},"#,
        r#""model.diffusion_model.out.2.weight":{"dtype":"F16","shape":[4,4,3,3],"data_offsets":[288,576]},"#,
        r#""cond_stage_model.transformer.text_model.x":{"dtype":"F32","shape":[1],"data_offsets":[576,580]}}"#,
    );
    with_header(header, 580)
}

fn with_header(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

fn kinds() -> Vec<Kind> {
    let files = common::travelling().join("files");
    let read = |name: &str| fs::read(files.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    vec![
        Kind { name: "lora_kohya", example: read("lora/lora_kohya.safetensors"), open: as_lora },
        Kind { name: "lora_dora", example: read("lora/lora_dora_in.safetensors"), open: as_lora },
        Kind { name: "lora_lokr", example: read("lora/lora_lokr_tucker.safetensors"), open: as_lora },
        Kind { name: "taesd", example: read("vae/taesd_decoder.safetensors"), open: as_vae },
        Kind { name: "vae", example: read("vae/ldm_prefixed.safetensors"), open: as_vae },
        Kind { name: "embedding", example: read("embeddings/two_vec.safetensors"), open: as_embedding },
        Kind { name: "checkpoint", example: checkpoint(), open: as_checkpoint },
    ]
}

/// Opens `bytes` as a file of the kind; fails on a panic and on more than a sentence.
fn try_one(kind: &Kind, folder: &Path, bytes: &[u8], what: &str) -> Opened {
    let path = folder.join(format!("{}.safetensors", kind.name));
    fs::write(&path, bytes).expect("a file");
    let open = kind.open;
    let found = std::panic::catch_unwind(|| open(&path)).unwrap_or_else(|_| panic!("{}, {what}: panics", kind.name));
    if let Err(said) = &found {
        assert!(!said.contains('\n') && said.len() < 1000, "{}, {what}: {said}", kind.name);
        assert!(said.contains(kind.name), "{}, {what}: the sentence does not name the file: {said}", kind.name);
    }
    found
}

#[test]
fn files_that_are_cut_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for kind in kinds() {
        let length = kind.example.len();
        for keep in [0, 1, 7, 8, 9, 40, length / 3, length / 2, length - 5, length - 1] {
            let found = try_one(&kind, folder.path(), &kind.example[..keep], &format!("cut to {keep}"));
            assert!(found.is_err(), "{}, cut to {keep}", kind.name);
        }
        let longer = [&kind.example[..], b"more"].concat();
        assert!(try_one(&kind, folder.path(), &longer, "longer").is_err());
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let tensor = |shape: &str, end: &str| format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}"#);
    for kind in kinds() {
        for name in
            ["conv_in.lora_A.weight", "emb_params", "1.weight", "model.diffusion_model.input_blocks.0.0.weight", "x"]
        {
            for (shape, end, data) in [
                ("[4294967296,4294967296]", "16", 16),
                ("[18446744073709551615,2]", "16", 16),
                ("[1000000000000,0]", "0", 0),
                ("[0]", "0", 0),
                ("[4]", "18446744073709551615", 16),
                ("[4]", "-16", 16),
                ("[2,2]", "999999", 16),
                ("[]", "16", 16),
            ] {
                let header = format!("{{\"{name}\":{}}}", tensor(shape, end));
                let found = try_one(&kind, folder.path(), &with_header(&header, data), &header);
                assert!(found.is_err(), "{}: {header}", kind.name);
            }
        }
        for header in ["{}", "[]", "null", "{\"__metadata__\":{\"a\":\"b\"}}", "{\"a\":{}}", &"[".repeat(10_000)] {
            assert!(
                try_one(&kind, folder.path(), &with_header(header, 0), header).is_err(),
                "{}: {header:.40}",
                kind.name
            );
        }
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for kind in kinds() {
        let header = usize::from_le_bytes(kind.example[..8].try_into().expect("eight bytes"));
        for round in 0..40 {
            let mut bytes = kind.example.clone();
            for _ in 0..=round % 4 {
                let at = 8 + random(header);
                bytes[at] = b"0123456789[]{},:\"aEFwx.-_"[random(25)];
            }
            let _ = try_one(&kind, folder.path(), &bytes, &format!("round {round}"));
        }
    }
}
