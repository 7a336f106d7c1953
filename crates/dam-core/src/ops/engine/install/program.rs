//! Running the machine's own programs.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::InstallFault;
use crate::event::{Event, Reporter};

/// Lines that are kept of what a program says, for its error.
const KEPT: usize = 6;

/// Finds a program in folders.
pub(super) fn find(path: &[PathBuf], program: &str) -> Option<PathBuf> {
    let is_program =
        |file: &PathBuf| file.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0);
    path.iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join(program)).find(is_program)
}

/// Runs a program that changes nothing, and returns what it wrote to stdout, however it ended. Its words are not translated.
pub(super) fn query(program: &Path, arguments: &[&str]) -> Result<String, InstallFault> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().map_err(start(program))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program that changes nothing, and says whether it ended well; the error is what it said.
pub(super) fn attempt(program: &Path, arguments: &[String]) -> Result<Result<(), String>, InstallFault> {
    let mut command = Command::new(program);
    let output = command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output().map_err(start(program))?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Err(text.lines().find(|line| line.starts_with("E:")).unwrap_or(text.trim()).to_owned()))
}

/// Runs a program that installs a package, tells the reporter what it writes, and waits for its end.
///
/// It is in a process group of its own: a Ctrl-C must not reach a package manager in the middle of its work.
pub(super) fn run(
    program: &Path,
    arguments: &[String],
    package: &str,
    reporter: &dyn Reporter,
) -> Result<(), InstallFault> {
    let name = name(program);
    let (reader, writer) = io::pipe().map_err(start(program))?;
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").process_group(0).stdin(Stdio::null());
    command.stdout(writer.try_clone().map_err(start(program))?).stderr(writer);
    let mut child = command.spawn().map_err(start(program))?;
    // It holds the other end, which must be closed for the reading to end.
    drop(command);
    reporter.event(Event::ProgramStarted { program: &name });
    let mut said = Said::default();
    let ended = watch(&mut child, reader, &mut |bytes| {
        said.take(bytes);
        reporter.event(Event::ProgramOutput { bytes });
    });
    let success = ended.as_ref().is_ok_and(ExitStatus::success);
    reporter.event(Event::ProgramEnded { program: &name, success });
    let status = ended.map_err(start(program))?;
    match status.success() {
        true => Ok(()),
        false => {
            let package = package.to_owned();
            Err(InstallFault::Tool { tool: name, package, ended: how(status), said: said.lines() })
        }
    }
}

/// How often the end of a program is looked for while it writes nothing.
const TICK: Duration = Duration::from_millis(50);
/// How long output is waited for when the program has ended and something that it left behind still holds the pipe.
const LATE: Duration = Duration::from_millis(200);

/// Hands over what a program writes until it ends.
fn watch(child: &mut Child, mut reader: PipeReader, each: &mut dyn FnMut(&[u8])) -> io::Result<ExitStatus> {
    let (sender, receiver) = mpsc::channel();
    // It stays behind where something holds the pipe; this dam ends soon after.
    std::thread::spawn(move || {
        let mut buffer = vec![0; 8 << 10];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut wait = TICK;
    loop {
        match receiver.recv_timeout(wait) {
            Ok(bytes) => each(&bytes),
            Err(RecvTimeoutError::Disconnected) => return child.wait(),
            Err(RecvTimeoutError::Timeout) => match child.try_wait()? {
                Some(status) if wait == LATE => return Ok(status),
                Some(_) => wait = LATE,
                None => {}
            },
        }
    }
}

/// The last lines of what a program says.
#[derive(Default)]
struct Said {
    lines: VecDeque<String>,
    cut: Vec<u8>,
}

/// The longest line that is kept, in bytes.
const LONGEST: usize = 4 << 10;

impl Said {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.end_line(),
                _ if self.cut.len() < LONGEST => self.cut.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.cut)).trim_end().to_owned();
        if !line.is_empty() {
            self.lines.push_back(line);
        }
        while self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }

    fn lines(mut self) -> Vec<String> {
        self.end_line();
        self.lines.into()
    }
}

fn name(program: &Path) -> String {
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn start(program: &Path) -> impl Fn(io::Error) -> InstallFault {
    let program = program.to_owned();
    move |source| InstallFault::Start { program: program.clone(), source }
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;

    match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "failed".to_owned(),
    }
}
