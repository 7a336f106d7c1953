//! Keeps name resolution inside this static binary.
//!
//! glibc's libc.a has the modules `files` and `dns` built in, but `getaddrinfo` and `getpwuid` follow the machine's
//! `/etc/nsswitch.conf`. Where that names another module first (`mdns4_minimal`, `myhostname`, `resolve`, `sss`: the
//! defaults of desktops and of RHEL), a static program loads the machine's module and with it a second libc of another
//! version, and crashes (<https://github.com/rust-lang/rust/issues/100711>). Rejected: a resolver crate, which would
//! serve our own HTTP client and leave `home_dir` and `getpwuid` as they are. The price: names that only mDNS or LDAP
//! know are not found.

/// Tells glibc to resolve with its built-in modules only. Must be called before there is a second thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)] // a public glibc function (<nss.h>) without a safe wrapper
pub(crate) fn stay_inside() {
    use std::ffi::{c_char, c_int};

    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, service_line: *const c_char) -> c_int;
    }
    for (database, services) in [(c"hosts", c"files dns"), (c"passwd", c"files"), (c"group", c"files")] {
        // SAFETY: both are NUL-terminated and live for ever; glibc copies them; no other thread runs yet. A failure
        // leaves the machine's own order, which is where we would be without the call.
        unsafe { __nss_configure_lookup(database.as_ptr(), services.as_ptr()) };
    }
}

/// Does nothing: other C libraries have no modules.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn stay_inside() {}
