//! Noting digests in a recipe, and nothing else: comments, order and blank lines stay.

use std::fs;
use std::io::Write;
use std::path::Path;

use dam_oci::Digest;
use toml::de::{DeTable, DeValue};

use super::{Input, Part, Pins, Recipe, RecipeError, Source, Url, parse, text_of};

/// Notes the digest of what a part of a recipe names by URL, behind the URL. A recipe that meanwhile names something
/// else there, or has a digest, stays as it is: whoever changed it has the last word.
///
/// # Errors
/// [`RecipeError`]: the recipe is read again, and written by rename.
pub(crate) fn pin(path: &Path, part: Part, url: &Url, digest: Digest) -> Result<(), RecipeError> {
    let text = text_of(path)?;
    let recipe = parse(&text, path, Pins::Optional)?;
    let wanted = Input { source: Source::Url(url.clone()), sha256: None };
    if part.of(&recipe) != Some(&wanted) {
        return Ok(());
    }
    let unplaced = || RecipeError::Unplaced { path: path.to_owned(), key: part.key("sha256"), digest };
    let text = pinned(&text, path, recipe, part, digest).ok_or_else(unplaced)?;
    replace(path, &text).map_err(|source| RecipeError::Access { path: path.to_owned(), source })
}

/// Adds a digest to a text. Of two ways to write it, the one is taken after which the text says what it should.
fn pinned(text: &str, path: &Path, mut recipe: Recipe, part: Part, digest: Digest) -> Option<String> {
    part.of_mut(&mut recipe)?.sha256 = Some(digest);
    let document = DeTable::parse(text).ok()?;
    let DeValue::Table(section) = document.get_ref().get(part.name())?.get_ref() else { return None };
    let (key, value) = section.get_key_value("url")?;
    let (key, value) = (key.span(), value.span());
    let pin = format!("sha256 = \"{}\"", digest.hex());

    // A line of its own, with whatever stands before the key: spaces, or `archive.`.
    let before = &text[text[..key.start].rfind('\n').map_or(0, |at| at + 1)..key.start];
    let line = match text[value.end..].find('\n').map(|at| value.end + at) {
        Some(end) => {
            let ending = if text[..end].ends_with('\r') { "\r\n" } else { "\n" };
            format!("{}{before}{pin}{ending}{}", &text[..=end], &text[end + 1..])
        }
        None => format!("{text}\n{before}{pin}\n"),
    };
    // In a table of one line: `archive = { url = "…" }`.
    let inline = format!("{}, {pin}{}", &text[..value.end], &text[value.end..]);
    [line, inline].into_iter().find(|text| parse(text, path, Pins::Optional).is_ok_and(|read| read == recipe))
}

/// Puts a text in the place of a file, with the permissions of that.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // What a link leads to is replaced, not the link.
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(".engine-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dam_oci::Digest;

    use super::{Part, Pins, parse, pinned};

    fn noted(text: &str, part: Part) -> String {
        let path = Path::new("engine.toml");
        let recipe = parse(text, path, Pins::Optional).unwrap_or_else(|error| panic!("{error:?}: {text}"));
        let digest = Digest::of(b"");
        let text = pinned(text, path, recipe, part, digest).expect("there is a place");
        text.replace(&digest.hex(), "HEX")
    }

    #[test]
    fn a_digest_stands_behind_its_url_and_nothing_else_changes() {
        for (before, after) in [
            (
                "# mine\n\n[archive] # the engine\n  url = \"https://h/a.tgz\"   # upstream's\n\n# end\n",
                "# mine\n\n[archive] # the engine\n  url = \"https://h/a.tgz\"   # upstream's\n  sha256 = \"HEX\"\n\n# end\n",
            ),
            ("[archive]\r\nurl = 'https://h/a'\r\n", "[archive]\r\nurl = 'https://h/a'\r\nsha256 = \"HEX\"\r\n"),
            ("[archive]\nurl = 'https://h/a'", "[archive]\nurl = 'https://h/a'\nsha256 = \"HEX\"\n"),
            ("archive.url = 'https://h/a'\n", "archive.url = 'https://h/a'\narchive.sha256 = \"HEX\"\n"),
            (
                "\"archive\" . \"url\" = 'https://h/a'\n",
                "\"archive\" . \"url\" = 'https://h/a'\n\"archive\" . sha256 = \"HEX\"\n",
            ),
            ("archive = { url = 'https://h/a' }\n", "archive = { url = 'https://h/a', sha256 = \"HEX\" }\n"),
            ("archive = {url='https://h/a'}", "archive = {url='https://h/a', sha256 = \"HEX\"}"),
            (
                "[archive]\nurl = \"\"\"https://h/a\"\"\"\n",
                "[archive]\nurl = \"\"\"https://h/a\"\"\"\nsha256 = \"HEX\"\n",
            ),
        ] {
            assert_eq!(noted(before, Part::Archive), after);
        }
    }

    #[test]
    fn each_part_has_its_own() {
        let text = "[archive]\nurl = \"https://h/a\"\n[compose]\nurl = \"https://h/a\"\ncommand = false\n";
        let compose = "[compose]\nurl = \"https://h/a\"\nsha256 = \"HEX\"\ncommand = false\n";
        assert_eq!(noted(text, Part::Compose), format!("[archive]\nurl = \"https://h/a\"\n{compose}"));
    }
}
