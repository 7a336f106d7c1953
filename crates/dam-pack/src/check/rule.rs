//! The rules by their ids.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::units;

/// A rule for packages that old and new tools read alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// D01: both archives of a `.deb` are compressed in a way that dpkg reads. `control.tar` knows gzip, xz and none,
    /// Zstandard came with 1.21.18: <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>. Seen on 1.20.13:
    /// ``uses unknown compression for member 'control.tar.zst', giving up``.
    DebCompression,
    /// D02: no pax headers, an unknown type of entry to every dpkg: <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>.
    Pax,
    /// D03: no numbers as GNU tar writes those that are too large for octal digits; dpkg reads them since 1.18.24:
    /// <https://manpages.debian.org/bookworm/dpkg-dev/deb.5.en.html>.
    LargeNumber,
    /// D04: xz filters are those that the target's liblzma has: <https://github.com/tukaani-project/xz/blob/master/NEWS>.
    DebFilter,
    /// D05: dpkg and init-system-helpers are not wanted in a version that the target has not; what docker-ce's
    /// `Pre-Depends: init-system-helpers (>= 1.54~)` means for Ubuntu 16.04. Versions: see the table of targets.
    HelperVersion,
    /// D06: units lie where the target's `deb-systemd-helper` looks, if a script calls it: see
    /// [`unit_folders`](crate::targets::Dpkg::unit_folders).
    UnitFolder,
    /// R01: relations are names and versions. Rich ones are read since 4.13: rpm 4.12.0.1 was seen to say
    /// `(iptables-nft or iptables) is needed by …`. <https://rpm-software-management.github.io/rpm/manual/boolean_dependencies.html>
    RichRelation,
    /// R02: no caret in versions, which compares since 4.15: <https://rpm-software-management.github.io/rpm/manual/dependencies.html>.
    Caret,
    /// R03: the payload is compressed in a way that rpm reads; Zstandard came with 4.14
    /// (<https://github.com/rpm-software-management/rpm/pull/295>), and SUSE left it out for years.
    Payload,
    /// R04: an xz payload can be unpacked in the 100 MiB that rpm allows its decoder:
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-4.11.x/rpmio/rpmio.c>.
    Memory,
    /// R05: xz filters are those that the target's liblzma has: <https://github.com/tukaani-project/xz/blob/master/NEWS>.
    RpmFilter,
    /// R06: the signature header has at most 8192 bytes and 32 tags, beyond which rpm up to 4.14.3 says `sigh data: BAD`:
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-4.11.x/lib/signature.c>.
    SignatureHeader,
    /// R07: signatures are those that rpm can check: RSA or DSA before 4.16, in which curves came
    /// (<https://github.com/rpm-software-management/rpm/blob/rpm-4.16.x/rpmio/digest_libgcrypt.c>), and for 4.11 none of
    /// header and payload but with MD5: `Verify signature: BAD PARAMETERS (1002 …)`.
    Signature,
    /// R08: header and payload have digests other than MD5, which a machine in FIPS mode cannot compute; since 4.14 rpm
    /// then says `does not verify: no digest`: <https://github.com/rpm-software-management/rpm/blob/rpm-4.14.x/lib/rpmvs.c>.
    Digest,
    /// R09: the header has a SHA-256; rpm 6 looks at neither MD5 nor SHA-1:
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-6.0.x/macros.in>, `%_pkgverify_flags 0x20100`.
    WeakDigest,
    /// R10: signatures are not made with SHA-1 or MD5, which RHEL 9 and Fedora 38 refuse. That they do is remembered.
    WeakSignature,
    /// R11: no two files have one inode, where rpm before 4.14 gives both the content of one. Version remembered; the
    /// fault on CentOS 7: <https://github.com/rpm-rs/rpm/issues/148>.
    SharedInodes,
    /// R12: scripts are of the shell. rpm's Lua differs: `rpm.execute` came with 4.15, `posix.fork` went out of use with
    /// 4.20: <https://rpm-software-management.github.io/rpm/manual/lua.html>.
    Lua,
    /// R13: scripts stand at places that rpm runs: file triggers since 4.13
    /// (<https://rpm-software-management.github.io/rpm/manual/file_triggers.html>), `%preuntrans` and `%postuntrans` since
    /// 4.19. Older ones take no notice.
    ScriptPlace,
    /// R14: it is signed, where rpm wants that:
    /// <https://fedoraproject.org/wiki/Changes/Enforcing_signature_checking_by_default>.
    Unsigned,
    /// R15: it wants no feature of rpm that the target has not: `rpmlib(RichDependencies)`, as rpm itself would say.
    /// <https://github.com/rpm-software-management/rpm/blob/rpm-4.18.x/lib/rpmds.c>.
    Feature,
    /// S01: scripts call no program or option that came with a newer systemd:
    /// <https://github.com/systemd/systemd/blob/main/NEWS>.
    Tool,
    /// U01 to U05: see [`units::lint`].
    Unit(units::Rule),
}

