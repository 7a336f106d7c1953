//! Good names for repos that come from elsewhere.

use std::collections::BTreeSet;

use super::RepoName;

/// Most bytes of a name, with room for `-1234` behind it.
const ROOM: usize = 58;

/// The names that are taken. Small and large letters are no difference: people do not hear it.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Notes a name.
    pub(crate) fn take(&mut self, name: &RepoName) {
        self.0.insert(name.as_str().to_ascii_lowercase());
    }

    /// Returns a name that is good, free, and as like `text` as can be, and notes it: `auto0` becomes `auto0-2` where the
    /// first is taken.
    pub(crate) fn good(&mut self, text: &str) -> RepoName {
        let whole: Option<RepoName> = text.parse().ok();
        if let Some(name) = whole.filter(|name| !self.0.contains(&name.as_str().to_ascii_lowercase())) {
            self.take(&name);
            return name;
        }
        let base = base(text);
        let numbered = (1..).map(|number| match number {
            1 => base.clone(),
            number => format!("{base}-{number}"),
        });
        let mut names = numbered.filter_map(|text| text.parse::<RepoName>().ok());
        let free = names.find(|name| !self.0.contains(&name.as_str().to_ascii_lowercase()));
        let name = free.expect("a base with a number is good, and of endlessly many numbers some are free");
        self.take(&name);
        name
    }
}

/// Returns the letters and digits of a text with `-` for everything between; `repo` before what would not be a name.
fn base(text: &str) -> String {
    let word = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    let shown: String = text.chars().map(word).take(ROOM).collect();
    let trimmed = shown.trim_matches(|letter| letter == '-' || letter == '_');
    match trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        true if trimmed.is_empty() => "repo".to_owned(),
        true => format!("repo-{}", &trimmed[..trimmed.len().min(ROOM - "repo-".len())]),
        false => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::Names;

    #[test]
    fn names_are_mended_and_numbered() {
        let mut names = Names::default();
        let mut good = |text: &str| names.good(text).to_string();
        assert_eq!(["auto0", "auto0", "Auto0"].map(&mut good), ["auto0", "auto0-2", "Auto0-3"]);
        assert_eq!(
            ["my repo;x", "7", "", "--", "localhost"].map(&mut good),
            ["my-repo-x", "repo-7", "repo", "repo-2", "localhost-2"]
        );
        assert_eq!(good("plänt.example"), "pl-nt-example");
    }

    proptest! {
        #[test]
        fn anything_gets_a_name_of_its_own(texts in prop::collection::vec(any::<String>(), 0..20), long in "[a-z0-9]{60,90}") {
            let mut names = Names::default();
            let all = texts.iter().chain([&long, &long]);
            let made: std::collections::BTreeSet<_> = all.map(|text| names.good(text).to_string()).collect();
            prop_assert_eq!(made.len(), texts.len() + 2);
        }
    }
}
