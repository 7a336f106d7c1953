//! What is said when dam itself is wrong.

use std::panic::PanicHookInfo;

use serde_json::json;

use crate::clean;
use crate::exit::Exit;
use crate::ui::{Stream, style};

/// Says of every panic that it is a bug, and ends with 255. What an op has begun is finished or undone by the next dam,
/// as after a power cut.
pub(crate) fn install_hook(out: Stream, err: Stream, as_json: bool) {
    std::panic::set_hook(Box::new(move |panic| {
        let message = message(panic);
        // Nothing more can be done if the streams are gone too.
        let _ = if as_json { out.write(&document(&message)) } else { err.write(&words(&message)) };
        // The release build aborts on panic, which would turn 255 into a signal.
        #[allow(clippy::exit)]
        std::process::exit(Exit::Bug.code().into());
    }));
}

fn message(panic: &PanicHookInfo) -> String {
    let payload = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    clean::line(&format!("{payload}{place}"))
}

fn words(message: &str) -> String {
    let (error, hint) = (style::ERROR, style::HINT);
    format!(
        "{error}error:{error:#} this is a bug in dam {}\n{error}caused by:{error:#} {message}\n\
         {hint}hint:{hint:#} please report these lines and the command you typed\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn document(message: &str) -> String {
    let hints = ["please report this and the command you typed"];
    format!(
        "{:#}\n",
        json!({ "error": { "kind": "bug", "message": "this is a bug in dam", "causes": [message], "hints": hints } })
    )
}

#[cfg(test)]
mod tests {
    use super::{document, words};

    #[test]
    fn a_bug_says_that_it_is_one() {
        assert_eq!(
            anstream::adapter::strip_str(&words("index out of bounds (x.rs:1)")).to_string(),
            "error: this is a bug in dam 2.0.0\ncaused by: index out of bounds (x.rs:1)\n\
             hint: please report these lines and the command you typed\n"
        );
        assert!(document("x").contains(r#""kind": "bug""#));
    }
}
