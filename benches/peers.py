#!/usr/bin/env python3
"""Sextant against diffusers on the same CPU, in turn, medians: peers.py [--rounds 5] [--sd15] [--compiled] [--bf16]
[--sdcpp] [--scratch FOLDER]

Needs torch, diffusers 0.42.1, transformers and accelerate (pip). Build our side first:
  cargo bench --bench peer --no-run
--sd15 adds a U-Net of Stable Diffusion 1.5's shape with random weights (written once to the scratch folder, 4.1 GB).
--compiled adds torch.compile (needs a C++ compiler; the first calls take minutes).
bf16 rows are left out where the CPU has no instructions for it (torch then takes minutes a picture); --bf16 asks for them.
--sdcpp adds stable-diffusion.cpp on that model, which it needs under the original names (4.1 GB more in the scratch
folder). Needs stable-diffusion-cpp-python (pip, cmake and a C++ compiler). It knows no U-Net but Stable Diffusion's own
sizes, so Pocket cannot be given to it; a round takes it minutes.
Prints ratios ours / theirs; below 1 we are faster. Absolute times are of no use on another machine."""
import argparse, glob, json, os, pathlib, re, statistics, subprocess, sys, time

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

import shapes

ROOT = pathlib.Path(__file__).resolve().parent.parent


