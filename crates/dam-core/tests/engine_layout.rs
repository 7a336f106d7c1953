//! Where the parts of an engine go in a package.

#[path = "../../dam-pack/tests/engine/mod.rs"]
mod tested;

use std::fs;
use std::path::PathBuf;

use dam_core::engine::recipe::Input;
use dam_core::engine::{BuildError, Companion, Parts, PartsAround, Plugin, Recipe, layout};
use dam_core::testing::programs::{ENGINE, static_program, tgz};
use dam_pack::{Architecture, Entry, EntryKind, Format, Package};
use tempfile::TempDir;

const AMD64: Architecture = Architecture::X86_64;

/// A folder with an archive of tiny programs, and what else a recipe names.
struct Bench {
    folder: TempDir,
    members: Vec<(String, Vec<u8>)>,
    recipe: String,
}

impl Bench {
    fn new() -> Self {
        let program = |name: &str| (format!("docker/{name}"), static_program(AMD64, name));
        let members = ENGINE.into_iter().map(program).collect();
        Self { folder: TempDir::new().expect("a folder"), members, recipe: String::new() }
    }

    /// Puts a file into the archive.
    fn with(mut self, name: &str, text: &str) -> Self {
        self.members.push((format!("docker/{name}"), text.as_bytes().to_vec()));
        self
    }

    /// Puts a file beside the recipe.
    fn beside(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.folder.path().join(name), bytes).expect("a file");
        self
    }

    /// Says something in the recipe.
    fn says(mut self, text: &str) -> Self {
        self.recipe += text;
        self
    }

    fn recipe(&self) -> Recipe {
        let text = format!("{}\n[archive]\npath = \"docker-26.1.5.tgz\"\n", self.recipe);
        Recipe::parse(&text, &self.folder.path().join("engine.toml")).expect("a recipe")
    }

    fn parts(&self, recipe: &Recipe) -> dam_core::Result<Parts> {
        let members: Vec<(&str, &[u8])> =
            self.members.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        fs::write(self.folder.path().join("docker-26.1.5.tgz"), tgz(&members)).expect("an archive");
        let mut bring = |input: &Input| -> dam_core::Result<PathBuf> {
            let dam_core::engine::recipe::Source::Path(path) = &input.source else { panic!("it is here") };
            Ok(path.clone())
        };
        Parts::gather(recipe, PartsAround { bring: &mut bring, scratch: self.folder.path(), dam: None })
    }

    fn package(&self) -> Package {
        let recipe = self.recipe();
        let parts = self.parts(&recipe).expect("all parts are good");
        layout::package(&recipe, &parts, 1_700_000_000).expect("a package")
    }
}

/// Lists what a package has in one format.
fn paths(package: &Package, format: Format) -> Vec<&str> {
    let ours = |entry: &&Entry| entry.only.is_empty() || entry.only.contains(&format);
    let mut paths: Vec<_> = package.entries.iter().filter(ours).map(|entry| entry.path.as_str()).collect();
    paths.sort_unstable();
    paths
}

/// The matrix of `dam-pack` (install, upgrade, remove and so on, with systemd and without) is that of this very package.
#[test]
fn the_life_cycle_is_the_one_that_was_tested() {
    assert_eq!(layout::lifecycle(&Recipe::default(), "26.1.5"), tested::lifecycle());
}

#[test]
fn an_engine_before_23_is_not_asked_about_its_settings() {
    let check = |engine: &str| layout::lifecycle(&Recipe::default(), engine).configs[0].check.clone();
    assert_eq!(check("20.10.27"), [""; 0]);
    assert_eq!(check("23.0.0~rc.1"), tested::lifecycle().configs[0].check);
}

#[test]
fn only_what_people_call_is_among_the_commands() {
    let package = Bench::new().package();
    for format in [Format::Deb, Format::Rpm] {
        let paths = paths(&package, format);
        let commands: Vec<_> = paths.iter().filter(|path| path.contains("bin/")).collect();
        assert_eq!(commands, [&"/usr/bin/docker", &"/usr/bin/dockerd"]);
        let places = ["/var", "/run", "/etc/containerd", "/usr/bin/runc", "/etc/docker/daemon.json"];
        assert!(paths.iter().all(|path| !places.iter().any(|place| path.starts_with(place))), "{paths:?}");
    }
}

