//! What `dam engine` did.

mod init;
