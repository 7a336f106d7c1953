//! From the text of a Dockerfile to a [`Dockerfile`].

use parse_dockerfile as parsed;
use parsed::Instruction as Parsed;

use super::{Action, Command, Dockerfile, Flags, Instruction, Stage, Transfer, TransferSource, words};
use crate::{Error, Result};

impl Dockerfile {
    /// Reads a Dockerfile. Fails with [`Error::Dockerfile`], which names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parsed = parsed::parse(text).map_err(|fault| {
            // The alternate form is the reason without the place. An empty file has no line; it is said of the first.
            Error::dockerfile(fault.line().max(1), format!("{fault:#}"))
        })?;
        let escape = parsed.parser_directives.escape.as_ref().map_or('\\', |escape| escape.value.value);
        let reader = Reader { text, escape };
        let mut file = Self { escape, globals: Vec::new(), stages: Vec::new() };
        for instruction in &parsed.instructions {
            if let Parsed::From(from) = instruction {
                file.stages.push(reader.stage(from));
                continue;
            }
            let instruction = reader.instruction(instruction)?;
            match file.stages.last_mut() {
                Some(stage) => stage.instructions.push(instruction),
                None => file.globals.push(instruction),
            }
        }
        Ok(file)
    }
}

struct Reader<'a> {
    text: &'a str,
    escape: char,
}

impl Reader<'_> {
    /// Returns the line, from 1, of the byte `at`.
    fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count()
    }

    fn stage(&self, from: &parsed::FromInstruction) -> Stage {
        let platform = flags(&from.options).into_iter().find(|(name, _)| name == "platform");
        Stage {
            line: self.line(from.from.span.start),
            base: from.image.value.to_string(),
            // Stage names are compared without regard to case.
            name: from.as_.as_ref().map(|(_, name)| name.value.to_lowercase()),
            platform: platform.and_then(|(_, value)| value),
            instructions: Vec::new(),
        }
    }

    fn instruction(&self, instruction: &Parsed) -> Result<Instruction> {
        let start = keyword(instruction);
        let line = self.line(start);
        let text = words::unfold(&self.text[start..], self.escape).trim().to_owned();
        let fault = |reason| Error::dockerfile(line, reason);
        let strings = |values: &[parsed::UnescapedString]| values.iter().map(|v| v.value.to_string()).collect();
        let action = match instruction {
            Parsed::Add(add) => Action::Add(transfer(&add.options, &add.src, &add.dest, &text)),
            Parsed::Copy(copy) => Action::Copy(transfer(&copy.options, &copy.src, &copy.dest, &text)),
            Parsed::Arg(arg) => Action::Arg(self.names(&arg.arguments.value)),
            Parsed::Cmd(cmd) => Action::Cmd(self.command(&cmd.arguments)),
            Parsed::Entrypoint(entrypoint) => Action::Entrypoint(self.command(&entrypoint.arguments)),
            Parsed::Env(env) => Action::Env(words::pairs("ENV", &env.arguments.value, self.escape).map_err(fault)?),
            Parsed::Label(label) => {
                Action::Label(words::pairs("LABEL", &label.arguments.value, self.escape).map_err(fault)?)
            }
            Parsed::Expose(expose) => Action::Expose(strings(&expose.arguments)),
            Parsed::Healthcheck(check) => Action::Healthcheck {
                flags: flags(&check.options),
                command: match &check.arguments {
                    parsed::HealthcheckArguments::Cmd { arguments, .. } => Some(self.command(arguments)),
                    _ => None,
                },
            },
            Parsed::Maintainer(maintainer) => Action::Maintainer(maintainer.name.value.to_string()),
            Parsed::Onbuild(_) => Action::Onbuild,
            Parsed::Run(_) => Action::Run,
            Parsed::Shell(shell) => Action::Shell(strings(&shell.arguments)),
            Parsed::Stopsignal(signal) => Action::Stopsignal(signal.arguments.value.to_string()),
            Parsed::User(user) => Action::User(user.arguments.value.to_string()),
            Parsed::Volume(volume) => Action::Volume(match &volume.arguments {
                parsed::JsonOrStringArray::Json(array) => strings(&array.value),
                parsed::JsonOrStringArray::String(paths) => strings(paths),
            }),
            Parsed::Workdir(workdir) => Action::Workdir(workdir.arguments.value.to_string()),
            _ => return Err(fault(format!("`{text}` is not supported"))),
        };
        Ok(Instruction { line, text, action })
    }

    fn names(&self, text: &str) -> Vec<(String, Option<String>)> {
        let pair = |word: &String| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.clone(), None),
        };
        words::split(text, self.escape).iter().map(pair).collect()
    }

    fn command(&self, command: &parsed::Command) -> Command {
        match command {
            parsed::Command::Exec(words) => {
                Command::Exec(words.value.iter().map(|word| word.value.to_string()).collect())
            }
            parsed::Command::Shell(line) => Command::Shell(words::unfold(line.value, self.escape).trim().to_owned()),
            _ => Command::Exec(Vec::new()),
        }
    }
}

fn flags(flags: &[parsed::Flag]) -> Flags {
    let value = |flag: &parsed::Flag| flag.value.as_ref().map(|value| value.value.to_string());
    flags.iter().map(|flag| (flag.name.value.to_string(), value(flag))).collect()
}

fn transfer(
    options: &[parsed::Flag],
    sources: &[parsed::Source],
    destination: &parsed::UnescapedString,
    text: &str,
) -> Transfer {
    // The parser gives the content of a here-document and not its name.
    let mut names = text.split_whitespace().filter_map(|word| word.strip_prefix("<<"));
    let mut source = |source: &parsed::Source| match source {
        parsed::Source::HereDoc(document) => TransferSource::HereDocument {
            name: names.next().unwrap_or_default().trim_start_matches('-').replace(['"', '\''], ""),
            expand: document.expand,
            content: document.value.to_string(),
        },
        parsed::Source::Path(path) => TransferSource::Path(path.value.to_string()),
        _ => TransferSource::Path(String::new()),
    };
    Transfer {
        flags: flags(options),
        sources: sources.iter().map(&mut source).collect(),
        destination: destination.value.to_string(),
    }
}

/// Returns the byte an instruction starts at.
fn keyword(instruction: &Parsed) -> usize {
    let keyword = match instruction {
        Parsed::Add(instruction) => &instruction.add,
        Parsed::Arg(instruction) => &instruction.arg,
        Parsed::Cmd(instruction) => &instruction.cmd,
        Parsed::Copy(instruction) => &instruction.copy,
        Parsed::Entrypoint(instruction) => &instruction.entrypoint,
        Parsed::Env(instruction) => &instruction.env,
        Parsed::Expose(instruction) => &instruction.expose,
        Parsed::From(instruction) => &instruction.from,
        Parsed::Healthcheck(instruction) => &instruction.healthcheck,
        Parsed::Label(instruction) => &instruction.label,
        Parsed::Maintainer(instruction) => &instruction.maintainer,
        Parsed::Onbuild(instruction) => &instruction.onbuild,
        Parsed::Run(instruction) => &instruction.run,
        Parsed::Shell(instruction) => &instruction.shell,
        Parsed::Stopsignal(instruction) => &instruction.stopsignal,
        Parsed::User(instruction) => &instruction.user,
        Parsed::Volume(instruction) => &instruction.volume,
        Parsed::Workdir(instruction) => &instruction.workdir,
        _ => return 0,
    };
    keyword.span.start
}
