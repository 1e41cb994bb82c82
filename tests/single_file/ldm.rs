//! LDM's names for the weights of diffusers networks: blocks are numbered in the order in which they run.
//!
//! Separate from the tests: the inverse of the program's own tables, written independently of them.

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a number"))
}

/// LDM's U-Net: on the way down, a level has `layers` resnet blocks and a downsampler; on the way up, it has one resnet block
/// more, and the last block upsamples. `attends` says which up blocks have attention.
pub fn unet_name(name: &str, layers: usize, attends: &[bool]) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let rest = |from: usize| parts[from..].join(".");
    match parts[..] {
        ["conv_in", kind] => format!("input_blocks.0.0.{kind}"),
        ["conv_norm_out", kind] => format!("out.0.{kind}"),
        ["conv_out", kind] => format!("out.2.{kind}"),
        ["add_embedding", "linear_1", kind] => format!("label_emb.0.0.{kind}"),
        ["add_embedding", "linear_2", kind] => format!("label_emb.0.2.{kind}"),
        ["time_embedding", "linear_1", kind] => format!("time_embed.0.{kind}"),
        ["time_embedding", "linear_2", kind] => format!("time_embed.2.{kind}"),
        ["mid_block", "resnets", i, ..] => format!("middle_block.{}.{}", 2 * number(i), resnet(&rest(3))),
        ["mid_block", "attentions", ..] => format!("middle_block.1.{}", rest(3)),
        ["down_blocks", level, "downsamplers", ..] => {
            format!("input_blocks.{}.0.op.{}", (number(level) + 1) * (layers + 1), rest(5))
        }
        ["down_blocks", level, kind, i, ..] => {
            let block = 1 + number(level) * (layers + 1) + number(i);
            match kind {
                "resnets" => format!("input_blocks.{block}.0.{}", resnet(&rest(4))),
                _ => format!("input_blocks.{block}.1.{}", rest(4)),
            }
        }
        ["up_blocks", level, "upsamplers", ..] => {
            let place = if attends[number(level)] { 2 } else { 1 };
            format!("output_blocks.{}.{place}.conv.{}", number(level) * (layers + 1) + layers, rest(5))
        }
        ["up_blocks", level, kind, i, ..] => {
            let block = number(level) * (layers + 1) + number(i);
            match kind {
                "resnets" => format!("output_blocks.{block}.0.{}", resnet(&rest(4))),
                _ => format!("output_blocks.{block}.1.{}", rest(4)),
            }
        }
        _ => panic!("{name} has no name in LDM"),
    }
}

/// The layers of LDM's resnet block.
fn resnet(name: &str) -> String {
    let (layer, kind) = name.split_once('.').expect("a layer");
    let layer = match layer {
        "norm1" => "in_layers.0",
        "conv1" => "in_layers.2",
        "time_emb_proj" => "emb_layers.1",
        "norm2" => "out_layers.0",
        "conv2" => "out_layers.3",
        "conv_shortcut" => "skip_connection",
        other => panic!("{other}"),
    };
    format!("{layer}.{kind}")
}

/// LDM's autoencoder: levels count from the finest, in the decoder too.
pub fn vae_name(name: &str, levels: usize) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let rest = |from: usize| parts[from..].join(".").replace("conv_shortcut", "nin_shortcut");
    match parts[..] {
        ["quant_conv" | "post_quant_conv", _] | [_, "conv_in" | "conv_out", _] => name.to_owned(),
        [half, "conv_norm_out", kind] => format!("{half}.norm_out.{kind}"),
        [half, "mid_block", "resnets", i, ..] => format!("{half}.mid.block_{}.{}", number(i) + 1, rest(4)),
        [half, "mid_block", "attentions", _, ref inner @ ..] => {
            let layer = match inner[0] {
                "group_norm" => "norm",
                "to_q" => "q",
                "to_k" => "k",
                "to_v" => "v",
                _ => "proj_out",
            };
            format!("{half}.mid.attn_1.{layer}.{}", inner[inner.len() - 1])
        }
        [half, "down_blocks", level, "resnets", i, ..] => format!("{half}.down.{level}.block.{i}.{}", rest(5)),
        [half, "down_blocks", level, ..] => format!("{half}.down.{level}.downsample.{}", rest(5)),
        [half, "up_blocks", level, "resnets", i, ..] => {
            format!("{half}.up.{}.block.{i}.{}", levels - 1 - number(level), rest(5))
        }
        [half, "up_blocks", level, ..] => format!("{half}.up.{}.upsample.{}", levels - 1 - number(level), rest(5)),
        _ => panic!("{name} has no name in LDM"),
    }
}
