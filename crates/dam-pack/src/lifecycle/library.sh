# Functions of the packages' scripts. Each script carries those it uses, and what they use (see `library.rs`), so both
# formats behave the same. POSIX sh, as dash and busybox read it; `set -e` is on; `package`, `state` and `settings` are set.
# A function is everything from its comment to the empty line after it.

# Tells the admin.
say() {
    echo "$package: $*" >&2
}

# Says whether systemd is the init of this very tree: not in a chroot, not while an image is built.
systemd_runs() {
    [ -d /run/systemd/system ]
}

# Says whether dpkg calls, and Debian's helpers (of one package) are here. Called from an RPM on Debian, they refuse to work.
dpkg_helps() {
    [ -n "${DPKG_MAINTSCRIPT_PACKAGE-}" ] && command -v deb-systemd-helper >/dev/null 2>&1
}

# Notes what happens, "install" or "upgrade", for the script that comes after this one.
note_event() {
    mkdir -p "$state"
    echo "$1" >"$state/event"
}

# Prints what was noted, or else its argument.
noted_event() {
    if [ -s "$state/event" ]; then
        cat "$state/event"
    else
        echo "$1"
    fi
}

# Ends what note_event began.
forget_event() {
    rm -f "$state/event"
    rmdir "$state" 2>/dev/null || :
}

# Creates the system group $1 unless it exists, here or in a directory service. Files and sockets of the service name it.
# Where there is no getent to ask, groupadd tells by 9 that the group is there.
create_group() {
    if ! getent group "$1" >/dev/null 2>&1; then
        answer=0
        groupadd -r "$1" || answer=$?
        [ "$answer" -eq 0 ] || [ "$answer" -eq 9 ]
    fi
}

# Prints the sum of file $1, and nothing if it cannot be read.
sum() {
    sha256sum <"$1" 2>/dev/null | cut -d ' ' -f 1
}

# Says whether file $1 was put there by place_config and nobody has changed it since.
is_unmodified() {
    [ -f "$1" ] && [ ! -L "$1" ] && [ -s "$state/created$1" ] && [ "$(sum "$1")" = "$(cat "$state/created$1")" ]
}

