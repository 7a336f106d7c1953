//! The bill of materials, at a fixed place: `/usr/share/doc/NAME/sbom.spdx.json`.

use std::path::Path;
use std::thread;

use dam_oci::Digest;
use dam_pack::{Content, Entry, EntryKind, Package, Role};

use super::text_file;
use crate::engine::recipe::{Input, Part, Recipe, Source};
use crate::engine::sbom::{Facts, Program, SourceFile, document};
use crate::engine::{BuildError, Parts, Plugin};

/// Writes down what the package is made of; `package` has its programs already.
pub(super) fn entry(recipe: &Recipe, parts: &Parts, package: &Package, engine: &str) -> Result<Entry, BuildError> {
    let plugins = [(Part::Compose, &parts.compose), (Part::Buildx, &parts.buildx)];
    let plugins: Vec<(Part, &Plugin)> =
        plugins.into_iter().filter_map(|(part, plugin)| Some((part, plugin.as_ref()?))).collect();
    let archive = source(Part::Archive.of(recipe), parts.archive.path(), parts.archive.digest());
    let others = plugins.iter().map(|(part, plugin)| source(part.of(recipe), &plugin.path, plugin.digest));
    let sources: Vec<SourceFile> = [archive].into_iter().chain(others).collect();

    let single = plugins.iter().map(|(_, plugin)| *plugin).chain(parts.dam.as_ref().map(|dam| &dam.program));
    let single: Vec<&Plugin> = single.collect();
    let origin = |path: &Path| {
        let own = single.iter().find(|plugin| plugin.path == path);
        own.map_or(parts.archive.digest(), |plugin| plugin.digest)
    };
    let programs = package.entries.iter().filter_map(|entry| match &entry.kind {
        EntryKind::File { content: Content::File { path, .. }, mode, .. } if mode & 0o111 != 0 => Some((entry, path)),
        _ => None,
    });
    // All at once: together they have 200 MB, which are in memory, for they were just unpacked.
    let programs: Result<Vec<Program>, BuildError> = thread::scope(|scope| {
        let read = |(entry, path): (&Entry, &std::path::PathBuf)| {
            let (at, path, origin) = (entry.path.clone(), path.clone(), origin(path));
            scope.spawn(move || Program::read(at, &path, origin))
        };
        let threads: Vec<_> = programs.map(read).collect();
        threads.into_iter().map(|thread| thread.join().expect("reading a file does not panic")).collect()
    });
    let bytes = document(&Facts { package, engine, sources: &sources, programs: &programs? });
    Ok(text_file(&format!("/usr/share/doc/{}/sbom.spdx.json", package.name), bytes, Role::Doc))
}

/// Says where a file came from. Its folder on this machine is nobody's business, and neither is what a URL has behind a `?`:
/// that may be what lets its owner in.
fn source(input: Option<&Input>, path: &Path, digest: Digest) -> SourceFile {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match input.map(|input| &input.source) {
        Some(Source::Url(url)) => {
            let address = url.as_str().split(['?', '#']).next().unwrap_or_default();
            SourceFile { name: url.file_name().to_owned(), url: Some(address.to_owned()), digest }
        }
        _ => SourceFile { name, url: None, digest },
    }
}
