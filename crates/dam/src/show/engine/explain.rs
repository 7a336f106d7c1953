//! What a package holds.

use dam_core::ops::engine::explain::Explained;
use dam_pack::RoleView;
use dam_pack::explain::{self as package, File, Kind, Part, Signature, Unit};
use serde::Serialize;

use crate::bytes::Bytes;
use crate::clean;
use crate::show::{Show, Words, foreign};
use crate::table;
use crate::ui::style::{BOLD, DIM};

/// A package, told.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// What is known.
    #[serde(flatten)]
    pub(crate) explained: Explained,
    /// What the words tell of it.
    #[serde(skip)]
    pub(crate) detail: Detail,
}

/// What the words tell of scripts and units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// That they are there.
    Overview,
    /// Every line of them.
    Scripts,
}

impl Show for Explanation {
    fn words(&self, words: &mut Words) {
        let Explained { path, bytes, package } = &self.explained;
        let identity = &package.identity;
        words.line(format_args!(
            "{BOLD}{} {}{BOLD:#}  {}",
            foreign(&identity.name),
            foreign(&identity.version),
            foreign(&identity.summary)
        ));
        let mut rows = vec![
            ("file", format!("{}  {}", foreign(&path.display().to_string()), Bytes(*bytes))),
            ("format", format!(".{} for {}", identity.format, foreign(&identity.architecture))),
            ("unpacked", Bytes(package.size).to_string()),
            ("packed by", package.compression.iter().map(part).collect::<Vec<_>>().join(", ")),
            ("signed by", signed(&package.signatures)),
        ];
        let digests = package.digests.iter().map(|digest| format!("{} of {}", digest.by, digest.of));
        let digests: Vec<String> = digests.collect();
        if !digests.is_empty() {
            rows.push(("digests", digests.join(", ")));
        }
        let rows = rows.into_iter().map(|(label, value)| [format!("  {label}"), value]);
        words.block(&table::columns(rows, &[]));
        relations(package, words);
        files(&package.files, words);
        units(&package.units, self.detail, words);
        scripts(&package.scripts, self.detail, words);
    }
}

fn part(part: &Part) -> String {
    let dictionary = part.dictionary.map(|bytes| format!(" with a dictionary of {} MiB", bytes.div_ceil(1 << 20)));
    format!("{} ({}{})", part.by, foreign(&part.part), dictionary.unwrap_or_default())
}

fn signed(signatures: &[Signature]) -> String {
    let one = |signature: &Signature| {
        let by = signature.by.as_deref().map_or_else(|| "a signature".to_owned(), foreign);
        format!("{by} ({})", foreign(&signature.place))
    };
    match signatures {
        [] => "nobody".to_owned(),
        some => some.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

fn relations(package: &package::Explanation, words: &mut Words) {
    if package.relations.values().all(Vec::is_empty) {
        return;
    }
    heading("Relations", words);
    let rows = package.relations.iter().flat_map(|(kind, all)| {
        let label = move |at| if at == 0 { format!("  {kind}") } else { String::new() };
        all.iter().enumerate().map(move |(at, relation)| [label(at), foreign(relation)])
    });
    words.block(&table::columns(rows, &[]));
}

fn files(files: &[File], words: &mut Words) {
    heading("Files", words);
    let rows: Vec<_> = files.iter().map(row).collect();
    if rows.is_empty() {
        words.line("  none");
    }
    words.block(&table::columns(rows, &[2]));
}

/// Says what is installed in the columns of `ls -l`.
fn row(file: &File) -> [String; 4] {
    let text = file.to_string();
    let permissions = text.split(' ').next().unwrap_or_default();
    let (path, owner) = (foreign(&file.path), format!("{}:{}", foreign(&file.owner), foreign(&file.group)));
    let path = match &file.kind {
        Kind::Link { target } => format!("{path} -> {}", foreign(target)),
        Kind::HardLink { target } => format!("{path} (also {})", foreign(target)),
        Kind::Special => format!("{path} (a device, a pipe or a socket)"),
        Kind::File { .. } | Kind::Folder => path,
    };
    let path = match file.role {
        RoleView::Plain => path,
        role => format!("{path}  {DIM}{role}{DIM:#}"),
    };
    [format!("  {permissions}"), owner, size(file), path]
}

/// Says how long a file is.
pub(super) fn size(file: &File) -> String {
    match file.kind {
        Kind::File { size, .. } => Bytes(size).to_string(),
        _ => String::new(),
    }
}

fn units(units: &[Unit], detail: Detail, words: &mut Words) {
    if units.is_empty() {
        return;
    }
    heading("Units", words);
    for unit in units {
        words.line(format_args!("  {}", foreign(&unit.path)));
        if let (Detail::Scripts, Some(text)) = (detail, &unit.text) {
            block(text, words);
        }
    }
}

fn scripts(scripts: &[package::Script], detail: Detail, words: &mut Words) {
    if scripts.is_empty() {
        return;
    }
    heading("Scripts", words);
    match detail {
        Detail::Overview => {
            let rows = scripts.iter().map(|script| {
                let lines = script.text.lines().count();
                let by = if script.interpreter.is_empty() { "a program" } else { &script.interpreter };
                [
                    format!("  {}", foreign(&script.place)),
                    foreign(by),
                    format!("{lines} {}", if lines == 1 { "line" } else { "lines" }),
                ]
            });
            words.block(&table::columns(rows, &[2]));
        }
        Detail::Scripts => {
            for script in scripts {
                words.line(format_args!("  {}  {DIM}{}{DIM:#}", foreign(&script.place), foreign(&script.interpreter)));
                block(&script.text, words);
            }
        }
    }
}

/// Shows a text with all that is in it, behind a bar.
fn block(text: &str, words: &mut Words) {
    clean::visible(text)
        .lines()
        .for_each(|line| words.line(format_args!("    {DIM}|{DIM:#} {line}").to_string().trim_end()));
}

/// Begins a section.
pub(super) fn heading(title: &str, words: &mut Words) {
    words.line("");
    words.line(format_args!("{BOLD}{title}{BOLD:#}"));
}
