//! Generates test pictures of every supported type, and of some unsupported ones.

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use crate::intake::raster::Raster;

/// A synthetic scene whose corners differ.
pub(crate) fn scene(width: usize, height: usize) -> Raster {
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
            let colour = if (u - 0.3).hypot(v - 0.3) < 0.15 {
                [250.0, 210.0, 60.0]
            } else if v > 0.65 + 0.1 * (u * 9.0).sin() {
                [40.0, 110.0 + 60.0 * u, 50.0]
            } else {
                [60.0 + 90.0 * u, 120.0 + 60.0 * v, 230.0 - 80.0 * u]
            };
            rgb.extend(colour.map(|level| level as u8));
        }
    }
    Raster {
        width_px: width,
        height_px: height,
        rgb,
    }
}

/// A picture of one colour.
pub(crate) fn flat(width: usize, height: usize, colour: [u8; 3]) -> Raster {
    Raster {
        width_px: width,
        height_px: height,
        rgb: colour.repeat(width * height),
    }
}

/// Quarters of four colours: red and green above, blue and white below.
pub(crate) fn quarters(width: usize, height: usize) -> Raster {
    let mut raster = flat(width, height, [255; 3]);
    for (at, pixel) in raster.rgb.chunks_exact_mut(3).enumerate() {
        let (right, below) = (at % width * 2 >= width, at / width * 2 >= height);
        pixel.copy_from_slice(match (right, below) {
            (false, false) => &[255, 0, 0],
            (true, false) => &[0, 255, 0],
            (false, true) => &[0, 0, 255],
            (true, true) => &[255, 255, 255],
        });
    }
    raster
}

/// Baseline 4:2:0, as cameras write it.
pub(crate) fn jpeg(raster: &Raster, quality: i32) -> Vec<u8> {
    jpeg_by(raster, PixelFormat::RGB, |compressor| {
        compressor.set_quality(quality)?;
        compressor.set_subsamp(Subsamp::Sub2x2)
    })
}

/// Progressive without chroma subsampling, which takes most memory.
pub(crate) fn progressive_jpeg(raster: &Raster) -> Vec<u8> {
    jpeg_by(raster, PixelFormat::RGB, |compressor| {
        compressor.set_progressive(true)?;
        compressor.set_quality(75)?;
        compressor.set_subsamp(Subsamp::None)
    })
}

pub(crate) fn grey_jpeg(raster: &Raster) -> Vec<u8> {
    jpeg_by(raster, PixelFormat::RGB, |compressor| {
        compressor.set_quality(90)?;
        compressor.set_subsamp(Subsamp::Gray)
    })
}

/// Inverted CMYK, as Photoshop writes it.
pub(crate) fn cmyk_jpeg(raster: &Raster) -> Vec<u8> {
    let pixels = raster.rgb.chunks_exact(3);
    let cmyk = Raster {
        rgb: pixels
            .flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255])
            .collect(),
        ..*raster
    };
    jpeg_by(&cmyk, PixelFormat::CMYK, |compressor| {
        compressor.set_quality(90)?;
        compressor.set_subsamp(Subsamp::None)
    })
}

fn jpeg_by(
    raster: &Raster,
    format: PixelFormat,
    set: impl Fn(&mut Compressor) -> turbojpeg::Result<()>,
) -> Vec<u8> {
    let mut compressor = Compressor::new().expect("a compressor");
    set(&mut compressor).expect("known settings");
    let image = Image {
        pixels: &raster.rgb[..],
        width: raster.width_px,
        pitch: raster.width_px * format.size(),
        height: raster.height_px,
        format,
    };
    compressor.compress_to_vec(image).expect("encoded")
}

/// An EXIF block with only the orientation, 1 to 8.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0]);
    block
}

/// Inserts an EXIF segment at the start.
pub(crate) fn jpeg_with_exif(jpeg: &[u8], exif: &[u8]) -> Vec<u8> {
    let segment = [b"Exif\0\0", exif].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, &segment, &jpeg[2..]].concat()
}

/// Writes a PNG with any colour type and depth, optionally interlaced or with EXIF.
pub(crate) struct Png<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) depth: u8,
    pub(crate) colour: u8,
    pub(crate) is_interlaced: bool,
    /// Rows, each after its filter byte; of an interlaced picture, the rows of each pass.
    pub(crate) rows: &'a [u8],
    pub(crate) exif: Option<Vec<u8>>,
}

impl Png<'_> {
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut head = [self.width.to_be_bytes(), self.height.to_be_bytes()].concat();
        head.extend([self.depth, self.colour, 0, 0, u8::from(self.is_interlaced)]);
        png_chunk(&mut file, b"IHDR", &head);
        if let Some(exif) = &self.exif {
            png_chunk(&mut file, b"eXIf", exif);
        }
        png_chunk(&mut file, b"IDAT", &stored(self.rows));
        png_chunk(&mut file, b"IEND", &[]);
        file
    }
}

/// An 8-bit RGB PNG.
pub(crate) fn png(raster: &Raster, exif: Option<Vec<u8>>) -> Vec<u8> {
    let rows: Vec<u8> = raster
        .rgb
        .chunks_exact(raster.width_px * 3)
        .flat_map(|row| [&[0], row].concat())
        .collect();
    Png {
        width: raster.width_px as u32,
        height: raster.height_px as u32,
        depth: 8,
        colour: 2,
        is_interlaced: false,
        rows: &rows,
        exif,
    }
    .written()
}

/// The Adam7 passes: first column and row, and the distances (PNG specification, 8.1).
const ADAM7: [[usize; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];

/// An interlaced 8-bit RGB PNG.
pub(crate) fn interlaced_png(raster: &Raster) -> Vec<u8> {
    let (width, height) = (raster.width_px, raster.height_px);
    let mut rows = Vec::new();
    for [left, top, across, down] in ADAM7 {
        for y in (top..height).step_by(down) {
            rows.push(0);
            for x in (left..width).step_by(across) {
                let at = (y * width + x) * 3;
                rows.extend_from_slice(&raster.rgb[at..at + 3]);
            }
        }
    }
    Png {
        width: width as u32,
        height: height as u32,
        depth: 8,
        colour: 2,
        is_interlaced: true,
        rows: &rows,
        exif: None,
    }
    .written()
}

pub(crate) fn png_chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let named = [&name[..], data].concat();
    let mut crc = u32::MAX;
    for byte in &named {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(named);
    file.extend((!crc).to_be_bytes());
}

/// A zlib stream without compression (RFC 1950, RFC 1951 3.2.4).
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

/// A lossless WebP.
pub(crate) fn webp(raster: &Raster) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = (raster.width_px as u32, raster.height_px as u32);
    WebPEncoder::new_lossless(&mut file)
        .write_image(&raster.rgb, width, height, ExtendedColorType::Rgb8)
        .expect("encoded");
    file
}

/// Puts the chunks of a simple WebP file behind an extended header with these flags and this size.
pub(crate) fn extended_webp(
    plain: &[u8],
    flags: u8,
    (width, height): (u32, u32),
    exif: &[u8],
) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        body.extend_from_slice(name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(2), 0);
    };
    let mut head = vec![flags, 0, 0, 0];
    head.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    head.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    chunk(b"VP8X", &head);
    body.extend_from_slice(&plain[12..]);
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        body.extend_from_slice(name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend_from_slice(data);
    };
    if !exif.is_empty() {
        chunk(b"EXIF", exif);
    }
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}
