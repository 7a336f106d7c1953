//! Named places where a test build can be made to die.
//!
//! With the feature `fault-points` off (every release) a point is nothing at all. With it on, the terminal arms the
//! N-th point passed, and the process is killed there as by a power cut: no destructor runs.

/// Passes a fault point. `name` is only for whoever reads the code.
#[inline]
pub fn point(name: &str) {
    #[cfg(feature = "fault-points")]
    armed::pass(name);
    #[cfg(not(feature = "fault-points"))]
    let _ = name;
}

#[cfg(feature = "fault-points")]
pub use armed::arm;

#[cfg(feature = "fault-points")]
mod armed {
    use std::sync::atomic::{AtomicI64, Ordering};

    /// Points left until the process dies; negative means never.
    static LEFT: AtomicI64 = AtomicI64::new(-1);

    /// Arms the point passed after `skip` others.
    pub fn arm(skip: u32) {
        LEFT.store(i64::from(skip) + 1, Ordering::SeqCst);
    }

    pub(super) fn pass(_: &str) {
        if LEFT.load(Ordering::SeqCst) > 0 && LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
                .expect("a process may kill itself");
            loop {
                std::thread::park();
            }
        }
    }
}
