//! What is said about command lines.

mod support;

use snapbox::str;
use support::Dam;

#[test]
fn dam_alone_prints_help() {
    let dam = Dam::new();
    dam.run("").success().no_stderr().stdout(str![[r#"
A package manager for containers on machines without internet

Usage: dam [OPTIONS] [COMMAND]

Commands:
  create      Makes an app of a folder [alias: ce]
  save        Writes an app to a file that can be installed elsewhere
  pull        Fetches images from registries into the store
  export      Writes the installed apps to a file, as a list or with their images [alias: ex]
  install     Installs an app from a file or by its name [alias: in]
  upgrade     Puts a newer version in the place of an installed app [alias: up]
  rollback    Puts the previous version of an app back
  remove      Removes an installed app [alias: rm]
  list        Lists the installed apps [alias: ls]
  import      Brings this machine to what a product says: a bundle, or a list of apps [alias: im]
  search      Looks for apps and images in registries [alias: se]
  push        Sends apps to a registry
  info        Says what is known of an app, an image or an archive
  history     Shows what was done on this machine
  verify      Compares what is installed with what the store holds, or checks all of a file
  diff        Says how two products differ: their apps, versions, layers, bytes and scripts
  purge       Removes images of apps that are not installed
  addrepo     Gives a registry a name, and keeps what it takes to reach it [alias: ar]
  modifyrepo  Changes what is known of a registry [alias: mr]
  removerepo  Forgets a registry [alias: rr]
  listrepos   Lists the registries [alias: lr]
  doctor      Says what is wrong with this machine, and which command mends it
  engine      Makes and installs packages of Docker Engine
  migrate     Takes over what DAM 1.x has installed
  completion  Prints the completions for a shell
  version     Shows the version of dam
  help        Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help (see more with '--help')
  -V, --version  Print version

Global options:
      --root <DIR>      Folder with dam's ledger, store and caches (or $DAM_ROOT)
      --store <STORE>   Where images live (or $DAM_STORE): `auto` is Docker if there is a sign of
                        it, else the built-in layout [possible values: auto, docker, layout]
      --json            Prints the answer as one JSON document
  -q, --quiet           Says only what went wrong
  -x, --debug           Says more
      --color <WHEN>    When to use colours; $NO_COLOR is honoured [default: auto] [possible values:
                        auto, always, never]
      --progress <HOW>  How to show progress on stderr: `json` is one object a line [default: auto]
                        [possible values: auto, plain, json, none]

Examples:
  dam create ./shop               makes an app of the folder `shop`
  dam save shop:1.0               writes it to a file
  dam install ./shop-1.0.dam      installs it from the file, on a machine without internet
  dam list                        shows what is installed

"#]]);
    assert_eq!(dam.run("").success().text(), dam.run("-h").success().text());
}

#[test]
fn a_command_explains_itself() {
    Dam::new().run("install --help").success().no_stderr().stdout(str![[r#"
Installs an app from a file or by its name

A path begins with `/`, `./` or `../`, or ends in .dam, .tar, .tar.gz, .tgz or .tar.zst; anything
else is a name. What a configured repo has of that name is fetched, unless the store has it already,
exactly so. When the app's install script fails, everything is put back as it was.

Usage: dam install [OPTIONS] <FILE|NAME>

Arguments:
  <FILE|NAME>
          An archive, or [REPO/]NAME[:VERSION], where REPO is a repo or a server; without VERSION,
          the newest release

Options:
      --offline
          Asks no registry: takes what is in the store (or $DAM_OFFLINE)

      --platform <OS/ARCH>
          The platform to take of images for several, such as linux/arm64 [default: this machine's]

      --any-repo
          Asks the other repos, too, where the default one does not have the name

      --dry-run
          Shows what would be done, and does nothing

  -y, --yes
          Does not ask

      --timeout <TIME>
          Limit for each script and for `health` to succeed (else 60s), such as 90s, 5m or 1h30m

      --no-health
          Does not run the app's `health` script

  -h, --help
          Print help (see a summary with '-h')

Global options:
      --root <DIR>
          Folder with dam's ledger, store and caches (or $DAM_ROOT)

      --store <STORE>
          Where images live (or $DAM_STORE): `auto` is Docker if there is a sign of it, else the
          built-in layout
          
          [possible values: auto, docker, layout]

      --json
          Prints the answer as one JSON document

  -q, --quiet
          Says only what went wrong

  -x, --debug
          Says more

      --color <WHEN>
          When to use colours; $NO_COLOR is honoured
          
          [default: auto]
          [possible values: auto, always, never]

      --progress <HOW>
          How to show progress on stderr: `json` is one object a line
          
          [default: auto]
          [possible values: auto, plain, json, none]

Examples:
  dam install ./shop-1.0.dam
  dam install shop:1.0 --yes
  dam install plant/mongodb
  dam install plant:5000/shop:1.0 --dry-run

"#]]);
}

#[test]
fn help_needs_no_home_and_no_root() {
    let dam = Dam::new().without("HOME").without_root().file("config.toml", "broken");
    dam.run("--help").success().no_stderr();
    dam.run("list --help").success().no_stderr();
    dam.run("version").success().no_stderr().stdout("dam 2.0.0\n");
}

/// Says what is wrong with a line and where to look.
fn slip(line: &str, message: &str, hint: &str) {
    Dam::new().run(line).misuse().no_stdout().stderr(format!("error: {message}\nhint: {hint}\n"));
}

#[test]
fn slips_are_understood() {
    slip("instal shop", "no command `instal`; did you mean `install`?", "dam --help");
    slip("frobnicate", "no command `frobnicate`", "dam --help");
    slip("--jsn list", "`dam list` has no option `--jsn`; did you mean `--json`?", "dam list --help");
    slip("remove shop --forse", "`dam remove` has no option `--forse`; did you mean `--force`?", "dam remove --help");
    slip("list shop", "`dam list` takes no further word: `shop`", "dam list --help");
}

#[test]
fn missing_and_double_words_are_named() {
    slip("remove", "`dam remove` needs <APP>", "dam remove --help");
    slip("completion", "`dam completion` needs <SHELL>", "dam completion --help");
    slip("list --store", "--store <STORE> needs a value", "dam list --help");
    slip("save a:1 -o x -o y", "--output <FILE> is given twice", "dam save --help");
    slip("list --raw --labels", "--raw and --labels exclude each other", "dam list --help");
}

#[test]
fn values_are_checked_before_anything_is_done() {
    let name = "`Shop:1.0` is not an image name: the name must be in lower case";
    slip("install Shop:1.0", name, "dam install --help");
    let time = "`soon` is not a length of time such as `90s`, `5m` or `1h30m`";
    slip("upgrade shop:1.0 --timeout soon", time, "dam upgrade --help");
    slip("list --store podman", "--store <STORE> takes one of auto, docker, layout, not `podman`", "dam list --help");
    slip("create . --build-arg KEY", "`KEY` is not of the form `KEY=VALUE`", "dam create --help");
    slip("purge --keep few", "`few` is not a whole number", "dam purge --help");
}

#[test]
fn a_usage_error_is_json_too() {
    let run = Dam::new().run("instal shop --json").misuse().no_stderr();
    run.stdout(str![[r#"
{
  "error": {
    "kind": "usage",
    "message": "no command `instal`; did you mean `install`?",
    "causes": [],
    "hints": [
      "dam --help"
    ]
  }
}

"#]]);
}

#[test]
fn version_is_words_or_json() {
    let dam = Dam::new();
    dam.run("version").success().no_stderr().stdout("dam 2.0.0\n");
    dam.run("--version").success().no_stderr().stdout("dam 2.0.0\n");
    assert_eq!(dam.run("version --json").success().json()["version"], "2.0.0");
}

#[test]
fn completions_are_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = Dam::new().run(&format!("completion {shell}")).success().no_stderr();
        assert!(run.text().contains("multiversion"), "{shell}");
    }
}
