//! Whose the programs of a package are, and under which licence.
//!
//! Sources: the `LICENSE` and `NOTICE` files of <https://github.com/moby/moby>, <https://github.com/docker/cli>,
//! <https://github.com/containerd/containerd>, <https://github.com/opencontainers/runc>, <https://github.com/krallin/tini>,
//! <https://github.com/docker/compose> and <https://github.com/docker/buildx>. The modules inside of them are in the bill of
//! materials, see [`super::sbom`]: a program names them, but not their licences.

use dam_pack::deb::{Rights, copyright};
use dam_pack::{Content, Entry, EntryKind, Format, Package, Role};

/// The licences of a package of the engine, as an SPDX expression: those of the programs, of the Go runtime and, where
/// upstream links them statically, of the C library and of libseccomp.
pub const EXPRESSION: &str = "Apache-2.0 AND BSD-3-Clause AND LGPL-2.1-only AND LGPL-2.1-or-later AND MIT";

/// A licence's name, and its text.
const TEXTS: [(&str, &str); 5] = [
    ("Apache-2.0", include_str!("../../assets/engine/licenses/Apache-2.0.txt")),
    ("BSD-3-Clause", include_str!("../../assets/engine/licenses/BSD-3-Clause.txt")),
    ("LGPL-2.1", include_str!("../../assets/engine/licenses/LGPL-2.1.txt")),
    ("MIT", MIT),
    ("NOTICE", include_str!("../../assets/engine/licenses/NOTICE")),
];

const MIT: &str = include_str!("../../assets/engine/licenses/MIT.txt");

/// A work that programs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Its programs, by file name.
    pub programs: &'static [&'static str],
    /// Who has the rights.
    pub holders: &'static [&'static str],
    /// Its licence, as an SPDX expression.
    pub license: &'static str,
    /// The Go module it is, with a version where the engine's is meant; none for what is not of Go.
    pub module: Option<&'static str>,
    /// Debian's names of all licences in a program of it, and what they are of.
    debian: (&'static str, &'static str),
}

const GO: (&str, &str) = (
    "Apache-2.0 and BSD-3-clause",
    "It is under the Apache License 2.0, whose text is in /usr/share/common-licenses/Apache-2.0.\n\n\
     It has the Go runtime in it, which is under the BSD 3-Clause License, and other modules of Go, which \
     sbom.spdx.json beside this file lists.",
);

const GO_WITH_C: (&str, &str) = (
    "Apache-2.0 and BSD-3-clause and LGPL-2.1+",
    "It is under the Apache License 2.0, whose text is in /usr/share/common-licenses/Apache-2.0.\n\n\
     It has the Go runtime in it, which is under the BSD 3-Clause License, and other modules of Go, which \
     sbom.spdx.json beside this file lists. As upstream links it, it has libseccomp and parts of the GNU C Library in \
     it, which are under the GNU Lesser General Public License 2.1, whose text is in \
     /usr/share/common-licenses/LGPL-2.1.",
);

