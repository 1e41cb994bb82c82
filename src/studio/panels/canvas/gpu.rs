//! The canvas on the GPU: one callback a view, its textures uploaded when what it shows changes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use eframe::egui_wgpu::{CallbackResources, CallbackTrait, ScreenDescriptor, wgpu};
use egui::{PaintCallbackInfo, Rect};

use crate::studio::view::{
    compare::DifferenceAs,
    maps::{Maps, Source},
    overlay::Overlay,
};

const MODE_PICTURE: u32 = 0;
const MODE_LABELS: u32 = 1;
const MODE_SCALAR: u32 = 2;
const MODE_DIFFERENCE: u32 = 3;
const MODE_DIFFERENCE_GREY: u32 = 4;
const MODE_DIFFERENCE_SIGNED: u32 = 5;
const FLAG_OUTLINES: u32 = 1;
const FLAG_TEXELS: u32 = 2;
const FLAG_LINEAR_TARGET: u32 = 4;
const UNIFORM_BYTES: u64 = 48;
/// From this magnification on, texels are shown as squares.
const TEXEL_ZOOM: f32 = 6.0;

/// One view of the canvas in one frame.
pub struct CanvasPaint {
    /// Tells views apart; each keeps its own textures.
    pub key: u64,
    pub format: wgpu::TextureFormat,
    pub source: Arc<Source>,
    /// The callback's rectangle and where the picture lies in it, in points.
    pub area: Rect,
    pub placed: Rect,
    pub pixels_per_point: f32,
    pub opacity: f32,
    pub outlines: bool,
    pub difference: DifferenceAs,
    pub gain: f32,
}

/// What the views share, and what each holds.
struct Shared {
    format: wgpu::TextureFormat,
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    smooth: wgpu::Sampler,
    views: HashMap<u64, Held>,
}

struct Held {
    source: Arc<Source>,
    uniforms: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
    mode: u32,
    low: f32,
    high: f32,
}

impl CallbackTrait for CanvasPaint {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if !resources.get::<Shared>().is_some_and(|shared| shared.format == self.format) {
            resources.insert(Shared::new(device, self.format));
        }
        let Some(shared) = resources.get_mut::<Shared>() else { return Vec::new() };
        let fresh = shared.views.get(&self.key).is_some_and(|held| held.source.same(&self.source));
        if !fresh {
            match shared.hold(device, queue, self.source.clone()) {
                Some(held) => drop(shared.views.insert(self.key, held)),
                None => {
                    shared.views.remove(&self.key);
                    return Vec::new();
                }
            }
        }
        if let Some(held) = shared.views.get(&self.key) {
            queue.write_buffer(&held.uniforms, 0, &self.uniforms(held));
        }
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(shared) = resources.get::<Shared>() else { return };
        let Some(held) = shared.views.get(&self.key) else { return };
        pass.set_pipeline(&shared.pipeline);
        pass.set_bind_group(0, &held.bind_group, &[]);
        pass.draw(0..3, 0..1);
    }
}

impl CanvasPaint {
    /// A difference can be looked at in several ways without another upload.
    fn mode(&self, held: &Held) -> u32 {
        match (held.mode, self.difference) {
            (MODE_DIFFERENCE, DifferenceAs::Absolute) => MODE_DIFFERENCE_GREY,
            (MODE_DIFFERENCE, DifferenceAs::Signed) => MODE_DIFFERENCE_SIGNED,
            (mode, _) => mode,
        }
    }

