//! Package URLs: <https://github.com/package-url/purl-spec/blob/main/PURL-SPECIFICATION.rst>, and the names of the CPE
//! dictionary: <https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf>.

use crate::engine::elf::Module;

/// Names a module of Go, in small letters as the specification has it; none for a folder, which nobody can look up.
pub(super) fn golang(module: &Module) -> Option<String> {
    let version = module.version.as_ref().filter(|_| !module.path.starts_with(['.', '/']))?;
    let path: Vec<String> = module.path.to_lowercase().split('/').map(encoded).collect();
    Some(format!("pkg:golang/{}@{}", path.join("/"), encoded(version)))
}

/// Names a package that is the same for several tools.
pub(super) fn generic(name: &str, version: &str, architecture: &str) -> String {
    format!("pkg:generic/{}@{}?arch={}", encoded(name), encoded(version), encoded(architecture))
}

/// Writes the engine's version as its Go module has it: `v26.1.5+incompatible`, as the module's path names no major version.
pub(super) fn go_version(engine: &str) -> String {
    format!("v{}+incompatible", engine.replace('~', "-"))
}

/// Escapes what has a meaning in a URL.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Escapes what has a meaning in a CPE.
pub(super) fn in_cpe(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    text.chars().map(|letter| if plain(letter) { letter.to_string() } else { format!("\\{letter}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::{generic, go_version, golang, in_cpe};
    use crate::engine::elf::Module;

    #[test]
    fn modules_have_urls() {
        let url = |path: &str, version: Option<&str>| {
            golang(&Module { path: path.to_owned(), version: version.map(str::to_owned) })
        };
        let version = go_version("26.1.5~rc.1");
        assert_eq!(
            url("github.com/docker/docker", Some(&version)).as_deref(),
            Some("pkg:golang/github.com/docker/docker@v26.1.5-rc.1%2Bincompatible")
        );
        assert_eq!(
            url("github.com/BurntSushi/toml", Some("v1.3.2")).as_deref(),
            Some("pkg:golang/github.com/burntsushi/toml@v1.3.2")
        );
        assert_eq!(url("stdlib", Some("1.22.5")).as_deref(), Some("pkg:golang/stdlib@1.22.5"));
        assert_eq!((url("./local", Some("v1")), url("example.org/x", None)), (None, None));
        assert_eq!(generic("dam-docker", "1:26-1", "amd64"), "pkg:generic/dam-docker@1%3A26-1?arch=amd64");
        assert_eq!(in_cpe("1.24rc1+x"), "1.24rc1\\+x");
    }
}
