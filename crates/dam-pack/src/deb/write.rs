//! Writing a `.deb`.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use md5::{Digest, Md5};

use crate::content::{go_on, pour};
use crate::deb::layout::{Layout, Placed};
use crate::deb::tar::{self, Kind};
use crate::deb::{ar, control};
use crate::xz::XzEncoder;
use crate::{Architecture, DebScript, EntryKind, Package, Progress, Role, WriteError};

/// Writes a package as a `.deb` that dpkg reads from 1.17 on: <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>.
///
/// The same description with the same contents gives the same bytes. Contents are read once, as they are compressed into
/// an unnamed file in the folder of `path`; `path` appears, or is replaced, when everything is there. `progress` is told
/// how many bytes of contents have been compressed.
pub fn write(package: &Package, path: &Path, progress: &mut Progress<'_>) -> Result<(), WriteError> {
    let fault = |source| WriteError::Output { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let layout = Layout::new(package)?;
    let fields = control::render(package, layout.installed_size())?;
    let data = tempfile::tempfile_in(folder).map_err(fault)?;
    let mut data = Data { output: BufWriter::new(data), path, time: package.source_date };
    let sums = data.write(&layout, package, progress)?;
    let mut data = data.output.into_inner().map_err(|error| fault(error.into_error()))?;
    let settings = settings(&layout);
    let control = control_archive(package, &fields, &sums, &settings).map_err(fault)?;
    // Permissions are what the umask leaves of these, as for any new file.
    let mut builder = tempfile::Builder::new();
    let mut file = builder.permissions(Permissions::from_mode(0o666)).tempfile_in(folder).map_err(fault)?;
    assemble(file.as_file_mut(), package.source_date, &control, &mut data).map_err(fault)?;
    file.persist(path).map(drop).map_err(|error| fault(error.error))
}

/// Writes the outer archive.
fn assemble(output: &mut File, time: u32, control: &[u8], data: &mut File) -> io::Result<()> {
    let mut output = BufWriter::new(output);
    output.write_all(ar::MAGIC)?;
    let mut member = |name, bytes: &mut dyn io::Read, size: u64| {
        if size > ar::LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a part is larger than 9.9 GB"));
        }
        output.write_all(&ar::header(name, time, size))?;
        io::copy(bytes, &mut output)?;
        output.write_all(&b"\n"[..(size % 2) as usize])
    };
    member("debian-binary", &mut &b"2.0\n"[..], 4)?;
    member("control.tar.xz", &mut &control[..], control.len() as u64)?;
    let size = data.stream_position()?;
    data.rewind()?;
    member("data.tar.xz", data, size)?;
    output.flush()?;
    output.get_ref().sync_all()
}

/// The archive of what is installed, on its way to a file.
struct Data<'a> {
    output: BufWriter<File>,
    path: &'a Path,
    time: u32,
}

impl Data<'_> {
    /// Writes all of it and returns `md5sums`.
    fn write(&mut self, layout: &Layout, package: &Package, progress: &mut Progress<'_>) -> Result<String, WriteError> {
        let (path, time) = (self.path, self.time);
        let fault = |source| WriteError::Output { path: path.to_owned(), source };
        let size = layout.installed_size() * 1024;
        let mut output = XzEncoder::new(&mut self.output, package.architecture, size, package.effort).map_err(fault)?;
        let mut sums = String::new();
        let mut done = 0;
        tar::write_header(&mut output, "./", Kind::Folder, 0o755, time).map_err(fault)?;
        for placed in layout.placed() {
            let (name, kind, mode) = header(placed);
            tar::write_header(&mut output, &name, kind, mode, time).map_err(fault)?;
            let Placed::Named(name, EntryKind::File { content, role, .. }) = placed else { continue };
            let mut sum = Md5::new();
            pour(content, &mut |piece| {
                sum.update(piece);
                done += piece.len() as u64;
                output.write_all(piece).map_err(fault)?;
                go_on(progress(done))
            })?;
            output.write_all(&[0; tar::BLOCK][..tar::padding(content.size())]).map_err(fault)?;
            // Settings change on the machine; dpkg keeps sums of those itself.
            if *role != Role::Config {
                let hex: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                sums.push_str(&format!("{hex}  {name}\n"));
            }
        }
        tar::write_end(&mut output).map_err(fault)?;
        output.finish().map_err(fault)?;
        Ok(sums)
    }
}

fn header<'a>(placed: Placed<'a>) -> (String, Kind<'a>, u16) {
    match placed {
        Placed::Parent(path) => (format!("./{path}/"), Kind::Folder, 0o755),
        Placed::Named(path, EntryKind::Folder { mode }) => (format!("./{path}/"), Kind::Folder, *mode),
        Placed::Named(path, EntryKind::File { content, mode, .. }) => {
            (format!("./{path}"), Kind::File { size: content.size() }, *mode)
        }
        Placed::Named(path, EntryKind::Link { target }) => (format!("./{path}"), Kind::Link { target }, 0o777),
    }
}

/// Renders `conffiles`: <https://manpages.debian.org/bookworm/dpkg-dev/deb-conffiles.5.en.html>.
fn settings(layout: &Layout) -> String {
    let config = |kind: &EntryKind| matches!(kind, EntryKind::File { role: Role::Config, .. });
    let entries = layout.entries.values().filter(|entry| config(&entry.kind));
    entries.map(|entry| format!("{}\n", entry.path)).collect()
}

/// Packs what tells dpkg about the package.
fn control_archive(package: &Package, fields: &str, sums: &str, settings: &str) -> io::Result<Vec<u8>> {
    let mut files: Vec<(&str, &str, u16)> =
        vec![("control", fields, 0o644), ("conffiles", settings, 0o644), ("md5sums", sums, 0o644)];
    files.extend(package.scripts.deb.iter().map(|(script, text)| (script_name(*script), text.as_str(), 0o755)));
    files.retain(|(_, text, _)| !text.is_empty());
    files.sort_unstable();
    let size: usize = files.iter().map(|(_, text, _)| text.len() + 2 * tar::BLOCK).sum();
    let time = package.source_date;
    let mut output = XzEncoder::new(Vec::new(), Architecture::All, size as u64, package.effort)?;
    tar::write_header(&mut output, "./", Kind::Folder, 0o755, time)?;
    for (name, text, mode) in files {
        let size = text.len() as u64;
        tar::write_header(&mut output, &format!("./{name}"), Kind::File { size }, mode, time)?;
        output.write_all(text.as_bytes())?;
        output.write_all(&[0; tar::BLOCK][..tar::padding(size)])?;
    }
    tar::write_end(&mut output)?;
    output.finish()
}

fn script_name(script: DebScript) -> &'static str {
    match script {
        DebScript::Preinst => "preinst",
        DebScript::Postinst => "postinst",
        DebScript::Prerm => "prerm",
        DebScript::Postrm => "postrm",
    }
}
