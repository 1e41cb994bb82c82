#!/usr/bin/env python3
"""The U-Net of a model folder in plain torch, as the other side of card.py: torch_unet.py FOLDER SIDE [--device cuda]
[--check]

Needs torch alone. Reads one word per line, and prints the seconds of one guided step (a batch of two) at latents of SIDE:
`plain`, or `compiled` by torch.compile; fp16 and channels-last on a card, f32 on the processor. Ends with status 2 where
there is no such device.
--check instead prints the distance (relative L2) from diffusers, f32 on the processor; needs diffusers."""
import argparse, json, math, pathlib, struct, sys, time

import torch
from torch.nn import functional as F


def tensors(path, device="cpu", dtype=torch.float32):
    """The weights of a safetensors file in f16 or f32."""
    kinds = {"F16": torch.float16, "F32": torch.float32}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        start, found = file.tell(), {}
        header.pop("__metadata__", None)
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            whole = torch.frombuffer(bytearray(file.read(end - begin)), dtype=kinds[entry["dtype"]])
            found[name] = whole.reshape(entry["shape"]).to(device, dtype)
    return found


class UNet:
    """A denoising network of Stable Diffusion's kind: `weights` by diffusers' names, and its configuration."""

    def __init__(self, weights, config):
        self.w, self.config, self.groups = weights, config, config["norm_num_groups"]
        levels = len(config["block_out_channels"])
        spread = lambda value: list(value) if isinstance(value, (list, tuple)) else [value] * levels
        self.heads = spread(config.get("num_attention_heads") or config["attention_head_dim"])

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def conv(self, name, x, stride=1):
        weight = self.w[name + ".weight"]
        return F.conv2d(x, weight, self.w[name + ".bias"], stride, weight.shape[-1] // 2)

    def group_norm(self, name, x, eps):
        return F.group_norm(x, self.groups, self.w[name + ".weight"], self.w[name + ".bias"], eps)

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"])

    def resnet(self, name, x, time):
        h = self.conv(name + ".conv1", F.silu(self.group_norm(name + ".norm1", x, self.config["norm_eps"])))
        h = h + self.linear(name + ".time_emb_proj", F.silu(time))[:, :, None, None]
        h = self.conv(name + ".conv2", F.silu(self.group_norm(name + ".norm2", h, self.config["norm_eps"])))
        return h + (self.conv(name + ".conv_shortcut", x) if name + ".conv_shortcut.weight" in self.w else x)

    def attention(self, name, x, source, heads):
        split = lambda y: y.unflatten(-1, (heads, -1)).transpose(1, 2)
        q, k, v = (split(self.linear(f"{name}.to_{part}", y)) for part, y in (("q", x), ("k", source), ("v", source)))
        return self.linear(name + ".to_out.0", F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def transformer(self, name, x, text, heads):
        size, pointwise = x.shape[2:], self.w[name + ".proj_in.weight"].dim() == 4
        h = self.group_norm(name + ".norm", x, 1e-6)
        h = self.conv(name + ".proj_in", h).flatten(2).mT if pointwise else self.linear(name + ".proj_in", h.flatten(2).mT)
        block = 0
        while (inner := f"{name}.transformer_blocks.{block}") + ".norm1.weight" in self.w:
            normed = self.layer_norm(inner + ".norm1", h)
            h = h + self.attention(inner + ".attn1", normed, normed, heads)
            h = h + self.attention(inner + ".attn2", self.layer_norm(inner + ".norm2", h), text, heads)
            value, gate = self.linear(inner + ".ff.net.0.proj", self.layer_norm(inner + ".norm3", h)).chunk(2, -1)
            h = h + self.linear(inner + ".ff.net.2", value * F.gelu(gate))
            block += 1
        if pointwise:
            return x + self.conv(name + ".proj_out", h.mT.unflatten(2, size))
        return x + self.linear(name + ".proj_out", h).mT.unflatten(2, size)

    def waves(self, times, width):
        """Sines and cosines of times, cosines first."""
        rates = torch.exp(torch.arange(width // 2, device=times.device) * (-math.log(10000) / (width // 2)))
        angles = times.float()[..., None] * rates
        return torch.cat([angles.cos(), angles.sin()], -1).to(self.w["conv_in.weight"].dtype)

    def embedding(self, name, x):
        return self.linear(name + ".linear_2", F.silu(self.linear(name + ".linear_1", x)))

    def stage(self, name, x, time, text, heads, layer):
        x = self.resnet(f"{name}.resnets.{layer}", x, time)
        inner = f"{name}.attentions.{layer}"
        return self.transformer(inner, x, text, heads) if inner + ".norm.weight" in self.w else x

    def __call__(self, x, moment, text, pooled=None, sizes=None):
        time = self.embedding("time_embedding", self.waves(moment, self.config["block_out_channels"][0]))
        if self.config.get("addition_embed_type") == "text_time":
            added = self.waves(sizes, self.config["addition_time_embed_dim"]).flatten(1)
            time = time + self.embedding("add_embedding", torch.cat([pooled, added], -1))
        levels, layers = len(self.heads), self.config["layers_per_block"]
        x = self.conv("conv_in", x)
        kept = [x]
        for level in range(levels):
            for layer in range(layers):
                x = self.stage(f"down_blocks.{level}", x, time, text, self.heads[level], layer)
                kept.append(x)
            if level + 1 < levels:
                x = self.conv(f"down_blocks.{level}.downsamplers.0.conv", x, 2)
                kept.append(x)
        x = self.stage("mid_block", x, time, text, self.heads[-1], 0)
        x = self.resnet("mid_block.resnets.1", x, time)
        for level in range(levels):
            for layer in range(layers + 1):
                x = torch.cat([x, kept.pop()], 1)
                x = self.stage(f"up_blocks.{level}", x, time, text, self.heads[-1 - level], layer)
            if level + 1 < levels:
                x = self.conv(f"up_blocks.{level}.upsamplers.0.conv", F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv("conv_out", F.silu(self.group_norm("conv_norm_out", x, self.config["norm_eps"])))


def inputs(config, side, device, dtype):
    """Noise, a moment and made-up texts for two samples."""
    draw = lambda *shape: torch.randn(shape, generator=torch.Generator().manual_seed(7)).to(device, dtype)
    found = [draw(2, config["in_channels"], side, side), torch.tensor([500, 500], device=device),
             draw(2, 77, config["cross_attention_dim"])]
    if config.get("addition_embed_type") == "text_time":
        width = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
        found += [draw(2, width), torch.tensor([[8.0 * side, 8 * side, 0, 0, 8 * side, 8 * side]] * 2, device=device)]
    return found


@torch.inference_mode()
def check(folder, side):
    """The distance from diffusers, over the same weights in f32."""
    from diffusers import UNet2DConditionModel
    theirs = UNet2DConditionModel.from_pretrained(folder).float().eval()
    x, moment, text, *added = inputs(theirs.config, side, "cpu", torch.float32)
    conditions = dict(zip(("text_embeds", "time_ids"), added))
    want = theirs(x, moment, text, added_cond_kwargs=conditions).sample
    found = UNet(theirs.state_dict(), dict(theirs.config))(x, moment, text, *added)
    print(((found - want).norm() / want.norm()).item())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("side", type=int)
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--check", action="store_true")
    options = arguments.parse_args()
    if options.check:
        return check(options.folder / "unet", options.side)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no graphics card here", file=sys.stderr)
        sys.exit(2)
    dtype = torch.float16 if options.device == "cuda" else torch.float32
    config = json.loads((options.folder / "unet/config.json").read_text())
    weights = tensors(options.folder / "unet/diffusion_pytorch_model.safetensors", options.device, dtype)
    weights = {name: w.to(memory_format=torch.channels_last) if w.dim() == 4 else w for name, w in weights.items()}
    given = inputs(config, options.side, options.device, dtype)
    given[0] = given[0].to(memory_format=torch.channels_last)
    plain = UNet(weights, config)
    kinds = {"plain": plain, "compiled": torch.compile(plain.__call__)}
    for line in sys.stdin:
        begun = time.perf_counter()
        with torch.inference_mode():
            kinds[line.strip()](*given).cpu()  # read back, as ours is: a card has only then done it
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main()