    fn uniforms(&self, held: &Held) -> [u8; UNIFORM_BYTES as usize] {
        let offset = (self.placed.min - self.area.min) / self.area.size();
        let extent = self.placed.size() / self.area.size();
        let pixel = egui::Vec2::splat(1.0 / self.pixels_per_point) / self.placed.size();
        let magnification = self.placed.width() * self.pixels_per_point / self.source.picture.width.max(1) as f32;
        let mut flags = 0;
        flags |= if self.outlines { FLAG_OUTLINES } else { 0 };
        flags |= if magnification >= TEXEL_ZOOM { FLAG_TEXELS } else { 0 };
        flags |= if self.format.is_srgb() { FLAG_LINEAR_TARGET } else { 0 };
        let numbers = [offset.x, offset.y, extent.x, extent.y, pixel.x, pixel.y, self.opacity, held.low, held.high]
            .map(f32::to_bits);
        let words = numbers.into_iter().chain([self.mode(held), flags, self.gain.to_bits()]);
        let mut bytes = [0; UNIFORM_BYTES as usize];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}

impl Shared {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("canvas"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../../../shaders/canvas.wgsl").into()),
        });
        let layout = bind_group_layout(device);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("canvas"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("canvas"),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vertex"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fragment"),
                compilation_options: Default::default(),
                targets: &[Some(format.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        let filter = wgpu::FilterMode::Linear;
        let smooth = device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: filter,
            min_filter: filter,
            ..Default::default()
        });
        Self { format, pipeline, layout, smooth, views: HashMap::new() }
    }

    /// Uploads what `source` shows; `None`, said once in the log, when the GPU cannot take pictures of that size.
    fn hold(&self, device: &wgpu::Device, queue: &wgpu::Queue, source: Arc<Source>) -> Option<Held> {
        let limit = device.limits().max_texture_dimension_2d as usize;
        if source.picture.width > limit || source.picture.height > limit || source.picture.rgb.is_empty() {
            static SAID: AtomicBool = AtomicBool::new(false);
            if !SAID.swap(true, Ordering::Relaxed) {
                log::error!("canvas: a picture of {:?} does not fit the GPU's textures ({limit})", source.picture);
            }
            return None;
        }
        let maps = source.maps();
        let upload = |format, size, bytes: &[u8]| texture(device, queue, format, size, bytes);
        let picture = upload(RGBA, size_of(&source.picture), &rgba(&source.picture.rgb));
        let other = source.other.as_ref().unwrap_or(&source.picture);
        let other = upload(RGBA, size_of(other), &rgba(&other.rgb));
        let labels = match &maps.labels {
            Some(plane) => upload(wgpu::TextureFormat::R8Uint, [plane.width, plane.height], &plane.values),
            None => upload(wgpu::TextureFormat::R8Uint, [1, 1], &[0]),
        };
        let scalars = match &maps.scalar {
            Some(s) => upload(wgpu::TextureFormat::R32Float, [s.plane.width, s.plane.height], &floats(&s.plane.values)),
            None => upload(wgpu::TextureFormat::R32Float, [1, 1], &floats(&[0.0])),
        };
        let colors = upload(RGBA, [256, 2], &tables(&maps));
        let uniforms = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("canvas"),
            size: UNIFORM_BYTES,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let views = [&picture, &other, &labels, &scalars, &colors];
        let bind_group = self.bind(device, &uniforms, views);
        let (low, high) = maps.scalar.as_ref().map_or((0.0, 1.0), |s| (s.low, s.high));
        let mode = mode(&source, &maps);
        Some(Held { source, uniforms, bind_group, mode, low, high })
    }

    fn bind(&self, device: &wgpu::Device, uniforms: &wgpu::Buffer, views: [&wgpu::TextureView; 5]) -> wgpu::BindGroup {
        let [picture, other, labels, scalars, colors] = views.map(wgpu::BindingResource::TextureView);
        let resources = [
            uniforms.as_entire_binding(),
            picture,
            other,
            wgpu::BindingResource::Sampler(&self.smooth),
            labels,
            scalars,
            colors,
        ];
        let entries: Vec<_> =
            (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas"),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

const RGBA: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

fn mode(source: &Source, maps: &Maps) -> u32 {
    match (source.other.is_some(), maps.scalar.is_some(), maps.labels.is_some()) {
        (true, ..) => MODE_DIFFERENCE,
        _ if source.overlay == Overlay::Picture => MODE_PICTURE,
        (_, true, _) => MODE_SCALAR,
        (_, _, true) => MODE_LABELS,
        _ => MODE_PICTURE,
    }
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    use wgpu::{BindingType, SamplerBindingType, TextureSampleType, TextureViewDimension};
    let map = |sample_type| BindingType::Texture {
        sample_type,
        view_dimension: TextureViewDimension::D2,
        multisampled: false,
    };
    let smooth = TextureSampleType::Float { filterable: true };
    let exact = TextureSampleType::Float { filterable: false };
    let uniform = BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: std::num::NonZeroU64::new(UNIFORM_BYTES),
    };
    let kinds = [
        uniform,
        map(smooth),
        map(smooth),
        BindingType::Sampler(SamplerBindingType::Filtering),
        map(TextureSampleType::Uint),
        map(exact),
        map(exact),
    ];
    let entries: Vec<_> = (0..)
        .zip(kinds)
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        })
        .collect();
    let label = Some("canvas");
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries })
}

/// A texture with `bytes` in it, row after row.
fn texture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    format: wgpu::TextureFormat,
    [width, height]: [usize; 2],
    bytes: &[u8],
) -> wgpu::TextureView {
    let size = wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("canvas"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let row = (bytes.len() / height.max(1)) as u32;
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None };
    queue.write_texture(texture.as_image_copy(), bytes, layout, size);
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

fn size_of(picture: &crate::tensor::Picture) -> [usize; 2] {
    [picture.width, picture.height]
}

fn rgba(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

fn tables(maps: &Maps) -> Vec<u8> {
    let colors = maps.label_colors.iter().chain(&maps.scalar_colors);
    colors.flat_map(|c| c.to_srgba_unmultiplied()).collect()
}
