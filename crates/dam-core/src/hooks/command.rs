//! How a hook's file becomes a process.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, PipeWriter, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::StatVfsMountFlags;

use super::{HookError, HookRun};
use crate::app::Version;
use crate::{Error, Result};

/// The shell for hooks that do not say what runs them.
const SHELL: &str = "/bin/sh";

/// What a hook's first bytes say about how to run it.
#[derive(Debug, PartialEq, Eq)]
enum Program {
    /// The kernel knows: it is ELF.
    Binary,
    /// ELF of a processor this machine has not.
    Foreign,
    /// A `#!` line names this interpreter.
    Script { interpreter: String },
    /// Neither; a shell has always run such files, so does dam.
    Bare,
}

impl Program {
    fn of(head: &[u8]) -> Self {
        if head.starts_with(b"\x7fELF") {
            return if is_native(head) { Self::Binary } else { Self::Foreign };
        }
        let Some(line) = head.strip_prefix(b"#!") else { return Self::Bare };
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        // The kernel ends the name at a blank or tab and nowhere else: a carriage return belongs to it.
        let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
        let start = line.iter().position(|byte| !blank(byte)).unwrap_or(line.len());
        let name = line[start..].split(blank).next().unwrap_or_default();
        if name.is_empty() { Self::Bare } else { Self::Script { interpreter: String::from_utf8_lossy(name).into() } }
    }
}

/// What a hook hears, and does not hear, of the dam that runs it.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    /// The file it was started from; `DAM_EXECUTABLE`.
    pub(super) executable: Option<PathBuf>,
    /// Its variables that tell of another app.
    pub(super) inherited: Vec<OsString>,
}

/// Starts the hook of `run` in `meta`, in a process group of its own, with stdout and stderr in `output`.
pub(super) fn start(run: &HookRun, meta: &Path, caller: &Caller, output: PipeWriter, stdin: Stdio) -> Result<Child> {
    let path = meta.join(run.hook.file());
    let program = prepare(&path).map_err(Error::access(&path))?;
    let (app, hook) = (run.app.id.clone(), run.hook);
    let no_interpreter = |interpreter| HookError::NoInterpreter { app: app.clone(), hook, interpreter };
    if program == Program::Foreign && !emulators() {
        // Said here, because the C library's execvp(3) would hand the file to a shell, which makes nonsense of it.
        let source = rustix::io::Errno::NOEXEC.into();
        return Err(HookError::Start { app, hook, source }.into());
    }
    let needed = match &program {
        Program::Script { interpreter } => Some(interpreter.as_str()),
        Program::Bare => Some(SHELL),
        Program::Binary | Program::Foreign => None,
    };
    // Looked for before the start: afterwards ENOENT could mean anything.
    if let Some(missing) = needed.filter(|needed| !meta.join(needed).exists()) {
        return Err(no_interpreter(missing.to_owned()).into());
    }
    let mut command = match program {
        Program::Bare => {
            let mut shell = Command::new(SHELL);
            shell.arg(&path);
            shell
        }
        Program::Binary | Program::Foreign | Program::Script { .. } => Command::new(&path),
    };
    command.current_dir(meta).process_group(0).stdin(stdin);
    let second = output.try_clone().map_err(|source| HookError::Start { app: app.clone(), hook, source })?;
    command.stdout(output).stderr(second);
    set_environment(&mut command, run, caller);
    spawn(&mut command).map_err(|source| match source.raw_os_error() {
        Some(errno) if errno == rustix::io::Errno::ACCESS.raw_os_error() && mounted_noexec(meta) => {
            HookError::NoExec { app, hook, folder: meta.to_owned() }.into()
        }
        _ => HookError::Start { app, hook, source }.into(),
    })
}

/// Tells whether the processor that dam was built for runs an ELF file with this beginning: `e_machine` is at byte 18,
/// in the file's byte order (<https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>). On a processor not
/// listed here everything counts as native.
fn is_native(head: &[u8]) -> bool {
    const I386: u16 = 3;
    const ARM: u16 = 40;
    const X86_64: u16 = 62;
    const AARCH64: u16 = 183;
    let [Some(low), Some(high)] = [head.get(18), head.get(19)] else { return false };
    let machine = u16::from_le_bytes([*low, *high]);
    if cfg!(target_arch = "x86_64") {
        [I386, X86_64].contains(&machine)
    } else if cfg!(target_arch = "aarch64") {
        [ARM, AARCH64].contains(&machine)
    } else {
        true
    }
}

/// Tells whether the kernel was taught to run foreign binaries, as by `qemu-user-static`:
/// <https://docs.kernel.org/admin-guide/binfmt-misc.html>.
fn emulators() -> bool {
    let known = |name: &std::ffi::OsStr| name == "register" || name == "status";
    fs::read_dir("/proc/sys/fs/binfmt_misc")
        .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| !known(&entry.file_name()))))
}

/// Makes the file executable (DAM 1.x did so when it built the image, and images of other tools may not be) and looks
/// at its beginning.
fn prepare(path: &Path) -> io::Result<Program> {
    let mode = fs::metadata(path)?.permissions().mode();
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o500))?;
    let mut head = Vec::new();
    File::open(path)?.take(512).read_to_end(&mut head)?;
    Ok(Program::of(&head))
}

/// Sets what dam says of the app and of itself, in the place of what was inherited: a hook may have started this dam.
fn set_environment(command: &mut Command, run: &HookRun, caller: &Caller) {
    let app = run.app;
    for name in &caller.inherited {
        command.env_remove(name);
    }
    command
        .env("DAM_APP_NAME", app.id.name.as_str())
        .env("DAM_APP_VERSION", app.id.version.as_str())
        .env("DAM_APP_FAMILY", app.family.as_str())
        .env("DAM_APP_MULTIVERSION", if app.multiversion { "true" } else { "false" })
        .env("DAM_APP_TAG", app.reference.to_string())
        .env("DAM_APP_SERVERS", app.servers().to_string())
        .env("DAM_HOOK", run.hook.file());
    set_or_remove(command, "DAM_EXECUTABLE", caller.executable.as_ref());
    set_or_remove(command, "DAM_OLD_VERSION", run.old_version.map(Version::as_str));
    set_or_remove(command, "DAM_UNDO", run.undo.then_some("1"));
}

fn set_or_remove(command: &mut Command, name: &str, value: Option<impl AsRef<OsStr>>) {
    match value {
        Some(value) => command.env(name, value),
        None => command.env_remove(name),
    };
}

/// Starts the process. "Text file busy" means that another thread was just starting a process while the file was being
/// written, which passes: <https://github.com/golang/go/issues/22315>.
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
    command.spawn()
}

fn mounted_noexec(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|facts| facts.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn the_first_bytes_say_what_runs_it() {
        let script = |interpreter: &str| Program::Script { interpreter: interpreter.to_owned() };
        for (head, program) in [
            ("#!/bin/sh\necho", script("/bin/sh")),
            ("#! \t/usr/bin/env bash", script("/usr/bin/env")),
            ("#!/bin/sh\r\n", script("/bin/sh\r")),
            ("#!", Program::Bare),
            ("#!\n/bin/sh", Program::Bare),
            ("echo hello", Program::Bare),
            ("", Program::Bare),
            ("\x7fELF\x02", Program::Foreign),
        ] {
            assert_eq!(Program::of(head.as_bytes()), program, "{head:?}");
        }
    }
}