#[test]
fn units_are_where_each_format_looks_for_them() {
    let package = Bench::new().package();
    let units = |format| -> Vec<&str> {
        paths(&package, format).into_iter().filter(|path| path.contains("/systemd/system/")).collect()
    };
    assert_eq!(units(Format::Deb), ["/lib/systemd/system/docker.service", "/lib/systemd/system/docker.socket"]);
    assert_eq!(units(Format::Rpm), ["/usr/lib/systemd/system/docker.service", "/usr/lib/systemd/system/docker.socket"]);
}

#[test]
fn pages_and_completions_of_the_archive_go_where_shells_look() {
    let bench = Bench::new()
        .with("completion/bash/docker", "complete")
        .with("completion/zsh/_docker", "#compdef docker")
        .with("completion/fish/docker.fish", "complete -c docker")
        .with("man/man1/docker-run.1", ".TH DOCKER-RUN 1")
        .with("man/man8/dockerd.8", ".TH DOCKERD 8")
        .with("man/man1/notes.txt", "no page");
    let package = bench.package();
    let found = |format| -> Vec<&str> {
        let is_paper = |path: &&str| {
            path.contains("/man/")
                || path.contains("docker.fish")
                || path.ends_with("_docker")
                || path.contains("bash-completion")
        };
        paths(&package, format).into_iter().filter(is_paper).collect()
    };
    let both = |zsh| {
        vec![
            "/usr/share/bash-completion/completions/docker",
            "/usr/share/fish/vendor_completions.d/docker.fish",
            "/usr/share/man/man1/docker-run.1.gz",
            "/usr/share/man/man8/dockerd.8.gz",
            zsh,
        ]
    };
    assert_eq!(found(Format::Deb), both("/usr/share/zsh/vendor-completions/_docker"));
    assert_eq!(found(Format::Rpm), both("/usr/share/zsh/site-functions/_docker"));
}

#[test]
fn plugins_bring_their_conflicts_and_the_old_command() {
    let bench = Bench::new().beside("compose", &static_program(AMD64, "")).says("[compose]\npath = \"compose\"\n");
    let package = bench.package();
    let link = package.entries.iter().find(|entry| entry.path.as_str() == "/usr/bin/docker-compose").expect("a link");
    let target = "../libexec/docker/cli-plugins/docker-compose".to_owned();
    assert_eq!(link.kind, EntryKind::Link { target });
    let conflicts =
        |format| -> Vec<String> { package.relations[&format].conflicts.iter().map(ToString::to_string).collect() };
    assert!(conflicts(Format::Deb).contains(&"docker-compose-v2".to_owned()));
    assert!(conflicts(Format::Rpm).contains(&"docker-compose-plugin".to_owned()));
    assert!(!conflicts(Format::Deb).iter().any(|name| name.contains("containerd") || name.contains("runc")));
}

#[test]
fn the_site_adds_files_of_its_own() {
    let bench = Bench::new()
        .beside("ca.crt", b"certificate")
        .says("[[files]]\npath = \"/etc/docker/certs.d/plant:5000/ca.crt\"\nsource = \"ca.crt\"\nrole = \"config\"\n");
    let package = bench.package();
    let file = package.entries.iter().find(|entry| entry.path.as_str().ends_with("ca.crt")).expect("the file");
    assert!(
        matches!(&file.kind, EntryKind::File { content, mode: 0o644, role: dam_pack::Role::Config } if content.size() == 11)
    );
}

#[test]
fn dates_are_those_of_the_newest_program() {
    let bench = Bench::new();
    let recipe = bench.recipe();
    // The tiny archive was never changed, as far as it says.
    assert_eq!(bench.parts(&recipe).expect("good parts").archive.modified(), 0);
    assert_eq!(bench.package().source_date, 1_700_000_000);
}

#[test]
fn dam_cannot_ride_along_unseen() {
    let bench = Bench::new().says("include_dam = true\n");
    let error = bench.parts(&bench.recipe()).expect_err("nobody says where dam is");
    assert!(matches!(error, dam_core::Error::Build(BuildError::NoDam)));
    let recipe = Recipe { include_dam: false, ..bench.recipe() };
    let program = bench.folder.path().join("dam");
    fs::write(&program, static_program(AMD64, "dam")).expect("a program");
    let program = Plugin::read(&program, None, AMD64, dam_core::engine::elf::Needs::Nothing).expect("a program");
    let parts =
        Parts { dam: Some(Companion { program, papers: Vec::new() }), ..bench.parts(&recipe).expect("good parts") };
    let package = layout::package(&recipe, &parts, 0).expect("a package");
    assert!(paths(&package, Format::Rpm).contains(&"/usr/bin/dam"));
}
