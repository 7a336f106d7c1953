//! Values that old systemds do not understand, of directives that they do.

/// Returns the version that first understands a directive's value, if it is not as old as the directive.
pub(super) fn since(directive: &str, value: &str) -> Option<u16> {
    match directive {
        _ if directive.starts_with("Exec") && directive != "ExecSearchPath" => prefix(value),
        // A pair of soft and hard limit. RHEL 7's 219 has it by a patch, others of that age do not.
        _ if directive.starts_with("Limit") && value.contains(':') => Some(229),
        "Type" => match value {
            "exec" => Some(240),
            "notify-reload" => Some(253),
            _ => None,
        },
        "Delegate" => (!matches!(value, "yes" | "no" | "true" | "false" | "on" | "off" | "1" | "0")).then_some(236),
        "TasksMax" | "MemoryMax" | "MemoryHigh" | "MemoryLow" if value.ends_with('%') => Some(231),
        "ProtectSystem" if value == "strict" => Some(232),
        "StandardInput" | "StandardOutput" | "StandardError" => match value.split_once(':')?.0 {
            "file" => Some(236),
            "append" => Some(240),
            "truncate" => Some(248),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the version that first understands the signs before a command. Before that it looks for a program of that name,
/// and the unit fails.
fn prefix(command: &str) -> Option<u16> {
    let signs = command.chars().take_while(|sign| "-@+!:|".contains(*sign));
    let since = signs.filter_map(|sign| match sign {
        '+' => Some(231),
        '!' => Some(235),
        ':' => Some(242),
        '|' => Some(258),
        _ => None,
    });
    since.max()
}

/// Says whether a systemd that does not know a directive does what its value asks by itself.
pub(super) fn was_so_before(directive: &str, value: &str) -> bool {
    matches!((directive, value), ("TasksMax", "infinity"))
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn values_have_an_age() {
        for (directive, value, expected) in [
            ("ExecStartPre", "-/bin/sh -c x", None),
            ("ExecStartPre", "+/bin/sh", Some(231)),
            ("ExecStart", "-!/bin/sh", Some(235)),
            ("ExecStart", ":+/bin/sh", Some(242)),
            ("LimitNOFILE", "1048576", None),
            ("LimitNOFILE", "1024:524288", Some(229)),
            ("Type", "notify", None),
            ("Type", "notify-reload", Some(253)),
            ("Delegate", "yes", None),
            ("Delegate", "cpu memory", Some(236)),
            ("TasksMax", "50%", Some(231)),
            ("StandardOutput", "journal", None),
            ("StandardOutput", "append:/var/log/x", Some(240)),
        ] {
            assert_eq!(since(directive, value), expected, "{directive}={value}");
        }
    }
}