/// All works, in the order in which the copyright file names them.
pub const WORKS: &[Work] = &[
    Work {
        programs: &["docker"],
        holders: &["2012-2017 Docker, Inc.", "the authors of the Docker CLI"],
        license: "Apache-2.0",
        module: Some("github.com/docker/cli"),
        debian: GO,
    },
    Work {
        programs: &["dockerd", "docker-proxy"],
        holders: &["2012-2017 Docker, Inc.", "the authors of Moby"],
        license: "Apache-2.0",
        module: Some("github.com/docker/docker"),
        debian: GO,
    },
    Work {
        programs: &["containerd", "containerd-shim", "containerd-shim-runc-v2", "ctr"],
        holders: &["2012-2015 Docker, Inc.", "The containerd Authors"],
        license: "Apache-2.0",
        module: Some("github.com/containerd/containerd"),
        debian: GO,
    },
    Work {
        programs: &["runc"],
        holders: &["2012-2015 Docker, Inc.", "the authors of runc"],
        license: "Apache-2.0",
        module: Some("github.com/opencontainers/runc"),
        debian: GO_WITH_C,
    },
    Work {
        programs: &["docker-init"],
        holders: &["2015 Thomas Orozco <thomas@orozco.fr>"],
        license: "MIT",
        module: None,
        debian: (
            "Expat and LGPL-2.1+",
            "As upstream links it, it has parts of the GNU C Library in it, which are under the GNU Lesser General \
             Public License 2.1, whose text is in /usr/share/common-licenses/LGPL-2.1. It is itself under this licence:",
        ),
    },
    Work {
        programs: &["docker-compose"],
        holders: &["2020 Docker Compose authors"],
        license: "Apache-2.0",
        module: Some("github.com/docker/compose/v2"),
        debian: GO,
    },
    Work {
        programs: &["docker-buildx"],
        holders: &["the authors of Docker Buildx"],
        license: "Apache-2.0",
        module: Some("github.com/docker/buildx"),
        debian: GO,
    },
    Work {
        programs: &["dam"],
        holders: &["the authors of dam"],
        license: "Apache-2.0",
        module: None,
        debian: (
            "Apache-2.0",
            "It is under the Apache License 2.0, whose text is in /usr/share/common-licenses/Apache-2.0.",
        ),
    },
];

impl Work {
    /// Finds the work that a program comes from, by its file name.
    pub fn of(program: &str) -> Option<&'static Self> {
        WORKS.iter().find(|work| work.programs.contains(&program))
    }
}

/// Returns what a package has to say of rights: the licences' texts and notices below `/usr/share/licenses/NAME`, and
/// Debian's copyright file, which names the programs that the package already has.
///
/// Debian has most of the texts on every machine, but not on the smallest ones, and RPM's world has no such place.
pub fn licenses(package: &Package) -> Vec<Entry> {
    let folder = format!("/usr/share/licenses/{}", package.name);
    let texts = TEXTS.iter().map(|(name, text)| file(&format!("{folder}/{name}"), *text, Role::License, &[]));
    let path = format!("/usr/share/doc/{}/copyright", package.name);
    let copyright = file(&path, copyright(package, &rights(package)), Role::Doc, &[Format::Deb]);
    texts.chain([copyright]).collect()
}

fn file(path: &str, text: impl Into<String>, role: Role, only: &[Format]) -> Entry {
    let kind = EntryKind::File { content: Content::Bytes(text.into().into_bytes()), mode: 0o644, role };
    Entry { path: path.parse().expect("names of packages are short, and of letters"), kind, only: only.to_vec() }
}

/// Returns whose the files of a package are.
fn rights(package: &Package) -> Vec<Rights> {
    let all = Rights {
        files: vec!["*".to_owned()],
        holders: vec![package.maintainer.clone()],
        license: "Apache-2.0".to_owned(),
        text: "Units, scripts and settings are under the Apache License 2.0, whose text is in \
               /usr/share/common-licenses/Apache-2.0.\n\nWhat the authors of the programs want to be named for is in \
               /usr/share/licenses, with the texts of all licences."
            .to_owned(),
    };
    let of_works = WORKS.iter().filter_map(|work| {
        let files: Vec<String> = programs(package, work).map(|path| path.trim_start_matches('/').to_owned()).collect();
        let (license, text) = work.debian;
        let own = if work.license == "MIT" { format!("{text}\n\n{MIT}") } else { text.to_owned() };
        let holders = work.holders.iter().map(|&holder| holder.to_owned()).collect();
        (!files.is_empty()).then(|| Rights { files, holders, license: license.to_owned(), text: own })
    });
    [all].into_iter().chain(of_works).collect()
}

/// Returns the programs of a work that a package has.
fn programs<'a>(package: &'a Package, work: &'a Work) -> impl Iterator<Item = &'a str> {
    let runs = |entry: &&Entry| matches!(&entry.kind, EntryKind::File { mode, .. } if mode & 0o111 != 0);
    let paths = package.entries.iter().filter(runs).map(|entry| entry.path.as_str());
    paths.filter(|path| work.programs.contains(&path.rsplit('/').next().unwrap_or_default()))
}
