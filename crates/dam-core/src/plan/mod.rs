//! Changes as data.
//!
//! A [`Plan`] says what will be done to this machine, step by step. The rules make it (pure, all the refusals),
//! [`apply()`] carries it out under the ledger's journal, and undoes it in reverse when a step fails; [`recover()`] does
//! the same for a dam that was killed.

mod apply;
mod effect;
mod fault;
mod product;
mod record;
mod recover;
mod rules;
mod step;
mod transaction;
mod undo;

pub use apply::{Applied, Arrivals, Failed, Options, Paused, apply, apply_product};
pub use fault::{Aftermath, Failure, RuleFault};
pub use product::{Brought, Others, Planned, product};
pub use recover::{Recovered, Resumable, is_paused, recover, resumable, resume};
pub use rules::{Downgrade, find, install, remove, rollback, upgrade};
pub use step::{Plan, Side, Step, title};
pub use transaction::{OnFailure, Product};
