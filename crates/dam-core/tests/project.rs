//! Projects: what is found, what is expanded, what goes to a build, and that nothing is written.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use dam_core::Error;
use dam_core::project::{Origin, Project, ProjectError, Templates, Variables};
use dam_oci::Context;
use dam_oci::context::{EntryKind, Source};
use tempfile::TempDir;

/// A project under construction, and a place for what is made of it.
struct Fixture {
    project: TempDir,
    scratch: TempDir,
}

impl Fixture {
    /// A folder with nothing in it.
    fn empty() -> Self {
        let folder = || TempDir::new().expect("a temporary folder");
        Self { project: folder(), scratch: folder() }
    }

    /// The smallest project.
    fn new() -> Self {
        Self::empty()
            .file("Dockerfile", 0o644, "FROM scratch\nCOPY meta /meta\n")
            .file("meta/install", 0o755, "#!/bin/sh\n")
            .file("meta/uninstall", 0o755, "#!/bin/sh\n")
    }

    fn file(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(&path, content).expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode can be set");
        self
    }

    fn link(self, path: &str, target: &str) -> Self {
        symlink(target, self.path(path)).expect("a link can be made");
        self
    }

    fn without(self, path: &str) -> Self {
        fs::remove_file(self.path(path)).expect("a file can be removed");
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.project.path().join(path)
    }

    fn open(&self) -> Result<Project, Error> {
        Project::open(self.project.path(), None)
    }

    fn expand(&self, known: &[(&str, &str)]) -> Result<Templates, Error> {
        let mut variables = Variables::default();
        known.iter().for_each(|(key, value)| variables.set(*key, *value, Origin::System));
        self.open().expect("a project").expand(&variables, self.scratch.path())
    }

    fn context(&self, known: &[(&str, &str)]) -> Context {
        let templates = self.expand(known).expect("good templates");
        self.open().expect("a project").context(templates).expect("a context")
    }

    fn open_fault(&self) -> String {
        told(&self.open().expect_err("not a project"), self.project.path())
    }

    fn expand_fault(&self) -> String {
        told(&self.expand(&[]).expect_err("bad templates"), self.project.path())
    }
}

/// The words of an error without the place of the temporary folder.
fn told(error: &Error, folder: &Path) -> String {
    let folder = fs::canonicalize(folder).expect("the folder is there");
    error.to_string().replace(folder.to_str().expect("text"), "P")
}

/// What is at `path`: its mode and bytes.
fn entry(context: &Context, path: &str) -> Option<(u32, Vec<u8>)> {
    let entry = context.get(path).filter(|entry| !entry.excluded)?;
    let EntryKind::File { size, source } = &entry.kind else { panic!("{path} is no file") };
    let bytes = match source {
        Source::Disk(path) => fs::read(path).expect("the context holds on to its files"),
        Source::Bytes(bytes) => bytes.to_vec(),
    };
    assert_eq!(bytes.len() as u64, *size);
    Some((entry.mode, bytes))
}

/// Names, kinds, modes, times and bytes of everything below a folder.
fn picture(folder: &Path) -> Vec<String> {
    let facts = |path: &Path| {
        let m = fs::symlink_metadata(path).expect("it is there");
        format!("{} {:o} {} {} {} {}", path.display(), m.mode(), m.mtime(), m.mtime_nsec(), m.size(), m.ino())
    };
    let mut lines = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        lines.push(facts(&folder));
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let kind = fs::symlink_metadata(&path).expect("it is there").file_type();
            if kind.is_dir() {
                folders.push(path);
            } else {
                let content = if kind.is_file() { fs::read(&path).expect("a file") } else { Vec::new() };
                lines.push(format!("{} {content:?}", facts(&path)));
            }
        }
    }
    lines.sort();
    lines
}

