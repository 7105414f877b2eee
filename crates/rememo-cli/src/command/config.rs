//! `rememo config`: the settings in effect, and who says each.

use std::collections::BTreeMap;
use std::io;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::args::Shared;
use crate::failure::Failure;
use crate::page::{FAINT, NAME, Page, Table, USUAL};
use crate::report::Report;
use crate::settings::{Setting, Settings, Value, in_effect};

/// Settings by name.
pub struct Config(Settings);

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, setting)| (name, setting)))
    }
}

impl JsonSchema for Config {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Config".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        BTreeMap::<String, Setting>::json_schema(generator)
    }
}

pub fn run(shared: &Shared) -> Result<Config, Failure> {
    Ok(Config(in_effect(shared.dir.as_deref())?))
}

impl Report for Config {
    fn write(&self, page: &mut Page) -> io::Result<()> {
        let mut table = Table::new(&["SETTING", "VALUE", "SAID BY", "MEANING"]);
        for (
            name,
            Setting {
                value,
                origin,
                meaning,
            },
        ) in &self.0
        {
            let value = match value {
                Value::Nothing => "-",
                Value::Flag(true) => "yes",
                Value::Flag(false) => "no",
                Value::Text(text) => text,
            };
            table.add([
                (NAME, name),
                (USUAL, value),
                (USUAL, origin),
                (FAINT, meaning),
            ]);
        }
        page.table(&table)
    }
}
