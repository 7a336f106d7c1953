//! `dam engine init`.

mod support;

use snapbox::str;
use support::Dam;

#[test]
fn a_recipe_is_begun_and_never_replaced() {
    let dam = Dam::new();
    dam.run("engine init").success().no_stderr().stdout(str![[r#"
Wrote engine.toml  (42 settings, all explained)

"#]]);
    let recipe = std::fs::read_to_string(dam.path("engine.toml")).expect("a recipe");
    assert_eq!(recipe, dam_core::engine::recipe::DEFAULT);
    dam.run("engine init").failure().no_stdout().stderr(str![[r#"
error: `engine.toml` is there already, and is left as it is
hint: dam engine build engine.toml   builds what it says

"#]]);
    let json = dam.run("engine init other.toml --json").success().json();
    assert_eq!(json, serde_json::json!({ "path": "other.toml", "keys": 42 }));
}

#[test]
fn engine_alone_prints_its_help() {
    let dam = Dam::new();
    dam.run("engine").success().stdout(str![[r#"
Makes and installs packages of Docker Engine

Usage: dam engine [OPTIONS] <COMMAND>

Commands:
  init     Writes a recipe in which every setting is explained
  fetch    Downloads what a recipe names by URL, and notes the digests in it
  build    Makes one .deb and one .rpm of Docker's static programs
  check    Says what of a package its targets cannot read, and why
  explain  Says what a package holds, or what differs between two
  repo     Makes a folder of packages a repository that apt, yum, dnf and zypper install from
  install  Installs a package of Docker Engine on this machine, and sees whether a container runs
  help     Print this message or the help of the given subcommand(s)

Options:
  -h, --help  Print help (see more with '--help')

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
  dam engine init               writes engine.toml, a recipe in which every setting is explained
  dam engine fetch              downloads what engine.toml names by URL, and notes the digests in it
  dam engine build              makes the packages it says
  dam engine check *.deb *.rpm  says whether all distributions can read the packages
  dam engine repo /media/stick  makes the stick a repository
  dam engine install ./dam-docker_26.1.5-1_amd64.deb

"#]]);
    dam.run("engine biuld").misuse().stderr(str![[r#"
error: no command `biuld`; did you mean `build`?
hint: dam engine --help

"#]]);
}