#[test]
fn what_is_missing_is_named_with_its_path() {
    let fixture = Fixture::empty();
    assert_eq!(fixture.open_fault(), "there is no folder `P/meta`");
    let fixture = fixture.file("meta/x", 0o644, "");
    assert_eq!(fixture.open_fault(), "there is no Dockerfile at `P/Dockerfile`");
    let fixture = fixture.file("Dockerfile", 0o644, "FROM scratch\n");
    assert_eq!(fixture.open_fault(), "there is neither `P/meta/install` nor `P/meta/install.exp`");
    let fixture = fixture.file("meta/install.exp", 0o644, "");
    assert_eq!(fixture.open_fault(), "there is neither `P/meta/uninstall` nor `P/meta/uninstall.exp`");
    let fixture = fixture.file("meta/uninstall", 0o644, "");
    assert_eq!(fixture.open().expect("a project").dockerfile_in_context(), "Dockerfile");
}

#[test]
fn a_project_is_a_folder() {
    let fixture = Fixture::new();
    for path in ["nothing", "Dockerfile", "Dockerfile/x"] {
        let error = Project::open(&fixture.path(path), None).expect_err("no folder");
        assert!(matches!(error, Error::Project(ProjectError::NoFolder { .. })), "{error}");
    }
    let linked = Fixture::empty();
    symlink(fixture.project.path(), linked.path("link")).expect("a link can be made");
    assert!(Project::open(&linked.path("link"), None).is_ok());
    let error = Fixture::empty().link("meta", "/").open().expect_err("a linked meta");
    assert!(matches!(error, Error::Project(ProjectError::NoMeta { .. })), "{error}");
}

#[test]
fn another_dockerfile_can_be_named() {
    let fixture = Fixture::new().file("make/Dockerfile.small", 0o644, "FROM scratch\n");
    let open = |file: &Path| Project::open(fixture.project.path(), Some(file));
    for file in [fixture.path("make/Dockerfile.small").as_path(), Path::new("make/Dockerfile.small")] {
        assert_eq!(open(file).expect("a project").dockerfile_in_context(), "make/Dockerfile.small");
    }
    let error = open(Path::new("none/Dockerfile")).expect_err("no such file");
    assert_eq!(error.to_string(), "there is no Dockerfile at `none/Dockerfile`");
    let other = Fixture::new();
    let error = open(&other.path("Dockerfile")).expect_err("outside");
    assert!(matches!(error, Error::Project(ProjectError::DockerfileOutside { .. })), "{error}");
}

#[test]
fn the_first_environment_counts() {
    let first = |fixture: &Fixture| {
        let environment = fixture.open().expect("a project").environment(None).expect("readable");
        environment.assignments.first().map(|assignment| String::from_utf8_lossy(&assignment.value).into_owned())
    };
    let fixture = Fixture::new();
    assert_eq!(first(&fixture), None);
    let fixture = fixture.file("meta/ENVIRONMENT", 0o644, "A=meta");
    assert_eq!(first(&fixture).as_deref(), Some("meta"));
    let fixture = fixture.file("make/ENVIRONMENT", 0o644, "A=make");
    assert_eq!(first(&fixture).as_deref(), Some("make"));
    let fixture = fixture.file("ENVIRONMENT", 0o644, "A=root").file("mine", 0o644, "A=mine");
    assert_eq!(first(&fixture).as_deref(), Some("root"));
    let project = fixture.open().expect("a project");
    let mine = project.environment(Some(&fixture.path("mine"))).expect("readable");
    assert_eq!(mine.assignments[0].value, b"mine");
    let error = project.environment(Some(&fixture.path("none"))).expect_err("no such file");
    assert_eq!(told(&error, fixture.project.path()), "there is no file with variables at `P/none`");
}

#[test]
fn templates_are_expanded_wherever_they_are() {
    let fixture = Fixture::new()
        .file("meta/DESCRIPTION.exp", 0o644, "A ${A}\n")
        .file("meta/deep/er/conf.exp", 0o600, "${A}${B}\r\n${C}")
        .file("meta/deep/run.exp", 0o750, "\0${A}")
        .file("outside.exp", 0o644, "${A}");
    let context = fixture.context(&[("A", "shop"), ("B", "${A}")]);
    assert_eq!(entry(&context, "meta/DESCRIPTION"), Some((0o644, b"A shop\n".to_vec())));
    assert_eq!(entry(&context, "meta/deep/er/conf"), Some((0o600, b"shop${A}\r\n${C}".to_vec())));
    assert_eq!(entry(&context, "meta/deep/run"), Some((0o750, b"\0shop".to_vec())));
    assert_eq!(entry(&context, "meta/deep/run.exp"), Some((0o750, b"\0${A}".to_vec())));
    assert_eq!(entry(&context, "outside"), None);
}

