//! Releases for tests.

use dam_oci::{Digest, Reference};

use crate::app::{App, AppId, Family, HookName, Release};
use crate::store::ImageId;

/// Returns a release of the app `id`, such as `shop:1.0`: the family is its name, the digests are made of `id`.
pub fn release(id: &str) -> Release {
    let digest = |what: &str| Digest::of(format!("{what} of {id}").as_bytes());
    let app: AppId = id.parse().expect("a name and a version");
    Release {
        app: App {
            family: Family::from(&app.name),
            multiversion: false,
            reference: id.parse::<Reference>().expect("a name and a version are a reference"),
            more_references: Vec::new(),
            hooks: vec![HookName::Install, HookName::Uninstall],
            description: None,
            id: app,
        },
        image: ImageId(digest("image")),
        meta: digest("meta"),
        diff_ids: vec![digest("layer")],
        size: 1000,
        store: None,
    }
}
