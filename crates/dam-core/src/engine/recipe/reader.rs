//! Reading values of a recipe, and noting what is wrong with them.

use std::fmt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Reason, RecipeFault};
use super::{Pins, keys};

/// A reader of one recipe, which goes on after a fault.
pub(super) struct Reader<'d> {
    text: &'d str,
    /// The folder of the recipe.
    pub(super) folder: &'d Path,
    pub(super) pins: Pins,
    pub(super) faults: Vec<RecipeFault>,
}

/// A section of a recipe, or one that is not there.
pub(super) struct Section<'d> {
    name: &'static str,
    /// The line it begins in.
    pub(super) line: usize,
    table: Option<&'d DeTable<'d>>,
}

impl Section<'_> {
    /// Returns one of its keys as messages name it.
    pub(super) fn key(&self, key: &str) -> String {
        keys::full(self.name, key)
    }
}

/// A value, and the line of its key.
pub(super) type Found<'d> = (usize, &'d DeValue<'d>);

impl<'d> Reader<'d> {
    pub(super) fn new(text: &'d str, folder: &'d Path, pins: Pins) -> Self {
        Self { text, folder, pins, faults: Vec::new() }
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, line: usize, reason: Reason) {
        self.faults.push(RecipeFault { line, reason });
    }

    /// Notes what is wrong with the value of a key.
    pub(super) fn refuse(&mut self, line: usize, section: &Section, key: &str, reason: impl fmt::Display) {
        let key = section.key(key);
        self.fault(line, Reason::Value { key, reason: reason.to_string() });
    }

    /// Notes that a value is of the wrong kind.
    fn mistyped(&mut self, line: usize, section: &Section, key: &str, wanted: &'static str) {
        self.fault(line, Reason::Kind { key: section.key(key), wanted });
    }

    /// Begins with the keys before the first section.
    pub(super) fn top(&mut self, document: &'d DeTable<'d>) -> Section<'d> {
        self.check("", document);
        Section { name: "", line: 1, table: Some(document) }
    }

    /// Finds a section.
    pub(super) fn section(&mut self, document: &'d DeTable<'d>, name: &'static str) -> Section<'d> {
        let Some((key, value)) = document.get_key_value(name) else { return Section { name, line: 1, table: None } };
        self.section_of(name, self.line(key), value.get_ref())
    }

    /// Finds a list of sections.
    pub(super) fn sections(&mut self, document: &'d DeTable<'d>, name: &'static str) -> Vec<Section<'d>> {
        let Some((key, value)) = document.get_key_value(name) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            let line = self.line(key);
            self.fault(
                line,
                Reason::Kind { key: name.to_owned(), wanted: "sections with double brackets: `[[files]]`" },
            );
            return Vec::new();
        };
        array
            .iter()
            .map(|value| self.section_of(name, line_of(self.text, value.span().start), value.get_ref()))
            .collect()
    }

    fn section_of(&mut self, name: &'static str, line: usize, value: &'d DeValue<'d>) -> Section<'d> {
        let DeValue::Table(table) = value else {
            self.fault(line, Reason::Kind { key: name.to_owned(), wanted: "a section of keys" });
            return Section { name, line, table: None };
        };
        self.check(name, table);
        Section { name, line, table: Some(table) }
    }

    /// Notes keys that are not known.
    fn check(&mut self, section: &str, table: &DeTable<'d>) {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            let is_known = keys::of(section).contains(&name) || (section.is_empty() && keys::is_section(name));
            if !is_known {
                let reason = Reason::Unknown { key: keys::full(section, name), nearest: keys::nearest(section, name) };
                self.fault(self.line(key), reason);
            }
        }
    }

    /// Finds a value of any kind.
    pub(super) fn find(&self, section: &Section<'d>, key: &'static str) -> Option<Found<'d>> {
        debug_assert!(keys::of(section.name).contains(&key), "`{key}` is listed");
        let (key, value) = section.table?.get_key_value(key)?;
        Some((self.line(key), value.get_ref()))
    }

    /// Reads a text, and its line.
    pub(super) fn text(&mut self, section: &Section<'d>, key: &'static str) -> Option<(usize, &'d str)> {
        match self.find(section, key)? {
            (line, DeValue::String(text)) => Some((line, text)),
            (line, _) => {
                self.mistyped(line, section, key, "text in quotes");
                None
            }
        }
    }

    /// Reads a text that must be something.
    pub(super) fn value<T, E: fmt::Display>(
        &mut self,
        section: &Section<'d>,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let (line, text) = self.text(section, key)?;
        parse(text).map_err(|reason| self.refuse(line, section, key, reason)).ok()
    }

    /// Reads `true` or `false`.
    pub(super) fn switch(&mut self, section: &Section<'d>, key: &'static str) -> Option<bool> {
        match self.find(section, key)? {
            (_, DeValue::Boolean(is_on)) => Some(*is_on),
            (line, _) => {
                self.mistyped(line, section, key, "true or false");
                None
            }
        }
    }

    /// Reads a number that is not negative.
    pub(super) fn number(&mut self, section: &Section<'d>, key: &'static str) -> Option<u32> {
        let (line, value) = self.find(section, key)?;
        let number = value.as_integer().and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        if number.is_none() {
            self.mistyped(line, section, key, "a whole number from 0 on");
        }
        number
    }

    /// Reads a list of texts.
    pub(super) fn list<T, E: fmt::Display>(
        &mut self,
        section: &Section<'d>,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let (line, value) = self.find(section, key)?;
        let Some(array) = value.as_array() else {
            self.mistyped(line, section, key, "a list of texts: [\"one\", \"another\"]");
            return None;
        };
        let mut list = Vec::new();
        for value in array.iter() {
            let line = line_of(self.text, value.span().start);
            let Some(text) = value.get_ref().as_str() else {
                self.mistyped(line, section, key, "a list of texts: [\"one\", \"another\"]");
                continue;
            };
            match parse(text) {
                Ok(value) => list.push(value),
                Err(reason) => self.refuse(line, section, key, reason),
            }
        }
        Some(list)
    }

    fn line(&self, key: &Spanned<DeString>) -> usize {
        line_of(self.text, key.span().start)
    }
}

/// Returns the line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count()
}
