//! From an image to an app.

use std::collections::{BTreeMap, BTreeSet};

use dam_oci::Reference;

use super::{App, AppId, AppName, HookName, Labels};
use crate::meta::KeptMeta;
use crate::{Error, Result};

/// Why an image is not an app; completes the sentence "image `x` is not an app: …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoApp {
    /// It has no `/meta`.
    #[error("it has no /meta")]
    NoMeta,
    /// Its `/meta` lacks a script every app has.
    #[error("its /meta has no `{0}`")]
    NoHook(HookName),
    /// Its name has no tag, so the app has no version.
    #[error("its name has no version")]
    NoVersion,
}

/// Describes the app that the image `reference` is, by the image's labels and its `/meta`.
///
/// Fails with [`Error::NotAnApp`] if the reference has no tag or `install` or `uninstall` is missing, and with
/// [`Error::Name`] if the family label holds no family, or if the name alone would be another one, as that of
/// `plant:5000/plant.site/shop` would.
pub fn describe(reference: &Reference, labels: &BTreeMap<String, String>, meta: &KeptMeta) -> Result<App> {
    let no_app = |reason| Error::NotAnApp { reference: reference.clone(), reason };
    let id = AppId::of(reference).ok_or_else(|| no_app(NoApp::NoVersion))?;
    // What is written into the ledger and into bundles must be read again.
    id.name.as_str().parse::<AppName>()?;
    for hook in [HookName::Install, HookName::Uninstall] {
        if !meta.hooks.contains(&hook) {
            return Err(no_app(NoApp::NoHook(hook)));
        }
    }
    let Labels { family, multiversion, servers } = Labels::read(&id.name, labels)?;
    Ok(App {
        id,
        family,
        multiversion,
        reference: reference.clone(),
        more_references: more_references(reference, &servers),
        hooks: meta.hooks.clone(),
        description: meta.description.clone(),
    })
}

/// Returns the image's name at every server but its own. A server that cannot be part of a name gives none: DAM 1.x
/// installed such apps too.
fn more_references(reference: &Reference, servers: &BTreeSet<Option<String>>) -> Vec<Reference> {
    let mut more: Vec<_> = servers
        .iter()
        .filter_map(|server| reference.at_registry(server.as_deref()).ok())
        .filter(|more| (more.registry(), more.repository()) != (reference.registry(), reference.repository()))
        .collect();
    more.dedup();
    more
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dam_oci::Digest;

    use super::{NoApp, describe};
    use crate::Error;
    use crate::app::{FAMILY, HookName, MULTIVERSION, SERVERS};
    use crate::meta::KeptMeta;

    fn meta(hooks: &[HookName]) -> KeptMeta {
        KeptMeta { digest: Digest::of(b""), hooks: hooks.to_vec(), description: Some("A shop.".to_owned()) }
    }

    const BOTH: [HookName; 2] = [HookName::Install, HookName::Uninstall];

    #[test]
    fn an_app_is_what_reference_labels_and_meta_say() {
        let labels = [(FAMILY, "web"), (MULTIVERSION, "true"), (SERVERS, "plant:5000,ship:5000,")];
        let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let reference = "plant:5000/tools/shop:1.0".parse().expect("a reference");
        let app = describe(&reference, &labels, &meta(&BOTH)).expect("an app");
        assert_eq!(
            (app.id.to_string().as_str(), app.family.as_str(), app.multiversion),
            ("tools/shop:1.0", "web", true)
        );
        let more: Vec<_> = app.more_references.iter().map(ToString::to_string).collect();
        assert_eq!(more, ["tools/shop:1.0", "ship:5000/tools/shop:1.0"]);
        assert_eq!(app.description.as_deref(), Some("A shop."));
    }

    #[test]
    fn a_server_nobody_can_name_is_passed_over() {
        let labels = BTreeMap::from([(SERVERS.to_owned(), "no server,plant:5000".to_owned())]);
        let app = describe(&"shop:1".parse().expect("a reference"), &labels, &meta(&BOTH)).expect("an app");
        assert_eq!(app.more_references.len(), 1);
    }

    /// An app `a.b/shop` would be read back from the ledger as none: alone, this is the `shop` of a registry.
    #[test]
    fn a_name_that_is_another_without_its_registry_is_refused() {
        for name in ["plant:5000/a.b/shop:1", "docker.io/a.b/shop:1"] {
            let error = describe(&name.parse().expect("a reference"), &BTreeMap::new(), &meta(&BOTH));
            assert!(matches!(error, Err(Error::Name(_))), "{name}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let reason = |reference: &str, hooks: &[HookName]| match describe(
            &reference.parse().expect("a reference"),
            &BTreeMap::new(),
            &meta(hooks),
        ) {
            Err(Error::NotAnApp { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason("shop", &BOTH), NoApp::NoVersion);
        assert_eq!(reason("shop:1", &BOTH[1..]), NoApp::NoHook(HookName::Install));
        assert_eq!(reason("shop:1", &BOTH[..1]), NoApp::NoHook(HookName::Uninstall));
    }
}
