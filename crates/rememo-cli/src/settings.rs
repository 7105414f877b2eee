//! Settings in effect, and who says each: the same as in Python, which a test of both sees to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::User;
use rememo::{Access, Trust};
use schemars::JsonSchema;
use serde::Serialize;
use toml::Table;

use crate::failure::Failure;
use crate::paths::{absolute, exists, expanded, folders_of, leads_into};
use crate::report::complain;

const PROJECT_MARKERS: [&str; 5] = ["pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg"];
const DEFAULT: &str = "default";

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    Nothing,
    Flag(bool),
    Text(Cow<'static, str>),
}

/// What a setting comes to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Setting {
    /// Its value.
    pub value: Value,
    /// Who says so: an option, a variable of the environment, a file, or "default".
    pub origin: String,
    /// What it is about.
    pub meaning: &'static str,
}

struct Declared {
    name: &'static str,
    is_flag: bool,
    variable: &'static str,
    in_project: bool,
    default: Value,
    meaning: &'static str,
}

static DECLARED: [Declared; 12] = {
    const fn flag(
        name: &'static str,
        variable: &'static str,
        in_project: bool,
        default: bool,
        meaning: &'static str,
    ) -> Declared {
        Declared {
            name,
            is_flag: true,
            variable,
            in_project,
            default: Value::Flag(default),
            meaning,
        }
    }
    const fn text(
        name: &'static str,
        variable: &'static str,
        in_project: bool,
        default: Value,
        meaning: &'static str,
    ) -> Declared {
        Declared {
            name,
            is_flag: false,
            variable,
            in_project,
            default,
            meaning,
        }
    }
    const fn usually(text: &'static str) -> Value {
        Value::Text(Cow::Borrowed(text))
    }
    let wide = "keep them in the user's cache directory";
    [
        text(
            "dir",
            "REMEMO_DIR",
            true,
            Value::Nothing,
            "where results are kept",
        ),
        flag("system_wide", "REMEMO_SYSTEM_WIDE", true, false, wide),
        flag(
            "enabled",
            "",
            true,
            true,
            "memoize the functions of the project",
        ),
        flag(
            "disable",
            "REMEMO_DISABLE",
            false,
            false,
            "memoize nothing, caches included",
        ),
        flag(
            "paranoid",
            "REMEMO_PARANOID",
            false,
            false,
            "check each hit from memory",
        ),
        text(
            "max_size",
            "REMEMO_MAX_SIZE",
            true,
            Value::Nothing,
            "the most that results may take",
        ),
        text(
            "policy",
            "REMEMO_POLICY",
            true,
            Value::Nothing,
            "what goes first when it is full",
        ),
        text(
            "durability",
            "REMEMO_DURABILITY",
            false,
            usually("background"),
            "what a stored result survives",
        ),
        text(
            "flush_every",
            "REMEMO_FLUSH_EVERY",
            false,
            usually("0.02"),
            "seconds until results are stored",
        ),
        text(
            "trust_owner",
            "REMEMO_TRUST_OWNER",
            false,
            Value::Nothing,
            "whose directory may be read",
        ),
        text(
            "shared",
            "REMEMO_SHARED",
            false,
            Value::Nothing,
            "who else may write to it",
        ),
        flag(
            "read_only",
            "REMEMO_READ_ONLY",
            false,
            false,
            "add nothing to what is kept",
        ),
    ]
};

