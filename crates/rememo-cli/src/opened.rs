//! Opens the cache that is there. Looking never makes one, and never moves one aside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rememo::{Event, Found, Store, StoreConfig, Subscriber};

use crate::args::Shared;
use crate::failure::Failure;
use crate::report::complain;
use crate::settings::{access, directory_in_effect};

/// A cache, or the place where there is none yet.
pub struct Opened {
    pub dir: PathBuf,
    /// Who says that it is there.
    pub origin: String,
    pub store: Option<Store>,
}

/// Tells of what is wrong with a cache while it is used.
#[derive(Debug)]
struct Teller;

impl Subscriber for Teller {
    fn on(&self, event: &Event) {
        if let Event::Degraded { what } = event {
            complain("warning", what);
        }
    }
}

/// The cache, if there is one.
pub fn look(shared: &Shared) -> Result<Opened, Failure> {
    let (dir, origin) = directory_in_effect(shared.dir.as_deref())?;
    let store = match Store::found_in(&dir) {
        Ok(Found::Nothing) => None,
        Ok(Found::Current) => Some(make(&dir)?),
        Ok(Found::Other(version)) => return Err(Failure::OtherFormat { dir, version }),
        Ok(Found::Foreign) => {
            let what = if dir.is_dir() {
                "not empty"
            } else {
                "no directory"
            };
            let told = format!("{} is not a cache, and {what}", dir.display());
            return Err(Failure::Unusable(told));
        }
        Err(error) => {
            let told = format!("{} cannot be looked at: {error}", dir.display());
            return Err(Failure::Unusable(told));
        }
    };
    Ok(Opened { dir, origin, store })
}

/// The cache in a directory, which is made if need be.
pub fn make(dir: &Path) -> Result<Store, Failure> {
    Ok(Store::open(StoreConfig {
        access: access(),
        subscriber: Some(Arc::new(Teller)),
        ..StoreConfig::new(dir)
    })?)
}

/// The cache, which must be there.
pub fn open(shared: &Shared) -> Result<Store, Failure> {
    let Opened { dir, origin, store } = look(shared)?;
    store.ok_or_else(|| {
        let origin = if origin == "default" {
            "by default".to_owned()
        } else {
            format!("by {origin}")
        };
        Failure::NoSuch(format!(
            "there is no cache at {} ({origin}): run a memoized function first, or name \
             another directory with --dir",
            dir.display()
        ))
    })
}
