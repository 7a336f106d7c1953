//! `dam info`.

use dam_core::bundle::Form;
use dam_core::ops::info::{AppInfo, Found, Overview, PackedApp};
use serde::Serialize;

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::clean;
use crate::table;

/// What is known of one app, or of the apps of a file.
#[derive(Debug, Serialize)]
pub(crate) struct Info {
    /// The apps.
    pub(crate) apps: Vec<AppInfo>,
}

impl Show for Info {
    fn words(&self, words: &mut Words) {
        for (index, app) in self.apps.iter().enumerate() {
            if index > 0 {
                words.line("");
            }
            show(app, words);
        }
    }
}

fn show(info: &AppInfo, words: &mut Words) {
    let app = &info.app;
    words.line(format_args!("{} {}", app.id.name, app.id.version));
    if let Some(description) = &app.description {
        clean::lines(description).trim_end().lines().for_each(|line| words.line(format_args!("  {line}")));
    }
    let hooks: Vec<_> = app.hooks.iter().map(|hook| hook.file()).collect();
    let layers = info.layers.len();
    let mut rows = vec![
        ("family", app.family.to_string()),
        ("multiversion", if app.multiversion { "yes" } else { "no" }.to_owned()),
        ("image", format!("{}  {}", app.reference, info.image.0.short())),
        ("size", format!("{}, {layers} {}", Bytes(info.size), if layers == 1 { "layer" } else { "layers" })),
        ("hooks", hooks.join(" ")),
    ];
    rows.extend(app.more_references.iter().map(|reference| ("also named", reference.to_string())));
    match &info.found {
        Found::Installed { source, installed_at, state, previous } => {
            rows.push(("installed", format!("{} from {}", words.ago(*installed_at), foreign(&source.to_string()))));
            rows.push(("state", state.as_str().to_owned()));
            rows.extend(previous.iter().map(|previous| ("rollback to", previous.to_string())));
        }
        Found::Store => rows.push(("found", "in the store, not installed".to_owned())),
        Found::File { path, bytes, form } => {
            let path = foreign(&path.display().to_string());
            rows.push(("found", format!("in {path}, {}, {}", Bytes(*bytes), form_words(*form))));
        }
    }
    let rows = rows.into_iter().map(|(label, value)| [format!("  {label}"), value]);
    let table = table::columns(rows, &[]);
    words.block(&table);
}

impl Show for Overview {
    fn words(&self, words: &mut Words) {
        let path = foreign(&self.path.display().to_string());
        let count = self.apps.len();
        let apps = if count == 1 { "app" } else { "apps" };
        words.line(format_args!("{path}: {count} {apps}, {}, {}", Bytes(self.bytes), form_words(self.form)));
        if self.apps.is_empty() {
            return;
        }
        let titles = ["  NAME", "VERSION", "SIZE", "ADDS", "SHARES"].map(str::to_owned);
        let table = table::columns(std::iter::once(titles).chain(self.apps.iter().map(row)), &[2, 3]);
        words.line("");
        words.block(&table);
    }
}

fn row(app: &PackedApp) -> [String; 5] {
    let shares = match (app.shares, app.layers) {
        (0, _) => String::new(),
        (shares, 1) => format!("{shares} of 1 layer"),
        (shares, layers) => format!("{shares} of {layers} layers"),
    };
    let version = app.id.as_ref().map(|id| id.version.to_string()).unwrap_or_default();
    let (size, adds) = (Bytes(app.size).to_string(), Bytes(app.adds).to_string());
    [format!("  {}", app.reference.repository()), version, size, adds, shares]
}

fn form_words(form: Form) -> &'static str {
    match form {
        Form::Bundle => "a bundle of dam 2",
        Form::Dam1Bundle => "a bundle of DAM 1.x",
        Form::Dam1 => "an archive of DAM 1.x",
        Form::DockerSave => "as of docker save",
        Form::OciLayout => "an OCI layout",
    }
}
