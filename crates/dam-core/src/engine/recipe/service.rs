//! What happens to the engine's service.

use toml::de::DeTable;

use super::reader::Reader;

/// What happens to the engine's service when the package comes and changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Whether it starts with the machine.
    pub enable: bool,
    /// Whether it is started when the package is installed.
    pub start: bool,
    /// What an upgrade does.
    pub restart: Restart,
}

/// What an upgrade does to the engine's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Restarts it if it runs.
    IfActive,
    /// Nothing: the former version runs on until the admin restarts it.
    Never,
}

impl Default for Service {
    fn default() -> Self {
        Self { enable: true, start: true, restart: Restart::IfActive }
    }
}

pub(super) fn read<'d>(reader: &mut Reader<'d>, document: &'d DeTable<'d>) -> Service {
    let (section, base) = (reader.section(document, "service"), Service::default());
    let restart = |text: &str| match text {
        "if-active" => Ok(Restart::IfActive),
        "never" => Ok(Restart::Never),
        other => Err(format!("takes one of if-active, never, not `{other}`")),
    };
    Service {
        enable: reader.switch(&section, "enable").unwrap_or(base.enable),
        start: reader.switch(&section, "start").unwrap_or(base.start),
        restart: reader.value(&section, "restart", restart).unwrap_or(base.restart),
    }
}
