// One picture with one map over it.
//
// The whole viewport is drawn with one triangle; what lies outside the picture stays as it is. Maps are read texel by
// texel, so that an element of the latent grid is seen as the square that it is.

struct Uniforms {
    // Where the picture lies in the viewport: left, top, width, height, as shares of the viewport.
    place: vec4f,
    // One screen pixel, as a share of the picture.
    pixel: vec2f,
    // How much of the map covers the picture.
    opacity: f32,
    // The scalar values that the first and the last colour stand for.
    low: f32,
    high: f32,
    mode: u32,
    flags: u32,
    // How many times a difference is enlarged.
    gain: f32,
}

const MODE_PICTURE: u32 = 0u;
const MODE_LABELS: u32 = 1u;
const MODE_SCALAR: u32 = 2u;
// Differences of two pictures, mean over the colours: magnitude in false colours, magnitude in grey, signed in grey.
const MODE_DIFFERENCE: u32 = 3u;
const MODE_DIFFERENCE_GREY: u32 = 4u;
const MODE_DIFFERENCE_SIGNED: u32 = 5u;

const FLAG_OUTLINES: u32 = 1u;
// Show the picture's own texels, not a smooth picture.
const FLAG_TEXELS: u32 = 2u;
// The target converts linear to sRGB by itself.
const FLAG_LINEAR_TARGET: u32 = 4u;

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var picture: texture_2d<f32>;
@group(0) @binding(2) var other: texture_2d<f32>;
@group(0) @binding(3) var smooth_sampler: sampler;
@group(0) @binding(4) var labels: texture_2d<u32>;
@group(0) @binding(5) var scalars: texture_2d<f32>;
// Row 0: a colour for each label; row 1: colours from the lowest to the highest scalar.
@group(0) @binding(6) var colors: texture_2d<f32>;

struct Corner {
    @builtin(position) position: vec4f,
    @location(0) at: vec2f,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Corner {
    let at = vec2f(f32((index << 1u) & 2u), f32(index & 2u));
    return Corner(vec4f(at * vec2f(2.0, -2.0) + vec2f(-1.0, 1.0), 0.0, 1.0), at);
}

fn flag(bit: u32) -> bool {
    return (u.flags & bit) != 0u;
}

fn texel(size: vec2u, uv: vec2f) -> vec2u {
    return min(vec2u(clamp(uv, vec2f(0.0), vec2f(1.0)) * vec2f(size)), size - vec2u(1u));
}

// A texture is never given a second sampler: OpenGL joins each texture with one.
fn sample_picture(source: texture_2d<f32>, uv: vec2f) -> vec3f {
    if flag(FLAG_TEXELS) {
        return textureLoad(source, texel(textureDimensions(source), uv), 0).rgb;
    }
    return textureSampleLevel(source, smooth_sampler, uv, 0.0).rgb;
}

fn label_at(uv: vec2f) -> u32 {
    return textureLoad(labels, texel(textureDimensions(labels), uv), 0).r;
}

fn label_color(label: u32) -> vec4f {
    return textureLoad(colors, vec2u(min(label, 255u), 0u), 0);
}

// The colour at `t`, from the lowest at 0 to the highest at 1.
fn scale_color(t: f32) -> vec4f {
    return textureLoad(colors, vec2u(u32(clamp(t, 0.0, 1.0) * 255.0 + 0.5), 1u), 0);
}

fn scalar_color(uv: vec2f) -> vec4f {
    let value = textureLoad(scalars, texel(textureDimensions(scalars), uv), 0).r;
    return scale_color((value - u.low) / max(u.high - u.low, 1e-12));
}

fn is_outline(uv: vec2f) -> bool {
    let here = label_at(uv);
    let right = label_at(uv + vec2f(u.pixel.x, 0.0));
    let below = label_at(uv + vec2f(0.0, u.pixel.y));
    return here != right || here != below;
}

fn to_linear(c: vec3f) -> vec3f {
    return select(pow((c + 0.055) / 1.055, vec3f(2.4)), c / 12.92, c <= vec3f(0.04045));
}

fn difference(d: vec3f) -> vec3f {
    let third = vec3f(1.0 / 3.0);
    if u.mode == MODE_DIFFERENCE_SIGNED {
        return vec3f(clamp(0.5 + 0.5 * u.gain * dot(d, third), 0.0, 1.0));
    }
    let magnitude = min(u.gain * dot(abs(d), third), 1.0);
    if u.mode == MODE_DIFFERENCE_GREY {
        return vec3f(magnitude);
    }
    return scale_color(magnitude).rgb;
}

fn shade(uv: vec2f) -> vec3f {
    let base = sample_picture(picture, uv);
    if u.mode >= MODE_DIFFERENCE {
        return difference(base - sample_picture(other, uv));
    }
    var color = base;
    if u.mode == MODE_LABELS {
        let over = label_color(label_at(uv));
        color = mix(base, over.rgb, u.opacity * over.a);
    }
    if u.mode == MODE_SCALAR {
        let over = scalar_color(uv);
        color = mix(base, over.rgb, u.opacity * over.a);
    }
    if u.mode != MODE_PICTURE && flag(FLAG_OUTLINES) && is_outline(uv) {
        color = mix(color, vec3f(1.0), 0.75);
    }
    return color;
}

@fragment
fn fragment(corner: Corner) -> @location(0) vec4f {
    let uv = (corner.at - u.place.xy) / u.place.zw;
    if any(uv < vec2f(0.0)) || any(uv >= vec2f(1.0)) {
        discard;
    }
    let color = shade(uv);
    if flag(FLAG_LINEAR_TARGET) {
        return vec4f(to_linear(color), 1.0);
    }
    return vec4f(color, 1.0);
}