/// How bad it is to break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The package cannot be installed there, or does not do what it says.
    Fault,
    /// The package works, but for something that the admin can mend or may want to know.
    Warning,
}

impl Rule {
    /// All rules, in the order of their ids.
    pub const EVERY: [Self; 27] = [
        Self::DebCompression,
        Self::Pax,
        Self::LargeNumber,
        Self::DebFilter,
        Self::HelperVersion,
        Self::UnitFolder,
        Self::RichRelation,
        Self::Caret,
        Self::Payload,
        Self::Memory,
        Self::RpmFilter,
        Self::SignatureHeader,
        Self::Signature,
        Self::Digest,
        Self::WeakDigest,
        Self::WeakSignature,
        Self::SharedInodes,
        Self::Lua,
        Self::ScriptPlace,
        Self::Unsigned,
        Self::Feature,
        Self::Tool,
        Self::Unit(units::Rule::Syntax),
        Self::Unit(units::Rule::Section),
        Self::Unit(units::Rule::Directive),
        Self::Unit(units::Rule::DirectiveSince),
        Self::Unit(units::Rule::ValueSince),
    ];

    /// Returns the name by which a list of exceptions calls it: `R06`.
    pub fn id(self) -> &'static str {
        match self {
            Self::DebCompression => "D01",
            Self::Pax => "D02",
            Self::LargeNumber => "D03",
            Self::DebFilter => "D04",
            Self::HelperVersion => "D05",
            Self::UnitFolder => "D06",
            Self::RichRelation => "R01",
            Self::Caret => "R02",
            Self::Payload => "R03",
            Self::Memory => "R04",
            Self::RpmFilter => "R05",
            Self::SignatureHeader => "R06",
            Self::Signature => "R07",
            Self::Digest => "R08",
            Self::WeakDigest => "R09",
            Self::WeakSignature => "R10",
            Self::SharedInodes => "R11",
            Self::Lua => "R12",
            Self::ScriptPlace => "R13",
            Self::Unsigned => "R14",
            Self::Feature => "R15",
            Self::Tool => "S01",
            Self::Unit(rule) => rule.id(),
        }
    }

    /// Returns how bad it is to break it.
    pub fn severity(self) -> Severity {
        match self {
            // The admin can sign it, or tell rpm to take it; and Lua that works in one version may well in another.
            Self::Unsigned | Self::Lua => Severity::Warning,
            _ => Severity::Fault,
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;

    /// The sources are read, for no list can know what it lacks.
    #[test]
    fn every_rule_is_listed() {
        let sources = concat!(include_str!("rule.rs"), include_str!("../units/mod.rs"));
        let arms = sources.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \""));
        let mut ids: Vec<&str> = arms.filter_map(|(_, id)| id.strip_suffix("\",")).collect();
        ids.sort_unstable();
        let listed: Vec<&str> = Rule::EVERY.iter().map(|rule| rule.id()).collect();
        assert_eq!(listed, ids);
    }
}