#[test]
fn the_scripts_are_always_executable() {
    let fixture = Fixture::new()
        .file("meta/install", 0o644, "old")
        .file("meta/install.exp", 0o600, "new ${A}")
        .file("meta/uninstall", 0o640, "as it is ${A}")
        .file("meta/health", 0o644, "");
    let context = fixture.context(&[("A", "1")]);
    assert_eq!(entry(&context, "meta/install"), Some((0o755, b"new 1".to_vec())));
    assert_eq!(entry(&context, "meta/uninstall"), Some((0o755, b"as it is ${A}".to_vec())));
    assert_eq!(entry(&context, "meta/health"), Some((0o644, Vec::new())));
}

#[test]
fn a_file_named_exp_is_no_template() {
    let fixture = Fixture::new().file("meta/.exp", 0o644, "${A}").file("meta/...exp", 0o644, "${A}");
    let context = fixture.context(&[("A", "1")]);
    assert_eq!(entry(&context, "meta/.exp"), Some((0o644, b"${A}".to_vec())));
    assert_eq!(context.iter().count(), 6);
}

#[test]
fn a_template_of_a_template_is_expanded_once() {
    let fixture = Fixture::new().file("meta/a.exp.exp", 0o644, "${A}");
    let context = fixture.context(&[("A", "${A}")]);
    assert_eq!(entry(&context, "meta/a.exp"), Some((0o644, b"${A}".to_vec())));
    assert_eq!(entry(&context, "meta/a"), None);
}

#[test]
fn links_to_files_are_read_and_links_to_folders_are_not_entered() {
    let fixture = Fixture::new()
        .file("shared/conf", 0o640, "${A}")
        .file("shared/more.exp", 0o640, "${A}")
        .link("meta/conf.exp", "../shared/conf")
        .link("meta/shared", "../shared")
        .link("meta/folder.exp", "../shared")
        .without("meta/install")
        .link("meta/install", "../shared/conf");
    let context = fixture.context(&[("A", "1")]);
    assert_eq!(entry(&context, "meta/conf"), Some((0o640, b"1".to_vec())));
    assert_eq!(entry(&context, "meta/install"), Some((0o755, b"${A}".to_vec())));
    assert_eq!(entry(&context, "meta/shared/more"), None);
    assert_eq!(entry(&context, "meta/folder"), None);
}

#[test]
fn a_link_out_of_the_project_is_refused() {
    let outside = Fixture::empty().file("secret", 0o600, "${A}");
    let secret = fs::canonicalize(outside.path("secret")).expect("it is there");
    let secret = secret.to_str().expect("text");
    let expected = |file: &str| format!("`P/meta/{file}` is a link to `{secret}`, which is outside the project");
    assert_eq!(Fixture::new().link("meta/x.exp", secret).expand_fault(), expected("x.exp"));
    let fixture = Fixture::new().without("meta/install").link("meta/install", secret);
    assert_eq!(fixture.expand_fault(), expected("install"));
    assert_eq!(Fixture::new().link("meta/x.exp", "nowhere").expand_fault(), "cannot access `P/meta/x.exp`");
}

#[test]
fn a_folder_is_not_replaced_by_a_file() {
    let fixture = Fixture::new().file("meta/x/y", 0o644, "").file("meta/x.exp", 0o644, "");
    assert_eq!(fixture.expand_fault(), "`P/meta/x.exp` cannot be expanded: `P/meta/x` is a folder");
}

