//! What dam brings beside its program where it rides along: man pages, and completions.

use clap_complete::Shell;
use dam_pack::{Content, Entry, EntryKind, Format, Role, deb};

use crate::args;
use crate::generate;

/// Returns the files, at their places.
pub(super) fn papers() -> Vec<Entry> {
    let pages = generate::man_pages(args::definition()).into_iter();
    let pages = pages.map(|page| {
        let path = format!("/usr/share/man/man1/{}.gz", page.name);
        entry(&path, deb::gzip(page.text.as_bytes()), Role::Doc)
    });
    let completions = [
        (Shell::Bash, "/usr/share/bash-completion/completions/dam", None),
        (Shell::Zsh, "/usr/share/zsh/vendor-completions/_dam", Some(Format::Deb)),
        (Shell::Zsh, "/usr/share/zsh/site-functions/_dam", Some(Format::Rpm)),
        (Shell::Fish, "/usr/share/fish/vendor_completions.d/dam.fish", None),
    ];
    let completions = completions.into_iter().map(|(shell, path, format)| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut args::definition(), "dam", &mut script);
        Entry { only: format.into_iter().collect(), ..entry(path, script, Role::Plain) }
    });
    pages.chain(completions).collect()
}

fn entry(path: &str, bytes: Vec<u8>, role: Role) -> Entry {
    let path = path.parse().expect("names of pages and shells are plain");
    Entry { path, kind: EntryKind::File { content: Content::Bytes(bytes), mode: 0o644, role }, only: Vec::new() }
}
