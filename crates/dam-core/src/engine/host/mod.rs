//! What an engine wants of the machine it runs on.

/// Returns the file that a package puts into `/usr/lib/modules-load.d`, for the kernel to have the modules of an engine from
/// its start.
///
/// Source: <https://man7.org/linux/man-pages/man5/modules-load.d.5.html>.
pub fn modules_load() -> &'static str {
    include_str!("../../../assets/engine/modules-load.conf")
}

#[cfg(test)]
mod tests {
    use super::modules_load;

    #[test]
    fn the_modules_are_a_line_each() {
        let lines: Vec<_> = modules_load().lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["overlay", "br_netfilter"]);
    }
}
