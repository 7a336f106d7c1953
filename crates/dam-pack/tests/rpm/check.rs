//! The rules of compatibility on what rpmbuild makes, and on what is signed here.

use std::fs;
use std::path::Path;

use dam_pack::check::{Finding, UnitFiles, check};
use dam_pack::rpm;
use dam_pack::targets::Target;
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::keys::Keys;
use crate::sample::{Folder, full};
use crate::tools::{run, shown};

/// A package as careless as rpmbuild lets it be; its hard link is no fault.
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
ln %{buildroot}/usr/lib/systemd/system/careless.service %{buildroot}/usr/lib/systemd/again
%files
/usr/lib/systemd/again
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
    rpm::write(&full(), &path, Some(&keys.key()), &mut dam_pack::unwatched).expect("written");
    assert_eq!(findings(&path), []);
}

/// What the `rpm` crate once wrote, and CentOS 7 unpacked as empty files.
#[test]
fn two_files_with_one_inode_are_found() {
    let folder = Folder::new();
    let path = folder.path().join("shared.rpm");
    let mut bytes = folder.bytes(&full());
    let inodes: Vec<u8> = (1_u32..=5).flat_map(u32::to_be_bytes).collect();
    let at = bytes.windows(inodes.len()).position(|piece| piece == inodes).expect("the list of inodes");
    let [program, elf] = [at + 4, at + 12];
    let before = digests(&bytes);
    bytes.copy_within(program..program + 4, elf);
    for (old, new) in before.iter().zip(digests(&bytes)) {
        let at = bytes.windows(old.len()).position(|piece| piece == old).expect("the digest of before");
        bytes[at..at + old.len()].copy_from_slice(&new);
    }
    fs::write(&path, bytes).expect("written");
    let rules: Vec<&str> = findings(&path).iter().map(|finding| finding.rule.id()).collect();
    assert_eq!(rules, ["R11", "R14"]);
}

/// Returns the digests that the signature header has of what follows it, as they stand there.
fn digests(bytes: &[u8]) -> [Vec<u8>; 3] {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    let length = |at: usize| 16 + 16 * number(at + 8) + number(at + 12);
    let rest = &bytes[96 + length(96).next_multiple_of(8)..];
    let header = &rest[..length(bytes.len() - rest.len())];
    let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes();
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, header);
    [hex(sha1.as_ref()), hex(&Sha256::digest(header)), Md5::digest(rest).to_vec()]
}