# At the event $1, puts the template $4 in place as $2 with the mode $3, if the command in the other arguments accepts it.
# What an admin wrote, changed or deleted stays so; what nobody has touched follows the template.
place_config() {
    event=$1 file=$2 mode=$3 template=$4
    shift 4
    if [ -e "$file" ] || [ -L "$file" ]; then
        is_unmodified "$file" || return 0
        [ "$(sum "$file")" != "$(sum "$template")" ] || return 0
    elif [ "$event" = upgrade ] && [ -e "$state/created$file" ]; then
        return 0
    fi
    mkdir -p "${file%/*}" "$state/created${file%/*}"
    candidate=${file%/*}/.${file##*/}.$package
    cp "$template" "$candidate"
    chmod "$mode" "$candidate"
    if [ $# -gt 0 ] && ! answer=$("$@" "$candidate" 2>&1); then
        say "$file is not written, for $template is refused: $answer"
        rm -f "$candidate"
        return 0
    fi
    sum "$candidate" >"$state/created$file"
    mv -f "$candidate" "$file"
}

# Says whether the command in the other arguments accepts the file $1 that is in place. A missing file is fine.
config_accepted() {
    file=$1
    shift
    [ -e "$file" ] || return 0
    if ! answer=$("$@" "$file" 2>&1); then
        say "nothing is restarted, for $file is refused: $answer"
        return 1
    fi
}

# Deletes a file of place_config, unless somebody has changed it.
remove_config() {
    if is_unmodified "$1"; then
        rm -f "$1"
    elif [ -e "$1" ]; then
        say "$1 stays: it is not as this package wrote it"
    fi
    rmdir "${1%/*}" 2>/dev/null || :
}

# Gives paths the SELinux labels that the loaded policy wants. restorecon does nothing where SELinux is off.
relabel() {
    command -v restorecon >/dev/null 2>&1 || return 0
    for path in "$@"; do
        if [ -e "$path" ]; then
            restorecon -R "$path" || say "cannot set the SELinux label of $path"
        fi
    done
}

# Deletes the script $1, with which a package that is gone deletes data that are no longer its own once it is purged.
disarm() {
    rm -f "$1"
}

# Makes systemd read the unit files again.
reload_units() {
    if systemd_runs; then
        systemctl --system daemon-reload || say "systemd cannot read its units again"
    fi
}

# Enables the unit $2 as the machine's presets say, when it first comes (at the event $1): later the admin has decided.
# Debian's helper keeps a record of its own, so it is asked each time; it also works where no systemctl is.
enable_unit() {
    if dpkg_helps; then
        deb-systemd-helper unmask "$2" >/dev/null || :
        if deb-systemd-helper --quiet was-enabled "$2"; then
            deb-systemd-helper enable "$2" >/dev/null || say "cannot enable $2"
        else
            deb-systemd-helper update-state "$2" >/dev/null || :
        fi
    elif [ "$1" = install ] && command -v systemctl >/dev/null 2>&1; then
        systemctl --no-reload preset "$2" || say "cannot enable $2"
    fi
}

# Makes the unit $2 known without enabling it. Without Debian's helper the package's preset says "disable".
know_unit() {
    if dpkg_helps; then
        if deb-systemd-helper debian-installed "$2"; then
            deb-systemd-helper unmask "$2" >/dev/null || :
            if deb-systemd-helper --quiet was-enabled "$2"; then
                deb-systemd-helper enable "$2" >/dev/null || say "cannot enable $2"
            fi
        fi
        deb-systemd-helper update-state "$2" >/dev/null || :
    elif [ "$1" = install ] && command -v systemctl >/dev/null 2>&1; then
        systemctl --no-reload preset "$2" || say "cannot preset $2"
    fi
}

# Asks systemd to do $1 with the other arguments, if it runs here and /usr/sbin/policy-rc.d, where there is one, lets it.
# A service that does not start is no reason to leave a package half installed.
act() {
    systemd_runs || return 0
    # Systemd refuses what has been started a few times in a minute, and a package that is tried out does that.
    [ "$1" = stop ] || systemctl reset-failed "$2" >/dev/null 2>&1 || :
    if dpkg_helps; then
        deb-systemd-invoke "$@" || say "systemctl $* failed: see systemctl status $2"
        return 0
    fi
    action=$1
    shift
    policy=/usr/sbin/policy-rc.d
    if [ -x "$policy" ]; then
        for unit in "$@"; do
            answer=0
            "$policy" "$unit" "$action" || answer=$?
            if [ "$answer" -eq 101 ]; then
                say "$policy denies to $action $*"
                return 0
            fi
        done
    fi
    systemctl "$action" "$@" || say "systemctl $action $* failed: see systemctl status $1"
}

# Starts those of the units that are enabled: an admin's preset may have said no.
start_units() {
    systemd_runs || return 0
    for unit in "$@"; do
        if systemctl --quiet is-enabled "$unit" >/dev/null 2>&1; then
            act start "$unit"
        fi
    done
}

# Says whether the unit is to be restarted: it runs, and the admin does not forbid it.
restart_wanted() {
    systemd_runs || return 1
    systemctl --quiet is-active "$1" || return 1
    if [ -e "$settings/no-restart" ]; then
        say "$1 runs on as it was, because $settings/no-restart exists: restart it when it suits"
        return 1
    fi
}

# Stops units for good, and notes which of them ran. In two commands: systemd 219 has no "disable --now".
# Debian's way is to leave them enabled, but masked once they are gone: so they come back as they were.
retire_units() {
    if ! dpkg_helps && command -v systemctl >/dev/null 2>&1; then
        systemctl --no-reload disable "$@" || say "cannot disable $*"
    fi
    systemd_runs || return 0
    mkdir -p "$state"
    for unit in "$@"; do
        if systemctl --quiet is-active "$unit"; then
            echo "$unit" >>"$state/stopped"
        fi
    done
    act stop "$@"
}

# Starts again what retire_units stopped: the removal was called off.
start_stopped() {
    [ -s "$state/stopped" ] || return 0
    while read -r unit; do
        act start "$unit" </dev/null
    done <"$state/stopped"
    rm -f "$state/stopped"
}

# Hides units that are gone, so that what an admin still has of them starts nothing.
mask_units() {
    if dpkg_helps; then
        deb-systemd-helper mask "$@" >/dev/null || :
    fi
}

# Ends what Debian's helper remembers of units.
forget_units() {
    if dpkg_helps; then
        deb-systemd-helper purge "$@" >/dev/null || :
        deb-systemd-helper unmask "$@" >/dev/null || :
    fi
}

# Deletes what the scripts themselves remember, if nothing of it is needed any more.
forget_removal() {
    rm -f "$state/event" "$state/stopped"
    rmdir "$state" 2>/dev/null || :
}

# Deletes all that the scripts remember and the admin's words to them; never data.
forget_all() {
    rm -rf "$state"
    rm -f "$settings/no-restart" "$settings/purge"
    rmdir "$settings" 2>/dev/null || :
}
