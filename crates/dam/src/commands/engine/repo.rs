//! `dam engine repo`.

use dam_core::ops::engine::repo::{Wish, make};
use dam_pack::Format;
use dam_pack::sign::PublicKey;

use crate::args::Repository;
use crate::context::Context;
use crate::error::{CliError, Hint};
use crate::signing::{OpenSigner, open, read_key_file, unusable};

/// Makes a folder of packages a repository.
pub(super) fn run(context: &Context, args: &Repository) -> Result<(), CliError> {
    let (cancel, reporter) = (context.cancel()?, context.reporter());
    let signer = open(context, &args.signing, &cancel)?;
    let key = signer.as_ref().map(|signer| public_key(signer, args)).transpose()?;
    let wish = Wish {
        folder: &args.folder,
        place: args.at.clone(),
        source_date: context.source_date()?,
        now: context.now(),
        seal: signer.as_ref().map(OpenSigner::signer).zip(key.as_ref()),
    };
    let made = make(wish, &*reporter, &cancel)?;
    if key.is_some() && made.repository.has(Format::Rpm) && !made.repository.signs_every_rpm() {
        context.ui.warning("the lists are signed, but not every .rpm is by the same key, as rpm 6 wants it");
        context.ui.hint("dam engine build --key FILE   signs the .rpm it builds");
    }
    context.ui.print(&made)
}

/// Returns the public half of what signs.
fn public_key(signer: &OpenSigner, args: &Repository) -> Result<PublicKey, CliError> {
    match (signer, &args.public_key) {
        (OpenSigner::Key(key), _) => Ok(key.public_key()),
        (OpenSigner::Command(_), Some(path)) => {
            PublicKey::read(&read_key_file(path)?).map_err(|error| unusable(path, &error))
        }
        (OpenSigner::Command(_), None) => {
            let message =
                "a repository that a command signs needs its public key, for the machines that install from it";
            let export = Hint::Command("gpg --export --armor KEY >key.asc".to_owned(), "writes it");
            let again = Hint::Again { before: "", after: "--public-key key.asc", note: "" };
            Err(CliError::misuse("no-public-key", message).hint(export).hint(again))
        }
    }
}
