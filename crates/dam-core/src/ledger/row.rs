//! Reading columns as what they mean.

use std::error::Error;
use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::{AppId, HookName};

/// Reads the text of a column as a checked word, a digest or anything else with a text form.
pub(super) fn word<T>(row: &Row, column: &str) -> Result<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    parse(row, column, |text| text.parse())
}

/// Reads the text of a column that may be empty as a checked word.
pub(super) fn optional_word<T>(row: &Row, column: &str) -> Result<Option<T>>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => word(row, column).map(Some),
    }
}

/// Reads the JSON of a column.
pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T> {
    parse(row, column, |text| serde_json::from_str(text))
}

/// Reads the JSON of a column that may be empty.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => json(row, column).map(Some),
    }
}

/// Reads an app of two columns that are both empty if there is none.
pub(super) fn optional_app(row: &Row, name: &str, version: &str) -> Result<Option<AppId>> {
    match row.get_ref(name)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => Ok(Some(AppId { name: word(row, name)?, version: word(row, version)? })),
    }
}

/// Reads the name of a hook.
pub(super) fn hook(row: &Row, column: &str) -> Result<HookName> {
    let named = |text: &str| HookName::ALL.into_iter().find(|hook| hook.file() == text);
    parse(row, column, |text| named(text).ok_or_else(|| NoHook(text.to_owned())))
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no hook")]
struct NoHook(String);

/// Reads a number that counts something.
pub(super) fn count<T: TryFrom<i64, Error: Error + Send + Sync + 'static>>(row: &Row, column: &str) -> Result<T> {
    let index = row.as_ref().column_index(column)?;
    let number: i64 = row.get(index)?;
    T::try_from(number).map_err(|error| fault(index, Type::Integer, error))
}

fn parse<T, E: Error + Send + Sync + 'static>(
    row: &Row,
    column: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T> {
    let index = row.as_ref().column_index(column)?;
    let text = row.get_ref(index)?.as_str()?;
    parse(text).map_err(|error| fault(index, Type::Text, error))
}

fn fault(index: usize, kind: Type, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, kind, Box::new(error))
}

/// Writes a value as JSON for a column.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Gives an enum of states the words it has in JSON, in the database and for people: its variants in lower case.
macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Returns the word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef) -> rusqlite::types::FromSqlResult<Self> {
                match value.as_str()? {
                    $($word => Ok(Self::$variant),)+
                    other => Err(rusqlite::types::FromSqlError::Other(
                        format!(concat!("`{}` is no ", stringify!($name)), other).into(),
                    )),
                }
            }
        }
    };
}

pub(super) use states;
