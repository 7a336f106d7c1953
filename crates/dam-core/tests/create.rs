//! `dam create`: from a project to a tagged image, or to an error and nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Mutex;

use dam_core::app::HookName;
use dam_core::event::{Event, Reporter, Silent};
use dam_core::ops::create::{CreateRequest, CreateWarning, Created, create};
use dam_core::project::{Flags, ProjectError};
use dam_core::store::{BuildRequest, Builder, Description, ImageId, ListedImage, Store, StoredImage};
use dam_core::testing::MemoryStore;
use dam_core::{Error, Result};
use dam_oci::testing::{MemoryImage, MemorySink};
use dam_oci::{Image, Platform, Reference};
use tempfile::TempDir;

/// A store in memory that builds with dam's own builder, remembers what it was asked, and fails where it is told to.
#[derive(Default)]
struct TestStore {
    inner: MemoryStore,
    /// What the last build was asked for, without the context.
    asked: RefCell<Option<Asked>>,
    /// The method that fails.
    fails: Option<&'static str>,
}

#[derive(Clone)]
struct Asked {
    dockerfile: String,
    labels: BTreeMap<String, String>,
    args: BTreeMap<String, String>,
    platform: Option<Platform>,
    no_cache: bool,
}

impl TestStore {
    /// A store that deletes an image with its last tag, as a Docker daemon does.
    fn daemon() -> Self {
        Self { inner: MemoryStore::deleting_untagged(), ..Self::default() }
    }

    fn failing(method: &'static str) -> Self {
        Self { fails: Some(method), ..Self::default() }
    }

    fn check(&self, method: &str) -> Result<()> {
        if self.fails == Some(method) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// All tags of all images, and an empty text for an image without one.
    fn images(&self) -> Vec<String> {
        let images = self.inner.list().expect("memory does not fail");
        let names = |image: &ListedImage| match image.tags.as_slice() {
            [] => vec![String::new()],
            tags => tags.iter().map(ToString::to_string).collect(),
        };
        let mut all: Vec<_> = images.iter().flat_map(names).collect();
        all.sort();
        all
    }

    fn find_tag(&self, tag: &str) -> Option<ImageId> {
        self.inner.find(&tag.parse().expect("a reference")).expect("memory does not fail").map(|image| image.id)
    }

    fn asked(&self) -> Asked {
        self.asked.borrow().clone().expect("something was built")
    }
}

impl Store for TestStore {
    fn describe(&self) -> Description {
        self.inner.describe()
    }

    fn find(&self, reference: &Reference) -> Result<Option<StoredImage>> {
        self.inner.find(reference)
    }

    fn find_id(&self, id: ImageId) -> Result<Option<StoredImage>> {
        self.inner.find_id(id)
    }

    fn list(&self) -> Result<Vec<ListedImage>> {
        self.inner.list()
    }

    fn load(&self, image: &dyn Image, tags: &[Reference], reporter: &dyn Reporter) -> Result<ImageId> {
        self.inner.load(image, tags, reporter)
    }

    fn tag(&self, id: ImageId, reference: &Reference) -> Result<()> {
        self.check("tag")?;
        self.inner.tag(id, reference)
    }

    fn untag(&self, reference: &Reference) -> Result<()> {
        self.check("untag")?;
        self.inner.untag(reference)
    }

    fn remove(&self, id: ImageId) -> Result<()> {
        self.inner.remove(id)
    }

    fn meta(&self, id: ImageId, out: &mut dyn Write) -> Result<bool> {
        self.check("meta")?;
        self.inner.meta(id, out)
    }

    fn image(&self, id: ImageId, reporter: &dyn Reporter) -> Result<Box<dyn Image>> {
        self.inner.image(id, reporter)
    }