#[test]
fn undefined_variables_are_listed_with_file_and_line() {
    let templates = Fixture::new()
        .file("meta/install.exp", 0o755, "#!/bin/sh\necho ${DAM_X} ${X} ${DAM_X}\n")
        .file("meta/a/b.exp", 0o644, "${DAM_Y}${DAM_Z}")
        .expand(&[("DAM_Z", "1")])
        .expect("undefined is no error");
    let listed: Vec<_> = templates.undefined.iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["`DAM_Y` (meta/a/b.exp:1)", "`DAM_X` (meta/install.exp:2)"]);
    let error = ProjectError::Undefined(templates.undefined);
    assert_eq!(error.to_string(), "nobody defines `DAM_Y` (meta/a/b.exp:1), `DAM_X` (meta/install.exp:2)");
}

#[test]
fn dockerignore_is_honoured() {
    let fixture = Fixture::new()
        .file("meta/conf.exp", 0o644, "${A}")
        .file("meta/notes", 0o644, "")
        .file("meta/notes.exp", 0o644, "")
        .file(".git/config", 0o644, "secret")
        .file(".dockerignore", 0o644, ".git\n**/*.exp\nmeta/notes\nDockerfile\n");
    let context = fixture.context(&[("A", "1")]);
    assert_eq!(entry(&context, "meta/conf"), Some((0o644, b"1".to_vec())));
    for path in ["meta/conf.exp", "meta/notes", "meta/notes.exp", ".git/config"] {
        assert!(context.get(path).is_none(), "{path}");
    }
    assert!(context.get("Dockerfile").is_some_and(|dockerfile| dockerfile.excluded));
    let context = fixture.file(".dockerignore", 0o644, "meta").context(&[]);
    assert!(context.iter().all(|entry| !entry.path.starts_with("meta")));
}

#[test]
fn a_dockerfile_may_have_an_ignore_file_of_its_own() {
    let fixture = Fixture::new()
        .file("Dockerfile.dockerignore", 0o644, "b\n")
        .file(".dockerignore", 0o644, "a\n")
        .file("a", 0o644, "")
        .file("b", 0o644, "");
    let context = fixture.context(&[]);
    assert!(context.get("a").is_some() && context.get("b").is_none());
}

#[test]
fn nothing_is_written_into_the_project() {
    let fixture = Fixture::new()
        .file("meta/install.exp", 0o600, "${A}")
        .file("meta/deep/conf.exp", 0o400, "${A}")
        .link("meta/link.exp", "deep/conf.exp");
    for folder in ["meta/deep", "meta", ""] {
        fs::set_permissions(fixture.path(folder), fs::Permissions::from_mode(0o555)).expect("a mode can be set");
    }
    let before = picture(fixture.project.path());
    let context = fixture.context(&[("A", "1")]);
    assert_eq!(entry(&context, "meta/install"), Some((0o755, b"1".to_vec())));
    context.write_tar(&mut Vec::new()).expect("a tar");
    drop(context);
    assert_eq!(picture(fixture.project.path()), before);
    for folder in ["", "meta", "meta/deep"] {
        fs::set_permissions(fixture.path(folder), fs::Permissions::from_mode(0o755)).expect("a mode can be set");
    }
}

#[test]
fn the_expanded_files_are_private_and_go_away_with_the_context() {
    let fixture = Fixture::new().file("meta/conf.exp", 0o644, "${A}");
    let context = fixture.context(&[("A", "secret")]);
    let made: Vec<_> = fs::read_dir(fixture.scratch.path()).expect("a folder").map(|e| e.expect("an entry")).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].metadata().expect("it is there").mode() & 0o777, 0o700);
    drop(context);
    assert_eq!(fs::read_dir(fixture.scratch.path()).expect("a folder").count(), 0);
}

#[test]
fn a_missing_scratch_is_named() {
    let fixture = Fixture::new();
    let project = fixture.open().expect("a project");
    let error = project.expand(&Variables::default(), &fixture.path("nowhere")).expect_err("no scratch");
    assert!(error.to_string().contains("nowhere") && error.source().is_some(), "{error}");
}

#[test]
fn a_large_template_passes_in_pieces() {
    let line = "x".repeat(70_000);
    let fixture = Fixture::new().file("meta/big.exp", 0o644, format!("{line}${{A}}\n").repeat(40));
    let context = fixture.context(&[("A", "1")]);
    assert_eq!(entry(&context, "meta/big"), Some((0o644, format!("{line}1\n").repeat(40).into_bytes())));
}
