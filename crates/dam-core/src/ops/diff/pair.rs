//! Which app of one side stands against which of the other.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::AppChange;
use super::side::{Side, SideApp};
use crate::Result;
use crate::app::Release;
use crate::compare::{FileChange, hooks, hooks_across};
use crate::version_order;

/// An app by its place in the old product, in the new one, or in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) old: Option<usize>,
    pub(super) new: Option<usize>,
}

/// Pairs the apps: those of one version with each other, and of what is left of a name the only one of each side. Where several
/// are left, nobody can say which takes the place of which.
pub(super) fn pairs(old: &Side, new: &Side) -> Vec<Pair> {
    let mut partners: Vec<Option<usize>> = vec![None; new.apps.len()];
    let mut left: Vec<usize> = (0..old.apps.len()).collect();
    pair_by(&mut partners, &mut left, |at| &new.apps[at].id, |at| &old.apps[at].id, |_| true);
    pair_by(&mut partners, &mut left, |at| &new.apps[at].id.name, |at| &old.apps[at].id.name, |alone| alone);
    let gone = left.into_iter().map(|at| Pair { old: Some(at), new: None });
    partners.into_iter().enumerate().map(|(at, old)| Pair { old, new: Some(at) }).chain(gone).collect()
}

/// Pairs apps of one key that have no partner yet, and takes them out of `left`; `is_wanted` is told whether both are the
/// only ones of their key.
fn pair_by<'a, K: Hash + Eq + 'a>(
    partners: &mut [Option<usize>],
    left: &mut Vec<usize>,
    new_key: impl Fn(usize) -> &'a K,
    old_key: impl Fn(usize) -> &'a K,
    is_wanted: impl Fn(bool) -> bool,
) {
    let mut by_key: HashMap<&K, (Vec<usize>, Vec<usize>)> = HashMap::new();
    left.iter().for_each(|&at| by_key.entry(old_key(at)).or_default().0.push(at));
    let free = partners.iter().enumerate().filter(|(_, partner)| partner.is_none());
    free.for_each(|(at, _)| by_key.entry(new_key(at)).or_default().1.push(at));
    let mut taken = HashSet::new();
    for (before, after) in by_key.into_values() {
        if is_wanted(before.len() == 1 && after.len() == 1) {
            for (old, new) in before.into_iter().zip(after) {
                partners[new] = Some(old);
                taken.insert(old);
            }
        }
    }
    left.retain(|at| !taken.contains(at));
}

/// Says how an app changes, and which of its files below `/meta` do.
pub(super) fn compare(
    (old_side, old): (&mut Side, usize),
    (new_side, new): (&mut Side, usize),
) -> Result<(AppChange, Option<Vec<FileChange>>)> {
    let (before, after) = (&old_side.apps[old], &new_side.apps[new]);
    let order = version_order::compare(&before.id.version, &after.id.version);
    if order == Ordering::Equal && is_one_image(before, after) {
        return Ok((AppChange::Same, Some(Vec::new())));
    }
    let (before, after) = (old_side.release(old)?.cloned(), new_side.release(new)?.cloned());
    let change = match (order, &before, &after) {
        (Ordering::Less, ..) => AppChange::Upgrade,
        (Ordering::Greater, ..) => AppChange::Downgrade,
        (Ordering::Equal, Some(before), Some(after)) if is_same(before, after) => AppChange::Same,
        (Ordering::Equal, Some(_), Some(_)) => AppChange::OtherImage,
        (Ordering::Equal, ..) => AppChange::SameVersion,
    };
    let hooks = match (before, after) {
        (Some(before), Some(after)) => {
            Some(hooks_across((&old_side.keep, Some(&before.meta)), (&new_side.keep, Some(&after.meta)))?)
        }
        _ => None,
    };
    Ok((change, hooks))
}

/// Says what is below `/meta` of an app, as if all of it had been added.
pub(super) fn scripts(side: &mut Side, at: usize) -> Result<Option<Vec<FileChange>>> {
    let Some(meta) = side.release(at)?.map(|release| release.meta) else { return Ok(None) };
    hooks(&side.keep, None, Some(&meta)).map(Some)
}

/// Tells whether two apps are one image of one name, as their documents say.
fn is_one_image(one: &SideApp, other: &SideApp) -> bool {
    one.reference == other.reference && one.images.iter().any(|image| other.images.contains(image))
}

/// Tells whether two releases are the same to whoever installs them, whatever ids their stores give them.
fn is_same(one: &Release, other: &Release) -> bool {
    one.meta == other.meta && one.diff_ids == other.diff_ids && one.app == other.app
}
