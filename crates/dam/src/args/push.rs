//! `dam push`.

use clap::Args;
use dam_core::cache::Packing;
use dam_core::ops::Target;
use dam_core::ops::push::Destination;

/// Sends apps to a registry
///
/// Of a file all apps are sent: `dam push site.dam plant` feeds a site's registry from a stick, with no engine on the machine.
/// An app is called there as here, under the registry's address. Only what the registry lacks is sent, and what another app
/// brought is taken from there. After a cut, the same command goes on. At the end the registry has been asked for what it keeps.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dam push site.dam plant
  dam push shop plant
  dam push shop:1.0 tools:2.0 registry.plant:5000/team
  dam push site.dam plant --compression gzip
  dam push site.dam plant --dry-run")]
pub(crate) struct Push {
    /// A file with apps, an installed app, or an image of the store
    #[arg(value_name = "FILE|APP", required = true, num_args = 1..)]
    pub(crate) what: Vec<Target>,
    /// A repo, by its name or number, or HOST[:PORT][/PATH]
    #[arg(value_name = "REPO")]
    pub(crate) to: Destination,
    /// Form of the layers: keep (those that are not compressed become gzip), or gzip for all, as Docker before 23 needs it
    #[arg(long, value_name = "FORM", value_parser = packing, default_value = "keep")]
    pub(crate) compression: Packing,
    /// Says what would be sent, and sends nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Reads the form of layers in a registry.
fn packing(text: &str) -> Result<Packing, ParseFormError> {
    match text {
        "keep" => Ok(Packing::GzipRaw),
        "gzip" => Ok(Packing::Gzip),
        _ => Err(ParseFormError),
    }
}

/// Not a form.
#[derive(Debug, thiserror::Error)]
#[error("a form is `keep` or `gzip`")]
struct ParseFormError;
