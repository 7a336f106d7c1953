//! A bundle larger than any memory passes through a little of it. One test, so that the process is its own.

use std::io::{self, Read};
use std::thread;

use dam_core::app::{HookName, describe};
use dam_core::bundle::{BundleApp, StreamedBundle, write};
use dam_core::event::Silent;
use dam_core::meta::KeptMeta;
use dam_oci::{Descriptor, Digest, Hasher, Image, Manifest, Reference, media_type};
use serde_json::json;

/// The layer that is passed over, and the one that is read, in bytes.
const SIZES: [u64; 2] = [1536 << 20, 512 << 20];
/// The most memory the process may ever have had, in bytes.
const LIMIT: u64 = 64 << 20;

/// Bytes that no compression makes smaller: a block of noise, numbered.
struct Noise {
    block: Vec<u8>,
    count: u64,
    at: usize,
    left: u64,
}

impl Noise {
    fn new(size: u64) -> Self {
        let mut state = size;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        Self { block: (0..64 << 10).map(|_| byte()).collect(), count: 0, at: 0, left: size }
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            self.count += 1;
            self.block[..8].copy_from_slice(&self.count.to_le_bytes());
            self.at = 0;
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = buffer.len().min(self.block.len() - self.at).min(left);
        buffer[..count].copy_from_slice(&self.block[self.at..self.at + count]);
        self.at += count;
        self.left -= count as u64;
        Ok(count)
    }
}

/// An image whose layers are made up while they are read.
struct NoiseImage {
    bytes: Vec<u8>,
    manifest: Manifest,
    config: Vec<u8>,
}

impl NoiseImage {
    fn new() -> Self {
        let layer = |size: u64| {
            let mut hasher = Hasher::default();
            io::copy(&mut io::BufReader::with_capacity(1 << 20, Noise::new(size)), &mut hasher).expect("memory");
            Descriptor::new(media_type::LAYER, hasher.finish(), size)
        };
        let layers = SIZES.map(layer).to_vec();
        let diff_ids: Vec<Digest> = layers.iter().map(|layer| layer.digest).collect();
        let rootfs = json!({ "type": "layers", "diff_ids": diff_ids });
        let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs }).to_string().into_bytes();
        let manifest = Manifest::new(Descriptor::of(media_type::CONFIG, &config), layers);
        Self { bytes: manifest.to_bytes(), manifest, config }
    }
}

impl Image for NoiseImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        match blob.digest == self.manifest.config.digest {
            true => Ok(Box::new(&self.config[..])),
            false => Ok(Box::new(Noise::new(blob.size))),
        }
    }
}

fn bundled(image: NoiseImage) -> BundleApp {
    let reference: Reference = "noise:1.0".parse().expect("a reference");
    let hooks = vec![HookName::Install, HookName::Uninstall];
    let meta = KeptMeta { digest: Digest::of(b""), hooks, description: None };
    let app = describe(&reference, &Default::default(), &meta).expect("an app");
    BundleApp { app, meta: meta.digest, image: Box::new(image) }
}

/// Returns the most memory this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[test]
fn two_gigabytes_pass_through_little_memory() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let app = bundled(NoiseImage::new());
    let sender = thread::spawn(move || write(&[app], writer, &Silent).map(drop));
    let streamed = StreamedBundle::open("standard input", Box::new(reader)).expect("a sound bundle");
    let (bundle, rest) = streamed.into_parts();
    let image = &bundle.apps()[0].image;
    let mut passed = 0;
    dam_oci::visit_blobs(&**image, &image.manifest().layers[1..], &mut |_, layer| {
        passed += io::copy(layer, &mut io::sink()).map_err(dam_oci::Error::stream("layer"))?;
        Ok(())
    })
    .expect("a sound layer");
    assert_eq!(passed, SIZES[1]);
    rest.finish().expect("a whole stream");
    sender.join().expect("no panic").expect("a sound bundle");
    assert!(peak() < LIMIT, "{} MB", peak() >> 20);
}
