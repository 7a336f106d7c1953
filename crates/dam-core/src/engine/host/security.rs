//! What keeps containers apart from the machine.

use super::{EngineFinding, Look};

/// Looks at SELinux and AppArmor.
pub(super) fn examine(look: &Look, findings: &mut Vec<EngineFinding>) {
    if let Some(word) = look.word("/sys/fs/selinux/enforce") {
        let enforcing = word == "1";
        match knows_containers(look) {
            Some(true) => findings.push(EngineFinding::Selinux { enforcing }),
            Some(false) => findings.push(EngineFinding::NoSelinuxPolicy { enforcing }),
            // Nothing of the policy can be read: nothing is claimed of it.
            None => {}
        }
    }
    if look.text("/sys/module/apparmor/parameters/enabled").is_some_and(|text| text.starts_with('Y')) {
        // dockerd looks at this very path.
        findings.push(match look.exists("/sbin/apparmor_parser") {
            true => EngineFinding::AppArmor,
            false => EngineFinding::NoAppArmorParser,
        });
    }
}

/// Tells whether the policy labels an engine's files: anyone may read the list of labels, which holds those of all modules,
/// while only root sees the modules themselves.
fn knows_containers(look: &Look) -> Option<bool> {
    let config = look.text("/etc/selinux/config").unwrap_or_default();
    let named = config.lines().find_map(|line| line.trim().strip_prefix("SELINUXTYPE="));
    let policy = named.map(str::trim).filter(|name| !name.is_empty() && !name.contains('/')).unwrap_or("targeted");
    let (mut read, mut known) = (false, false);
    for file in ["file_contexts", "file_contexts.local"] {
        read |= look.lines(&format!("/etc/selinux/{policy}/contexts/files/{file}"), |line| {
            known |= line.contains(":container_runtime_exec_t:");
            !known
        });
    }
    let folders =
        [format!("/var/lib/selinux/{policy}/active/modules"), format!("/etc/selinux/{policy}/active/modules")];
    for folder in folders {
        for priority in look.names(&folder) {
            read = true;
            known |= look.exists(&format!("{folder}/{priority}/container"));
        }
    }
    read.then_some(known)
}
