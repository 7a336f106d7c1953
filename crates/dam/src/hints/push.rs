//! Advice on pushes.

use dam_core::ops::push::PushFault;

use super::Advice;
use crate::error::Hint;

pub(super) fn advise(fault: &PushFault) -> Advice {
    match fault {
        PushFault::Offline => super::fetch::offline_wanted(),
        PushFault::Twice(_) => {
            Advice::with("twice", [Hint::Advice("push the files one by one: the last one stays".into())])
        }
    }
}
