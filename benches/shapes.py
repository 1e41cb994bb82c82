#!/usr/bin/env python3
"""Model folders of Stable Diffusion's sizes with random weights, to measure time and memory by:
  shapes.py sd15|sdxl FOLDER
  shapes.py sd15|sdxl --names FILE.json.gz

Needs torch, diffusers and transformers (pip). Everything has its real size but the vocabulary, which is the small one of
the tests. SD 1.5 takes 4.1 GB, SDXL 13.3 GB, f32; SDXL also so much memory while it is made.
--names writes the configurations and the names and shapes of all weights instead: card.py makes a folder of them where
there is no diffusers. benches/shapes/ holds both."""
import gzip, json, pathlib, shutil, sys, tempfile

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, PNDMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

SMALL = pathlib.Path(__file__).resolve().parent.parent / "tests/fixtures/models/tiny-sd15"
LARGE = CLIPTextConfig(vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
                       num_attention_heads=12)
HUGE = CLIPTextConfig(vocab_size=49408, hidden_size=1280, intermediate_size=5120, num_hidden_layers=32,
                      num_attention_heads=20, projection_dim=1280, hidden_act="gelu")


def vae(scaling_factor):
    down, up = ["DownEncoderBlock2D"] * 4, ["UpDecoderBlock2D"] * 4
    return AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4,
                         down_block_types=down, up_block_types=up, scaling_factor=scaling_factor)


def sd15_unet():
    return UNet2DConditionModel(sample_size=64, block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=768,
                                attention_head_dim=8)


def sdxl_unet():
    return UNet2DConditionModel(
        sample_size=128, block_out_channels=(320, 640, 1280), cross_attention_dim=2048, attention_head_dim=(5, 10, 20),
        transformer_layers_per_block=(1, 2, 10), use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))


def names(file, pipeline, parts, tokenizers):
    """Writes what a folder consists of, without weights."""
    index, files = {"_class_name": pipeline}, {}
    for name, make in parts.items():
        with torch.device("cpu" if name == "scheduler" else "meta"):
            part = make()
        text, scheduler = name.startswith("text"), name == "scheduler"
        index[name] = ["transformers" if text else "diffusers", type(part).__name__]
        with tempfile.TemporaryDirectory() as folder:
            (part.config if text else part).save_pretrained(folder) if text or scheduler else part.save_config(folder)
            config = "scheduler_config.json" if scheduler else "config.json"
            files[f"{name}/{config}"] = json.loads((pathlib.Path(folder) / config).read_text())
        if not scheduler:
            weights = f"{name}/{'model' if text else 'diffusion_pytorch_model'}.safetensors"
            files[weights] = {key: list(value.shape) for key, value in part.state_dict().items()}
    index |= {name: ["transformers", "CLIPTokenizer"] for name in tokenizers}
    text = json.dumps({"model_index.json": index, **files}, separators=(",", ":"))
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def write(folder, pipeline, parts, tokenizers):
    """Writes each part, made only then: two of them do not fit everywhere."""
    if folder.suffix == ".gz":
        return names(folder, pipeline, parts, tokenizers)
    index = {"_class_name": pipeline}
    for name, make in parts.items():
        torch.manual_seed(0)
        part = make()
        part.save_pretrained(folder / name, **({"max_shard_size": "20GB"} if name == "unet" else {}))
        library = "transformers" if name.startswith("text") else "diffusers"
        index[name] = [library, type(part).__name__]
        del part
    for name in tokenizers:
        shutil.copytree(SMALL / "tokenizer", folder / name)
        index[name] = ["transformers", "CLIPTokenizer"]
    # Last, so that a folder that was left half way does not pass for a whole one.
    (folder / "model_index.json").write_text(json.dumps(index))


def sd15(folder):
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    parts = {"unet": sd15_unet, "vae": lambda: vae(0.18215), "text_encoder": lambda: CLIPTextModel(LARGE),
             "scheduler": lambda: PNDMScheduler(**betas, steps_offset=1, skip_prk_steps=True, set_alpha_to_one=False)}
    write(folder, "StableDiffusionPipeline", parts, ["tokenizer"])


def sdxl(folder):
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    parts = {"unet": sdxl_unet, "vae": lambda: vae(0.13025), "text_encoder": lambda: CLIPTextModel(LARGE),
             "text_encoder_2": lambda: CLIPTextModelWithProjection(HUGE),
             "scheduler": lambda: EulerDiscreteScheduler(**betas, steps_offset=1)}
    write(folder, "StableDiffusionXLPipeline", parts, ["tokenizer", "tokenizer_2"])


def at(folder, make):
    """The folder, made where it is not there yet."""
    if not (folder / "model_index.json").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
    return folder


if __name__ == "__main__":
    kinds = {"sd15": sd15, "sdxl": sdxl}
    match sys.argv[1:]:
        case [kind, "--names", file] if kind in kinds and file.endswith(".gz"):
            kinds[kind](pathlib.Path(file))
        case [kind, folder] if kind in kinds:
            at(pathlib.Path(folder), kinds[kind])
        case _:
            raise SystemExit(__doc__)
