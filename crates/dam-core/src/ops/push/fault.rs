//! What cannot be pushed.

use dam_oci::Reference;

/// What is wrong with a wish to push.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushFault {
    /// No registry is to be asked.
    #[error("nothing is pushed: dam is set to be offline")]
    Offline,
    /// Two different images would get one name.
    #[error("two images would be `{0}`")]
    Twice(Reference),
}
