//! What an export came to.

use dam_core::ops::export::{Exported, ExportedList};
use dam_oci::Digest;

use super::{Show, Words, foreign};
use crate::bytes::Bytes;
use crate::table;
use crate::ui::style::GOOD;

impl Show for Exported {
    fn words(&self, words: &mut Words) {
        let apps = self.apps.iter().map(|app| {
            let shared = match app.shared {
                0 => String::new(),
                shared => format!(" shares {shared} of {}", counted(app.layers, "layer")),
            };
            vec![format!("  {}", app.id), Bytes(app.unpacked).to_string(), Bytes(app.added).to_string(), shared]
        });
        words.block(&table::columns(apps, &[1, 2]));
        let parts = self.parts.iter().map(|part| {
            let sum = format!("sha256 {}", short(&part.sha256));
            vec![format!("  {}", shown(&part.path)), Bytes(part.bytes).to_string(), sum]
        });
        words.block(&table::columns(parts, &[1]));
        for path in &self.removed {
            words.line(format_args!("  {} of an earlier export was removed", shown(path)));
        }
        let place = match (&self.path, &self.parts[..]) {
            (None, _) => String::new(),
            (Some(path), []) => format!(" to {}", shown(path)),
            (Some(_), [only]) => format!(" to {}", shown(&only.path)),
            (Some(_), [first, .., last]) => format!(" to {} … {}", shown(&first.path), shown(&last.path)),
        };
        words.line(format_args!(
            "{GOOD}Exported{GOOD:#} {}{place}  ({}, {}, sha256 {})",
            counted(self.apps.len(), "app"),
            Bytes(self.bytes),
            counted(self.layers, "layer"),
            short(&self.sha256),
        ));
    }
}

impl Show for ExportedList {
    fn words(&self, words: &mut Words) {
        let apps = match self.apps.len() {
            0 => "an empty list: no app is installed,".to_owned(),
            count => format!("a list of {}", counted(count, "app")),
        };
        words.line(format_args!("{GOOD}Exported{GOOD:#} {apps} to {}", shown(&self.path)));
    }
}

fn shown(path: &std::path::Path) -> String {
    let path = foreign(&path.display().to_string());
    path.strip_prefix("./").unwrap_or(&path).to_owned()
}

/// Shows both ends of a digest: enough to compare two by eye.
fn short(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("{}…{}", &hex[..4], &hex[60..])
}

fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
