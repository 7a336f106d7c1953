//! An image that is not yet an app.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dam_oci::Reference;
use tempfile::TempDir;

use crate::app::HookName;
use crate::event::{Event, Reporter, Warning};
use crate::meta::Keep;
use crate::store::{BuildRequest, ImageId, Store};
use crate::{Error, Result, fault};

/// An image under a temporary name, until it is known to be an app.
pub(super) struct Draft<'a> {
    store: &'a dyn Store,
    image: ImageId,
    name: Reference,
    /// For the copy of `/meta` that is looked at.
    folder: TempDir,
}

/// What the names of drafts begin with, and their tag.
const DRAFT: (&str, &str) = ("dam-build-", "tmp");

/// Tells whether a name is that of a draft, which a dam that was killed leaves behind.
pub(in crate::ops) fn is_draft(name: &Reference) -> bool {
    let (start, tag) = DRAFT;
    name.registry().is_none() && name.repository().starts_with(start) && name.tag() == Some(tag)
}

impl<'a> Draft<'a> {
    /// Builds `request` under a name nobody else has.
    pub(super) fn build(
        store: &'a dyn Store,
        scratch: &Path,
        mut request: BuildRequest,
        reporter: &dyn Reporter,
    ) -> Result<Self> {
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("").rand_bytes(16).permissions(private).tempdir_in(scratch);
        let folder = folder.map_err(Error::access(scratch))?;
        // The temporary folder's name is random; letters and digits are what an image's name may have too.
        let random = folder.path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let name =
            Reference::new(None, &format!("{}{random}", DRAFT.0), Some(DRAFT.1)).map_err(dam_oci::Error::from)?;
        request.tags = vec![name.clone()];
        fault::point("before an app is built");
        let image = store.build(&request, reporter)?;
        fault::point("after an app is built");
        Ok(Self { store, image, name, folder })
    }

    /// Returns the scripts in the image's `/meta`; none if it has no `/meta`.
    pub(super) fn hooks(&self) -> Result<Vec<HookName>> {
        let kept = Keep::open(self.folder.path())?.keep(&mut |out| self.store.meta(self.image, out))?;
        Ok(kept.map(|kept| kept.hooks).unwrap_or_default())
    }

    /// Gives the image its final name and returns it.
    pub(super) fn publish(self, reference: &Reference, reporter: &dyn Reporter) -> Result<ImageId> {
        fault::point("before an app is tagged");
        if let Err(error) = self.store.tag(self.image, reference) {
            self.discard(reporter);
            return Err(error);
        }
        fault::point("after an app is tagged");
        self.forget(reporter, self.store.untag(&self.name));
        Ok(self.image)
    }

    /// Takes the image away, unless it has another name: a build may give an image that was there before.
    pub(super) fn discard(self, reporter: &dyn Reporter) {
        fault::point("before a useless image is removed");
        let removed = self.store.untag(&self.name).and_then(|()| match self.store.find_id(self.image)? {
            Some(image) if image.tags.is_empty() => self.store.remove(self.image),
            _ => Ok(()),
        });
        self.forget(reporter, removed);
        fault::point("after a useless image is removed");
    }

    /// Nothing depends on what is left behind.
    fn forget(&self, reporter: &dyn Reporter, result: Result<()>) {
        if let Err(error) = result {
            let what = format!("the image `{}` could not be removed: {error}", self.name);
            reporter.event(Event::Warning(Warning::Leftover { what: &what }));
        }
    }
}
