//! Where the programs go.

use std::path::Path;

use dam_pack::{Content, Entry, EntryKind};

use super::path;
use crate::engine::Parts;
use crate::engine::recipe::Recipe;

/// What people call; all else of an archive is called by these.
const CALLED: [&str; 2] = ["docker", "dockerd"];

/// Where `dockerd` looks for `docker-init` and `docker-proxy`, and the unit for the rest: `lookupBinPath` in
/// <https://github.com/moby/moby/blob/v28.5.2/daemon/config/config_linux.go>.
const FOLDER: &str = "/usr/libexec/docker";

/// Where `docker` looks for plugins:
/// <https://github.com/docker/cli/blob/v28.5.2/cli-plugins/manager/manager_unix.go>.
const PLUGINS: &str = "/usr/libexec/docker/cli-plugins";

/// Returns all programs, and the folders that are the package's own.
pub(super) fn entries(recipe: &Recipe, parts: &Parts) -> Vec<Entry> {
    let mut entries = vec![folder(FOLDER)];
    for file in parts.archive.programs() {
        let place = if CALLED.contains(&file.name.as_str()) { "/usr/bin" } else { FOLDER };
        entries.push(program(&format!("{place}/{}", file.name), &file.path, file.size));
    }
    let plugins = [("docker-compose", &parts.compose), ("docker-buildx", &parts.buildx)];
    let plugins = plugins.iter().filter_map(|(name, plugin)| plugin.as_ref().map(|plugin| (name, plugin)));
    for (name, plugin) in plugins {
        entries.push(program(&format!("{PLUGINS}/{name}"), &plugin.path, plugin.size));
    }
    if parts.compose.is_some() || parts.buildx.is_some() {
        entries.push(folder(PLUGINS));
    }
    if parts.compose.is_some() && recipe.compose_command {
        // Called by that name, the plugin is the `docker-compose` that scripts of old call.
        let target = "../libexec/docker/cli-plugins/docker-compose".to_owned();
        let path = path("/usr/bin/docker-compose");
        entries.push(Entry { path, kind: EntryKind::Link { target }, only: Vec::new() });
    }
    if let Some(companion) = &parts.dam {
        entries.push(program("/usr/bin/dam", &companion.program.path, companion.program.size));
    }
    entries
}

/// Returns a folder that is the package's own.
pub(super) fn folder(at: &str) -> Entry {
    Entry { path: path(at), kind: EntryKind::Folder { mode: 0o755 }, only: Vec::new() }
}

fn program(at: &str, from: &Path, size: u64) -> Entry {
    let content = Content::File { path: from.to_owned(), size };
    let kind = EntryKind::File { content, mode: 0o755, role: dam_pack::Role::Plain };
    Entry { path: path(at), kind, only: Vec::new() }
}