/// Settings by name, in the order in which they are told of.
pub type Settings = Vec<(&'static str, Setting)>;

/// The settings for functions of the project in the current directory.
pub fn in_effect(dir: Option<&Path>) -> Result<Settings, Failure> {
    let (path, origin, mut settings) = looked_up(dir)?;
    settings[0].1.value = Value::Text(path.display().to_string().into());
    settings[0].1.origin = origin;
    Ok(settings)
}

/// The directory alone, and who says so.
pub fn directory_in_effect(dir: Option<&Path>) -> Result<(PathBuf, String), Failure> {
    let (path, origin, _) = looked_up(dir)?;
    Ok((path, origin))
}

/// The directory, who says so, and what is said of all settings.
fn looked_up(dir: Option<&Path>) -> Result<(PathBuf, String, Settings), Failure> {
    let folders = folders_of(Path::new("."))?;
    let project = folders
        .iter()
        .find(|folder| folder.join("pyproject.toml").is_file());
    let pyproject = project.map(|folder| folder.join("pyproject.toml"));
    let table = pyproject.as_deref().map(table_of).unwrap_or_default();
    let settings: Settings = DECLARED
        .iter()
        .map(|declared| (declared.name, said(declared, &table, pyproject.as_deref())))
        .collect();
    let (path, origin) = match dir {
        Some(dir) => (absolute(dir)?, "--dir".to_owned()),
        None => directory(&settings, &folders, project.map(PathBuf::as_path))?,
    };
    Ok((path, origin, settings))
}

fn said(declared: &Declared, table: &BTreeMap<String, Value>, pyproject: Option<&Path>) -> Setting {
    let Declared {
        is_flag,
        variable,
        meaning,
        ref default,
        ..
    } = *declared;
    let of = |value, origin: &str| Setting {
        value,
        origin: origin.to_owned(),
        meaning,
    };
    if let Some(text) = environment(variable) {
        let text = text.to_string_lossy().into_owned();
        let value = if is_flag {
            Value::Flag(text != "0")
        } else {
            Value::Text(text.into())
        };
        return of(value, variable);
    }
    match (table.get(declared.name), pyproject) {
        (Some(value), Some(file)) => of(value.clone(), &file.display().to_string()),
        _ => of(default.clone(), DEFAULT),
    }
}

/// A variable of the environment that says something.
fn environment(name: &str) -> Option<OsString> {
    if name.is_empty() {
        return None;
    }
    env::var_os(name).filter(|text| !text.is_empty())
}

/// What `[tool.rememo]` of a file says that makes sense.
fn table_of(pyproject: &Path) -> BTreeMap<String, Value> {
    let ignored = |why: &str| {
        let told = format!("ignored {}: {why}", pyproject.display());
        complain("warning", &told);
    };
    let text = match fs::read_to_string(pyproject) {
        Ok(text) if !text.contains("rememo") => return BTreeMap::new(),
        Ok(text) => text,
        Err(error) => {
            ignored(&error.to_string());
            return BTreeMap::new();
        }
    };
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            ignored(&error.to_string());
            return BTreeMap::new();
        }
    };
    let ours = table.get("tool").and_then(|tool| tool.get("rememo"));
    let ours = ours
        .and_then(toml::Value::as_table)
        .cloned()
        .unwrap_or_default();
    ours.into_iter()
        // A table of its own, which Python's `rememo.auto` reads.
        .filter(|(name, _)| name != "auto")
        .filter_map(|(name, value)| Some((name.clone(), sensible(&name, &value, pyproject)?)))
        .collect()
}

fn sensible(name: &str, value: &toml::Value, pyproject: &Path) -> Option<Value> {
    let declared = DECLARED
        .iter()
        .find(|declared| declared.name == name && declared.in_project);
    let why = match (declared, value) {
        (None, _) => "there is no such setting".to_owned(),
        (Some(declared), toml::Value::Boolean(flag)) if declared.is_flag => {
            return Some(Value::Flag(*flag));
        }
        (Some(declared), toml::Value::String(text)) if !declared.is_flag && !text.is_empty() => {
            return Some(Value::Text(text.clone().into()));
        }
        (Some(_), _) => {
            let wanted = match name {
                "dir" => "a path",
                "max_size" => "a size, as \"10 GiB\"",
                "policy" => "a name",
                _ => "true or false",
            };
            format!("it must be {wanted}, not of type {}", value.type_str())
        }
    };
    let place = pyproject.display();
    complain(
        "warning",
        &format!("ignored `{name}` in [tool.rememo] of {place}: {why}"),
    );
    None
}

