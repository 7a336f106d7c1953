//! Changes as data.
//!
//! A [`Plan`] says what will be done to this machine, step by step. The rules make it (pure, all the refusals),
//! [`apply()`] carries it out under the ledger's journal, and undoes it in reverse when a step fails; [`recover()`] does
//! the same for a dam that was killed.

mod apply;
mod fault;
mod recover;
mod rules;
mod step;
mod undo;

pub use apply::{Applied, Failed, Options, apply};
pub use fault::{Aftermath, Failure, RuleFault};
pub use recover::{Recovered, recover};
pub use rules::{Downgrade, find, install, remove, rollback, upgrade};
pub use step::{Plan, Side, Step, title};