    fn build(&self, request: &BuildRequest, reporter: &dyn Reporter) -> Result<ImageId> {
        self.check("build")?;
        *self.asked.borrow_mut() = Some(Asked {
            dockerfile: request.dockerfile.clone(),
            labels: request.labels.clone(),
            args: request.args.clone(),
            platform: request.platform.clone(),
            no_cache: request.no_cache,
        });
        let build = dam_oci::build::BuildRequest {
            context: request.context,
            dockerfile: request.dockerfile.clone(),
            labels: request.labels.clone(),
            args: request.args.clone(),
            platform: request.platform.clone(),
        };
        let (sink, bases) = (MemorySink::default(), BTreeMap::<String, MemoryImage>::new());
        let line = &mut |line: &str| reporter.event(Event::BuildLine { line });
        let built = dam_oci::build::build(&build, &sink, &bases, line)?;
        self.inner.load(&sink.image(&built), &request.tags, reporter)
    }
}

/// A project in a folder named `shop`, and a store.
struct Test {
    folder: TempDir,
    scratch: TempDir,
    store: TestStore,
    request: CreateRequest,
}

impl Test {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let request = CreateRequest { dir: folder.path().join("shop"), ..CreateRequest::default() };
        let scratch = TempDir::new().expect("a temporary folder");
        Self { folder, scratch, store: TestStore::default(), request }
            .file("Dockerfile", "FROM scratch\nCOPY meta /meta\n")
            .file("meta/install", "#!/bin/sh\n")
            .file("meta/uninstall", "#!/bin/sh\n")
    }

    fn file(self, path: &str, content: &str) -> Self {
        let path = self.request.dir.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, content).expect("a file can be written");
        self
    }

    fn flags(mut self, flags: Flags) -> Self {
        self.request.flags = flags;
        self
    }

    fn asking(mut self, change: impl FnOnce(&mut CreateRequest)) -> Self {
        change(&mut self.request);
        self
    }

    fn store(mut self, store: TestStore) -> Self {
        self.store = store;
        self
    }

    fn create(&self) -> Result<Created> {
        let created = create(&self.store, self.scratch.path(), &self.request, &Silent);
        assert_eq!(fs::read_dir(self.scratch.path()).expect("a folder").count(), 0, "temporary files are left");
        created
    }

    fn created(&self) -> Created {
        self.create().expect("it can be created")
    }

    fn fault(&self) -> String {
        let error = self.create().expect_err("it cannot be created");
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        let folder = fs::canonicalize(self.folder.path()).expect("it is there");
        format!("{error}{cause}")
            .replace(folder.to_str().expect("text"), "T")
            .replace(self.folder.path().to_str().expect("text"), "T")
    }

    /// The file `path` of the image that `tag` names.
    fn content(&self, tag: &str, path: &str) -> Option<String> {
        let id = self.store.find_tag(tag).expect("it is tagged");
        let mut tar = Vec::new();
        self.store.meta(id, &mut tar).expect("it has /meta");
        let mut archive = tar::Archive::new(tar.as_slice());
        archive.entries().expect("a tar").map(|entry| entry.expect("an entry")).find_map(|mut entry| {
            let found = entry.path().expect("a path") == Path::new(path);
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("text");
            found.then_some(text)
        })
    }
}

