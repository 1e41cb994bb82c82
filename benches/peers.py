#!/usr/bin/env python3
"""Sextant against diffusers on the same CPU, in turn, medians: peers.py [--rounds 5] [--sd15] [--scratch FOLDER]

Needs torch, diffusers 0.42.1, transformers and accelerate (pip). Build our side first:
  cargo bench --bench peer --no-run
--sd15 adds a U-Net of Stable Diffusion 1.5's shape with random weights (written once to the scratch folder, 3.5 GB).
Prints ratios ours / theirs; below 1 we are faster. Absolute times are of no use on another machine."""
import argparse, glob, json, os, pathlib, statistics, subprocess, sys, time

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Ours:
    def __init__(self):
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        found = [p for p in glob.glob(str(target / "release/deps/peer-*")) if os.access(p, os.X_OK) and "." not in p.rsplit("/", 1)[1]]
        self.process = subprocess.Popen([max(found, key=os.path.getmtime)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, line):
        time.sleep(0.3)  # torch's threads spin for a while after their work
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def timed(action):
    begun = time.perf_counter()
    with torch.inference_mode():
        action()
    return time.perf_counter() - begun


def pocket(dtype, channels_last):
    pipe = StableDiffusionPipeline.from_pretrained(ROOT / "assets/pocket", torch_dtype=dtype, local_files_only=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    if channels_last:
        pipe.unet.to(memory_format=torch.channels_last)
        pipe.vae.to(memory_format=torch.channels_last)
    def render():
        pipe("a red car on a city street at sunset", num_inference_steps=20, guidance_scale=5.0, width=192, height=192,
             generator=torch.Generator().manual_seed(7), output_type="pt")
    return render


def sd15_folder(scratch):
    folder = scratch / "sd15-shape"
    if not (folder / "unet").is_dir():
        small = ROOT / "tests/fixtures/models/tiny-sd15"
        torch.manual_seed(0)
        unet = UNet2DConditionModel(sample_size=64, block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=768,
                                    attention_head_dim=8)
        # The stand-in text encoder is 32 wide: only its shape is changed here, the U-Net is the real one's.
        subprocess.run(["cp", "-r", str(small), str(folder)], check=True)
        subprocess.run(["rm", "-r", str(folder / "unet"), str(folder / "text_encoder")], check=True)
        unet.save_pretrained(folder / "unet", max_shard_size="20GB")
        from transformers import CLIPTextConfig, CLIPTextModel
        text = json.loads((small / "text_encoder/config.json").read_text())
        text.update(hidden_size=768, intermediate_size=3072, num_attention_heads=12)
        CLIPTextModel(CLIPTextConfig(**text)).save_pretrained(folder / "text_encoder")
    return folder


def guided_step(unet, dtype, channels_last, batched):
    unet = unet.to(dtype)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    unet.to(memory_format=layout)
    x, text = torch.randn(2, 4, 64, 64, dtype=dtype).to(memory_format=layout), torch.randn(2, 77, 768, dtype=dtype)
    def step():
        if batched:
            unet(x, 500, text)
        else:
            for i in range(2):
                unet(x[i:i + 1], 500, text[i:i + 1])
    return step


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--sd15", action="store_true")
    arguments.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp"))
    options = arguments.parse_args()
    torch.set_num_threads(os.cpu_count())
    ours = Ours()

    def table(title, line, peers, extra=()):
        ours.do(line)
        for peer in peers.values():
            timed(peer)
        times = {name: [] for name in ["ours", *peers, *extra]}
        for _ in range(options.rounds):
            times["ours"].append(ours.do(line))
            for name, peer in peers.items():
                times[name].append(timed(peer))
            for name in extra:
                times[name].append(ours.do(name) / ours.do(line))
        median = {name: statistics.median(t) for name, t in times.items()}
        for name in peers:
            print(f"| {title} | diffusers {name} | {median['ours'] / median[name]:.2f} |", flush=True)
        for name in extra:
            print(f"| {title}, with {name} | ours without | {median[name]:.2f} |", flush=True)

    print("| what | against | ratio |\n|---|---|---|")
    ours.do("load pocket")
    peers = {"fp32": pocket(torch.float32, False), "fp32 channels-last": pocket(torch.float32, True),
             "bf16": pocket(torch.bfloat16, False), "bf16 channels-last": pocket(torch.bfloat16, True)}
    table("Pocket, 20 steps, guidance, 192 x 192", "render", peers, ("s-cfg", "sega 1", "sega 3", "snb"))
    if options.sd15:
        folder = sd15_folder(options.scratch)
        ours.do(f"load {folder}")
        load = lambda: UNet2DConditionModel.from_pretrained(folder / "unet")
        table("SD 1.5 U-Net, guided step, 512 x 512", "unet 64",
              {"fp32": guided_step(load(), torch.float32, False, True), "fp32 channels-last": guided_step(load(), torch.float32, True, True)})
        table("SD 1.5 U-Net, guided step, 512 x 512", "unet 64", {"bf16": guided_step(load(), torch.bfloat16, True, True)})
    print(f"\n{options.rounds} rounds in turn, medians; {os.cpu_count()} threads, torch {torch.__version__}", file=sys.stderr)


main()
