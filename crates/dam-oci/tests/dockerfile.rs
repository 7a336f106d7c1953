//! Dockerfiles: what is read, what is refused and where, and which variables there are.

use std::collections::BTreeMap;

use dam_oci::dockerfile::{Action, Command, TransferSource};
use dam_oci::{Dockerfile, Error};
use proptest::prelude::{ProptestConfig, proptest};

fn parse(text: &str) -> Dockerfile {
    Dockerfile::parse(text).expect(text)
}

fn fault(text: &str) -> String {
    match Dockerfile::parse(text) {
        Err(error @ Error::Dockerfile { .. }) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

fn variables(text: &str) -> Vec<(String, String)> {
    parse(text).variables(&BTreeMap::new())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn actions(text: &str) -> Vec<Action> {
    parse(text).stages.into_iter().flat_map(|stage| stage.instructions).map(|i| i.action).collect()
}

#[test]
fn knows_stages_and_lines() {
    let file = parse("# hello\nARG V=1\n\nFROM a:$V AS Build\nUSER x\nfrom --platform=linux/arm64 build\n\nuser y\n");
    assert_eq!(file.globals.len(), 1);
    let stages: Vec<_> = file.stages.iter().map(|s| (s.line, s.base.as_str(), s.name.as_deref())).collect();
    assert_eq!(stages, [(4, "a:$V", Some("build")), (6, "build", None)]);
    assert_eq!(file.stages[1].platform.as_deref(), Some("linux/arm64"));
    assert_eq!(file.stages[1].instructions[0].line, 8);
    assert_eq!(file.stages[1].instructions[0].action, Action::User("y".into()));
}

#[test]
fn reads_a_file_from_windows() {
    let file = parse("\u{feff}FROM scratch\r\nenv A=1 \\\r\n  # why\r\n  B=\"two words\"\r\n\r\nCMD run \\\r\n it\r\n");
    let [env, cmd] = &file.stages[0].instructions[..] else { panic!("two instructions") };
    assert_eq!((env.line, cmd.line), (2, 6));
    assert_eq!(env.text, "env A=1   B=\"two words\"");
    assert_eq!(env.action, Action::Env(pairs(&[("A", "1"), ("B", "\"two words\"")])));
    assert_eq!(cmd.action, Action::Cmd(Command::Shell("run  it".into())));
}

#[test]
fn obeys_the_escape_directive() {
    let file = parse("# escape=`\nFROM scratch\nENV DIR=C:\\a `\n  B=2\n");
    assert_eq!(file.escape, '`');
    assert_eq!(file.variables(&BTreeMap::new()), pairs(&[("DIR", "C:\\a"), ("B", "2")]));
}

#[test]
fn reads_here_documents() {
    let read = actions("FROM scratch\nCOPY <<-\"a.txt\" <<b.txt /dir/\n\tone $X\na.txt\ntwo\nb.txt\nUSER x\n");
    let Action::Copy(copy) = &read[0] else { panic!("a copy") };
    let document = |name: &str, expand, content: &str| TransferSource::HereDocument {
        name: name.into(),
        expand,
        content: content.into(),
    };
    assert_eq!(copy.sources, [document("a.txt", false, "one $X\n"), document("b.txt", true, "two\n")]);
    assert_eq!(read[1], Action::User("x".into()));
}

#[test]
fn a_broken_json_form_is_a_line_for_the_shell() {
    let read = actions("FROM scratch\nCMD [\"a\", 'b']\nENTRYPOINT [\"a\",\\\n \"b\\n\"]\n");
    assert_eq!(read[0], Action::Cmd(Command::Shell("[\"a\", 'b']".into())));
    assert_eq!(read[1], Action::Entrypoint(Command::Exec(vec!["a".into(), "b\n".into()])));
}

#[test]
fn faults_name_the_line() {
    assert_eq!(fault(""), "line 1: expected at least one FROM instruction");
    assert_eq!(fault("FROM scratch\n\nFRUM x\n"), "line 3: unknown instruction 'FRUM'");
    assert_eq!(fault("FROM scratch\nENV A\n"), "line 2: ENV `A` has no value");
    assert_eq!(fault("FROM scratch\nLABEL a=1 b\n"), "line 2: LABEL `b` is not of the form name=value");
    assert_eq!(fault("FROM a AS x\nFROM b AS x\n"), "line 2: duplicate stage name 'x'");
    assert_eq!(fault("USER x\nFROM scratch\n"), "line 1: expected FROM");
    assert_eq!(fault("FROM scratch\nCOPY a\n"), "line 2: COPY instruction requires at least two arguments");
    assert!(fault("FROM scratch\nCOPY <<EOF /a\nno end\n").starts_with("line 4: expected end of here-document"));
}

#[test]
fn variables_are_those_of_env_and_arg() {
    let one = |line: &str| variables(&format!("FROM scratch\n{line}\n"));
    assert_eq!(one("ENV TEST=test?"), pairs(&[("TEST", "test?")]));
    assert_eq!(one("ENV TEST3=test3=test3"), pairs(&[("TEST3", "test3=test3")]));
    assert_eq!(one("ENV TEST7 test7 test8"), pairs(&[("TEST7", "test7 test8")]));
    assert_eq!(one("ENV A=1 B=\"2 3\" C=4\\ 5 D='$A'"), pairs(&[("A", "1"), ("B", "2 3"), ("C", "4 5"), ("D", "$A")]));
    assert_eq!(one("ARG A\nARG B=\nARG C=c D=d$C"), pairs(&[("B", ""), ("C", "c"), ("D", "dc")]));
    assert_eq!(one("ENV A=1\nENV A=2 B=$A\nENV C=${A:-x}${U:-y}"), pairs(&[("A", "2"), ("B", "1"), ("C", "2y")]));
}

#[test]
fn variables_cross_stages_only_by_from() {
    let text = "ARG G=g\nFROM a AS one\nARG G\nENV X=$G Y=1\nFROM one\nENV Z=$X\nFROM b\nENV Y=$X.\n";
    assert_eq!(variables(text), pairs(&[("G", "g"), ("X", "g"), ("Y", "."), ("Z", "g")]));
    let given = BTreeMap::from([("G".to_owned(), "given".to_owned()), ("X".to_owned(), "undeclared".to_owned())]);
    let expected = pairs(&[("G", "given"), ("X", "given"), ("Y", "."), ("Z", "given")]);
    assert_eq!(parse(text).variables(&given), expected);
    assert_eq!(variables("FROM a\nENV A=env\nARG A=arg\n"), pairs(&[("A", "env")]));
}

#[test]
fn names_the_images_it_starts_from() {
    let text = "ARG V=1\nFROM base:$V AS b\nFROM scratch\nFROM B\nFROM base:1\nFROM other:${V:+2}\nFROM 0\n";
    assert_eq!(parse(text).froms(&BTreeMap::new()), ["base:1", "other:2"]);
    let given = BTreeMap::from([("V".to_owned(), "9".to_owned())]);
    assert_eq!(parse(text).froms(&given), ["base:9", "base:1", "other:2"]);
}

#[test]
fn tells_whether_meta_gets_into_the_image() {
    let copies = |lines: &str| parse(&format!("FROM scratch\n{lines}\n")).copies_to("/meta");
    for yes in [
        "COPY meta /meta",
        "ADD meta/ /meta/",
        "COPY meta/install /meta/",
        "COPY . /",
        "COPY ./ .",
        "WORKDIR /meta\nCOPY meta .",
        "ENV M=meta\nCOPY meta /$M",
        "COPY [\"meta\", \"/meta/sub\"]",
        "COPY meta meta",
    ] {
        assert!(copies(yes), "{yes}");
    }
    for no in ["COPY app /app", "COPY meta /", "COPY . /app", "COPY meta /metadata", "WORKDIR /x\nCOPY meta meta"] {
        assert!(!copies(no), "{no}");
    }
    assert!(parse("FROM x AS b\nCOPY meta /meta\nFROM b\nUSER x\n").copies_to("/meta"));
    assert!(!parse("FROM x AS b\nCOPY meta /meta\nFROM x\nUSER x\n").copies_to("/meta"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_panics(lines in "((FROM|ENV|COPY|CMD|RUN|ARG|#|<<E|E|ONBUILD|ADD|LABEL|\\[|\"|')[ =a$\\\\\"'{}<-]{0,5}\n?){0,12}") {
        if let Ok(file) = Dockerfile::parse(&format!("FROM a\n{lines}")) {
            file.variables(&BTreeMap::new());
            file.copies_to("/meta");
            file.froms(&BTreeMap::new());
        }
    }
}
