//! The newest versions of a repository.

use crate::app::Version;
use crate::version_order;

/// Collects tags that come one by one, in any order and any number, and keeps the newest.
pub(super) struct NewestFirst {
    /// How many are kept; all where there is no limit.
    limit: Option<usize>,
    kept: Vec<Version>,
    dropped: usize,
}

/// How many tags may be kept beyond twice the limit before the oldest are dropped, so that few are sorted seldom.
const SLACK: usize = 64;

impl NewestFirst {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Self { limit, kept: Vec::new(), dropped: 0 }
    }

    /// Takes a tag. What is no tag, or names a signature and the like, is no version.
    pub(super) fn offer(&mut self, tag: &str) {
        if version_order::is_attachment(tag) {
            return;
        }
        self.kept.extend(tag.parse::<Version>());
        if self.limit.is_some_and(|limit| self.kept.len() >= limit.saturating_mul(2).saturating_add(SLACK)) {
            self.settle();
        }
    }

    /// Returns the versions, newest first, and how many older ones there are.
    pub(super) fn versions(mut self) -> (Vec<Version>, usize) {
        self.settle();
        (self.kept, self.dropped)
    }

    fn settle(&mut self) {
        version_order::newest_first(&mut self.kept);
        self.kept.dedup();
        let limit = self.limit.unwrap_or(usize::MAX).min(self.kept.len());
        self.dropped += self.kept.len() - limit;
        self.kept.truncate(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::NewestFirst;

    fn newest_first(limit: Option<usize>, tags: impl IntoIterator<Item = String>) -> (String, usize) {
        let mut versions = NewestFirst::new(limit);
        tags.into_iter().for_each(|tag| versions.offer(&tag));
        let (kept, more) = versions.versions();
        (kept.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), more)
    }

    fn words(text: &str) -> impl Iterator<Item = String> {
        text.split_whitespace().map(str::to_owned)
    }

    #[test]
    fn versions_come_newest_first_as_they_are_written() {
        let dam_1 = "latest v1.2 1.10.0 1.9.0 2 1.2.3-rc1 1.2.3 3.4.2_1 Beta";
        let sorted = "3.4.2_1 2 1.10.0 1.9.0 1.2.3 1.2.3-rc1 v1.2 latest Beta";
        assert_eq!(newest_first(None, words(dam_1)), (sorted.to_owned(), 0));
        assert_eq!(newest_first(Some(2), words(dam_1)), ("3.4.2_1 2".to_owned(), 7));
    }

    #[test]
    fn a_million_tags_need_the_room_of_a_few() {
        let tags = (0..100_000).map(|number| format!("1.{}.{}", number % 1000, number / 1000));
        assert_eq!(newest_first(Some(3), tags), ("1.999.99 1.999.98 1.999.97".to_owned(), 99_997));
    }

    #[test]
    fn signatures_and_what_is_no_tag_are_no_versions() {
        let tags = [format!("sha256-{}.sig", "a".repeat(64)), "\u{1b}[2J".into(), "1.0".into(), "1.0".into()];
        assert_eq!(newest_first(Some(5), tags), ("1.0".to_owned(), 0));
    }
}
