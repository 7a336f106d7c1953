//! Questions about a Dockerfile that need no build.

use std::collections::BTreeMap;

use super::{Action, Dockerfile, Scope, Stage, Transfer, TransferSource, resolve};
use crate::Platform;

/// Gets the scope behind an instruction, the names it set, the number of its stage, and the action.
type Visit<'v> = dyn FnMut(&Scope, Vec<String>, usize, Option<&Action>) + 'v;

impl Dockerfile {
    /// Returns the stage that `name` means to the stage at `before`: an earlier one, by its name or number.
    pub(crate) fn stage_named(&self, name: &str, before: usize) -> Option<usize> {
        let name = name.to_lowercase();
        let earlier = &self.stages[..before];
        let named = earlier.iter().rposition(|stage| stage.name.as_ref() == Some(&name));
        named.or_else(|| name.parse().ok().filter(|&number: &usize| number < before))
    }

    /// Returns every variable that `ENV` and `ARG` give a value, with the build arguments `args`.
    ///
    /// All stages count, in the order of first mention; the value is the last one a stage saw. An `ARG` without a
    /// value is no variable, and neither is one that cannot be expanded.
    pub fn variables(&self, args: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = Vec::new();
        let mut note = |name: String, value: String| match variables.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => variables.push((name, value)),
        };
        self.follow(args, &mut |scope, names, _, _| {
            for name in names {
                if let Some(value) = scope.get(&name) {
                    note(name, value);
                }
            }
        });
        variables
    }

    /// Returns the images that stages start from, with the build arguments `args`; each once, without `scratch`.
    pub fn froms(&self, args: &BTreeMap<String, String>) -> Vec<String> {
        let mut images = Vec::new();
        if let Ok(scope) = Scope::new(self, args, &Platform::host()) {
            for (at, stage) in self.stages.iter().enumerate() {
                let base = scope.expand(stage.line, &stage.base).unwrap_or_else(|_| stage.base.clone());
                if base != "scratch" && self.stage_named(&base, at).is_none() && !images.contains(&base) {
                    images.push(base);
                }
            }
        }
        images
    }

    /// Tells whether the image gets something at or below the absolute path `path` by `COPY` or `ADD`: in the last
    /// stage or in one it starts from. A whole context copied to a folder above counts, whatever is in it.
    pub fn copies_to(&self, path: &str) -> bool {
        let wanted = resolve("", path);
        let chain = self.chain();
        let mut found = false;
        let mut folder = String::new();
        self.follow(&BTreeMap::new(), &mut |scope, _, stage, action| {
            let expand = |word: &str| scope.expand(0, word).unwrap_or_else(|_| word.to_owned());
            match action {
                None => folder.clear(),
                Some(Action::Workdir(path)) => folder = resolve(&folder, &expand(path)),
                Some(Action::Copy(transfer) | Action::Add(transfer)) if chain.contains(&stage) => {
                    found |= reaches(transfer, &resolve(&folder, &expand(&transfer.destination)), &wanted);
                }
                Some(_) => {}
            }
        });
        found
    }

    /// Returns the last stage and those it starts from.
    fn chain(&self) -> Vec<usize> {
        let mut chain = vec![self.stages.len() - 1];
        while let Some(base) = chain.last().and_then(|&at| self.stage_named(&self.stages[at].base, at)) {
            chain.push(base);
        }
        chain
    }

    /// Goes through all instructions with the scope behind each, the names it set, and the number of its stage; the
    /// start of a stage is no action. An instruction that cannot be expanded sets nothing.
    fn follow(&self, args: &BTreeMap<String, String>, visit: &mut Visit) {
        let Ok(mut scope) = Scope::new(self, args, &Platform::host()) else { return };
        for global in &self.globals {
            if let Action::Arg(arguments) = &global.action {
                visit(&scope, arguments.iter().map(|(name, _)| name.clone()).collect(), 0, None);
            }
        }
        let mut environments: Vec<Vec<(String, String)>> = Vec::new();
        for (at, stage) in self.stages.iter().enumerate() {
            let Stage { base, instructions, .. } = stage;
            scope.enter(self.stage_named(base, at).map_or_else(Vec::new, |base| environments[base].clone()));
            visit(&scope, Vec::new(), at, None);
            for instruction in instructions {
                let names = scope.take(instruction).unwrap_or_default();
                visit(&scope, names, at, Some(&instruction.action));
            }
            environments.push(scope.environment().to_vec());
        }
    }
}

fn reaches(transfer: &Transfer, destination: &str, wanted: &str) -> bool {
    let below = |path: &str, folder: &str| {
        folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // A folder's content is copied and not the folder: only the whole context has `meta` in it, `COPY meta /` has not.
    let whole = |source: &TransferSource| matches!(source, TransferSource::Path(path) if resolve("", path).is_empty());
    below(destination, wanted) || (below(wanted, destination) && transfer.sources.iter().any(whole))
}
