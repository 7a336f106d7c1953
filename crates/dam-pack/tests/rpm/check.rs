//! The rules of compatibility on what rpmbuild makes, and on what is signed here.

use std::fs;
use std::path::Path;

use dam_pack::check::{Finding, UnitFiles, check};
use dam_pack::rpm;
use dam_pack::targets::Target;

use crate::keys::Keys;
use crate::sample::{Folder, full};
use crate::tools::{run, shown};

/// A package as careless as rpmbuild lets it be.
const SPEC: &str = "\
Name: careless
Version: 1.0^git1
Release: 1
Summary: careless
License: MIT
BuildArch: noarch
Requires: (iptables-nft or iptables)
%description
It is read by new tools only.
%install
mkdir -p %{buildroot}/usr/lib/systemd/system
printf '[Unit]\\nStartLimitIntervalSec=1\\n' >%{buildroot}/usr/lib/systemd/system/careless.service
%files
/usr/lib/systemd/system/careless.service
%post -p <lua>
print('here')
%preun
systemctl --no-reload disable --now careless.service || :
%transfiletriggerin -- /usr/lib/systemd
true
";

fn findings(path: &Path) -> Vec<Finding> {
    let mut units = UnitFiles::default();
    let view = rpm::read(&mut fs::File::open(path).expect("a package"), &mut units.visitor()).expect("a good package");
    check(&view, units.texts(), &Target::all().collect::<Vec<_>>())
}

#[test]
fn what_rpmbuild_makes_of_new_things_is_found() {
    let folder = Folder::new();
    let spec = folder.path().join("careless.spec");
    fs::write(&spec, SPEC).expect("written");
    let top = format!("_topdir {}", folder.path().display());
    run("rpmbuild", &["-bb", "--define", &top, "--define", "_binary_payload w3.zstdio", shown(&spec)]).expect();
    let found = findings(&folder.path().join("RPMS/noarch/careless-1.0^git1-1.noarch.rpm"));
    let mut rules: Vec<&str> = found.iter().map(|finding| finding.rule.id()).collect();
    rules.dedup();
    assert_eq!(rules, ["R01", "R02", "R03", "R13", "R15", "S01", "U04", "R12", "R14"]);
    let features: Vec<&str> =
        found.iter().filter(|one| one.rule.id() == "R15").map(|finding| finding.what.as_str()).collect();
    assert_eq!(
        features,
        [
            "relation `rpmlib(CaretInVersions) <= 4.15.0-1`",
            "relation `rpmlib(PayloadIsZstd) <= 5.4.18-1`",
            "relation `rpmlib(RichDependencies) <= 4.12.0-1`",
        ]
    );
}

/// What every target reads: both tags of the signature, in less than the old limit.
#[test]
fn a_package_signed_by_rsa_breaks_no_rule() {
    let keys = Keys::new("rsa4096", "");
    let folder = Folder::new();
    let path = folder.path().join("signed.rpm");
    rpm::write(&full(), &path, Some(&keys.key()), &mut |_| {}).expect("written");
    assert_eq!(findings(&path), []);
}
