//! The shell functions that the scripts of both formats share.

/// The text of all functions.
const LIBRARY: &str = include_str!("library.sh");

/// Returns the functions that a script's body uses, and those that they use, in the order of the library.
///
/// Only these, so that a script is short enough to read with `rpm -q --scripts`, and has no dead code to explain.
pub(super) fn functions(body: &str) -> String {
    let all: Vec<(&str, &str)> =
        LIBRARY.split("\n\n").filter_map(|text| Some((name(text)?, text.trim_end()))).collect();
    let mut used = vec![false; all.len()];
    let mut texts = vec![body];
    while let Some(text) = texts.pop() {
        for (function, used) in all.iter().zip(&mut used) {
            if !*used && mentions(text, function.0) {
                *used = true;
                texts.push(function.1);
            }
        }
    }
    let chosen = all.iter().zip(used).filter(|(_, used)| *used);
    chosen.map(|((_, text), _)| format!("{text}\n\n")).collect()
}

/// Returns the name of the function that a part of the library defines.
fn name(part: &str) -> Option<&str> {
    part.lines().find_map(|line| line.strip_suffix("() {"))
}

/// Says whether a word occurs in a shell text outside its comments.
fn mentions(text: &str, word: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| line.split(|byte: char| !byte.is_ascii_alphanumeric() && !"_-".contains(byte)))
        .any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn a_script_carries_what_it_uses_and_no_more() {
        let names = |body| {
            let text = functions(body);
            text.lines().filter_map(|line| line.strip_suffix("() {").map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(names("create_group docker"), ["create_group"]);
        assert_eq!(names("reload_units"), ["say", "systemd_runs", "reload_units"]);
        assert_eq!(names("act stop x.service # relabel"), ["say", "systemd_runs", "dpkg_helps", "relabel", "act"]);
        assert_eq!(names("# act"), [""; 0]);
    }
}
