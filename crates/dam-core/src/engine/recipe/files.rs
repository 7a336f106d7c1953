//! Other files of a package.

use std::path::PathBuf;

use dam_pack::{PackagePath, Role};
use toml::de::{DeTable, DeValue};

use super::fault::Reason;
use super::input::not_empty;
use super::reader::{Reader, Section};

/// A file that is installed beside the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFile {
    /// Where it is installed.
    pub path: PackagePath,
    /// Where it is now.
    pub source: PathBuf,
    /// Permission bits; without `mode`, `0o644`.
    pub mode: u16,
    /// What it is to the package tools.
    pub role: Role,
}

const ROLES: [(&str, Role); 4] =
    [("plain", Role::Plain), ("config", Role::Config), ("doc", Role::Doc), ("license", Role::License)];

/// Reads all of them.
pub(super) fn read<'d>(reader: &mut Reader<'d>, document: &'d DeTable<'d>) -> Vec<ExtraFile> {
    let sections = reader.sections(document, "files");
    let mut files: Vec<ExtraFile> = Vec::new();
    for section in sections {
        let Some(file) = file(reader, &section) else { continue };
        if files.iter().any(|other| other.path == file.path) {
            reader.refuse(section.line, &section, "path", format!("`{}` is there twice", file.path));
        }
        files.push(file);
    }
    files
}

fn file<'d>(reader: &mut Reader<'d>, section: &Section<'d>) -> Option<ExtraFile> {
    for (key, why) in [("path", "a file goes somewhere"), ("source", "a file comes from somewhere")] {
        if reader.find(section, key).is_none() {
            reader.fault(section.line, Reason::Missing { key: section.key(key), why });
        }
    }
    let path = reader.value(section, "path", str::parse::<PackagePath>);
    let source = reader.value(section, "source", not_empty);
    let mode = mode(reader, section).unwrap_or(0o644);
    let role = reader.value(section, "role", |text| {
        let role = ROLES.iter().find(|(name, _)| *name == text);
        role.map(|(_, role)| *role).ok_or_else(|| format!("takes one of plain, config, doc, license, not `{text}`"))
    });
    let source = reader.folder.join(source?);
    Some(ExtraFile { path: path?, source, mode, role: role.unwrap_or(Role::Plain) })
}

/// Reads permission bits: `"0755"`, or `0o755`. A decimal 755 would be other bits than it looks like.
fn mode<'d>(reader: &mut Reader<'d>, section: &Section<'d>) -> Option<u16> {
    let (line, value) = reader.find(section, "mode")?;
    let digits = match value {
        DeValue::String(text) => text.as_ref(),
        DeValue::Integer(number) if number.radix() == 8 => number.as_str(),
        _ => "",
    };
    let mode = u16::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o7777);
    if mode.is_none() {
        reader.fault(line, Reason::Kind { key: section.key("mode"), wanted: "octal permissions: \"0755\"" });
    }
    mode
}