fn named(name: &str, version: &str) -> Flags {
    Flags { name: Some(name.to_owned()), version: Some(version.to_owned()), ..Flags::default() }
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn a_project_becomes_a_tagged_image() {
    let test = Test::new().file("meta/health", "#!/bin/sh\n").flags(named("web", "1.0"));
    let created = test.created();
    assert_eq!(created.reference.to_string(), "web:1.0");
    assert_eq!((created.app.name.as_str(), created.app.version.as_str()), ("web", "1.0"));
    assert_eq!(created.hooks, [HookName::Install, HookName::Uninstall, HookName::Health]);
    assert_eq!((created.layers, created.multiversion), (1, false));
    assert!(created.size > 0);
    assert_eq!(created.warnings, []);
    assert_eq!(test.store.images(), ["web:1.0"]);
    assert_eq!(test.store.find_tag("web:1.0"), Some(created.image));
}

#[test]
fn the_outcome_is_json_too() {
    let test = Test::new().file("meta/a.exp", "${DAM_X}").file("ENVIRONMENT", "DAM_APP_SERVERS=plant:5000,");
    let created = test.created();
    let json = serde_json::to_value(&created).expect("plain values");
    let expected = serde_json::json!({
        "app": { "name": "shop", "version": "SNAPSHOT" },
        "reference": "shop:SNAPSHOT",
        "image": created.image,
        "family": "shop",
        "multiversion": false,
        "servers": ["docker.io", "plant:5000"],
        "size": created.size,
        "layers": 1,
        "hooks": ["install", "uninstall"],
        "warnings": [{ "kind": "undefined", "file": "meta/a.exp", "line": 1, "variable": "DAM_X" }],
    });
    assert_eq!(json, expected);
}

#[test]
fn the_default_name_is_the_folders() {
    assert_eq!(Test::new().created().reference.to_string(), "shop:SNAPSHOT");
    let test = Test::new();
    let link = test.folder.path().join("Current Shop");
    std::os::unix::fs::symlink(&test.request.dir, &link).expect("a link can be made");
    let test = test.asking(|request| request.dir = link);
    assert_eq!(test.created().reference.to_string(), "current-shop:SNAPSHOT");
    let inside = test.asking(|request| request.dir = request.dir.join("meta/.."));
    assert_eq!(inside.created().reference.to_string(), "shop:SNAPSHOT");
}

#[test]
fn the_image_carries_labels() {
    let test = Test::new().file("meta/DESCRIPTION.exp", "\r\n  The ${DAM_APP_NAME}.\r\nMore.\n").flags(Flags {
        multiversion: Some(true),
        tag: Some("plant:5000/web:2".to_owned()),
        ..Flags::default()
    });
    test.created();
    let labels: Vec<_> = test.store.asked().labels.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let expected = [
        "DAM_APP_FAMILY=web",
        "DAM_APP_MULTIVERSION=true",
        "DAM_APP_NAME=web",
        "DAM_APP_SERVERS=plant:5000",
        "DAM_APP_VERSION=2",
        "org.opencontainers.image.description=The web.",
        "org.opencontainers.image.title=web",
        "org.opencontainers.image.version=2",
    ];
    assert_eq!(labels, expected);
}

#[test]
fn variables_come_from_the_system_the_dockerfile_a_file_and_flags() {
    let test = Test::new()
        .file(
            "Dockerfile",
            "FROM scratch\nENV DAM_B=docker DAM_C=docker \\\n  DAM_D='docker d'\nARG E=arg\nCOPY meta /meta\n",
        )
        .file("ENVIRONMENT", "DAM_C=file\nDAM_D=file\nDAM_APP_VERSION=3\n")
        .file(
            "meta/all.exp",
            "${DAM_A} ${DAM_B} ${DAM_C} ${E} ${HOME} ${DAM_APP_NAME} ${DAM_APP_VERSION} ${DAM_APP_TAG}",
        )
        .flags(Flags { name: Some("web".to_owned()), ..Flags::default() })
        .asking(|request| {
            let system = [pair("DAM_A", "os"), pair("DAM_B", "os"), pair("HOME", "/root"), pair("DAM_APP_NAME", "os")];
            request.dam_variables = system.to_vec();
        });
    test.created();
    let expected = "os docker file arg ${HOME} web 3 web:3";
    assert_eq!(test.content("web:3", "meta/all").as_deref(), Some(expected));
}

#[test]
fn another_file_of_variables_can_be_named() {
    let test = Test::new().file("ENVIRONMENT", "DAM_APP_NAME=a\n").file("mine", "DAM_APP_NAME=b\n");
    let mine = test.request.dir.join("mine");
    let test = test.asking(|request| request.env_file = Some(mine));
    assert_eq!(test.created().app.name.as_str(), "b");
}

#[test]
fn multiversion_comes_from_any_source() {
    assert!(Test::new().file("ENVIRONMENT", "DAM_APP_MULTIVERSION=true").created().multiversion);
    let dockerfile = "FROM scratch\nENV DAM_APP_MULTIVERSION true\nCOPY meta /meta\n";
    assert!(Test::new().file("Dockerfile", dockerfile).created().multiversion);
    let system = vec![pair("DAM_APP_MULTIVERSION", "true")];
    assert!(Test::new().asking(|request| request.dam_variables = system).created().multiversion);
}

#[test]
fn a_bad_name_is_told_with_its_origin() {
    let told = Test::new().file("ENVIRONMENT", "# names\nDAM_APP_NAME=Shop\n").fault();
    assert!(
        told.starts_with("the value of `DAM_APP_NAME` (from `T/shop/ENVIRONMENT` line 2) cannot be used: "),
        "{told}"
    );
    let told = Test::new().file("Dockerfile", "FROM scratch\nENV DAM_APP_VERSION='1 0'\n").fault();
    assert!(told.starts_with("the value of `DAM_APP_VERSION` (from `T/shop/Dockerfile`) cannot be used: "), "{told}");
    let told = Test::new().flags(named("web", ".1")).fault();
    assert!(told.starts_with("the value of `DAM_APP_VERSION` (from the flag `--version`) cannot be used: "), "{told}");
}

#[test]
fn reserved_variables_are_build_arguments_where_they_are_declared() {
    let dockerfile = "ARG DAM_APP_TAG\nFROM scratch\nARG DAM_APP_VERSION\nARG OTHER\n\
        ENV GREETING=\"hello $DAM_APP_VERSION\"\nCOPY meta /meta\n";
    let test = Test::new().file("Dockerfile", dockerfile).file("meta/a.exp", "${GREETING}").flags(named("web", "7"));
    test.created();
    let expected = [pair("DAM_APP_TAG", "web:7"), pair("DAM_APP_VERSION", "7")];
    assert_eq!(test.store.asked().args.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(test.content("web:7", "meta/a").as_deref(), Some("hello 7"));
}

#[test]
fn a_given_build_argument_wins() {
    let dockerfile = "FROM scratch\nARG DAM_APP_VERSION=1\nARG A=1\nCOPY meta /meta\n";
    let test = Test::new().file("Dockerfile", dockerfile).file("meta/a.exp", "${A}");
    let test = test.asking(|request| request.build_args = [pair("DAM_APP_VERSION", "5"), pair("A", "2")].into());
    let created = test.created();
    assert_eq!((created.app.version.as_str(), created.warnings.len()), ("5", 0));
    assert_eq!(test.store.asked().args.into_iter().collect::<Vec<_>>(), [pair("A", "2"), pair("DAM_APP_VERSION", "5")]);
    assert_eq!(test.content("shop:5", "meta/a").as_deref(), Some("2"));
}

#[test]
fn the_builder_is_told_everything() {
    let test = Test::new().file("make/Small", "FROM scratch\nADD ./meta /meta\n").asking(|request| {
        request.file = Some("make/Small".into());
        request.platform = Some("linux/arm64".parse().expect("a platform"));
        request.no_cache = true;
    });
    test.created();
    let asked = test.store.asked();
    assert_eq!((asked.dockerfile.as_str(), asked.no_cache), ("make/Small", true));
    assert_eq!(asked.platform.map(|platform| platform.to_string()).as_deref(), Some("linux/arm64"));
}

#[test]
fn a_value_baked_into_the_image_may_not_be_the_apps() {
    let dockerfile = "FROM scratch\nENV DAM_APP_VERSION=1.0\nCOPY meta /meta\n";
    let test = Test::new().file("Dockerfile", dockerfile);
    assert_eq!(test.created().warnings, []);
    let created = test.flags(named("web", "2.0")).created();
    let (variable, dockerfile, app) = ("DAM_APP_VERSION".to_owned(), "1.0".to_owned(), "2.0".to_owned());
    assert_eq!(created.warnings, [CreateWarning::Contradiction { variable, dockerfile, app }]);
}

#[test]
fn what_nobody_defines_is_a_warning_and_with_strict_an_error() {
    struct Told(Mutex<Vec<String>>);
    impl Reporter for Told {
        fn event(&self, event: Event) {
            self.0.lock().expect("nobody panicked").push(format!("{event:?}"));
        }
    }
    let test = Test::new().file("meta/install.exp", "#!/bin/sh\n${DAM_X} ${DAM_Y} ${MINE}\n");
    let told = Told(Mutex::default());
    let created = create(&test.store, test.scratch.path(), &test.request, &told).expect("warnings are no errors");
    assert_eq!(created.warnings.len(), 2);
    let told = told.0.into_inner().expect("nobody panicked");
    let expected = r#"Warning(Undefined { file: "meta/install.exp", line: 2, variable: "DAM_X" })"#;
    assert_eq!(told[0], expected);
    assert!(told.iter().skip(2).any(|line| line.starts_with("BuildLine")), "{told:?}");

    let test = test.store(TestStore::default()).asking(|request| request.strict = true);
    let expected = "nobody defines `DAM_X` (meta/install.exp:2), `DAM_Y` (meta/install.exp:2)";
    assert_eq!(test.fault(), expected);
    assert!(test.store.asked.borrow().is_none(), "nothing is built");
}

#[test]
fn an_image_without_meta_is_removed_and_named() {
    let expected = "the image that `T/shop/Dockerfile` builds has no `/meta` with `install` and `uninstall`";
    for store in [TestStore::default, TestStore::daemon] {
        let test = Test::new().file("Dockerfile", "FROM scratch\n# COPY meta /meta\n").store(store());
        assert_eq!(test.fault(), expected);
        assert!(test.store.images().is_empty());
    }
    for dockerfile in ["FROM scratch\nCOPY meta /\n", "FROM scratch\nCOPY meta/install /meta/\n"] {
        assert_eq!(Test::new().file("Dockerfile", dockerfile).fault(), expected);
    }
    assert_eq!(Test::new().file(".dockerignore", "meta/uninstall\n").fault(), expected);
}

#[test]
fn every_way_to_copy_meta_is_good() {
    let copies = [
        "ADD ./meta /meta",
        "copy\tmeta \\\n  /meta/",
        "COPY [\"meta\", \"/meta\"]",
        "WORKDIR /\nCOPY meta meta",
        "COPY . /",
        "FROM scratch AS more\nCOPY meta /x\nFROM scratch\nCOPY --from=more /x /meta",
    ];
    for copy in copies {
        let test = Test::new().file("Dockerfile", &format!("FROM scratch\n{copy}\n"));
        assert_eq!(test.created().hooks, [HookName::Install, HookName::Uninstall], "{copy}");
    }
}

#[test]
fn an_excluded_meta_is_not_in_the_image() {
    let test = Test::new().file(".dockerignore", "meta\n");
    let error = test.create().expect_err("there is nothing to copy");
    assert!(matches!(error, Error::Project(ProjectError::Dockerfile { .. })), "{error:?}");
    let test = test.file("Dockerfile", "FROM scratch\nCOPY . /\n");
    let error = test.create().expect_err("the image has no /meta");
    assert!(matches!(error, Error::Project(ProjectError::NoMetaInImage { .. })), "{error:?}");
}

#[test]
fn the_same_project_gives_the_same_image() {
    let test = Test::new().file("meta/a.exp", "${DAM_APP_TAG}");
    let first = test.created();
    let other = Test::new().file("meta/a.exp", "${DAM_APP_TAG}").created();
    assert_eq!(first.image, other.image);
    assert_eq!(test.created(), first);
    assert_eq!(test.store.images(), ["shop:SNAPSHOT"]);
}

#[test]
fn what_was_there_before_stays_when_a_build_is_useless() {
    for store in [TestStore::default, TestStore::daemon] {
        let test = Test::new().flags(named("web", "1")).store(store());
        let before = test.created().image;
        let test = test.file("Dockerfile", "FROM scratch\n");
        test.fault();
        assert_eq!((test.store.images(), test.store.find_tag("web:1")), (vec!["web:1".to_owned()], Some(before)));
    }
}

#[test]
fn a_useless_image_that_has_another_name_stays() {
    let test = Test::new().file("Dockerfile", "FROM scratch\n");
    test.fault();
    let asked = test.store.asked();
    let mut context = dam_oci::Context::new();
    context.insert(dam_oci::context::Entry::bytes("Dockerfile", 0o644, "FROM scratch\n"));
    let mine = BuildRequest {
        context: &context,
        dockerfile: "Dockerfile".to_owned(),
        tags: vec!["mine:1".parse().expect("a reference")],
        labels: asked.labels,
        args: BTreeMap::new(),
        platform: None,
        no_cache: false,
        builder: Builder::Auto,
    };
    test.store.build(&mine, &Silent).expect("it can be built");
    test.fault();
    assert_eq!(test.store.images(), ["mine:1"]);
}

#[test]
fn a_failure_leaves_nothing_behind() {
    for method in ["build", "meta", "tag"] {
        let test = Test::new().store(TestStore::failing(method));
        assert_eq!(test.fault(), "interrupted", "{method}");
        assert!(test.store.images().is_empty(), "{method}");
    }
}

#[test]
fn a_temporary_name_that_stays_is_no_failure() {
    let test = Test::new().store(TestStore::failing("untag"));
    assert_eq!(test.created().reference.to_string(), "shop:SNAPSHOT");
    let images = test.store.images();
    assert!(images.len() == 2 && images[0].starts_with("dam-build-") && images[0].ends_with(":tmp"), "{images:?}");
}

#[test]
fn a_line_that_needs_an_engine_is_named() {
    let test = Test::new().file("Dockerfile", "FROM scratch\nCOPY meta /meta\nRUN true\n");
    assert_eq!(test.fault(), "`T/shop/Dockerfile` cannot be built: line 3: RUN needs a container engine");
}

#[test]
fn a_bad_dockerfile_is_named_with_its_line() {
    let test = Test::new().file("Dockerfile", "FROM scratch\nNONSENSE\n");
    assert!(test.fault().starts_with("`T/shop/Dockerfile` cannot be built: line 2: "), "{}", test.fault());
    let error = test.create().expect_err("it cannot be read");
    assert!(matches!(error, Error::Project(ProjectError::Dockerfile { .. })), "{error}");
}

#[test]
fn the_project_is_not_touched() {
    let test = Test::new().file("meta/install.exp", "${DAM_APP_NAME}").file("meta/deep/conf.exp", "${DAM_APP_TAG}");
    let list = || {
        let mut files = Vec::new();
        let mut folders = vec![test.request.dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry")) {
                let metadata = entry.metadata().expect("it is there");
                let times = (metadata.modified().expect("a time"), metadata.permissions());
                if metadata.is_dir() {
                    folders.push(entry.path());
                    files.push((entry.path(), times, Vec::new()));
                } else {
                    files.push((entry.path(), times, fs::read(entry.path()).expect("a file")));
                }
            }
        }
        files
    };
    let before = list();
    test.created();
    assert_eq!(list(), before);
    assert_eq!(test.content("shop:SNAPSHOT", "meta/deep/conf").as_deref(), Some("shop:SNAPSHOT"));
    assert_eq!(test.content("shop:SNAPSHOT", "meta/deep/conf.exp").as_deref(), Some("${DAM_APP_TAG}"));
}
