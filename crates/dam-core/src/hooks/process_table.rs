//! Processes as the kernel lists them.

use std::fs;

use rustix::process::Pid;

/// A line of the process table: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    /// The process group; its leader has this number as pid.
    pub(super) group: i32,
    /// The session.
    pub(super) session: i32,
    /// When it started, in clock ticks since boot: with the pid, its identity until the next boot.
    pub(super) started: u64,
}

impl Process {
    /// Looks a process up. One that ended and that nobody has collected counts as gone.
    pub(super) fn find(pid: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &stat)
    }

    /// Lists the processes that this user may see.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| Self::find(pid(entry.file_name().to_str()?.parse().ok()?)?))
    }

    /// Tells whether it leads a process group.
    pub(super) fn leads(&self) -> bool {
        self.group == self.pid.as_raw_nonzero().get()
    }

    /// Tells whether a group has members. They are looked for one by one: where nobody collects orphans (a container whose
    /// first process does not), an ended group never looks empty to `kill(2)`.
    pub(super) fn any_in(group: Pid) -> bool {
        Self::all().any(|process| process.group == group.as_raw_nonzero().get())
    }

    fn parse(pid: Pid, stat: &[u8]) -> Option<Self> {
        // The name in brackets may hold anything, brackets and blanks too; what follows does not.
        let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
        let fields: Vec<&str> = std::str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace().collect();
        // The man page counts from 1, and the name is 2.
        let field = |number: usize| fields.get(number - 3).copied();
        if matches!(field(3)?, "Z" | "X" | "x") {
            return None;
        }
        let (group, session) = (field(5)?.parse().ok()?, field(6)?.parse().ok()?);
        Some(Self { pid, group, session, started: field(22)?.parse().ok()? })
    }
}

/// Returns a pid that may be signalled: `kill(2)` reads 0, 1 and negative numbers of a group as "many others".
pub(super) fn pid(raw: i32) -> Option<Pid> {
    if raw > 1 { Pid::from_raw(raw) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{Process, pid};

    const LINE: &str = "42 (a b) c) S 7 42 9 34816 42 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 999 1";

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_trouble() {
        let pid = pid(42).expect("a pid");
        let process = Process::parse(pid, LINE.as_bytes()).expect("a process");
        assert_eq!(process, Process { pid, group: 42, session: 9, started: 123_456 });
        assert!(process.leads());
        assert_eq!(Process::parse(pid, LINE.replace(" S ", " Z ").as_bytes()), None);
    }

    #[test]
    fn this_process_is_listed() {
        let own = rustix::process::getpid();
        assert_eq!(Process::find(own), Process::all().find(|process| process.pid == own));
        assert!(Process::find(own).is_some());
    }

    #[test]
    fn numbers_that_mean_many_are_no_pids() {
        assert_eq!([-5, -1, 0, 1].map(pid), [None; 4]);
    }

    proptest! {
        #[test]
        fn nothing_panics(stat in prop::collection::vec(any::<u8>(), 0..200), cut in 0..LINE.len()) {
            let pid = pid(42).expect("a pid");
            let _ = (Process::parse(pid, &stat), Process::parse(pid, &LINE.as_bytes()[..cut]));
        }
    }
}
