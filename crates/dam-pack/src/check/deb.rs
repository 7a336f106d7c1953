//! Rules of `.deb`.

use std::collections::BTreeSet;

use crate::check::{Fault, Rule, unknown_filters};
use crate::order::deb::compare;
use crate::targets::{Dpkg, Profile};
use crate::{Compression, Construct, KindView, PackageView, Relation, RelationKind};

/// Finds what a dpkg cannot read.
pub(super) fn faults(view: &PackageView, dpkg: &Dpkg, profile: &Profile) -> BTreeSet<Fault> {
    let constructs = view.constructs.iter().filter_map(|construct| construct_fault(construct, dpkg));
    let mut faults: BTreeSet<Fault> = constructs.collect();
    faults.extend(unknown_filters(view, Rule::DebFilter, profile));
    faults.extend(helper_versions(view, dpkg));
    faults.extend(unit_folders(view, dpkg));
    faults
}

fn construct_fault(construct: &Construct, dpkg: &Dpkg) -> Option<Fault> {
    match construct {
        Construct::Compressed { part, by: Compression::Zstd } if !dpkg.zstd.value => {
            let why = "dpkg reads it since 1.21.18, and Ubuntu's before";
            Some(Fault::new(Rule::DebCompression, format!("{part} of Zstandard"), why))
        }
        Construct::Compressed { part, by: by @ (Compression::Bzip2 | Compression::Lzma) } if part == "control.tar" => {
            let what = format!("{part} of {}", if *by == Compression::Lzma { "LZMA" } else { "bzip2" });
            Some(Fault::new(Rule::DebCompression, what, "no dpkg reads it there"))
        }
        Construct::PaxHeader { part } => {
            Some(Fault::new(Rule::Pax, format!("{part} with pax headers"), "dpkg stops at them"))
        }
        Construct::GnuLargeNumber { part } if !dpkg.version.value.is_at_least("1.18.24") => {
            let what = format!("{part} with numbers beyond octal digits");
            Some(Fault::new(Rule::LargeNumber, what, "dpkg reads them since 1.18.24"))
        }
        _ => None,
    }
}

/// Looks at what must be there before anything runs. Alternatives are someone else's way to be satisfied.
fn helper_versions(view: &PackageView, dpkg: &Dpkg) -> Vec<Fault> {
    let needed = [RelationKind::PreDepends, RelationKind::Depends].into_iter().flat_map(|kind| view.relations(kind));
    let fault = |text: &String| {
        let relation: Relation = text.parse().ok()?;
        let own = match relation.name.as_str() {
            "init-system-helpers" => dpkg.helpers.value,
            "dpkg" => dpkg.version.value,
            _ => return None,
        };
        let (comparison, wanted) = relation.version?;
        let is_met = comparison.holds(compare(own.as_str(), &wanted));
        let why = || "what it wants is not to be had there".to_owned();
        (!is_met).then(|| Fault::new(Rule::HelperVersion, format!("relation `{text}`"), why()))
    };
    needed.filter_map(fault).collect()
}

/// Units that `deb-systemd-helper` does not find are neither enabled nor disabled.
fn unit_folders(view: &PackageView, dpkg: &Dpkg) -> Vec<Fault> {
    const FOLDER: &str = "/usr/lib/systemd/system/";
    let is_called = view.scripts.iter().any(|script| script.text.contains("deb-systemd-helper"));
    if !is_called || dpkg.unit_folders().contains(&FOLDER) {
        return Vec::new();
    }
    let is_unit = |path: &str| path.strip_prefix(FOLDER).is_some_and(|name| !name.contains('/'));
    let units = view.entries.iter().filter(|entry| is_unit(&entry.path) && entry.kind != KindView::Folder);
    let why = "deb-systemd-helper looks in /lib/systemd/system";
    units.map(|entry| Fault::new(Rule::UnitFolder, entry.path.clone(), why)).collect()
}
