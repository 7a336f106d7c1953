//! The config of the image under construction.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::base::Base;
use crate::{Digest, Error, Platform, Result};

/// When every image built here was created: content decides the digest, not the clock.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// An image config as JSON, so that what a base image says and dam does not know is carried on.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md>, and for what Docker adds
/// <https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md>.
#[derive(Debug, Clone)]
pub(super) struct Document(Map<String, Value>);

impl Document {
    /// The config of an image of nothing.
    pub(super) fn scratch(platform: &Platform) -> Self {
        let mut document = Map::new();
        document.insert("created".to_owned(), CREATED.into());
        document.insert("architecture".to_owned(), platform.architecture.clone().into());
        document.insert("os".to_owned(), platform.os.clone().into());
        if let Some(variant) = &platform.variant {
            document.insert("variant".to_owned(), variant.clone().into());
        }
        Self(document)
    }

    /// Goes on from the config of `base`.
    pub(super) fn of(base: &Base) -> Result<Self> {
        let what = || "config of a base image".to_owned();
        match serde_json::from_slice(&base.document) {
            Ok(Value::Object(mut document)) => {
                document.insert("created".to_owned(), CREATED.into());
                Ok(Self(document))
            }
            Ok(_) => Err(Error::damaged(what(), "it is no JSON object")),
            Err(source) => Err(Error::Json { what: what(), source }),
        }
    }

    /// Sets a field of the container's defaults, such as `Cmd`.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        object(&mut self.0, "config").insert(key.to_owned(), value.into());
    }

    /// Takes out a field of the container's defaults.
    pub(super) fn unset(&mut self, key: &str) {
        object(&mut self.0, "config").shift_remove(key);
    }

    /// Sets a key of a map in the container's defaults, such as a label.
    pub(super) fn set_in(&mut self, map: &str, key: &str, value: impl Into<Value>) {
        object(object(&mut self.0, "config"), map).insert(key.to_owned(), value.into());
    }

    /// Returns a text of the container's defaults, empty if it is not there.
    pub(super) fn text(&self, key: &str) -> &str {
        self.field(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns a list of texts of the container's defaults.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let values = self.field(key).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Returns the environment.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let pair = |line: &String| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            (name.to_owned(), value.to_owned())
        };
        self.list("Env").iter().map(pair).collect()
    }

    pub(super) fn set_author(&mut self, author: String) {
        self.0.insert("author".to_owned(), author.into());
    }

    /// Notes an instruction in the history.
    pub(super) fn note(&mut self, instruction: &str, made_layer: bool) {
        let mut entry = json!({ "created": CREATED, "created_by": instruction });
        if !made_layer {
            entry["empty_layer"] = true.into();
        }
        match self.0.entry("history").or_insert_with(|| json!([])) {
            Value::Array(history) => history.push(entry),
            other => *other = json!([entry]),
        }
    }

    /// Overrides labels, notes the layers, and returns the bytes.
    pub(super) fn finish(mut self, diff_ids: &[Digest]) -> Vec<u8> {
        self.0.insert("rootfs".to_owned(), json!({ "type": "layers", "diff_ids": diff_ids }));
        serde_json::to_vec(&self.0).expect("a map with string keys")
    }

    /// Sets `labels` on top of what is there.
    pub(super) fn label(&mut self, labels: &BTreeMap<String, String>) {
        for (key, value) in labels {
            self.set_in("Labels", key, value.as_str());
        }
    }

    fn field(&self, key: &str) -> Option<&Value> {
        self.0.get("config").and_then(|config| config.get(key))
    }
}

/// Returns the object at `key`, in the place of anything else: Docker writes `null` where a map is empty.
fn object<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made an object above")
}
