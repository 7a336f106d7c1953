//! What each instruction does to a stage.

use serde_json::{Map, Value, json};

use super::copy::LayerBuilder;
use super::duration;
use super::owner;
use super::stage::{Builder, Finished};
use crate::dockerfile::{Action, Command, Flags, Instruction, Scope, resolve};
use crate::{Error, Result};

impl Builder<'_> {
    /// Carries out one instruction of the stage numbered `at`; tells whether it made a layer.
    pub(super) fn carry_out(&mut self, stage: &mut Finished, instruction: &Instruction, at: usize) -> Result<bool> {
        let line = instruction.line;
        let words =
            |words: &[String]| words.iter().map(|word| self.scope.expand(line, word)).collect::<Result<Vec<_>>>();
        match &instruction.action {
            Action::Add(transfer) => {
                let layer = self.transfer(stage, line, "ADD", transfer, at)?;
                return Ok(stage.push(layer));
            }
            Action::Copy(transfer) => {
                let layer = self.transfer(stage, line, "COPY", transfer, at)?;
                return Ok(stage.push(layer));
            }
            Action::Workdir(path) => return self.work_in(stage, line, path),
            Action::Arg(_) => drop(self.scope.take(instruction)?),
            Action::Env(_) => {
                self.scope.take(instruction)?;
                let lines = self.scope.environment().iter().map(|(name, value)| format!("{name}={value}"));
                stage.document.set("Env", lines.collect::<Vec<_>>());
            }
            Action::Cmd(command) => {
                stage.document.set("Cmd", command_words(stage, command));
                stage.has_command = true;
            }
            Action::Entrypoint(command) => {
                stage.document.set("Entrypoint", command_words(stage, command));
                // What a base image would run makes no sense as arguments of another program.
                if !stage.has_command {
                    stage.document.unset("Cmd");
                }
            }
            Action::Expose(ports) => {
                for port in words(ports)?.iter().flat_map(|word| word.split_whitespace()) {
                    for port in expose(line, port)? {
                        stage.document.set_in("ExposedPorts", &port, json!({}));
                    }
                }
            }
            Action::Healthcheck { flags, command } => {
                let check = healthcheck(line, &self.scope, stage, flags, command.as_ref())?;
                stage.document.set("Healthcheck", check);
            }
            Action::Label(pairs) => {
                for (key, value) in pairs {
                    let (key, value) = (self.scope.expand(line, key)?, self.scope.expand(line, value)?);
                    stage.document.set_in("Labels", &key, value);
                }
            }
            Action::Maintainer(name) => stage.document.set_author(self.scope.expand(line, name)?),
            Action::Shell(shell) => stage.document.set("Shell", shell.clone()),
            Action::Stopsignal(signal) => stage.document.set("StopSignal", self.scope.expand(line, signal)?),
            Action::User(user) => stage.document.set("User", self.scope.expand(line, user)?),
            Action::Volume(paths) => {
                for path in words(paths)? {
                    stage.document.set_in("Volumes", &path, json!({}));
                }
            }
            Action::Onbuild => return Err(Error::NeedsEngine { line, instruction: "ONBUILD" }),
            Action::Run => return Err(Error::NeedsEngine { line, instruction: "RUN" }),
        }
        Ok(false)
    }

    /// `WORKDIR`: the folder is made where it is missing, and belongs to the `USER`.
    fn work_in(&mut self, stage: &mut Finished, line: usize, path: &str) -> Result<bool> {
        let path = self.scope.expand(line, path)?;
        let folder = resolve(&stage.folder(), &path);
        stage.document.set("WorkingDir", format!("/{folder}"));
        let user = stage.document.text("User").to_owned();
        let tree = stage.tree()?;
        let mut layer = LayerBuilder::new(line, tree);
        let real = layer.follow(&folder)?;
        if layer.tree.is_folder(&real) {
            return Ok(false);
        }
        if !user.is_empty() {
            layer.owner = Some(owner::find(line, &user, &mut self.spool, || Ok(&*layer.tree))?);
        }
        layer.make_folders(&real)?;
        let nodes = layer.finish();
        Ok(stage.push(nodes))
    }
}

/// Returns the words of a command; a line is given to the shell, which also expands its variables.
fn command_words(stage: &Finished, command: &Command) -> Vec<String> {
    match command {
        Command::Exec(words) => words.clone(),
        Command::Shell(line) => {
            let mut words = stage.document.list("Shell");
            if words.is_empty() {
                words = vec!["/bin/sh".to_owned(), "-c".to_owned()];
            }
            words.push(line.clone());
            words
        }
    }
}

/// Reads `80`, `53/udp` or `8000-8010/tcp`.
fn expose(line: usize, text: &str) -> Result<Vec<String>> {
    let fault = || Error::dockerfile(line, format!("`{text}` is no port such as `80` or `53/udp`"));
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let port = |text: &str| text.parse::<u16>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let protocol = protocol.to_lowercase();
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last && matches!(protocol.as_str(), "tcp" | "udp" | "sctp") => {
            Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
        }
        _ => Err(fault()),
    }
}

/// Source: <https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md>, "Healthcheck".
fn healthcheck(
    line: usize,
    scope: &Scope,
    stage: &Finished,
    flags: &Flags,
    command: Option<&Command>,
) -> Result<Value> {
    let mut check = Map::new();
    let test = match command {
        None => vec!["NONE".to_owned()],
        Some(Command::Shell(text)) => vec!["CMD-SHELL".to_owned(), text.clone()],
        Some(exec) => [vec!["CMD".to_owned()], command_words(stage, exec)].concat(),
    };
    check.insert("Test".to_owned(), test.into());
    for (name, value) in flags {
        let value = scope.expand(line, value.as_deref().unwrap_or_default())?;
        let fault = || Error::dockerfile(line, format!("--{name}={value} of HEALTHCHECK cannot be understood"));
        let key = match name.as_str() {
            "interval" => "Interval",
            "timeout" => "Timeout",
            "start-period" => "StartPeriod",
            "start-interval" => "StartInterval",
            "retries" => "Retries",
            _ => return Err(fault()),
        };
        let number = if key == "Retries" { value.parse().ok() } else { duration::nanoseconds(&value) };
        check.insert(key.to_owned(), number.ok_or_else(fault)?.into());
    }
    Ok(check.into())
}