/// The directory: the first place that something says, in the order that the documentation has.
fn directory(
    settings: &Settings,
    folders: &[PathBuf],
    project: Option<&Path>,
) -> Result<(PathBuf, String), Failure> {
    let (named, wide) = (&settings[0].1, &settings[1].1);
    let is_wide = wide.value == Value::Flag(true);
    // Which need be no text.
    if let Some(path) = environment("REMEMO_DIR") {
        return Ok((absolute(Path::new(&path))?, "REMEMO_DIR".to_owned()));
    }
    if is_wide && wide.origin == "REMEMO_SYSTEM_WIDE" {
        return Ok((user_cache()?, wide.origin.clone()));
    }
    if let (Value::Text(path), Some(project)) = (&named.value, project)
        && let Some(path) = configured(project, Path::new(&**path))?
    {
        return Ok((path, named.origin.clone()));
    }
    if is_wide {
        return Ok((user_cache()?, wide.origin.clone()));
    }
    let home = match root(folders)? {
        Some(root) => root.join(".rememo"),
        None => user_cache()?,
    };
    Ok((home, DEFAULT.to_owned()))
}

fn configured(project: &Path, named: &Path) -> Result<Option<PathBuf>, Failure> {
    let path = expanded(named)?;
    let whole = project.join(&path);
    if path.is_absolute() || leads_into(project, &whole) {
        return Ok(Some(whole));
    }
    let (named, file) = (named.display(), project.join("pyproject.toml"));
    complain(
        "warning",
        &format!(
            "ignored `dir` in [tool.rememo] of {}: '{named}' leads out of the project; if it is \
             meant to, write it as an absolute path",
            file.display()
        ),
    );
    Ok(None)
}

fn root(folders: &[PathBuf]) -> Result<Option<&Path>, Failure> {
    for folder in folders {
        for marker in PROJECT_MARKERS {
            if exists(&folder.join(marker))? {
                return Ok(Some(folder));
            }
        }
    }
    Ok(None)
}

/// The directory for functions of no project, or of all.
fn user_cache() -> Result<PathBuf, Failure> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    // The XDG specification has relative paths ignored.
    let base = match base.filter(|base| base.is_absolute()) {
        Some(base) => base,
        None => expanded(Path::new("~"))?.join(".cache"),
    };
    Ok(base.join("rememo"))
}

/// Who else may have written what a cache holds, as the environment says it.
pub fn access() -> Access {
    let ignored = |name: &str, why: &str| complain("warning", &format!("ignored {name}: {why}"));
    let owner = environment("REMEMO_TRUST_OWNER").map(|text| text.to_string_lossy().into_owned());
    let trust = owner.map_or(Trust::Nobody, |name| {
        owner_of(&name).unwrap_or_else(|| {
            let why = format!("trust_owner='{name}': there is no user of that name");
            ignored("REMEMO_TRUST_OWNER", &why);
            Trust::Nobody
        })
    });
    let shared = environment("REMEMO_SHARED");
    if let Some(shared) = shared.as_ref().filter(|text| *text != "group") {
        let why = format!("shared must be \"group\", not '{}'", shared.display());
        ignored("REMEMO_SHARED", &why);
    }
    Access {
        trust,
        shared: shared.is_some_and(|text| text == "group"),
        read_only: environment("REMEMO_READ_ONLY").is_some_and(|text| text != "0"),
    }
}

fn owner_of(name: &str) -> Option<Trust> {
    match &*name.to_lowercase() {
        "true" => return Some(Trust::Anybody),
        "false" => return Some(Trust::Nobody),
        _ => {}
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Trust::User(name.parse().ok()?));
    }
    let user = User::from_name(name).ok()??;
    Some(Trust::User(user.uid.as_raw()))
}
