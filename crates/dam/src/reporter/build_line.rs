//! What is worth showing of what an engine prints while it builds.

use crate::clean;
use crate::ui::Ui;

/// Shows a line of a build, if it says something.
pub(super) fn show(ui: &Ui, line: &str) -> Option<String> {
    (ui.manner().debug || !is_noise(line)).then(|| format!("{}\n", clean::lines(line).trim_end()))
}

/// Tells whether a line is only the classic builder talking to itself: ids of images and containers that are gone in a
/// moment, the steps in which it sets the labels that dam asked for, and the name under which dam collects the result.
fn is_noise(line: &str) -> bool {
    let line = line.trim_end();
    if let Some(rest) = line.strip_prefix(" --->") {
        let rest = rest.trim_start();
        return rest.is_empty() || rest == "Using cache" || is_id(rest.strip_prefix("Running in ").unwrap_or(rest));
    }
    if let Some(step) = line.strip_prefix("Step ") {
        let label = step.split_once(" : LABEL ").map_or("", |(_, label)| label);
        return label.starts_with("DAM_APP_") || label.starts_with("org.opencontainers.image.");
    }
    let named = |prefix| line.strip_prefix(prefix).is_some_and(is_id);
    named("Removing intermediate container ")
        || named("Successfully built ")
        || line.starts_with("Successfully tagged dam-build-")
}

/// Tells whether a text is an id as the classic builder shortens it.
fn is_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::is_noise;

    #[test]
    fn ids_that_nobody_needs_are_left_out() {
        for line in [
            " ---> ",
            " ---> 0f1b41f4a221",
            " ---> Running in fc0f1f7b86ad",
            " ---> Using cache",
            "Removing intermediate container fc0f1f7b86ad",
            "Successfully built f70ab82b2903",
            "Successfully tagged dam-build-fvocrt6duuppdok1:tmp",
            "Step 8/15 : LABEL DAM_APP_FAMILY=shop",
            "Step 14/15 : LABEL org.opencontainers.image.title=shop",
        ] {
            assert!(is_noise(line), "{line}");
        }
    }

    #[test]
    fn steps_and_what_they_print_stay() {
        for line in [
            "Step 1/15 : FROM scratch",
            "Step 7/15 : LABEL maintainer=me",
            " ---> [Warning] The requested image's platform does not match",
            "Removing intermediate files",
            "Successfully built my-library",
            "",
        ] {
            assert!(!is_noise(line), "{line}");
        }
    }
}