def newest(bench):
    """The program that `cargo bench` last built for a benchmark."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = [p for p in glob.glob(str(target / f"release/deps/{bench}-*")) if os.access(p, os.X_OK) and not p.endswith(".d")]
    if not found:
        sys.exit(f"benches/{bench}.rs is not built yet: cargo bench --bench {bench} --no-run")
    return max(found, key=os.path.getmtime)


class Ours:
    """Our side, `benches/peer.rs`."""

    def __init__(self):
        self.process = subprocess.Popen([newest("peer")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, line):
        time.sleep(0.3)  # torch's threads spin for a while after their work
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(self.process.wait())  # it has said why
        return float(answer)


def timed(action):
    begun = time.perf_counter()
    with torch.inference_mode():
        action()
    return time.perf_counter() - begun


def pocket(dtype, channels_last, compiled=False):
    pipe = StableDiffusionPipeline.from_pretrained(ROOT / "assets/pocket", torch_dtype=dtype, local_files_only=True)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    if channels_last:
        pipe.unet.to(memory_format=torch.channels_last)
        pipe.vae.to(memory_format=torch.channels_last)
    if compiled:
        pipe.unet, pipe.vae.decode = torch.compile(pipe.unet), torch.compile(pipe.vae.decode)
    def render():
        pipe("a red car on a city street at sunset", num_inference_steps=20, guidance_scale=5.0, width=192, height=192,
             generator=torch.Generator().manual_seed(7), output_type="pt")
    return render


def guided_step(unet, dtype, channels_last, compiled=False):
    unet = unet.to(dtype)
    unet = torch.compile(unet) if compiled else unet
    layout = torch.channels_last if channels_last else torch.contiguous_format
    unet.to(memory_format=layout)
    x = torch.randn(2, 4, 64, 64, dtype=dtype).to(memory_format=layout)
    text = torch.randn(2, 77, 768, dtype=dtype)
    def step():
        unet(x, 500, text)
    return step


IN_A_BLOCK = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
              "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
IN_A_MIDDLE = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}


def original_unet_name(name):
    """The name that Stable Diffusion's own code has for a weight of diffusers' U-Net."""
    ends = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
            "conv_norm_out": "out.0", "conv_out": "out.2"}
    stem, kind = name.rsplit(".", 1)
    if stem in ends:
        return f"{ends[stem]}.{kind}"
    inner = lambda rest: ".".join(IN_A_BLOCK.get(part, part) for part in rest.split("."))
    if found := re.fullmatch(r"(down|up)_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.*)", name):
        way, i, what, j, rest = found.groups()
        place = 3 * int(i) + int(j) + (way == "down")
        rest = inner(rest) if what == "resnets" else rest
        return f"{'input' if way == 'down' else 'output'}_blocks.{place}.{int(what == 'attentions')}.{rest}"
    if found := re.fullmatch(r"down_blocks\.(\d)\.downsamplers\.0\.conv\.(.*)", name):
        return f"input_blocks.{3 * int(found[1]) + 3}.0.op.{found[2]}"
    if found := re.fullmatch(r"up_blocks\.(\d)\.upsamplers\.0\.conv\.(.*)", name):
        return f"output_blocks.{3 * int(found[1]) + 2}.{1 if found[1] == '0' else 2}.conv.{found[2]}"
    found = re.fullmatch(r"mid_block\.((?:resnets|attentions)\.\d)\.(.*)", name)
    return f"middle_block.{IN_A_MIDDLE[found[1]]}.{inner(found[2]) if found[1][0] == 'r' else found[2]}"


def original_vae_name(name):
    """The same for the autoencoder."""
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets", lambda m: f"up.{3 - int(m[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{3 - int(m[1])}.upsample", name)
    for ours, theirs in {"mid_block.resnets.0": "mid.block_1", "mid_block.resnets.1": "mid.block_2",
                         "mid_block.attentions.0": "mid.attn_1", "conv_norm_out": "norm_out", "group_norm": "norm",
                         "conv_shortcut": "nin_shortcut", "to_q": "q", "to_k": "k", "to_v": "v",
                         "to_out.0": "proj_out"}.items():
        name = name.replace(ours, theirs)
    return name


def sdcpp_step(folder, scratch):
    """Does a guided step with stable-diffusion.cpp: seconds, by its own progress calls."""
    from safetensors.torch import save_file
    from stable_diffusion_cpp import StableDiffusion
    from transformers import CLIPTextModel
    path = scratch / "sd15-original.safetensors"
    if not path.is_file():
        unet = UNet2DConditionModel.from_pretrained(folder / "unet").state_dict()
        tensors = {"model.diffusion_model." + original_unet_name(name): value for name, value in unet.items()}
        for name, value in AutoencoderKL.from_pretrained(folder / "vae").state_dict().items():
            # Attention in the autoencoder was a convolution.
            matrix = re.search(r"to_(q|k|v|out\.0)\.weight", name)
            tensors["first_stage_model." + original_vae_name(name)] = value[:, :, None, None] if matrix else value
        for name, value in CLIPTextModel.from_pretrained(folder / "text_encoder").state_dict().items():
            name = name if name.startswith("text_model.") else f"text_model.{name}"
            tensors["cond_stage_model.transformer." + name] = value
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)
    model = StableDiffusion(model_path=str(path), n_threads=os.cpu_count(), wtype="f32", verbose=False)
    def step():
        moments = []
        model.generate_image(prompt="a red car", width=512, height=512, sample_steps=3, cfg_scale=5.0, seed=7,
                             progress_callback=lambda *_: moments.append(time.perf_counter()))
        # Between the ends of steps; the last call comes before the autoencoder.
        return statistics.median(b - a for a, b in zip(moments, moments[1:]))
    return step


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--sd15", action="store_true")
    arguments.add_argument("--compiled", action="store_true")
    arguments.add_argument("--bf16", action="store_true")
    arguments.add_argument("--sdcpp", action="store_true")
    arguments.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp"))
    options = arguments.parse_args()
    bf16_rows = options.bf16 or torch.cpu._is_avx512_bf16_supported()
    torch.set_num_threads(os.cpu_count())
    ours = Ours()

    def table(title, line, peers, extra=(), side=None):
        side = side or ours
        side.do(line)
        for peer in peers.values():
            timed(peer)
        times = {name: [] for name in ["ours", *peers, *extra]}
        for _ in range(options.rounds):
            times["ours"].append(side.do(line))
            for name, peer in peers.items():
                times[name].append(timed(peer))
            for name in extra:
                times[name].append(side.do(name) / side.do(line))
        median = {name: statistics.median(t) for name, t in times.items()}
        for name in peers:
            print(f"| {title} | diffusers {name} | {median['ours'] / median[name]:.2f} |", flush=True)
        for name in extra:
            print(f"| {title}, with {name} | ours without | {median[name]:.2f} |", flush=True)

    print("| what | against | ratio |\n|---|---|---|")
    ours.do("load pocket")
    peers = {"fp32": pocket(torch.float32, False), "fp32 channels-last": pocket(torch.float32, True)}
    if options.compiled:
        peers["fp32 compiled"] = pocket(torch.float32, False, True)
    if bf16_rows:
        peers["bf16"], peers["bf16 channels-last"] = pocket(torch.bfloat16, False), pocket(torch.bfloat16, True)
        if options.compiled:
            peers["bf16 compiled"] = pocket(torch.bfloat16, False, True)
    table("Pocket, 20 steps, guidance, 192 x 192", "render", peers, ("s-cfg", "sega 1", "sega 3", "snb"))
    if bf16_rows:
        short = Ours()
        short.do("load pocket bf16")
        peers = {name: peer for name, peer in peers.items() if name.startswith("bf16")}
        table("Pocket, ours with --precision bf16", "render", {**peers, "fp32": pocket(torch.float32, False)}, side=short)
    if options.sd15 or options.sdcpp:
        folder = shapes.at(options.scratch / "sd15-shape", shapes.sd15)
        ours.do(f"load {folder}")
        load = lambda: UNet2DConditionModel.from_pretrained(folder / "unet")
        table("SD 1.5 U-Net, guided step, 512 x 512", "unet 64",
              {"fp32": guided_step(load(), torch.float32, False), "fp32 channels-last": guided_step(load(), torch.float32, True)})
        if bf16_rows:
            bf16 = guided_step(load(), torch.bfloat16, True)
            table("SD 1.5 U-Net, guided step, 512 x 512", "unet 64", {"bf16": bf16})
            short.do(f"load {folder} bf16")
            table("SD 1.5 U-Net, guided step, ours with --precision bf16", "unet 64", {"bf16": bf16}, side=short)
        if options.compiled:
            table("SD 1.5 U-Net, guided step, 512 x 512", "unet 64", {"fp32 compiled": guided_step(load(), torch.float32, False, True)})
        if options.compiled and bf16_rows:
            table("SD 1.5 U-Net, guided step, 512 x 512", "unet 64", {"bf16 compiled": guided_step(load(), torch.bfloat16, False, True)})
    if options.sdcpp:
        step = sdcpp_step(folder, options.scratch)
        ours.do("unet 64")
        pairs = [ours.do("unet 64") / step() for _ in range(options.rounds)]
        print(f"| SD 1.5 U-Net, guided step, 512 x 512 | stable-diffusion.cpp fp32 | {statistics.median(pairs):.2f} |", flush=True)
    print(f"\n{options.rounds} rounds in turn, medians; {os.cpu_count()} threads, torch {torch.__version__}", file=sys.stderr)


if __name__ == "__main__":
    main()
