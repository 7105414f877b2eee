//! Names of the standard library and of a few others by which a function reaches what its
//! arguments and code do not determine.

use super::graph::Options;

/// Names, each with what it reaches; a name ending in a dot stands for all below it.
const SOURCES: &[(&str, &str)] = &[
    ("builtins.hash", "hash seed"),
    ("builtins.id", "identity"),
    ("builtins.input", "terminal"),
    ("datetime.date.today", "clock"),
    ("datetime.datetime.now", "clock"),
    ("datetime.datetime.today", "clock"),
    ("datetime.datetime.utcnow", "clock"),
    ("getpass.getuser", "environment"),
    ("http.client.", "network"),
    ("locale.getlocale", "environment"),
    ("numpy.random.", "random"),
    ("os.getpid", "environment"),
    ("os.getrandom", "random"),
    ("os.system", "processes"),
    ("os.urandom", "random"),
    ("platform.", "environment"),
    ("random.", "random"),
    ("requests.", "network"),
    ("secrets.", "random"),
    ("socket.", "network"),
    ("subprocess.", "processes"),
    ("sys.argv", "environment"),
    ("sys.stdin", "terminal"),
    ("time.ctime", "clock"),
    ("time.gmtime", "clock"),
    ("time.localtime", "clock"),
    ("time.time", "clock"),
    ("time.time_ns", "clock"),
    ("urllib.request.", "network"),
    ("uuid.uuid1", "random"),
    ("uuid.uuid4", "random"),
    ("gc.get_objects", "computed names"),
    ("gc.get_referrers", "computed names"),
    ("inspect.currentframe", "computed names"),
    ("inspect.stack", "computed names"),
    ("sys._getframe", "computed names"),
    ("sys.modules", "computed names"),
];

/// Remembers a use of a library's name, and of the attribute read from it, if they are sources.
pub(super) fn note(name: &str, rest: &[String], options: &Options, path: &str) {
    let mut found = lookup(name).map(|kind| (name.to_owned(), kind));
    if let (None, Some(attribute)) = (&found, rest.first()) {
        let longer = format!("{name}.{attribute}");
        found = lookup(&longer).map(|kind| (longer, kind));
    }
    if let Some((name, kind)) = found {
        remember(name, kind, options, path);
    }
}

fn remember(name: String, kind: &'static str, options: &Options, path: &str) {
    let user = path.rsplit(" -> ").next().unwrap_or(path);
    options
        .impurities
        .borrow_mut()
        .insert((user.to_owned(), name, kind));
}

fn lookup(name: &str) -> Option<&'static str> {
    // A seeded generator is as good as its seed.
    if matches!(
        name,
        "numpy.random.Generator" | "numpy.random.default_rng" | "random.Random"
    ) {
        return None;
    }
    let matches = |source: &str| match source.strip_suffix('.') {
        Some(_) => name.starts_with(source),
        None => name == source,
    };
    SOURCES
        .iter()
        .find(|(source, _)| matches(source))
        .map(|(_, kind)| *kind)
}
