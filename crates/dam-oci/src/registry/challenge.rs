//! What a registry wants to see before it answers: the `WWW-Authenticate` header.
//!
//! Grammar: <https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>. Several challenges may stand in one header, joined by
//! the same commas as the parameters of each.

/// A way to show who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token of another server.
    ///
    /// Source: <https://distribution.github.io/distribution/spec/auth/token/>.
    Bearer {
        /// URL of the token server.
        realm: String,
        /// What the registry calls itself there.
        service: Option<String>,
        /// What the request needs; several are separated by spaces.
        scope: Option<String>,
    },
}

/// Reads all challenges of a header that dam can answer; of what it cannot read, nothing.
pub(super) fn challenges(header: &str) -> Vec<Challenge> {
    let mut words = Words { rest: header };
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    while let Some(word) = words.token() {
        match (words.value(), found.last_mut()) {
            (Some(value), Some((_, parameters))) => parameters.push((word.to_ascii_lowercase(), value)),
            // A parameter of no challenge.
            (Some(_), None) => {}
            (None, _) => found.push((word.to_ascii_lowercase(), Vec::new())),
        }
    }
    found.into_iter().filter_map(|(scheme, parameters)| challenge(&scheme, parameters)).collect()
}

fn challenge(scheme: &str, mut parameters: Vec<(String, String)>) -> Option<Challenge> {
    let mut take = |name: &str| {
        let at = parameters.iter().position(|(known, _)| known == name)?;
        Some(parameters.swap_remove(at).1).filter(|value| !value.is_empty())
    };
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer { realm: take("realm")?, service: take("service"), scope: take("scope") }),
        _ => None,
    }
}

/// The words of a header.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// Returns the next token, whatever stands before it.
    fn token(&mut self) -> Option<&'a str> {
        let begin = self.rest.find(is_token)?;
        let word = &self.rest[begin..];
        let end = word.find(|c| !is_token(c)).unwrap_or(word.len());
        self.rest = &word[end..];
        Some(&word[..end])
    }

    /// Returns what stands behind a `=`, if that comes next.
    fn value(&mut self) -> Option<String> {
        let value = self.rest.trim_start_matches([' ', '\t']).strip_prefix('=')?.trim_start_matches([' ', '\t']);
        let Some(quoted) = value.strip_prefix('"') else {
            let end = value.find([',', ' ', '\t']).unwrap_or(value.len());
            self.rest = &value[end..];
            return Some(value[..end].to_owned());
        };
        let mut text = String::new();
        let mut characters = quoted.char_indices();
        self.rest = "";
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    break;
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        Some(text)
    }
}

fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Challenge, challenges};

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let text = |text: &str| text.to_owned();
        Challenge::Bearer { realm: text(realm), service: service.map(text), scope: scope.map(text) }
    }

    #[test]
    fn the_challenges_of_known_registries_are_read() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull""#;
        let scope = Some("repository:library/busybox:pull");
        assert_eq!(challenges(hub), [bearer("https://auth.docker.io/token", Some("registry.docker.io"), scope)]);
        assert_eq!(challenges(r#"Basic realm="basic-realm""#), [Challenge::Basic]);
        assert_eq!(challenges("basic"), [Challenge::Basic]);
        let both = r#"Negotiate, BEARER Realm = "a,\"b" , service=c, Basic realm="x, y""#;
        assert_eq!(challenges(both), [bearer(r#"a,"b"#, Some("c"), None), Challenge::Basic]);
        assert_eq!(challenges("Negotiate YIIJ=="), []);
        assert_eq!(challenges("Bearer service=\"without a realm\""), []);
        assert_eq!(challenges(""), []);
    }

    proptest! {
        #[test]
        fn no_header_breaks_the_reader(header in any::<String>()) {
            challenges(&header);
        }

        #[test]
        fn what_is_quoted_comes_out_as_it_went_in(realm in ".{1,40}", scope in "[ -~]{1,40}") {
            let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!(r#"Bearer realm="{}",scope="{}""#, quote(&realm), quote(&scope));
            assert_eq!(challenges(&header), [bearer(&realm, None, Some(&scope))]);
        }

        #[test]
        fn joined_challenges_are_read_one_by_one(kinds in proptest::collection::vec(any::<bool>(), 0..5)) {
            let header: Vec<&str> = kinds.iter().map(|&basic| if basic { "Basic" } else { "Bearer realm=r" }).collect();
            let expected = kinds.iter().map(|&basic| if basic { Challenge::Basic } else { bearer("r", None, None) });
            assert_eq!(challenges(&header.join(", ")), expected.collect::<Vec<_>>());
        }
    }
}
