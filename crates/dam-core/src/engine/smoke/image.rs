//! The program as an image.

use std::io::Read;

use dam_oci::{Descriptor, Digest, Image, Manifest, media_type};
use dam_pack::Architecture;
use serde_json::json;

use super::program;

/// An image of one file, which is its command.
#[derive(Debug, Clone)]
pub struct SmokeImage {
    manifest: Manifest,
    bytes: Vec<u8>,
    blobs: [Vec<u8>; 2],
}

/// The file, and the command.
const FILE: &str = "dam-smoke";

impl SmokeImage {
    /// Makes the image for a processor; none for [`Architecture::All`]. The same each time, byte for byte.
    pub fn new(architecture: Architecture) -> Option<Self> {
        let layer = layer(&program(architecture)?);
        let config = config(architecture, Digest::of(&layer));
        let manifest =
            Manifest::new(Descriptor::of(media_type::CONFIG, &config), vec![Descriptor::of(media_type::LAYER, &layer)]);
        Some(Self { bytes: manifest.to_bytes(), manifest, blobs: [config, layer] })
    }
}

impl Image for SmokeImage {
    fn manifest_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open_unverified(&self, blob: &Descriptor) -> dam_oci::Result<Box<dyn Read + Send + '_>> {
        let found = self.blobs.iter().find(|bytes| Digest::of(bytes) == blob.digest);
        let bytes = found.ok_or(dam_oci::Error::MissingBlob { digest: blob.digest })?;
        Ok(Box::new(bytes.as_slice()))
    }
}

fn layer(program: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    header.set_mtime(0);
    tar.append_data(&mut header, FILE, program).expect("memory takes everything");
    tar.into_inner().expect("memory takes everything")
}

/// Writes the config by hand: what dam reads of configs has no command.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md>.
fn config(architecture: Architecture, diff_id: Digest) -> Vec<u8> {
    let (architecture, variant) = match architecture {
        Architecture::All | Architecture::X86_64 => ("amd64", None),
        Architecture::Aarch64 => ("arm64", None),
        Architecture::Armv7 => ("arm", Some("v7")),
        Architecture::Ppc64le => ("ppc64le", None),
        Architecture::S390x => ("s390x", None),
        Architecture::Riscv64 => ("riscv64", None),
    };
    let mut config = json!({
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": { "Entrypoint": [format!("/{FILE}")], "Labels": { "dam.helper": "smoke" } },
        "rootfs": { "type": "layers", "diff_ids": [diff_id] },
    });
    if let Some(variant) = variant {
        config["variant"] = variant.into();
    }
    config.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use dam_oci::{Digest, Image, visit_blobs};
    use dam_pack::Architecture;

    use super::SmokeImage;

    #[test]
    fn the_image_is_sound_and_always_the_same() {
        for architecture in Architecture::EVERY {
            let Some(image) = SmokeImage::new(architecture) else {
                assert_eq!(architecture, Architecture::All);
                continue;
            };
            let (_, config) = dam_oci::config(&image).expect("a sound config");
            assert_eq!(config.os, "linux");
            let mut layers = 0;
            let mut visit = |_: &_, layer: &mut dyn std::io::Read| {
                let mut bytes = Vec::new();
                layer.read_to_end(&mut bytes).expect("sound");
                assert_eq!(config.rootfs.diff_ids, [Digest::of(&bytes)]);
                layers += 1;
                Ok(())
            };
            visit_blobs(&image, &image.manifest().layers, &mut visit).expect("sound blobs");
            assert_eq!(layers, 1);
            let again = SmokeImage::new(architecture).expect("the same");
            assert_eq!(again.manifest_bytes(), image.manifest_bytes());
        }
    }
}
